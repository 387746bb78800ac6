import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import type { Capture } from '#contract/station/capture.ts'
import type { Session } from '#contract/station/session.ts'
import { stationPaths } from '#contract/station/http.ts'
import type { ServiceLevel } from '#contract/station/status.ts'
import { useNow, useStation } from '../../client/state.ts'
import { call, onMissed, subscribe } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { captureView, isRetryable } from '../../ui/capture-view.ts'
import { CodeText } from '../../ui/CodeText.tsx'
import { Continued } from '../../ui/Continued.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { StateShape } from '../../ui/StateShape.tsx'
import { ago, dateAndTime, duration } from '../../ui/time.ts'
import { Refused, Undecided } from './Settle.tsx'
import { RefusedDecisions } from './Decisions.tsx'
import { SignIn } from './SignIn.tsx'

/** One session's share of the queue; at most `shownPerSession` rows of it. */
interface QueuePart {
  readonly session: Session
  readonly captures: readonly Capture[]
  readonly total: number
}

const shownPerSession = 50
const settleMs = 500

/** What waits and what was refused, over all sessions, with the server's words and the next try. */
export function QueueScreen() {
  const { t, i18n } = useTranslation()
  const status = useStation((state) => state.status)
  const now = useNow()
  const { parts, sessions, error } = useQueue()
  const [syncing, setSyncing] = useState(false)
  if (status === null) return null
  const { queue, backend } = status
  const syncNow = async () => {
    setSyncing(true)
    const result = await call('station.syncNow', {})
    setSyncing(false)
    if (result.ok) useStation.setState({ status: result.value })
  }
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <h1>{t('queue.title')}</h1>
          <p className="hint">{t('queue.lead')}</p>
        </div>
        <Button
          kind="primary"
          shortcut="t"
          isDisabled={syncing || backend.state === 'unconfigured'}
          onPress={() => void syncNow()}
        >
          {t('queue.sync_now')}
        </Button>
      </header>
      <dl className="figures figures-wide">
        <div className="figure" data-tone={queue.waiting > 0 ? 'waiting' : 'ok'}>
          <dt>{t('queue.waiting')}</dt>
          <dd>
            <StateShape tone={queue.waiting > 0 ? 'waiting' : 'ok'} size={28} />
            {queue.waiting.toLocaleString(i18n.language)}
          </dd>
          <dd className="hint">
            {queue.oldestWaitingAt !== null &&
              t('queue.oldest', { ago: ago(Date.parse(queue.oldestWaitingAt), now, i18n.language) })}
          </dd>
          <dd className="hint">
            {queue.nextAttemptAt !== null &&
              t('queue.next', { ago: ago(Date.parse(queue.nextAttemptAt), now, i18n.language) })}
          </dd>
          {queue.inDoubt > 0 && <dd className="hint">{t('queue.in_doubt', { count: queue.inDoubt })}</dd>}
          {queue.ratePerSecond > 0 && queue.waiting > 0 && (
            <dd className="hint">
              {t('queue.rate', {
                rate: queue.ratePerSecond.toLocaleString(i18n.language, { maximumFractionDigits: 1 }),
                left: duration((queue.waiting / queue.ratePerSecond) * 1_000, i18n.language),
              })}
            </dd>
          )}
          {backend.message !== null && (
            <dd className="hint">
              <q>{backend.message}</q>
            </dd>
          )}
        </div>
        <div className="figure" data-tone={queue.parked > 0 ? 'stop' : 'ok'}>
          <dt>{t('queue.parked')}</dt>
          <dd>
            <StateShape tone={queue.parked > 0 ? 'stop' : 'ok'} size={28} />
            {queue.parked.toLocaleString(i18n.language)}
          </dd>
          {queue.undecided > 0 && <dd className="hint">{t('queue.to_decide', { count: queue.undecided })}</dd>}
        </div>
      </dl>
      {backend.state === 'unauthorised' && <SignIn onDone={() => void syncNow()} />}
      {error !== null && <ErrorNote error={error} />}
      {parts !== null && parts.length === 0 && queue.parked === 0 && (
        <p className="nothing">{t(backend.state === 'unconfigured' ? 'queue.empty_unconfigured' : 'queue.empty')}</p>
      )}
      <RefusedDecisions />
      {parts?.map((part) => (
        <section key={part.session.id} className="panel">
          <div className="queue-part-head">
            <h2>
              {part.session.state === 'ACTIVE'
                ? t('queue.current')
                : part.session.label || dateAndTime(part.session.openedAt, i18n.language)}
              <span className="count">{t('queue.shown', { shown: part.captures.length, total: part.total })}</span>
            </h2>
            {part.session.totals.parked > 0 && (
              <a className="button button-plain" href={stationPaths.export(part.session.id, 'csv', 'refused')} download>
                {t('queue.export_refused')}
              </a>
            )}
            <a className="button button-plain" href={stationPaths.export(part.session.id, 'csv')} download>
              {t('queue.export')}
            </a>
          </div>
          <Continued session={part.session} />
          <ul className="queue-rows">
            {part.captures.map((capture) => (
              <QueueRow key={capture.id} capture={capture} sessions={sessions} now={now} />
            ))}
          </ul>
        </section>
      ))}
      <section className="panel">
        <h2>{t('queue.service')}</h2>
        <dl className="queue-service">
          <dt>{t('queue.saving')}</dt>
          <dd>
            <Level level={queue.saving} />
          </dd>
          <dt>{t('queue.sending')}</dt>
          <dd>
            <Level level={queue.sending} />
          </dd>
        </dl>
      </section>
    </section>
  )
}

