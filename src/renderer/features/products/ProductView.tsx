import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Result } from '#contract/result.ts'
import { productFields, type ProductField, type ProductRecord } from '#contract/station/catalogue.ts'
import { readNutrition } from '#domain/review/nutrition.ts'
import { useNow } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { CodeText } from '../../ui/CodeText.tsx'
import { StateShape } from '../../ui/StateShape.tsx'
import { ago, dateAndTime } from '../../ui/time.ts'
import { EditForm } from './EditForm.tsx'
import { History } from './History.tsx'
import { MergeForm } from './MergeForm.tsx'
import { PhotoButton } from './PhotoButton.tsx'
import type { Products } from './use-products.ts'

/** One product: its record, its photos, its captures, its history. */
export function ProductView(props: { readonly products: Products; readonly record: ProductRecord }) {
  const { products, record } = props
  const { t } = useTranslation()
  const { values } = record
  const [mode, setMode] = useState<'view' | 'edit' | 'merge'>('view')
  const isFixed = record.mergedInto !== null
  const view = () => setMode('view')
  const act = async (ask: () => Promise<Result<ProductRecord>>) => {
    if (await products.act(ask)) view()
  }
  return (
    <article className="product">
      <header className="product-head">
        <div className="product-names">
          <h2>{values.product_name || t('products.unnamed')}</h2>
          <p className="product-under">
            {[values.brand, values.net_content].filter(Boolean).join(' · ')}
            <CodeText raw={record.gtin} />
          </p>
        </div>
        <Standing products={products} record={record} />
        {mode === 'view' && (
          <div className="product-actions">
            <Button shortcut="e" isDisabled={isFixed} onPress={() => setMode('edit')}>
              {t('products.edit')}
            </Button>
            <Button shortcut="m" isDisabled={isFixed} onPress={() => setMode('merge')}>
              {t('products.merge')}
            </Button>
          </div>
        )}
      </header>
      {mode === 'edit' && (
        <EditForm
          record={record}
          fields={productFields}
          onSave={(fields) => void act(() => call('product.edit', { gtin: record.gtin, fields }))}
          onCancel={view}
        />
      )}
      {mode === 'merge' && (
        <MergeForm record={record} onMerge={(merge) => void act(() => call('product.merge', merge))} onCancel={view} />
      )}
      {mode === 'view' && (
        <div className="product-columns">
          <RecordTable record={record} />
          <div className="product-side">
            <Photos record={record} />
            <History products={products} record={record} />
            <Captures record={record} />
          </div>
        </div>
      )}
    </article>
  )
}

/** How sure one can be of what is shown: from when it is, and what is not told yet. */
function Standing({ products, record }: { readonly products: Products; readonly record: ProductRecord }) {
  const { t, i18n } = useTranslation()
  const now = useNow()
  const { recordBy } = products
  const told =
    record.known === 'none'
      ? t('products.only_here')
      : record.fetchedAt === null
        ? t('products.brief')
        : t('products.fetched', { ago: ago(Math.min(Date.parse(record.fetchedAt), now), now, i18n.language) })
  return (
    <div className="product-standing">
      {record.mergedInto !== null && (
        <output className="note" data-tone="info">
          <StateShape tone="info" size={22} />
          <span>{t('products.merged_into', { gtin: record.mergedInto })}</span>
        </output>
      )}
      {recordBy.kind === 'station' ? (
        <output className="note" data-tone="attention">
          <StateShape tone="attention" size={22} />
          <span>
            {t('products.record_here')} {told}
          </span>
        </output>
      ) : (
        <p className="hint">{recordBy.kind === 'asking' ? t('products.asking') : told}</p>
      )}
      {record.toReview.length > 0 && (
        <p className="product-mark">
          <StateShape tone="waiting" size={20} />
          {t('products.to_review')}
        </p>
      )}
    </div>
  )
}

/** Fields that belong together, each with its heading. */
const groups: readonly {
  readonly name: 'identity' | 'label' | 'logistics' | 'classes'
  readonly fields: readonly ProductField[]
}[] = [
  {
    name: 'identity',
    fields: [
      'product_name',
      'brand',
      'manufacturer',
      'category',
      'description',
      'net_content',
      'net_content_value',
      'country_of_origin',
    ],
  },
  { name: 'label', fields: ['ingredients', 'certifications', 'serving_size'] },
  { name: 'logistics', fields: ['gross_weight', 'net_weight', 'height', 'width', 'depth', 'length'] },
  { name: 'classes', fields: ['gpc_segment_code', 'gpc_family_code', 'gpc_class_code', 'gpc_brick_code', 'image_url'] },
]

