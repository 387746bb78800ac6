import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { productValueFault, type ProductValues } from '#contract/station/catalogue.ts'
import { isGtin } from '#domain/gtin.ts'
import { Field } from '../../ui/Fields.tsx'
import { FormEnd } from './FormEnd.tsx'
import { firstFields, ValueField } from './EditForm.tsx'

/** A new product: its GTIN, and what is known of it. It is saved here first and then told to the server. */
export function CreateForm(props: {
  readonly gtin: string
  readonly onCreate: (gtin: string, values: ProductValues) => void
  readonly onCancel: () => void
}) {
  const { onCreate, onCancel } = props
  const { t } = useTranslation()
  const [gtin, setGtin] = useState(props.gtin)
  const [values, setValues] = useState<ProductValues>({})
  const digits = gtin.replaceAll(/[\s-]/g, '')
  const isRight = isGtin(digits)
  const isSound = firstFields.every((field) => productValueFault(field, (values[field] ?? '').trim()) === null)
  const isReady = isRight && isSound && (values.product_name ?? '').trim() !== ''
  const create = (event: FormEvent) => {
    event.preventDefault()
    if (isReady) onCreate(digits, values)
  }
  return (
    <form className="product-form" onSubmit={create}>
      <h2>{t('products.create_title')}</h2>
      <p className="hint">{t('products.create_lead')}</p>
      <div className="product-fields">
        <Field
          label={t('products.gtin')}
          value={gtin}
          onChange={setGtin}
          inputMode="numeric"
          code
          autoFocus={props.gtin === ''}
          maxLength={30}
          hint={gtin === '' || isRight ? t('products.gtin_hint') : t('products.gtin_wrong')}
        />
        {firstFields.map((field, index) => (
          <ValueField
            key={field}
            field={field}
            value={values[field] ?? ''}
            isFirst={props.gtin !== '' && index === 0}
            onChange={(value) => setValues({ ...values, [field]: value })}
          />
        ))}
      </div>
      <FormEnd
        done={{ text: t('products.create'), isDisabled: !isReady }}
        {...(!isReady && { lacks: t(isSound ? 'products.create_lacks' : 'products.create_faults') })}
        onBack={onCancel}
      />
    </form>
  )
}
