/** The process that reads the codes of photos: takes `{path}`, answers `CodesAnswer`, ends with its parent. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import process from 'node:process'
import sharp from 'sharp'
import { prepareZXingModule } from 'zxing-wasm/reader'
import { imagePixelLimit } from '#contract/backend/scanner.ts'
import { createEngine, type ReadSymbols } from '#domain/decoding/engine.ts'
import type { GreyImage } from '#domain/decoding/image.ts'
import { createReader } from '#domain/decoding/zxing.ts'
import { openParent } from '../parent.ts'
import type { CodesAnswer } from './codes.ts'

const parent = openParent<CodesAnswer>()

/** Codes are read at this size at most: their bars are wide enough then, and a large photo costs no more. */
const longSide = 4_000

/** zxing-cpp as a reader of symbols; its WebAssembly is read from the package, never from the network. */
async function loadReader(): Promise<ReadSymbols> {
  const wasm = await readFile(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'))
  return createReader(
    await prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(wasm).buffer }, fireImmediately: true }),
  )
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

function take(message: unknown): void {
  const { path } = message as { readonly path: string }
  read(path).then(
    (answer) => parent.send(answer),
    (error: unknown) => {
      // Not the photo's fault: the reader itself is broken, and the next photo gets another.
      engine = undefined
      parent.send({ fault: error instanceof Error ? error.message : String(error) })
    },
  )
}

sharp.cache(false)
parent.onMessage(take)
