import type { Corners, ReadSymbols, SymbolRead } from './engine.ts'

/** zxing-cpp's options as its WebAssembly takes them; numbers are its enumerations. */
const options = {
  isPure: false,
  downscaleThreshold: 500,
  downscaleFactor: 3,
  minLineCount: 2,
  maxNumberOfSymbols: 255,
  validateOptionalChecksum: false,
  returnErrors: false,
  // Plain text: control characters stay what they are.
  textMode: 0,
  characterSet: 0,
  tryCode39ExtendedMode: true,
} as const

const binarizers = { local: 0, global: 1 } as const
const addOns = { ignored: 0, required: 2 } as const

/** zxing-wasm's module as far as it is used, with what Emscripten adds to its type. */
interface ZxingModule {
  readonly HEAPU8: Uint8Array
  _malloc(bytes: number): number
  _free(pointer: number): void
  readBarcodesFromPixmap(
    pointer: number,
    width: number,
    height: number,
    given: typeof options & Readonly<Record<string, unknown>>,
  ): {
    size(): number
    get(index: number): ZxingResult | undefined
    delete(): void
  }
}

interface ZxingResult {
  readonly format: string
  readonly text: string
  readonly bytes: Uint8Array
  readonly symbologyIdentifier: string
  readonly lineCount: number
  readonly position: Corners
}

/**
 * zxing-wasm's reader module as a reader of symbols, the same for the station, the window and the backend.
 *
 * The image and the list of results lie in the module's memory, and both are given back after each image: zxing-wasm's
 * own functions never free the list, which is near a kilobyte a code and gigabytes a day at a camera's pace.
 */
export function createReader(zxing: object): ReadSymbols {
  const reader = zxing as ZxingModule
  return (image, { formats, thorough, quick, binarizer, denoise, withAddOn }) => {
    const pointer = reader._malloc(image.data.length)
    if (pointer === 0) throw new Error(`no ${image.data.length} bytes for an image`)
    try {
      reader.HEAPU8.set(image.data, pointer)
      const results = reader.readBarcodesFromPixmap(pointer, image.width, image.height, {
        ...options,
        formats: formats.join(','),
        tryHarder: quick !== true,
        tryRotate: thorough || quick === true,
        tryInvert: quick !== true,
        tryDownscale: thorough,
        tryDenoise: denoise === true,
        binarizer: binarizers[binarizer ?? 'local'],
        eanAddOnSymbol: withAddOn === true ? addOns.required : addOns.ignored,
      })
      try {
        const reads: SymbolRead[] = []
        for (let index = 0; index < results.size(); index++) {
          const result = results.get(index)
          if (result) reads.push(toSymbolRead(result))
        }
        return reads
      } finally {
        results.delete()
      }
    } finally {
      reader._free(pointer)
    }
  }
}

function toSymbolRead({ format, text, bytes, symbologyIdentifier, lineCount, position }: ZxingResult): SymbolRead {
  const { topLeft, topRight, bottomRight, bottomLeft } = position
  return {
    format,
    text,
    bytes: Uint8Array.from(bytes),
    symbologyIdentifier,
    lines: lineCount,
    position: { topLeft, topRight, bottomRight, bottomLeft },
  }
}
