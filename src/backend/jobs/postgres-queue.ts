import { fromKysely, PgBoss, type Job } from 'pg-boss'
import { sql } from 'kysely'
import type { Database, Db } from '../db/database.ts'
import type { Log } from '../log.ts'
import { queues, type Claim, type Queue, type QueueName } from './queue.ts'

/** What pg-boss keeps of a job. */
interface Payload {
  readonly id: string
  readonly attempt: number
}

/** A process that gives no sign of life for this long has lost its claims; the shortest that pg-boss knows. */
const heartbeatSeconds = 10
/** How often it is looked for claims that were lost. */
const superviseSeconds = 10
/** pg-boss must never give up by itself: what becomes of a job that fails is written where its row is. */
const never = 1_000_000

/**
 * Queues of pg-boss, in the schema `pgboss` of the same database, for any number of processes.
 *
 * Jobs of a batch are fetched and deleted within the transaction that does them: a process that dies leaves them as if
 * it had not been, and `SKIP LOCKED` keeps them from all others meanwhile. Claims that outlive a transaction are
 * pg-boss's active jobs with a heartbeat; ending one is fenced by its attempt, so a process that was thought dead
 * writes nothing.
 */
export async function postgresQueue(database: Database, log: Log): Promise<Queue> {
  const boss = new PgBoss({
    connectionString: database.location,
    // Its own connections: one of ours that waits for one of ours would wait for ever.
    max: 2,
    application_name: 'capstan jobs',
    schedule: false,
    superviseIntervalSeconds: superviseSeconds,
    monitorIntervalSeconds: superviseSeconds,
  })
  boss.on('error', (error) => log.warn({ err: error }, 'pg-boss failed, trying again'))
  await boss.start()
  for (const name of queues) {
    await boss.createQueue(name, {
      retryLimit: never,
      retentionSeconds: 10 * 365 * 24 * 3_600,
      expireInSeconds: 3_600,
      heartbeatSeconds,
    })
  }
  const claims = new Map<string, { readonly queue: QueueName; readonly job: Job<Payload> }>()
  const heart = setInterval(() => void beat(), (heartbeatSeconds * 1_000) / 4)
  heart.unref()

  async function beat(): Promise<void> {
    for (const queue of queues) {
      const jobs = [...claims.values()].flatMap((claim) => (claim.queue === queue ? [claim.job] : []))
      if (jobs.length === 0) continue
      await boss.touch(queue, jobs).catch((error: unknown) => log.warn({ err: error }, 'heartbeat of jobs failed'))
    }
  }

  const jobOf = ({ mark }: Claim): Job<Payload> => mark as Job<Payload>

  return {
    async add(db, queue, ids, dueAt) {
      if (ids.length === 0) return
      const jobs = ids.map((id) => ({
        data: { id, attempt: 1 },
        ...(dueAt === undefined ? {} : { startAfter: dueAt }),
      }))
      await boss.insert(queue, jobs, { db: fromKysely(db) })
    },

    async take(db, queue, limit) {
      const jobs = await boss.fetch<Payload>(queue, { batchSize: limit, db: fromKysely(db) })
      if (jobs.length === 0) return []
      await boss.deleteJob(
        queue,
        jobs.map(({ id }) => id),
        { db: fromKysely(db) },
      )
      return [...new Set(jobs.map(({ data }) => data.id))]
    },

    async claim(queue, limit) {
      const jobs = await boss.fetch<Payload>(queue, { batchSize: limit })
      for (const job of jobs) claims.set(job.id, { queue, job })
      return jobs.map((job) => ({ id: job.data.id, attempt: job.data.attempt + job.retryCount, mark: job }))
    },

    end: (db, queue, claim) => end(db, queue, jobOf(claim)),

    async release(queue, claim, attempt, dueAt) {
      await database.write(async (db) => {
        if (!(await end(db, queue, jobOf(claim)))) return
        await boss.insert(queue, [{ data: { id: claim.id, attempt }, startAfter: dueAt }], { db: fromKysely(db) })
      })
    },

    mayCome: () => Promise.resolve(true),

    async count() {
      const { rows } = await sql<{ name: QueueName; count: number }>`
        select name, count(*) as count from pgboss.job where state in ('created', 'retry', 'active') group by name
      `.execute(database.db)
      const counts = new Map(rows.map(({ name, count }) => [name, count]))
      return Object.fromEntries(queues.map((name) => [name, counts.get(name) ?? 0])) as Record<QueueName, number>
    },

    async close() {
      clearInterval(heart)
      await boss.stop({ graceful: false })
    },
  }

  /** Deletes a claimed job; false when the claim has gone to another. */
  async function end(db: Db, queue: QueueName, job: Job<Payload>): Promise<boolean> {
    claims.delete(job.id)
    const { affected } = (await boss.deleteJob(queue, [job], { db: fromKysely(db) })) as { readonly affected: number }
    return affected > 0
  }
}
