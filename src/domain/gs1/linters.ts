import { countryLetters, countryNumbers, currencyNumbers, packageTypes } from './code-lists.ts'
import { lintCouponCode, lintPositiveOffer } from './coupon.ts'
import { daysInMonth, resolveYear } from './dates.ts'
import { fault, firstOutside, nonDigit, whole, type LintFault } from './lint-fault.ts'

/**
 * Checks one component of a value; null when it is right.
 *
 * `currentYear` decides the century of two-digit years.
 */
export type Linter = (data: string, currentYear: number) => LintFault | null

const cset82 = '!"%&\'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'
const cset39 = '#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const cset64 = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'
const cset32 = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
const alphanumeric = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'

const cset82Values = new Map([...cset82].map((character, index) => [character, index]))
const ibanValues = new Map([...alphanumeric].map((character, index) => [character, index]))

/** The first 97 primes: the weights of a check character pair, for values of up to 99 characters. */
const primes: readonly number[] = (() => {
  const found: number[] = []
  for (let candidate = 2; found.length < 97; candidate++) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate)
  }
  return found
})()

/** Weights 3, 1, 3, 1 … from the right; the check digit fills the sum up to a multiple of ten. */
const csum: Linter = (data) => {
  if (data === '') return whole('TOO_SHORT_FOR_CHECK_DIGIT', data)
  const wrong = nonDigit(data)
  if (wrong !== null) return wrong
  let sum = 0
  for (let index = 0; index < data.length; index++) {
    sum += (data.charCodeAt(data.length - 1 - index) - 48) * (index % 2 === 0 ? 1 : 3)
  }
  return sum % 10 === 0 ? null : fault('INCORRECT_CHECK_DIGIT', data.length - 1, 1)
}

/** GS1 check character pair: prime weights from the right, modulo 1021, written as two characters of CSET 32. */
const csumalpha: Linter = (data) => {
  const length = data.length - 2
  if (length < 0) return whole('TOO_SHORT_FOR_CHECK_PAIR', data)
  if (length > primes.length) return whole('TOO_LONG_FOR_CHECK_PAIR_IMPLEMENTATION', data)
  let sum = 0
  for (let index = 0; index < length; index++) {
    const value = cset82Values.get(data.charAt(index))
    if (value === undefined) return fault('INVALID_CSET82_CHARACTER', index, 1)
    sum += value * (primes[length - 1 - index] ?? 0)
  }
  sum %= 1021
  const pair = cset32.charAt(sum >> 5) + cset32.charAt(sum & 31)
  return data.endsWith(pair) ? null : fault('INCORRECT_CHECK_PAIR', length, 2)
}

/** A GS1 Company Prefix has at least four digits; `start` is where it begins. */
const gcp =
  (start: number): Linter =>
  (data) => {
    if (data.length < start + 4) return whole('TOO_SHORT_FOR_GCP', data)
    for (let index = start; index < start + 4; index++) {
      if (data.charAt(index) < '0' || data.charAt(index) > '9') return fault('INVALID_GCP_PREFIX', index, 1)
    }
    return null
  }

/** Base64url; padding, when there is any, is one or two signs and makes the length a multiple of three. */
const lintCset64: Linter = (data) => {
  const length = data.replace(/=+$/, '').length
  const padding = data.length - length
  if (padding > 2 || (padding > 0 && data.length % 3 !== 0)) return fault('INVALID_CSET64_PADDING', length, padding)
  return firstOutside(data.slice(0, length), cset64, 'INVALID_CSET64_CHARACTER')
}

/** A date of six digits (YYMMDD) or eight (YYYYMMDD); with `dayOptional` the day may be 00. */
const date =
  (digits: 6 | 8, dayOptional: boolean): Linter =>
  (data, currentYear) => {
    if (data.length < digits) return whole('DATE_TOO_SHORT', data)
    if (data.length > digits) return whole('DATE_TOO_LONG', data)
    const wrong = nonDigit(data)
    if (wrong !== null) return wrong
    const month = Number(data.slice(digits - 4, digits - 2))
    if (month < 1 || month > 12) return fault('ILLEGAL_MONTH', digits - 4, 2)
    const day = Number(data.slice(digits - 2))
    const year = digits === 8 ? Number(data.slice(0, 4)) : resolveYear(Number(data.slice(0, 2)), currentYear)
    const first = dayOptional ? 0 : 1
    return day < first || day > daysInMonth(year, month) ? fault('ILLEGAL_DAY', digits - 2, 2) : null
  }

