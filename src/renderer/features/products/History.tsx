import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ProductEvent, ProductRecord } from '#contract/station/catalogue.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import type { Tone } from '../../ui/capture-view.ts'
import { Field } from '../../ui/Fields.tsx'
import { StateShape } from '../../ui/StateShape.tsx'
import { dateAndTime } from '../../ui/time.ts'
import { PhotoButton } from './PhotoButton.tsx'
import type { Products } from './use-products.ts'

const toneOf = (event: ProductEvent): Tone => {
  if (event.delivery === 'refused') return 'stop'
  if (event.delivery === 'waiting') return 'waiting'
  return event.isUndone ? 'info' : 'ok'
}

/** Who did what to the product, from which photo, newest first. */
export function History({ products, record }: { readonly products: Products; readonly record: ProductRecord }) {
  const { t } = useTranslation()
  return (
    <section className="panel product-panel" aria-label={t('products.history')}>
      <h3>{t('products.history')}</h3>
      {record.history.length === 0 && (
        <p className="hint">{t(record.historyAt === null ? 'products.no_history' : 'products.no_history_yet')}</p>
      )}
      <ol className="product-history">
        {record.history.map((event) => (
          <Event key={`${event.origin}-${event.id}`} products={products} gtin={record.gtin} event={event} />
        ))}
      </ol>
    </section>
  )
}

function Event(props: { readonly products: Products; readonly gtin: string; readonly event: ProductEvent }) {
  const { products, gtin, event } = props
  const { t, i18n } = useTranslation()
  const tone = toneOf(event)
  const who = event.origin === 'station' ? t('products.by_station') : event.actor || t('products.by_other')
  return (
    <li data-tone={tone} data-undone={event.isUndone}>
      <StateShape tone={tone} size={22} />
      <div>
        <p>
          <b>{t(`products.action.${event.action}`, { defaultValue: event.action, gtin: event.otherGtin ?? '' })}</b>{' '}
          <span className="hint">
            {who} · <time dateTime={event.at}>{dateAndTime(event.at, i18n.language)}</time>
          </span>
        </p>
        {event.otherGtin !== null && <p className="hint">{t('products.other_gtin', { gtin: event.otherGtin })}</p>}
        {event.isUndone && <p className="product-mark">{t('products.undone')}</p>}
        {event.delivery === 'waiting' && <p className="product-mark">{t('products.unsent')}</p>}
        {event.refusal !== null && (
          <p className="product-mark">
            {t('products.refused')} <q>{event.refusal.message}</q>
          </p>
        )}
        <ul className="product-changes">
          {event.fields.map((change) => (
            <li key={change.field}>
              <PhotoButton hash={change.evidence?.photo ?? null} label={t('products.read_from_photo')} />
              <span>
                <b>{t(`products.field.${change.field}`, { defaultValue: change.field })}</b>{' '}
                {change.from !== '' && <del>{change.from}</del>} <ins>{change.to || t('products.no_value')}</ins>
                {change.evidence !== null && (
                  <span className="hint product-evidence">
                    {change.evidence.confidence === null
                      ? t('products.read_elsewhere')
                      : t('products.read_by', {
                          source: change.evidence.source,
                          confidence: change.evidence.confidence.toLocaleString(i18n.language, { style: 'percent' }),
                        })}
                  </span>
                )}
              </span>
            </li>
          ))}
        </ul>
        {event.canUndo && (
          <div className="product-settle">
            <Button
              kind="bare"
              onPress={() =>
                void products.act(() => call('product.undo', { gtin, id: event.id, origin: event.origin }))
              }
            >
              {t('products.undo')}
            </Button>
          </div>
        )}
        {event.refusal !== null && event.isOpen && <Settle products={products} id={event.id} />}
      </div>
    </li>
  )
}

/** What a person does about a decision that the server did not take. */
function Settle({ products, id }: { readonly products: Products; readonly id: string }) {
  const { t } = useTranslation()
  const [reason, setReason] = useState<string | null>(null)
  if (reason === null) {
    return (
      <div className="product-settle">
        <Button onPress={() => void products.act(() => call('product.retry', { id }))}>{t('products.retry')}</Button>
        <Button onPress={() => setReason('')}>{t('products.give_up')}</Button>
      </div>
    )
  }
  return (
    <form
      className="product-settle"
      onSubmit={(event) => {
        event.preventDefault()
        void products.act(() => call('product.giveUp', { id, reason }))
      }}
    >
      <Field label={t('products.give_up_reason')} value={reason} onChange={setReason} autoFocus maxLength={300} />
      <Button type="submit" isDisabled={reason.trim() === ''}>
        {t('products.give_up_do')}
      </Button>
    </form>
  )
}
