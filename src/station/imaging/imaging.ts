import type { Log } from '#contract/ports.ts'
import { fail } from '#contract/result.ts'
import type { Result } from '#contract/result.ts'
import type { Job, WorkerMessage } from './job.ts'
import type { ImagingProcess, SpawnImaging } from './process.ts'
import type { CodesInput, CodesReading, PhotoInput, PhotoReading } from './reading.ts'

/** Reads images in a process of its own, so that a malicious or broken one can end that process and nothing else. */
export interface Imaging {
  /** Reads a photo; answered when its derivative and thumbnail are on disk. */
  photo(input: PhotoInput): Promise<Result<PhotoReading>>
  /** Reads the codes of an image and writes nothing. */
  decode(input: CodesInput): Promise<Result<CodesReading>>
  /** Starts the process now, so that the first photo need not wait for it. */
  warm(): void
  /** Ends the process; what is waiting fails with `conflict`. */
  close(): void
}

export interface ImagingOptions {
  readonly spawn: SpawnImaging
  /** Told of every process that ends on its own or is replaced, and of every job that takes too long. */
  readonly log?: Pick<Log, 'warn'>
  /** A job that takes longer fails, and its process is ended. */
  readonly deadlineMs?: number
  /** A process that holds more memory than this after a job is replaced before the next. */
  readonly memoryBudgetBytes?: number
}

type Request =
  | { readonly kind: 'photo'; readonly input: PhotoInput }
  | { readonly kind: 'codes'; readonly input: CodesInput }

interface Waiting {
  readonly job: Job
  readonly settle: (result: Result<unknown>) => void
  /** How many processes have ended while they worked on it. */
  crashes: number
}

interface Worker {
  readonly process: ImagingProcess
  /** It has said that it is up: what ends it from now on is the job's doing. */
  ready: boolean
}

/** The supervisor: one process, one job at a time, first come first served. */
export function createImaging(options: ImagingOptions): Imaging {
  const { spawn, log, deadlineMs = 30_000, memoryBudgetBytes = 512 * 1024 * 1024 } = options
  const queue: Waiting[] = []
  let worker: Worker | undefined
  let current: Waiting | undefined
  let deadline: NodeJS.Timeout | undefined
  let nextId = 1
  let closed = false

  function start(): Worker {
    const started: Worker = { process: spawn(), ready: false }
    started.process.onMessage((message) => hear(started, message as WorkerMessage))
    started.process.onExit((reason) => bury(started, reason))
    return started
  }

  /** Ends the process; its exit is then no news, since it is not `worker` any more. */
  function drop(): void {
    const dropped = worker
    worker = undefined
    dropped?.process.kill()
  }

  function startNext(): void {
    if (current || closed) return
    current = queue.shift()
    if (!current) return
    worker ??= start()
    deadline = setTimeout(giveUp, deadlineMs)
    worker.process.send(current.job)
  }

  function finish(result: Result<unknown>): void {
    clearTimeout(deadline)
    const finished = current
    current = undefined
    finished?.settle(result)
    startNext()
  }

  function hear(speaker: Worker, message: WorkerMessage): void {
    if (speaker !== worker) return
    if (message.kind === 'ready') {
      speaker.ready = true
      return
    }
    if (message.id !== current?.job.id) return
    if (message.rssBytes > memoryBudgetBytes) {
      log?.warn({ rssBytes: message.rssBytes }, 'imaging process replaced')
      drop()
    }
    finish(message.outcome)
  }

  function bury(dead: Worker, reason: string): void {
    if (dead !== worker) return
    worker = undefined
    log?.warn({ reason, ready: dead.ready, job: current?.job.kind, path: current?.job.path }, 'imaging process ended')
    if (!current) return
    current.crashes++
    if (current.crashes < 2) {
      clearTimeout(deadline)
      queue.unshift(current)
      current = undefined
      startNext()
    } else if (dead.ready) {
      finish(fail('unreadable_image', 'the image ended the imaging process twice'))
    } else {
      finish(fail('internal', `the imaging process does not start: ${reason}`))
    }
  }

  function giveUp(): void {
    log?.warn({ deadlineMs, job: current?.job.kind, path: current?.job.path }, 'imaging job took too long')
    drop()
    finish(fail('unreadable_image', `the image was not read within ${deadlineMs} ms`))
  }

  function ask({ kind, input }: Request): Promise<Result<unknown>> {
    if (closed) return Promise.resolve(fail('conflict', 'imaging is closed'))
    return new Promise((settle) => {
      queue.push({ job: { id: nextId++, kind, ...input } as Job, settle, crashes: 0 })
      startNext()
    })
  }

  return {
    photo: (input) => ask({ kind: 'photo', input }) as Promise<Result<PhotoReading>>,
    decode: (input) => ask({ kind: 'codes', input }) as Promise<Result<CodesReading>>,
    warm() {
      if (!closed) worker ??= start()
    },
    close() {
      if (closed) return
      closed = true
      clearTimeout(deadline)
      drop()
      const left = current ? [current, ...queue] : [...queue]
      current = undefined
      queue.length = 0
      for (const waiting of left) waiting.settle(fail('conflict', 'imaging was closed'))
    },
  }
}
