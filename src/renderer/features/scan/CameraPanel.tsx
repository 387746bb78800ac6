import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { windowDevices } from '#contract/station/device.ts'
import type { PhotoQuality } from '#contract/station/photo-quality.ts'
import type { Session } from '#contract/station/session.ts'
import type { Shot } from '#contract/station/shoot.ts'
import { Rig, rigOf } from '../../camera/Rig.tsx'
import type { RigCamera, RigHandle } from '../../camera/Rig.tsx'
import { savePhoto } from '../../client/save-photo.ts'
import { receiveScan } from '../../client/scans.ts'
import { useStation } from '../../client/state.ts'
import { call, subscribe } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { PhotoVerdict } from '../../ui/PhotoVerdict.tsx'

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
  const rig = useRef<RigHandle>(null)
  const [live, setLive] = useState<ReadonlySet<string>>(new Set())
  const [saving, setSaving] = useState(false)
  const [taken, setTaken] = useState<readonly Taken[]>([])
  const cameras = settings === null ? [] : rigOf(settings, takesPhotos, t)
  const shooting = cameras.filter(({ shoots }) => shoots)
  const isReady = shooting.some(({ key }) => live.has(key))

  /** All of them at once; each photo is saved as soon as it is there, and one that fails stops no other. */
  const shoot = async (): Promise<Shot[]> => {
    setSaving(true)
    const all = await Promise.all(shooting.map((camera) => shootOne(camera, rig.current, session)))
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
  return (
    <section className="camera-side" aria-label={t('scan.camera.panel')}>
      <Rig
        ref={rig}
        cameras={cameras}
        settings={settings}
        formats={session.formats}
        onLive={setLive}
        onCode={({ text, symbologyIdentifier, readAt }, { name }) =>
          receiveScan({
            data: text,
            source: 'camera',
            deviceName: name,
            deviceId: windowDevices.camera,
            readAt,
            ...(symbologyIdentifier !== '' && { aim: symbologyIdentifier }),
          })
        }
      />
      {takesPhotos && (
        <Button kind="primary" shortcut="t" isDisabled={!isReady || saving || isStopped} onPress={() => void shoot()}>
          {t('scan.camera.take', { count: shooting.length })}
        </Button>
      )}
      {takesPhotos && isStopped && <output className="hint">{t('scan.camera.stopped')}</output>}
      {taken.map(({ shot: { camera, error }, quality }) => (
        <div key={camera}>
          {cameras.length > 1 && <strong>{camera}</strong>}
          {error !== null && <ErrorNote error={error} />}
          {quality !== null && <PhotoVerdict quality={quality} />}
        </div>
      ))}
    </section>
  )
}

async function shootOne({ key, name, role }: RigCamera, rig: RigHandle | null, session: Session): Promise<Taken> {
  const photo = await rig?.takePhoto(key)
  if (!photo) {
    const error = { code: 'device_unavailable', message: 'it gave no photo' } as const
    return { shot: { camera: name, photo: null, error }, quality: null }
  }
  const result = await savePhoto(photo, { session: session.id, device: name, ...(role && { role }) })
  return result.ok
    ? { shot: { camera: name, photo: result.value.photo, error: null }, quality: result.value.quality }
    : { shot: { camera: name, photo: null, error: result.error }, quality: null }
}
