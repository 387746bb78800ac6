import PDFDocument from 'pdfkit'
import type { SymbolModules } from './symbol.ts'

/** One barcode on a sheet, with its name in words. */
export interface Card {
  readonly name: string
  readonly symbol: SymbolModules
  /** What is printed below it; characters beyond Latin-1 are not in the PDF's own fonts. */
  readonly caption: string
}

export interface Section {
  readonly heading: string
  readonly lead: string
  readonly columns: 1 | 2
  /** Names and what belongs to them, above the cards. */
  readonly rows?: readonly (readonly [name: string, value: string])[]
  readonly cards: readonly Card[]
}

const millimetre = 72 / 25.4
const page = { width: 210 * millimetre, height: 297 * millimetre, margin: 14 * millimetre }
const inner = page.width - 2 * page.margin
const gap = 6 * millimetre
/** The narrowest module that every scanner reads (0.33 mm, 13 mil), and the widest that is worth its paper. */
const linearModule = { least: 0.33 * millimetre, most: 0.5 * millimetre }
const matrixModule = 0.8 * millimetre
/** Modules of white around a symbol: ISO/IEC 15417 asks for 10 beside a Code 128, ISO/IEC 18004 for 4 around a QR code. */
const quiet = { linear: 10, matrix: 4 } as const
const barHeight = 14 * millimetre
const nameHeight = 16
const captionHeight = 12
const nameWidth = 60 * millimetre

/** Tells whether a symbol fits the width of a card at the narrowest module. */
export function fitsCard(symbol: SymbolModules, columns: 1 | 2): boolean {
  return symbol.kind === 'matrix' || moduleOf(symbol, columns) >= linearModule.least
}

/** Lays sections of cards out on pages of A4, each with the sheet's title and its number; answers the PDF. */
export async function layOut(sheet: {
  readonly title: string
  readonly lead: string
  readonly sections: readonly Section[]
}): Promise<Uint8Array<ArrayBuffer>> {
  const document = new PDFDocument({
    size: 'A4',
    margin: 0,
    compress: false,
    info: { Title: sheet.title, Creator: 'Capstan' },
  })
  const pieces: Uint8Array[] = []
  const written = new Promise<void>((resolve, reject) => {
    document.on('data', (piece: Uint8Array) => pieces.push(piece))
    document.on('end', resolve)
    document.on('error', reject)
  })

  let number = 1
  let y = page.margin
  const write = (text: string, x: number, size: number, width: number, isBold = false): void => {
    document.font(isBold ? 'Helvetica-Bold' : 'Helvetica').fontSize(size)
    const height = document.heightOfString(text, { width })
    document.fillColor('black').text(text, x, y, { width })
    y += height
  }
  const footer = (): void => {
    document.font('Helvetica').fontSize(8).fillColor('black')
    document.text(`${sheet.title}, page ${number}`, page.margin, page.height - 9 * millimetre, { lineBreak: false })
  }
  const breakBefore = (height: number): void => {
    if (y + height <= page.height - page.margin) return
    footer()
    document.addPage()
    number += 1
    y = page.margin
  }

  write(sheet.title, page.margin, 20, inner, true)
  y += 4
  write(sheet.lead, page.margin, 10, inner)
  for (const { heading, lead, columns, cards, rows = [] } of sheet.sections) {
    y += gap
    breakBefore(40 + Math.max(0, ...cards.slice(0, 1).map(heightOf)))
    write(heading, page.margin, 13, inner, true)
    write(lead, page.margin, 9, inner)
    y += 6
    for (const [name, value] of rows) {
      document.font('Helvetica').fontSize(11)
      breakBefore(document.heightOfString(value, { width: inner - nameWidth }) + 4)
      const top = y
      write(name, page.margin, 11, nameWidth)
      y = top
      write(value, page.margin + nameWidth, 11, inner - nameWidth, true)
      y += 4
    }
    const width = widthOf(columns)
    for (let at = 0; at < cards.length; at += columns) {
      const row = cards.slice(at, at + columns)
      const height = Math.max(...row.map(heightOf))
      breakBefore(height)
      const top = y
      for (const [column, card] of row.entries()) {
        const x = page.margin + column * (width + gap)
        y = top
        write(card.name, x, 12, width, true)
        drawModules(document, card.symbol, columns, x, top + nameHeight)
        y = top + nameHeight + symbolHeight(card.symbol) + 3
        write(card.caption, x, 8, width)
      }
      y = top + height + gap
    }
  }
  footer()
  document.end()
  await written
  return new Uint8Array(Buffer.concat(pieces))
}

function widthOf(columns: 1 | 2): number {
  return columns === 1 ? inner : (inner - gap) / 2
}

function moduleOf(symbol: SymbolModules, columns: 1 | 2): number {
  if (symbol.kind === 'matrix') return matrixModule
  return Math.min(linearModule.most, widthOf(columns) / (symbol.width + 2 * quiet.linear))
}

function symbolHeight(symbol: SymbolModules): number {
  return symbol.kind === 'linear' ? barHeight : (symbol.height + 2 * quiet.matrix) * matrixModule
}

function heightOf(card: Card): number {
  return nameHeight + symbolHeight(card.symbol) + captionHeight
}

/** Each run of dark modules as one rectangle, in one path: bars stay sharp on any printer. */
function drawModules(document: PDFKit.PDFDocument, symbol: SymbolModules, columns: 1 | 2, x: number, y: number): void {
  const module = moduleOf(symbol, columns)
  if (!fitsCard(symbol, columns)) throw new RangeError('the symbol is wider than its card')
  const left = x + quiet[symbol.kind] * module
  const top = symbol.kind === 'matrix' ? y + quiet.matrix * module : y
  const rowHeight = symbol.kind === 'matrix' ? module : barHeight
  for (let row = 0; row < symbol.height; row += 1) {
    let from = 0
    for (let column = 0; column <= symbol.width; column += 1) {
      if (column < symbol.width && symbol.isDark(column, row)) continue
      if (column > from) document.rect(left + from * module, top + row * rowHeight, (column - from) * module, rowHeight)
      from = column + 1
    }
  }
  document.fill('black')
}
