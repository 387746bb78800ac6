import sharp, { type Sharp } from 'sharp'
import { fail, ok, type Result } from '#contract/result.ts'
import type { TextBand } from './detect.ts'
import { createEngine, type Engine, type ReadLine } from './engine.ts'
import { fuse } from './fuse.ts'
import { languageOf } from './language.ts'
import { createSecondReader } from './second-reader.ts'
import type { Page, PageLine, PageWord } from './page.ts'
import type { ShrinkLimits, SmallPhoto } from './reader-process.ts'
import type { Circle } from './rings.ts'
import type { Phrases } from './spotter.ts'

/** Reads the text of photos. */
export interface Reader {
  read(path: string): Promise<Result<Page>>
  shrink(path: string, limits: ShrinkLimits): Promise<Result<SmallPhoto>>
}

/** 50 megapixels: more than any phone's photo that is not stitched, at three bytes each. */
const maxPixels = 50_000_000
/** A line that the first reader is less sure of is a texture, a logo or a barcode. */
const minConfidence = 0.5

/** The only loaders of libvips that may touch a file: no SVG, PDF or other format that is a program. */
const loaders = ['Jpeg', 'Png', 'Webp'].map((name) => `VipsForeignLoad${name}`)

/**
 * Sets sharp up for this process; the models are loaded with the first photo that is read. `phrases` are looked for in
 * print that cannot be read letter by letter.
 */
export function createReader(phrases: Phrases): Reader {
  sharp.cache(false)
  sharp.concurrency(1)
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: loaders })
  let engine: Promise<Engine> | undefined
  const second = createSecondReader()

  return {
    async read(path) {
      const bitmap = await load(path)
      if (!bitmap.ok) return bitmap
      const { lines: read, seals } = await (await (engine ??= createEngine(phrases))).read(bitmap.value)
      const found = read.filter(({ confidence }) => confidence >= minConfidence)
      const language = languageOf(found.map(({ letters }) => letters.map(({ text }) => text).join('')).join('\n'))
      const latin = found.filter(({ isForeign }) => !isForeign)
      const words = await second.read(
        latin.map(({ strip }) => strip),
        language,
      )
      const lines = latin.map((line, index) => pageLine(line, words[index] ?? []))
      const heard = [
        ...latin.flatMap(({ heard: phrase, band, angle }) =>
          phrase === null ? [] : [{ phrase, corners: cornersOf(band, angle, 0, 1) }],
        ),
        ...seals.map(({ heard: phrase, circle }) => ({ phrase, corners: around(circle) })),
      ]
      return ok({ width: bitmap.value.width, height: bitmap.value.height, language, lines, heard })
    },

    async shrink(path, { sidePixels, bytes }) {
      try {
        const { width, height } = await open(path)
          .metadata()
          .then(({ autoOrient }) => autoOrient)
        for (const quality of [85, 70, 50]) {
          const jpeg = await open(path)
            .rotate()
            .resize({ width: sidePixels, height: sidePixels, fit: 'inside', withoutEnlargement: true })
            .flatten({ background: '#ffffff' })
            .toColourspace('srgb')
            .jpeg({ quality })
            .toBuffer()
          if (jpeg.byteLength <= bytes) return ok({ base64: jpeg.toString('base64'), width, height })
        }
        return fail('too_large', `the photo cannot be made smaller than ${bytes} bytes`)
      } catch (error) {
        return refusal(error)
      }
    },
  }
}

async function load(path: string): Promise<Result<Parameters<Engine['read']>[0]>> {
  try {
    const { data, info } = await open(path)
      .rotate()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    if (info.channels !== 3) return fail('unreadable_image', `the image has ${info.channels} channels`)
    return ok({ data, width: info.width, height: info.height })
  } catch (error) {
    return refusal(error)
  }
}

function open(path: string): Sharp {
  return sharp(path, { failOn: 'error', limitInputPixels: maxPixels })
}

/** What libvips refuses, as a failure. */
function refusal(error: unknown): Result<never> {
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
  if (/exceeds pixel limit|too large/i.test(message))
    return fail('too_large', `the image has more than ${maxPixels} pixels`)
  return fail('unreadable_image', message)
}

function pageLine(line: ReadLine, second: Parameters<typeof fuse>[1]): PageLine {
  const words = fuse(line.letters, second).map(({ text, from, to, confidence }): PageWord => ({
    text,
    confidence,
    corners: cornersOf(line.band, line.angle, from, to),
  }))
  return { words, confidence: line.confidence, angle: line.angle, corners: cornersOf(line.band, line.angle, 0, 1) }
}

function around({ x, y, radius }: Circle): PageLine['corners'] {
  const [left, top, right, bottom] = [x - radius, y - radius, x + radius, y + radius]
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ]
}

/** The corners of a part of a band in reading order: top left, top right, bottom right, bottom left. */
function cornersOf(band: TextBand, angle: number, from: number, to: number): PageLine['corners'] {
  const isTurned = Math.cos(angle - band.angle) < 0
  const cos = Math.cos(band.angle)
  const sin = Math.sin(band.angle)
  const corner = (share: number, side: number): readonly [number, number] => {
    const along = (isTurned ? 0.5 - share : share - 0.5) * band.length
    const across = (isTurned ? -side : side) * (band.thickness / 2) + band.bend * along * along + band.slope * along
    return [band.x + along * cos - across * sin, band.y + along * sin + across * cos]
  }
  return [corner(from, -1), corner(to, -1), corner(to, 1), corner(from, 1)]
}
