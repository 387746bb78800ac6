import type { Settings } from '#contract/station/settings.ts'
import { characterAt } from './keyboard-layouts.ts'

/** A key press as the window reports it. `timeMs` is when the key was pressed, on any clock that only moves forward. */
export interface WedgeKey {
  /** The key's place, as `KeyA`: the DOM's `event.code`. */
  readonly code: string
  /** What it types, or its name, as `Enter`: the DOM's `event.key`. */
  readonly key: string
  readonly shift: boolean
  readonly ctrl: boolean
  readonly alt: boolean
  readonly meta: boolean
  readonly altGraph: boolean
  /** CapsLock is on. */
  readonly capsLock: boolean
  /** The keyboard repeats a key that is held down; no scanner does. */
  readonly repeat: boolean
  readonly timeMs: number
}

export type WedgeSettings = Settings['wedge']

/** Why a burst cannot be told: a key no code contains (the separator's setting?), or a dead key of the host's layout. */
export type WedgeFault = 'unknown_key' | 'dead_key'

/** What a key press stands for in a code. */
export type WedgeMeaning =
  | { readonly kind: 'modifier' }
  /** It ends a code. */
  | { readonly kind: 'end' }
  | {
      readonly kind: 'text'
      readonly text: string
      /** The layout's key is dead: it waits for the next. */
      readonly dead: boolean
      /** It types a character or nothing, so that it can be held back and typed later. */
      readonly holdable: boolean
      /** A person does not press it: it may open a burst though it cannot be held back. */
      readonly opens: boolean
      readonly fault?: WedgeFault
    }
  /** No code contains it. */
  | { readonly kind: 'function' }

export const groupSeparator = '\u001d'

/** The keys that some scanners press for the group separator instead of Ctrl+]. */
const separatorKeys: Readonly<Record<WedgeSettings['groupSeparator'], string>> = {
  control_bracket: '',
  f8: 'F8',
  f12: 'F12',
  arrow_down: 'ArrowDown',
  brace: '}',
  pipe: '|',
}

const modifiers: ReadonlySet<string> = new Set([
  'Shift',
  'Control',
  'Alt',
  'AltGraph',
  'Meta',
  'CapsLock',
  'NumLock',
  'ScrollLock',
  'Fn',
  'Hyper',
  'Super',
])

/**
 * Says what a key stands for.
 *
 * Where the scanner's layout is set, a key's place and Shift count, whatever the host makes of them; otherwise what the
 * host types. `isAltRight` says that the Alt that is down is the right one: AltGr, though the host's layout has none.
 */
export function meaningOf(key: WedgeKey, settings: WedgeSettings, isAltRight: boolean): WedgeMeaning {
  if (modifiers.has(key.key)) return { kind: 'modifier' }
  if (key.meta) return { kind: 'function' }
  const layout = settings.scannerLayout === 'as_typed' ? undefined : settings.scannerLayout
  const altGraph = key.altGraph || (key.alt && (isAltRight || (key.ctrl && layout !== undefined)))
  const isTyped = [...key.key].length === 1 && (!key.alt || key.altGraph) && (!key.ctrl || key.altGraph)

  if (!altGraph && !key.ctrl && !key.alt) {
    const end = endOf(key, settings.suffix)
    if (end) return end
  }
  if (key.alt && !altGraph) return { kind: 'function' }

  const placed = layout && characterAt(layout, key.code, { shift: key.shift, altGraph })
  if (key.ctrl && !altGraph) {
    const control = controlCharacter(key, placed?.character ?? key.key)
    // Ctrl+V and its like are a person's shortcuts until a burst is under way; Ctrl+] is nobody's shortcut.
    return control === undefined
      ? { kind: 'function' }
      : { kind: 'text', text: control, dead: false, holdable: control === groupSeparator, opens: false }
  }

  const separatorKey = separatorKeys[settings.groupSeparator]
  if (separatorKey !== '' && (placed?.character ?? key.key) === separatorKey) {
    return { kind: 'text', text: groupSeparator, dead: false, holdable: isTyped, opens: true }
  }
  if (placed) {
    const { character, dead } = cased(placed, key, settings)
    return { kind: 'text', text: character, dead, holdable: isTyped, opens: true }
  }
  if (isTyped) return { kind: 'text', text: repaired(key, settings), dead: false, holdable: true, opens: true }
  // The keypad without NumLock moves the caret; a scanner meant the digit.
  const digit = key.code.startsWith('Numpad')
    ? characterAt('us', key.code, { shift: false, altGraph: false })
    : undefined
  if (digit) return { kind: 'text', text: digit.character, dead: false, holdable: false, opens: true }
  // What it composes with the next key, only the host knows, and it does not say so in the same way everywhere.
  if (key.key === 'Dead') {
    return { kind: 'text', text: '', dead: false, holdable: false, opens: true, fault: 'dead_key' }
  }
  return { kind: 'function' }
}

