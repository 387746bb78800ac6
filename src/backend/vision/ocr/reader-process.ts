import { fileURLToPath } from 'node:url'
import { fail, type Result } from '#contract/result.ts'
import { forkChild, type Child, type SpawnChild } from '../../child.ts'
import type { Log } from '../../log.ts'
import type { Page } from './page.ts'

/** What is asked of the process, one at a time. */
export type ReadJob = { readonly id: number; readonly path: string } & (
  | { readonly kind: 'read' }
  | { readonly kind: 'shrink'; readonly limits: ShrinkLimits }
)

/** How large a picture may be that is sent to somebody else. */
export interface ShrinkLimits {
  readonly sidePixels: number
  readonly bytes: number
}

/** A photo made upright and small, as JPEG; without what its file says of place and person. */
export interface SmallPhoto {
  readonly base64: string
  /** Of the upright original, in pixels. */
  readonly width: number
  readonly height: number
}

/**
 * What it says: that it is up, while it works how much processor time the job has had, then one answer a job, with what
 * the job cost: memory after it, the most ever, processor.
 */
export type ReaderMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'working'; readonly id: number; readonly processorMs: number }
  | {
      readonly kind: 'answer'
      readonly id: number
      readonly outcome: Result<Page | SmallPhoto>
      readonly rssBytes: number
      readonly peakBytes: number
      readonly processorMs: number
    }

export interface ReaderProcess {
  /** Expected failures as of `Vision.extract`. */
  read(path: string, signal?: AbortSignal): Promise<Result<Page>>
  /** The photo for a remote reader; expected failures as of `Vision.extract`. */
  shrink(path: string, limits: ShrinkLimits, signal?: AbortSignal): Promise<Result<SmallPhoto>>
  /** The most memory that a process has held so far, in bytes; 0 before the first answer. */
  peakBytes(): number
  /** The processor time of all jobs so far, in milliseconds. */
  processorMs(): number
  close(): void
}

export interface ReaderProcessOptions {
  readonly spawn?: SpawnChild
  readonly log?: Pick<Log, 'warn'>
  /**
   * A photo that takes more processor time fails, and its process is ended; so does one for which nothing was computed
   * for so long. A machine that is busy with other things costs no photo.
   */
  readonly deadlineMs?: number
  /** A process that holds more than this after a photo is replaced before its next. */
  readonly memoryBudgetBytes?: number
  /** A process that had nothing to do for this long is ended, and gives its gigabyte back. */
  readonly idleMs?: number
}

/** Less processor time than this between two messages is waiting, not working. */
const leastProgressMs = 20

type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never

interface Waiting {
  readonly job: ReadJob
  readonly settle: (result: Result<Page | SmallPhoto>) => void
  /** How many processes have ended while they worked on it. */
  crashes: number
}

interface Worker {
  readonly process: Child
  /** It has said that it is up: what ends it from now on is the photo's doing. */
  isReady: boolean
}

/**
 * Reads photos in a process of its own, one after the other: decoders and models are native code, and a photo that
 * ends them must end nothing else. A photo whose process ends is tried once more in another, and then fails alone.
 */
