import { useTranslation } from 'react-i18next'
import type { Session } from '#contract/station/session.ts'
import { StateShape } from './StateShape.tsx'

/** That the server had ended a session with captures still to come, and what became of them; nothing when it had not. */
export function Continued({ session: { continuations, totals } }: { readonly session: Session }) {
  const { t } = useTranslation()
  if (continuations === 0) return null
  return (
    <p className="continued">
      <StateShape tone="info" size={22} />
      <span>
        {t('session.continued', { count: continuations })}{' '}
        {totals.waiting > 0 && t('session.continued_waiting', { count: totals.waiting })}
      </span>
    </p>
  )
}
