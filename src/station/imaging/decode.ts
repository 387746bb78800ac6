import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'
import type { ReaderOptions, ReadResult } from 'zxing-wasm/reader'
import { symbologyOfFormat } from '#domain/symbology.ts'
import type { FoundCode } from './reading.ts'

/** Upright pixels, four bytes each: red, green, blue, alpha. */
export interface Pixels {
  readonly data: Uint8ClampedArray
  readonly width: number
  readonly height: number
}

/** Reads the codes of an image. */
export interface Decoder {
  /** Codes in no particular order; the same code twice in an image is two codes. */
  decode(pixels: Pixels): Promise<readonly FoundCode[]>
}

/**
 * Dear passes, the cheaper first; the next one runs only when nothing was found.
 *
 * There is no cheap pass before them, on purpose: a photo may hold several codes, and one that the cheap pass finds
 * says nothing about the others (docs/adr/0003 has the measurement). `Plain` keeps control characters as they are.
 */
const passes: readonly ReaderOptions[] = [
  { textMode: 'Plain', tryHarder: true, tryRotate: true, tryInvert: true, tryDownscale: true },
  { textMode: 'Plain', tryHarder: true, tryRotate: true, tryInvert: true, tryDownscale: true, tryDenoise: true },
]

/** The decoder. Its WebAssembly is read once, from the package's own file, and never from the network. */
export function createDecoder(): Decoder {
  let ready: Promise<unknown> | undefined

  return {
    async decode(pixels) {
      await (ready ??= loadReader())
      for (const options of passes) {
        const found = await readBarcodes(pixels as Parameters<typeof readBarcodes>[0], options)
        if (found.length > 0) return found.map(toFoundCode)
      }
      return []
    },
  }
}

async function loadReader(): Promise<void> {
  // `require.resolve` and not `import.meta.resolve`: it works from source, in a bundle and inside an ASAR archive.
  const wasm = await readFile(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'))
  await prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(wasm).buffer }, fireImmediately: true })
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

function toFoundCode(read: ReadResult): FoundCode {
  // The bars of UPC-A are those of EAN-13 with a leading zero, and zxing-cpp reports them as such.
  const isUpca = read.format === 'EAN13' && read.text.startsWith('0')
  const format = isUpca ? 'UPCA' : (printedNames[read.format] ?? read.format)
  const { topLeft, topRight, bottomRight, bottomLeft } = read.position
  return {
    format,
    text: read.text,
    symbologyIdentifier: read.symbologyIdentifier,
    symbology: symbologyOfFormat(isUpca ? 'UPCA' : read.format, read.symbologyIdentifier),
    position: { topLeft, topRight, bottomRight, bottomLeft },
  }
}
