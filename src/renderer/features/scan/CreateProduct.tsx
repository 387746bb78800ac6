import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import type { Capture } from '#contract/station/capture.ts'
import { takeCapture } from '../../client/state.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { CodeText } from '../../ui/CodeText.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Field } from '../../ui/Fields.tsx'

/** A product made from an unknown code, beside the work: scans go on while it is typed. */
export function CreateProduct({ capture, onClose }: { readonly capture: Capture; readonly onClose: () => void }) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const [brand, setBrand] = useState('')
  const [netContent, setNetContent] = useState('')
  const [error, setError] = useState<AppError | null>(null)
  const gtin = capture.gtin ?? capture.raw
  const save = async () => {
    const result = await call('product.create', { captureId: capture.id, gtin, name, brand, netContent })
    if (!result.ok) return setError(result.error)
    takeCapture(result.value)
    onClose()
  }
  return (
    <form
      className="panel create"
      aria-label={t('scan.create.title')}
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      <header>
        <h2>{t('scan.create.title')}</h2>
        <p className="hint">{t('scan.create.lead')}</p>
      </header>
      <CodeText raw={gtin} />
      <Field label={t('scan.create.name')} value={name} onChange={setName} maxLength={255} isRequired autoFocus />
      <div className="row row-fill">
        <Field label={t('scan.create.brand')} value={brand} onChange={setBrand} maxLength={255} />
        <Field
          label={t('scan.create.net_content')}
          placeholder={t('scan.create.net_content_example')}
          value={netContent}
          onChange={setNetContent}
          maxLength={100}
        />
      </div>
      {error !== null && <ErrorNote error={error} />}
      <div className="row">
        <Button type="submit" kind="primary" isDisabled={name.trim() === ''}>
          {t('scan.create.save')}
        </Button>
        <Button shortcut="Esc" onPress={onClose}>
          {t('scan.create.cancel')}
        </Button>
      </div>
    </form>
  )
}
