import { useId } from 'react'
import type { ReactNode, Ref } from 'react'
import { Input } from 'react-aria-components/Input'
import { Label } from 'react-aria-components/Label'
import { Radio, RadioGroup } from 'react-aria-components/RadioGroup'
import { Slider, SliderOutput, SliderThumb, SliderTrack } from 'react-aria-components/Slider'
import { Switch as AriaSwitch } from 'react-aria-components/Switch'
import { Text } from 'react-aria-components/Text'
import { TextField } from 'react-aria-components/TextField'
import { Key } from './Button.tsx'

export interface FieldProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly hint?: ReactNode
  readonly code?: boolean
  readonly maxLength?: number
  readonly placeholder?: string
  readonly isRequired?: boolean
  readonly inputMode?: 'text' | 'numeric'
  readonly autoFocus?: boolean
  readonly onBlur?: () => void
  readonly onKeyDown?: (event: { readonly key: string }) => void
  readonly inputRef?: Ref<HTMLInputElement>
  /** The key that leads here, shown beside the label; the caller listens for it. */
  readonly keyName?: string
  /** Leaves the label to the screen reader; it is the placeholder then. */
  readonly hideLabel?: boolean
}

/** One line of text with its label above and its hint below. */
export function Field({ label, hint, code, placeholder, inputRef, keyName, hideLabel = false, ...rest }: FieldProps) {
  return (
    <TextField
      {...rest}
      className="field"
      autoComplete="off"
      spellCheck="false"
      {...(hideLabel && { 'aria-label': label })}
    >
      {!hideLabel && (
        <Label>
          {label}
          {keyName !== undefined && <Key name={keyName} />}
        </Label>
      )}
      <div className="field-line">
        <Input
          className={code ? 'input input-code' : 'input'}
          placeholder={hideLabel ? label : (placeholder ?? '')}
          ref={inputRef ?? null}
        />
        {hideLabel && keyName !== undefined && <Key name={keyName} />}
      </div>
      {hint !== undefined && (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
    </TextField>
  )
}

export interface Choice<T extends string> {
  readonly value: T
  readonly label: string
  readonly explanation?: string
}

export interface ChoicesProps<T extends string> {
  readonly label: string
  readonly value: T
  readonly onChange: (value: T) => void
  readonly choices: readonly Choice<T>[]
  /** `cards` have room for an explanation; `row` is a segmented control. */
  readonly look: 'cards' | 'row'
  /** Leaves the label to the screen reader where the place says it already. */
  readonly hideLabel?: boolean
}

/** One of a few, all in sight; arrow keys choose. */
export function Choices<T extends string>({ label, value, onChange, choices, look, hideLabel }: ChoicesProps<T>) {
  return (
    <RadioGroup
      className={`choices choices-${look}`}
      value={value}
      onChange={(next) => onChange(next as T)}
      orientation={look === 'row' ? 'horizontal' : 'vertical'}
      {...(hideLabel ? { 'aria-label': label } : {})}
    >
      {!hideLabel && <Label>{label}</Label>}
      <div className="choices-items">
        {choices.map((choice) => (
          <Radio key={choice.value} value={choice.value} className="choice">
            <span className="choice-label">{choice.label}</span>
            {choice.explanation !== undefined && <span className="choice-explanation">{choice.explanation}</span>}
          </Radio>
        ))}
      </div>
    </RadioGroup>
  )
}

/** One of many: the system's own list, which every finger, key and screen reader knows. */
export function Select<T extends string>({
  label,
  value,
  onChange,
  choices,
}: Omit<ChoicesProps<T>, 'look' | 'hideLabel'>) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} className="input" value={value} onChange={(event) => onChange(event.target.value as T)}>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
    </div>
  )
}

/** On or off, at once. */
export function Switch(props: {
  readonly label: string
  readonly isSelected: boolean
  readonly onChange: (on: boolean) => void
}) {
  const { label, ...rest } = props
  return (
    <AriaSwitch {...rest} className="switch">
      <span className="switch-track" aria-hidden="true" />
      {label}
    </AriaSwitch>
  )
}

/** A number on a line, drawn with its value. */
export function Range(props: {
  readonly label: string
  readonly value: number
  readonly onChange: (value: number) => void
  readonly onChangeEnd?: (value: number) => void
  readonly minValue: number
  readonly maxValue: number
  readonly step: number
  readonly isDisabled?: boolean
  readonly formatOptions?: Intl.NumberFormatOptions
}) {
  const { label, onChange, onChangeEnd, ...rest } = props
  return (
    <Slider
      {...rest}
      className="range"
      onChange={(value) => onChange(Number(value))}
      onChangeEnd={(value) => onChangeEnd?.(Number(value))}
    >
      <Label>{label}</Label>
      <SliderOutput className="range-value" />
      <SliderTrack className="range-track">
        <SliderThumb className="range-thumb" />
      </SliderTrack>
    </Slider>
  )
}
