import { open, type FileHandle } from 'node:fs/promises'

/** JPEG's frame headers: all of SOF0 to SOF15 but the three that are tables. */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc

/** More segments than any camera writes; a file made to be walked for ever ends here. */
const segmentLimit = 1_000

/**
 * How many pixels an image file says it has, from its header alone; nothing is unpacked.
 *
 * 0 when the header does not say: such a file is left to the decoder to refuse.
 */
export async function pixelsOf(path: string): Promise<number> {
  const file = await open(path, 'r')
  try {
    const head = await readAt(file, 0, 30)
    if (head.length < 30) return 0
    if (head[0] === 0x89) return head.readUInt32BE(16) * head.readUInt32BE(20)
    if (head[0] === 0xff) return await pixelsOfJpeg(file)
    return pixelsOfWebp(head)
  } finally {
    await file.close()
  }
}

function pixelsOfWebp(head: Buffer): number {
  switch (head.toString('latin1', 12, 16)) {
    case 'VP8 ':
      return (head.readUInt16LE(26) & 0x3fff) * (head.readUInt16LE(28) & 0x3fff)
    case 'VP8L': {
      const bits = head.readUInt32LE(21)
      return ((bits & 0x3fff) + 1) * (((bits >>> 14) & 0x3fff) + 1)
    }
    case 'VP8X':
      return (head.readUIntLE(24, 3) + 1) * (head.readUIntLE(27, 3) + 1)
    default:
      return 0
  }
}

async function pixelsOfJpeg(file: FileHandle): Promise<number> {
  let most = 0
  let at = 2
  for (let segments = 0; segments < segmentLimit; segments += 1) {
    const head = await readAt(file, at, 9)
    if (head.length < 9 || head[0] !== 0xff) break
    const marker = head[1] ?? 0
    // Fill bytes before a marker.
    if (marker === 0xff) {
      at += 1
      continue
    }
    // A second frame header must not hide behind a small first one.
    if (isFrame(marker)) most = Math.max(most, head.readUInt16BE(5) * head.readUInt16BE(7))
    // The pixels themselves begin here.
    if (marker === 0xda) break
    at += 2 + head.readUInt16BE(2)
  }
  return most
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}
