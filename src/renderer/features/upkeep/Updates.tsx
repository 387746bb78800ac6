import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import { updateRingSchema, type UpdateStatus } from '#contract/station/update.ts'
import type { Settings } from '#contract/station/settings.ts'
import { call } from '../../client/station.ts'
import { useSettings } from '../../client/use-settings.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Choices, Field } from '../../ui/Fields.tsx'
import { StateShape } from '../../ui/StateShape.tsx'

const tones = {
  unavailable: 'info',
  off: 'info',
  current: 'ok',
  found: 'waiting',
  ready: 'waiting',
  failed: 'attention',
  unsigned: 'stop',
  taken_back: 'attention',
} as const
const pollMs = 5_000

/** How Capstan itself stands: what there is, what it waits for, and where it is looked for. */
export function Updates() {
  const { t } = useTranslation()
  const [status, setStatus] = useState<UpdateStatus | null>(null)
  const [error, setError] = useState<AppError | null>(null)
  useEffect(() => {
    const ask = () => void call('update.status', {}).then((result) => result.ok && setStatus(result.value))
    ask()
    const timer = setInterval(ask, pollMs)
    return () => clearInterval(timer)
  }, [])
  const act = async (name: 'update.check' | 'update.install') => {
    const result = await call(name, {})
    if (result.ok) setStatus(result.value)
    setError(result.ok || result.error.code === 'locked' ? null : result.error)
  }
  if (status === null) return null
  const { state, version, waitsFor, message, failed } = status
  return (
    <section className="panel">
      <h2>{t('upkeep.update.title')}</h2>
      <output className="row">
        <StateShape tone={tones[state]} size={28} />
        <span>
          {t(`upkeep.update.state.${state}`, { version: version ?? '' })}{' '}
          {state === 'ready' && waitsFor !== null && t(`upkeep.update.waits.${waitsFor}`)}
          {message !== null && <q>{message}</q>}
        </span>
      </output>
      {failed.length > 0 && <p className="hint">{t('upkeep.update.failed', { versions: failed.join(', ') })}</p>}
      {error !== null && <ErrorNote error={error} />}
      {state !== 'unavailable' && (
        <>
          <div className="row">
            <Button onPress={() => void act('update.check')}>{t('upkeep.update.check')}</Button>
            {state === 'ready' && (
              <Button kind="primary" onPress={() => void act('update.install')}>
                {t('upkeep.update.install')}
              </Button>
            )}
          </div>
          <Source />
        </>
      )}
    </section>
  )
}

function Source() {
  const { t } = useTranslation()
  const { settings, change: changeAll, error } = useSettings()
  const [draft, setDraft] = useState<string | null>(null)
  if (settings === null) return null
  const { update } = settings
  const address = draft ?? update.address
  const change = (fields: Partial<Settings['update']>) => {
    changeAll({ update: { ...update, ...fields } })
    setDraft(null)
  }
  return (
    <>
      {error !== null && <ErrorNote error={error} />}
      <form
        className="row row-field"
        onSubmit={(event) => {
          event.preventDefault()
          change({ address: address.trim() })
        }}
      >
        <Field
          label={t('upkeep.update.address')}
          hint={t('upkeep.update.address_hint')}
          value={address}
          onChange={setDraft}
          maxLength={500}
        />
        <Button type="submit" isDisabled={address.trim() === update.address}>
          {t('settings.save')}
        </Button>
      </form>
      <Choices
        label={t('upkeep.update.ring')}
        look="row"
        value={update.ring}
        onChange={(ring) => change({ ring })}
        choices={updateRingSchema.options.map((value) => ({ value, label: t(`upkeep.update.rings.${value}`) }))}
      />
    </>
  )
}
