import { memo } from 'react'
import { useTranslation } from 'react-i18next'
import { TypedCode } from '../../ui/TypedCode.tsx'

/** A code typed by hand into the session. */
export const ManualEntry = memo(function ManualEntry() {
  const { t } = useTranslation()
  return <TypedCode className="manual" label={t('scan.manual.label')} action={t('scan.manual.add')} />
})
