import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { drawCode128 } from '#domain/code128.ts'

const wasm = await readFile(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'))
await prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(wasm).buffer }, fireImmediately: true })

/** The picture of a symbol with its quiet zones, two pixels a module. */
function paint(modules: readonly boolean[]) {
  const row = [...Array<boolean>(10).fill(false), ...modules, ...Array<boolean>(10).fill(false)]
  const [width, height] = [row.length * 2, 40]
  const data = new Uint8ClampedArray(width * height * 4).fill(255)
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) if (row[x >> 1]) data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3)
  return { data, width, height, colorSpace: 'srgb' as const }
}

describe('a drawn Code 128', () => {
  it('is read by another program as the text that it was drawn for', async () => {
    const texts = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const found = await readBarcodes(paint(drawCode128(text)) as ImageData, {
          formats: ['Code128'],
          textMode: 'Plain',
        })
        expect(found.map((one) => one.text)).toEqual([text])
      }),
      { numRuns: 60 },
    )
  })

  it('is not drawn for what it cannot hold', () => {
    for (const text of ['', 'ä', 'a\n', 'x'.repeat(81)]) expect(() => drawCode128(text)).toThrow(RangeError)
  })
})
