/** One decision of a person: how long after the one before it, and how much there was to read. */
export interface Pace {
  readonly tookMs: number
  readonly characters: number
}

/** A glance at a field, and then about forty characters a second: a fast reader who knows what to look for. */
const glanceMs = 350
const characterMs = 25
/** One fast decision is a field that was read already; so many in a row are a habit. */
const inARow = 6

/** The least time in which a field can have been read. */
export function readingMs(characters: number): number {
  return glanceMs + Math.min(characters, 400) * characterMs
}

/** Whether the last decisions, newest last, came faster than anybody can have read what they were about. */
export function isTooFast(decisions: readonly Pace[]): boolean {
  const last = decisions.slice(-inARow)
  if (last.length < inARow) return false
  const took = last.reduce((sum, { tookMs }) => sum + tookMs, 0)
  const needed = last.reduce((sum, { characters }) => sum + readingMs(characters), 0)
  return took < needed / 2
}
