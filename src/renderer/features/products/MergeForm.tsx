import { useEffect, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { productFields, type ProductBrief, type ProductField, type ProductRecord } from '#contract/station/catalogue.ts'
import { call } from '../../client/station.ts'
import { CodeText } from '../../ui/CodeText.tsx'
import { Field } from '../../ui/Fields.tsx'
import { Brief } from './Brief.tsx'
import { FormEnd } from './FormEnd.tsx'

interface Merge {
  readonly gtin: string
  readonly other: string
  readonly fields: { field: ProductField; from: string; to: string }[]
}

/** Two records of one thing become one: which is kept, and for each field whose value. */
export function MergeForm(props: {
  readonly record: ProductRecord
  readonly onMerge: (merge: Merge) => void
  readonly onCancel: () => void
}) {
  const { record, onMerge, onCancel } = props
  const { t } = useTranslation()
  const [other, setOther] = useState<ProductRecord | null>(null)
  return (
    <section className="product-form" aria-label={t('products.merge_title')}>
      <h2>{t('products.merge_title')}</h2>
      {other === null ? (
        <Choice record={record} onChoose={setOther} onCancel={onCancel} />
      ) : (
        <Compare records={[record, other]} onMerge={onMerge} onCancel={() => setOther(null)} />
      )}
    </section>
  )
}

/** Which product is the same thing; those with the same first word stand first. */
function Choice(props: {
  readonly record: ProductRecord
  readonly onChoose: (other: ProductRecord) => void
  readonly onCancel: () => void
}) {
  const { record, onChoose, onCancel } = props
  const { t } = useTranslation()
  const [text, setText] = useState((record.values.product_name ?? '').split(/\s+/)[0] ?? '')
  const [found, setFound] = useState<readonly ProductBrief[]>([])
  useEffect(() => {
    let isOver = false
    const show = async (from: 'station' | 'backend') => {
      const answer = await call('product.search', { text, from, limit: 20 })
      if (answer.ok && !isOver) setFound(answer.value.products)
    }
    void show('station')
    const timer = setTimeout(() => void show('backend'), 250)
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [text])
  const choose = async (gtin: string) => {
    const there = await call('product.get', { gtin, from: 'backend' })
    const answer = there.ok ? there : await call('product.get', { gtin, from: 'station' })
    if (answer.ok) onChoose(answer.value)
  }
  const others = found.filter(({ gtin }) => gtin !== record.gtin)
  return (
    <>
      <p className="hint">{t('products.merge_lead')}</p>
      <Field
        label={t('products.merge_search')}
        value={text}
        onChange={setText}
        autoFocus
        maxLength={200}
        onKeyDown={(event) => event.key === 'Enter' && others[0] && void choose(others[0].gtin)}
      />
      <ul className="product-list" aria-label={t('products.merge_search')}>
        {others.map((product) => (
          <li key={product.gtin}>
            <button type="button" className="entry" onClick={() => void choose(product.gtin)}>
              <Brief product={product} />
            </button>
          </li>
        ))}
      </ul>
      <FormEnd onBack={onCancel} />
    </>
  )
}

/** The fields in which the two differ, each with both values; the kept one's stands unless it is empty. */
function Compare(props: {
  readonly records: readonly [ProductRecord, ProductRecord]
  readonly onMerge: (merge: Merge) => void
  readonly onCancel: () => void
}) {
  const { records, onMerge, onCancel } = props
  const { t } = useTranslation()
  const [keep, setKeep] = useState<0 | 1>(0)
  const [chosen, setChosen] = useState<Partial<Record<ProductField, 0 | 1>>>({})
  const value = (side: 0 | 1, field: ProductField): string => records[side].values[field] ?? ''
  const differing = productFields.filter((field) => value(0, field) !== value(1, field))
  const sideOf = (field: ProductField): 0 | 1 =>
    chosen[field] ?? (value(keep, field) === '' ? (keep === 0 ? 1 : 0) : keep)
  const [kept, other] = keep === 0 ? records : [records[1], records[0]]
  const merge = () =>
    onMerge({
      gtin: kept.gtin,
      other: other.gtin,
      fields: differing.flatMap((field) => {
        const [from, to] = [value(keep, field), value(sideOf(field), field)]
        return from === to ? [] : [{ field, from, to }]
      }),
    })
  return (
    <>
      <p className="hint">{t('products.merge_choose', { gtin: other.gtin })}</p>
      <div className="product-compare-box">
        <table className="product-compare">
          <thead>
            <tr>
              <th scope="col">{t('products.merge_field')}</th>
              {([0, 1] as const).map((side) => (
                <th key={records[side].gtin} scope="col">
                  <Pick name="keep" isChosen={keep === side} onChoose={() => setKeep(side)}>
                    {t(keep === side ? 'products.merge_kept' : 'products.merge_keep')}{' '}
                    <CodeText raw={records[side].gtin} />
                  </Pick>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {differing.map((field) => (
              <tr key={field}>
                <th scope="row">{t(`products.field.${field}`)}</th>
                {([0, 1] as const).map((side) => (
                  <td key={records[side].gtin}>
                    <Pick
                      name={field}
                      isChosen={sideOf(field) === side}
                      onChoose={() => setChosen({ ...chosen, [field]: side })}
                    >
                      {value(side, field) || t('products.no_value')}
                    </Pick>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <FormEnd
        done={{ text: t('products.merge_do', { gtin: kept.gtin }), run: merge }}
        back={t('products.merge_back')}
        onBack={onCancel}
      />
    </>
  )
}

function Pick(props: {
  readonly name: string
  readonly isChosen: boolean
  readonly onChoose: () => void
  readonly children: ReactNode
}) {
  const { name, isChosen, onChoose, children } = props
  return (
    <label className="product-pick" data-chosen={isChosen}>
      <input type="radio" name={name} checked={isChosen} onChange={onChoose} />
      <span>{children}</span>
    </label>
  )
}
