import type { KeyboardLayout } from '#contract/station/keyboard-layout.ts'
import { compose } from '#domain/keyboard-layouts.ts'
import { createReadEnds, longestReadBytes, type Decoder, type Read } from '../decoder.ts'
import { characterOf } from './keyboard-layouts.ts'
import { readElement, usageAt, usageOf, type ReportDescriptor, type ReportField } from './report-descriptor.ts'

export const keyboardUsage = usageOf(0x01, 0x06)

export interface KeyboardOptions {
  /** The country that the scanner is set to. */
  readonly layout: KeyboardLayout
  /** The key that ends a code; silence ends one too, unless the scanner has shown that it ends its codes. */
  readonly terminator: 'enter' | 'tab' | 'none'
  readonly silenceMs: number
}

/** Where a keyboard's reports have the modifiers and the keys. */
export interface KeyboardReports {
  readonly hasIds: boolean
  readonly reportId: number
  readonly modifiers: ReportField
  readonly keys: ReportField
}

const firstModifier = usageOf(0x07, 0xe0)
const key = { enter: 0x28, tab: 0x2b, capsLock: 0x39, keypadEnter: 0x58, keypad1: 0x59, keypad0: 0x62 } as const
const bits = { control: 0x11, shift: 0x22, alt: 0x04, altGraph: 0x40 } as const

/** Finds the fields of a keyboard in its report descriptor; undefined when it is none. */
export function findKeyboardReports({ fields, hasIds }: ReportDescriptor): KeyboardReports | undefined {
  const inputs = fields.filter((field) => field.type === 'input' && !field.isConstant)
  for (const keys of inputs) {
    if (keys.isVariable || keys.bitSize !== 8 || (usageAt(keys, 0) ?? 0) >> 16 !== 0x07) continue
    const modifiers = inputs.find(
      (field) => field.reportId === keys.reportId && field.isVariable && usageAt(field, 0) === firstModifier,
    )
    if (modifiers) return { hasIds, reportId: keys.reportId, modifiers, keys }
  }
  return undefined
}

/**
 * Reads the reports of a keyboard scanner that types for a country's layout.
 *
 * Ctrl with a key gives the control character (Ctrl+] is GS, by the character or by the place of `]` on a US keyboard);
 * Alt with keypad digits gives the character of that number; dead keys are joined with the letter behind them.
 */
