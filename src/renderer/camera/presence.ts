import { linesToBelieve } from '#domain/decoding/accept.ts'
import type { Pass } from '#domain/decoding/engine.ts'

/** One code of a frame, by any key that tells codes apart. */
export interface Seen {
  readonly key: string
  /** Whether it takes a second look to believe it, as noise could be read so. */
  readonly isWeak: boolean
}

/** Says which codes have come into view, each once until it was absent for a while. */
export interface Presence {
  /** Takes the codes of one decoded frame and answers the keys of those that have just come into view. */
  see(codes: readonly Seen[], timeMs: number): readonly string[]
}

/** A longer time between two frames is no absence of the codes but of frames: the window was hidden, say. */
const longestFrameGapMs = 500
/** Fewer looks in vain show no absence: a busy machine has few, and misses a code in some of them. */
const fewestLooks = 6
/** A weak code is believed when it is read again within this time. */
const confirmMs = 600

/** Creates the memory of what is in view; a code unseen for longer than `absentMs`, and in some looks, has left it. */
export function createPresence(absentMs = 1_500): Presence {
  /** When each code was last seen, on a clock that stands still while no frames come, and in how many looks since it was not. */
  const lastSeen = new Map<string, { readonly seenMs: number; missed: number }>()
  /** When a weak code was seen that nobody has been told of. */
  const doubted = new Map<string, number>()
  let lastFrameMs: number | undefined
  let stoodStillMs = 0

  return {
    see(codes, timeMs) {
      const gapMs = lastFrameMs === undefined ? 0 : timeMs - lastFrameMs
      if (gapMs > longestFrameGapMs) stoodStillMs += gapMs
      lastFrameMs = timeMs
      const nowMs = timeMs - stoodStillMs
      for (const [key, last] of lastSeen) {
        if (nowMs - last.seenMs > absentMs && last.missed >= fewestLooks) lastSeen.delete(key)
        else last.missed += 1
      }
      for (const [key, seenMs] of doubted) {
        if (nowMs - seenMs > confirmMs) doubted.delete(key)
      }
      const arrived: string[] = []
      const isWeakBy = new Map<string, boolean>()
      for (const { key, isWeak } of codes) isWeakBy.set(key, isWeak && (isWeakBy.get(key) ?? true))
      for (const [key, isWeak] of isWeakBy) {
        if (!lastSeen.has(key)) {
          if (isWeak && !doubted.has(key)) {
            doubted.set(key, nowMs)
            continue
          }
          doubted.delete(key)
          arrived.push(key)
        }
        lastSeen.set(key, { seenMs: nowMs, missed: 0 })
      }
      return arrived
    },
  }
}

/** Formats by the decoder's names with a check that is strong enough for one look. */
const strong: ReadonlySet<string> = new Set(
  (
    'EAN13 UPCA ISBN Code128 Code93 DataBar DataBarOmni DataBarStk DataBarStkOmni DataBarExp DataBarExpStk ' +
    'PDF417 CompactPDF417 MicroPDF417 DataMatrix MaxiCode QRCode QRCodeModel1 QRCodeModel2 MicroQRCode RMQRCode ' +
    'AztecCode AztecRune'
  ).split(' '),
)

/**
 * Whether a read needs a second look: ITF, Codabar, Code 39, UPC-E, EAN-8 and whatever is not known to be strong; bars
 * of which too few lines said the same; and what was not read from the picture as it is, but from bars made clearer.
 */
export function isWeakRead(read: {
  readonly format: string
  readonly text: string
  readonly lines: number
  readonly pass?: Pass
}): boolean {
  const { format, lines, pass = 'whole' } = read
  return !strong.has(format) || pass !== 'whole' || (lines > 0 && lines < linesToBelieve(read))
}
