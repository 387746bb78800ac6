import { findIdentifier } from './application-identifiers.ts'
import type { Element, Gs1Error } from './element-string.ts'

/** Length of the keys whose serial number is optional: a digital signature (8030) needs them with one. */
const unserialisedLengths: Readonly<Record<string, number>> = { '253': 13, '255': 13, '8003': 14 }

/** What the identifiers of one message say about each other. */
export interface Associations {
  /** The first contradiction: different values of one AI, a forbidden pair, a signature over an unserialised key. */
  readonly violation: Gs1Error | null
  /** Requirements that this message alone does not meet. */
  readonly missing: readonly Gs1Error[]
}

/** Checks repeats, exclusions (`ex`) and requirements (`req`) of the dictionary. */
export function checkAssociations(elements: readonly Element[], permitUnknown = false): Associations {
  const values = new Map<string, string>()
  const missing: Gs1Error[] = []
  for (const { ai, value } of elements) {
    const earlier = values.get(ai)
    if (earlier !== undefined && earlier !== value) {
      return {
        violation: { code: 'repeated_ai', message: `AI (${ai}) is present with different values`, ai },
        missing,
      }
    }
    values.set(ai, value)
  }
  const present = [...values.keys()]
  /** An AI is never its own companion, even when it matches the pattern. */
  const find = (prefix: string, self: string) => present.find((other) => other !== self && other.startsWith(prefix))

  let violation: Gs1Error | null = null
  for (const ai of present) {
    const identifier = findIdentifier(ai, permitUnknown)
    if (identifier === null) continue
    for (const prefix of identifier.excludes) {
      const other = find(prefix, ai)
      if (other !== undefined) {
        violation ??= { code: 'excluded_ai', message: `AI (${ai}) must not be together with AI (${other})`, ai }
      }
    }
    for (const alternatives of identifier.requires) {
      if (!alternatives.some((group) => group.every((prefix) => find(prefix, ai) !== undefined))) {
        const wanted = alternatives.map((group) => group.join('+')).join(', ')
        missing.push({ code: 'missing_required_ai', message: `AI (${ai}) needs one of: ${wanted}`, ai })
      }
    }
  }
  if (violation === null && values.has('8030')) {
    for (const [ai, length] of Object.entries(unserialisedLengths)) {
      if (values.get(ai)?.length === length) {
        violation = { code: 'unserialised_key', message: `AI (8030) needs AI (${ai}) with a serial number`, ai }
        break
      }
    }
  }
  return { violation, missing }
}
