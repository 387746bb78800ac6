/**
 * Reads codes in camera frames, away from the window's own thread: frames come from the camera straight to here. One
 * frame at a time, always the newest; the pixels go through buffers that are kept, so that a day of frames does not
 * grow the heap.
 */
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'
import type { ReaderOptions, ReadInputBarcodeFormat } from 'zxing-wasm/reader'
import wasmUrl from 'zxing-wasm/reader/zxing_reader.wasm?url'
import { formatsOfGroup } from '#domain/decoding/groups.ts'
import { createFramePlan } from './frame-plan.ts'
import type { Look, Sighting } from './frame-plan.ts'
import type { DecodeMessage, ReadCode, StartMessage } from './frame-message.ts'
import { freeResults } from './free-results.ts'
import { createLuminance } from './luminance.ts'

type Found = Sighting & { readonly symbologyIdentifier: string; readonly effort: Look['effort'] }

/** `Plain` keeps control characters as they are. */
const efforts: Readonly<Record<Look['effort'], ReaderOptions>> = {
  quick: { textMode: 'Plain', tryHarder: false, tryRotate: true, tryInvert: false, tryDownscale: false },
  thorough: { textMode: 'Plain', tryHarder: true, tryRotate: true, tryInvert: true, tryDownscale: false },
}

const luminance = createLuminance()
let free = (): void => undefined

function send(message: DecodeMessage): void {
  self.postMessage(message)
}

async function lookAt(frame: VideoFrame, look: Look, formats: readonly string[]): Promise<readonly Found[]> {
  const picture = await luminance.take(frame, look)
  const read = await readBarcodes(picture, {
    ...efforts[look.effort],
    formats: (look.format === null ? formats : [look.format]) as ReadInputBarcodeFormat[],
  }).finally(free)
  return read.map(({ format, text, symbologyIdentifier, position }) => ({
    format,
    text,
    symbologyIdentifier,
    effort: look.effort,
    corners: [position.topLeft, position.topRight, position.bottomRight, position.bottomLeft].map(({ x, y }) => ({
      x: look.x + x * look.scale,
      y: look.y + y * look.scale,
    })),
  }))
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

function toRead({ format, text, symbologyIdentifier, corners }: Found): ReadCode {
  // The bars of UPC-A are those of EAN-13 with a leading zero.
  return { format: format === 'EAN13' && text.startsWith('0') ? 'UPCA' : format, text, symbologyIdentifier, corners }
}

async function readAll({ frames, region, formats }: StartMessage): Promise<void> {
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
      for (const look of plan.next(bounds, timeMs)) found.push(...(await lookAt(frame, look, wanted)))
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
    } finally {
      frame.close()
    }
  }
}

function fail(error: unknown): void {
  send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
}

// The wasm is a file of the build, never one from a CDN.
const ready = prepareZXingModule({ overrides: { locateFile: () => wasmUrl }, fireImmediately: true }).then(
  (reader) => (free = freeResults(reader)),
)

self.onmessage = ({ data }: MessageEvent<StartMessage>) => void ready.then(() => readAll(data)).catch(fail)
ready.then(() => send({ kind: 'ready' }), fail)
