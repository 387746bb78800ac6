import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { pino } from 'pino'
import type { Log } from '#contract/ports.ts'
import { fail, ok, type AppError, type Result } from '#contract/result.ts'

/** The program's version, as package.json has it. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version

/** The log of a command: JSON lines on standard error, since standard output belongs to results. `CAPSTAN_LOG` sets the level. */
export function createLog(): Log {
  const level = process.env['CAPSTAN_LOG'] ?? 'warn'
  return pino(
    { level: level in pino.levels.values ? level : 'warn', base: null },
    pino.destination({ dest: 2, sync: true }),
  )
}

/** Parses a command's options strictly; a wrong one is an expected failure that names it. */
export function parseOptions<const T extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: T,
) {
  try {
    return ok(parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values)
  } catch (error) {
    return fail('invalid_input', (error as Error).message)
  }
}

/** Reads a TCP port; 0 means any free one. */
export function parsePort(text: string | undefined, byDefault: number): Result<number> {
  if (text === undefined) return ok(byDefault)
  const port = Number(text)
  return /^\d+$/.test(text) && port <= 65_535
    ? ok(port)
    : fail('invalid_input', `--port takes a number from 0 to 65535, not "${text}"`)
}

/** Says why a command cannot go on, as one JSON line on standard error. Answers the exit code for it: 2. */
export function refuse(error: AppError): 2 {
  process.stderr.write(`${JSON.stringify({ error })}\n`)
  return 2
}

/** Tells a person something on standard error. */
export function tell(sentence: string): void {
  process.stderr.write(`${sentence}\n`)
}

/** Writes one result as a JSON line; waits while the reader is slow, so that memory stays flat. */
export async function printLine(value: unknown): Promise<void> {
  await printRaw(`${JSON.stringify(value)}\n`)
}

/** Writes a piece of output as it is; waits while the reader is slow. */
export async function printRaw(piece: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(piece)) await once(process.stdout, 'drain')
}

/**
 * Resolves with the name of the signal that asks the program to stop; a second one ends it at once. The end of the npm
 * that started it counts as SIGTERM.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve(signal)
        process.once(signal, () => process.exit(130))
      })
    }
    if (process.env['npm_lifecycle_event'] === 'capstan') watchAncestors(() => resolve('SIGTERM'))
  })
}

/**
 * npm runs a script through a shell. The shell ends by npm's SIGTERM without passing it on, and outlives an npm that is
 * killed: the signal reaches us as a change of our parent, or of our parent's parent.
 */
function watchAncestors(onEnd: () => void): void {
  const ancestors = (): string => `${process.ppid} ${parentOf(process.ppid)}`
  const atStart = ancestors()
  const watch = setInterval(() => {
    if (ancestors() === atStart) return
    clearInterval(watch)
    onEnd()
  }, 200)
  watch.unref()
}

/** The parent of a process where /proc tells it, else nothing. */
function parentOf(pid: number): string {
  try {
    // `pid (name) state ppid ...`; the name may hold spaces and brackets.
    return (
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\)\s\S\s/s, '')
        .split(' ')[0] ?? ''
    )
  } catch {
    return ''
  }
}
