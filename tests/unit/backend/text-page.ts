import type { Page, PageLine } from '#backend/vision/ocr/page.ts'

const letterWidth = 10
const lineHeight = 24
const textHeight = 20

/**
 * A page as the reader would answer it, drawn in letters: each line a line, two spaces or more between pieces that were
 * found apart. A line that begins with `#` is set three times as large.
 */
export function pageOf(drawing: string): Page {
  const lines: PageLine[] = []
  let y = 20
  const rows = drawing.replace(/^\n|\n\s*$/g, '').split('\n')
  for (const row of rows) {
    const scale = row.startsWith('#') ? 3 : 1
    const text = row.replace(/^#/, '')
    for (const match of text.matchAll(/\S+(?: \S+)*/g)) {
      lines.push(lineAt(match[0], 20 + match.index * letterWidth * scale, y, scale))
    }
    y += lineHeight * scale
  }
  return { width: 1600, height: Math.max(400, y + 40), language: 'eng', lines, heard: [] }
}

function lineAt(text: string, left: number, top: number, scale: number): PageLine {
  const box = (from: number, to: number): PageLine['corners'] => {
    const [x0, x1] = [left + from * letterWidth * scale, left + to * letterWidth * scale]
    return [
      [x0, top],
      [x1, top],
      [x1, top + textHeight * scale],
      [x0, top + textHeight * scale],
    ]
  }
  const words = [...text.matchAll(/\S+/g)].map((word) => ({
    text: word[0],
    confidence: 0.98,
    corners: box(word.index, word.index + word[0].length),
  }))
  return { words, confidence: 0.98, angle: 0, corners: box(0, text.length) }
}
