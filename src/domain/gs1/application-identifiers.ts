import { identifierRows } from './identifier-table.ts'
import { linters, type Linter } from './linters.ts'

/** One part of a value: how long, of which characters, with which content checks. */
export interface Component {
  readonly min: number
  readonly max: number
  readonly optional: boolean
  /** The character set first, then the checks in the dictionary's order. */
  readonly linters: readonly Linter[]
  /** Their names, for the table's own tests and for diagnosis. */
  readonly linterNames: readonly string[]
}

/** An Application Identifier with everything the readers need, looked up once and shared. */
export interface ApplicationIdentifier {
  readonly ai: string
  readonly title: string
  readonly components: readonly Component[]
  readonly minLength: number
  readonly maxLength: number
  /** The length follows from the first two digits, so no FNC1 is needed after the value. */
  readonly predefinedLength: boolean
  /** May stand in the query of a Digital Link. */
  readonly linkAttribute: boolean
  /** Each list must be satisfied: by one alternative, all of whose patterns are present. Patterns are prefixes. */
  readonly requires: readonly (readonly (readonly string[])[])[]
  /** Prefixes that exclude this identifier. */
  readonly excludes: readonly string[]
  /** Alternatives of ordered qualifiers when this is a Digital Link primary key, else null. */
  readonly keyQualifiers: readonly (readonly string[])[] | null
  readonly known: boolean
}

/** Value lengths by the first two digits of the identifier (GS1 General Specifications): no FNC1 after these. */
const predefinedLengths: Readonly<Record<string, number>> = {
  '00': 18,
  '01': 14,
  '02': 14,
  '03': 14,
  '04': 16,
  ...Object.fromEntries(['11', '12', '13', '14', '15', '16', '17', '18', '19'].map((prefix) => [prefix, 6])),
  '20': 2,
  ...Object.fromEntries(['31', '32', '33', '34', '35', '36'].map((prefix) => [prefix, 6])),
  '41': 13,
}

const notLinkAttributes = new Set('03 21 22 235 254 7040 7041 8011 8014 8019 8020 8040 8041 8042 8043 8200'.split(' '))

const characterSets: Readonly<Record<string, string>> = { N: 'csetnumeric', X: 'cset82', Y: 'cset39', Z: 'cset64' }

function parseComponent(text: string): Component {
  const match = /^(\[?)([NXYZ])(\.\.)?(\d+)\]?(?::(.+))?$/.exec(text)
  if (match === null) throw new Error(`not a component: ${text}`)
  const [, bracket, set, range, length, checks] = match
  const max = Number(length)
  const linterNames = [characterSets[set ?? ''] ?? '', ...(checks === undefined ? [] : checks.split(':'))]
  return {
    min: range === undefined ? max : 1,
    max,
    optional: bracket === '[',
    linterNames,
    linters: linterNames.map((name) => {
      const linter = linters.get(name)
      if (linter === undefined) throw new Error(`no linter ${name}`)
      return linter
    }),
  }
}

/** `31nn` -> `31`: identifiers that share two digits have the same length, so a prefix says it all. */
const toPrefix = (pattern: string): string => pattern.replace(/n+$/, '')

function expandRange(range: string): string[] {
  const [first = '', last = first] = range.split('-')
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) =>
    String(Number(first) + index).padStart(first.length, '0'),
  )
}

function compileTable(): Map<string, ApplicationIdentifier> {
  const table = new Map<string, ApplicationIdentifier>()
  for (const [range, format, title, rules = {}] of identifierRows) {
    const components = format.split(' ').map(parseComponent)
    const needs = typeof rules.needs === 'string' ? [rules.needs] : (rules.needs ?? [])
    for (const ai of expandRange(range)) {
      table.set(ai, {
        ai,
        title,
        components,
        minLength: components.reduce((sum, part) => sum + (part.optional ? 0 : part.min), 0),
        maxLength: components.reduce((sum, part) => sum + part.max, 0),
        predefinedLength: predefinedLengths[ai.slice(0, 2)] !== undefined,
        linkAttribute: !notLinkAttributes.has(ai),
        requires: needs.map((list) => list.split(',').map((group) => group.split('+').map(toPrefix))),
        excludes: rules.not === undefined ? [] : rules.not.split(',').map(toPrefix),
        keyQualifiers:
          rules.key === undefined
            ? null
            : rules.key.split('|').map((list) => list.split(',').filter((qualifier) => qualifier !== '')),
        known: true,
      })
    }
  }
  return table
}

/** All known identifiers, by their digits. */
export const applicationIdentifiers: ReadonlyMap<string, ApplicationIdentifier> = compileTable()

/** Identifiers with the same first two digits have the same number of digits. */
const lengthByPrefix = new Map([...applicationIdentifiers.keys()].map((ai) => [ai.slice(0, 2), ai.length]))

const unknownIdentifiers = new Map<string, ApplicationIdentifier>()

function createUnknown(ai: string): ApplicationIdentifier {
  const existing = unknownIdentifiers.get(ai)
  if (existing !== undefined) return existing
  const fixed = predefinedLengths[ai.slice(0, 2)]
  const identifier: ApplicationIdentifier = {
    ai,
    title: 'UNKNOWN',
    components: [parseComponent(fixed === undefined ? 'X..90' : `X${fixed}`)],
    minLength: fixed ?? 1,
    maxLength: fixed ?? 90,
    predefinedLength: fixed !== undefined,
    linkAttribute: false,
    requires: [],
    excludes: [],
    keyQualifiers: null,
    known: false,
  }
  unknownIdentifiers.set(ai, identifier)
  return identifier
}

/**
 * The identifier written exactly so, or null.
 *
 * With `permitUnknown`, digits the dictionary does not list are taken as an identifier too (any 1 to 90 CSET 82 characters,
 * or the predefined length), unless they have the wrong number of digits for their prefix.
 */
export function findIdentifier(ai: string, permitUnknown = false): ApplicationIdentifier | null {
  const known = applicationIdentifiers.get(ai)
  if (known !== undefined) return known
  if (!permitUnknown || !/^\d{2,4}$/.test(ai)) return null
  const length = lengthByPrefix.get(ai.slice(0, 2))
  return length === undefined || length === ai.length ? createUnknown(ai) : null
}

/**
 * The identifier that `text` starts with at `at`, or null.
 *
 * An unknown one is only found when its prefix tells how many digits it has: else its end cannot be seen.
 */
export function identifierAt(text: string, at: number, permitUnknown = false): ApplicationIdentifier | null {
  const length = lengthByPrefix.get(text.slice(at, at + 2))
  if (length === undefined) return null
  const ai = text.slice(at, at + length)
  return ai.length === length ? findIdentifier(ai, permitUnknown) : null
}
