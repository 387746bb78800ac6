import { checkAssociations } from './associations.ts'
import { findIdentifier, identifierAt, type ApplicationIdentifier } from './application-identifiers.ts'
import { markFault } from './lint-fault.ts'

/** One Application Identifier with its value, as GS1 calls it an element string. */
export interface Element {
  readonly ai: string
  readonly value: string
}

/** Why a message is not valid GS1 data. */
export interface Gs1Error {
  /** Lower snake case; for a failed content check GS1's own name of it in lower case. */
  readonly code: string
  readonly message: string
  readonly ai?: string
  /** The value with the faulty part between bars: `(8001)1|X|34`. */
  readonly markup?: string
}

/** A message that is valid, or the first reason why not. */
export type ElementsResult =
  | {
      readonly ok: true
      readonly elements: readonly Element[]
      /** Identifiers whose required companions are absent: they may be on another code of the same item. */
      readonly missing: readonly Gs1Error[]
    }
  | { readonly ok: false; readonly error: Gs1Error }

/** How strictly to read. */
export interface ReadOptions {
  /** Decides the century of two-digit years. */
  readonly now: Date
  /** Accept identifiers that the dictionary does not list; default false. */
  readonly permitUnknownAis?: boolean
}

/** FNC1 as scanners transmit it. */
export const groupSeparator = '\x1d'

/** FNC1 as we write it. */
export const writtenFnc1 = '^'

const lintCodes: Readonly<Record<string, string>> = { INCORRECT_CHECK_DIGIT: 'invalid_check_digit' }

/** A failed reading with this code. */
export function gs1Failure(
  code: string,
  message: string,
  ai?: string,
): { readonly ok: false; readonly error: Gs1Error } {
  return { ok: false, error: ai === undefined ? { code, message } : { code, message, ai } }
}

/** Checks length and forbidden characters of a value whose end is known. */
export function checkValueShape(identifier: ApplicationIdentifier, value: string): Gs1Error | null {
  const { ai } = identifier
  if (value === '') return { code: 'empty_value', message: `AI (${ai}) has no value`, ai }
  if (value.length < identifier.minLength) return { code: 'too_short', message: `AI (${ai}) value is too short`, ai }
  if (value.length > identifier.maxLength) return { code: 'too_long', message: `AI (${ai}) value is too long`, ai }
  if (value.includes(writtenFnc1)) return { code: 'illegal_character', message: `AI (${ai}) contains a "^"`, ai }
  return null
}

/** Checks the components that `value` begins with; answers how many characters they take. */
function lintComponents(identifier: ApplicationIdentifier, value: string, currentYear: number): number | Gs1Error {
  const { ai } = identifier
  if (value === '') return { code: 'empty_value', message: `AI (${ai}) has no value`, ai }
  let at = 0
  for (const component of identifier.components) {
    const part = value.slice(at, at + component.max)
    if (component.optional && part === '') continue
    if (part.length < component.min) return { code: 'too_short', message: `AI (${ai}) value is too short`, ai }
    for (const linter of component.linters) {
      const found = linter(part, currentYear)
      if (found !== null) {
        return {
          code: lintCodes[found.error] ?? found.error.toLowerCase(),
          message: `AI (${ai}): ${found.error}`,
          ai,
          markup: `(${ai})${value.slice(0, at)}${markFault(part, found, '|')}`,
        }
      }
    }
    at += part.length
  }
  return at
}

/** Checks a whole value: every component, and nothing after them. */
export function checkValue(identifier: ApplicationIdentifier, value: string, now: Date): Gs1Error | null {
  const taken = lintComponents(identifier, value, now.getUTCFullYear())
  if (typeof taken !== 'number') return taken
  const { ai } = identifier
  return taken < value.length ? { code: 'too_long', message: `AI (${ai}) value is too long`, ai } : null
}

/** Completes a reading with the rules that hold between identifiers. */
export function associate(elements: readonly Element[], permitUnknown: boolean): ElementsResult {
  const { violation, missing } = checkAssociations(elements, permitUnknown)
  return violation === null ? { ok: true, elements, missing } : { ok: false, error: violation }
}

