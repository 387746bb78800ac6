import { applicationIdentifiers, findIdentifier, type ApplicationIdentifier } from './application-identifiers.ts'
import {
  associate,
  checkValue,
  checkValueShape,
  gs1Failure,
  type Element,
  type Gs1Error,
  type ReadOptions,
} from './element-string.ts'

/** Something a tolerant reading put up with. */
export interface LinkWarning {
  readonly code: 'convenience_alpha' | 'short_gtin' | 'attribute_in_path' | 'trailing_slash' | 'compressed_digital_link'
  readonly message: string
}

/** How strictly to read a Digital Link; everything is off in a strict reading. */
export interface LinkOptions extends ReadOptions {
  /** `/gtin/…/ser/…`: removed from the standard in 1.3.0 (2022). */
  readonly permitConvenienceAlphas?: boolean
  /** GTINs of 8, 12 or 13 digits: forbidden since 1.4.0 (2023). */
  readonly permitZeroSuppressedGtins?: boolean
  /** Attributes among the path's pairs, as some resolvers print them. */
  readonly permitAttributesInPath?: boolean
  readonly permitTrailingSlash?: boolean
}

/** What a Digital Link says, or why it is none. */
export type LinkResult =
  | {
      readonly ok: true
      readonly elements: readonly Element[]
      readonly missing: readonly Gs1Error[]
      /** Everything left of the primary key, without a final slash. */
      readonly stem: string
      /** Query parameters that are no identifiers, as they were written. */
      readonly ignored: readonly string[]
      readonly warnings: readonly LinkWarning[]
    }
  | { readonly ok: false; readonly error: Gs1Error }

const canonicalStem = 'https://id.gs1.org'

/** Convenience names, in use until Digital Link 1.2. */
const convenienceAlphas: ReadonlyMap<string, string> = new Map([
  ['cpid', '8010'],
  ['cpsn', '8011'],
  ['cpv', '22'],
  ['gcn', '255'],
  ['gdti', '253'],
  ['giai', '8004'],
  ['ginc', '401'],
  ['gln', '414'],
  ['glnx', '254'],
  ['gmn', '8013'],
  ['grai', '8003'],
  ['gsin', '402'],
  ['gsrn', '8018'],
  ['gsrnp', '8017'],
  ['gtin', '01'],
  ['itip', '8006'],
  ['lot', '10'],
  ['party', '417'],
  ['refno', '8020'],
  ['ser', '21'],
  ['srin', '8019'],
  ['sscc', '00'],
])

/** Undoes percent encoding; null when it hides a NUL. A malformed sequence stays as it is. */
export function unescapeComponent(text: string, part: 'path' | 'query'): string | null {
  let illegal = false
  const decoded = (part === 'query' ? text.replaceAll('+', ' ') : text).replace(
    /%([0-9A-Fa-f]{2})/g,
    (_, hex: string) => {
      const code = Number.parseInt(hex, 16)
      if (code === 0) illegal = true
      return String.fromCharCode(code)
    },
  )
  return illegal ? null : decoded
}

