/** How long something took, over the last so many times. */
export interface Meter {
  add(tookMs: number): void
  /** The times that half, 95 and 99 of a hundred stay below; null before the first. */
  level(): { readonly p50Ms: number; readonly p95Ms: number; readonly p99Ms: number } | null
}

/** Keeps the last `size` durations. */
export function createMeter(size = 1_000): Meter {
  const kept: number[] = []
  let next = 0
  return {
    add(tookMs) {
      kept[next] = tookMs
      next = (next + 1) % size
    },
    level() {
      if (kept.length === 0) return null
      const sorted = kept.toSorted((one, other) => one - other)
      // The nearest rank: a time that was measured, not one between two.
      const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
      return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) }
    },
  }
}
