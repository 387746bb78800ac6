import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Desk } from '#contract/station/item.ts'
import type { Session, SessionSummary } from '#contract/station/session.ts'
import { useStation } from '../../client/state.ts'
import { call, follow, subscribe } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { SessionEnded } from './SessionEnded.tsx'
import { SessionStart } from './SessionStart.tsx'
import { Work } from './Work.tsx'

/** The scan face: start, work, summary, in turn. */
export function ScanScreen() {
  const session = useStation((state) => state.session)
  const [ended, setEnded] = useState<SessionSummary | null>(null)
  useEffect(
    () =>
      subscribe('control.taken', ({ command, sessionId }) => {
        if (command.kind !== 'end') return
        void call('session.summary', { id: sessionId }).then((result) => {
          if (result.ok) setEnded(result.value)
        })
      }),
    [],
  )
  if (session?.captureMode === 'product_photography')
    return <Photographed key={session.id} session={session} onEnded={setEnded} />
  if (session !== null) return <Work key={session.id} session={session} onEnded={setEnded} />
  if (ended !== null) return <SessionEnded summary={ended} onNew={() => setEnded(null)} />
  return <SessionStart />
}

/** A session of photos: one that the desk has opened for a product is gone on with there. */
function Photographed(props: { readonly session: Session; readonly onEnded: (summary: SessionSummary) => void }) {
  const { t } = useTranslation()
  const [desk, setDesk] = useState<Desk | null>(null)
  useEffect(() => {
    void call('item.desk', {}).then((answer) => answer.ok && setDesk(answer.value))
    return follow('item.changed', setDesk)
  }, [])
  if (desk === null) return null
  if (desk.item === null) return <Work {...props} />
  const { product, gtin, raw } = desk.item
  return (
    <section className="page">
      <header className="page-head">
        <h1>{t('scan.at_desk', { name: product.product?.name || gtin || raw })}</h1>
      </header>
      <p className="nothing">{t('scan.at_desk_lead')}</p>
      <Button large onPress={() => void call('item.leave', {})}>
        {t('scan.at_desk_leave')}
      </Button>
    </section>
  )
}
