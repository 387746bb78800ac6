/** Says which codes have come into view, each once until it was absent for a while. */
export interface Presence {
  /**
   * Takes the codes of one decoded frame, by any key that tells them apart, and answers those that have just come
   * into view. `timeMs` is the frame's time.
   */
  see(keys: readonly string[], timeMs: number): readonly string[]
}

/** A longer time between two frames is no absence of the codes but of frames: the window was hidden, say. */
const longestFrameGapMs = 500

/** Creates the memory of what is in view; a code unseen for longer than `absentMs` has left it. */
export function createPresence(absentMs = 1_500): Presence {
  /** When each code was last seen, on a clock that stands still while no frames come. */
  const lastSeen = new Map<string, number>()
  let lastFrameMs: number | undefined
  let stoodStillMs = 0

  return {
    see(keys, timeMs) {
      const gapMs = lastFrameMs === undefined ? 0 : timeMs - lastFrameMs
      if (gapMs > longestFrameGapMs) stoodStillMs += gapMs
      lastFrameMs = timeMs
      const nowMs = timeMs - stoodStillMs
      for (const [key, seenMs] of lastSeen) {
        if (nowMs - seenMs > absentMs) lastSeen.delete(key)
      }
      const arrived = [...new Set(keys)].filter((key) => !lastSeen.has(key))
      for (const key of keys) lastSeen.set(key, nowMs)
      return arrived
    },
  }
}
