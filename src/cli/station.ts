import type { Readable } from 'node:stream'
import { isSafeBackendAddress } from '#contract/backend-address.ts'
import type { Result } from '#contract/result.ts'
import type { ScanAnswer } from '#contract/station/control.ts'
import type { ProcedureInput } from '#contract/station/procedures.ts'
import { openSessionSchema } from '#contract/station/session.ts'
import { codeGroupSchema } from '#contract/symbology.ts'
import { createLineDriver, createStation, forkImaging, type Station, type StationPorts } from '#station/index.ts'
import { createLog, parseOptions, printRaw, refuse, stopSignal, tell, version, type Help } from './command.ts'
import { namedDataKey } from './data-key.ts'

export const help = {
  name: 'station',
  usage: '--data DIR [--stdin] [--no-drain] [--marks-window MS] [--formats GROUP] [--backend URL --api-key KEY]',
  options: {
    data: { type: 'string', value: 'DIR', about: 'the data folder; it is made where there is none' },
    stdin: {
      type: 'boolean',
      default: false,
      about: 'read a JSON scan a line; without it, the USB and serial scanners',
    },
    'no-drain': { type: 'boolean', default: false, about: 'with --stdin: do not wait at the end until all is sent' },
    'marks-window': {
      type: 'string',
      value: 'MS',
      about: 'join the codes of one item read within it; 1000, and 0 with --stdin',
    },
    formats: {
      type: 'string',
      default: 'all',
      value: 'GROUP',
      about: `what photos are searched for: ${codeGroupSchema.options.join(', ')}`,
    },
    backend: { type: 'string', value: 'URL', about: 'the backend to sync to; https, or http on this machine' },
    'api-key': { type: 'string', value: 'KEY', about: 'its key; else CAPSTAN_API_KEY from the environment' },
  },
  example: `echo '{"data":"4006381333931","aim":"]E0"}' | capstan station --data ~/capstan --stdin`,
} as const satisfies Help

/**
 * `capstan station`: a station without a window.
 *
 * With `--stdin` it reads a JSON scan a line and prints `{"saved":id,"sequence":n}` for each, after its commit and in
 * order; a control barcode has `{"control":"UNDO","line":n}`, a line that is not saved
 * `{"error":{...},"line":n}`. At the end of the input it ends the session it scanned into and waits for the outbox, unless
 * `--no-drain`. Without `--stdin` it reads this machine's USB and serial scanners until it is stopped, into a session
 * that stays open.
 *
 * `--marks-window MS` joins the codes of one item that a scanner reads within that time (0: never). It is 1000 for scanners, and
 * 0 for `--stdin`: lines have no trigger, and each one is a capture of its own.
 *
 * `--formats GROUP` says what the photos of the session are searched for; what its scanners send is always taken.
 *
 * Exit codes: 0 the input was worked through (each line has its own answer); 1 the disk did not take a scan; 2 it
 * could not start; 3 the backend refuses the key (everything is kept).
 */
export async function station(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, help)
  if (!options.ok) return refuse(options.error)
  const { data, backend } = options.value
  if (data === undefined) return refuse({ code: 'invalid_input', message: 'name the data folder: --data DIR' })
  if (backend !== undefined && !isSafeBackendAddress(backend)) {
    return refuse({ code: 'invalid_input', message: '--backend takes an https address, or one on this machine' })
  }

  const marksWindow = options.value['marks-window'] ?? (options.value.stdin ? '0' : undefined)
  const marksWindowMs = marksWindow === undefined ? undefined : Number(marksWindow)
  if (marksWindowMs !== undefined && !openSessionSchema.shape.marksWindowMs.safeParse(marksWindowMs).success) {
    return refuse({ code: 'invalid_input', message: '--marks-window takes milliseconds, 0 to 10000' })
  }

  const formats = codeGroupSchema.safeParse(options.value.formats)
  if (!formats.success) {
    return refuse({ code: 'invalid_input', message: `--formats is one of ${codeGroupSchema.options.join(', ')}` })
  }

  const apiKey = options.value['api-key'] ?? process.env['CAPSTAN_API_KEY'] ?? null
  const output = createOutput()
  const lines = options.value.stdin ? createLineDriver(process.stdin, 'standard input', output.answer) : null

  const stopped = stopSignal()
  const opened = await openStation(
    data,
    backend === undefined ? null : { url: backend, credential: () => Promise.resolve(apiKey) },
  )
  if (!opened.ok) return refuse(opened.error)
  const running = opened.value
  if (!lines) {
    for (const topic of ['scan.taken', 'control.taken'] as const) {
      running.subscribe(topic, (answer) => output.print(toLine(0, { ok: true, value: answer as ScanAnswer })))
    }
    await openSession(running, { label: 'scanners', marksWindowMs, formats: formats.data })
    await running.readScanners()
    running.watchFolders()
    tell('The station reads its scanners; stop it with Ctrl-C. The session stays open for the next start.')
    await stopped
    await running.close()
    await output.flushed()
    return 0
  }
  // No input, no session: nobody wants an empty one, nor the end of one that another run has left open.
  const isInput = await Promise.race([hasInput(process.stdin), stopped.then(() => false)])
  const sessionId = isInput
    ? await openSession(running, { label: 'standard input', marksWindowMs, formats: formats.data })
    : null
  return await scanLines(running, isInput ? lines : null, output, sessionId, stopped, !options.value['no-drain'])
}

