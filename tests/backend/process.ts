import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { databaseUrl } from './fixture.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface BackendProcess {
  readonly child: ChildProcess
  readonly url: string
  readonly apiKey: string
}

/** Runs `capstan backend` and answers what it prints and how it ends. */
export function runBackend(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, ['src/cli/capstan.ts', 'backend', ...args], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  const ended = once(child, 'close').then(([code, signal]) => ({ code: code as number | null, signal, ...output }))
  return { child, ended }
}

/** Runs `capstan backend` until it listens. */
export async function startBackendProcess(dataDir: string, args: readonly string[] = []): Promise<BackendProcess> {
  const url = await databaseUrl(dataDir)
  const onDatabase = url === undefined ? [] : ['--database-url', url]
  const { child, ended } = runBackend(['--data', dataDir, '--port', '0', ...onDatabase, ...args])
  if (child.stdout === null) throw new Error('No standard output')
  const line = await Promise.race([once(createInterface(child.stdout), 'line'), ended])
  if (!Array.isArray(line)) throw new Error(`The backend ended: ${line.stderr}`)
  const { listening, apiKey } = JSON.parse(String(line[0])) as { listening: string; apiKey: string }
  return { child, url: listening, apiKey }
}
