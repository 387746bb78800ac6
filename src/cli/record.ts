import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { createTraceWriter, withTrace } from '#station/index.ts'
import { openSession, openStation } from './station.ts'
import { parseOptions, refuse, stopSignal, tell, type Help } from './command.ts'

export const help = {
  name: 'record',
  usage: '--data DIR --out FILE [--redacted]',
  options: {
    data: { type: 'string', value: 'DIR', about: 'the data folder; it is made where there is none' },
    out: { type: 'string', value: 'FILE', about: 'the new file that keeps the trace' },
    redacted: { type: 'boolean', default: false, about: 'keep times and kinds of characters, and no code' },
  },
  example: 'capstan record --data ~/capstan --out scanners.trace --redacted',
} as const satisfies Help

/**
 * `capstan record`: a station without a window that also keeps a timed trace of everything its scanners tell, for a
 * fault in the field to become a test. `--redacted` keeps times and kinds of characters, and no code.
 */
export async function record(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, help)
  if (!options.ok) return refuse(options.error)
  const { data, out, redacted } = options.value
  if (data === undefined || out === undefined) {
    return refuse({ code: 'invalid_input', message: 'name the data folder and the file: --data DIR --out FILE' })
  }
  const file = createWriteStream(out, { flags: 'wx' })
  const [fault] = await Promise.race([once(file, 'open').then(() => [null]), once(file, 'error')])
  if (fault !== null)
    return refuse({ code: 'invalid_input', message: `${out} cannot be written: ${(fault as Error).message}` })

  const stopped = stopSignal()
  const opened = await openStation(data, null)
  if (!opened.ok) return refuse(opened.error)
  await openSession(opened.value, { label: 'recording' })
  const writer = createTraceWriter(file, { isRedacted: redacted })
  await opened.value.readScanners((scanners) => withTrace(scanners, writer))
  tell(`What the scanners tell is kept in ${out}; stop with Ctrl-C.`)
  await stopped
  await opened.value.close()
  file.end()
  await once(file, 'finish')
  return 0
}
