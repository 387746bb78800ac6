import { fileURLToPath } from 'node:url'
import { forkChild, type Child, type SpawnChild } from '../child.ts'
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

/**
 * For a process that hangs: the search itself is bounded by processor time, and a machine that is busy with other things
 * costs no photo.
 */
const deadlineMs = 120_000
/** An idle process gives its memory back. */
const idleMs = 30_000

/** The process as a child of plain Node. */
export const forkCodes: SpawnChild = () => forkChild(fileURLToPath(new URL('./worker.ts', import.meta.url)))

/** Starts a process when there is a photo, and ends it when there was none for a while. Photos are read one by one. */
export function createPhotoCodes(log: Pick<Log, 'warn'>, spawn: SpawnChild = forkCodes): PhotoCodes {
  let child: Child | undefined
  /** Takes the answer to the photo that is being read. */
  let settle: ((answer: CodesAnswer) => void) | undefined
  let idle: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()

  function start(): Child {
    const fresh = spawn()
    fresh.onMessage((message) => {
      if (child === fresh) settle?.(message as CodesAnswer)
    })
    fresh.onExit((reason) => {
      if (child !== fresh) return
      child = undefined
      log.warn({ reason }, 'the process that reads codes ended')
      settle?.({ fault: 'The photo ended the process that read it.' })
    })
    return fresh
  }

  /** Its exit is then no news. */
  function end(): void {
    const ended = child
    child = undefined
    ended?.kill()
  }

  function ask(path: string, signal: AbortSignal): ReturnType<PhotoCodes['read']> {
    clearTimeout(idle)
    child ??= start()
    const asked = child
    return new Promise((resolve, reject) => {
      const stop = (fault: string): void => {
        end()
        settle?.({ fault })
      }
      const aborted = (): void => stop('The server stops.')
      const timer = setTimeout(() => stop('The photo took too long to read.'), deadlineMs)
      settle = (answer) => {
        settle = undefined
        clearTimeout(timer)
        signal.removeEventListener('abort', aborted)
        idle = setTimeout(end, idleMs)
        idle.unref()
        if ('fault' in answer) reject(new Error(answer.fault))
        else resolve(answer.codes)
      }
      signal.addEventListener('abort', aborted, { once: true })
      if (signal.aborted) aborted()
      else asked.send({ path })
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
