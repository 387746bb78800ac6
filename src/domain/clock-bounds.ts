/** How far the right time is from the wall clock, for certain as far as servers are right; both may be negative. */
export interface ClockBounds {
  /** The right time is at least so many milliseconds after what the wall clock says, */
  readonly leastMs: number
  /** and at most so many. */
  readonly mostMs: number
  /** The monotonic clock when that was known. */
  readonly atMs: number
}

/** One answer of a server with its `Date` header, and our two clocks. */
export interface ServerTime {
  /** The header, in epoch milliseconds: cut to the second. */
  readonly dateMs: number
  /** The monotonic clock when the request went out and when the answer came. */
  readonly sentMs: number
  readonly receivedMs: number
  /** The wall clock when the answer came. */
  readonly wallMs: number
}

/** Quartz and temperature: clocks of computers go wrong by less than this part of the time (200 ppm). */
const drift = 200e-6

/** The bounds some time later: they widen, since the wall clock may go fast or slow. */
export function widen(bounds: ClockBounds, atMs: number): ClockBounds {
  const by = Math.abs(atMs - bounds.atMs) * drift
  return { leastMs: bounds.leastMs - by, mostMs: bounds.mostMs + by, atMs }
}

/** What one answer alone tells: its date was right at some time between the request and the answer. */
export function boundsOf({ dateMs, sentMs, receivedMs, wallMs }: ServerTime): ClockBounds {
  const leastMs = dateMs - wallMs
  return { leastMs, mostMs: leastMs + 1_000 + (receivedMs - sentMs), atMs: receivedMs }
}

/**
 * The bounds after one more answer: what both allow. When they contradict each other, a clock was set, theirs or ours:
 * the newer one counts.
 */
export function narrow(bounds: ClockBounds | null, answer: ServerTime): ClockBounds {
  const own = boundsOf(answer)
  if (bounds === null) return own
  const known = widen(bounds, answer.receivedMs)
  const leastMs = Math.max(known.leastMs, own.leastMs)
  const mostMs = Math.min(known.mostMs, own.mostMs)
  return leastMs <= mostMs ? { leastMs, mostMs, atMs: answer.receivedMs } : own
}
