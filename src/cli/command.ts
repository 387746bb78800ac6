import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { pino, type Level } from 'pino'
import type { Log } from '#contract/ports.ts'
import { openLogFile } from '#station/index.ts'
import { fail, ok, type AppError, type Result } from '#contract/result.ts'

/** The program's version, as package.json has it. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version

/**
 * The log of a command: JSON lines on standard error, since standard output belongs to results. `CAPSTAN_LOG` sets the level.
 * A command that runs a kiosk keeps them in its data folder, too, from `info` on.
 */
export function createLog(dataDir: string | null = null): Log {
  const level = process.env['CAPSTAN_LOG'] ?? 'warn'
  const known = level in pino.levels.values ? level : 'warn'
  const stream = pino.destination({ dest: 2, sync: true })
  if (dataDir === null) return pino({ level: known, base: null }, stream)
  const { values } = pino.levels
  const isFiner = (values[known] ?? 0) < (values['info'] ?? 0)
  return pino(
    { level: isFiner ? known : 'info', base: null },
    pino.multistream([
      { level: known as Level, stream },
      { level: 'info', stream: openLogFile(dataDir) },
    ]),
  )
}

/** What `capstan COMMAND --help` says of a command; the options are those that it parses. */
export interface Help {
  readonly name: string
  /** What follows the name, with what may be left out in square brackets. */
  readonly usage: string
  readonly options: Readonly<
    Record<
      string,
      NonNullable<ParseArgsConfig['options']>[string] & { readonly value?: string; readonly about: string }
    >
  >
  /** What follows the name in an example; also how it is used in a pipe, where that is the way. */
  readonly example: string
}

/** Parses a command's options strictly; a wrong one is an expected failure that names it. */
export function parseOptions<const T extends Help>(args: readonly string[], help: T) {
  const parsed = parseArguments(args, help)
  if (!parsed.ok) return parsed
  const [surplus] = parsed.value.positionals
  return surplus === undefined
    ? ok(parsed.value.values)
    : fail('invalid_input', `Unexpected argument '${surplus}'; capstan ${help.name} --help shows the options`)
}

/** The same for a command that also takes files or folders. */
export function parseArguments<const T extends Help>(args: readonly string[], { name, options }: T) {
  try {
    return ok(parseArgs({ args: [...args], options: options as T['options'], strict: true, allowPositionals: true }))
  } catch (error) {
    // The rest of the sentence is about positional arguments that begin with a dash, which nobody means.
    const fault = (error as Error).message.split(/\. To specify|\.?\n/)[0]
    return fail('invalid_input', `${fault}; capstan ${name} --help shows the options`)
  }
}

/** Prints what a command takes, with an example, on standard output. */
export function printHelp(about: string, { name, usage, options, example }: Help): Promise<void> {
  const rows = Object.entries(options).map(([option, { value, about: what }]): [string, string] => [
    value === undefined ? `--${option}` : `--${option} ${value}`,
    what,
  ])
  const width = Math.max(0, ...rows.map(([option]) => option.length))
  const lines = [
    `usage: capstan ${`${name} ${usage}`.trim()}`,
    '',
    `${about[0]?.toUpperCase()}${about.slice(1)}.`,
    '',
    ...rows.map(([option, what]) => `  ${option.padEnd(width)}  ${what}`),
    ...(rows.length > 0 ? [''] : []),
    'example:',
    `  ${example}`,
  ]
  return printRaw(`${lines.join('\n')}\n`)
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
