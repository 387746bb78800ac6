/** What can be written canonically: JSON's own values, and nothing that JSON cannot hold. */
export type CanonicalValue =
  | string
  | number
  | boolean
  | null
  | readonly CanonicalValue[]
  | { readonly [name: string]: CanonicalValue | undefined }

/**
 * Writes a value as RFC 8785 (JSON Canonicalization Scheme) has it: one text for one value, so that its hash means
 * something. Members are sorted by their UTF-16 code units, absent ones are left out, numbers and strings are written
 * as ECMAScript writes them.
 *
 * Throws a RangeError for a number that JSON cannot hold. A lone surrogate, which RFC 8785 refuses, is written as its
 * escape: a scan is kept whatever it holds.
 */
export function canonicalJson(value: CanonicalValue): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('JSON has no such number')
  if (value === null || typeof value !== 'object') return String(value === 0 ? 0 : value)
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`
  // Text by text and not by JSON.stringify of a sorted copy: an object keeps names such as "10" apart, in front.
  let text = '{'
  for (const name of Object.keys(value).toSorted()) {
    const member = value[name]
    if (member !== undefined) text += `${text === '{' ? '' : ','}${quoted(name)}:${canonicalJson(member)}`
  }
  return `${text}}`
}

/** A ledger writes the same few names millions of times. */
const plainName = /^[A-Za-z_]+$/
const quoted = (name: string): string => (plainName.test(name) ? `"${name}"` : JSON.stringify(name))

/** `Array.isArray` does not tell a read-only list from an object. */
function isList(value: CanonicalValue): value is readonly CanonicalValue[] {
  return Array.isArray(value)
}
