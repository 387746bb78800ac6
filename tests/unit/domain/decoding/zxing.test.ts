import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import { prepareZXingModule } from 'zxing-wasm/reader'
import { createReader, longestSide } from '#domain/decoding/zxing.ts'
import { drawCode } from '../../../barcode-image.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

async function loadModule(): Promise<object> {
  const wasm = await readFile(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'))
  const overrides = { wasmBinary: new Uint8Array(wasm).buffer }
  return prepareZXingModule({ overrides, fireImmediately: true })
}

it('reads thousands of codes without keeping any of them', async () => {
  const read = createReader(await loadModule())
  const { data, info } = await sharp(Buffer.from(await drawCode({ format: 'QRCode', text: 'ABC' }, 2)))
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const image = { data, width: info.width, height: info.height }
  const readMany = (times: number): number => {
    for (let index = 0; index < times; index += 1) {
      expect(read(image, { formats: [], thorough: false, quick: true })).toHaveLength(1)
    }
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = readMany(500)
  const after = readMany(3_000)
  // Without freeing it is more than two million bytes.
  expect(after - before).toBeLessThan(500_000)
})

it('reads pictures of every shape: narrow ones are not closed, and one that is too long is refused', async () => {
  const read = createReader(await loadModule())
  for (const [long, short] of [
    [30_000, 12],
    [5_000, 80],
    [1_600, 24],
    [640, 3],
    [600, 2],
    [longestSide, 1],
    [1, 1],
  ] as const) {
    for (const [width, height] of [
      [long, short],
      [short, long],
    ] as const) {
      for (const level of [0, 128, 255]) {
        const data = Uint8Array.from({ length: width * height }, (_, at) => (level === 128 ? (at * 97) % 256 : level))
        for (const thorough of [true, false]) {
          expect(read({ data, width, height }, { formats: [], thorough, denoise: true })).toEqual([])
        }
      }
    }
  }
  const tooLong = { data: new Uint8Array(longestSide + 1), width: longestSide + 1, height: 1 }
  expect(() => read(tooLong, { formats: [], thorough: true })).toThrow(RangeError)
})

it('never touches a module again that has trapped', async () => {
  const zxing = (await loadModule()) as { readBarcodesFromPixmap: (...given: readonly unknown[]) => unknown }
  let calls = 0
  const read = createReader(
    Object.assign(Object.create(zxing) as object, {
      readBarcodesFromPixmap(...given: readonly unknown[]) {
        calls += 1
        if (calls === 2) throw new WebAssembly.RuntimeError('memory access out of bounds')
        return zxing.readBarcodesFromPixmap(...given)
      },
    }),
  )
  const image = { data: new Uint8Array(64), width: 8, height: 8 }
  const readOnce = () => read(image, { formats: [], thorough: false })
  expect(readOnce()).toEqual([])
  for (let again = 0; again < 3; again += 1) expect(readOnce).toThrow(/out of bounds/)
  expect(calls).toBe(2)
})
