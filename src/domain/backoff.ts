/** How long retries may take to spread. */
export interface BackoffLimits {
  /** The longest wait before the first retry. */
  readonly baseMs: number
  /** The longest wait at all. */
  readonly capMs: number
}

/**
 * The wait before retry number `attempt` (0 is the first): exponential with full jitter, so that stations which lost the
 * same backend do not come back at the same moment.
 *
 * `random` is a number from 0 up to 1. The result is a whole number of milliseconds, at most `capMs`.
 */
export function backoffMs(attempt: number, random: number, { baseMs, capMs }: BackoffLimits): number {
  // 2 ** 1024 would be Infinity, which the cap makes harmless; a negative attempt counts as the first.
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.max(0, attempt))
  return Math.floor(Math.min(Math.max(random, 0), 1) * ceiling)
}
