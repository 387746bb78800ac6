import type { CodeGroup } from '#contract/symbology.ts'
import { mayRecover, stateOfRefusal } from './camera-state.ts'
import type { CameraState } from './camera-state.ts'
import { decodeFrames, framesOf } from './decode-frames.ts'
import type { ReadFrame } from './frame-message.ts'
import { takeStill } from './still.ts'

/** Which of the cameras that are there is meant: its id, any, or why none. */
export type Choice = { readonly deviceId: string } | 'any' | 'absent' | 'unclear'

export interface CameraOptions {
  /** Shows the picture. */
  readonly video: HTMLVideoElement
  /** Chooses among the cameras that are there; asked at each start. Labels are empty until a camera was allowed. */
  readonly choose: (present: readonly MediaDeviceInfo[]) => Choice
  /** The wanted size of the picture in pixels; the nearest that the camera has is taken. */
  readonly size: { readonly width: number; readonly height: number }
  /** Settings of the lens and the light, as `track.applyConstraints` takes them; what the camera lacks is left out. */
  readonly controls?: MediaTrackConstraintSet
  /** Reads codes in this part of the picture; none are read without it. */
  readonly region?: 'centre' | 'full'
  /** What the picture is searched for. */
  readonly formats: CodeGroup
  readonly onState: (state: CameraState) => void
  /** The camera that was opened, each time it was. */
  readonly onOpened?: (track: MediaStreamTrack) => void
  /** Called for every frame that was read, with or without codes. */
  readonly onFrame?: (frame: ReadFrame) => void
}

/** A camera that is shown, and read if that is wanted, until it is closed. */
export interface Camera {
  /** A JPEG at the camera's full resolution. Rejects when the camera is not live. */
  takePhoto(): Promise<Blob>
  /** Starts again after the person has done the next step. */
  retry(): void
  close(): void
}

/** A camera that sends no picture for this long has frozen. */
const frozenMs = 4_000
const watchMs = 1_000
/** The pauses before it is tried again without being asked. */
const firstPauseMs = 2_000
const longestPauseMs = 15_000
/** One that has worked for this long is sound again: its next fault is tried again soon. */
const soundMs = 10_000

/**
 * Opens the camera, keeps it open, and reads codes from it.
 *
 * One that was absent or unplugged is started as soon as one is plugged in, one that froze or was another program's
 * is tried again after growing pauses, one that was denied as soon as it is allowed.
 */
