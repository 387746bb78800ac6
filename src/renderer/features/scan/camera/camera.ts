import { stateOfRefusal } from './camera-state.ts'
import type { CameraState } from './camera-state.ts'
import type { DecodeMessage, FrameMessage, ReadCode } from './frame-message.ts'
import { startDecodeWorker } from './start-worker.ts'

/** What one decoded frame holds, with the frame's own size in pixels. */
export interface DecodedFrame {
  readonly codes: readonly ReadCode[]
  readonly width: number
  readonly height: number
  readonly timeMs: number
}

export interface CameraOptions {
  /** Shows the picture; the frames are taken from it. */
  readonly video: HTMLVideoElement
  /** The label of the wanted camera, or empty; any camera is taken when it is not there. */
  readonly label: string
  readonly region: 'centre' | 'full'
  readonly onState: (state: CameraState) => void
  /** Called for every decoded frame, with or without codes. */
  readonly onFrame: (frame: DecodedFrame) => void
}

/** A camera that is shown and read until it is closed. */
export interface Camera {
  /** A JPEG at the camera's full resolution. Rejects when the camera is not live. */
  takePhoto(): Promise<Blob>
  /** Starts again after the person has done the next step. */
  retry(): void
  close(): void
}

/** Every so many frames one is read with every option; the others are read quickly. */
const thoroughEvery = 2
/** A camera that does not answer a still's command in time gives the frame on show instead. */
const stillTimeoutMs = 3_000
const jpegQuality = 0.92

/**
 * Opens the camera and reads codes from it continuously.
 *
 * The newest frame is read and those that come meanwhile are skipped: there is no queue. A camera that was absent or
 * unplugged is started as soon as one is plugged in.
 */
export function openCamera({ video, label, region, onState, onFrame }: CameraOptions): Camera {
  let stream: MediaStream | undefined
  let state: CameraState = { kind: 'starting', detail: '' }
  /** Each start has a number; what an older one still answers is ignored. */
  let attempt = 0
  let closed = false
  let frames = 0
  let isReady = false
  /** Until the worker is ready it takes no frames, as if it were busy. */
  let isDecoding = true
  let sentMs = 0
  /** Why frames cannot be decoded, whatever the camera does. */
  let broken: CameraState | undefined

  const worker = startDecodeWorker()
  worker.addEventListener('message', ({ data }: MessageEvent<DecodeMessage>) => {
    isDecoding = false
    if (data.kind === 'failed') {
      // One frame that cannot be read is skipped; a decoder that never gets ready is no camera that reads.
      if (!isReady) breakDown(data.message)
      return
    }
    isReady = true
    if (data.kind !== 'read' || closed || state.kind !== 'live') return
    onFrame({ codes: data.codes, width: data.width, height: data.height, timeMs: sentMs })
  })
  worker.addEventListener('error', (event) => {
    breakDown(event.message || 'the decode worker does not start')
  })

  function change(next: CameraState): void {
    if (closed || next.kind === state.kind) return
    state = next
    onState(state)
  }

  function breakDown(detail: string): void {
    broken = { kind: 'failed', detail }
    change(broken)
  }

  function stop(): void {
    for (const track of stream?.getTracks() ?? []) track.stop()
    stream = undefined
    video.srcObject = null
  }

  async function start(): Promise<void> {
    const mine = ++attempt
    stop()
    change({ kind: 'starting', detail: '' })
    if (!('mediaDevices' in navigator)) {
      change({ kind: 'insecure', detail: 'navigator.mediaDevices is missing' })
      return
    }
    try {
      const opened = await openStream(label)
      if (closed || mine !== attempt) {
        for (const track of opened.getTracks()) track.stop()
        return
      }
      stream = opened
      opened.getVideoTracks()[0]?.addEventListener('ended', () => {
        if (mine === attempt) change({ kind: 'unplugged', detail: 'the video track ended' })
      })
      video.srcObject = opened
      await video.play()
      if (mine === attempt) change(broken ?? { kind: 'live', detail: '' })
    } catch (error) {
      if (mine === attempt) change(stateOfRefusal(error))
    }
  }

  function takeFrame(timeMs: number): void {
    if (closed) return
    video.requestVideoFrameCallback(takeFrame)
    if (isDecoding || state.kind !== 'live' || video.videoWidth === 0) return
    isDecoding = true
    sentMs = timeMs
    const frame = new VideoFrame(video)
    const message: FrameMessage = { frame, region, thorough: ++frames % thoroughEvery === 0 }
    worker.postMessage(message, [frame])
  }

  function devicesChanged(): void {
    if (state.kind === 'absent' || state.kind === 'unplugged') void start()
  }

  navigator.mediaDevices?.addEventListener('devicechange', devicesChanged)
  video.requestVideoFrameCallback(takeFrame)
  onState(state)
  void start()

  return {
    async takePhoto() {
      const track = stream?.getVideoTracks()[0]
      if (!track || state.kind !== 'live') throw new Error(`the camera is ${state.kind}`)
      return (await takeStill(track)) ?? (await takeShown(video))
    },
    retry() {
      void start()
    },
    close() {
      closed = true
      attempt++
      navigator.mediaDevices?.removeEventListener('devicechange', devicesChanged)
      worker.terminate()
      stop()
    },
  }
}

/** Opens the camera with that label; labels are only known once a camera has been allowed. */
async function openStream(label: string): Promise<MediaStream> {
  const wanted = await deviceIdOf(label)
  const stream = await navigator.mediaDevices.getUserMedia(constraints(wanted))
  if (label === '' || wanted !== undefined || stream.getVideoTracks()[0]?.label === label) return stream
  const known = await deviceIdOf(label)
  if (known === undefined) return stream
  for (const track of stream.getTracks()) track.stop()
  return navigator.mediaDevices.getUserMedia(constraints(known))
}

async function deviceIdOf(label: string): Promise<string | undefined> {
  if (label === '') return undefined
  const devices = await navigator.mediaDevices.enumerateDevices()
  return devices.find((device) => device.kind === 'videoinput' && device.label === label)?.deviceId
}

function constraints(deviceId: string | undefined): MediaStreamConstraints {
  return {
    audio: false,
    video: {
      ...(deviceId === undefined ? {} : { deviceId: { exact: deviceId } }),
      width: { ideal: 1920 },
      height: { ideal: 1080 },
      frameRate: { ideal: 30 },
    },
  }
}

/** The camera's own still, which may be larger than its video; undefined when it takes none as JPEG. */
async function takeStill(track: MediaStreamTrack): Promise<Blob | undefined> {
  if (!('ImageCapture' in globalThis)) return undefined
  try {
    const photo = await Promise.race([
      new ImageCapture(track).takePhoto(),
      new Promise<undefined>((resolve) => setTimeout(resolve, stillTimeoutMs)),
    ])
    return photo?.type === 'image/jpeg' && photo.size > 0 ? photo : undefined
  } catch {
    // Many cameras take no stills; the frame on show does as well.
    return undefined
  }
}

async function takeShown(video: HTMLVideoElement): Promise<Blob> {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight)
  const context = canvas.getContext('2d')
  if (!context) throw new Error('no canvas to draw the photo on')
  context.drawImage(video, 0, 0)
  return canvas.convertToBlob({ type: 'image/jpeg', quality: jpegQuality })
}
