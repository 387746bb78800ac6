import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { isWhole, kindOfFile, stemOf } from '#station/device/photo-files.ts'
import { temporaryFolder } from '../parts.ts'

describe('files in a folder of photos', () => {
  it('are told apart by their names, whatever the case', () => {
    expect(['a.jpg', 'B.JPG', 'c.jpeg', 'd.png', 'e.webp'].map(kindOfFile)).toEqual(Array(5).fill('photo'))
    expect(['a.CR3', 'b.nef', 'c.ARW', 'd.dng', 'e.raf'].map(kindOfFile)).toEqual(Array(5).fill('raw'))
    expect(['a.heic', 'b.tiff', 'c.bmp'].map(kindOfFile)).toEqual(Array(3).fill('unsupported'))
    expect(['.a.jpg', 'a.jpg.part', 'a.jpg~', '~a.jpg', 'a.xmp', 'a.tmp', 'jpg'].map(kindOfFile)).toEqual(
      Array(7).fill('none'),
    )
  })

  it('belong together by their stem in one folder', () => {
    expect(stemOf('/x/DSC_0001.NEF')).toBe(stemOf('/x/DSC_0001.jpg'))
    expect(stemOf('/x/DSC_0001.NEF')).not.toBe(stemOf('/y/DSC_0001.jpg'))
  })

  it.each(['jpeg', 'png', 'webp'] as const)('are whole or not: a %s, cut anywhere, is not', async (format) => {
    const folder = temporaryFolder()
    const path = join(folder, 'photo')
    const noise = Buffer.from(Array.from({ length: 300 * 200 * 3 }, (_, index) => (index * 7_919) % 251))
    const bytes = await sharp(noise, { raw: { width: 300, height: 200, channels: 3 } })
      .toFormat(format)
      .toBuffer()
    await writeFile(path, bytes)
    expect(await isWhole(path)).toBe(true)
    for (const share of [0, 0.1, 0.5, 0.9, 0.999]) {
      await writeFile(path, bytes.subarray(0, Math.floor(bytes.length * share)))
      expect(await isWhole(path)).toBe(false)
    }
    await writeFile(path, Buffer.concat([bytes, Buffer.alloc(4_096)]))
    expect(await isWhole(path)).toBe(true)
  })
})
