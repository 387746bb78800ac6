import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import { prepareZXingModule } from 'zxing-wasm/reader'
import { createReader } from '#domain/decoding/zxing.ts'
import { drawCode } from '../../../barcode-image.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

it('reads thousands of codes without keeping any of them', async () => {
  const wasm = await readFile(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'))
  const overrides = { wasmBinary: new Uint8Array(wasm).buffer }
  const read = createReader(await prepareZXingModule({ overrides, fireImmediately: true }))
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
