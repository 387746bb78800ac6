import { open } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'

/** What a file in a photographer's folder is, as far as its name tells. */
export type FileKind = 'photo' | 'raw' | 'unsupported' | 'none'

const photos: ReadonlySet<string> = new Set(['.jpg', '.jpeg', '.jpe', '.png', '.webp'])
const raws: ReadonlySet<string> = new Set(
  (
    '.3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw .rw2 ' +
    '.rwl .sr2 .srf .srw .x3f'
  ).split(' '),
)
const otherPictures: ReadonlySet<string> = new Set(
  '.heic .heif .hif .tif .tiff .bmp .gif .avif .jxl .jp2 .psd'.split(' '),
)
const temporary: ReadonlySet<string> = new Set('.tmp .temp .part .partial .crdownload .filepart'.split(' '))

/** Tells photos, RAW files and other pictures apart; hidden and temporary files, and all the rest, are none. */
export function kindOfFile(path: string): FileKind {
  const name = basename(path)
  const extension = extname(name).toLowerCase()
  if (name.startsWith('.') || name.startsWith('~') || name.endsWith('~') || temporary.has(extension)) return 'none'
  if (photos.has(extension)) return 'photo'
  if (raws.has(extension)) return 'raw'
  return otherPictures.has(extension) ? 'unsupported' : 'none'
}

/** What a RAW file and its JPEG have in common: the path without the extension, whatever its case. */
export function stemOf(path: string): string {
  return join(dirname(path), basename(path, extname(path))).toLowerCase()
}

/** Cameras append previews and padding behind the end of a picture; this much is looked through for the end. */
const tailBytes = 64 * 1_024
/** A PNG's last chunk, with its checksum. */
const pngEnd = Buffer.from('49454e44ae426082', 'hex')

/**
 * Whether a picture has its end: a JPEG its end marker, a PNG its last chunk, a WebP as many bytes as it announces.
 * What is none of the three is whole as far as can be told. Throws what the file system throws.
 */
export async function isWhole(path: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const head = Buffer.alloc(12)
    await file.read(head, 0, 12, 0)
    const length = Math.min(tailBytes, size)
    const tail = Buffer.alloc(length)
    await file.read(tail, 0, length, size - length)
    if (size === 0) return false
    if (head[0] === 0xff && head[1] === 0xd8) return tail.includes(Buffer.from([0xff, 0xd9]))
    if (head.toString('latin1', 1, 4) === 'PNG') return tail.includes(pngEnd)
    if (head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP') {
      return size >= head.readUInt32LE(4) + 8
    }
    return true
  } finally {
    await file.close()
  }
}
