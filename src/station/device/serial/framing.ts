import { createReadEnds, longestReadBytes, type Decoder, type Read } from '../decoder.ts'

/** How codes are told apart on a line of bytes. */
export interface Framing {
  /** `any` is CR, LF or both; `none` is silence alone. */
  readonly terminator: 'any' | 'cr' | 'lf' | 'crlf' | 'tab' | 'etx' | 'none'
  /** One STX before each code is taken off. */
  readonly hasStx: boolean
  /** Silence ends a code too: a wrong terminator delays codes but neither joins nor loses them, and half a code is told as that. */
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
 * off, a stray LF of a CR LF pair is dropped, and empty codes are no codes. Of a scanner that ends its codes, what silence
 * ends and what comes right behind it are halves of one.
 */
export function createFraming({ terminator, hasStx, silenceMs }: Framing): Decoder {
  const ends = terminators[terminator]
  const readEnds = createReadEnds(terminator === 'none' ? 'silence' : terminator === 'any' ? 'unknown' : 'terminator')
  let held: number[] = []
  let beganMs = 0
  let lastMs = 0
  /** CR ended the code before: an LF right behind it belongs to that. */
  let isAfterReturn = false

  const take = (timeMs: number): Read[] => {
    const from = hasStx && held[0] === startOfText ? 1 : 0
    const bytes = Uint8Array.from(held.slice(from))
    held = []
    return bytes.length > 0 ? [{ bytes, timeMs }] : []
  }
  const takeEnded = (timeMs: number): Read[] => {
    const fromMs = held.length > 0 ? beganMs : timeMs
    return readEnds.ended(take(timeMs), fromMs)
  }
  const takeAfterSilence = (): Read[] => {
    const last = held.at(-1)
    const isOtherEnd = last === lineFeed || last === carriageReturn || last === tab || last === endOfText
    if (last === lineFeed && held.at(-2) === carriageReturn) held.splice(-2)
    else if (isOtherEnd) held.pop()
    return isOtherEnd ? take(lastMs) : readEnds.silenced(take(lastMs), beganMs)
  }
  const tick = (timeMs: number): Read[] => (held.length > 0 && timeMs >= lastMs + silenceMs ? takeAfterSilence() : [])

  return {
    push(bytes, timeMs) {
      // Where each code has its end, bytes that were heard late are of the same one.
      const reads = readEnds.isExpected ? [] : tick(timeMs)
      for (const byte of bytes) {
        const isStray = byte === lineFeed && isAfterReturn && held.length === 0
        isAfterReturn = false
        if (isStray) continue
        if (ends.includes(byte)) {
          isAfterReturn = byte === carriageReturn
          if (byte === lineFeed && held.at(-1) === carriageReturn) held.pop()
          reads.push(...takeEnded(timeMs))
          continue
        }
        if (held.length === 0) beganMs = timeMs
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
