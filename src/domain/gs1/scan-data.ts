import { checkDigit, hasValidCheckDigit } from '../gtin.ts'
import { findIdentifier } from './application-identifiers.ts'
import { parseDigitalLink } from './digital-link.ts'
import {
  groupSeparator,
  gs1Failure,
  parseElementString,
  writtenFnc1,
  type Element,
  type Gs1Error,
  type ReadOptions,
} from './element-string.ts'

/** The GS1 carriers, by the names that GS1's Syntax Engine gives them. */
export type Carrier =
  | 'QR'
  | 'DM'
  | 'DotCode'
  | 'GS1_128_CCA'
  | 'GS1_128_CCC'
  | 'DataBarExpanded'
  | 'DataBarOmni'
  | 'DataBarTruncated'
  | 'DataBarStacked'
  | 'DataBarStackedOmni'
  | 'DataBarLimited'
  | 'EAN13'
  | 'EAN8'
  | 'UPCA'
  | 'UPCE'

/** A symbol's content as a label designer writes it, or why a transmission is none. */
export type ScanDataResult =
  | {
      readonly ok: true
      readonly carrier: Carrier
      /** GS1 data begin with `^` for FNC1; plain data that begin with `^` have a backslash before it. */
      readonly content: string
      readonly elements: readonly Element[]
    }
  | { readonly ok: false; readonly error: Gs1Error }

const composite = ']e0'

const transmissions: ReadonlyMap<string, { readonly carrier: Carrier; readonly gs1: boolean }> = new Map([
  [']C1', { carrier: 'GS1_128_CCA', gs1: true }],
  [']e0', { carrier: 'DataBarExpanded', gs1: true }],
  [']E0', { carrier: 'EAN13', gs1: false }],
  [']E4', { carrier: 'EAN8', gs1: false }],
  [']d1', { carrier: 'DM', gs1: false }],
  [']d2', { carrier: 'DM', gs1: true }],
  [']Q1', { carrier: 'QR', gs1: false }],
  [']Q3', { carrier: 'QR', gs1: true }],
  [']J0', { carrier: 'DotCode', gs1: false }],
  [']J1', { carrier: 'DotCode', gs1: true }],
])

/** Identifiers of the carriers that hold both kinds: plain, GS1. */
const matrixIdentifiers = { QR: [']Q1', ']Q3'], DM: [']d1', ']d2'], DotCode: [']J0', ']J1'] } as const

function readGs1Message(
  message: string,
  options: ReadOptions,
): ScanDataResult | { content: string; elements: readonly Element[] } {
  if (message.includes(writtenFnc1)) return gs1Failure('illegal_character', 'GS1 data cannot contain "^"')
  const content = writtenFnc1 + message.replaceAll(groupSeparator, writtenFnc1)
  const result = parseElementString(content, options)
  return result.ok ? { content, elements: result.elements } : result
}

/**
 * Reads a transmission strictly: it begins with the AIM identifier of a GS1 carrier, and a URL in it is a Digital Link.
 *
 * For devices use `readScan`, which accepts every carrier and ordinary texts.
 */
