import type { ControlCommand } from '#contract/station/control.ts'
import { leadingAim } from './symbology.ts'

/** What a text is to the control codes: a command, a command that was damaged on its way, or no concern of theirs. */
export type ControlReading =
  | { readonly kind: 'command'; readonly command: ControlCommand }
  /** A badge of the staff: `secret` is as good as a PIN, and never shown, kept or sent on. */
  | { readonly kind: 'badge'; readonly secret: string }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'none' }

/**
 * The letters that Latin keyboards have in one place: a keyboard scanner set to another country types them all the
 * same. Not there: A, Q, W, Z, M (French), Y (German), I (Turkish), digits (French). A prime number of letters.
 */
const letters = 'BCDEFGHJKLNOPRSTUVX'
const prefix = 'XCTRL'
const locationLimit = 20

const words: readonly (readonly [string, ControlCommand])[] = [
  ['CODES', { kind: 'mode', mode: 'barcode_scan' }],
  ['PHOTOS', { kind: 'mode', mode: 'product_photography' }],
  ['BOTH', { kind: 'mode', mode: 'both' }],
  ...Array.from({ length: 9 }, (_, index): readonly [string, ControlCommand] => [
    `COUNT${letters.charAt(index)}`,
    { kind: 'quantity', quantity: index + 1 },
  ]),
  ['TENFOLD', { kind: 'tenfold' }],
  ['UNDO', { kind: 'undo' }],
  ['NOSPOT', { kind: 'location', location: null }],
  ['NEXTSPOT', { kind: 'location_next' }],
  ['END', { kind: 'end' }],
  ['SHOOT', { kind: 'shoot' }],
  ['GOOD', { kind: 'accept' }],
  ['REJECT', { kind: 'reject' }],
  ['NEXT', { kind: 'skip' }],
  ['ENROL', { kind: 'register', nonce: null }],
]
const commands = new Map(words)
const spot = 'SPOT'
const enrol = 'ENROL'
/** Letters of a registering code's nonce: one in 47 million. */
const nonceLength = 6
const person = 'PERSON'
/** Letters of a badge's secret: nobody guesses one in 2^67. */
const secretLength = 16

/** Every command that is a fixed code; locations and registering codes have one for each name and nonce. */
export const fixedCommands: readonly ControlCommand[] = words.map(([, command]) => command)

/** The nonce of a registering code, from a source of random numbers from 0 to 1. */
export function createNonce(random: () => number): string {
  return randomLetters(nonceLength, random)
}

/** The secret of a new badge, from a source of random numbers from 0 to 1 that nobody can foretell. */
export function createBadgeSecret(random: () => number): string {
  return randomLetters(secretLength, random)
}

/** The text of a badge's symbol: 29 letters. The secret comes from `createBadgeSecret`. */
export function writeBadge(secret: string): string {
  const body = prefix + person + secret
  return body + checkLetters(body)
}

function randomLetters(length: number, random: () => number): string {
  return Array.from({ length }, () => letters.charAt(Math.floor(random() * letters.length))).join('')
}

/**
 * The text of a command's symbol: 10 to 51 letters. A nonce comes from `createNonce`.
 *
 * Throws a RangeError for a location that is not 1 to 20 characters of printable ASCII.
 */
export function writeControlCode(command: ControlCommand): string {
  const body = prefix + bodyOf(command)
  return body + checkLetters(body)
}

/**
 * Reads a scan as a control code; an AIM identifier in front and inverted capitals do not matter.
 *
 * The namespace is every text of these letters alone that begins with `XCTRL` and has three letters more: no such text
 * is ever an item. Two check letters refuse each one with one wrong letter, or two letters exchanged.
 */
export function readControlCode(raw: string): ControlReading {
  const text = (leadingAim(raw) === null ? raw : raw.slice(3)).toUpperCase()
  if (text.length < prefix.length + 3 || !text.startsWith(prefix)) return { kind: 'none' }
  if ([...text].some((letter) => !letters.includes(letter))) return { kind: 'none' }
  const body = text.slice(0, -2)
  if (checkLetters(body) !== text.slice(-2)) return { kind: 'damaged' }
  const word = body.slice(prefix.length)
  if (word.startsWith(person) && word.length === person.length + secretLength)
    return { kind: 'badge', secret: word.slice(person.length) }
  const command = commandOf(word)
  return command === null ? { kind: 'damaged' } : { kind: 'command', command }
}

function bodyOf(command: ControlCommand): string {
  if (command.kind === 'location' && command.location !== null) return spot + spell(command.location)
  if (command.kind === 'register' && command.nonce !== null) return enrol + command.nonce
  const word = words.find(([, known]) => isSame(known, command))?.[0]
  if (word === undefined) throw new RangeError(`there is no control code for ${JSON.stringify(command)}`)
  return word
}

function commandOf(word: string): ControlCommand | null {
  const known = commands.get(word)
  if (known) return known
  if (word.startsWith(enrol) && word.length === enrol.length + nonceLength)
    return { kind: 'register', nonce: word.slice(enrol.length) }
  const location = word.startsWith(spot) ? unspell(word.slice(spot.length)) : null
  return location === null ? null : { kind: 'location', location }
}

function isSame(a: ControlCommand, b: ControlCommand): boolean {
  return JSON.stringify(Object.entries(a).toSorted()) === JSON.stringify(Object.entries(b).toSorted())
}

/** Two letters a character: 19 times 19 is more than enough for printable ASCII. */
function spell(location: string): string {
  if (
    location.length === 0 ||
    location.length > locationLimit ||
    !/^[ -~]+$/.test(location) ||
    location !== location.trim()
  ) {
    throw new RangeError(`a location has 1 to ${locationLimit} characters of printable ASCII, without spaces around it`)
  }
  return Array.from(location, (character) => {
    const value = character.charCodeAt(0) - 0x20
    return letters.charAt(Math.floor(value / letters.length)) + letters.charAt(value % letters.length)
  }).join('')
}

function unspell(text: string): string | null {
  const pairs = text.match(/../g) ?? []
  if (pairs.length * 2 !== text.length || pairs.length === 0 || pairs.length > locationLimit) return null
  const location = pairs
    .map((pair) => letters.indexOf(pair.charAt(0)) * letters.length + letters.indexOf(pair.charAt(1)) + 0x20)
    .map((code) => String.fromCharCode(code))
    .join('')
  return /^[ -~]+$/.test(location) && location === location.trim() ? location : null
}

/**
 * Two check letters over the field of 19: the sum of all letters is 0, and so is their sum weighted by the powers of 2
 * from the right. One wrong letter breaks the first; two exchanged ones less than 18 apart break the second.
 */
function checkLetters(body: string): string {
  const size = letters.length
  let sum = 0
  let weighted = 0
  for (const letter of body) {
    const value = letters.indexOf(letter)
    sum = (sum + value) % size
    weighted = (weighted * 2 + value) % size
  }
  // The two letters x and y complete both: sum + x + y = 0 and 4 * weighted + 2x + y = 0.
  const x = (sum + 3 * size * size - 4 * weighted) % size
  const y = (2 * size - sum - x) % size
  return letters.charAt(x) + letters.charAt(y)
}
