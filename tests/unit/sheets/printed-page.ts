import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'

const dotsPerPoint = 300 / 72

/** A page as a printer of 300 dots an inch puts it on paper, rectangles only. */
export interface PrintedPage {
  readonly width: number
  readonly height: number
  /** RGBA. */
  readonly data: Uint8ClampedArray<ArrayBuffer>
  /** The width of each rectangle, in millimetres. */
  readonly rectangles: readonly number[]
}

/** Prints the rectangles of a PDF whose streams are not compressed. */
export function print(pdf: Uint8Array): PrintedPage[] {
  const text = Buffer.from(pdf).toString('latin1')
  const [, pointsWide = '0', pointsHigh = '0'] = /\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/.exec(text) ?? []
  const width = Math.round(Number(pointsWide) * dotsPerPoint)
  const height = Math.round(Number(pointsHigh) * dotsPerPoint)
  const streams = [...text.matchAll(/stream\r?\n(.*?)endstream/gs)].map(([, content = '']) => content)
  return streams
    .filter((content) => /^1 0 0 -1 0 [\d.]+ cm/m.test(content))
    .map((content) => {
      const data = new Uint8ClampedArray(width * height * 4).fill(255)
      const rectangles: number[] = []
      for (const [, ...numbers] of content.matchAll(/^(-?[\d.]+) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+) re$/gm)) {
        const [x = 0, y = 0, wide = 0, high = 0] = numbers.map(Number)
        rectangles.push((wide / 72) * 25.4)
        // The page's own transformation has its origin in the upper left corner.
        for (let row = Math.round(y * dotsPerPoint); row < Math.round((y + high) * dotsPerPoint); row += 1) {
          for (let dot = Math.round(x * dotsPerPoint); dot < Math.round((x + wide) * dotsPerPoint); dot += 1) {
            data.fill(0, (row * width + dot) * 4, (row * width + dot) * 4 + 3)
          }
        }
      }
      return { width, height, data, rectangles }
    })
}

let ready: Promise<unknown> | undefined

/** The texts of the codes on a page, each as a scanner of that kind reports it. */
export async function scanPage({
  data,
  width,
  height,
}: PrintedPage): Promise<{ format: string; text: string; symbologyIdentifier: string }[]> {
  ready ??= readFile(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm')).then((wasm) =>
    prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(wasm).buffer }, fireImmediately: true }),
  )
  await ready
  const found = await readBarcodes({ data, width, height } as Parameters<typeof readBarcodes>[0], {
    formats: ['Code128', 'QRCode'],
    maxNumberOfSymbols: 255,
    textMode: 'Plain',
  })
  return found.map(({ format, text, symbologyIdentifier }) => ({ format, text, symbologyIdentifier }))
}