const twoDigits =
  (unit: 'HOUR' | 'MINUTE' | 'SECOND', limit: number): Linter =>
  (data) => {
    if (data.length < 2) return whole(`${unit}_TOO_SHORT`, data)
    if (data.length > 2) return whole(`${unit}_TOO_LONG`, data)
    return nonDigit(data) ?? (Number(data) < limit ? null : whole(`ILLEGAL_${unit}`, data))
  }

const hhmi: Linter = (data) => {
  if (data.length < 4) return whole('HOUR_WITH_MINUTE_TOO_SHORT', data)
  if (data.length > 4) return whole('HOUR_WITH_MINUTE_TOO_LONG', data)
  const wrong = nonDigit(data)
  if (wrong !== null) return wrong
  if (Number(data.slice(0, 2)) > 23) return fault('ILLEGAL_HOUR', 0, 2)
  return Number(data.slice(2)) > 59 ? fault('ILLEGAL_MINUTE', 2, 2) : null
}

/** ISO 13616: country, two check digits, account; letters count as 10 to 35, the whole modulo 97 is 1. */
const iban: Linter = (data) => {
  if (data.length <= 10) return whole('IBAN_TOO_SHORT', data)
  if (data.length > 34) return whole('IBAN_TOO_LONG', data)
  if (!countryLetters.has(data.slice(0, 2))) return fault('ILLEGAL_IBAN_COUNTRY_CODE', 0, 2)
  const wrong = firstOutside(data, alphanumeric, 'INVALID_IBAN_CHARACTER')
  if (wrong !== null) return wrong
  let remainder = 0
  for (const character of data.slice(4) + data.slice(0, 4)) {
    const value = ibanValues.get(character) ?? 0
    remainder = (remainder * (value < 10 ? 10 : 100) + value) % 97
  }
  return remainder === 1 ? null : fault('INCORRECT_IBAN_CHECKSUM', 2, 2)
}

const coordinate =
  (name: 'LATITUDE' | 'LONGITUDE', limit: number): Linter =>
  (data) => {
    if (data.length !== 10) return whole(`${name}_INVALID_LENGTH`, data)
    return nonDigit(data) ?? (Number(data) <= limit ? null : whole(`INVALID_${name}`, data))
  }

const pieceOfTotal: Linter = (data) => {
  if (data.length === 0 || data.length % 2 !== 0) return whole('INVALID_LENGTH_FOR_PIECE_OF_TOTAL', data)
  const wrong = nonDigit(data)
  if (wrong !== null) return wrong
  const half = data.length / 2
  const piece = data.slice(0, half)
  const total = data.slice(half)
  if (/^0+$/.test(piece)) return fault('ZERO_PIECE_NUMBER', 0, half)
  if (/^0+$/.test(total)) return fault('ZERO_TOTAL_PIECES', half, half)
  return piece > total ? whole('PIECE_NUMBER_EXCEEDS_TOTAL', data) : null
}

const positionInSequence: Linter = (data) => {
  const match = /^(\d+)\/(\d+)$/.exec(data)
  if (match === null) return whole('POSITION_IN_SEQUENCE_MALFORMED', data)
  const [, position = '', end = ''] = match
  if (position.startsWith('0')) return fault('ILLEGAL_ZERO_PREFIX', 0, position.length)
  if (end.startsWith('0')) return fault('ILLEGAL_ZERO_PREFIX', position.length + 1, end.length)
  // Without leading zeros, the longer number is the greater one.
  const exceeds = position.length === end.length ? position > end : position.length > end.length
  return exceeds ? whole('POSITION_EXCEEDS_END', data) : null
}

