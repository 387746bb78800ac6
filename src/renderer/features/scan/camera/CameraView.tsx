import { useEffect, useEffectEvent, useImperativeHandle, useRef, useState } from 'react'
import type { ReactNode, Ref } from 'react'
import { useTranslation } from 'react-i18next'
import type { Settings } from '#contract/station/settings.ts'
import type { Symbology } from '#contract/symbology.ts'
import { symbologyOfFormat } from '#domain/symbology.ts'
import { openCamera } from './camera.ts'
import type { Camera, DecodedFrame } from './camera.ts'
import { nextStepKey, stateTextKey } from './camera-state.ts'
import type { CameraState } from './camera-state.ts'
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
}

/** What the scan screen may ask of the camera. */
export interface CameraHandle {
  /** A JPEG at the camera's full resolution. Rejects when the camera is not live. */
  takePhoto(): Promise<Blob>
}

export interface CameraViewProps {
  readonly settings: Settings['camera']
  /** Called once for a code while it stays in view, and again after it was out of view for a while. */
  readonly onCode: (code: CameraCode) => void
  readonly onState?: (state: CameraState) => void
  readonly ref?: Ref<CameraHandle>
}

/** The live picture with every code outlined, or what is the matter with the camera and what to do about it. */
export function CameraView({ settings, onCode, onState, ref }: CameraViewProps): ReactNode {
  const { t } = useTranslation()
  const video = useRef<HTMLVideoElement>(null)
  const camera = useRef<Camera>(null)
  const [state, setState] = useState<CameraState>({ kind: 'starting', detail: '' })
  const [size, setSize] = useState({ width: 16, height: 9 })
  const [outlines, setOutlines] = useState<readonly Outline[]>([])
  const { label, region } = settings

  const tellState = useEffectEvent((next: CameraState) => {
    setState(next)
    if (next.kind !== 'live') setOutlines([])
    onState?.(next)
  })
  const tellCode = useEffectEvent((code: CameraCode) => onCode(code))

  useEffect(() => {
    if (!video.current) return undefined
    const presence = createPresence()
    const steady = createOutlines()

    const readFrame = ({ codes, width, height, timeMs }: DecodedFrame) => {
      const found = codes.map(({ format, text, symbologyIdentifier, corners }) => {
        const symbology = symbologyOfFormat(format, symbologyIdentifier)
        return { key: `${symbology} ${text}`, code: { text, symbologyIdentifier, symbology }, corners }
      })
      const arrived = presence.see(
        found.map(({ key }) => key),
        timeMs,
      )
      for (const key of arrived) {
        const one = found.find((candidate) => candidate.key === key)
        if (one) tellCode(one.code)
      }
      setSize((known) => (known.width === width && known.height === height ? known : { width, height }))
      const next = steady.follow(found, timeMs)
      setOutlines((known) => (known.length === 0 && next.length === 0 ? known : next))
    }

    const opened = openCamera({ video: video.current, label, region, onState: tellState, onFrame: readFrame })
    camera.current = opened
    return () => {
      opened.close()
      camera.current = null
    }
  }, [label, region])

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
