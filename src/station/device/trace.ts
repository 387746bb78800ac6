import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { z } from 'zod'
import { fail, ok, type Result } from '#contract/result.ts'
import { scanSchema } from '#contract/station/capture.ts'
import type { ScanAnswer } from '#contract/station/control.ts'
import { deviceKindSchema, deviceStateSchema } from '#contract/station/status.ts'
import type { DeviceDriver, DeviceReport, Emit } from './driver.ts'

const reportSchema = z.object({
  id: z.string(),
  kind: deviceKindSchema,
  name: z.string(),
  state: deviceStateSchema,
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
    /** See `RawScan`; of half a code only. */
    isHalf: z.literal(true).optional(),
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

/** A driver that writes down everything its devices tell, with times from now on. */
export function withTrace(driver: DeviceDriver, writer: TraceWriter, nowMs = () => performance.now()): DeviceDriver {
  const beganMs = nowMs()
  const atMs = (timeMs: number) => Math.max(0, Math.round((timeMs - beganMs) * 1_000) / 1_000)
  return {
    ...driver,
    start(emit, report) {
      driver.start(
        (scan, raw) => {
          writer.write({
            event: 'scan',
            atMs: atMs(raw?.receivedMs ?? nowMs()),
            deviceId: raw?.deviceId ?? scan.deviceName,
            deviceName: scan.deviceName,
            hex: Buffer.from(raw?.bytes ?? new TextEncoder().encode(scan.data)).toString('hex'),
            data: scan.data,
            aim: scan.aim ?? null,
            ...(raw?.isHalf ? { isHalf: true } : {}),
          })
          return emit(scan, raw)
        },
        (told) => {
          writer.write({ event: 'report', atMs: atMs(nowMs()), report: told })
          report(told)
        },
      )
    },
  }
}

/** Plays a trace as if its devices were here. */
export interface ReplayDriver extends DeviceDriver {
  /** Resolves after the last scan has been answered, with the number of scans, or with what is wrong with the trace. */
  readonly ended: Promise<Result<number>>
}

/**
 * Creates the driver. `speed` 2 plays twice as fast; `Infinity` does not wait at all. `answer` hears what became of each
 * scan, in order.
 */
export function createReplayDriver(
  input: Readable,
  speed: number,
  answer: (event: TraceEvent, result: Result<ScanAnswer>) => void = () => undefined,
): ReplayDriver {
  let isClosed = false
  let scans = 0
  let answered = Promise.resolve()
  let wake: () => void = () => undefined
  let end: (result: Result<number>) => void = () => undefined
  const ended = new Promise<Result<number>>((resolve) => {
    end = resolve
  })

  const play = async (emit: Emit, report: (device: DeviceReport) => void): Promise<void> => {
    const beganMs = performance.now()
    let fault: Result<never> | null = null
    for await (const event of readTrace(input)) {
      if (!event.ok) {
        fault = event
        break
      }
      const dueMs = beganMs + event.value.atMs / speed
      const waitMs = dueMs - performance.now()
      if (waitMs > 0)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, waitMs)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      if (isClosed) break
      if (event.value.event === 'report') {
        report(event.value.report)
        continue
      }
      const { deviceId, deviceName, data, aim, hex, isHalf = false } = event.value
      const scan = scanSchema.safeParse({ data, deviceName, source: 'device', ...(aim === null ? {} : { aim }) })
      scans += 1
      const result = scan.success
        ? emit(scan.data, { deviceId, bytes: Buffer.from(hex, 'hex'), receivedMs: performance.now(), isHalf })
        : Promise.resolve(fail('invalid_input', 'the event holds no scan'))
      answered = answered.then(async () => answer(event.value, await result))
    }
    await answered
    end(fault ?? ok(scans))
  }

  return {
    ended,
    start(emit, report) {
      play(emit, report).catch((error: unknown) => end(fail('internal', String(error))))
    },
    async close() {
      isClosed = true
      wake()
      input.destroy()
      // Nobody hears the end of lines whose stream was destroyed.
      await answered
      end(ok(scans))
    },
  }
}
