import { memo, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { receiveScan } from '../../client/scans.ts'
import { Button } from '../../ui/Button.tsx'
import { checkDigitHint } from '../../ui/check-digit.ts'
import { Field } from '../../ui/Fields.tsx'
import { useShortcut } from '../../ui/shortcuts.ts'

/** A code typed by hand; the check digit is a hint and never a gate. */
export const ManualEntry = memo(function ManualEntry() {
  const { t } = useTranslation()
  const [code, setCode] = useState('')
  const input = useRef<HTMLInputElement>(null)
  useShortcut('m', () => input.current?.focus())
  const hint = checkDigitHint(code.trim())
  return (
    <form
      className="manual"
      onSubmit={(event) => {
        event.preventDefault()
        if (code.trim() === '') return
        receiveScan({ data: code.trim(), source: 'manual', deviceName: '' })
        setCode('')
      }}
    >
      <Field
        label={t('scan.manual.label')}
        keyName="m"
        code
        value={code}
        onChange={setCode}
        inputRef={input}
        maxLength={8_192}
        {...(hint !== null && {
          hint: hint.kind === 'right' ? t('scan.manual.right') : t('scan.manual.wrong', { expected: hint.expected }),
        })}
      />
      <Button type="submit" isDisabled={code.trim() === ''}>
        {t('scan.manual.add')}
      </Button>
    </form>
  )
})
