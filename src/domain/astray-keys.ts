/** So many characters in a row go nowhere: no shortcut, and nobody types as much without looking. */
const fewest = 6
/** Slower on average is a person. Faster may be one too: what is told says so. */
const slowestMeanGapMs = 100
/** The longest pause within a code. */
const longestGapMs = 250

/** Notices a code whose keys came as slowly as typing and that no field took: without this it would be lost in silence. */
export interface AstrayKeys {
  /** A character was given back and had no field, pressed then. Returns what `end` would of the keys before, if it is none of theirs. */
  key(timeMs: number): number
  /** Nothing has come since. Returns how long a code seems to have been lost, or 0. */
  end(): number
  /** When `end` is due; undefined while nothing has come. */
  deadlineMs(): number | undefined
}

export function createAstrayKeys(): AstrayKeys {
  let count = 0
  let firstMs = 0
  let lastMs = 0
  const end = (): number => {
    const isCode = count >= fewest && lastMs - firstMs <= slowestMeanGapMs * (count - 1)
    const length = isCode ? count : 0
    count = 0
    return length
  }
  return {
    key(timeMs) {
      const length = timeMs - lastMs > longestGapMs ? end() : 0
      if (count === 0) firstMs = timeMs
      lastMs = timeMs
      count += 1
      return length
    },
    end,
    deadlineMs: () => (count === 0 ? undefined : lastMs + longestGapMs),
  }
}