/**
 * The character of an Alt+keypad sequence, as Windows reads it: with a leading zero the number in Windows-1252, without
 * one in the OEM code page, here 850. Undefined for a number that stands for none.
 */
export function altCharacter(digits: string): string | undefined {
  if (!/^\d{1,4}$/.test(digits)) return undefined
  const number = Number(digits)
  if (number > 255) return undefined
  if (number < 128) return String.fromCharCode(number)
  if (digits.startsWith('0')) return [...windows1252][number - 128] ?? String.fromCharCode(number)
  return [...codePage850][number - 128]
}

/** Windows-1252 where it is not Latin-1: 128 to 159. */
const windows1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'

const codePage850 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0'

function endOf({ key, code, shift }: WedgeKey, suffix: WedgeSettings['suffix']): WedgeMeaning | undefined {
  // An input method hides the key's name.
  const named = key === 'Process' || key === 'Unidentified' ? code.replace('Numpad', '') : key
  if (named !== 'Enter' && named !== 'Tab') return undefined
  if (named === 'Tab' && shift) return undefined
  if (suffix === 'any' || suffix === named.toLowerCase()) return { kind: 'end' }
  return { kind: 'text', text: named === 'Tab' ? '\t' : '\r', dead: false, holdable: false, opens: false }
}

/** CapsLock turns letters round for a scanner that minds it. */
function cased(
  placed: { readonly character: string; readonly dead: boolean },
  { capsLock }: WedgeKey,
  { scannerCapsLock }: WedgeSettings,
): { readonly character: string; readonly dead: boolean } {
  if (!capsLock || scannerCapsLock === 'ignored') return placed
  const { character, dead } = placed
  const other = character === character.toLowerCase() ? character.toUpperCase() : character.toLowerCase()
  return { character: [...other].length === 1 ? other : character, dead }
}

/** CapsLock turned the letters of a scanner that does not know of it: Shift says what it meant. */
function repaired({ key, shift, capsLock }: WedgeKey, { scannerCapsLock }: WedgeSettings): string {
  if (!capsLock || scannerCapsLock === 'followed' || key.toLowerCase() === key.toUpperCase()) return key
  const meant = shift ? key.toUpperCase() : key.toLowerCase()
  return [...meant].length === 1 ? meant : key
}

/** Ctrl with a letter or one of `@ [ \ ] ^ _` types a control character: Ctrl+A is 1, Ctrl+] is 29. */
function controlCharacter({ code, key }: WedgeKey, character: string): string | undefined {
  if (code === 'BracketRight' || character === ']') return groupSeparator
  // Some systems report the control character itself.
  if (key.length === 1 && key < ' ') return key
  if (/^[a-zA-Z@[\\^_]$/.test(character)) return String.fromCharCode(character.toUpperCase().charCodeAt(0) & 0x1f)
  // Ctrl+6 and Ctrl+- are how terminals, and some scanners, spare the Shift of ^ and _.
  return { Digit2: '\u0000', Digit6: '\u001e', Minus: '\u001f' }[code]
}
