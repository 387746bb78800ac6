import { useRef } from 'react'
import type { ReactNode } from 'react'
import { Button as AriaButton } from 'react-aria-components/Button'
import type { ButtonProps as AriaButtonProps } from 'react-aria-components/Button'
import { useShortcut } from './shortcuts.ts'

export interface ButtonProps extends Omit<AriaButtonProps, 'children' | 'className' | 'style'> {
  readonly children: ReactNode
  readonly kind?: 'primary' | 'plain' | 'bare' | 'stop'
  readonly large?: boolean
  /** The single key that presses it, shown on it; see `quiet-keys.ts` for when a key counts. */
  readonly shortcut?: string
  /** A key that presses it by the browser's own rules, only shown. */
  readonly keyName?: string
}

/** A button of at least 48 pixels; its key is shown where it acts. */
export function Button({ children, kind = 'plain', large = false, shortcut, keyName, ...rest }: ButtonProps) {
  const button = useRef<HTMLButtonElement>(null)
  // A press like any other, so that what hangs on the button (a file dialog, a form) happens too.
  useShortcut(shortcut, rest.isDisabled ? undefined : () => button.current?.click())
  return (
    <AriaButton
      {...rest}
      ref={button}
      className={`button button-${kind}${large ? ' button-large' : ''}`}
      {...(shortcut === undefined ? {} : { 'aria-keyshortcuts': shortcut.toUpperCase() })}
    >
      {children !== '' && <span className="button-text">{children}</span>}
      {(shortcut ?? keyName) !== undefined && <Key name={shortcut ?? keyName ?? ''} />}
    </AriaButton>
  )
}

/** A key's cap, for the eye only: the control carries it for a screen reader. */
export function Key({ name }: { readonly name: string }) {
  return (
    <kbd className="key" aria-hidden="true">
      {name === '-' ? '\u2212' : name.length === 1 ? name.toUpperCase() : name}
    </kbd>
  )
}
