import { longestReadBytes, type Decoder, type Read } from '../decoder.ts'

/** How codes are told apart on a line of bytes. */
export interface Framing {
  /** `any` is CR, LF or both; `none` is silence alone. */
  readonly terminator: 'any' | 'cr' | 'lf' | 'crlf' | 'tab' | 'etx' | 'none'
  /** One STX before each code is taken off. */
  readonly hasStx: boolean
  /** Silence ends a code too, so that a wrong terminator delays codes but neither joins nor loses them. */
  readonly silenceMs: number
}

const tab = 0x09
const lineFeed = 0x0a
const carriageReturn = 0x0d
const startOfText = 0x02
const endOfText = 0x03

const terminators: Readonly<Record<Framing['terminator'], readonly number[]>> = {
  any: [carriageReturn, lineFeed],
  cr: [carriageReturn],
  lf: [lineFeed],
  // LF ends it and a CR before it goes with it: half a terminator is content.
  crlf: [lineFeed],
  tab: [tab],
  etx: [endOfText],
  none: [],
}

/**
 * Cuts a line of bytes into codes. Control characters inside a code stay; of what frames it, one terminator is taken
 * off, a stray LF of a CR LF pair is dropped, and empty codes are no codes.
 */
export function createFraming({ terminator, hasStx, silenceMs }: Framing): Decoder {
  const ends = terminators[terminator]
  let held: number[] = []
  let lastMs = 0
  /** CR ended the code before: an LF right behind it belongs to that. */
  let isAfterReturn = false

  const take = (timeMs: number): Read[] => {
    const from = hasStx && held[0] === startOfText ? 1 : 0
    const bytes = Uint8Array.from(held.slice(from))
    held = []
    return bytes.length > 0 ? [{ bytes, timeMs }] : []
  }
  const takeAfterSilence = (): Read[] => {
    const last = held.at(-1)
    if (last === lineFeed && held.at(-2) === carriageReturn) held.splice(-2)
    else if (last === lineFeed || last === carriageReturn || last === tab || last === endOfText) held.pop()
    return take(lastMs)
  }
  const tick = (timeMs: number): Read[] => (held.length > 0 && timeMs >= lastMs + silenceMs ? takeAfterSilence() : [])

  return {
    push(bytes, timeMs) {
      const reads = tick(timeMs)
      for (const byte of bytes) {
        const isStray = byte === lineFeed && isAfterReturn && held.length === 0
        isAfterReturn = false
        if (isStray) continue
        if (ends.includes(byte)) {
          isAfterReturn = byte === carriageReturn
          if (byte === lineFeed && held.at(-1) === carriageReturn) held.pop()
          reads.push(...take(timeMs))
          continue
        }
        held.push(byte)
        if (held.length >= longestReadBytes) reads.push(...take(timeMs))
      }
      if (bytes.length > 0) lastMs = timeMs
      return reads
    },
    tick,
    deadlineMs: () => (held.length > 0 ? lastMs + silenceMs : undefined),
  }
}
