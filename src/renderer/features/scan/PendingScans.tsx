import { useTranslation } from 'react-i18next'
import { answerLimitMs, scanQueue, usePendingScans, windowNow } from '../../client/scans.ts'
import type { PendingScan } from '../../client/scan-queue.ts'
import { useNow, useStation } from '../../client/state.ts'
import { Button } from '../../ui/Button.tsx'
import { CodeText } from '../../ui/CodeText.tsx'
import { StateShape } from '../../ui/StateShape.tsx'

const shownAtOnce = 3

/** The alarm for reads and commits that disagree: every scan the station has not confirmed, with what to do about it. */
export function PendingScans() {
  const { t } = useTranslation()
  const scans = usePendingScans()
  useNow(500)
  const late = scans.filter(({ state, readAt }) => state !== 'waiting' || windowNow() - readAt > answerLimitMs)
  if (late.length === 0) return null
  return (
    <section className="pending" data-tone="stop" role="alert">
      <h2>
        <StateShape tone="stop" size={40} />
        {t('scan.pending.title', { count: late.length })}
      </h2>
      <ul>
        {late.slice(0, shownAtOnce).map((scan) => (
          <PendingRow key={scan.key} scan={scan} />
        ))}
      </ul>
      {late.length > shownAtOnce && <p>{t('scan.pending.more', { count: late.length - shownAtOnce })}</p>}
    </section>
  )
}

function PendingRow({ scan }: { readonly scan: PendingScan }) {
  const { t } = useTranslation()
  const connected = useStation((state) => state.connected)
  const session = useStation((state) => state.session)
  const { key, data, state, error } = scan
  const explanation =
    state === 'refused' && error !== null
      ? t(`error.${error.code}`)
      : state === 'waiting'
        ? t(connected ? 'scan.pending.waiting' : 'scan.pending.disconnected')
        : t(state === 'held' ? 'scan.pending.held' : 'scan.pending.unknown')
  return (
    <li className="pending-row">
      <div>
        <CodeText raw={data} />
        <p>{explanation}</p>
      </div>
      {state !== 'waiting' && (
        <div className="row">
          {session !== null && <Button onPress={() => scanQueue.again(key)}>{t('scan.pending.again')}</Button>}
          <Button onPress={() => scanQueue.dismiss(key)}>{t('scan.pending.dismiss')}</Button>
        </div>
      )}
    </li>
  )
}
