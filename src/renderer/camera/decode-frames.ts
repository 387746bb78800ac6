import type { DecodeMessage, ReadFrame, StartMessage } from './frame-message.ts'
import { startWorker } from './start-worker.ts'

/** The browser's road from a camera to a worker; TypeScript's library does not know it yet. */
declare const MediaStreamTrackProcessor: new (init: {
  readonly track: MediaStreamTrack
  readonly maxBufferSize: number
}) => { readonly readable: ReadableStream<VideoFrame> }

/** The newest frame of a camera's track, again and again: those that come while one is read are let go. */
export function framesOf(track: MediaStreamTrack): ReadableStream<VideoFrame> {
  // One frame waits at most, and a newer one takes its place.
  return new MediaStreamTrackProcessor({ track, maxBufferSize: 1 }).readable
}

/**
 * Reads codes in frames until it is closed. The frames go to a worker past the window's own thread, which may be busy
 * with its lists. `onFailed` is called when nothing will ever be read.
 */
export function decodeFrames(options: {
  readonly frames: ReadableStream<VideoFrame>
  readonly region: StartMessage['region']
  readonly formats: StartMessage['formats']
  readonly onFrame: (frame: ReadFrame) => void
  readonly onFailed: (detail: string) => void
}): { close(): void } {
  const { frames, region, formats, onFrame, onFailed } = options
  const worker = startWorker('decode')
  worker.addEventListener('message', ({ data }: MessageEvent<DecodeMessage>) => {
    if (data.kind === 'read') onFrame(data)
    if (data.kind === 'failed') onFailed(data.message)
  })
  worker.addEventListener('error', (event) => onFailed(event.message || 'the decode worker does not start'))
  const message: StartMessage = { frames, region, formats }
  worker.postMessage(message, [frames])
  return { close: () => worker.terminate() }
}
