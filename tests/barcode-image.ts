import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { prepareZXingModule, writeBarcode } from 'zxing-wasm/writer'
import type { WriteInputBarcodeFormat } from 'zxing-wasm/writer'

/** A code to draw: a format by zxing's name, as `EAN13` or `QRCode`, and its content. */
export interface DrawnCode {
  readonly format: WriteInputBarcodeFormat
  readonly text: string
}

let ready: Promise<unknown> | undefined

async function loadWriter(): Promise<void> {
  const wasm = await readFile(createRequire(import.meta.url).resolve('zxing-wasm/writer/zxing_writer.wasm'))
  await prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(wasm).buffer }, fireImmediately: true })
}

/** Draws a code as a PNG with its quiet zone, `scale` pixels a module. */
export async function drawCode({ format, text }: DrawnCode, scale = 4): Promise<Uint8Array> {
  await (ready ??= loadWriter())
  const { image, error } = await writeBarcode(text, { format, scale, addQuietZones: true })
  if (!image) throw new Error(`cannot draw ${format} ${text}: ${error}`)
  return new Uint8Array(await image.arrayBuffer())
}
