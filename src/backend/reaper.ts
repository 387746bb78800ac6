import type { Database } from './db/database.ts'
import type { KeyUse } from './http/key-use.ts'
import type { RateLimiter } from './http/rate-limit.ts'
import { idleLimit, type SessionLife } from './http/session-routes.ts'
import type { Log } from './log.ts'
import type { Media } from './media/media.ts'
import { forgetPhotos } from './media/sweep.ts'
import { forgetSupport } from './support.ts'
import { sessionHappening, type Announce } from './webhooks/announce.ts'

const hourMs = 3_600_000
const idempotencyMs = 24 * hourMs

/** Ends in the background what time has ended: idle sessions, logins, stored answers, rate limit windows, photos. */
export function startReaper(parts: {
  readonly database: Database
  readonly log: Log
  readonly now: () => Date
  readonly life: SessionLife
  readonly limiter: RateLimiter
  readonly keyUse: KeyUse
  readonly announce: Announce
  readonly media: Media
  /** 0: photos are kept. */
  readonly keepPhotosDays: number
}): { readonly close: () => Promise<void> } {
  const { database, announce, log, now, life, limiter, keyUse } = parts
  const { db } = database
  const { media, keepPhotosDays } = parts
  const everyMs = Math.min(60_000, Math.max(1_000, life.ttlSeconds * 500))
  let answersKeptUntil = 0
  let round = reap()
  const timer = setInterval(() => {
    round = round.then(reap)
  }, everyMs)
  timer.unref()

  async function reap(): Promise<void> {
    const at = now()
    const instant = at.toISOString()
    try {
      await limiter.prune(at)
      await keyUse.save(db)
      await database.write(async (transaction) => {
        const expired = await transaction
          .updateTable('sessions')
          .set({ status: 'EXPIRED', modified_at: instant })
          .where('status', '=', 'ACTIVE')
          .where('active_at', '<=', idleLimit(life, at))
          .returning(['id', 'organization_id'])
          .execute()
        await announce(
          transaction,
          expired.map((session) => sessionHappening(session, 'scanner.session.expired')),
        )
      })
      await db.deleteFrom('logins').where('expires_at', '<=', instant).execute()
      // The stored answers have no index by age, and to be late does no harm: they are not read when too old.
      if (at.getTime() < answersKeptUntil) return
      answersKeptUntil = at.getTime() + hourMs
      // A photo that was sent and never registered; its bytes go with the next look at what lies unused.
      await db
        .deleteFrom('uploads')
        .where('received_at', '<=', new Date(at.getTime() - idempotencyMs).toISOString())
        .where('key', 'not in', db.selectFrom('photos').select('s3_key'))
        .execute()
      await db
        .deleteFrom('idempotency_keys')
        .where('created_at', '<=', new Date(at.getTime() - idempotencyMs).toISOString())
        .execute()
      await forgetSupport(db, at)
      const forgotten =
        keepPhotosDays > 0 ? await forgetPhotos(database, new Date(at.getTime() - keepPhotosDays * 24 * hourMs)) : 0
      const swept = await media.sweep(db, at)
      if (forgotten + swept > 0) log.info({ forgotten, swept }, 'photos let go and files deleted')
    } catch (error) {
      log.error({ err: error }, 'reaper failed, trying again at its next round')
    }
  }

  return {
    async close() {
      clearInterval(timer)
      await round
      await keyUse.save(db).catch((error: unknown) => log.warn({ err: error }, 'uses of keys were not saved'))
    },
  }
}
