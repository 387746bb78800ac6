/**
 * Reads codes in camera frames, away from the window's own thread. One frame at a time, answered once each; the
 * pixels go through one buffer that is kept, so that a day of frames does not grow the heap.
 */
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'
import type { ReaderOptions } from 'zxing-wasm/reader'
import wasmUrl from 'zxing-wasm/reader/zxing_reader.wasm?url'
import type { DecodeMessage, FrameMessage } from './frame-message.ts'

/** `Plain` keeps control characters as they are. */
const quick: ReaderOptions = {
  textMode: 'Plain',
  tryHarder: false,
  tryRotate: true,
  tryInvert: false,
  tryDownscale: false,
}
const thorough: ReaderOptions = {
  textMode: 'Plain',
  tryHarder: true,
  tryRotate: true,
  tryInvert: true,
  tryDownscale: true,
}

let buffer = new Uint8ClampedArray(0)

function send(message: DecodeMessage): void {
  self.postMessage(message)
}

async function read({ frame, region, thorough: isThorough }: FrameMessage): Promise<void> {
  try {
    const { codedWidth, codedHeight, visibleRect } = frame
    const whole = visibleRect ?? { x: 0, y: 0, width: codedWidth, height: codedHeight }
    const part = region === 'full' ? { top: 0, height: whole.height } : middleHalf(whole.height)
    const rect = { x: whole.x, y: whole.y + part.top, width: whole.width, height: part.height }
    const bytes = rect.width * rect.height * 4
    if (buffer.byteLength !== bytes) buffer = new Uint8ClampedArray(bytes)
    await frame.copyTo(buffer, { rect, format: 'RGBA' })
    const pixels = { data: buffer, width: rect.width, height: rect.height, colorSpace: 'srgb' } as ImageData
    const codes = await readBarcodes(pixels, isThorough ? thorough : quick)
    send({
      kind: 'read',
      width: whole.width,
      height: whole.height,
      codes: codes.map(({ format, text, symbologyIdentifier, position }) => ({
        // The bars of UPC-A are those of EAN-13 with a leading zero.
        format: format === 'EAN13' && text.startsWith('0') ? 'UPCA' : format,
        text,
        symbologyIdentifier,
        corners: [position.topLeft, position.topRight, position.bottomRight, position.bottomLeft].map(({ x, y }) => ({
          x,
          y: y + part.top,
        })),
      })),
    })
  } finally {
    frame.close()
  }
}

/** Even numbers, since the frame's colour is stored for two by two pixels. */
function middleHalf(height: number): { readonly top: number; readonly height: number } {
  const top = Math.floor(height / 8) * 2
  return { top, height: Math.floor((height - 2 * top) / 2) * 2 }
}

function fail(error: unknown): void {
  send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
}

self.onmessage = ({ data }: MessageEvent<FrameMessage>) => void read(data).catch(fail)

// The wasm is a file of the build, never one from a CDN.
prepareZXingModule({ overrides: { locateFile: () => wasmUrl }, fireImmediately: true }).then(
  () => send({ kind: 'ready' }),
  fail,
)
