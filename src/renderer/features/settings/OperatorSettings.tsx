import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import type { DrillStatus, Rehearsal } from '#contract/station/drill.ts'
import { stationPaths } from '#contract/station/http.ts'
import { useStation } from '../../client/state.ts'
import { call, onMissed, subscribe } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { StateShape } from '../../ui/StateShape.tsx'

const tones = { go: 'ok', 'no-go': 'stop', 'not-rehearsed': 'attention' } as const

/**
 * What is the operator's to do, not everybody's. This is the one place that the operator's PIN is to guard: whatever else
 * is the operator's belongs in here.
 */
export function OperatorSettings() {
  const { t } = useTranslation()
  return (
    <section className="panel">
      <h2>{t('settings.operator.title')}</h2>
      <Drill />
    </section>
  )
}

/** Rehearses what can go wrong, and shows the go/no-go sheet. */
function Drill() {
  const { t, i18n } = useTranslation()
  const isWorking = useStation((state) => state.session !== null)
  const [status, setStatus] = useState<DrillStatus | null>(null)
  const [error, setError] = useState<AppError | null>(null)
  const ask = async (name: 'drill.status' | 'drill.start' | 'drill.stop') => {
    const result = await call(name, {})
    if (result.ok) setStatus(result.value)
    setError(result.ok ? null : result.error)
  }
  useEffect(() => {
    const load = () => void call('drill.status', {}).then((result) => result.ok && setStatus(result.value))
    load()
    const stops = [subscribe('drill.changed', setStatus), onMissed(load)]
    return () => {
      for (const stop of stops) stop()
    }
  }, [])
  if (status === null) return null
  const { state, done, total, report, message } = status
  const rehearsals = report?.rehearsals ?? done
  return (
    <div className="drill">
      <p className="hint">{t('settings.operator.drill.lead')}</p>
      {state === 'unavailable' && <p>{t('settings.operator.drill.unavailable')}</p>}
      {state === 'running' && (
        <div className="row">
          <output>
            {total === 0
              ? t('settings.operator.drill.begun')
              : t('settings.operator.drill.running', { done: done.length, total })}
          </output>
          <progress value={done.length} max={Math.max(total, 1)} aria-label={t('settings.operator.drill.title')} />
          <Button onPress={() => void ask('drill.stop')}>{t('settings.operator.drill.stop')}</Button>
        </div>
      )}
      {state !== 'running' && state !== 'unavailable' && (
        <div className="row">
          <Button kind="primary" isDisabled={isWorking} onPress={() => void ask('drill.start')}>
            {t('settings.operator.drill.start')}
          </Button>
          {isWorking && <span className="hint">{t('settings.operator.drill.session')}</span>}
        </div>
      )}
      {error !== null && <ErrorNote error={error} />}
      {message !== null && <p role="alert">{t('settings.operator.drill.failed', { message })}</p>}
      {report !== null && (
        <output className="drill-verdict" data-tone={tones[report.verdict]}>
          <StateShape tone={tones[report.verdict]} size={36} />
          <b>{t(`settings.operator.drill.verdict.${report.verdict}`)}</b>
          <span>
            {t('settings.operator.drill.sum', {
              scanned: report.totals.scanned.toLocaleString(i18n.language),
              lost: report.totals.lost,
              doubled: report.totals.doubled,
              seconds: Math.round(report.tookMs / 1_000),
            })}
          </span>
        </output>
      )}
      {rehearsals.length > 0 && (
        <ul className="drill-rows">
          {rehearsals.map((rehearsal) => (
            <DrillRow key={rehearsal.name} rehearsal={rehearsal} />
          ))}
        </ul>
      )}
      {report !== null && (
        <a className="button button-plain" href={stationPaths.drillSheet} download>
          {t('settings.operator.drill.sheet')}
        </a>
      )}
    </div>
  )
}

function DrillRow({ rehearsal: { title, verdict, reasons, counts, recoveryMs } }: { readonly rehearsal: Rehearsal }) {
  const { t, i18n } = useTranslation()
  return (
    <li>
      <StateShape tone={tones[verdict]} size={22} />
      <span className="drill-what">
        <b>{title}</b> {t(`settings.operator.drill.word.${verdict}`)}
        {verdict !== 'not-rehearsed' && (
          <span className="hint">
            {t('settings.operator.drill.counts', {
              scanned: counts.scanned,
              lost: counts.lost,
              doubled: counts.doubled,
            })}{' '}
            {recoveryMs !== null &&
              t('settings.operator.drill.recovered', {
                seconds: (recoveryMs / 1_000).toLocaleString(i18n.language, { maximumFractionDigits: 1 }),
              })}
          </span>
        )}
        {reasons.map((reason) => (
          <span key={reason}>{reason}</span>
        ))}
      </span>
    </li>
  )
}