function Level({ level }: { readonly level: ServiceLevel | null }) {
  const { t, i18n } = useTranslation()
  if (level === null) return t('queue.no_level')
  const inWords = (ms: number) => `${ms.toLocaleString(i18n.language, { maximumFractionDigits: ms < 10 ? 1 : 0 })} ms`
  return t('queue.level', { p50: inWords(level.p50Ms), p95: inWords(level.p95Ms), p99: inWords(level.p99Ms) })
}

function QueueRow(props: { readonly capture: Capture; readonly sessions: readonly Session[]; readonly now: number }) {
  const { capture, sessions, now } = props
  const { t, i18n } = useTranslation()
  const online = useStation((state) => state.status?.backend.state === 'online')
  const upload = useStation((state) => state.status?.queue.uploads.find(({ captureId }) => captureId === capture.id))
  const [error, setError] = useState<AppError | null>(null)
  const { tone, word } = captureView(capture, online)
  const retry = async () => {
    const result = await call('capture.retry', { id: capture.id })
    setError(result.ok ? null : result.error)
  }
  return (
    <li className="queue-row" data-tone={tone}>
      <StateShape tone={tone} size={30} />
      <div className="capture-what">
        <p className="capture-name">
          <CodeText raw={capture.raw} />
        </p>
        <p className="capture-sub">
          <b>{t(`capture.word.${word}`)}</b>
          <span>{t('queue.since', { ago: ago(Date.parse(capture.capturedAt), now, i18n.language) })}</span>
          <span>{t('queue.attempts', { count: capture.attempts })}</span>
          {capture.nextAttemptAt !== null && (
            <span>{t('queue.next', { ago: ago(Date.parse(capture.nextAttemptAt), now, i18n.language) })}</span>
          )}
        </p>
        {upload !== undefined && (
          <p className="capture-sub">
            {t('queue.uploading', {
              percent: (upload.sentBytes / Math.max(1, upload.totalBytes)).toLocaleString(i18n.language, {
                style: 'percent',
              }),
            })}
          </p>
        )}
        {capture.syncError !== null && <q>{capture.syncError.message}</q>}
        {capture.errorMessage !== '' && <q>{capture.errorMessage}</q>}
        {error !== null && <ErrorNote error={error} />}
        {capture.sync === 'parked' && <Refused capture={capture} sessions={sessions} />}
        {capture.sync === 'undecided' && <Undecided capture={capture} />}
      </div>
      {isRetryable(capture) && <Button onPress={() => void retry()}>{t('scan.action.retry')}</Button>}
    </li>
  )
}

interface QueueAnswer {
  readonly parts: readonly QueuePart[] | null
  readonly sessions: readonly Session[]
  readonly error: AppError | null
}

/** The queue's rows, asked for again after each burst of events. */
function useQueue(): QueueAnswer {
  const [answer, setAnswer] = useState<QueueAnswer>({ parts: null, sessions: [], error: null })
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const load = () => void loadQueue().then(setAnswer)
    const settle = () => {
      timer ??= setTimeout(() => {
        timer = undefined
        load()
      }, settleMs)
    }
    const stops = [onMissed(settle), subscribe('capture.changed', settle), subscribe('scan.taken', settle)]
    load()
    return () => {
      clearTimeout(timer)
      for (const stop of stops) stop()
    }
  }, [])
  return answer
}

/** Asks for the open part of each session that has one. */
async function loadQueue(): Promise<QueueAnswer> {
  const sessions = await call('session.list', {})
  if (!sessions.ok) return { parts: null, sessions: [], error: sessions.error }
  // What was refused of a capture that the server has, a photo say, is in no session's totals.
  const refused = sessions.value.reduce((sum, { totals }) => sum + totals.parked, 0)
  const isMore = (useStation.getState().status?.queue.parked ?? 0) > refused
  const open = sessions.value.filter(({ totals }) => isMore || totals.waiting + totals.parked + totals.failed > 0)
  const parts = await Promise.all(
    open.map(async (session): Promise<QueuePart> => {
      const answers = await Promise.all(
        (['problem', 'waiting'] as const).map((filter) =>
          call('capture.list', { sessionId: session.id, filter, limit: shownPerSession }),
        ),
      )
      const pages = answers.flatMap((page) => (page.ok ? [page.value] : []))
      const captures = new Map(pages.flatMap((page) => page.captures).map((capture) => [capture.id, capture]))
      return {
        session,
        captures: [...captures.values()].slice(0, shownPerSession),
        total: pages.reduce((sum, page) => sum + page.total, 0),
      }
    }),
  )
  return { parts: parts.filter(({ captures }) => captures.length > 0), sessions: sessions.value, error: null }
}
