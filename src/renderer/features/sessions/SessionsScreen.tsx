import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import type { Session, SessionSummary } from '#contract/station/session.ts'
import { call, follow, onMissed } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { StateShape } from '../../ui/StateShape.tsx'
import { Summary } from '../../ui/Summary.tsx'
import { dateAndTime } from '../../ui/time.ts'

const tones = { ACTIVE: 'waiting', COMPLETED: 'ok', EXPIRED: 'info' } as const

/** What was done here before: each session with its summary and its downloads. */
export function SessionsScreen() {
  const { t, i18n } = useTranslation()
  const [sessions, setSessions] = useState<readonly Session[] | null>(null)
  const [summary, setSummary] = useState<SessionSummary | null>(null)
  const [error, setError] = useState<AppError | null>(null)

  useEffect(() => {
    const load = async () => {
      const result = await call('session.list', { limit: 200 })
      if (result.ok) setSessions(result.value)
      setError(result.ok ? null : result.error)
    }
    void load()
    const stops = [
      onMissed(() => void load()),
      follow('session.changed', (changed) =>
        setSessions((known) =>
          known?.some(({ id }) => id === changed.id)
            ? known.map((session) => (session.id === changed.id ? changed : session))
            : [changed, ...(known ?? [])],
        ),
      ),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }, [])

  const open = async (id: string) => {
    const result = await call('session.summary', { id })
    if (result.ok) setSummary(result.value)
    setError(result.ok ? null : result.error)
  }
  const name = (session: Session) =>
    session.label || t('scan.end.untitled', { at: dateAndTime(session.openedAt, i18n.language) })

  if (summary !== null)
    return (
      <section className="page">
        <header className="page-head">
          <h1>{name(summary.session)}</h1>
          <Button shortcut="Esc" autoFocus onPress={() => setSummary(null)}>
            {t('sessions.back')}
          </Button>
        </header>
        <Summary summary={summary} />
      </section>
    )
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <h1>{t('sessions.title')}</h1>
          <p className="hint">{t('sessions.choose')}</p>
        </div>
      </header>
      {error !== null && <ErrorNote error={error} />}
      {sessions?.length === 0 && <p className="nothing">{t('sessions.empty')}</p>}
      <ul className="session-rows">
        {sessions?.map((session) => (
          <li key={session.id}>
            <button type="button" className="session-row" onClick={() => void open(session.id)}>
              <StateShape tone={tones[session.state]} size={30} />
              <span className="capture-what">
                <span className="capture-name">{name(session)}</span>
                <span className="capture-sub">
                  <b>{t(`sessions.state.${session.state}`)}</b>
                  <span>{dateAndTime(session.openedAt, i18n.language)}</span>
                  <span>{t(`scan.start.modes.${session.captureMode}`)}</span>
                </span>
              </span>
              <span className="session-counts">
                <span>{t('sessions.scans', { count: session.totals.scans })}</span>
                {session.totals.waiting > 0 && <span>{t('strip.waiting', { count: session.totals.waiting })}</span>}
                {session.totals.parked > 0 && <b>{t('strip.parked', { count: session.totals.parked })}</b>}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
