import { useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from './Button.tsx'
import './pin-pad.css'

const digits = ['1', '2', '3', '4', '5', '6', '7', '8', '9'] as const
const longest = 12

export interface PinPadProps {
  readonly label: string
  /** Gets the digits; the field is empty again before it answers. */
  readonly onPin: (pin: string) => void
  readonly submitLabel: string
  /** Nothing can be typed, as while the station counts down after wrong PINs. */
  readonly isDisabled?: boolean
  /** What the last one came to; read aloud when it changes. */
  readonly message?: string
}

/** Takes a PIN: by touch, with gloves on, by the keys of a keyboard, or by a screen reader in its field. */
export function PinPad({ label, onPin, submitLabel, isDisabled = false, message = '' }: PinPadProps) {
  const { t } = useTranslation()
  const [pin, setPin] = useState('')
  const field = useRef<HTMLInputElement>(null)
  const id = useId()
  const add = (digit: string) => setPin((before) => (before + digit).slice(0, longest))
  const submit = () => {
    if (pin === '' || isDisabled) return
    setPin('')
    onPin(pin)
    field.current?.focus()
  }
  return (
    <form
      className="pin-pad"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <label htmlFor={id}>{label}</label>
      <input
        ref={field}
        id={id}
        className="input pin-pad-field"
        type="password"
        // The pad below is the keyboard of a touch screen.
        inputMode="none"
        autoComplete="off"
        autoFocus
        value={pin}
        disabled={isDisabled}
        onChange={(event) => setPin(event.target.value.replaceAll(/\D/g, '').slice(0, longest))}
      />
      <output className="pin-pad-message">{message}</output>
      <div className="pin-pad-keys">
        {digits.map((digit) => (
          <Button key={digit} isDisabled={isDisabled} onPress={() => add(digit)}>
            {digit}
          </Button>
        ))}
        <Button isDisabled={isDisabled || pin === ''} onPress={() => setPin('')}>
          {t('staff.clear')}
        </Button>
        <Button isDisabled={isDisabled} onPress={() => add('0')}>
          0
        </Button>
        <Button type="submit" kind="primary" isDisabled={isDisabled || pin === ''}>
          {submitLabel}
        </Button>
      </div>
    </form>
  )
}
