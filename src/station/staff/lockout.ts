import { z } from 'zod'
import type { Clock } from '#contract/ports.ts'

/** Wrong PINs and badges, kept over restarts. */
export const attemptsSchema = z.strictObject({
  failures: z.number().int().min(0),
  /** The run of the machine in which the last one was, and its place on that run's monotonic clock, in milliseconds. */
  boot: z.string(),
  lastMs: z.number(),
})
export type Attempts = z.infer<typeof attemptsSchema>

/** A person may mistype so often before anybody has to wait. */
const freeFailures = 4
const firstWaitMs = 30_000
const longestWaitMs = 3_600_000
/** A wrong PIN is forgiven when so long none was wrong. */
const forgiveMs = 600_000

export interface Lockout {
  /** How long nothing is taken from now on; 0 when it may be tried. */
  waitMs(): number
  /** Counts a wrong PIN; answers how many are not forgiven. */
  fail(): number
  forget(): void
}

/**
 * Counts what was wrong, whoever it was: the fifth in a row makes everybody wait, each further one twice as long, up to an
 * hour. A right PIN does not forgive the wrong ones before it, or somebody with a PIN of his own could guess another's
 * between two entries of his own; time does, one each ten minutes.
 *
 * Only the monotonic clock counts, so that setting the machine's clock shortens nothing. A restart of the machine, where
 * it begins anew, lets the last wait begin anew as well.
 */
export function createLockout(clock: Clock, kept: Attempts | null, keep: (attempts: Attempts) => void): Lockout {
  const isSameBoot = kept?.boot === clock.bootId && kept.lastMs <= clock.monotonicMs()
  let failures = kept?.failures ?? 0
  let lastMs = isSameBoot ? kept.lastMs : clock.monotonicMs()
  const sinceMs = (): number => clock.monotonicMs() - lastMs
  const write = (): void => keep({ failures, boot: clock.bootId, lastMs })

  return {
    waitMs() {
      if (failures <= freeFailures) return 0
      const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - freeFailures - 1))
      return Math.max(0, Math.ceil(wait - sinceMs()))
    },
    fail() {
      failures = Math.max(0, failures - Math.floor(sinceMs() / forgiveMs)) + 1
      lastMs = clock.monotonicMs()
      write()
      return failures
    },
    forget() {
      if (failures === 0) return
      failures = 0
      lastMs = clock.monotonicMs()
      write()
    },
  }
}
