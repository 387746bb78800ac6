import { open } from 'node:fs/promises'
import type { Sharp } from 'sharp'

/** Writes a picture as an uncompressed video of a hand's tremor, for Chromium's `--use-file-for-fake-video-capture`. */
export async function makePictureVideo(picture: Sharp, path: string, width = 1280, height = 960): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.write(`YUV4MPEG2 W${width} H${height} F5:1 Ip A1:1 C420jpeg\n`)
    const luminance = await picture
      .clone()
      .resize(width, height, { fit: 'contain', background: '#7a7a7a' })
      .flatten({ background: '#7a7a7a' })
      .greyscale()
      .raw()
      .toBuffer()
    const colourless = Buffer.alloc((width / 2) * (height / 2) * 2, 128)
    for (let frame = 0; frame < 4; frame += 1) {
      await file.write('FRAME\n')
      await file.write(luminance)
      await file.write(colourless)
    }
  } finally {
    await file.close()
  }
}
