/**
 * The year that two digits mean: the one nearest to the current year, 50 years ahead and 49 back (GS1 General Specifications 7.12).
 */
export function resolveYear(twoDigits: number, currentYear: number): number {
  const century = currentYear - (currentYear % 100)
  const difference = twoDigits - (currentYear % 100)
  if (difference >= 51) return century - 100 + twoDigits
  if (difference <= -50) return century + 100 + twoDigits
  return century + twoDigits
}

/** The number of days of a month, 1 to 12. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** A date carried by an Application Identifier. */
export interface Gs1Date {
  /** For people: `2026-05-31`, or `2026-05` when the message states no day. */
  readonly iso: string
  /** For decisions: the stated day, or the last day of the month when none is stated. */
  readonly lastDay: string
  readonly dayStated: boolean
}

/**
 * Reads YYMMDD, as in AIs 11 to 17; DD may be 00: no day is stated. Null when it is not a date.
 */
export function readDate(yymmdd: string, now: Date): Gs1Date | null {
  if (!/^\d{6}$/.test(yymmdd)) return null
  const year = resolveYear(Number(yymmdd.slice(0, 2)), now.getUTCFullYear())
  const month = Number(yymmdd.slice(2, 4))
  const day = Number(yymmdd.slice(4))
  if (month < 1 || month > 12) return null
  const length = daysInMonth(year, month)
  if (day > length) return null
  const yearMonth = `${year}-${yymmdd.slice(2, 4)}`
  const lastDay = `${yearMonth}-${String(day === 0 ? length : day).padStart(2, '0')}`
  return { iso: day === 0 ? yearMonth : lastDay, lastDay, dayStated: day !== 0 }
}
