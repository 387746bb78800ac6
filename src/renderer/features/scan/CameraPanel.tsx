import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import { fail } from '#contract/result.ts'
import type { Session } from '#contract/station/session.ts'
import type { Device } from '#contract/station/status.ts'
import { receiveScan } from '../../client/scans.ts'
import { useStation } from '../../client/state.ts'
import { call, subscribe } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { CameraView } from './camera/CameraView.tsx'
import type { CameraHandle } from './camera/CameraView.tsx'
import { nextStepKey } from './camera/camera-state.ts'
import type { CameraState } from './camera/camera-state.ts'
import { savePhoto } from './save-photo.ts'

const deviceStates: Readonly<Record<CameraState['kind'], Device['state']>> = {
  starting: 'opening',
  live: 'ready',
  denied: 'refused',
  absent: 'unplugged',
  taken: 'failed',
  unplugged: 'unplugged',
  insecure: 'refused',
  failed: 'failed',
}

/** The live camera beside the work: its codes are scans like any other, and with photos in the session it shoots. */
export function CameraPanel({ session, takesPhotos }: { readonly session: Session; readonly takesPhotos: boolean }) {
  const { t } = useTranslation()
  const settings = useStation((state) => state.settings?.camera)
  const handle = useRef<CameraHandle>(null)
  const [live, setLive] = useState(false)
  const [saving, setSaving] = useState(false)
  const [error, setError] = useState<AppError | null>(null)
  const shoot = async () => {
    setSaving(true)
    const photo = await handle.current?.takePhoto().catch(() => null)
    const result = photo ? await savePhoto(photo, session.id) : fail('device_unavailable', 'the camera gave no photo')
    setSaving(false)
    setError(result.ok ? null : result.error)
  }
  const obey = useRef<() => void>(() => undefined)
  useEffect(() => subscribe('control.taken', ({ command }) => void (command.kind === 'shoot' && obey.current())), [])
  useEffect(() => {
    obey.current = () => {
      if (takesPhotos && live && !saving) void shoot()
    }
  })
  if (settings === undefined) return null
  const name = settings.label === '' ? t('source.camera') : settings.label

  const report = ({ kind }: CameraState) => {
    setLive(kind === 'live')
    const next = nextStepKey(kind)
    void call('device.report', {
      id: 'camera',
      kind: 'camera',
      name,
      state: deviceStates[kind],
      advice: next === null ? '' : t(next),
    })
  }
  return (
    <section className="camera-side" aria-label={t('scan.camera.panel')}>
      <CameraView
        ref={handle}
        settings={settings}
        onState={report}
        onCode={({ text, symbologyIdentifier }) =>
          receiveScan({
            data: text,
            source: 'camera',
            deviceName: name,
            ...(symbologyIdentifier !== '' && { aim: symbologyIdentifier }),
          })
        }
      />
      {takesPhotos && (
        <Button kind="primary" shortcut="t" isDisabled={!live || saving} onPress={() => void shoot()}>
          {t('scan.camera.take')}
        </Button>
      )}
      {error !== null && <ErrorNote error={error} />}
    </section>
  )
}
