import type { KeyboardLayout } from '#contract/station/keyboard-layout.ts'
import { characterAt, type KeyCharacter, type Modifiers } from '#domain/keyboard-layouts.ts'

const from = (usage: number, codes: readonly string[]): [number, string][] =>
  codes.map((code, index) => [usage + index, code])

/** The DOM's `event.code` of a key by its HID usage on page 7, for all keys that type (USB HID usage tables, chapter 10). */
export const codes: ReadonlyMap<number, string> = new Map([
  ...from(
    0x04,
    [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].map((letter) => `Key${letter}`),
  ),
  ...from(
    0x1e,
    [...'1234567890'].map((digit) => `Digit${digit}`),
  ),
  // The key right of the quotes is 0x31 on keyboards of the US and 0x32 elsewhere: one place, two numbers.
  ...from(0x2c, ['Space', 'Minus', 'Equal', 'BracketLeft', 'BracketRight', 'Backslash', 'Backslash', 'Semicolon']),
  ...from(0x34, ['Quote', 'Backquote', 'Comma', 'Period', 'Slash']),
  ...from(0x54, ['NumpadDivide', 'NumpadMultiply', 'NumpadSubtract', 'NumpadAdd']),
  ...from(
    0x59,
    [...'1234567890'].map((digit) => `Numpad${digit}`),
  ),
  ...from(0x63, ['NumpadDecimal', 'IntlBackslash']),
  [0x87, 'IntlRo'],
  [0x89, 'IntlYen'],
])

/** What a key types on a country's layout, by its HID usage; undefined where it types nothing. */
export function characterOf(layout: KeyboardLayout, usage: number, modifiers: Modifiers): KeyCharacter | undefined {
  const code = codes.get(usage)
  return code === undefined ? undefined : characterAt(layout, code, modifiers)
}
