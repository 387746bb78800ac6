import { open } from 'node:fs/promises'
import sharp from 'sharp'
import { drawCode } from '../barcode-image.ts'
import type { DrawnCode } from '../barcode-image.ts'

/** What the fake camera shows: all codes side by side, held by a hand that is not quite still. */
export interface FakeVideo {
  readonly codes: readonly DrawnCode[]
  /** Where the Y4M file goes; give it to Chromium as `--use-file-for-fake-video-capture`. It is played in a loop. */
  readonly path: string
  readonly width?: number
  readonly height?: number
  /** 15 a second. */
  readonly frames?: number
  /** Empty frames shown before the codes come into view. */
  readonly emptyFrames?: number
  /** How far below the middle the codes are, in pixels; they may be cut off. */
  readonly offsetY?: number
  /** Pixels a module. */
  readonly scale?: number
}

/** Writes an uncompressed video (1.4 MB a frame at 1280x720) of generated codes. */
export async function makeFakeVideo(video: FakeVideo): Promise<void> {
  const { codes, path, width = 1280, height = 720, frames = 12, emptyFrames = 0, offsetY = 0, scale = 4 } = video
  const margin = 24
  const slot = Math.floor((width - margin * (codes.length + 1)) / Math.max(1, codes.length))
  const drawn = await Promise.all(
    codes.map(async (code, index) => {
      const image = await sharp(await drawCode(code, scale))
        .resize({
          width: slot,
          height: height - 2 * margin - 16,
          fit: 'inside',
          withoutEnlargement: true,
          kernel: 'nearest',
        })
        .toBuffer({ resolveWithObject: true })
      return {
        input: image.data,
        left: margin + index * (slot + margin) + Math.floor((slot - image.info.width) / 2),
        top: Math.floor((height - image.info.height) / 2) + offsetY,
      }
    }),
  )

  const file = await open(path, 'w')
  try {
    await file.write(`YUV4MPEG2 W${width} H${height} F15:1 Ip A1:1 C420jpeg\n`)
    const colourless = Buffer.alloc((width / 2) * (height / 2) * 2, 128)
    for (let frame = 0; frame < emptyFrames + frames; frame++) {
      const shake = { x: Math.round(4 * Math.sin(frame)), y: Math.round(4 * Math.cos(frame * 1.3)) }
      const shown = frame < emptyFrames ? [] : drawn
      const luminance = await sharp({ create: { width, height, channels: 3, background: '#b8b8b8' } })
        .composite(shown.map((one) => ({ ...one, left: one.left + shake.x, top: one.top + shake.y })))
        .greyscale()
        .raw()
        .toBuffer()
      await file.write('FRAME\n')
      await file.write(luminance)
      await file.write(colourless)
    }
  } finally {
    await file.close()
  }
}
