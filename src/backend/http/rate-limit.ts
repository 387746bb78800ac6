const minuteMs = 60_000
const dayMs = 86_400_000
/** What the headers say where there is no limit: figures that nobody reaches. */
const unlimited = { perMinute: 1_000_000, perDay: 1_000_000_000 }
/** The documented daily limit is 10,000 where that of the minute is 300. */
const dayForMinute = 10_000 / 300

export interface RateLimiter {
  /** Counts one request of a subject. Its own limits replace those of the server unless they are 0. */
  readonly take: (
    subject: string,
    own: { readonly perMinute: number; readonly perDay: number },
    at: Date,
  ) => { readonly allowed: boolean; readonly retryAfterSeconds: number; readonly headers: Record<string, string> }
  /** Forgets the subjects whose windows have passed. */
  readonly prune: (at: Date) => void
}

/** Limits requests in fixed windows of a minute and a day, and words the headers of contracts 1.8. 0 is no limit. */
export function createRateLimiter(serverPerMinute: number): RateLimiter {
  const counts = new Map<string, { minute: number; minuteCount: number; day: number; dayCount: number }>()
  return {
    take(subject, own, at) {
      const now = at.getTime()
      const minute = Math.floor(now / minuteMs)
      const day = Math.floor(now / dayMs)
      const limitedMinute = own.perMinute || serverPerMinute
      const limited = limitedMinute > 0 || own.perDay > 0
      const perMinute = limitedMinute || unlimited.perMinute
      const perDay = own.perDay || (limitedMinute > 0 ? Math.round(limitedMinute * dayForMinute) : unlimited.perDay)

      let count = counts.get(subject)
      if (!count) counts.set(subject, (count = { minute, minuteCount: 0, day, dayCount: 0 }))
      if (count.minute !== minute) Object.assign(count, { minute, minuteCount: 0 })
      if (count.day !== day) Object.assign(count, { day, dayCount: 0 })

      const windows = [
        { limit: perMinute, left: perMinute - count.minuteCount, endsAt: (minute + 1) * minuteMs },
        { limit: perDay, left: perDay - count.dayCount, endsAt: (day + 1) * dayMs },
      ] as const
      const tightest = windows[1].left < windows[0].left ? windows[1] : windows[0]
      const allowed = !limited || tightest.left > 0
      // A refused request does not count, or a client that goes on asking would never be let in again.
      if (allowed) {
        count.minuteCount += 1
        count.dayCount += 1
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
    },
    prune(at) {
      const day = Math.floor(at.getTime() / dayMs)
      for (const [subject, count] of counts) if (count.day !== day) counts.delete(subject)
    },
  }
}