/**
 * Reads a message as a scanner transmits it: no leading FNC1, `separator` for every other.
 *
 * A separator after a value of predefined length, and one at the end, is superfluous but allowed.
 */
export function readElements(message: string, separator: string, options: ReadOptions): ElementsResult {
  if (message === '') return gs1Failure('empty', 'the message is empty')
  const permitUnknown = options.permitUnknownAis === true
  const currentYear = options.now.getUTCFullYear()
  const elements: Element[] = []
  let at = 0
  while (at < message.length) {
    const identifier = identifierAt(message, at, permitUnknown)
    if (identifier === null) {
      return gs1Failure('unknown_ai', `no known AI begins with "${message.slice(at, at + 4)}"`)
    }
    at += identifier.ai.length
    const stop = message.indexOf(separator, at)
    const end = stop === -1 ? message.length : stop
    const taken = lintComponents(identifier, message.slice(at, end), currentYear)
    if (typeof taken !== 'number') return { ok: false, error: taken }
    if (!identifier.predefinedLength && at + taken < end) {
      return gs1Failure('too_long', `AI (${identifier.ai}) value is too long`, identifier.ai)
    }
    elements.push({ ai: identifier.ai, value: message.slice(at, at + taken) })
    at += taken
    if (message.startsWith(separator, at)) at += separator.length
  }
  return associate(elements, permitUnknown)
}

/** Reads an element string in writing: `^0109520123456788^10ABC`, FNC1 as `^`, one of them first. */
export function parseElementString(text: string, options: ReadOptions): ElementsResult {
  if (!text.startsWith(writtenFnc1)) return gs1Failure('missing_fnc1', 'an element string begins with FNC1')
  return readElements(text.slice(1), writtenFnc1, options)
}

/**
 * Reads what people type and labels print: `(01)09520123456788(10)ABC`. A `(` inside a value is written `\(`.
 */
export function parseBracketed(text: string, options: ReadOptions): ElementsResult {
  if (text === '') return gs1Failure('empty', 'the message is empty')
  const permitUnknown = options.permitUnknownAis === true
  const read: { readonly identifier: ApplicationIdentifier; readonly value: string }[] = []
  let at = 0
  while (at < text.length) {
    const close = text.charAt(at) === '(' ? text.indexOf(')', at) : -1
    if (close === -1) return gs1Failure('malformed', 'an AI in brackets is expected')
    const ai = text.slice(at + 1, close)
    const identifier = findIdentifier(ai, permitUnknown)
    if (identifier === null) return gs1Failure('unknown_ai', `unknown AI (${ai.slice(0, 8)})`)
    let value = ''
    at = close + 1
    for (;;) {
      const open = text.indexOf('(', at)
      const end = open === -1 ? text.length : open
      if (open > at && text.charAt(open - 1) === '\\') {
        value += `${text.slice(at, open - 1)}(`
        at = open + 1
        continue
      }
      value += text.slice(at, end)
      at = end
      break
    }
    const wrong = checkValueShape(identifier, value)
    if (wrong !== null) return { ok: false, error: wrong }
    read.push({ identifier, value })
  }
  // Lengths of all values first: a check digit says nothing about a value that was cut in the wrong place.
  for (const { identifier, value } of read) {
    const wrong = checkValue(identifier, value, options.now)
    if (wrong !== null) return { ok: false, error: wrong }
  }
  return associate(
    read.map(({ identifier, value }) => ({ ai: identifier.ai, value })),
    permitUnknown,
  )
}

/** Writes the element string: FNC1 first, and after a value only where its length is not predefined. */
export function toElementString(elements: readonly Element[]): string {
  let text = ''
  let separate = true
  for (const { ai, value } of elements) {
    text += `${separate ? writtenFnc1 : ''}${ai}${value}`
    separate = findIdentifier(ai, true)?.predefinedLength !== true
  }
  return text
}

/** Writes the form in brackets, for people. */
export function toBracketed(elements: readonly Element[]): string {
  return elements.map(({ ai, value }) => `(${ai})${value.replaceAll('(', '\\(')}`).join('')
}
