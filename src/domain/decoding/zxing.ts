import type { Corners, ReadRequest, ReadSymbols, SymbolRead } from './engine.ts'
import type { GreyImage } from './image.ts'

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

/** zxing-cpp answers nothing of use for a side that is longer. */
export const longestSide = 65_535

/** Its closing (`denoise`) writes past an image of fewer rows or columns, which ends the module or harms it unseen. */
const fewestToClose = 3

/** Whether every level of zxing's pyramid is large enough to be closed: a picture of 30,000 x 12 pixels becomes 3,333 x 1. */
function isRoomy(width: number, height: number): boolean {
  let [long, short] = [Math.max(width, height), Math.min(width, height)]
  while (long > options.downscaleThreshold && short >= options.downscaleFactor) {
    long = Math.floor(long / options.downscaleFactor)
    short = Math.floor(short / options.downscaleFactor)
  }
  return short >= fewestToClose
}

/** Whether the module behind a reader has ended: another has to take its place. */
export function isTrap(error: unknown): boolean {
  return error instanceof Error && error.name === 'RuntimeError'
}

/**
 * zxing-wasm's reader module as a reader of symbols, the same for the station, the window and the backend.
 *
 * The image and the list of results lie in the module's memory, and both are given back after each image: zxing-wasm's
 * own functions never free the list, which is near a kilobyte a code and gigabytes a day at a camera's pace.
 *
 * Throws a RangeError for a side beyond `longestSide`. A trap (`isTrap`) leaves the module in no order at all: from then
 * on every read throws it again and the module is not touched.
 */
export function createReader(zxing: object): ReadSymbols {
  const reader = zxing as ZxingModule
  let trap: unknown
  return (image, request) => {
    if (trap !== undefined) throw trap
    try {
      return read(image, request)
    } catch (error) {
      if (isTrap(error)) trap = error
      throw error
    }
  }

  function read(
    image: GreyImage,
    { formats, thorough, quick, binarizer, denoise, withAddOn }: ReadRequest,
  ): readonly SymbolRead[] {
    const { width, height } = image
    if (Math.max(width, height) > longestSide) throw new RangeError(`no image of ${width} x ${height} pixels is read`)
    const pointer = reader._malloc(image.data.length)
    if (pointer === 0) throw new Error(`no ${image.data.length} bytes for an image`)
    try {
      reader.HEAPU8.set(image.data, pointer)
      const results = reader.readBarcodesFromPixmap(pointer, width, height, {
        ...options,
        formats: formats.join(','),
        tryHarder: quick !== true,
        tryRotate: thorough || quick === true,
        tryInvert: quick !== true,
        tryDownscale: thorough,
        tryDenoise: denoise === true && isRoomy(width, height),
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