export function createReaderProcess(options: ReaderProcessOptions = {}): ReaderProcess {
  const { spawn = forkReader, log, deadlineMs = 180_000, idleMs = 60_000 } = options
  const memoryBudgetBytes = options.memoryBudgetBytes ?? 1_600 * 1024 * 1024
  const queue: Waiting[] = []
  let worker: Worker | null = null
  let current: Waiting | null = null
  let timer: NodeJS.Timeout | undefined
  let nextId = 1
  let peak = 0
  let processorMs = 0
  /** What the current photo has had of the processor, as far as was heard. */
  let workedMs = 0
  let isClosed = false

  function start(): Worker {
    const started: Worker = { process: spawn(), isReady: false }
    started.process.onMessage((message) => hear(started, message as ReaderMessage))
    started.process.onExit((reason) => bury(started, reason))
    return started
  }

  /** Ends the process; its exit is then no news. */
  function drop(): void {
    clearTimeout(timer)
    const dropped = worker
    worker = null
    dropped?.process.kill()
  }

  function startNext(): void {
    if (isClosed || current) return
    current = queue.shift() ?? null
    clearTimeout(timer)
    if (!current) {
      if (worker) {
        timer = setTimeout(drop, idleMs)
        timer.unref()
      }
      return
    }
    worker ??= start()
    workedMs = 0
    timer = setTimeout(giveUp, deadlineMs)
    worker.process.send(current.job)
  }

  function finish(result: Result<Page | SmallPhoto>): void {
    const finished = current
    current = null
    finished?.settle(result)
    startNext()
  }

  function hear(from: Worker, message: ReaderMessage): void {
    if (from !== worker) return
    if (message.kind === 'ready') {
      from.isReady = true
      return
    }
    if (message.id !== current?.job.id) return
    if (message.kind === 'working') {
      if (message.processorMs > deadlineMs) giveUp()
      else if (message.processorMs - workedMs >= leastProgressMs) {
        workedMs = message.processorMs
        clearTimeout(timer)
        timer = setTimeout(giveUp, deadlineMs)
      }
      return
    }
    peak = Math.max(peak, message.peakBytes)
    processorMs += message.processorMs
    if (message.rssBytes > memoryBudgetBytes) {
      log?.warn({ rssBytes: message.rssBytes }, 'vision process replaced')
      drop()
    }
    finish(message.outcome)
  }

  function bury(dead: Worker, reason: string): void {
    if (dead !== worker) return
    worker = null
    clearTimeout(timer)
    log?.warn({ reason, isReady: dead.isReady, path: current?.job.path }, 'vision process ended')
    if (!current) return
    current.crashes += 1
    if (current.crashes < 2) {
      queue.unshift(current)
      current = null
      startNext()
    } else if (dead.isReady) finish(fail('unreadable_image', 'the image ended the vision process twice'))
    else finish(fail('internal', `the vision process does not start: ${reason}`))
  }

  function giveUp(): void {
    log?.warn({ deadlineMs, path: current?.job.path }, 'vision took too long')
    drop()
    finish(fail('unreadable_image', `the image was not read in ${deadlineMs} ms`))
  }

  function abort(waiting: Waiting): void {
    const at = queue.indexOf(waiting)
    if (at >= 0) queue.splice(at, 1)
    const aborted = fail('conflict', 'reading was aborted')
    if (waiting === current) {
      drop()
      finish(aborted)
    } else waiting.settle(aborted)
  }

  function ask(
    job: DistributiveOmit<ReadJob, 'id'>,
    signal: AbortSignal | undefined,
  ): Promise<Result<Page | SmallPhoto>> {
    if (isClosed) return Promise.resolve(fail('conflict', 'vision is closed'))
    if (signal?.aborted) return Promise.resolve(fail('conflict', 'reading was aborted'))
    return new Promise((resolve) => {
      const onAbort = (): void => abort(waiting)
      const waiting: Waiting = {
        job: { ...job, id: nextId++ },
        crashes: 0,
        settle: (result) => {
          signal?.removeEventListener('abort', onAbort)
          resolve(result)
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      queue.push(waiting)
      startNext()
    })
  }

  return {
    read: (path, signal) => ask({ kind: 'read', path }, signal) as Promise<Result<Page>>,
    shrink: (path, limits, signal) => ask({ kind: 'shrink', path, limits }, signal) as Promise<Result<SmallPhoto>>,
    peakBytes: () => peak,
    processorMs: () => processorMs,
    close() {
      if (isClosed) return
      isClosed = true
      const left = [...(current ? [current] : []), ...queue]
      queue.length = 0
      current = null
      drop()
      for (const waiting of left) waiting.settle(fail('conflict', 'vision was closed'))
    },
  }
}

/** The process as a child of plain Node. */
export const forkReader: SpawnChild = () => forkChild(fileURLToPath(new URL('./worker.ts', import.meta.url)))
