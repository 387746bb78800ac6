/** The process that reads the codes of photos: takes `{path}`, answers `CodesAnswer`, ends with its parent. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import process from 'node:process'
import sharp from 'sharp'
import { prepareZXingModule, type ZXingReaderModule } from 'zxing-wasm/reader'
import { imagePixelLimit } from '#contract/backend/scanner.ts'
import { createEngine, type ReadSymbols, type SymbolRead } from '#domain/decoding/engine.ts'
import type { GreyImage } from '#domain/decoding/image.ts'
import type { CodesAnswer } from './codes.ts'

/** Codes are read at this size at most: their bars are wide enough then, and a large photo costs no more. */
const longSide = 4_000

/** What Emscripten adds to the module, as far as it is used. */
interface WasmHeap {
  readonly HEAPU8: Uint8Array
  _malloc(bytes: number): number
  _free(pointer: number): void
}

/** zxing-cpp as a reader of symbols; its WebAssembly is read from the package, never from the network. */
async function loadReader(): Promise<ReadSymbols> {
  const wasm = await readFile(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'))
  const reader = (await prepareZXingModule({
    overrides: { wasmBinary: new Uint8Array(wasm).buffer },
    fireImmediately: true,
  })) as ZXingReaderModule & WasmHeap
  return (image, { formats, thorough, binarizer, denoise, withAddOn }) => {
    const pointer = reader._malloc(image.data.length)
    if (pointer === 0) throw new Error(`no ${image.data.length} bytes for an image`)
    try {
      reader.HEAPU8.set(image.data, pointer)
      const results = reader.readBarcodesFromPixmap(pointer, image.width, image.height, {
        tryHarder: true,
        tryInvert: true,
        isPure: false,
        downscaleThreshold: 500,
        downscaleFactor: 3,
        minLineCount: 2,
        maxNumberOfSymbols: 255,
        validateOptionalChecksum: false,
        returnErrors: false,
        textMode: 0,
        characterSet: 0,
        tryCode39ExtendedMode: true,
        formats: formats.join(','),
        tryRotate: thorough,
        tryDownscale: thorough,
        tryDenoise: denoise === true,
        binarizer: binarizer === 'global' ? 1 : 0,
        eanAddOnSymbol: withAddOn === true ? 2 : 0,
      }) as ReturnType<typeof reader.readBarcodesFromPixmap> & { delete(): void }
      const reads: SymbolRead[] = []
      for (let index = 0; index < results.size(); index += 1) {
        const result = results.get(index)
        if (!result) continue
        const { format, text, bytes, symbologyIdentifier, lineCount, position } = result
        reads.push({ format, text, bytes: Uint8Array.from(bytes), symbologyIdentifier, lines: lineCount, position })
      }
      results.delete()
      return reads
    } finally {
      reader._free(pointer)
    }
  }
}

async function load(path: string): Promise<GreyImage> {
  const { data, info } = await sharp(path, { limitInputPixels: imagePixelLimit, failOn: 'error' })
    .rotate()
    .resize({ width: longSide, height: longSide, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

let engine: Promise<ReturnType<typeof createEngine>> | undefined

async function read(path: string): Promise<CodesAnswer> {
  let image: GreyImage
  try {
    image = await load(path)
  } catch {
    return { codes: null }
  }
  const decode = await (engine ??= loadReader().then((reader) =>
    createEngine({ read: reader, clockMs: () => process.cpuUsage().user / 1_000 }),
  ))
  const codes = decode(image, { effort: 'batch' }).toSorted((one, other) => other.confidence - one.confidence)
  return { codes: codes.map(({ text, symbologyIdentifier }) => ({ text, symbologyIdentifier })) }
}

sharp.cache(false)
process.on('message', (message) => {
  const { path } = message as { readonly path: string }
  read(path).then(
    (answer) => process.send?.(answer),
    // Not the photo's fault: the reader itself is broken.
    (error: unknown) => process.send?.({ fault: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('disconnect', () => process.exit())
