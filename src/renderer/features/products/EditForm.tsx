import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { productTexts } from '#contract/backend/products.ts'
import {
  productValueFault,
  type ProductField,
  type ProductRecord,
  type ProductValues,
} from '#contract/station/catalogue.ts'
import { Field } from '../../ui/Fields.tsx'
import { FormEnd } from './FormEnd.tsx'

/** Fields with more than a line. */
const long: ReadonlySet<ProductField> = new Set([
  'description',
  'ingredients',
  'certifications',
  'nutrition_per_100',
  'nutrition_per_serving',
])

/** What a new product can be given at once, by what every catalogue takes. */
export const firstFields = [
  'product_name',
  'brand',
  'net_content',
  'country_of_origin',
  'description',
  'ingredients',
] as const satisfies readonly ProductField[]

/** Fields of a record as a form; only what was changed is saved, on what was seen. */
export function EditForm(props: {
  readonly record: ProductRecord
  readonly fields: readonly ProductField[]
  readonly onSave: (changes: { field: ProductField; from: string; to: string }[]) => void
  readonly onCancel: () => void
}) {
  const { record, fields, onSave, onCancel } = props
  const { t } = useTranslation()
  // What the person saw when the form was opened; another's change meanwhile is a conflict, and is told.
  const [seen] = useState<ProductValues>(record.values)
  const [values, setValues] = useState<ProductValues>(record.values)
  const changes = fields.flatMap((field) => {
    const [from, to] = [seen[field] ?? '', (values[field] ?? '').trim()]
    return from === to ? [] : [{ field, from, to }]
  })
  const isSound = changes.every(({ field, to }) => productValueFault(field, to) === null)
  const save = (event: FormEvent) => {
    event.preventDefault()
    if (changes.length > 0 && isSound) onSave(changes)
  }
  return (
    <form className="product-form" onSubmit={save}>
      <p className="hint">{t('products.edit_lead')}</p>
      <div className="product-fields">
        {fields.map((field, index) => (
          <ValueField
            key={field}
            field={field}
            value={values[field] ?? ''}
            isFirst={index === 0}
            onChange={(value) => setValues({ ...values, [field]: value })}
          />
        ))}
      </div>
      <FormEnd
        done={{
          text: t('products.save', { count: changes.length }),
          isDisabled: changes.length === 0 || !isSound,
        }}
        onBack={onCancel}
      />
    </form>
  )
}

/** One field of a product with what is wrong with its value. */
export function ValueField(props: {
  readonly field: ProductField
  readonly value: string
  readonly isFirst: boolean
  readonly onChange: (value: string) => void
}) {
  const { field, value, isFirst, onChange } = props
  const { t } = useTranslation()
  const most = (productTexts as Readonly<Record<string, number>>)[field] ?? 20
  const isCountry = field === 'country_of_origin'
  const fault = productValueFault(field, value.trim())
  const hint =
    fault === null
      ? field.startsWith('nutrition')
        ? t('products.nutrition_hint')
        : undefined
      : t(isCountry ? 'products.fault_country' : 'products.fault_number')
  if (!long.has(field)) {
    return (
      <Field
        label={t(`products.field.${field}`)}
        value={value}
        onChange={(typed) => onChange(isCountry ? typed.toUpperCase() : typed)}
        maxLength={most}
        autoFocus={isFirst}
        {...(hint === undefined ? {} : { hint })}
      />
    )
  }
  const id = `product-${field}`
  return (
    <div className="field product-long">
      <label htmlFor={id}>{t(`products.field.${field}`)}</label>
      <textarea
        id={id}
        className="input"
        rows={value.length > 160 ? 6 : 3}
        maxLength={most}
        value={value}
        autoFocus={isFirst}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={({ target }) => onChange(target.value)}
      />
      {hint !== undefined && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
    </div>
  )
}
