/** A scanner that has ended so many codes in a row itself is one that ends its codes. */
const habit = 3
/** What begins so soon behind a code without its end is the rest of it; nobody shows a code again as fast. */
const restMs = 1_000

/** The beginning of a code whose end is missing. */
export interface HalfCode {
  readonly code: string
  /** When its last key or byte came. */
  readonly lastMs: number
}

/**
 * Tells codes from halves of codes, on whatever road they come: half a code is another code, and who is judged by it, or counts it, is wronged.
 *
 * A scanner that ends its codes, by its setting or by what it did so far, has cut off a code that silence ends; what
 * comes right behind is the rest of it. A second scanner on the same road that leaves its codes to silence is found out by the
 * same code twice, and from then on silence ends codes again.
 */
export interface CodeEnds {
  /** The last half, until a code comes whole. */
  readonly half: HalfCode | null
  /** Whether silence is no way to end a code here. */
  readonly isExpected: boolean
  /** Whether what began then is the rest of the last half. */
  isRest(beganMs: number): boolean
  /** Something has ended a code that is no rest. */
  ended(): void
  /** Silence has: whether the code is whole all the same. */
  silenced(code: string, beganMs: number, lastMs: number): boolean
  /** Its rest has come. */
  forgetHalf(): void
}

/** `by`: what is set to end a code; `unknown` is learnt. */
export function createCodeEnds(by: 'terminator' | 'silence' | 'unknown'): CodeEnds {
  let endedCodes = by === 'terminator' ? habit : 0
  let isLeftToSilence = by === 'silence'
  let half: HalfCode | null = null
  const isExpected = (): boolean => !isLeftToSilence && endedCodes >= habit
  const isRest = (beganMs: number): boolean => half !== null && beganMs - half.lastMs <= restMs
  return {
    get half() {
      return half
    },
    get isExpected() {
      return isExpected()
    },
    isRest,
    ended() {
      endedCodes += 1
      half = null
    },
    silenced(code, beganMs, lastMs) {
      if (!isExpected()) {
        endedCodes = 0
        return true
      }
      if (half?.code === code && !isRest(beganMs)) {
        isLeftToSilence = true
        half = null
        return true
      }
      half = { code, lastMs }
      return false
    },
    forgetHalf() {
      half = null
    },
  }
}