export function openCamera(options: CameraOptions): Camera {
  const { video, choose, size, controls, region, formats, onState, onOpened, onFrame } = options
  let stream: MediaStream | undefined
  let decoding: { close(): void } | undefined
  let state: CameraState = { kind: 'starting', detail: '' }
  /** Each start has a number; what an older one still answers is ignored. */
  let attempt = 0
  let closed = false
  let lastFrameMs = 0
  let startedMs = 0
  let pauseMs = firstPauseMs
  let again: ReturnType<typeof setTimeout> | undefined

  function change(next: CameraState): void {
    if (closed) return
    clearTimeout(again)
    if (mayRecover(next.kind)) {
      again = setTimeout(() => void start(), pauseMs)
      pauseMs = Math.min(longestPauseMs, pauseMs * 2)
    }
    if (next.kind === state.kind) return
    state = next
    onState(state)
  }

  function stop(): void {
    decoding?.close()
    decoding = undefined
    for (const track of stream?.getTracks() ?? []) track.stop()
    stream = undefined
    video.srcObject = null
  }

  async function start(): Promise<void> {
    const mine = ++attempt
    const isOld = (): boolean => closed || mine !== attempt
    clearTimeout(again)
    stop()
    if (!('mediaDevices' in navigator)) {
      change({ kind: 'insecure', detail: 'navigator.mediaDevices is missing' })
      return
    }
    try {
      const opened = await openStream(choose, size)
      if (typeof opened === 'string') {
        if (!isOld()) change({ kind: opened, detail: '' })
        return
      }
      if (isOld()) {
        stopTracks(opened)
        return
      }
      stream = opened
      await begin(opened, isOld)
    } catch (error) {
      if (isOld()) return
      stop()
      change(stateOfRefusal(error))
    }
  }

  async function begin(opened: MediaStream, isOld: () => boolean): Promise<void> {
    const track = opened.getVideoTracks()[0]
    if (!track) throw new Error('the stream has no picture')
    track.addEventListener('ended', () => {
      if (isOld()) return
      stop()
      change({ kind: 'unplugged', detail: 'the video track ended' })
    })
    if (controls) await applyControls(track, controls)
    video.srcObject = opened
    await video.play()
    if (isOld()) return
    startedMs = performance.now()
    lastFrameMs = startedMs
    onOpened?.(track)
    if (region !== undefined) read(track, region, isOld)
    change({ kind: 'live', detail: '' })
  }

  function read(track: MediaStreamTrack, part: 'centre' | 'full', isOld: () => boolean): void {
    decoding = decodeFrames({
      frames: framesOf(track),
      region: part,
      formats,
      onFrame(frame) {
        if (isOld()) return
        lastFrameMs = performance.now()
        if (state.kind === 'live') onFrame?.(frame)
      },
      onFailed(detail) {
        if (isOld()) return
        stop()
        change({ kind: 'failed', detail })
      },
    })
  }

  /** Every frame on show proves that the camera lives; a hidden window shows none, and proves nothing. */
  function watchFrames(): void {
    if (closed) return
    lastFrameMs = performance.now()
    video.requestVideoFrameCallback(watchFrames)
  }

  function watch(): void {
    if (state.kind !== 'live' || document.visibilityState !== 'visible') {
      lastFrameMs = performance.now()
      return
    }
    const nowMs = performance.now()
    if (nowMs - startedMs > soundMs) pauseMs = firstPauseMs
    if (nowMs - lastFrameMs < frozenMs) return
    attempt += 1
    stop()
    change({ kind: 'frozen', detail: `no picture for ${frozenMs} ms` })
  }

  function devicesChanged(): void {
    if (state.kind !== 'live' && state.kind !== 'starting') void start()
  }

  let permission: PermissionStatus | undefined
  function permissionChanged(): void {
    if (state.kind === 'denied') void start()
  }

  navigator.mediaDevices?.addEventListener('devicechange', devicesChanged)
  void navigator.permissions?.query({ name: 'camera' as PermissionName }).then(
    (status) => {
      if (closed) return
      permission = status
      status.addEventListener('change', permissionChanged)
    },
    () => undefined,
  )
  const watching = setInterval(watch, watchMs)
  video.requestVideoFrameCallback(watchFrames)
  onState(state)
  void start()

  return {
    async takePhoto() {
      const track = stream?.getVideoTracks()[0]
      if (!track || state.kind !== 'live') throw new Error(`the camera is ${state.kind}`)
      return await takeStill(track, video)
    },
    retry() {
      pauseMs = firstPauseMs
      change({ kind: 'starting', detail: '' })
      void start()
    },
    close() {
      closed = true
      attempt += 1
      clearInterval(watching)
      clearTimeout(again)
      navigator.mediaDevices?.removeEventListener('devicechange', devicesChanged)
      permission?.removeEventListener('change', permissionChanged)
      stop()
    },
  }
}

/** Opens the chosen camera; labels, which a choice may go by, are only known once a camera has been allowed. */
async function openStream(
  choose: CameraOptions['choose'],
  size: CameraOptions['size'],
): Promise<MediaStream | 'absent' | 'unclear'> {
  const before = await presentCameras()
  const isNamed = before.some(({ label }) => label !== '')
  const first = isNamed ? choose(before) : 'any'
  if (first === 'absent' || first === 'unclear') return first
  const stream = await navigator.mediaDevices.getUserMedia(constraints(first, size))
  if (isNamed) return stream
  const second = choose(await presentCameras())
  const openedId = stream.getVideoTracks()[0]?.getSettings().deviceId
  if (second === 'any' || (typeof second === 'object' && second.deviceId === openedId)) return stream
  stopTracks(stream)
  if (second === 'absent' || second === 'unclear') return second
  return await navigator.mediaDevices.getUserMedia(constraints(second, size))
}

/** The cameras that the browser tells of. */
export async function presentCameras(): Promise<readonly MediaDeviceInfo[]> {
  const devices = await navigator.mediaDevices.enumerateDevices()
  return devices.filter(({ kind }) => kind === 'videoinput')
}

function constraints(choice: Choice, { width, height }: CameraOptions['size']): MediaStreamConstraints {
  return {
    audio: false,
    video: {
      ...(typeof choice === 'object' ? { deviceId: { exact: choice.deviceId } } : {}),
      width: { ideal: width },
      height: { ideal: height },
      frameRate: { ideal: 30 },
    },
  }
}

/** One at a time: a value that the camera does not take must not keep the others from it. */
export async function applyControls(track: MediaStreamTrack, controls: MediaTrackConstraintSet): Promise<void> {
  const offered = track.getCapabilities()
  for (const [name, value] of Object.entries(controls)) {
    if (!(name in offered)) continue
    await track.applyConstraints({ advanced: [{ [name]: value }] }).catch(() => undefined)
  }
}

function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop()
}