const percent = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`

function escapeCodePoint(code: number): string {
  // Values read from a Digital Link hold one character a byte, so those go back as one byte.
  if (code <= 0xff) return percent(code)
  const tail = (shift: number): string => percent(0x80 | ((code >> shift) & 0x3f))
  if (code <= 0x7ff) return percent(0xc0 | (code >> 6)) + tail(0)
  if (code <= 0xffff) return percent(0xe0 | (code >> 12)) + tail(6) + tail(0)
  return percent(0xf0 | (code >> 18)) + tail(12) + tail(6) + tail(0)
}

/** Percent-encodes everything but letters, digits and `-._~`; a space is `%20` in the path and `+` in the query. */
export function escapeComponent(text: string, part: 'path' | 'query'): string {
  return text.replace(/[^A-Za-z0-9\-._~]/gu, (character) =>
    character === ' ' && part === 'query' ? '+' : escapeCodePoint(character.codePointAt(0) ?? 0),
  )
}

/** Whether `parts` is some of `all` in the same order. */
function isSubsequence(parts: readonly string[], all: readonly string[]): boolean {
  let next = 0
  for (const item of all) if (item === parts[next]) next++
  return next === parts.length
}

const isValidPath = (key: ApplicationIdentifier, qualifiers: readonly string[]): boolean =>
  key.keyQualifiers?.some((alternative) => isSubsequence(qualifiers, alternative)) === true

interface PathPair {
  readonly identifier: ApplicationIdentifier
  readonly alpha: boolean
  readonly raw: string
}

interface SplitUri {
  readonly origin: string
  readonly path: string
  readonly query: string
}

function splitUri(uri: string): SplitUri | Gs1Error {
  if (!/^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]*$/.test(uri)) {
    return { code: 'illegal_character', message: 'the URI contains characters that must be encoded' }
  }
  const scheme = /^(?:https?|HTTPS?):\/\//.exec(uri)?.[0]
  if (scheme === undefined)
    return { code: 'illegal_scheme', message: 'the URI does not begin with http:// or https://' }
  const slash = uri.indexOf('/', scheme.length)
  if (slash <= scheme.length) return { code: 'missing_path', message: 'the URI has no host or no path' }
  if (/[_~?#@!$&'()*+,;=%]/.test(uri.slice(scheme.length, slash))) {
    return { code: 'illegal_host', message: 'the host contains characters that no host has' }
  }
  const [beforeFragment = ''] = uri.slice(slash).split('#', 1)
  const mark = beforeFragment.indexOf('?')
  return {
    origin: uri.slice(0, slash),
    path: mark === -1 ? beforeFragment : beforeFragment.slice(0, mark),
    query: mark === -1 ? '' : beforeFragment.slice(mark + 1),
  }
}

/** Walks the path's pairs from the right until a primary key; what is left of it is the stem. */
function findPairs(
  segments: readonly string[],
  options: LinkOptions,
): { pairs: PathPair[]; stemLength: number } | null {
  const pairs: PathPair[] = []
  for (let at = segments.length - 2; at >= 0; at -= 2) {
    const name = segments[at] ?? ''
    const alpha = options.permitConvenienceAlphas === true ? convenienceAlphas.get(name) : undefined
    const identifier = findIdentifier(alpha ?? name, options.permitUnknownAis)
    if (identifier === null) return null
    const raw = segments[at + 1] ?? ''
    pairs.unshift({ identifier, alpha: alpha !== undefined, raw })
    if (identifier.keyQualifiers === null) continue
    // Every key contains a company prefix of at least four digits: `/news/01/15` and `/00/about` are no Digital Links.
    return raw === '' || /\d{4}/.test(raw) ? { pairs, stemLength: at } : null
  }
  return null
}

/**
 * Reads a GS1 Digital Link URI (URI syntax 1.6, uncompressed).
 *
 * Strict as long as no option permits more. Compressed links are not read, see `isCompressedDigitalLink`.
 */
export function parseDigitalLink(uri: string, options: LinkOptions): LinkResult {
  const split = splitUri(uri)
  if ('code' in split) return { ok: false, error: split }
  const warnings: LinkWarning[] = []

  const segments = split.path.split('/').slice(1)
  if (options.permitTrailingSlash === true && segments.length > 2 && segments.at(-1) === '') {
    segments.pop()
    warnings.push({ code: 'trailing_slash', message: 'the path ends with a slash' })
  }
  const found = findPairs(segments, options)
  if (found === null) return gs1Failure('no_gs1_key', 'the path has no GS1 primary key')

  const elements: Element[] = []
  /** Decodes, completes and measures one value; the fault if it has one. */
  const take = (identifier: ApplicationIdentifier, raw: string, part: 'path' | 'query'): Gs1Error | null => {
    const { ai } = identifier
    if (raw === '') return { code: 'empty_value', message: `AI (${ai}) has no value`, ai }
    let value = unescapeComponent(raw, part)
    if (value === null) return { code: 'illegal_character', message: `AI (${ai}) contains a NUL`, ai }
    if (options.permitZeroSuppressedGtins === true && ai === '01' && /^(?:.{8}|.{12,13})$/.test(value)) {
      warnings.push({ code: 'short_gtin', message: `the GTIN is written with ${value.length} instead of 14 digits` })
      value = value.padStart(14, '0')
    }
    elements.push({ ai, value })
    return checkValueShape(identifier, value)
  }

  for (const { identifier, alpha, raw } of found.pairs) {
    const wrong = take(identifier, raw, 'path')
    if (wrong !== null) return { ok: false, error: wrong }
    if (alpha) warnings.push({ code: 'convenience_alpha', message: `AI (${identifier.ai}) is written as a name` })
  }

  const [key, ...others] = found.pairs.map((pair) => pair.identifier)
  if (key === undefined) return gs1Failure('no_gs1_key', 'the path has no GS1 primary key')
  let qualifiers = others.map((other) => other.ai)
  if (!isValidPath(key, qualifiers) && options.permitAttributesInPath === true) {
    const belongs = new Set(key.keyQualifiers?.flat())
    const strays = others.filter((other) => !belongs.has(other.ai) && other.linkAttribute)
    for (const stray of strays) {
      warnings.push({ code: 'attribute_in_path', message: `AI (${stray.ai}) belongs in the query, not in the path` })
    }
    qualifiers = others.filter((other) => !strays.includes(other)).map((other) => other.ai)
  }
  if (!isValidPath(key, qualifiers)) {
    return gs1Failure(
      'invalid_qualifiers',
      `AIs ${qualifiers.join(', ')} cannot follow AI (${key.ai}) in this order`,
      key.ai,
    )
  }

  const ignored: string[] = []
  const attributes: ApplicationIdentifier[] = []
  for (const parameter of split.query.split('&')) {
    if (parameter === '') continue
    const equals = parameter.indexOf('=')
    const name = equals === -1 ? '' : parameter.slice(0, equals)
    if (!/^\d+$/.test(name)) {
      ignored.push(parameter)
      continue
    }
    const identifier = findIdentifier(name, options.permitUnknownAis)
    if (identifier === null) return gs1Failure('unknown_ai', `unknown AI (${name.slice(0, 8)}) in the query`)
    const wrong = take(identifier, parameter.slice(equals + 1), 'query')
    if (wrong !== null) return { ok: false, error: wrong }
    attributes.push(identifier)
  }

  const seen = new Set<string>()
  for (const { ai } of elements) {
    if (seen.has(ai)) return gs1Failure('duplicate_ai', `AI (${ai}) is present twice`, ai)
    seen.add(ai)
  }
  for (const { ai, linkAttribute } of attributes) {
    if (!linkAttribute) return gs1Failure('not_an_attribute', `AI (${ai}) may not be in the query`, ai)
    // Would it have made a valid path at any place after the key? Then that is where it belongs.
    for (let place = 0; place <= qualifiers.length; place++) {
      if (isValidPath(key, qualifiers.toSpliced(place, 0, ai))) {
        return gs1Failure('belongs_in_path', `AI (${ai}) belongs in the path`, ai)
      }
    }
  }

  for (const { ai, value } of elements) {
    const identifier = findIdentifier(ai, true)
    const wrong = identifier === null ? null : checkValue(identifier, value, options.now)
    if (wrong !== null) return { ok: false, error: wrong }
  }
  const associated = associate(elements, options.permitUnknownAis === true)
  if (!associated.ok) return associated
  const stem = [split.origin, ...segments.slice(0, found.stemLength)].join('/')
  return { ok: true, elements, missing: associated.missing, stem, ignored, warnings }
}

/** Reads strictly first; if that fails, with everything permitted that old or careless links do, each with a warning. */
export function readDigitalLink(uri: string, options: ReadOptions): LinkResult {
  const strict = parseDigitalLink(uri, options)
  if (strict.ok) return strict
  const tolerant = parseDigitalLink(uri, {
    ...options,
    permitConvenienceAlphas: true,
    permitZeroSuppressedGtins: true,
    permitAttributesInPath: true,
    permitTrailingSlash: true,
  })
  // When even the tolerant reading finds a key, its complaint is about the data and not about the manner of writing.
  return tolerant.ok || strict.error.code === 'no_gs1_key' ? tolerant : strict
}

const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/**
 * How a compressed stream may begin: the first two digits of an AI, or one of the codes that the compression
 * standard gives to frequent groups of AIs.
 */
const compressionStart = new Set([
  ...[...applicationIdentifiers.keys()].map((ai) => ai.slice(0, 2)),
  ...'0A 0B 0C 0D 0E 0F 1A 1B 1C 1D 1E 1F 2A 2B 2C 2D 2E 2F 3A 3B 3C 3D 3E 3F 9A 9B 9C 9D'.split(' '),
])

/**
 * Whether a URL looks like a compressed Digital Link: its last path segment is base64url whose first byte names a known AI.
 *
 * We do not decompress: that is a standard of its own, and a guess would be worse than nothing.
 */
export function isCompressedDigitalLink(uri: string): boolean {
  const segment = /^https?:\/\/[^/?#]+\/(?:[^?#]*\/)?([A-Za-z0-9_-]{10,})(?:[?#].*)?$/i.exec(uri)?.[1]
  // Ordinary words are base64url too; a packed stream nearly never is of one case, nor a row of capitalised words.
  if (segment === undefined || !/[A-Z]/.test(segment) || !/[a-z0-9]/.test(segment)) return false
  if (/^(?:[A-Z][a-z]+[-_]?)+$/.test(segment)) return false
  const bits = (base64url.indexOf(segment.charAt(0)) << 6) | base64url.indexOf(segment.charAt(1))
  return compressionStart.has((bits >> 4).toString(16).toUpperCase().padStart(2, '0'))
}

/** A Digital Link of these elements, or why there is none. */
export type GeneratedLink =
  | { readonly ok: true; readonly uri: string }
  | { readonly ok: false; readonly error: Gs1Error }

/**
 * Writes the Digital Link of some elements: the first primary key, as many of its qualifiers as there are, and everything
 * else in the query, values of predefined length first.
 *
 * `stem` defaults to the canonical `https://id.gs1.org`. The elements must be valid.
 */
