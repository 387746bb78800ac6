import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'
import { freeResults } from '#renderer/camera/free-results.ts'
import { drawCode } from '../../../barcode-image.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

it('reads thousands of codes without keeping any of them', async () => {
  const wasm = await readFile(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'))
  const overrides = { wasmBinary: new Uint8Array(wasm).buffer }
  const free = freeResults(await prepareZXingModule({ overrides, fireImmediately: true }))
  const { data, info } = await sharp(Buffer.from(await drawCode({ format: 'QRCode', text: 'ABC' }, 2)))
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const picture = Buffer.concat([Buffer.from(`P5\n${info.width} ${info.height}\n255\n`), data])
  const read = async (times: number): Promise<number> => {
    for (let index = 0; index < times; index += 1) {
      expect(await readBarcodes(picture, { tryHarder: false, tryRotate: false })).toHaveLength(1)
      free()
    }
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = await read(500)
  const after = await read(3_000)
  // Without freeing it is more than two million bytes.
  expect(after - before).toBeLessThan(500_000)
})
