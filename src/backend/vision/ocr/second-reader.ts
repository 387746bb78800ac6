import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { createWorker, OEM, PSM, type Worker } from 'tesseract.js'
import type { Bitmap } from './bitmap.ts'
import type { Language } from './language.ts'

/** A word of the second reader, from 0 to 1 sure. */
export interface SecondWord {
  readonly text: string
  readonly confidence: number
}

/**
 * Tesseract over lines that were found and straightened already: it knows spaces and accents that the first reader's
 * model never learned, and reads the letters themselves less well.
 */
export interface SecondReader {
  /** The words of each strip, in their order; none where it saw none. */
  read(strips: readonly Bitmap[], language: Language): Promise<readonly (readonly SecondWord[])[]>
  close(): Promise<void>
}

/** The letters of a strip in the page, and the white between two strips. */
const strip = 44
const gap = 26
const margin = 24
/** A page that is much taller than this costs memory for nothing. */
const maxPageHeight = 7_000

export function createSecondReader(): SecondReader {
  const require = createRequire(import.meta.url)
  /** English stays; of the other languages the last one does, since shelves are sorted by country, not by chance. */
  const workers = new Map<Language, Promise<Worker>>()

  async function start(language: Language): Promise<Worker> {
    const folder = dirname(require.resolve(`@tesseract.js-data/${language}/package.json`))
    const worker = await createWorker(language, OEM.LSTM_ONLY, {
      langPath: join(folder, '4.0.0_best_int'),
      cacheMethod: 'none',
    })
    await worker.setParameters({
      tessedit_pageseg_mode: PSM.SINGLE_BLOCK,
      user_defined_dpi: '200',
      // It warns of every page; what matters comes as an exception.
      debug_file: '/dev/null',
    })
    return worker
  }

  async function ready(language: Language): Promise<Worker> {
    for (const [other, worker] of workers) {
      if (other === language || other === 'eng') continue
      workers.delete(other)
      await (await worker).terminate()
    }
    const worker = workers.get(language) ?? start(language)
    workers.set(language, worker)
    return worker
  }

  return {
    async read(strips, language) {
      if (strips.length === 0) return []
      const current = await ready(language)
      const words: SecondWord[][] = strips.map(() => [])
      const perPage = Math.floor((maxPageHeight - margin) / (strip + gap))
      for (let first = 0; first < strips.length; first += perPage) {
        const part = strips.slice(first, first + perPage)
        const page = await pageOf(part)
        const { data: read } = await current.recognize(page, {}, { blocks: true, text: false })
        for (const block of read.blocks ?? []) {
          for (const paragraph of block.paragraphs) {
            for (const line of paragraph.lines) {
              for (const word of line.words) {
                const middle = (word.bbox.y0 + word.bbox.y1) / 2
                const index = Math.floor((middle - margin + gap / 2) / (strip + gap))
                words[first + index]?.push({ text: word.text, confidence: word.confidence / 100 })
              }
            }
          }
        }
      }
      return words
    },
    async close() {
      for (const worker of workers.values()) await (await worker).terminate()
      workers.clear()
    },
  }
}

/** The strips one below the other, dark on white, whatever they were printed in. */
async function pageOf(strips: readonly Bitmap[]): Promise<Buffer> {
  const width = Math.max(...strips.map((one) => one.width)) + 2 * margin
  const height = margin * 2 + strips.length * (strip + gap)
  const page = Buffer.alloc(width * height, 255)
  strips.forEach((one, index) => {
    const grey = greyOf(one)
    const top = margin + index * (strip + gap)
    for (let y = 0; y < strip; y++) {
      const from = Math.floor(((y + 0.5) * one.height) / strip) * one.width
      const to = (top + y) * width + margin
      for (let x = 0; x < one.width; x++) page[to + x] = grey[from + x]!
    }
  })
  return sharp(page, { raw: { width, height, channels: 1 } })
    .png({ compressionLevel: 1 })
    .toBuffer()
}

/** The brightness of a strip, its ground white and its letters black. */
function greyOf({ data, width, height }: Bitmap): Uint8Array {
  const grey = new Uint8Array(width * height)
  const counts = new Uint32Array(256)
  for (let at = 0, from = 0; at < grey.length; at++, from += 3) {
    grey[at] = (data[from]! * 77 + data[from + 1]! * 150 + data[from + 2]! * 29 + 128) >> 8
    counts[grey[at]!]!++
  }
  const level = (share: number): number => {
    let left = grey.length * share
    for (let value = 0; value < 256; value++) {
      left -= counts[value]!
      if (left <= 0) return value
    }
    return 255
  }
  const low = level(0.02)
  const high = level(0.98)
  // Letters cover less than half of their line: what lies nearer to the middle value is the ground.
  const isDarkGround = level(0.5) - low < high - level(0.5)
  const scale = 255 / Math.max(24, high - low)
  for (let at = 0; at < grey.length; at++) {
    const value = Math.min(255, Math.max(0, (grey[at]! - low) * scale))
    grey[at] = isDarkGround ? 255 - value : value
  }
  return grey
}
