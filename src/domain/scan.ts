import type { Symbology } from '#contract/symbology.ts'
import { findIdentifier } from './gs1/application-identifiers.ts'
import { isCompressedDigitalLink, generateDigitalLink, readDigitalLink } from './gs1/digital-link.ts'
import {
  groupSeparator,
  parseBracketed,
  parseElementString,
  readElements,
  toElementString,
  type Element,
  type ElementsResult,
  type Gs1Error,
} from './gs1/element-string.ts'
import { expandUpcE, hasValidCheckDigit, normaliseGtin } from './gtin.ts'
import { isGs1Identifier, leadingAim, symbologyOfAim, toGs1Variant } from './symbology.ts'

/** What a device read. */
export interface ScanInput {
  /** The text as it came, GS (U+001D) included; may begin with an AIM identifier. */
  readonly data: string
  /** The AIM identifier, when the device reports it apart. */
  readonly aim?: string | undefined
  /** What a decoder says it saw: it knows UPC-A and UPC-E apart, which `]E0` does not. */
  readonly symbology?: Symbology | undefined
  /** The two or five digits beside an EAN or UPC, when the decoder reports them apart; `]E3` has them in its data. */
  readonly addOn?: string | undefined
}

/** A remark for people: the code is stable, the message is English for the log. */
export interface ScanNotice {
  readonly code: string
  readonly message: string
}

/** Everything that follows from a scan. */
export interface ParsedScan {
  /** The data without a leading AIM identifier, otherwise verbatim. */
  readonly raw: string
  readonly symbologyIdentifier: string | null
  readonly symbology: Symbology
  /** 14 digits: AI (01), or the number of a retail code. */
  readonly gtin: string | null
  /** The two or five digits beside an EAN or UPC: a periodical's issue, a book's price. They are no part of the GTIN. */
  readonly addOn: string | null
  readonly elements: readonly Element[]
  /** FNC1 as `^`, one first and one wherever it is required. */
  readonly elementString: string | null
  /** The canonical Digital Link of the elements, when they have a primary key. */
  readonly digitalLink: string | null
  readonly warnings: readonly ScanNotice[]
  /** Why the scan breaks the rules of its own kind; an ordinary text or URL breaks none. */
  readonly error: ScanNotice | null
}

type Reading = Pick<ParsedScan, 'elements' | 'warnings' | 'error'> & { readonly symbology?: Symbology }

const nothing: Reading = { elements: [], warnings: [], error: null }
const failed = (code: string, message: string): Reading => ({ elements: [], warnings: [], error: { code, message } })
const notice = ({ code, message }: Gs1Error): ScanNotice => ({ code, message })

const fromGtin = (gtin: string): readonly Element[] => [{ ai: '01', value: gtin }]

function fromResult(result: ElementsResult): Reading {
  return result.ok
    ? { elements: result.elements, warnings: result.missing.map(notice), error: null }
    : { elements: [], warnings: [], error: notice(result.error) }
}

function readGs1(message: string, now: Date): Reading {
  // A literal "^" could not be told from FNC1 once the message is written down.
  if (message.includes('^')) return failed('illegal_character', 'GS1 data cannot contain "^"')
  return fromResult(readElements(message, groupSeparator, { now }))
}

function readLink(url: string, now: Date): Reading {
  const link = readDigitalLink(url, { now })
  if (link.ok)
    return { elements: link.elements, warnings: [...link.warnings, ...link.missing.map(notice)], error: null }
  if (isCompressedDigitalLink(url)) {
    const message = 'a compressed Digital Link, which is not read'
    return { elements: [], warnings: [{ code: 'compressed_digital_link', message }], error: null }
  }
  // Without a key in its path it is a URL like any other; with one, it claims to be a Digital Link.
  return isOrdinaryUrl(link.error) ? nothing : { elements: [], warnings: [], error: notice(link.error) }
}

const ordinaryUrlErrors = new Set(['no_gs1_key', 'illegal_character', 'illegal_scheme', 'missing_path', 'illegal_host'])

const isOrdinaryUrl = ({ code, ai }: Gs1Error): boolean => ai === undefined && ordinaryUrlErrors.has(code)

/** The number in a retail code, whose length the symbology fixes. */
function readRetail(digits: string, symbology: Symbology): Reading {
  if (!/^\d+$/.test(digits)) return failed('non_digit_character', 'this symbology carries digits only')
  if (digits.length === 8 && (symbology === 'upce' || symbology === 'ean13')) {
    // Eight digits are a UPC-E here: an EAN-8 would have said so.
    const upca = expandUpcE(digits)
    return upca === null
      ? failed('invalid_check_digit', 'the UPC-E check digit is wrong')
      : { ...nothing, elements: fromGtin(upca.padStart(14, '0')), symbology: 'upce' }
  }
  const lengths: Partial<Record<Symbology, readonly number[]>> = {
    ean8: [8],
    upca: [12, 13],
    upce: [12, 13],
    itf14: [14],
  }
  if (!(lengths[symbology] ?? [12, 13]).includes(digits.length)) {
    return failed('invalid_length', `${digits.length} digits do not fit ${symbology}`)
  }
  const gtin = normaliseGtin(digits)
  return gtin === null
    ? failed('invalid_check_digit', 'the check digit is wrong')
    : { ...nothing, elements: fromGtin(gtin) }
}

