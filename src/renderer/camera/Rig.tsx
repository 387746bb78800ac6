import type { TFunction } from 'i18next'
import { useImperativeHandle, useRef } from 'react'
import type { Ref } from 'react'
import { useTranslation } from 'react-i18next'
import type { PhotoRole, RememberedCamera } from '#contract/station/camera-settings.ts'
import { windowDevices } from '#contract/station/device.ts'
import type { Settings } from '#contract/station/settings.ts'
import type { Device } from '#contract/station/status.ts'
import type { CodeGroup } from '#contract/symbology.ts'
import { call } from '../client/station.ts'
import { nextStepKey } from './camera-state.ts'
import type { CameraState } from './camera-state.ts'
import { CameraView } from './CameraView.tsx'
import type { CameraCode, CameraHandle } from './CameraView.tsx'

const deviceStates: Readonly<Record<CameraState['kind'], Device['state']>> = {
  starting: 'opening',
  live: 'ready',
  denied: 'refused',
  absent: 'unplugged',
  unclear: 'refused',
  taken: 'busy',
  unplugged: 'unplugged',
  frozen: 'failed',
  insecure: 'refused',
  failed: 'failed',
}

/** One camera of the window: the one that reads codes, or a further one of the rig. */
export interface RigCamera {
  readonly key: string
  /** The remembered camera; null for the machine's first. */
  readonly id: string | null
  readonly name: string
  /** Null for one that nobody gave a view: it says nothing about its photos. */
  readonly role: PhotoRole | null
  readonly reads: boolean
  readonly shoots: boolean
}

/** What a screen may ask of the rig. */
export interface RigHandle {
  /** A JPEG of one camera at its full resolution; null when it gives none. */
  takePhoto(key: string): Promise<Blob | null>
}

/** The live pictures of all cameras, the one that reads codes large; the station is told how each stands. */
export function Rig(props: {
  readonly cameras: readonly RigCamera[]
  readonly settings: Settings
  readonly formats: CodeGroup
  /** A code before the camera that reads. */
  readonly onCode: (code: CameraCode, camera: RigCamera) => void
  /** The keys of the cameras that give pictures have changed. */
  readonly onLive: (live: ReadonlySet<string>) => void
  readonly ref?: Ref<RigHandle>
}) {
  const { cameras, settings, formats, onCode, onLive, ref } = props
  const { t } = useTranslation()
  const handles = useRef(new Map<string, CameraHandle>())
  const live = useRef(new Set<string>())
  useImperativeHandle(ref, () => ({
    takePhoto: async (key) =>
      (await handles.current
        .get(key)
        ?.takePhoto()
        .catch(() => null)) ?? null,
  }))

  const report = (camera: RigCamera, { kind }: CameraState) => {
    if (kind === 'live') live.current.add(camera.key)
    else live.current.delete(camera.key)
    onLive(new Set(live.current))
    const next = nextStepKey(kind)
    void call('device.report', {
      id: camera.reads ? windowDevices.camera : `${windowDevices.camera}:${camera.key}`,
      kind: 'camera',
      name: camera.name,
      state: deviceStates[kind],
      advice: next === null ? '' : t(next),
    })
  }
  return (
    <div className={cameras.length > 1 ? 'camera-rig' : ''}>
      {cameras.map((camera) => (
        <figure key={camera.key} className={camera.reads ? 'camera-place camera-place-reads' : 'camera-place'}>
          <CameraView
            ref={(handle) => {
              if (handle) handles.current.set(camera.key, handle)
              else handles.current.delete(camera.key)
            }}
            id={camera.id}
            known={settings.cameras}
            onState={(state) => report(camera, state)}
            {...(camera.reads && {
              region: settings.camera.region,
              formats,
              onCode: (code) => onCode(code, camera),
            })}
          />
          {cameras.length > 1 && <figcaption>{camera.name}</figcaption>}
        </figure>
      ))}
    </div>
  )
}

/** The camera that reads, then the others that shoot; where none is set to shoot, the one that reads does. */
export function rigOf(settings: Settings, takesPhotos: boolean, t: TFunction): readonly RigCamera[] {
  const { cameras: known, camera } = settings
  // Where none is set to read, one of the rig does: a camera is not opened a second time for it.
  const reading = known.find(({ id }) => id === camera.id) ?? known.find(({ shoots }) => shoots)
  const others = takesPhotos ? known.filter(({ id, shoots }) => shoots && id !== reading?.id) : []
  const name = ({ role, label }: RememberedCamera): string => (role === 'other' ? label : t(`camera.role.${role}`))
  return [
    {
      key: reading?.id ?? 'first',
      id: reading?.id ?? null,
      name: reading ? name(reading) : t('source.camera'),
      role: roleOf(reading),
      reads: true,
      shoots: takesPhotos && (others.length === 0 || reading?.shoots === true),
    },
    ...others.map((one) => ({
      key: one.id,
      id: one.id,
      name: name(one),
      role: roleOf(one),
      reads: false,
      shoots: true,
    })),
  ]
}

function roleOf(camera: RememberedCamera | undefined): PhotoRole | null {
  return camera === undefined || camera.role === 'other' ? null : camera.role
}
