import { logLevelSchema, type LogEntry, type LogLevel } from '#contract/station/upkeep.ts'

/** Facts whose texts are our own words or the system's; of any other fact a text is not told. */
const toldFacts = new Set([
  'error',
  'err',
  'reason',
  'state',
  'kind',
  'fact',
  'code',
  'type',
  'purpose',
  'procedure',
  'serviceName',
  'signal',
  'faults',
])
/** Counts and measures; a longer number without a unit in its name may be a code. */
const longestCount = 6

/** What stands for what was taken out. */
export const takenOut = '[...]'

/**
 * Takes out of a text whatever may be a code, a key, an address, a path or a quotation. It errs on the side of
 * taking out: what is left is the program's own words.
 */
export function redactText(text: string, names: readonly string[] = []): string {
  let left = text
  for (const name of names) if (name.length > 1) left = left.replaceAll(name, takenOut)
  return (
    left
      .replaceAll(/[a-z][a-z0-9+.-]*:\/\/[^\s"')]+/gi, (address) =>
        address.startsWith('file:') ? lastPart(address) : takenOut,
      )
      .replaceAll(/"[^"\n]*"|'[^'\n]{2,}'|`[^`\n]*`/g, takenOut)
      .replaceAll(/\S+@\S+\.\S+/g, takenOut)
      .replaceAll(/(?:[A-Za-z]:)?[\\/][^\s:()]+/g, lastPart)
      // Long words with a digit, and all very long ones: hashes, ids, keys.
      .replaceAll(/[\w+/=.-]{28,}|(?=[\w+/=-]*\d)[\w+/=-]{16,}/g, takenOut)
      // A recovery key as it is read aloud or copied down, or a good part of one.
      .replaceAll(/\b(?:\w{4}[\s-]+){6,}\w{4}\b/g, takenOut)
      .replaceAll(/\b(?=\w*[A-Z])(?=\w*\d\w*\d\w*\d)\w{6,}\b/g, takenOut)
      .replaceAll(/\d(?:[ -]?\d){5,}/g, takenOut)
  )
}

/** Of a path only the file that a stack names; a file of media is named by its hash. */
function lastPart(path: string): string {
  const name = path.split(/[\\/]/).at(-1) ?? ''
  return /^[\w.-]+\.(?:[cm]?[jt]sx?|asar|sqlite|json|ndjson)$/.test(name.split(':')[0] ?? '') ? name : takenOut
}

const levels: Readonly<Record<number, LogLevel>> = { 10: 'debug', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' }

/**
 * A line of the log as it may be shown and sent; null for what is no line of it. Without `names` nobody knows what people have
 * called things here: then no text but the program's constant message is told.
 */
export function redactLine(line: string, names: readonly string[] | null): LogEntry | null {
  let found: unknown
  try {
    found = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof found !== 'object' || found === null) return null
  const { level, time, msg, room, ...rest } = found as Record<string, unknown>
  const at = new Date(typeof time === 'number' || typeof time === 'string' ? time : Number.NaN)
  if (Number.isNaN(at.getTime())) return null
  const facts: Record<string, string> = {}
  for (const [name, value] of Object.entries(rest)) {
    if (/^[a-z][A-Za-z]{0,30}$/.test(name)) facts[name] = redactFact(name, value, names)
  }
  return {
    at: at.toISOString(),
    level: levels[Number(level)] ?? logLevelSchema.enum.error,
    room: typeof room === 'string' ? redactText(room) : '',
    message: typeof msg === 'string' ? redactText(msg) : '',
    facts,
  }
}

function redactFact(name: string, value: unknown, names: readonly string[] | null): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    const isMeasure = /(?:Ms|Bytes|Pixels)$/.test(name)
    return isMeasure || String(Math.trunc(Math.abs(value))).length <= longestCount ? String(value) : takenOut
  }
  if (names === null || !toldFacts.has(name)) return takenOut
  if (typeof value === 'string') return redactText(value, names)
  if (Array.isArray(value)) return value.map((one) => redactFact(name, one, names)).join('; ')
  // An error as pino writes it: type, message, stack.
  const { stack, message } = value as { stack?: unknown; message?: unknown }
  return typeof stack === 'string' ? redactText(stack, names) : redactText(String(message ?? ''), names)
}

/**
 * Settings, a status or anything else of the contract with every text taken out that is not one of `words`; numbers that
 * may be codes, too. What a text was about is told by its name.
 */
export function redactValue(value: unknown, words: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((one) => redactValue(one, words))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, one], index) => [
        // The names of a record are data: ids of devices.
        /^[a-z][A-Za-z0-9]{0,30}$/.test(name) && !/\d{3}/.test(name) ? name : `${index + 1}`,
        redactValue(one, words),
      ]),
    )
  }
  if (typeof value === 'string') return value === '' || words.has(value) ? value : takenOut
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) > 1e14) return takenOut
  return value
}
