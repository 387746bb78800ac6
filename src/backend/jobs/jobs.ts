import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Database, Db } from '../db/database.ts'
import type { Log } from '../log.ts'
import type { Claim, Queue, QueueName } from './queue.ts'
import { sqliteQueue } from './sqlite-queue.ts'

/**
 * Work that must be done whoever dies meanwhile.
 *
 * A job is the id of a row that says what is to be done. It is added in the transaction that wrote the row and ends in
 * the transaction that wrote its result, so after a crash it is there exactly when it is needed.
 */
export interface Jobs {
  /** Adds jobs in the caller's transaction. A job that is there already may be handed out twice: work bears that. */
  readonly add: Queue['add']
  /** Says that a commit has added jobs; they are found without, but later. */
  readonly wake: (queue: QueueName) => void
  /** Says it of the queues that jobs were added to since; to be called after a commit. */
  readonly wakeAdded: () => void
  /** Hands jobs out in batches. */
  readonly workBatches: (queue: QueueName, work: BatchWork) => void
  /** Hands jobs out one by one, for work that takes its time. */
  readonly workSingly: (queue: QueueName, work: SingleWork) => void
  /** Jobs that are not done, by queue. */
  readonly count: Queue['count']
  /** Stops handing out, waits for what is being done, and lets go. */
  readonly close: () => Promise<void>
}

/** Quick work on many jobs, all within one transaction. */
export interface BatchWork {
  readonly batchSize: number
  /**
   * Answers what is to be done once it has been committed. What it throws fails one job: the batch is then done again
   * one by one.
   */
  readonly handle: (db: Db, ids: readonly string[]) => Promise<AfterCommit>
  /** Ends a job whose work throws. */
  readonly giveUp: (db: Db, id: string, reason: string) => Promise<AfterCommit>
  /** Called when the queue is empty for now. */
  readonly idle?: () => Promise<void>
}

/** Work that waits for something outside: it runs without a transaction and is then finished in one. */
export interface SingleWork {
  /** How many of them a process does at a time. */
  readonly concurrency: number
  /** Attempts, counting those in which the process died, before it is given up. */
  readonly attempts: number
  /** What to wait after an attempt that failed. */
  readonly backOffMs: (attempt: number) => number
  /**
   * Does the work and answers how its result is written; throws to be tried again, `NotYet` to be asked again later.
   * `signal` fires at a stop.
   */
  readonly handle: (id: string, signal: AbortSignal) => Promise<(db: Db) => Promise<AfterCommit>>
  readonly giveUp: (db: Db, id: string, reason: string) => Promise<AfterCommit>
}

/** What the work needs is still being done by somebody else: that was no attempt, however often it is asked. */
export class NotYet extends Error {}

type AfterCommit = () => void
const nothing: AfterCommit = () => undefined

/** An idle queue starts this soon after a job came … */
const gatherMs = 20
/** … and a busy one takes up the newly come this seldom, so that one commit moves many of them. */
const spacingMs = 150
/** Jobs that another process left, or that became due, are found this late at most. */
const pollMs = 1_000
/** Where none can come but by being added here, it is looked this seldom: an idle backend rests. */
const restMs = 30_000
const retryMs = 1_000
/** Work that waits for other work is asked again after this. */
const notYetMs = 1_000

