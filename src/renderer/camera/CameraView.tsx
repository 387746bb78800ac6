import { useEffect, useEffectEvent, useImperativeHandle, useRef, useState } from 'react'
import type { ReactNode, Ref } from 'react'
import { useTranslation } from 'react-i18next'
import type { RememberedCamera } from '#contract/station/camera-settings.ts'
import type { CodeGroup, Symbology } from '#contract/symbology.ts'
import { symbologyOfFormat } from '#domain/symbology.ts'
import { openCamera } from './camera.ts'
import type { Camera } from './camera.ts'
import { nextStepKey, stateTextKey } from './camera-state.ts'
import type { CameraState } from './camera-state.ts'
import type { ReadFrame } from './frame-message.ts'
import { matchCameras } from './identity.ts'
import { createOutlines } from './outlines.ts'
import type { Outline } from './outlines.ts'
import { createPresence } from './presence.ts'
import './camera-view.css'

/** A code that has come into view. */
export interface CameraCode {
  readonly text: string
  /** As `]E0`; empty when the decoder knows none. */
  readonly symbologyIdentifier: string
  readonly symbology: Symbology
  /** When its picture was taken, as `ReadFrame` has it. */
  readonly readAt: number
}

/** What a screen may ask of the camera. */
export interface CameraHandle {
  /** A JPEG at the camera's full resolution. Rejects when the camera is not live. */
  takePhoto(): Promise<Blob>
}

export interface CameraViewProps {
  /** The remembered camera to show, or the machine's first. */
  readonly id: string | null
  /** All remembered cameras: two of one model are told apart by what the others are. */
  readonly known: readonly RememberedCamera[]
  /** The part of the picture in which codes are read; none are read without it. */
  readonly region?: 'centre' | 'full'
  /** What the picture is searched for; every code when it is not said. */
  readonly formats?: CodeGroup
  /** Called once for a code while it stays in view, and again after it was out of view for a while. */
  readonly onCode?: (code: CameraCode) => void
  readonly onState?: (state: CameraState) => void
  /** The camera that was opened, each time it was. */
  readonly onOpened?: (track: MediaStreamTrack) => void
  readonly ref?: Ref<CameraHandle>
}

const usualSize = { width: 1_920, height: 1_080 }

/** The live picture with every code outlined, or what is the matter with the camera and what to do about it. */
export function CameraView({
  id,
  known,
  region,
  formats = 'all',
  onCode,
  onState,
  onOpened,
  ref,
}: CameraViewProps): ReactNode {
  const { t } = useTranslation()
  const video = useRef<HTMLVideoElement>(null)
  const camera = useRef<Camera>(null)
  const [state, setState] = useState<CameraState>({ kind: 'starting', detail: '' })
  const [size, setSize] = useState({ width: 16, height: 9 })
  const [outlines, setOutlines] = useState<readonly Outline[]>([])
  // A camera that is started anew, as for another size, shows what it showed before.
  const [presence] = useState(() => createPresence())
  const remembered = known.find((one) => one.id === id)
  const { width, height } = remembered?.size ?? usualSize

  const tellState = useEffectEvent((next: CameraState) => {
    setState(next)
    if (next.kind !== 'live') setOutlines([])
    onState?.(next)
  })
  const tellCode = useEffectEvent((code: CameraCode) => onCode?.(code))
  const tellOpened = useEffectEvent((track: MediaStreamTrack) => onOpened?.(track))
  // Changes of the lens and the light are applied to the running camera by whoever makes them.
  const controls = useEffectEvent(() => remembered?.controls ?? {})
  const choose = useEffectEvent((present: readonly MediaDeviceInfo[]) =>
    id === null ? 'any' : (matchCameras(known, present).get(id) ?? 'absent'),
  )

  useEffect(() => {
    if (!video.current) return undefined
    const steady = createOutlines()

    const readFrame = (frame: ReadFrame) => {
      const timeMs = performance.now()
      const found = frame.codes.map(({ format, text, symbologyIdentifier, isWeak, corners }) => {
        const symbology = symbologyOfFormat(format, symbologyIdentifier)
        const code = { text, symbologyIdentifier, symbology, readAt: frame.takenAt }
        return { key: `${symbology} ${text}`, isWeak, code, corners }
      })
      for (const key of presence.see(found, timeMs)) {
        const one = found.find((candidate) => candidate.key === key)
        if (one) tellCode(one.code)
      }
      setSize((before) =>
        before.width === frame.width && before.height === frame.height
          ? before
          : { width: frame.width, height: frame.height },
      )
      const next = steady.follow(found, timeMs)
      setOutlines((before) => (before.length === 0 && next.length === 0 ? before : next))
    }

    const opened = openCamera({
      video: video.current,
      choose,
      size: { width, height },
      controls: controls() as MediaTrackConstraintSet,
      ...(region === undefined ? {} : { region }),
      formats,
      onState: tellState,
      onOpened: tellOpened,
      onFrame: readFrame,
    })
    camera.current = opened
    return () => {
      opened.close()
      camera.current = null
    }
  }, [id, region, formats, width, height, presence])

  useImperativeHandle(ref, () => ({
    takePhoto: () => camera.current?.takePhoto() ?? Promise.reject(new Error('the camera is closed')),
  }))

  const nextKey = nextStepKey(state.kind)
  const stroke = Math.max(2, size.width / 240)
  return (
    <div className="camera" data-state={state.kind}>
      <video ref={video} className="camera-picture" muted playsInline aria-label={t('camera.view')} />
      <svg className="camera-overlay" viewBox={`0 0 ${size.width} ${size.height}`} aria-hidden="true">
        {region === 'centre' && state.kind === 'live' && (
          <>
            <rect className="camera-outside" x="0" y="0" width={size.width} height={size.height / 4} />
            <rect
              className="camera-outside"
              x="0"
              y={(size.height * 3) / 4}
              width={size.width}
              height={size.height / 4}
            />
          </>
        )}
        {outlines.map(({ key, corners }) => (
          <polygon
            key={key}
            className="camera-code"
            strokeWidth={stroke}
            points={corners.map(({ x, y }) => `${x},${y}`).join(' ')}
          />
        ))}
      </svg>
      {state.kind !== 'live' && (
        <output className="camera-panel">
          <span className="camera-state">{t(stateTextKey(state.kind))}</span>
          {nextKey && (
            <>
              <span className="camera-next">{t(nextKey)}</span>
              <button type="button" className="camera-retry" onClick={() => camera.current?.retry()}>
                {t('camera.retry')}
              </button>
            </>
          )}
        </output>
      )}
    </div>
  )
}
