import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { z } from 'zod'
import { fail, ok, type Result } from '#contract/result.ts'

const reportSchema = z.object({
  id: z.string(),
  kind: z.enum(['wedge', 'camera', 'stdin', 'scanner']),
  name: z.string(),
  state: z.enum(['ready', 'busy', 'unplugged', 'refused', 'failed']),
  advice: z.string(),
})

/** One event of a device. `atMs` counts from the beginning of the trace. */
const traceEventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('report'), atMs: z.number().min(0), report: reportSchema }),
  z.object({
    event: z.literal('scan'),
    atMs: z.number().min(0),
    deviceId: z.string(),
    deviceName: z.string(),
    /** The bytes as the device sent them. */
    hex: z.string().regex(/^([0-9a-f]{2})*$/),
    data: z.string(),
    aim: z.string().nullable(),
  }),
])
export type TraceEvent = z.infer<typeof traceEventSchema>

const headerSchema = z.object({ trace: z.literal('capstan-devices'), version: z.literal(1) })

/** Writes a trace: a line that says what it is, then one JSON line an event. */
export interface TraceWriter {
  write(event: TraceEvent): void
}

/**
 * Starts a trace. A redacted one keeps times, devices, lengths and kinds of characters but no code: every digit is 0,
 * every capital A, every other letter a, whatever the bytes were.
 */
export function createTraceWriter(output: Writable, options: { readonly isRedacted: boolean }): TraceWriter {
  const line = (value: object): void => void output.write(`${JSON.stringify(value)}\n`)
  line({ trace: 'capstan-devices', version: 1 })
  return {
    write(event) {
      if (event.event === 'report' || !options.isRedacted) return line(event)
      const data = redact(event.data)
      line({ ...event, data, hex: Buffer.from(data, 'utf8').toString('hex') })
    },
  }
}

function redact(text: string): string {
  return text
    .replace(/\p{Nd}/gu, '0')
    .replace(/\p{Lu}/gu, 'A')
    .replace(/[\p{Ll}\p{Lt}\p{Lm}\p{Lo}]/gu, 'a')
}

/** Reads a trace, event by event; ends with a failure that names the line at the first one that is no event. */
export async function* readTrace(input: Readable): AsyncGenerator<Result<TraceEvent>> {
  let number = 0
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1
    const value = parse(text)
    if (number === 1) {
      if (headerSchema.safeParse(value).success) continue
      yield fail('invalid_input', 'the file is no trace of Capstan')
      return
    }
    const event = traceEventSchema.safeParse(value)
    if (!event.success) {
      yield fail('invalid_input', `line ${number} is no event of a trace`)
      return
    }
    yield ok(event.data)
  }
  if (number === 0) yield fail('invalid_input', 'the file is empty')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
