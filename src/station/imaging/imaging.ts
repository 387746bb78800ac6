import type { Log } from '#contract/ports.ts'
import { fail } from '#contract/result.ts'
import type { Result } from '#contract/result.ts'
import { isAwaited, type Job, type Rehearsal, type Unlocking, type WorkerMessage } from './job.ts'
import type { JudgeInput, Judgement, PhotoInput, PhotoReading, RegionInput, RegionReading } from './photo-reading.ts'
import type { ImagingProcess, SpawnImaging } from './process.ts'
import type { CodesInput, CodesReading } from './reading.ts'

/** Reads images in processes of their own, so that a malicious or broken one can end such a process and nothing else. */
export interface Imaging {
  /** Reads a photo; answered when its derivative and thumbnail are written. */
  photo(input: PhotoInput): Promise<Result<PhotoReading>>
  /** Judges a photo and writes nothing; beside the photos that are being read, since a person wants to know. */
  judge(input: JudgeInput): Promise<Result<Judgement>>
  /** Reads the codes of an image and writes nothing. */
  decode(input: CodesInput): Promise<Result<CodesReading>>
  /** Writes a part of a photo; beside the photos that are being read, since a person is looking. */
  region(input: RegionInput): Promise<Result<RegionReading>>
  /** Starts processes now, one that reads and one that judges, so that the first photo need not wait for them. */
  warm(): void
  /** Ends the processes; what is waiting fails with `conflict`. */
  close(): void
}

export interface ImagingOptions {
  readonly spawn: SpawnImaging
  /** Opens the photos that are sealed, and seals what is written (32 bytes). */
  readonly mediaKey?: Uint8Array | null
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
  | { readonly kind: 'judge'; readonly input: JudgeInput }
  | { readonly kind: 'codes'; readonly input: CodesInput }
  | { readonly kind: 'region'; readonly input: RegionInput }

/** Who looks at photos takes one or looks at one every few seconds; after this long they are elsewhere. */
const awaitedIdleMs = 300_000

interface Waiting {
  readonly job: Job
  readonly settle: (result: Result<unknown>) => void
  /** How many processes have ended while they worked on it. */
  crashes: number
}

/** Jobs that wait for one another, and the processes that do them. */
interface Lane {
  readonly queue: Waiting[]
  readonly workers: Set<Worker>
  readonly processes: number
}

interface Worker {
  readonly process: ImagingProcess
  readonly lane: Lane
  /** It has said that it is up: what ends it from now on is the job's doing. */
  ready: boolean
  current: Waiting | null
  /** The end of the job's time, or of the process's idleness. */
  timer: NodeJS.Timeout | undefined
}

/**
 * The supervisor: jobs are begun first come first served, one at a time in each process. What a person waits for has a
 * process of its own, so that it never waits for photos that take seconds to read.
 *
 * A job whose process ends is tried once more in another, and then fails alone.
 */
export function createImaging(options: ImagingOptions): Imaging {
  const {
    spawn,
    mediaKey = null,
    log,
    deadlineMs = 120_000,
    memoryBudgetBytes = 512 * 1024 * 1024,
    idleMs = 30_000,
  } = options
  const patient: Lane = { queue: [], workers: new Set(), processes: Math.max(1, options.processes ?? 1) }
  const awaited: Lane = { queue: [], workers: new Set(), processes: 1 }
  let nextId = 1
  let closed = false

  function start(lane: Lane): Worker {
    const worker: Worker = { process: spawn(), lane, ready: false, current: null, timer: undefined }
    lane.workers.add(worker)
    worker.process.onMessage((message) => hear(worker, message as WorkerMessage))
    worker.process.onExit((reason) => bury(worker, reason))
    if (mediaKey !== null) {
      worker.process.send({ kind: 'unlock', key: Buffer.from(mediaKey).toString('base64') } satisfies Unlocking)
    }
    return worker
  }

  /** Starts the process that judges, for a photo that is about to come. */
  function startAwaited(): Worker {
    const worker = start(awaited)
    worker.process.send({ kind: 'rehearse' } satisfies Rehearsal)
    return worker
  }

  /** Ends a process; its exit is then no news, since it is none of the workers any more. */
  function drop(worker: Worker): void {
    clearTimeout(worker.timer)
    worker.lane.workers.delete(worker)
    worker.process.kill()
  }

  function freeWorker(lane: Lane): Worker | null {
    for (const worker of lane.workers) if (!worker.current) return worker
    return lane.workers.size < lane.processes ? start(lane) : null
  }

  function startNext(lane: Lane): void {
    while (!closed && lane.queue.length > 0) {
      const worker = freeWorker(lane)
      const waiting = worker && lane.queue.shift()
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
    if (worker.lane.workers.has(worker)) rest(worker)
    return current
  }

  function rest(worker: Worker): void {
    worker.timer = setTimeout(retire, worker.lane === awaited ? awaitedIdleMs : idleMs, worker)
    worker.timer.unref()
  }

  /** The first process that reads stays warm; what was needed beyond it gives its memory back. */
  function retire(worker: Worker): void {
    if (worker.lane === awaited || worker.lane.workers.size > 1) drop(worker)
  }

  function finish(worker: Worker, result: Result<unknown>): void {
    const finished = release(worker)
    finished?.settle(result)
    startNext(worker.lane)
  }

  function hear(worker: Worker, message: WorkerMessage): void {
    if (!worker.lane.workers.has(worker)) return
    if (message.kind === 'ready') {
      worker.ready = true
      return
    }
    if (message.id !== worker.current?.job.id) return
    if (message.rssBytes > memoryBudgetBytes) {
      log?.warn({ rssBytes: message.rssBytes }, 'imaging process replaced')
      drop(worker)
      // The next one starts while nobody waits for it.
      if (worker.lane.workers.size === 0) start(worker.lane)
    }
    finish(worker, message.outcome)
  }

  function bury(dead: Worker, reason: string): void {
    if (!dead.lane.workers.delete(dead)) return
    const { current, ready } = dead
    log?.warn({ reason, ready, job: current?.job.kind, path: current?.job.path }, 'imaging process ended')
    clearTimeout(dead.timer)
    if (!current) return
    current.crashes += 1
    if (current.crashes < 2) {
      release(dead)
      dead.lane.queue.unshift(current)
      startNext(dead.lane)
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
      const lane = isAwaited(kind) ? awaited : patient
      lane.queue.push(waiting)
      startNext(lane)
    })
  }

  return {
    photo: (input) => ask({ kind: 'photo', input }) as Promise<Result<PhotoReading>>,
    judge: (input) => ask({ kind: 'judge', input }) as Promise<Result<Judgement>>,
    decode: (input) => ask({ kind: 'codes', input }) as Promise<Result<CodesReading>>,
    region: (input) => ask({ kind: 'region', input }) as Promise<Result<RegionReading>>,
    warm() {
      if (closed) return
      if (patient.workers.size === 0) rest(start(patient))
      if (awaited.workers.size === 0) rest(startAwaited())
    },
    close() {
      if (closed) return
      closed = true
      const lanes = [awaited, patient]
      const workers = lanes.flatMap((lane) => [...lane.workers])
      const left = [...workers.flatMap(({ current }) => current ?? []), ...lanes.flatMap(({ queue }) => queue)]
      for (const { queue } of lanes) queue.length = 0
      for (const worker of workers) drop(worker)
      for (const waiting of left) waiting.settle(fail('conflict', 'imaging was closed'))
    },
  }
}
