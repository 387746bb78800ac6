import type { TFunction } from 'i18next'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { PhotoRole, RememberedCamera } from '#contract/station/camera-settings.ts'
import { windowDevices } from '#contract/station/device.ts'
import type { PhotoQuality } from '#contract/station/photo-quality.ts'
import type { Session } from '#contract/station/session.ts'
import type { Shot } from '#contract/station/shoot.ts'
import type { Device } from '#contract/station/status.ts'
import { CameraView } from '../../camera/CameraView.tsx'
import type { CameraHandle } from '../../camera/CameraView.tsx'
import { nextStepKey } from '../../camera/camera-state.ts'
import type { CameraState } from '../../camera/camera-state.ts'
import { receiveScan } from '../../client/scans.ts'
import { useStation } from '../../client/state.ts'
import { call, subscribe } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { PhotoVerdict } from './PhotoVerdict.tsx'
import { savePhoto } from './save-photo.ts'

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

/** One camera of the panel: the one that reads codes, or a further one of the rig. */
interface Place {
  /** The remembered camera; null for the machine's first. */
  readonly id: string | null
  readonly name: string
  readonly role: PhotoRole | null
  readonly reads: boolean
  readonly shoots: boolean
}

/** What one camera gave, and what is to be said of its photo. */
interface Taken {
  readonly shot: Shot
  readonly quality: PhotoQuality | null
}

/**
 * The live camera beside the work: its codes are scans like any other. With photos in the session all cameras of the
 * rig are open, and shoot at once.
 */
export function CameraPanel({ session, takesPhotos }: { readonly session: Session; readonly takesPhotos: boolean }) {
  const { t } = useTranslation()
  const settings = useStation((state) => state.settings)
  const isStopped = useStation((state) => state.status?.storage.arePhotosStopped ?? false)
  const handles = useRef(new Map<string, CameraHandle>())
  const [live, setLive] = useState<ReadonlySet<string>>(new Set())
  const [saving, setSaving] = useState(false)
  const [taken, setTaken] = useState<readonly Taken[]>([])
  const known = settings?.cameras ?? []
  const places = placesOf(known, settings?.camera.id ?? '', takesPhotos, t)
  const shooting = places.filter(({ shoots }) => shoots)
  const isReady = shooting.some((place) => live.has(keyOf(place)))

  /** All of them at once; each photo is saved as soon as it is there, and one that fails stops no other. */
  const shoot = async (): Promise<Shot[]> => {
    setSaving(true)
    const all = await Promise.all(shooting.map((place) => shootOne(place, handles.current.get(keyOf(place)), session)))
    setSaving(false)
    setTaken(all)
    return all.map(({ shot }) => shot)
  }
  const obey = useEffectEvent(() => {
    if (takesPhotos && isReady && !saving && !isStopped) void shoot()
  })
  const answer = useEffectEvent(async (id: string) => {
    // With no shots the station knows that the cameras are not ready.
    const shots = takesPhotos && isReady && !saving ? await shoot() : []
    void call('camera.shot', { id, shots })
  })
  useEffect(() => subscribe('control.taken', ({ command }) => void (command.kind === 'shoot' && obey())), [])
  useEffect(() => subscribe('camera.shoot', ({ id }) => void answer(id)), [])
  if (settings === null) return null

  const report = (place: Place, { kind }: CameraState) => {
    setLive((before) => {
      const after = new Set(before)
      if (kind === 'live') after.add(keyOf(place))
      else after.delete(keyOf(place))
      return after
    })
    const next = nextStepKey(kind)
    void call('device.report', {
      id: place.reads ? windowDevices.camera : `${windowDevices.camera}:${keyOf(place)}`,
      kind: 'camera',
      name: place.name,
      state: deviceStates[kind],
      advice: next === null ? '' : t(next),
    })
  }
  return (
    <section className="camera-side" aria-label={t('scan.camera.panel')}>
      <div className={places.length > 1 ? 'camera-rig' : ''}>
        {places.map((place) => (
          <figure key={keyOf(place)} className={place.reads ? 'camera-place camera-place-reads' : 'camera-place'}>
            <CameraView
              ref={(handle) => {
                if (handle) handles.current.set(keyOf(place), handle)
                else handles.current.delete(keyOf(place))
              }}
              id={place.id}
              known={known}
              onState={(state) => report(place, state)}
              {...(place.reads && {
                region: settings.camera.region,
                formats: session.formats,
                onCode: ({ text, symbologyIdentifier, readAt }) =>
                  receiveScan({
                    data: text,
                    source: 'camera',
                    deviceName: place.name,
                    deviceId: windowDevices.camera,
                    readAt,
                    ...(symbologyIdentifier !== '' && { aim: symbologyIdentifier }),
                  }),
              })}
            />
            {places.length > 1 && <figcaption>{place.name}</figcaption>}
          </figure>
        ))}
      </div>
      {takesPhotos && (
        <Button kind="primary" shortcut="t" isDisabled={!isReady || saving || isStopped} onPress={() => void shoot()}>
          {t('scan.camera.take', { count: shooting.length })}
        </Button>
      )}
      {takesPhotos && isStopped && <output className="hint">{t('scan.camera.stopped')}</output>}
      {taken.map(({ shot: { camera, error }, quality }) => (
        <div key={camera}>
          {places.length > 1 && <strong>{camera}</strong>}
          {error !== null && <ErrorNote error={error} />}
          {quality !== null && <PhotoVerdict quality={quality} />}
        </div>
      ))}
    </section>
  )
}

async function shootOne(place: Place, camera: CameraHandle | undefined, session: Session): Promise<Taken> {
  const { name, role } = place
  const photo = await camera?.takePhoto().catch(() => null)
  if (!photo) {
    const error = { code: 'device_unavailable', message: 'it gave no photo' } as const
    return { shot: { camera: name, photo: null, error }, quality: null }
  }
  const result = await savePhoto(photo, session.id, { device: name, ...(role && { role }) })
  return result.ok
    ? { shot: { camera: name, photo: result.value.photo, error: null }, quality: result.value.quality }
    : { shot: { camera: name, photo: null, error: result.error }, quality: null }
}

function keyOf({ id }: Place): string {
  return id ?? 'first'
}

/** The camera that reads, then the others that shoot; where none is set to shoot, the one that reads does. */
function placesOf(
  known: readonly RememberedCamera[],
  readingId: string,
  takesPhotos: boolean,
  t: TFunction,
): readonly Place[] {
  // Where none is set to read, one of the rig does: a camera is not opened a second time for it.
  const reading = known.find(({ id }) => id === readingId) ?? known.find(({ shoots }) => shoots)
  const others = takesPhotos ? known.filter(({ id, shoots }) => shoots && id !== reading?.id) : []
  const name = (camera: RememberedCamera): string =>
    camera.role === 'other' ? camera.label : t(`camera.role.${camera.role}`)
  return [
    {
      id: reading?.id ?? null,
      name: reading ? name(reading) : t('source.camera'),
      role: roleOf(reading),
      reads: true,
      shoots: takesPhotos && (others.length === 0 || reading?.shoots === true),
    },
    ...others.map((camera) => ({
      id: camera.id,
      name: name(camera),
      role: roleOf(camera),
      reads: false,
      shoots: true,
    })),
  ]
}

/** A camera that nobody gave a view says nothing about its photos. */
function roleOf(camera: RememberedCamera | undefined): PhotoRole | null {
  return camera === undefined || camera.role === 'other' ? null : camera.role
}
