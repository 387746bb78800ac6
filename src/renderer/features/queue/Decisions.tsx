import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import { call, onMissed, subscribe } from '../../client/station.ts'
import { useNow } from '../../client/state.ts'
import { Button } from '../../ui/Button.tsx'
import { CodeText } from '../../ui/CodeText.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Field } from '../../ui/Fields.tsx'
import { StateShape } from '../../ui/StateShape.tsx'
import { ago } from '../../ui/time.ts'

/** A decision that the server did not take, whatever it is about. */
interface RefusedDecision {
  readonly id: string
  readonly of: 'review' | 'product'
  readonly at: string
  readonly kind: string
  readonly gtin: string
  readonly name: string
  readonly fields: readonly { readonly field: string; readonly to: string }[]
  readonly words: string
}

/** Decisions of the review and about products that the server did not take, with its words; nothing where there are none. */
export function RefusedDecisions() {
  const { t } = useTranslation()
  const [refused, setRefused] = useState<readonly RefusedDecision[]>([])
  useEffect(() => {
    const load = () => void loadRefused().then(setRefused)
    const stops = [onMissed(load), subscribe('review.changed', load), subscribe('product.changed', load)]
    load()
    return () => {
      for (const stop of stops) stop()
    }
  }, [])
  if (refused.length === 0) return null
  return (
    <section className="panel">
      <h2>
        {t('queue.decisions')} <span className="count">{refused.length}</span>
      </h2>
      <ul className="queue-rows">
        {refused.map((decision) => (
          <Decision key={decision.id} decision={decision} />
        ))}
      </ul>
    </section>
  )
}

function Decision({ decision }: { readonly decision: RefusedDecision }) {
  const { t, i18n } = useTranslation()
  const now = useNow()
  const [reason, setReason] = useState<string | null>(null)
  const [error, setError] = useState<AppError | null>(null)
  const { id, of, kind, gtin, name, fields, words, at } = decision
  const retry = async () => {
    const result = of === 'review' ? await call('review.retry', { id }) : await call('product.retry', { id })
    setError(result.ok ? null : result.error)
  }
  const giveUp = async () => {
    const input = { id, reason: reason ?? '' }
    const result = of === 'review' ? await call('review.giveUp', input) : await call('product.giveUp', input)
    setError(result.ok ? null : result.error)
  }
  return (
    <li className="queue-row" data-tone="stop">
      <StateShape tone="stop" size={30} />
      <div className="capture-what">
        <p className="capture-name">{name || t('products.unnamed')}</p>
        <p className="capture-sub">
          <b>{t(`queue.decision.${kind}`, { defaultValue: kind })}</b>
          {gtin !== '' && <CodeText raw={gtin} />}
          <span>{t('queue.since', { ago: ago(Math.min(Date.parse(at), now), now, i18n.language) })}</span>
        </p>
        {fields.map(({ field, to }) => (
          <p key={field} className="capture-sub">
            {t(of === 'review' ? `review.field.${field}` : `products.field.${field}`, { defaultValue: field })}:{' '}
            {to.length > 200 ? `${to.slice(0, 200)}…` : to}
          </p>
        ))}
        <q>{words}</q>
        {error !== null && <ErrorNote error={error} />}
        {reason !== null && (
          <form
            className="settle-form"
            onSubmit={(event) => {
              event.preventDefault()
              void giveUp()
            }}
          >
            <Field label={t('queue.settle.reason')} value={reason} onChange={setReason} autoFocus maxLength={300} />
            <Button kind="stop" type="submit" isDisabled={reason.trim() === ''}>
              {t('queue.settle.discard_send')}
            </Button>
          </form>
        )}
      </div>
      <div className="row">
        <Button onPress={() => void retry()}>{t('products.retry')}</Button>
        <Button aria-expanded={reason !== null} onPress={() => setReason(reason === null ? '' : null)}>
          {t('queue.settle.discard')}
        </Button>
      </div>
    </li>
  )
}

async function loadRefused(): Promise<readonly RefusedDecision[]> {
  const [reviews, products] = await Promise.all([call('review.refused', {}), call('product.refused', {})])
  return [
    ...(reviews.ok ? reviews.value : []).map((each) => ({
      ...each,
      of: 'review' as const,
      fields: each.field === '' ? [] : [{ field: each.field, to: each.value }],
      words: each.refusal.message,
    })),
    ...(products.ok ? products.value : []).map((each) => ({
      ...each,
      of: 'product' as const,
      kind: each.action === 'edit' ? 'change' : each.action,
      words: each.refusal?.message ?? '',
    })),
  ].toSorted((one, other) => other.at.localeCompare(one.at))
}
