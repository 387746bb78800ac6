import { inflateRawSync } from 'node:zlib'

/** Reads the one sheet of a workbook back, by its bytes alone: rows of cell texts, XML entities resolved, `_xHHHH_` left. */
export function readCells(workbook: Uint8Array): { text: string; isNumber: boolean }[][] {
  const files = unzip(Buffer.from(workbook))
  const name = [...files.keys()].find((each) => each.endsWith('worksheets/sheet1.xml')) ?? ''
  const sheet = files.get(name)?.toString('utf8') ?? ''
  const shared = [...(files.get('xl/sharedStrings.xml')?.toString('utf8') ?? '').matchAll(/<si>(.*?)<\/si>/gs)].map(
    ([, inner = '']) => textOf(inner),
  )
  return [...sheet.matchAll(/<row[^>]*>(.*?)<\/row>/gs)].map(([, row = '']) =>
    [...row.matchAll(/<c ([^>]*?)(?:\/>|>(.*?)<\/c>)/gs)].map(([, attributes = '', inner = '']) => {
      const type = /t="(\w+)"/.exec(attributes)?.[1] ?? 'n'
      const value = /<v>(.*?)<\/v>/s.exec(inner)?.[1] ?? ''
      if (type === 's') return { text: shared[Number(value)] ?? '', isNumber: false }
      if (type === 'inlineStr') return { text: textOf(inner), isNumber: false }
      return { text: unescape(value), isNumber: type === 'n' && value !== '' }
    }),
  )
}

const textOf = (xml: string): string =>
  [...xml.matchAll(/<t[^>]*?(?:\/>|>(.*?)<\/t>)/gs)].map(([, text = '']) => unescape(text)).join('')

const unescape = (xml: string): string =>
  xml
    .replaceAll(/&#x([0-9a-f]+);/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&')

/** The files of a ZIP archive by its central directory (APPNOTE 4.3.12): stored and deflated ones. */
function unzip(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  const end = archive.lastIndexOf(Buffer.from('PK\u0005\u0006', 'latin1'))
  const count = archive.readUInt16LE(end + 10)
  let at = archive.readUInt32LE(end + 16)
  for (let index = 0; index < count; index += 1) {
    const method = archive.readUInt16LE(at + 10)
    const packed = archive.readUInt32LE(at + 20)
    const nameLength = archive.readUInt16LE(at + 28)
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength)
    const local = archive.readUInt32LE(at + 42)
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
    const bytes = archive.subarray(start, start + packed)
    files.set(name, method === 0 ? bytes : inflateRawSync(bytes))
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
  return files
}
