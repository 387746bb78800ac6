import sharp from 'sharp'
import type { Sharp } from 'sharp'
import { describe, expect, it } from 'vitest'
import type { Luma } from '#station/imaging/luma.ts'
import { judge } from '#station/imaging/quality.ts'
import { findTextLines, median } from '#station/imaging/text-lines.ts'
import { drawLabel } from '../../../label-image.ts'

async function lumaOf(image: Sharp): Promise<Luma> {
  const { data, info } = await image.greyscale().toColourspace('b-w').raw().toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

const judged = async (image: Sharp) => judge(await lumaOf(image))
/** Drawn once more, so that operations apply to the picture as it is. */
const label = async (options: Parameters<typeof drawLabel>[0] = {}): Promise<Sharp> =>
  sharp(await drawLabel(options).png().toBuffer())

describe('lines of text', () => {
  it.each([14, 21, 35])('are found with their height: %d pixels', async (letterPixels) => {
    const lines = findTextLines(await lumaOf(await label({ letterPixels })))
    expect(lines.length).toBeGreaterThan(5)
    expect(Math.abs(median(lines.map((line) => line.heightPixels)) - letterPixels)).toBeLessThanOrEqual(2)
  })

  it.each([-30, -8, 0, 8, 30, 90])('are found with their direction: %d degrees', async (degrees) => {
    const turned = (await label()).rotate(degrees, { background: '#888' })
    const { tiltDegrees } = (await judged(turned)).measures
    expect(Math.abs((tiltDegrees ?? 99) - (degrees % 90))).toBeLessThan(2)
  })

  it('are found bright on dark too', async () => {
    expect((await judged((await label()).negate())).measures.textLines).toBeGreaterThan(5)
  })

  it('are not found where there is nothing', async () => {
    const { faults, legibility } = await judged(
      sharp({ create: { width: 800, height: 600, channels: 3, background: '#999' } }),
    )
    expect({ faults, legibility }).toEqual({ faults: ['no_text'], legibility: null })
  })

  it('are not taken for legible in noise', async () => {
    const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const
    const quality = await judged(
      sharp({ create: { width: 800, height: 600, channels: 3, background: '#888', noise } }).removeAlpha(),
    )
    expect(quality.verdict).not.toBe('good')
    expect(quality.legibility ?? 0).toBeLessThan(0.5)
  })
})

describe('the verdict on a photo', () => {
  it('is good for a sharp, bright, level label', async () => {
    const quality = await judged(await label())
    expect(quality).toMatchObject({ verdict: 'good', faults: [] })
    expect(quality.legibility).toBeGreaterThan(0.9)
  })

  it.each([
    ['blurred', (image: Sharp) => image.blur(7)],
    ['too_dark', (image: Sharp) => image.linear(0.25, 0)],
    ['too_bright', (image: Sharp) => image.linear(1.6, 110)],
    ['tilted', (image: Sharp) => image.rotate(25, { background: '#888' })],
    ['cut_off', (image: Sharp) => image.extract({ left: 500, top: 0, width: 600, height: 1200 })],
  ] as const)('names what was done to it: %s', async (fault, spoil) => {
    const image = sharp(
      await spoil(await label())
        .png()
        .toBuffer(),
    )
    const quality = await judged(image)
    expect(quality.faults).toContain(fault)
    expect(quality.verdict).not.toBe('good')
  })

  it('names a reflection on the text', async () => {
    const spot = `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="400"><radialGradient id="g"><stop offset=".5" stop-color="#fff"/><stop offset="1" stop-color="#fff" stop-opacity="0"/></radialGradient><ellipse cx="300" cy="200" rx="300" ry="200" fill="url(#g)"/></svg>`
    const image = await sharp(await drawLabel().png().toBuffer())
      .composite([{ input: Buffer.from(spot), left: 500, top: 400 }])
      .removeAlpha()
      .png()
      .toBuffer()
    expect((await judged(sharp(image))).faults).toEqual(['glare'])
  })

  it('names print that is too small to be read', async () => {
    expect((await judged(await label({ letterPixels: 6 }))).faults).toContain('text_too_small')
  })

  it('does not call small, nor blurred, what is large enough in the original', async () => {
    const { data, width, height } = await lumaOf(await label({ letterPixels: 6 }))
    expect(judge({ data, width, height }, 2).faults).not.toContain('text_too_small')
    expect(judge({ data, width, height }, 2).faults).not.toContain('blurred')
    expect(judge({ data, width, height }, 1.1).faults).toContain('text_too_small')
  })

  it('takes images of any size, down to one pixel', async () => {
    for (const [width, height] of [
      [1, 1],
      [1, 900],
      [900, 1],
      [20, 20],
      [2048, 3],
    ] as const) {
      const create = { width, height, channels: 3, background: '#777' } as const
      expect(await judged(sharp({ create }))).toMatchObject({
        legibility: null,
        faults: expect.arrayContaining(['no_text']),
      })
    }
  })
})
