import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import type { DeviceDetails } from '#contract/station/device.ts'
import { scannerSettingsSchema } from '#contract/station/scanner-settings.ts'
import type { ScannerSettings } from '#contract/station/scanner-settings.ts'
import type { StationStatus } from '#contract/station/status.ts'
import { useNow, useStation } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Barcode } from '../../ui/Barcode.tsx'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Choices, Field } from '../../ui/Fields.tsx'
import { StateShape } from '../../ui/StateShape.tsx'
import { duration } from '../../ui/time.ts'
import { RoleChoice } from './DeviceSettings.tsx'

type Running = NonNullable<StationStatus['pairing']>

/** Finds out by its own read which scanner is meant, and gives it a name. */
export function Pairing(props: {
  readonly pairing: Running
  readonly devices: readonly DeviceDetails[]
  /** With the id of what was registered, or null. */
  readonly onDone: (id: string | null) => void
}) {
  const { pairing, devices, onDone } = props
  const { t, i18n } = useTranslation()
  const now = useNow()
  if (pairing.found !== null) return <Found found={pairing.found} devices={devices} onDone={onDone} />
  return (
    <section className="panel pairing" aria-label={t('devices.pair.title')}>
      <h2>{t('devices.pair.title')}</h2>
      <p className="pairing-lead">{t('devices.pair.lead')}</p>
      <Barcode text={pairing.code} label={t('devices.pair.code')} />
      <p className="hint">
        {t('devices.pair.left', { time: duration(Math.max(0, Date.parse(pairing.until) - now), i18n.language) })}{' '}
        {t('devices.pair.printed')}
      </p>
    </section>
  )
}

function Found(props: {
  readonly found: NonNullable<Running['found']>
  readonly devices: readonly DeviceDetails[]
  readonly onDone: (id: string | null) => void
}) {
  const { found, devices, onDone } = props
  const { t } = useTranslation()
  const byId = useStation((state) => state.settings?.scanners.byId)
  const typing = found.kind === 'wedge'
  // Which keyboard typed it, no window can tell; of those that are known to type, one can be taken from the desktop.
  const candidates = typing ? devices.filter(({ facts, state }) => facts?.road === 'window' && state === 'ready') : []
  const [claimed, setClaimed] = useState('')
  const id = claimed === '' ? found.deviceId : claimed
  const before: ScannerSettings = byId?.[id] ?? scannerSettingsSchema.parse({})
  const [edits, setEdits] = useState<Partial<Pick<ScannerSettings, 'name' | 'role' | 'place'>>>({})
  const { name, role, place } = { ...before, ...edits }
  const [error, setError] = useState<AppError | null>(null)
  const save = () =>
    void call('device.configure', {
      id,
      settings: { ...before, name: name.trim(), role, place: place.trim(), claim: before.claim || claimed !== '' },
    }).then((result) => {
      setError(result.ok ? null : result.error)
      if (result.ok) onDone(id)
    })
  return (
    <form
      className="panel pairing"
      aria-label={t('devices.pair.found')}
      onSubmit={(event) => {
        event.preventDefault()
        save()
      }}
    >
      <h2 className="pairing-found">
        <StateShape tone="ok" size={36} />
        {t('devices.pair.found_name', { name: found.deviceName })}
      </h2>
      {typing && <p className="hint">{t('devices.pair.typing')}</p>}
      {typing && candidates.length > 0 && (
        <Choices
          label={t('devices.pair.claim')}
          look="cards"
          value={claimed}
          onChange={setClaimed}
          choices={[
            { value: '', label: t('devices.pair.claim_no'), explanation: t('devices.pair.claim_no_why') },
            ...candidates.map((one) => ({
              value: one.id,
              label: t('devices.pair.claim_yes', { name: one.name }),
              explanation: t('devices.pair.claim_yes_why'),
            })),
          ]}
        />
      )}
      <div className="row row-field">
        <Field
          label={t('devices.settings.name')}
          hint={t('devices.settings.name_hint')}
          value={name}
          onChange={(value) => setEdits({ ...edits, name: value })}
          maxLength={100}
          autoFocus
        />
        <Field
          label={t('devices.settings.place')}
          hint={t('devices.settings.place_hint')}
          value={place}
          onChange={(value) => setEdits({ ...edits, place: value })}
          maxLength={100}
        />
      </div>
      <RoleChoice value={role} onChange={(value) => setEdits({ ...edits, role: value })} />
      <div className="row">
        <Button type="submit" kind="primary">
          {t('devices.pair.save')}
        </Button>
        <Button onPress={() => onDone(null)}>{t('devices.pair.not_now')}</Button>
      </div>
      {error !== null && <ErrorNote error={error} />}
    </form>
  )
}