const percentEncoded: Linter = (data) => {
  for (let index = data.indexOf('%'); index !== -1; index = data.indexOf('%', index + 1)) {
    const sequence = data.slice(index, index + 3)
    if (!/^%[0-9A-Fa-f]{2}$/.test(sequence)) return fault('INVALID_PERCENT_SEQUENCE', index, sequence.length)
  }
  return null
}

/** Only these values; the whole is at fault otherwise. */
const oneOf =
  (allowed: (data: string) => boolean, error: string): Linter =>
  (data) =>
    allowed(data) ? null : whole(error, data)

/**
 * Every content check of the dictionary by its name there, the four character sets included.
 *
 * Error names and positions are those of GS1's reference checks, so that both can be compared case by case.
 */
export const linters: ReadonlyMap<string, Linter> = new Map<string, Linter>([
  ['csetnumeric', nonDigit],
  ['cset82', (data) => firstOutside(data, cset82, 'INVALID_CSET82_CHARACTER')],
  ['cset39', (data) => firstOutside(data, cset39, 'INVALID_CSET39_CHARACTER')],
  ['cset64', lintCset64],
  ['csum', csum],
  ['csumalpha', csumalpha],
  ['gcppos1', gcp(0)],
  ['gcppos2', gcp(1)],
  ['yymmdd', date(6, false)],
  ['yymmd0', date(6, true)],
  ['yyyymmdd', date(8, false)],
  ['yyyymmd0', date(8, true)],
  ['hh', twoDigits('HOUR', 24)],
  ['mi', twoDigits('MINUTE', 60)],
  ['ss', twoDigits('SECOND', 60)],
  ['hhmi', hhmi],
  ['iban', iban],
  ['importeridx', oneOf((data) => /^[-0-9A-Z_a-z]$/.test(data), 'INVALID_IMPORT_IDX_CHARACTER')],
  ['iso3166', oneOf((data) => countryNumbers.has(data), 'NOT_ISO3166')],
  ['iso3166999', oneOf((data) => data === '999' || countryNumbers.has(data), 'NOT_ISO3166_OR_999')],
  ['iso3166alpha2', oneOf((data) => countryLetters.has(data), 'NOT_ISO3166_ALPHA2')],
  ['iso4217', oneOf((data) => currencyNumbers.has(data), 'NOT_ISO4217')],
  ['iso5218', oneOf((data) => /^[0129]$/.test(data), 'INVALID_BIOLOGICAL_SEX_CODE')],
  ['latitude', coordinate('LATITUDE', 1_800_000_000)],
  ['longitude', coordinate('LONGITUDE', 3_600_000_000)],
  // 01 to 10 are ICCBBA's, 80 to 99 for local and national use; the rest is reserved.
  ['mediatype', oneOf((data) => /^(0[1-9]|10|[89]\d)$/.test(data), 'INVALID_MEDIA_TYPE')],
  ['packagetype', oneOf((data) => packageTypes.has(data), 'INVALID_PACKAGE_TYPE')],
  ['pcenc', percentEncoded],
  ['pieceoftotal', pieceOfTotal],
  ['posinseqslash', positionInSequence],
  ['nonzero', (data) => nonDigit(data) ?? (/[1-9]/.test(data) ? null : whole('ILLEGAL_ZERO_VALUE', data))],
  ['nozeroprefix', (data) => nonDigit(data) ?? (data.startsWith('0') ? fault('ILLEGAL_ZERO_PREFIX', 0, 1) : null)],
  ['hasnondigit', oneOf((data) => /\D/.test(data), 'REQUIRES_NON_DIGIT_CHARACTER')],
  ['hyphen', oneOf((data) => /^-+$/.test(data), 'NOT_HYPHEN')],
  ['winding', oneOf((data) => /^[019]$/.test(data), 'INVALID_WINDING_DIRECTION')],
  ['yesno', oneOf((data) => /^[01]$/.test(data), 'NOT_ZERO_OR_ONE')],
  ['zero', oneOf((data) => /^0+$/.test(data), 'NOT_ZERO')],
  ['couponcode', lintCouponCode],
  ['couponposoffer', lintPositiveOffer],
])
