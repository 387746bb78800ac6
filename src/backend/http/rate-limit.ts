import type { Database, Db } from '../db/database.ts'
import type { RateCountRow } from '../db/tables.ts'
import { gather } from '../gather.ts'

const minuteMs = 60_000
const dayMs = 86_400_000
/** What the headers say where there is no limit: figures that nobody reaches. */
export const unlimited: OwnLimits = { perMinute: 1_000_000, perDay: 1_000_000_000 }
/** The documented daily limit is 10,000 where that of the minute is 300. */
const dayForMinute = 10_000 / 300

/** Limits of its own that a credential has; 0 is the server's. */
export interface OwnLimits {
  readonly perMinute: number
  readonly perDay: number
}

export interface RateVerdict {
  readonly allowed: boolean
  readonly retryAfterSeconds: number
  readonly headers: Record<string, string>
}

export interface RateLimiter {
  /** Counts one request of a credential. All processes of a database count together. */
  readonly take: (subject: string, own: OwnLimits, at: Date) => Promise<RateVerdict>
  /** Counts one request of somebody unknown, in this process alone: it is there to protect this process. */
  readonly takeHere: (subject: string, own: OwnLimits, at: Date) => RateVerdict
  /** Forgets the subjects whose windows have passed. */
  readonly prune: (at: Date) => Promise<void>
}

type Count = Omit<RateCountRow, 'subject'>

/**
 * Limits requests in fixed windows of a minute and a day, and words the headers of contracts 1.8; `serverPerMinute` of 0
 * is no limit.
 *
 * On SQLite the one process counts for itself. On PostgreSQL the counts lie in a table, where requests that come together
 * are counted together; those that no limit is set for are not written.
 */
export function createRateLimiter(database: Database, serverPerMinute: number): RateLimiter {
  const here = new Map<string, Count>()

  function limitsOf(own: OwnLimits) {
    const limitedMinute = own.perMinute || serverPerMinute
    return {
      isLimited: limitedMinute > 0 || own.perDay > 0,
      perMinute: limitedMinute || unlimited.perMinute,
      perDay: own.perDay || (limitedMinute > 0 ? Math.round(limitedMinute * dayForMinute) : unlimited.perDay),
    }
  }

  /** Counts a request in `count`, unless it is refused: a client that goes on asking would else never be let in again. */
  function countIn(count: Count, own: OwnLimits, at: Date): RateVerdict {
    const now = at.getTime()
    const minute = Math.floor(now / minuteMs)
    const day = Math.floor(now / dayMs)
    const { isLimited, perMinute, perDay } = limitsOf(own)
    // Another process whose clock is ahead may have begun the next window already.
    if (count.minute < minute) Object.assign(count, { minute, minute_count: 0 })
    if (count.day < day) Object.assign(count, { day, day_count: 0 })
    const windows = [
      { limit: perMinute, left: perMinute - count.minute_count, endsAt: (minute + 1) * minuteMs },
      { limit: perDay, left: perDay - count.day_count, endsAt: (day + 1) * dayMs },
    ] as const
    const tightest = windows[1].left < windows[0].left ? windows[1] : windows[0]
    const allowed = !isLimited || tightest.left > 0
    if (allowed) {
      count.minute_count += 1
      count.day_count += 1
    }
    const remaining = String(Math.max(0, tightest.left - 1))
    const resetSeconds = Math.max(1, Math.ceil((tightest.endsAt - now) / 1_000))
    return {
      allowed,
      retryAfterSeconds: resetSeconds,
      headers: {
        'RateLimit-Policy': `${perMinute};w=60, ${perDay};w=86400`,
        'RateLimit-Limit': String(tightest.limit),
        'RateLimit-Remaining': remaining,
        'RateLimit-Reset': String(resetSeconds),
        'X-RateLimit-Limit': String(tightest.limit),
        'X-RateLimit-Remaining': remaining,
        'X-RateLimit-Reset': String(Math.ceil(tightest.endsAt / 1_000)),
      },
    }
  }

  function takeHere(subject: string, own: OwnLimits, at: Date): RateVerdict {
    let count = here.get(subject)
    if (!count) here.set(subject, (count = nothing()))
    return countIn(count, own, at)
  }

  const takeTogether = gather<{ readonly subject: string; readonly own: OwnLimits; readonly at: Date }, RateVerdict>(
    (asked) =>
      database.write(async (db) => {
        const counts = await lockCounts(db, [...new Set(asked.map(({ subject }) => subject))])
        const verdicts = asked.map(({ subject, own, at }) => countIn(counts.get(subject) ?? nothing(), own, at))
        for (const [subject, count] of counts) {
          await db.updateTable('rate_counts').set(count).where('subject', '=', subject).execute()
        }
        return verdicts
      }),
    { atATime: 1, most: 200 },
  )

  return {
    takeHere,
    take: (subject, own, at) =>
      database.engine === 'sqlite' || !limitsOf(own).isLimited
        ? Promise.resolve(takeHere(subject, own, at))
        : takeTogether({ subject, own, at }),
    async prune(at) {
      const day = Math.floor(at.getTime() / dayMs)
      for (const [subject, count] of here) if (count.day < day) here.delete(subject)
      if (database.engine === 'postgres') await database.db.deleteFrom('rate_counts').where('day', '<', day).execute()
    },
  }
}

const nothing = (): Count => ({ minute: 0, minute_count: 0, day: 0, day_count: 0 })

/** The counts of subjects, made where there are none, which no other process changes until the transaction ends. */
async function lockCounts(db: Db, subjects: readonly string[]): Promise<ReadonlyMap<string, Count>> {
  const select = () =>
    // In one order everywhere: two processes never wait for each other.
    db
      .selectFrom('rate_counts')
      .selectAll()
      .where('subject', 'in', subjects)
      .orderBy('subject')
      .forNoKeyUpdate()
      .execute()
  let rows = await select()
  if (rows.length < subjects.length) {
    await db
      .insertInto('rate_counts')
      .values(subjects.toSorted().map((subject) => ({ subject, ...nothing() })))
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    rows = await select()
  }
  return new Map(rows.map(({ subject, ...count }) => [subject, count]))
}