const withAddOn = /^(\d{13})(\d{2}|\d{5})$/

/** A retail code may be followed by an add-on (`]E3`) or by a second message, the composite component. */
function readEan(message: string, aim: string | null, symbology: Symbology, now: Date): Reading {
  if (aim === ']E3') {
    const match = withAddOn.exec(message)
    return match === null
      ? failed('invalid_length', 'an EAN-13 with add-on has 15 or 18 digits')
      : readRetail(match[1] ?? '', symbology)
  }
  const composite = message.indexOf('|]e0')
  if (composite === -1) return readRetail(message, symbology)
  const primary = readRetail(message.slice(0, composite), symbology)
  if (primary.error !== null) return primary
  const second = readElements(message.slice(composite + 4), groupSeparator, { now })
  if (!second.ok) return failed(second.error.code, second.error.message)
  // Judged together: what the component requires is often the GTIN of the code below it.
  return fromResult(parseElementString(toElementString([...primary.elements, ...second.elements]), { now }))
}

/** GS in data whose carrier did not say FNC1: element strings if they are valid ones, else a text. */
function readSeparated(data: string, now: Date): Reading {
  const reading = readGs1(data.startsWith(groupSeparator) ? data.slice(1) : data, now)
  return reading.error === null ? reading : nothing
}

/** Without an AIM identifier only the data itself can say what it is. */
function readUnidentified(data: string, now: Date): Reading {
  // No GS1 value contains a space, so a text with one is only a text; so is what begins with another number in brackets.
  const bracketed = /^\((\d{2,4})\)\S+$/.exec(data)?.[1]
  if (bracketed !== undefined && findIdentifier(bracketed) !== null) return fromResult(parseBracketed(data, { now }))
  if (/^\^\d{2}/.test(data)) return fromResult(parseElementString(data, { now }))
  const gtin = normaliseGtin(data)
  return gtin === null ? nothing : { ...nothing, elements: fromGtin(gtin) }
}

const retailSymbologies = new Set<Symbology>(['ean13', 'ean8', 'upca', 'upce', 'itf14'])
const gs1Symbologies = new Set<Symbology>([
  'gs1_128',
  'gs1_qr',
  'gs1_datamatrix',
  'gs1_aztec',
  'gs1_dotcode',
  'databar',
  'databar_limited',
  'databar_expanded',
])

function read(raw: string, aim: string | null, symbology: Symbology, now: Date): Reading {
  if (aim !== null && isGs1Identifier(aim)) return readGs1(raw, now)
  if (retailSymbologies.has(symbology)) return readEan(raw, aim, symbology, now)
  if (aim === null && gs1Symbologies.has(symbology)) return readGs1(raw, now)
  if (/^https?:\/\//i.test(raw)) return readLink(raw, now)
  if (aim === null && raw.includes(groupSeparator)) return readSeparated(raw, now)
  if (aim === null && (symbology === 'unknown' || symbology === 'manual')) return readUnidentified(raw, now)
  // An ITF reader that does not check the digit still reads outer cases: fourteen digits that add up are an ITF-14.
  if (symbology === 'itf' && raw.length === 14 && hasValidCheckDigit(raw)) {
    return { ...nothing, elements: fromGtin(raw), symbology: 'itf14' }
  }
  return nothing
}

/**
 * Reads a scan: splits off the AIM identifier, names the symbology, and says which GS1 data it carries.
 *
 * The carrier decides. GS1 carriers hold element strings, retail codes a number, every other a URL or a text: AIs are never
 * guessed from a plain code. Without an identifier (keyboards, simple scanners) these forms are recognised, in this order:
 * an http(s) URL; data with GS in it that is a valid element string; and, where no symbology is named either, `(01)…`,
 * `^01…`, and 8, 12, 13 or 14 digits with the right check digit. Never throws.
 */
export function readScan(input: ScanInput, { now }: { readonly now: Date }): ParsedScan {
  const given = input.aim === undefined || input.aim === '' ? null : input.aim
  // No chip is sent with an identifier: what looks like one is its own.
  const leading = input.symbology === 'nfc' ? null : leadingAim(input.data)
  const aim = given ?? leading
  const raw = aim !== null && input.data.startsWith(aim) ? input.data.slice(aim.length) : input.data
  const named = input.symbology !== undefined && input.symbology !== 'unknown' ? input.symbology : null
  const gs1 = aim !== null && isGs1Identifier(aim)
  const byAim = aim === null ? 'unknown' : symbologyOfAim(aim, raw)
  const symbology = named === null ? byAim : gs1 ? toGs1Variant(named) : named
  const reading = read(raw, aim, symbology, now)
  const { elements, warnings, error } = reading
  const link = elements.length === 0 ? null : generateDigitalLink(elements)
  return {
    raw,
    symbologyIdentifier: aim,
    symbology: reading.symbology ?? symbology,
    gtin: elements.find(({ ai }) => ai === '01')?.value ?? null,
    addOn: input.addOn ?? (aim === ']E3' && error === null ? (withAddOn.exec(raw)?.[2] ?? null) : null),
    elements,
    elementString: elements.length === 0 ? null : toElementString(elements),
    digitalLink: link?.ok === true ? link.uri : null,
    warnings,
    error,
  }
}
