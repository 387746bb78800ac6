import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Input } from 'react-aria-components/Input'
import { Label } from 'react-aria-components/Label'
import { TextField } from 'react-aria-components/TextField'
import type { Result } from '#contract/result.ts'
import type { Capture } from '#contract/station/capture.ts'
import { call } from '../../client/station.ts'
import { Button } from '../../ui/Button.tsx'
import { useShortcut } from '../../ui/shortcuts.ts'

export const largestQuantity = 99_999

/** Reads a quantity as typed: 1 to 99,999, or null while it is none. */
export function readQuantity(text: string): number | null {
  const trimmed = text.trim()
  if (!/^\d{1,5}$/.test(trimmed)) return null
  const quantity = Number(trimmed)
  return quantity >= 1 ? quantity : null
}

/** How many one scan stands for: one step at a time, or typed. */
export function Quantity(props: {
  readonly capture: Capture
  readonly onResult: (result: Result<Capture>) => void
  readonly withKeys?: boolean
}) {
  const { capture, onResult, withKeys = false } = props
  const { t } = useTranslation()
  /** What is being typed; null while the station's number is shown. */
  const [draft, setDraft] = useState<string | null>(null)
  const input = useRef<HTMLInputElement>(null)
  useShortcut(withKeys ? 'q' : undefined, () => input.current?.select())

  const change = (quantity: number) => {
    if (quantity === capture.quantity || quantity < 1 || quantity > largestQuantity) return
    void call('capture.setQuantity', { id: capture.id, quantity }).then(onResult)
  }
  const commit = () => {
    const quantity = draft === null ? null : readQuantity(draft)
    setDraft(null)
    if (quantity !== null) change(quantity)
  }
  return (
    <div className="quantity">
      <Button
        kind="plain"
        aria-label={t('scan.quantity.less')}
        isDisabled={capture.quantity <= 1}
        {...(withKeys && { shortcut: '-' })}
        onPress={() => change(capture.quantity - 1)}
      >
        {withKeys ? '' : '−'}
      </Button>
      <TextField
        className="quantity-field"
        value={draft ?? String(capture.quantity)}
        onChange={setDraft}
        inputMode="numeric"
        maxLength={5}
        onBlur={commit}
      >
        <Label className={withKeys ? 'quantity-label' : 'visually-hidden'}>{t('scan.quantity.label')}</Label>
        <Input
          ref={input}
          className="quantity-input"
          onKeyDown={(event) => {
            if (event.key === 'Enter') input.current?.blur()
            if (event.key === 'Escape') setDraft(null)
          }}
        />
      </TextField>
      <Button
        kind="plain"
        aria-label={t('scan.quantity.more')}
        isDisabled={capture.quantity >= largestQuantity}
        {...(withKeys && { shortcut: '+' })}
        onPress={() => change(capture.quantity + 1)}
      >
        {withKeys ? '' : '+'}
      </Button>
    </div>
  )
}
