/**
 * The process that reads the codes of photos: takes `{path}`, answers `CodesAnswer`, ends with its parent.
 *
 * It speaks over whichever carrier it was started with: Electron's `parentPort` in a `utilityProcess`, Node's IPC
 * channel in a fork.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { constants, setPriority } from 'node:os'
import process from 'node:process'
import sharp from 'sharp'
import { prepareZXingModule } from 'zxing-wasm/reader'
import { imagePixelLimit } from '#contract/backend/scanner.ts'
import { createEngine, type ReadSymbols } from '#domain/decoding/engine.ts'
import type { GreyImage } from '#domain/decoding/image.ts'
import { createReader } from '#domain/decoding/zxing.ts'
import type { CodesAnswer } from './codes.ts'

/** What Electron adds to `process` in a utility process. */
interface ParentPort {
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void
  postMessage(message: unknown): void
}

const parentPort = (process as { parentPort?: ParentPort }).parentPort

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

function send(answer: CodesAnswer): void {
  if (parentPort) parentPort.postMessage(answer)
  else process.send?.(answer)
}

function take(message: unknown): void {
  const { path } = message as { readonly path: string }
  read(path).then(send, (error: unknown) => {
    // Not the photo's fault: the reader itself is broken, and the next photo gets another.
    engine = undefined
    send({ fault: error instanceof Error ? error.message : String(error) })
  })
}

try {
  // A batch of photos must not make a request wait.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
} catch {
  // Some containers forbid even that.
}
sharp.cache(false)
if (parentPort) parentPort.on('message', (event) => take(event.data))
else {
  process.on('message', take)
  process.on('disconnect', () => process.exit())
}
// Ctrl+C reaches the whole foreground group; the parent decides what becomes of a photo that is being read.
process.on('SIGINT', () => {})