export function processScanData(data: string, options: ReadOptions): ScanDataResult {
  const found = transmissions.get(data.slice(0, 3))
  if (found === undefined)
    return gs1Failure('unknown_symbology', 'the data do not begin with the identifier of a GS1 carrier')
  const { carrier, gs1 } = found
  const message = data.slice(3)

  if (carrier === 'EAN13' || carrier === 'EAN8') {
    const length = carrier === 'EAN13' ? 13 : 8
    const digits = message.slice(0, length)
    const rest = message.slice(length)
    if (digits.length < length) return gs1Failure('too_short', `${carrier} has ${length} digits`)
    if (rest !== '' && !rest.startsWith(`|${composite}`))
      return gs1Failure('too_long', `${carrier} has ${length} digits`)
    if (!/^\d+$/.test(digits)) return gs1Failure('non_digit_character', `${carrier} has digits only`)
    if (!hasValidCheckDigit(digits)) return gs1Failure('invalid_check_digit', 'the check digit is wrong')
    const primary: Element = { ai: '01', value: digits.padStart(14, '0') }
    if (rest === '') return { ok: true, carrier, content: digits, elements: [primary] }
    const second = readGs1Message(rest.slice(1 + composite.length), options)
    if ('ok' in second) return second
    return { ok: true, carrier, content: `${digits}|${second.content}`, elements: [primary, ...second.elements] }
  }
  if (gs1) {
    const read = readGs1Message(message, options)
    return 'ok' in read ? read : { ok: true, carrier, ...read }
  }
  const content = /^\\*\^/.test(message) ? `\\${message}` : message
  if (!/^(?:https?|HTTPS?):\/\//.test(message)) return { ok: true, carrier, content, elements: [] }
  const link = parseDigitalLink(message, options)
  return link.ok ? { ok: true, carrier, content, elements: link.elements } : link
}

/** How to write a transmission. */
export interface GenerateOptions extends ReadOptions {
  /** The primary data come without their check digit, which is then added; default false. */
  readonly addCheckDigit?: boolean
}

/** Undoes the notation: `^` is FNC1, and of backslashes before a literal `^` the first is dropped. */
function toMessage(content: string): string {
  if (content.startsWith(writtenFnc1)) return content.slice(1).replaceAll(writtenFnc1, groupSeparator)
  return /^\\+\^/.test(content) ? content.slice(1) : content
}

function normalisePrimary(text: string, length: number, addCheckDigit: boolean): string | null {
  if (!/^\d+$/.test(text) || text.length !== (addCheckDigit ? length - 1 : length)) return null
  const digits = addCheckDigit ? text + checkDigit(text) : text
  return hasValidCheckDigit(digits) ? digits : null
}

/**
 * Writes what a scanner transmits for a symbol with this content, AIM identifier included, or null when the carrier cannot
 * hold it. A composite component follows the linear part after `|`.
 */
export function generateScanData(carrier: Carrier, content: string, options: GenerateOptions): string | null {
  if (carrier === 'QR' || carrier === 'DM' || carrier === 'DotCode') {
    const gs1 = content.startsWith(writtenFnc1)
    if (gs1 && !parseElementString(content, options).ok) return null
    return matrixIdentifiers[carrier][gs1 ? 1 : 0] + toMessage(content)
  }

  const bar = content.indexOf('|')
  const linear = bar === -1 ? content : content.slice(0, bar)
  const component = bar === -1 ? null : content.slice(bar + 1)
  if (component !== null && !parseElementString(component, options).ok) return null
  const second = component === null ? null : toMessage(component)

  if (carrier === 'GS1_128_CCA' || carrier === 'GS1_128_CCC' || carrier === 'DataBarExpanded') {
    const result = parseElementString(linear, options)
    if (!result.ok) return null
    const first = toMessage(linear)
    if (second === null) return (carrier === 'DataBarExpanded' ? composite : ']C1') + first
    const last = result.elements.at(-1)
    const open = last !== undefined && findIdentifier(last.ai, true)?.predefinedLength !== true
    return composite + first + (open && !first.endsWith(groupSeparator) ? groupSeparator : '') + second
  }

  const addCheckDigit = options.addCheckDigit === true
  if (carrier.startsWith('DataBar')) {
    const digits = normalisePrimary(linear.replace(/^\^01/, ''), 14, addCheckDigit)
    if (digits === null || (carrier === 'DataBarLimited' && digits > '19999999999999')) return null
    return `${composite}01${digits}${second ?? ''}`
  }

  const length = carrier === 'EAN8' ? 8 : carrier === 'EAN13' ? 13 : 12
  // As AI (01) the number is padded to 14 digits.
  const padding = `^01${'0'.repeat(14 - length)}`
  const primary = linear.startsWith(padding) ? linear.slice(padding.length) : linear
  const digits = normalisePrimary(primary, length, addCheckDigit)
  if (digits === null) return null
  const identifier = carrier === 'EAN8' ? ']E4' : ']E0'
  return `${identifier}${length === 12 ? '0' : ''}${digits}${second === null ? '' : `|${composite}${second}`}`
}
