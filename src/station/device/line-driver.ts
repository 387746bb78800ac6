import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { fail, type Result } from '#contract/result.ts'
import { scanSchema, type Scan } from '#contract/station/capture.ts'
import type { ScanAnswer } from '#contract/station/control.ts'
import type { DeviceDriver } from '#station/device/driver.ts'

/** A line as a program writes it; other members are for other readers. */
const lineSchema = z.object({ data: z.string(), aim: z.string().nullish() })

/** Reads JSON scans, one a line, as `{"data":"...","aim":"]E0"}`; for standard input and for tests. */
export interface LineDriver extends DeviceDriver {
  /** Resolves at the end of the input, after every line has been answered. */
  readonly ended: Promise<void>
}

/** Lines that may be on their way to the disk at once: enough to fill a commit, and a bound on memory. */
const inFlightLimit = 1_024

/**
 * Creates the driver. `answer` is called once for each line, in order of the lines, after its commit;
 * a line that is no scan is answered with `invalid_input`. Lines are numbered from 1.
 */
export function createLineDriver(
  input: Readable,
  name: string,
  answer: (line: number, result: Result<ScanAnswer>) => void,
): LineDriver {
  let end: () => void
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  let lines: ReturnType<typeof createInterface> | null = null

  return {
    ended,
    start(emit, report) {
      report({ id: name, kind: 'stdin', name, state: 'ready', advice: '' })
      const reader = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
      lines = reader
      let number = 0
      let inFlight = 0
      let isOver = false
      /** Answers keep the order of the lines: each waits for the one before. */
      let answered = Promise.resolve()

      reader.on('line', (text) => {
        number += 1
        inFlight += 1
        if (inFlight >= inFlightLimit) reader.pause()
        const line = number
        const scan = parseLine(text, name)
        const result = scan.ok ? emit(scan.value) : Promise.resolve(scan)
        answered = answered.then(async () => {
          answer(line, await result)
          inFlight -= 1
          if (!isOver && inFlight < inFlightLimit / 2) reader.resume()
        })
      })
      reader.on('close', () => {
        isOver = true
        void answered.then(() => {
          report({ id: name, kind: 'stdin', name, state: 'unplugged', advice: '' })
          end()
        })
      })
    },
    close() {
      lines?.close()
      return ended
    },
  }
}

function parseLine(text: string, deviceName: string): Result<Scan> {
  if (text.trim() === '') return fail('invalid_input', 'the line is empty; write {"data":"..."}')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return fail('invalid_input', 'the line is no JSON; write {"data":"..."}')
  }
  const line = lineSchema.safeParse(value)
  if (!line.success) return fail('invalid_input', 'the line has no text member "data"; write {"data":"..."}')
  const scan = scanSchema.safeParse({
    data: line.data.data,
    ...(line.data.aim ? { aim: line.data.aim } : {}),
    source: 'stdin',
    deviceName,
  })
  if (scan.success) return { ok: true, value: scan.data }
  const details = scan.error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message }))
  return fail('invalid_input', details.map((detail) => `${detail.field}: ${detail.message}`).join('; '), details)
}