/** All fields; those without a value are behind one press, so that what is there is read at a glance. */
function RecordTable({ record }: { readonly record: ProductRecord }) {
  const { t } = useTranslation()
  const [isWhole, setIsWhole] = useState(false)
  const { values, unsent } = record
  const unit = (field: ProductField): string => {
    const of = `${field === 'net_content_value' ? 'net_content' : field}_uom` as ProductField
    return values[of] ?? ''
  }
  const shown = groups.map(({ name, fields }) => ({
    name,
    fields: fields.filter((field) => isWhole || (values[field] ?? '') !== ''),
  }))
  const empty = groups.flatMap(({ fields }) => fields).filter((field) => (values[field] ?? '') === '').length
  return (
    <section className="product-record" aria-label={t('products.record')}>
      {shown.map(
        ({ name, fields }) =>
          fields.length > 0 && (
            <section key={name}>
              <h3>{t(`products.group.${name}`)}</h3>
              <dl>
                {fields.map((field) => (
                  <div key={field} data-long={(values[field] ?? '').length > 60}>
                    <dt>{t(`products.field.${field}`)}</dt>
                    <dd>
                      {values[field] ? (
                        `${values[field]} ${unit(field)}`.trim()
                      ) : (
                        <span className="review-empty">{t('products.no_value')}</span>
                      )}
                      {unsent.includes(field) && (
                        <span className="product-mark">
                          <StateShape tone="waiting" size={16} /> {t('products.unsent')}
                        </span>
                      )}
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          ),
      )}
      <Nutrition record={record} />
      {empty > 0 && (
        <button type="button" className="product-more" aria-expanded={isWhole} onClick={() => setIsWhole(!isWhole)}>
          {t(isWhole ? 'products.hide_empty' : 'products.show_empty', { count: empty })}
        </button>
      )}
    </section>
  )
}

/** Nutrients line by line, for 100 g or ml beside the serving. A text that is no table is shown as it is. */
function Nutrition({ record }: { readonly record: ProductRecord }) {
  const { t } = useTranslation()
  const texts = [record.values.nutrition_per_100 ?? '', record.values.nutrition_per_serving ?? ''] as const
  if (texts[0] === '' && texts[1] === '') return null
  const columns = texts.map((text) => readNutrition(text))
  const names = [...new Set(columns.flat().map(({ name, unit }) => `${name}|${unit}`))]
  const unread = texts.filter((text, index) => text !== '' && columns[index]?.length === 0)
  const isServing = texts[1] !== ''
  return (
    <section>
      <h3>{t('products.group.nutrition')}</h3>
      {names.length > 0 && (
        <table className="product-nutrition">
          <thead>
            <tr>
              <th scope="col">{t('products.nutrient')}</th>
              <th scope="col">{t('products.per_100')}</th>
              {isServing && <th scope="col">{t('products.per_serving')}</th>}
            </tr>
          </thead>
          <tbody>
            {names.map((key) => {
              const [name = '', unit = ''] = key.split('|')
              const cells = columns.map((lines) => lines.find((line) => line.name === name && line.unit === unit))
              return (
                <tr key={key}>
                  <th scope="row">{name.replaceAll('_', ' ')}</th>
                  {cells.slice(0, isServing ? 2 : 1).map((line, index) => (
                    <td key={index === 0 ? 'hundred' : 'serving'}>
                      {line && `${line.isLess ? '< ' : ''}${line.amount} ${line.unit}`}
                    </td>
                  ))}
                </tr>
              )
            })}
          </tbody>
        </table>
      )}
      {unread.map((text) => (
        <p key={text} className="product-text">
          {text}
        </p>
      ))}
    </section>
  )
}

function Photos({ record }: { readonly record: ProductRecord }) {
  const { t, i18n } = useTranslation()
  const { photos, photosElsewhere } = record
  const nameOf = (role: string): string => t(`camera.role.${role}`, { defaultValue: role.replaceAll('_', ' ') })
  return (
    <section className="panel product-panel" aria-label={t('products.photos')}>
      <h3>{t('products.photos')}</h3>
      {photos.length === 0 && <p className="hint">{t('products.no_photos')}</p>}
      {photos.length > 0 && (
        <ul className="product-photos">
          {photos.map(({ hash, role, takenAt }) => (
            <li key={hash}>
              <PhotoButton
                hash={hash}
                label={t('products.photo_of', {
                  role: role === '' ? t('products.photo') : nameOf(role),
                  at: dateAndTime(takenAt, i18n.language),
                })}
              />
              {role !== '' && <span className="hint">{nameOf(role)}</span>}
            </li>
          ))}
        </ul>
      )}
      {photosElsewhere !== null && photosElsewhere > 0 && (
        <p className="hint">{t('products.photos_elsewhere', { count: photosElsewhere })}</p>
      )}
    </section>
  )
}

function Captures({ record }: { readonly record: ProductRecord }) {
  const { t, i18n } = useTranslation()
  const { captures, capturesTotal } = record
  return (
    <section className="panel product-panel" aria-label={t('products.captures')}>
      <h3>
        {t('products.captures')} <span className="count">{capturesTotal.toLocaleString(i18n.language)}</span>
      </h3>
      {captures.length === 0 ? (
        <p className="hint">{t('products.no_captures')}</p>
      ) : (
        <ul className="product-captures">
          {captures.slice(0, 12).map((capture) => (
            <li key={capture.id}>
              <time dateTime={capture.at}>{dateAndTime(capture.at, i18n.language)}</time>
              <span>{capture.session || t('products.session_unnamed')}</span>
              <span className="count">
                {capture.disposition === 'counted' ? `× ${capture.quantity}` : t('products.not_counted')}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
