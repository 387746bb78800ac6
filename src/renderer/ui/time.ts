/** Making a format takes longer than using it a hundred times, and a list has one a row. */
const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${options.dateStyle} ${options.timeStyle}`
  const known = formats.get(key) ?? new Intl.DateTimeFormat(language, options)
  formats.set(key, known)
  return known
}

/** How long ago something was, in the largest unit that is not zero, as "12 seconds ago" in the person's language. */
export function ago(thenMs: number, nowMs: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' })
  const seconds = Math.round((thenMs - nowMs) / 1_000)
  if (Math.abs(seconds) < 60) return format.format(seconds, 'second')
  if (Math.abs(seconds) < 3_600) return format.format(Math.trunc(seconds / 60), 'minute')
  if (Math.abs(seconds) < 86_400) return format.format(Math.trunc(seconds / 3_600), 'hour')
  return format.format(Math.trunc(seconds / 86_400), 'day')
}

/** The time of day of an instant, with seconds when two scans a second apart must be told apart. */
export function timeOfDay(instant: string | number, language: string, seconds = true): string {
  return formatOf(language, { timeStyle: seconds ? 'medium' : 'short' }).format(new Date(instant))
}

/** Date and time of an instant, short. */
export function dateAndTime(instant: string, language: string): string {
  return formatOf(language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(instant))
}

/** A duration in its two largest units, as "1 h 12 min" or "45 s". */
export function duration(ms: number, language: string): string {
  const seconds = Math.round(ms / 1_000)
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  const part = (value: number, unit: 'hour' | 'minute' | 'second') =>
    new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short' }).format(value)
  if (hours > 0) return `${part(hours, 'hour')} ${part(minutes, 'minute')}`
  if (minutes > 0) return `${part(minutes, 'minute')} ${part(rest, 'second')}`
  return part(rest, 'second')
}
