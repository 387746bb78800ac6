/**
 * Reads codes in camera frames, away from the window's own thread: frames come from the camera straight to here. One
 * frame at a time, always the newest; the pixels go through buffers that are kept, so that a day of frames does not
 * grow the heap.
 */
import { prepareZXingModule } from 'zxing-wasm/reader'
import wasmUrl from 'zxing-wasm/reader/zxing_reader.wasm?url'
import { createEngine } from '#domain/decoding/engine.ts'
import type { Pass, ReadSymbols, SymbolRead } from '#domain/decoding/engine.ts'
import { formatsOfGroup } from '#domain/decoding/groups.ts'
import type { GreyImage } from '#domain/decoding/image.ts'
import { createReader, isTrap } from '#domain/decoding/zxing.ts'
import { createFramePlan } from './frame-plan.ts'
import type { Look, Sighting } from './frame-plan.ts'
import type { DecodeMessage, ReadCode, StartMessage } from './frame-message.ts'
import { createLuminance } from './luminance.ts'
import { isWeakRead } from './presence.ts'

type Found = Sighting & Pick<ReadCode, 'symbologyIdentifier' | 'isWeak'> & { readonly effort: Look['effort'] }

const luminance = createLuminance()

function send(message: DecodeMessage): void {
  self.postMessage(message)
}

/** How each kind of look is read: by zxing's cheap options, or by the engine's passes within a frame's time. */
type Readers = Readonly<
  Record<Look['effort'], (image: GreyImage, formats: readonly string[]) => readonly (SymbolRead & { pass?: Pass })[]>
>

function createReaders(read: ReadSymbols): Readers {
  const engine = createEngine({ read, clockMs: () => performance.now() })
  return {
    quick: (image, formats) => read(image, { formats, thorough: false, quick: true }),
    thorough: (image, formats) => read(image, { formats, thorough: true }),
    bars: (image, formats) => engine(image, { formats, effort: 'frame' }),
  }
}

async function lookAt(
  readers: Readers,
  frame: VideoFrame,
  look: Look,
  formats: readonly string[],
): Promise<readonly Found[]> {
  const picture = await luminance.take(frame, look)
  const codes = readers[look.effort](picture, look.format === null ? formats : [look.format])
  return codes.map((code) => {
    const { topLeft, topRight, bottomRight, bottomLeft } = code.position
    return {
      format: code.format,
      text: code.text,
      symbologyIdentifier: code.symbologyIdentifier,
      isWeak: isWeakRead(code),
      effort: look.effort,
      corners: [topLeft, topRight, bottomRight, bottomLeft].map(({ x, y }) => ({
        x: look.x + x * look.scale,
        y: look.y + y * look.scale,
      })),
    }
  })
}

/** The part of a frame that is read at all; even numbers, since the frame's colour is stored for two by two pixels. */
function boundsOf(frame: VideoFrame, region: StartMessage['region']) {
  const { codedWidth, codedHeight, visibleRect } = frame
  const whole = visibleRect ?? { x: 0, y: 0, width: codedWidth, height: codedHeight }
  const width = Math.floor(whole.width / 2) * 2
  const top = region === 'full' ? 0 : Math.floor(whole.height / 8) * 2
  return {
    whole,
    bounds: { x: whole.x, y: whole.y + top, width, height: Math.floor((whole.height - 2 * top) / 2) * 2 },
  }
}

function toRead({ format, text, symbologyIdentifier, isWeak, corners }: Found): ReadCode {
  // The bars of UPC-A are those of EAN-13 with a leading zero.
  const printed = format === 'EAN13' && text.startsWith('0') ? 'UPCA' : format
  return { format: printed, text, symbologyIdentifier, isWeak, corners }
}

async function readAll({ frames, region, formats }: StartMessage): Promise<void> {
  let readers = await ready
  const wanted = formatsOfGroup(formats)
  const plan = createFramePlan()
  const reader = frames.getReader()
  for (;;) {
    const { value: frame, done } = await reader.read()
    if (done) return
    try {
      const { whole, bounds } = boundsOf(frame, region)
      const timeMs = performance.now()
      const found: Found[] = []
      for (const look of plan.next(bounds, timeMs)) found.push(...(await lookAt(readers, frame, look, wanted)))
      plan.saw(found, timeMs)
      send({
        kind: 'read',
        width: whole.width,
        height: whole.height,
        timestamp: frame.timestamp,
        takenAt: performance.timeOrigin + timeMs,
        codes: found.map(toRead).map((code) => ({
          ...code,
          corners: code.corners.map(({ x, y }) => ({ x: x - whole.x, y: y - whole.y })),
        })),
      })
    } catch (error) {
      // One frame that cannot be read is skipped; the next one may be.
      send({ kind: 'skipped', message: String(error) })
      if (isTrap(error)) readers = await loadReaders()
    } finally {
      frame.close()
    }
  }
}

function fail(error: unknown): void {
  send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
}

/** The wasm is a file of the build, never one from a CDN. Each call makes a module of its own. */
async function loadReaders(): Promise<Readers> {
  const overrides = { locateFile: () => wasmUrl }
  return createReaders(createReader(await prepareZXingModule({ overrides, fireImmediately: true })))
}

const ready = loadReaders()

self.onmessage = ({ data }: MessageEvent<StartMessage>) => void readAll(data).catch(fail)
ready.then(() => send({ kind: 'ready' }), fail)
