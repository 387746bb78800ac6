import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { receiveScan } from '../client/scans.ts'
import { Button } from './Button.tsx'
import { checkDigitHint } from './check-digit.ts'
import { Field } from './Fields.tsx'
import { useShortcut } from './shortcuts.ts'

/** A code typed by hand, taken as any scan is; the check digit is a hint and never a gate. */
export function TypedCode(props: { readonly className: string; readonly label: string; readonly action: string }) {
  const { t } = useTranslation()
  const [code, setCode] = useState('')
  const input = useRef<HTMLInputElement>(null)
  useShortcut('m', () => input.current?.focus())
  const hint = checkDigitHint(code.trim())
  return (
    <form
      className={props.className}
      onSubmit={(event) => {
        event.preventDefault()
        if (code.trim() === '') return
        receiveScan({ data: code.trim(), source: 'manual', deviceName: '' })
        setCode('')
      }}
    >
      <Field
        label={props.label}
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
        {props.action}
      </Button>
    </form>
  )
}
