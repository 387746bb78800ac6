import { findIdentifier } from '#domain/gs1/application-identifiers.ts'
import { readDate } from '#domain/gs1/dates.ts'

/** The Application Identifiers that have a name among the texts (`element.<ai>`); the others show the table's title. */
// oxfmt-ignore
export const namedElements = [
  '00', '01', '02', '10', '11', '12', '13', '15', '16', '17', '20', '21', '22', '30', '37', '240', '241', '242', '250',
  '251', '253', '254', '255', '310', '320', '400', '401', '402', '410', '411', '412', '413', '414', '415', '416', '417',
  '420', '421', '422', '8003', '8004', '8005', '8006', '8008', '8017', '8018', '8020', '8200',
] as const
export type NamedElement = (typeof namedElements)[number]

const named = new Set<string>(namedElements)

/** The name's key for an AI: weights such as 3103 share their first three digits' name. */
export function elementName(ai: string): NamedElement | null {
  if (named.has(ai)) return ai as NamedElement
  const family = ai.slice(0, 3)
  return ai.length === 4 && (family === '310' || family === '320') ? (family as NamedElement) : null
}

/** What the table of GS1 calls an AI that has no name among the texts, or empty. */
export function elementTitle(ai: string): string {
  return findIdentifier(ai)?.title ?? ''
}

const dateElements = new Set(['11', '12', '13', '15', '16', '17'])

/** A value made readable: text, or a date as `2026-05-31`, or `2026-05` when no day is stated. */
export type ElementValue = { readonly kind: 'text' | 'date'; readonly text: string }

/** Reads the six-digit dates and the weights in kilograms and pounds; everything else is text as it came. */
export function readElement(ai: string, value: string, now: Date): ElementValue {
  const date = dateElements.has(ai) ? readDate(value, now) : null
  if (date !== null) return { kind: 'date', text: date.iso }
  const measure = /^(310|320)([0-5])$/.exec(ai)
  if (measure !== null && /^\d{6}$/.test(value)) {
    const decimals = Number(measure[2])
    const unit = measure[1] === '310' ? 'kg' : 'lb'
    return { kind: 'text', text: `${(Number(value) / 10 ** decimals).toFixed(decimals)} ${unit}` }
  }
  return { kind: 'text', text: value }
}
