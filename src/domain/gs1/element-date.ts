import { findIdentifier } from './application-identifiers.ts'
import { readDate, type Gs1Date } from './dates.ts'
import type { Element } from './element-string.ts'

/** The date, and where the identifier has one the time, of an element. */
export interface ElementDate extends Gs1Date {
  /** `14`, `14:30` or `14:30:59`, local to where the item was marked; null when none is stated. */
  readonly time: string | null
}

/**
 * The date that an element states: production, best before, expiry and the like, those with a time included.
 *
 * Null for identifiers without a date and for values that are none. Of a range (7007) it is the first day.
 */
export function readElementDate({ ai, value }: Element, now: Date): ElementDate | null {
  const [first, second] = findIdentifier(ai)?.components ?? []
  if (!first?.linterNames.some((name) => name === 'yymmd0' || name === 'yymmdd')) return null
  const date = readDate(value.slice(0, 6), now)
  if (date === null) return null
  const timed = second?.linterNames.some((name) => name === 'hh' || name === 'hhmi') === true
  const time = timed ? (value.slice(6).match(/\d\d/g)?.join(':') ?? null) : null
  return { ...date, time }
}
