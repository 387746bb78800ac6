import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import process from 'node:process'
import { prepareZXingModule } from 'zxing-wasm/reader'
import { createEngine } from '#domain/decoding/engine.ts'
import type { DecodedCode, DecodeOptions, ReadSymbols } from '#domain/decoding/engine.ts'
import { greyOf } from '#domain/decoding/image.ts'
import { createReader } from '#domain/decoding/zxing.ts'
import { symbologyOfFormat } from '#domain/symbology.ts'
import type { FoundCode } from './reading.ts'
import { readPdf417 } from './second-reader.ts'

/** Pixels as red, green and blue, with or without a byte of alpha, which is not looked at. */
export interface Pixels {
  readonly data: Uint8Array | Uint8ClampedArray
  readonly channels: 3 | 4
  readonly width: number
  readonly height: number
}

/** Reads the codes of an image. */
export interface Decoder {
  /** Codes in no particular order; the same code twice in an image is two codes. */
  decode(pixels: Pixels, options?: DecodeOptions): Promise<readonly FoundCode[]>
}

/** The decoder. Its WebAssembly is read once, from the package's own file, and never from the network. */
export function createDecoder(): Decoder {
  let ready: Promise<ReturnType<typeof createEngine>> | undefined

  return {
    async decode(pixels, options) {
      const engine = await (ready ??= loadReader().then((read) =>
        createEngine({ read, second: readPdf417, clockMs: processorMs }),
      ))
      return engine(greyOf(pixels.data, pixels.width, pixels.height, pixels.channels), options).map(toFoundCode)
    },
  }
}

/** What this thread has computed, in milliseconds: a loaded machine must not cost a code. */
function processorMs(): number {
  // Node before 23.9 counts only the whole process.
  const { user, system } = (process.threadCpuUsage as typeof process.cpuUsage | undefined)?.() ?? process.cpuUsage()
  return (user + system) / 1000
}

/** zxing-cpp as a reader of symbols. */
export async function loadReader(): Promise<ReadSymbols> {
  // `require.resolve` and not `import.meta.resolve`: it works from source, in a bundle and inside an ASAR archive.
  const wasm = await readFile(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'))
  return createReader(
    await prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(wasm).buffer }, fireImmediately: true }),
  )
}

/** zxing-cpp's variants of a format, by the name that Capstan prints for all of them. */
const printedNames: Readonly<Record<string, string>> = {
  AztecCode: 'Aztec',
  AztecRune: 'Aztec',
  Code32: 'Code39',
  Code39Ext: 'Code39',
  Code39Std: 'Code39',
  CompactPDF417: 'PDF417',
  DataBarExpStk: 'DataBarExp',
  DataBarOmni: 'DataBar',
  DataBarStk: 'DataBar',
  DataBarStkOmni: 'DataBar',
  ISBN: 'EAN13',
  ITF14: 'ITF',
  MicroQRCode: 'MicroQR',
  PZN: 'Code39',
  QRCode: 'QR',
  QRCodeModel1: 'QR',
  QRCodeModel2: 'QR',
  RMQRCode: 'rMQR',
  TelepenAlpha: 'Telepen',
  TelepenNumeric: 'Telepen',
}

function toFoundCode(code: DecodedCode): FoundCode {
  // The bars of UPC-A are those of EAN-13 with a leading zero, and zxing-cpp reports them as such.
  const isUpca = code.format === 'EAN13' && code.text.startsWith('0')
  const format = isUpca ? 'UPCA' : (printedNames[code.format] ?? code.format)
  return {
    format,
    text: code.text,
    bytes: Buffer.from(code.bytes).toString('base64'),
    symbologyIdentifier: code.symbologyIdentifier,
    symbology: symbologyOfFormat(isUpca ? 'UPCA' : code.format, code.symbologyIdentifier),
    position: code.position,
    pass: code.pass,
    confidence: Math.round(code.confidence * 100) / 100,
    addOn: code.addOn ?? null,
  }
}
