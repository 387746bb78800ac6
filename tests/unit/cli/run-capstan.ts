import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const capstan = fileURLToPath(new URL('../../../src/cli/capstan.ts', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  /** What it has printed so far. */
  stdout(): string
}

/** Starts the real command as a process; it is killed when the test ends, if it has not ended before. */
export function startCapstan(args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [capstan, ...args], { env: { ...process.env, ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (piece: Buffer) => stdout.push(piece))
  child.stderr.on('data', (piece: Buffer) => stderr.push(piece))
  child.stdin.on('error', () => undefined)
  const ended = new Promise<Ended>((resolve) =>
    child.on('close', (code, signal) =>
      resolve({ code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }),
    ),
  )
  return { child, ended, stdout: () => Buffer.concat(stdout).toString() }
}

/** Runs the command to its end with `input` on its standard input. */
export async function runCapstan(
  args: readonly string[],
  input = '',
  env: Record<string, string> = {},
): Promise<Ended & { readonly lines: Record<string, unknown>[] }> {
  const { child, ended } = startCapstan(args, env)
  child.stdin.end(input)
  const end = await ended
  return { ...end, lines: toLines(end.stdout.toString()) }
}

/** JSON lines, empty when the text is none. */
export function toLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