/** Opens the queues of a database: a table of ours on SQLite, pg-boss on PostgreSQL. */
export async function openJobs(parts: {
  readonly database: Database
  readonly log: Log
  readonly now: () => Date
}): Promise<Jobs> {
  const { database, log, now } = parts
  const queue =
    database.engine === 'sqlite'
      ? sqliteQueue(database, now)
      : await (await import('./postgres-queue.ts')).postgresQueue(database, log)
  const stop = new AbortController()
  const { signal } = stop
  const running: Promise<void>[] = []
  const rings = new Map<QueueName, () => void>()
  const awake = new Set<QueueName>()
  const added = new Set<QueueName>()
  const lookedFor = new Set<QueueName>()

  function wake(name: QueueName): void {
    awake.add(name)
    rings.get(name)?.()
  }

  /** Jobs of whose commit nobody tells are found all the same. */
  function lookLater(name: QueueName): void {
    if (lookedFor.has(name)) return
    lookedFor.add(name)
    setTimeout(() => {
      lookedFor.delete(name)
      wake(name)
    }, pollMs).unref()
  }

  /** Resolves at a ring, at the stop, or when it is time to look anyway. */
  async function rest(name: QueueName): Promise<void> {
    const waitMs = (await queue.mayCome(name).catch(() => true)) ? pollMs : restMs
    if (!awake.has(name) && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs)
        rings.set(name, () => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
    awake.delete(name)
  }

  const pause = (ms: number): Promise<void> => delay(ms, undefined, { signal }).catch(() => undefined)

  async function runBatches(name: QueueName, work: BatchWork): Promise<void> {
    let readyAt = 0
    while (!signal.aborted) {
      try {
        await pause(Math.max(gatherMs, readyAt - performance.now()))
        let count = work.batchSize
        while (count === work.batchSize && !signal.aborted) count = await runBatch(name, work)
        await work.idle?.()
        readyAt = performance.now() + spacingMs
      } catch (error) {
        // Not a job's fault: the disk is full, or the database is away. Nothing is lost by waiting.
        log.error({ err: error, queue: name }, 'jobs cannot be done, trying again')
        await pause(retryMs)
        continue
      }
      await rest(name)
    }
  }

  async function runBatch(name: QueueName, work: BatchWork): Promise<number> {
    try {
      const { count, after } = await database.write(async (db) => {
        const ids = await queue.take(db, name, work.batchSize)
        return { count: ids.length, after: ids.length > 0 ? await work.handle(db, ids) : nothing }
      })
      after()
      return count
    } catch (error) {
      log.error({ err: error, queue: name }, 'a batch of jobs failed, doing them one by one')
      for (let left = work.batchSize; left > 0 && !signal.aborted; left -= 1) {
        if (!(await runAlone(name, work))) break
      }
      return work.batchSize
    }
  }

  /** Does the next job behind a savepoint, so that its failure can be written in the same transaction. */
  async function runAlone(name: QueueName, work: BatchWork): Promise<boolean> {
    const after = await database.write(async (db) => {
      const [id] = await queue.take(db, name, 1)
      if (id === undefined) return undefined
      await sql`savepoint job`.execute(db)
      try {
        return await work.handle(db, [id])
      } catch (error) {
        log.error({ err: error, queue: name, job: id }, 'job given up')
        await sql`rollback to savepoint job`.execute(db)
        return work.giveUp(db, id, reasonOf(error))
      }
    })
    after?.()
    return after !== undefined
  }

  async function runSingly(name: QueueName, work: SingleWork): Promise<void> {
    const busy = new Set<Promise<void>>()
    while (!signal.aborted) {
      try {
        const claims = await queue.claim(name, work.concurrency - busy.size)
        for (const claim of claims) {
          const done: Promise<void> = runClaim(name, work, claim).finally(() => busy.delete(done))
          busy.add(done)
        }
        if (busy.size >= work.concurrency) await Promise.race(busy)
        else if (claims.length === 0) await Promise.race([rest(name), ...busy])
      } catch (error) {
        log.error({ err: error, queue: name }, 'jobs cannot be done, trying again')
        await pause(retryMs)
      }
    }
    await Promise.all(busy)
  }

  async function runClaim(name: QueueName, work: SingleWork, claim: Claim): Promise<void> {
    try {
      let finish: (db: Db) => Promise<AfterCommit>
      try {
        if (claim.attempt > work.attempts) throw new Error('the server ended each time it was tried')
        finish = await work.handle(claim.id, signal)
      } catch (error) {
        if (signal.aborted) return await queue.release(name, claim, claim.attempt, now())
        if (error instanceof NotYet) {
          return await queue.release(name, claim, claim.attempt, new Date(now().getTime() + notYetMs))
        }
        if (claim.attempt < work.attempts) {
          log.warn({ err: error, queue: name, job: claim.id, attempt: claim.attempt }, 'job failed, to be tried again')
          const dueAt = new Date(now().getTime() + work.backOffMs(claim.attempt))
          return await queue.release(name, claim, claim.attempt + 1, dueAt)
        }
        log.error({ err: error, queue: name, job: claim.id }, 'job given up')
        finish = (db) => work.giveUp(db, claim.id, reasonOf(error))
      }
      const after = await database.write(async (db) => {
        return (await queue.end(db, name, claim)) ? finish(db) : nothing
      })
      after()
    } catch (error) {
      log.error({ err: error, queue: name, job: claim.id }, 'a result cannot be written, trying again')
      await pause(retryMs)
      await queue.release(name, claim, claim.attempt + 1, now()).catch(() => undefined)
    }
  }

  return {
    add(db, name, ids, dueAt) {
      if (ids.length > 0) {
        added.add(name)
        lookLater(name)
      }
      return queue.add(db, name, ids, dueAt)
    },
    wake,
    wakeAdded() {
      for (const name of added) wake(name)
      added.clear()
    },
    workBatches: (name, work) => void running.push(runBatches(name, work)),
    workSingly: (name, work) => void running.push(runSingly(name, work)),
    count: queue.count,
    async close() {
      stop.abort()
      for (const ring of rings.values()) ring()
      await Promise.all(running)
      await queue.close()
    },
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
