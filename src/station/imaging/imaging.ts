import type { Log } from '#contract/ports.ts'
import { fail } from '#contract/result.ts'
import type { Result } from '#contract/result.ts'
import type { Job, WorkerMessage } from './job.ts'
import type { PhotoInput, PhotoReading, RegionInput, RegionReading } from './photo-reading.ts'
import type { ImagingProcess, SpawnImaging } from './process.ts'
import type { CodesInput, CodesReading } from './reading.ts'

/** Reads images in processes of their own, so that a malicious or broken one can end such a process and nothing else. */
export interface Imaging {
  /** Reads a photo; answered when its derivative and thumbnail are written. */
  photo(input: PhotoInput): Promise<Result<PhotoReading>>
  /** Reads the codes of an image and writes nothing. */
  decode(input: CodesInput): Promise<Result<CodesReading>>
  /** Writes a part of a photo; before all photos that wait, since a person is looking. */
  region(input: RegionInput): Promise<Result<RegionReading>>
  /** Starts a process now, so that the first photo need not wait for it. */
  warm(): void
  /** Ends the processes; what is waiting fails with `conflict`. */
  close(): void
}

export interface ImagingOptions {
  readonly spawn: SpawnImaging
  /** Told of every process that ends on its own or is replaced, and of every job that takes too long. */
  readonly log?: Pick<Log, 'warn'>
  /** How many processes may work at a time; one stays, the others come and go with the work. */
  readonly processes?: number
  /** A process beyond the first that had nothing to do for this long is ended. */
  readonly idleMs?: number
  /**
   * A job that takes longer by the clock fails, and its process is ended. What is allowed in takes seconds of processor, but
   * a machine that is busy must not have a good photo called unreadable.
   */
  readonly deadlineMs?: number
  /** A process that holds more memory than this after a job is replaced before its next. */
  readonly memoryBudgetBytes?: number
}

type Request =
  | { readonly kind: 'photo'; readonly input: PhotoInput }
  | { readonly kind: 'codes'; readonly input: CodesInput }
  | { readonly kind: 'region'; readonly input: RegionInput }

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
  current: Waiting | null
  /** The end of the job's time, or of the process's idleness. */
  timer: NodeJS.Timeout | undefined
}

/**
 * The supervisor: jobs are begun first come first served, one at a time in each process.
 *
 * A job whose process ends is tried once more in another, and then fails alone.
 */
export function createImaging(options: ImagingOptions): Imaging {
  const { spawn, log, deadlineMs = 120_000, memoryBudgetBytes = 512 * 1024 * 1024, idleMs = 30_000 } = options
  const processes = Math.max(1, options.processes ?? 1)
  const queue: Waiting[] = []
  const workers = new Set<Worker>()
  let nextId = 1
  let closed = false

  function start(): Worker {
    const worker: Worker = { process: spawn(), ready: false, current: null, timer: undefined }
    workers.add(worker)
    worker.process.onMessage((message) => hear(worker, message as WorkerMessage))
    worker.process.onExit((reason) => bury(worker, reason))
    return worker
  }

  /** Ends a process; its exit is then no news, since it is none of the workers any more. */
  function drop(worker: Worker): void {
    clearTimeout(worker.timer)
    workers.delete(worker)
    worker.process.kill()
  }

  function freeWorker(): Worker | null {
    for (const worker of workers) if (!worker.current) return worker
    return workers.size < processes ? start() : null
  }

  function startNext(): void {
    while (!closed && queue.length > 0) {
      const worker = freeWorker()
      const waiting = worker && queue.shift()
      if (!waiting) return
      worker.current = waiting
      clearTimeout(worker.timer)
      worker.timer = setTimeout(giveUp, deadlineMs, worker)
      worker.process.send(waiting.job)
    }
  }

  /** Takes the job off a worker, so that its answer can be given. */
  function release(worker: Worker): Waiting | null {
    const { current } = worker
    worker.current = null
    clearTimeout(worker.timer)
    if (workers.has(worker)) {
      worker.timer = setTimeout(retire, idleMs, worker)
      worker.timer.unref()
    }
    return current
  }

  /** The first process stays warm; what a batch needed beyond it gives its memory back. */
  function retire(worker: Worker): void {
    if (workers.size > 1) drop(worker)
  }

  function finish(worker: Worker, result: Result<unknown>): void {
    const finished = release(worker)
    finished?.settle(result)
    startNext()
  }

  function hear(worker: Worker, message: WorkerMessage): void {
    if (!workers.has(worker)) return
    if (message.kind === 'ready') {
      worker.ready = true
      return
    }
    if (message.id !== worker.current?.job.id) return
    if (message.rssBytes > memoryBudgetBytes) {
      log?.warn({ rssBytes: message.rssBytes }, 'imaging process replaced')
      drop(worker)
      // The next one starts while nobody waits for it.
      if (workers.size === 0) start()
    }
    finish(worker, message.outcome)
  }

  function bury(dead: Worker, reason: string): void {
    if (!workers.delete(dead)) return
    const { current, ready } = dead
    log?.warn({ reason, ready, job: current?.job.kind, path: current?.job.path }, 'imaging process ended')
    clearTimeout(dead.timer)
    if (!current) return
    current.crashes += 1
    if (current.crashes < 2) {
      release(dead)
      queue.unshift(current)
      startNext()
    } else if (ready) {
      finish(dead, fail('unreadable_image', 'the image ended the imaging process twice'))
    } else {
      finish(dead, fail('internal', `the imaging process does not start: ${reason}`))
    }
  }

  function giveUp(worker: Worker): void {
    const job = worker.current?.job
    log?.warn({ deadlineMs, job: job?.kind, path: job?.path }, 'imaging job took too long')
    drop(worker)
    finish(worker, fail('unreadable_image', `the image was not read within ${deadlineMs} ms`))
  }

  function ask({ kind, input }: Request): Promise<Result<unknown>> {
    if (closed) return Promise.resolve(fail('conflict', 'imaging is closed'))
    return new Promise((settle) => {
      const waiting: Waiting = { job: { id: nextId++, kind, ...input } as Job, settle, crashes: 0 }
      if (kind === 'region') queue.unshift(waiting)
      else queue.push(waiting)
      startNext()
    })
  }

  return {
    photo: (input) => ask({ kind: 'photo', input }) as Promise<Result<PhotoReading>>,
    decode: (input) => ask({ kind: 'codes', input }) as Promise<Result<CodesReading>>,
    region: (input) => ask({ kind: 'region', input }) as Promise<Result<RegionReading>>,
    warm() {
      if (!closed && workers.size === 0) start()
    },
    close() {
      if (closed) return
      closed = true
      const left = [...[...workers].flatMap(({ current }) => current ?? []), ...queue]
      queue.length = 0
      for (const worker of workers) drop(worker)
      for (const waiting of left) waiting.settle(fail('conflict', 'imaging was closed'))
    },
  }
}
