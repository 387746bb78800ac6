import { startWorker } from './start-worker.ts'
import type { StillAnswer, StillRequest } from './still-worker.ts'

/** A camera that does not answer a still's command in time gives the frame on show instead. */
const stillTimeoutMs = 3_000

/** Cameras whose own still is no JPEG: Chromium makes a PNG of a frame then, in half a second, which nobody wants. */
const framesOnly = new WeakSet<MediaStreamTrack>()

/** A JPEG as large as the camera makes them: its own still where it takes any, else the frame on show. */
export async function takeStill(track: MediaStreamTrack, video: HTMLVideoElement): Promise<Blob> {
  return (await takeOwn(track)) ?? (await takeShown(video))
}

/** The camera's own still, which may be larger than its video; undefined when it takes none as JPEG. */
async function takeOwn(track: MediaStreamTrack): Promise<Blob | undefined> {
  if (!('ImageCapture' in globalThis) || framesOnly.has(track)) return undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    const camera = new ImageCapture(track)
    // Without a size the camera gives one of its own choice, which is rarely its largest.
    const { imageWidth, imageHeight } = await camera.getPhotoCapabilities().catch(() => ({}) as PhotoCapabilities)
    const photo = await Promise.race([
      camera.takePhoto({
        ...(imageWidth?.max ? { imageWidth: imageWidth.max } : {}),
        ...(imageHeight?.max ? { imageHeight: imageHeight.max } : {}),
      }),
      new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, stillTimeoutMs)
      }),
    ])
    if (photo?.type === 'image/jpeg' && photo.size > 0) return photo
    if (photo) framesOnly.add(track)
    return undefined
  } catch {
    // Many cameras take no stills; the frame on show does as well.
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

let encoder: { readonly worker: Worker; readonly waiting: Map<number, PromiseWithResolvers<Blob>> } | undefined
let nextId = 1

/** The frame on show, as it was when it was asked for. */
function takeShown(video: HTMLVideoElement): Promise<Blob> {
  const frame = new VideoFrame(video)
  const { worker, waiting } = (encoder ??= startEncoder())
  const turn = Promise.withResolvers<Blob>()
  const request: StillRequest = { id: nextId++, frame }
  waiting.set(request.id, turn)
  worker.postMessage(request, [frame])
  return turn.promise
}

/** The worker that makes JPEGs: started for the first photo, and anew for the next one if it fails. */
function startEncoder(): NonNullable<typeof encoder> {
  const worker = startWorker('still')
  const waiting = new Map<number, PromiseWithResolvers<Blob>>()
  worker.addEventListener('message', ({ data }: MessageEvent<StillAnswer>) => {
    const turn = waiting.get(data.id)
    waiting.delete(data.id)
    if ('photo' in data) turn?.resolve(data.photo)
    else turn?.reject(new Error(data.message))
  })
  worker.addEventListener('error', (event) => {
    worker.terminate()
    encoder = undefined
    for (const turn of waiting.values()) turn.reject(new Error(event.message || 'the worker for photos does not start'))
  })
  return { worker, waiting }
}
