import { useTranslation } from 'react-i18next'
import type { SessionSummary } from '#contract/station/session.ts'
import { usePendingScans } from '../../client/scans.ts'
import { Button } from '../../ui/Button.tsx'
import { Summary } from '../../ui/Summary.tsx'
import { PendingScans } from './PendingScans.tsx'

/** The end of a session: what it came to, and the way to the next. */
export function SessionEnded(props: { readonly summary: SessionSummary; readonly onNew: () => void }) {
  const { summary, onNew } = props
  const { t } = useTranslation()
  const troubled = usePendingScans().length > 0
  return (
    <section className="page">
      {troubled && <PendingScans />}
      <header className="page-head">
        <h1>
          {t('scan.end.title')}
          {summary.session.label !== '' && <span className="page-name">{summary.session.label}</span>}
        </h1>
        <Button kind="primary" large autoFocus shortcut="n" onPress={onNew}>
          {t('scan.end.new')}
        </Button>
      </header>
      <Summary summary={summary} />
    </section>
  )
}
