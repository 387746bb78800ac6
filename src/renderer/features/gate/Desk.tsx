import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import type { GateStatus, GateVerdict } from '#contract/station/gate.ts'
import { call, follow } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Field } from '../../ui/Fields.tsx'
import { Figure } from '../../ui/Figure.tsx'
import { StateShape } from '../../ui/StateShape.tsx'
import { timeOfDay } from '../../ui/time.ts'
import { Close, TypedPass, type GateParts } from './GateEntry.tsx'
import { shapeOf, toneOf } from './gate-view.ts'

const shownVerdicts = 8

/** The staff's side: attendance, the last reads, letting in and taking back. */
export function Desk(parts: GateParts) {
  const { t } = useTranslation()
  const { status } = parts
  return (
    <aside className="gate-desk" aria-label={t('gate.desk')}>
      <dl className="gate-figures">
        <Figure name={t('gate.figures.inside')} value={status.inside ?? 0} strong />
        <Figure name={t('gate.figures.admitted')} value={status.today.admitted} tone="ok" />
        <Figure name={t('gate.figures.denied')} value={status.today.denied} tone="stop" />
        <Figure name={t('gate.figures.referred')} value={status.today.referred} tone="attention" />
      </dl>
      <PerMinute minutes={status.perMinute} />
      <TypedPass {...parts} />
      <LastReads />
      <p className="gate-tell">
        {status.waiting > 0 && <span>{t('gate.waiting', { count: status.waiting })}</span>}
        <Relay relay={status.relay} />
        {status.differences > 0 && (
          <span data-tone="attention">{t('gate.differences', { count: status.differences })}</span>
        )}
      </p>
      <Close label={t('gate.stop_being')} />
    </aside>
  )
}

/** What of the site's queue for The Wallet Crew somebody should know. */
function Relay({ relay }: Pick<GateStatus, 'relay'>) {
  const { t } = useTranslation()
  if (relay === null) return null
  const { state, waiting, doubtful, refused } = relay
  return (
    <>
      {state === 'well' ? (
        waiting > 0 && <span>{t('gate.relay.waiting', { count: waiting })}</span>
      ) : (
        <span data-tone="attention">{t(`gate.relay.${state}`, { count: waiting })}</span>
      )}
      {doubtful > 0 && <span data-tone="attention">{t('gate.relay.doubtful', { count: doubtful })}</span>}
      {refused > 0 && <span data-tone="attention">{t('gate.relay.refused', { count: refused })}</span>}
    </>
  )
}

/** Admissions and denials of the last hour, a bar a minute. */
function PerMinute({ minutes }: { readonly minutes: GateStatus['perMinute'] }) {
  const { t } = useTranslation()
  const most = Math.max(5, ...minutes.map(({ admitted, denied }) => admitted + denied))
  const total = minutes.reduce((sum, { admitted }) => sum + admitted, 0)
  return (
    <figure className="gate-chart">
      <svg
        viewBox={`0 0 ${minutes.length * 4} 40`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t('gate.chart', { count: total })}
      >
        {minutes.map(({ at, admitted, denied }, index) => (
          <g key={at}>
            <rect
              className="gate-bar-admitted"
              x={index * 4}
              width={3}
              y={40 - (admitted / most) * 40}
              height={(admitted / most) * 40}
            />
            <rect
              className="gate-bar-denied"
              x={index * 4}
              width={3}
              y={40 - ((admitted + denied) / most) * 40}
              height={(denied / most) * 40}
            />
          </g>
        ))}
      </svg>
      <figcaption>{t('gate.chart', { count: total })}</figcaption>
    </figure>
  )
}

function LastReads() {
  const { t } = useTranslation()
  const [verdicts, setVerdicts] = useState<readonly GateVerdict[]>([])
  const [open, setOpen] = useState<string | null>(null)
  useEffect(() => {
    void call('gate.list', { limit: shownVerdicts }).then((result) => result.ok && setVerdicts(result.value))
    return follow('gate.verdict', (verdict) =>
      setVerdicts((before) =>
        [verdict, ...before.filter(({ id }) => id !== verdict.id)]
          .toSorted((one, other) => (one.id < other.id ? 1 : -1))
          .slice(0, shownVerdicts),
      ),
    )
  }, [])
  if (verdicts.length === 0) return <p className="gate-empty">{t('gate.no_reads')}</p>
  return (
    <ol className="gate-reads">
      {verdicts.map((verdict) => (
        <Read
          key={verdict.id}
          verdict={verdict}
          isOpen={open === verdict.id}
          onOpen={(isOpen) => setOpen(isOpen ? verdict.id : null)}
        />
      ))}
    </ol>
  )
}

/** One read, and what the staff may do about it. */
function Read(props: {
  readonly verdict: GateVerdict
  readonly isOpen: boolean
  readonly onOpen: (isOpen: boolean) => void
}) {
  const { verdict, isOpen, onOpen } = props
  const { t, i18n } = useTranslation()
  const [reason, setReason] = useState('')
  const [error, setError] = useState<AppError | null>(null)
  const isIn = verdict.result === 'admit'
  const isTakenBack = verdict.undone !== null
  const view = { name: 'result', verdict, sinceMs: 0 } as const
  const act = async () => {
    const input = { id: verdict.id, reason: reason.trim() }
    const result = await (isIn ? call('gate.undo', input) : call('gate.override', input))
    setError(result.ok ? null : result.error)
    if (!result.ok) return
    setReason('')
    onOpen(false)
  }
  return (
    <li className="gate-read" data-undone={isTakenBack ? 'true' : undefined}>
      <StateShape
        tone={isTakenBack ? 'waiting' : toneOf(view)}
        shape={isTakenBack ? 'waiting' : shapeOf(view)}
        size={24}
      />
      <span className="gate-read-text">
        <b>{isTakenBack ? t('gate.undone') : t(`gate.code.${verdict.code}.word`)}</b>
        <span>
          {timeOfDay(verdict.at, i18n.language)} · …{verdict.hint}
          {verdict.mode === 'offline' && ` · ${t('gate.alone')}`}
          {verdict.compared !== null &&
            !verdict.compared.agrees &&
            ` · ${t('gate.site_said', { word: t(`gate.code.${verdict.compared.code}.word`) })}`}
        </span>
      </span>
      {!isTakenBack && !isOpen && (
        <Button
          onPress={() => onOpen(true)}
          aria-label={`${isIn ? t('gate.take_back') : t('gate.let_in')}, ${verdict.hint}`}
        >
          {isIn ? t('gate.take_back') : t('gate.let_in')}
        </Button>
      )}
      {isOpen && (
        <form
          className="gate-reason"
          onSubmit={(event) => {
            event.preventDefault()
            if (reason.trim() !== '') void act()
          }}
        >
          <Field label={t('gate.reason')} value={reason} onChange={setReason} maxLength={300} autoFocus isRequired />
          <Button type="submit" kind="primary" isDisabled={reason.trim() === ''}>
            {isIn ? t('gate.take_back') : t('gate.let_in')}
          </Button>
          <Button onPress={() => onOpen(false)}>{t('gate.leave')}</Button>
          {error !== null && <ErrorNote error={error} />}
        </form>
      )}
    </li>
  )
}
