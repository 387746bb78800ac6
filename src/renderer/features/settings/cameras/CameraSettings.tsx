import { useTranslation } from 'react-i18next'
import type { RememberedCamera } from '#contract/station/camera-settings.ts'
import type { Settings } from '#contract/station/settings.ts'
import { matchCameras } from '../../../camera/identity.ts'
import type { Match, PresentCamera } from '../../../camera/identity.ts'
import type { SettingsChange } from '../../../client/use-settings.ts'
import { Button } from '../../../ui/Button.tsx'
import { Choices, Switch } from '../../../ui/Fields.tsx'
import { CameraCard } from './CameraCard.tsx'
import { useCameras } from './use-cameras.ts'
import './cameras.css'

/** Which cameras there are, what each is for, and how it is set. */
export function CameraSettings({
  settings,
  change,
}: {
  readonly settings: Settings
  readonly change: (change: SettingsChange) => void
}) {
  const { t } = useTranslation()
  const { camera, cameras: known } = settings
  const { cameras, ask } = useCameras()
  const rows = rowsOf(known, cameras.kind === 'there' ? cameras.present : [])

  const save = (changed: RememberedCamera, reads: boolean) => {
    const isKnown = known.some(({ id }) => id === changed.id)
    change({
      cameras: isKnown ? known.map((one) => (one.id === changed.id ? changed : one)) : [...known, changed],
      ...(reads && camera.id !== changed.id && { camera: { ...camera, id: changed.id } }),
      ...(!reads && camera.id === changed.id && { camera: { ...camera, id: '' } }),
    })
  }
  const forget = (id: string) =>
    change({
      cameras: known.filter((one) => one.id !== id),
      ...(camera.id === id && { camera: { ...camera, id: '' } }),
    })

  return (
    <section className="panel cameras">
      <h2>{t('settings.camera')}</h2>
      {cameras.kind === 'insecure' ? (
        <p className="hint">{t('settings.camera_insecure')}</p>
      ) : (
        <>
          <div className="row">
            <Switch
              label={t('settings.camera_on')}
              isSelected={camera.enabled}
              onChange={(enabled) => change({ camera: { ...camera, enabled } })}
            />
          </div>
          <Choices
            label={t('settings.region')}
            look="row"
            value={camera.region}
            onChange={(region) => change({ camera: { ...camera, region } })}
            choices={(['centre', 'full'] as const).map((value) => ({ value, label: t(`settings.regions.${value}`) }))}
          />
          {cameras.kind === 'unnamed' && (
            <div className="row">
              <Button onPress={() => void ask()}>{t('settings.cameras.ask')}</Button>
              <p className="hint">{t('settings.cameras.ask_hint')}</p>
            </div>
          )}
          {cameras.kind === 'there' && rows.length === 0 && <p className="hint">{t('settings.camera_none')}</p>}
          <ul className="camera-cards">
            {rows.map(({ one, match, candidates }) => (
              <CameraCard
                key={one.id}
                camera={one}
                known={known.some(({ id }) => id === one.id) ? known : [...known, one]}
                match={match}
                candidates={candidates}
                reads={camera.id === one.id}
                onChange={save}
                onForget={() => forget(one.id)}
              />
            ))}
          </ul>
        </>
      )}
    </section>
  )
}

interface Row {
  readonly one: RememberedCamera
  readonly match: Match
  /** The cameras among which it may be, where it cannot be told. */
  readonly candidates: readonly PresentCamera[]
}

/** The remembered cameras, then those that are there and not remembered yet: they are, once something is set. */
function rowsOf(known: readonly RememberedCamera[], present: readonly PresentCamera[]): readonly Row[] {
  const matches = matchCameras(known, present)
  const taken = new Set([...matches.values()].flatMap((match) => (typeof match === 'string' ? [] : [match.deviceId])))
  const free = present.filter(({ deviceId }) => !taken.has(deviceId))
  const unclear = new Set(known.filter(({ id }) => matches.get(id) === 'unclear').map(({ label }) => label))
  return [
    ...known.map((one) => ({
      one,
      match: matches.get(one.id) ?? ('absent' as const),
      candidates: free.filter(({ label }) => label === one.label),
    })),
    ...free
      .filter(({ label }) => !unclear.has(label))
      .map((camera) => ({
        one: { ...camera, id: newId(camera), role: 'other' as const, shoots: false, size: null, controls: {} },
        match: { deviceId: camera.deviceId },
        candidates: [],
      })),
  ]
}

/** The id that a camera gets when it is remembered: from its own, so that it is the same at each look. */
function newId({ deviceId }: PresentCamera): string {
  return `camera-${deviceId.slice(0, 60)}`
}