export function generateDigitalLink(elements: readonly Element[], stem = canonicalStem): GeneratedLink {
  const values = new Map<string, string>()
  for (const { ai, value } of elements) if (!values.has(ai)) values.set(ai, value)
  const key = [...values.keys()].find((ai) => (findIdentifier(ai)?.keyQualifiers ?? null) !== null)
  const alternatives = key === undefined ? null : (findIdentifier(key)?.keyQualifiers ?? null)
  if (key === undefined || alternatives === null) {
    return gs1Failure('no_gs1_key', 'a Digital Link needs a primary key')
  }
  let path: readonly string[] = [key]
  for (const alternative of alternatives) {
    const candidate = [key, ...alternative.filter((ai) => values.has(ai))]
    if (candidate.length > path.length) path = candidate
  }
  const attributes = [...values.keys()].filter((ai) => !path.includes(ai)).map((ai) => findIdentifier(ai, true))
  const fixed: string[] = []
  const variable: string[] = []
  for (const identifier of attributes) {
    if (identifier === null || !identifier.linkAttribute) {
      const ai = identifier?.ai ?? ''
      return gs1Failure('not_an_attribute', `AI (${ai}) may not be in the query`, ai)
    }
    const parameter = `${identifier.ai}=${escapeComponent(values.get(identifier.ai) ?? '', 'query')}`
    ;(identifier.predefinedLength ? fixed : variable).push(parameter)
  }
  const pairs = path.map((ai) => `/${ai}/${escapeComponent(values.get(ai) ?? '', 'path')}`).join('')
  const query = [...fixed, ...variable].join('&')
  return { ok: true, uri: `${stem.replace(/\/$/, '')}${pairs}${query === '' ? '' : `?${query}`}` }
}
