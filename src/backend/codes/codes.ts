import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Log } from '../log.ts'

/** A code as it stands in a photo. */
export interface FoundCode {
  readonly text: string
  /** AIM identifier, e.g. `]E0`. */
  readonly symbologyIdentifier: string
}

/** Reads the codes of photos in a process of its own: a broken or malicious photo can end that process and nothing else. */
export interface PhotoCodes {
  /**
   * The codes of a photo, the surest first; empty when it has none, null when it cannot be unpacked.
   *
   * Rejects with a plain sentence when it ends its process or takes too long, and when `signal` fires.
   */
  readonly read: (path: string, signal: AbortSignal) => Promise<readonly FoundCode[] | null>
  readonly close: () => Promise<void>
}

/** What the process answers. */
export type CodesAnswer = { readonly codes: readonly FoundCode[] | null } | { readonly fault: string }

/** No photo that people take needs this long. */
const deadlineMs = 30_000
/** An idle process gives its memory back. */
const idleMs = 30_000

/** Starts a process when there is a photo, and ends it when there was none for a while. Photos are read one by one. */
export function createPhotoCodes(log: Log): PhotoCodes {
  let child: ChildProcess | undefined
  let idle: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()

  function start(): ChildProcess {
    const fresh = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    fresh.on('error', (error) => log.warn({ err: error }, 'the process that reads codes failed'))
    fresh.on('exit', () => {
      if (child === fresh) child = undefined
    })
    fresh.unref()
    fresh.channel?.unref()
    return fresh
  }

  function end(): void {
    child?.kill('SIGKILL')
    child = undefined
  }

  function ask(path: string, signal: AbortSignal): ReturnType<PhotoCodes['read']> {
    clearTimeout(idle)
    const asked = (child ??= start())
    return new Promise((resolve, reject) => {
      const stop = (reason: string): void => {
        release()
        if (child === asked) end()
        reject(new Error(reason))
      }
      const answered = (message: unknown): void => {
        release()
        const answer = message as CodesAnswer
        if ('fault' in answer) reject(new Error(answer.fault))
        else resolve(answer.codes)
      }
      const ended = (): void => stop('The photo ended the process that read it.')
      const aborted = (): void => stop('The server stops.')
      const timer = setTimeout(() => stop('The photo took too long to read.'), deadlineMs)
      const release = (): void => {
        clearTimeout(timer)
        asked.off('message', answered)
        asked.off('exit', ended)
        signal.removeEventListener('abort', aborted)
        idle = setTimeout(end, idleMs)
        idle.unref()
      }
      asked.on('message', answered)
      asked.on('exit', ended)
      signal.addEventListener('abort', aborted, { once: true })
      if (signal.aborted) aborted()
      else asked.send({ path }, (error) => error && stop('The process that reads codes does not listen.'))
    })
  }

  return {
    read(path, signal) {
      const reading = last.then(() => ask(path, signal))
      last = reading.catch(() => undefined)
      return reading
    },
    async close() {
      await last
      clearTimeout(idle)
      end()
    },
  }
}