export function createKeyboardDecoder(
  reports: KeyboardReports,
  { layout, terminator, silenceMs }: KeyboardOptions,
): Decoder {
  // `enter` is what is set before anybody has set anything.
  const readEnds = createReadEnds(({ enter: 'unknown', tab: 'terminator', none: 'silence' } as const)[terminator])
  let held = ''
  let beganMs = 0
  let lastMs = 0
  let pressed: readonly number[] = []
  let capsLock = false
  /** Digits typed on the keypad while Alt is down. */
  let composed = ''
  let dead = ''

  const take = (): Read[] => {
    held += dead
    dead = ''
    const text = held
    held = ''
    return text === '' ? [] : [{ bytes: new TextEncoder().encode(text), text, timeMs: lastMs }]
  }
  const takeEnded = (): Read[] => {
    const fromMs = held === '' && dead === '' ? lastMs : beganMs
    return readEnds.ended(take(), fromMs)
  }
  const tick = (timeMs: number): Read[] => {
    if ((held === '' && dead === '') || timeMs < lastMs + silenceMs) return []
    // A terminator that was not expected is still no part of the code.
    const isOtherEnd = dead === '' && /[\r\t]$/.test(held)
    if (isOtherEnd) held = held.slice(0, -1)
    return isOtherEnd ? take() : readEnds.silenced(take(), beganMs)
  }
  const type = (text: string): void => {
    if (dead === '') {
      held += text
      return
    }
    held += compose(dead, text)
    dead = ''
  }
  const endComposed = (): void => {
    if (composed === '') return
    type(composedCharacter(composed))
    composed = ''
  }

  const press = (usage: number, modifiers: number): readonly Read[] => {
    const isControl = (modifiers & bits.control) !== 0
    const isAltGraph = (modifiers & bits.altGraph) !== 0
    if ((modifiers & bits.alt) !== 0 && usage >= key.keypad1 && usage <= key.keypad0) {
      composed += String((usage - key.keypad1 + 1) % 10)
      return []
    }
    if (usage === key.capsLock) {
      capsLock = !capsLock
      return []
    }
    const isEnter = usage === key.enter || usage === key.keypadEnter
    if ((isEnter && terminator === 'enter') || (usage === key.tab && terminator === 'tab')) return takeEnded()
    if (isEnter || usage === key.tab) {
      type(isEnter ? '\r' : '\t')
      return []
    }
    const hasShift = (modifiers & bits.shift) !== 0
    const plain = characterOf(layout, usage, { shift: false, altGraph: false })?.character ?? ''
    if (isControl && !isAltGraph) {
      const shifted = characterOf(layout, usage, { shift: true, altGraph: false })?.character ?? ''
      const control = controlCharacter(hasShift ? shifted : plain, usage)
      if (control !== '') type(control)
      return []
    }
    const isLetter = plain.toLowerCase() !== plain.toUpperCase()
    const shift = isAltGraph ? hasShift : hasShift !== (capsLock && isLetter)
    const found = characterOf(layout, usage, { shift, altGraph: isAltGraph })
    if (!found) return []
    if (found.dead) {
      if (dead !== '') held += dead
      dead = found.character
    } else type(found.character)
    return held.length >= longestReadBytes ? take() : []
  }

  return {
    push(report, timeMs) {
      // Where each code has its end, keys that were heard late are of the same one.
      const done = readEnds.isExpected ? [] : [...tick(timeMs)]
      if (reports.hasIds && report[0] !== reports.reportId) return done
      const payload = reports.hasIds ? report.subarray(1) : report
      let modifiers = 0
      for (let at = 0; at < Math.min(8, reports.modifiers.count); at++)
        modifiers += readElement(payload, reports.modifiers, at) << at
      const down: number[] = []
      for (let at = 0; at < reports.keys.count; at++) {
        const usage = readElement(payload, reports.keys, at)
        // 1 to 3 say that too many keys are down to tell which.
        if (usage > 3) down.push(usage)
      }
      if ((modifiers & bits.alt) === 0) endComposed()
      lastMs = timeMs
      if (held === '' && dead === '') beganMs = timeMs
      for (const usage of down) if (!pressed.includes(usage)) done.push(...press(usage, modifiers))
      pressed = down
      return done
    },
    tick,
    deadlineMs: () => (held !== '' || dead !== '' ? lastMs + silenceMs : undefined),
  }
}

/** Ctrl with a character: @, A to Z, [ \ ] ^ and _ are 0 to 31. */
function controlCharacter(text: string, usage: number): string {
  const code = text.toUpperCase().charCodeAt(0)
  if (code >= 0x40 && code <= 0x5f) return String.fromCharCode(code - 0x40)
  // Scanners press the place of ] on a US keyboard for GS, whatever that key types in the country.
  const byPlace: Readonly<Record<number, string>> = { 0x2f: '\u001b', 0x30: '\u001d', 0x31: '\u001c' }
  return byPlace[usage] ?? ''
}

/** Windows' rule: a leading 0 means Windows-1252, none the old code page, which is ASCII as far as it goes here. */
function composedCharacter(digits: string): string {
  const code = Number(digits)
  if (code > 255) return String.fromCodePoint(Math.min(code, 0x10_ffff))
  if (code < 128) return String.fromCharCode(code)
  if (digits.startsWith('0')) return new TextDecoder('windows-1252').decode(Uint8Array.of(code))
  return codePage437[code - 128] ?? ''
}

const codePage437 = [
  ...'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀',
  ...'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
]
