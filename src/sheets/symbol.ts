import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { prepareZXingModule, writeBarcode } from 'zxing-wasm/writer'

/** A symbol without its quiet zone; a linear one has one row. */
export interface SymbolModules {
  readonly kind: 'linear' | 'matrix'
  /** Modules from side to side. */
  readonly width: number
  readonly height: number
  isDark(column: number, row: number): boolean
}

/** What to draw; of `gs1_128` the text has its Application Identifiers in brackets. */
export interface SymbolRequest {
  readonly symbology: 'code128' | 'gs1_128' | 'qr'
  readonly text: string
}

let ready: Promise<unknown> | undefined

async function loadWriter(): Promise<void> {
  const wasm = await readFile(createRequire(import.meta.url).resolve('zxing-wasm/writer/zxing_writer.wasm'))
  await prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(wasm).buffer }, fireImmediately: true })
}

/** The modules of a symbol. Throws for a text that the symbology does not hold. */
export async function drawSymbol({ symbology, text }: SymbolRequest): Promise<SymbolModules> {
  await (ready ??= loadWriter())
  const isMatrix = symbology === 'qr'
  const { symbol, error } = await writeBarcode(text, {
    format: isMatrix ? 'QRCode' : 'Code128',
    scale: 1,
    addHRT: false,
    addQuietZones: false,
    ...(symbology === 'gs1_128' ? { options: 'gs1' } : {}),
  })
  if (error !== '') throw new Error(`cannot draw ${symbology}: ${error}`)
  return {
    kind: isMatrix ? 'matrix' : 'linear',
    width: symbol.width,
    height: isMatrix ? symbol.height : 1,
    isDark: (column, row) => symbol.data[row * symbol.width + column] === 0,
  }
}