/** Waits for the first bytes, which stay where they are, or the end; answers whether there are any. */
function hasInput(input: Readable): Promise<boolean> {
  return new Promise((resolve) => input.once('readable', () => resolve(input.readableLength > 0)))
}

async function scanLines(
  running: Station,
  lines: ReturnType<typeof createLineDriver> | null,
  output: Output,
  sessionId: string | null,
  stopped: Promise<NodeJS.Signals>,
  drain: boolean,
): Promise<number> {
  if (lines) running.drive(lines)
  const how = lines ? await Promise.race([lines.ended, stopped]) : undefined
  // Stopped in the middle: the session stays open, the next run goes on in it.
  if (how !== undefined) await lines?.close()
  else if (sessionId !== null) await running.call('session.end', { id: sessionId })
  await output.flushed()

  let exitCode = output.isDiskRefusing() ? 1 : 0
  if (how === undefined && drain) {
    const end = await Promise.race([running.drained(), stopped])
    if (end === 'unauthorised') {
      tell('The backend refuses the key. Everything is kept: start again with --api-key KEY.')
      exitCode = 3
    }
  }
  await running.close()
  return exitCode
}

/** Opens the station of a command: without a window, with this process's own network and log. */
export async function openStation(dataDir: string, backend: StationPorts['backend']): Promise<Result<Station>> {
  const key = namedDataKey()
  if (!key.ok) return key
  return createStation({
    dataDir,
    dataKey: key.value && { key: key.value, from: 'file' },
    host: 'cli',
    version,
    log: createLog(),
    fetch,
    backend,
    spawnImaging: forkImaging(),
  })
}

/** The active session, or a new one. */
export async function openSession(running: Station, options: ProcedureInput<'session.open'>): Promise<string | null> {
  const current = (await running.call('session.current', {})) as Result<{ id: string } | null>
  if (current.ok && current.value) return current.value.id
  const opened = (await running.call('session.open', options)) as Result<{ id: string }>
  return opened.ok ? opened.value.id : null
}

function toLine(line: number, result: Result<ScanAnswer>): object {
  if (!result.ok) return { error: { code: result.error.code, message: result.error.message }, line }
  if (result.value.outcome === 'control') {
    const { command, capture } = result.value
    const { kind, ...rest } = command
    return { control: kind.toUpperCase(), ...rest, ...(capture ? { capture: capture.id } : {}), line }
  }
  if (result.value.outcome === 'checked') return { checked: result.value.isSound, line }
  const { capture, outcome } = result.value
  return { saved: capture.id, sequence: capture.sequence, ...(outcome === 'saved' ? {} : { outcome }) }
}

interface Output {
  answer(line: number, result: Result<ScanAnswer>): void
  print(value: object): void
  isDiskRefusing(): boolean
  flushed(): Promise<void>
}

/** Lines that belong to one commit are written together: a system call a line would cost more than the commit. */
export function createOutput(): Output {
  let pending = ''
  let isDiskRefusing = false
  let written: Promise<void> = Promise.resolve()
  const print = (value: object): void => {
    if (pending === '') {
      written = written.then(async () => {
        await new Promise(setImmediate)
        const piece = pending
        pending = ''
        await printRaw(piece)
      })
    }
    pending += `${JSON.stringify(value)}\n`
  }
  return {
    print,
    answer(line, result) {
      if (!result.ok && result.error.code === 'storage_full') isDiskRefusing = true
      print(toLine(line, result))
    },
    isDiskRefusing: () => isDiskRefusing,
    flushed: () => written,
  }
}
