import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Heard } from './account.ts'

const capstan = fileURLToPath(new URL('../capstan.ts', import.meta.url))

/** Starts commands of Capstan as processes of their own, and sees that none outlives the drill. */
export interface Processes {
  start(args: readonly string[], env?: Readonly<Record<string, string>>): ChildProcessWithoutNullStreams
  /** At once, and without a word: also for a drill that is stopped in its middle. */
  killAll(): void
}

export function createProcesses(): Processes {
  const running = new Set<ChildProcessWithoutNullStreams>()
  return {
    start(args, env = {}) {
      const child = spawn(process.execPath, [capstan, ...args], {
        env: { ...process.env, CAPSTAN_LOG: 'error', ...env },
      })
      running.add(child)
      child.once('close', () => running.delete(child))
      child.stdin.on('error', () => undefined)
      return child
    },
    killAll() {
      for (const child of running) child.kill('SIGKILL')
    },
  }
}

/** A server that stations sync to. */
export interface Server {
  readonly url: string
  readonly apiKey: string
  stop(): Promise<void>
}

/** Starts a server on a folder; port 0 is any free one. */
export type StartServer = (dataDir: string, port: number) => Promise<Server>

/** The reference backend as a process. */
export const startBackendWith =
  (processes: Processes): StartServer =>
  async (dataDir, port) => {
    const child = processes.start(['backend', '--data', dataDir, '--port', String(port)])
    child.stderr.resume()
    const closed = once(child, 'close')
    const heard = await Promise.race([once(createInterface(child.stdout), 'line'), closed.then(() => null)])
    if (heard === null) throw new Error('the reference backend did not start')
    const { listening, apiKey } = JSON.parse(String(heard[0])) as { listening: string; apiKey: string }
    return {
      url: listening,
      apiKey,
      async stop() {
        child.kill('SIGTERM')
        await closed
      },
    }
  }

/** A station as a process, with its scanner on standard input. */
export interface StationProcess {
  readonly pid: number
  read(raw: string): Promise<Heard>
  /** SIGKILL; answers whether it was that which ended it. What was not answered before, never will be. */
  kill(): Promise<boolean>
  /** How it ended, when nobody had asked it to; null otherwise. */
  readonly ownEnd: string | null
  /** Ends the input: the station ends its session, sends what is left, and ends. Killed when that takes too long. */
  end(patienceMs: number): Promise<void>
}

/** Starts a station on a folder. */
export type StartStation = (options: {
  readonly dataDir: string
  readonly url: string
  readonly apiKey: string
}) => StationProcess

/** A station as `capstan station`. */
export const startStationWith =
  (processes: Processes): StartStation =>
  (options) => {
    const child = processes.start(['station', '--data', options.dataDir, '--stdin', '--backend', options.url], {
      CAPSTAN_API_KEY: options.apiKey,
    })
    const unanswered: ((heard: Heard) => void)[] = []
    let isOver = false
    let isAsked = false
    let ownEnd: string | null = null
    let log = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-500)
    })
    createInterface(child.stdout).on('line', (line) => {
      // The last line of a killed process may be torn: nobody has heard it.
      if (line.endsWith('}')) unanswered.shift()?.('saved' in (JSON.parse(line) as object) ? 'saved' : 'refused')
    })
    const closed = new Promise<NodeJS.Signals | null>((resolve) => {
      child.once('close', (code, signal) => {
        isOver = true
        if (!isAsked) ownEnd = `the station ended by itself with ${code ?? signal}: ${log.trim()}`
        for (const answer of unanswered.splice(0)) answer('silence')
        resolve(signal)
      })
    })
    return {
      pid: child.pid ?? 0,
      read(raw) {
        if (isOver) return Promise.resolve('silence')
        const heard = new Promise<Heard>((resolve) => unanswered.push(resolve))
        child.stdin.write(`${JSON.stringify({ data: raw })}\n`)
        return heard
      },
      async kill() {
        isAsked = true
        child.kill('SIGKILL')
        return (await closed) === 'SIGKILL' && ownEnd === null
      },
      get ownEnd() {
        return ownEnd
      },
      async end(patienceMs) {
        isAsked = true
        child.stdin.end()
        const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
        await closed
        clearTimeout(timer)
      },
    }
  }
