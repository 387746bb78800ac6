import { createCodeEnds } from '#domain/code-ends.ts'

/** One code as a device sent it. */
export interface Read {
  /** The code without what framed it. */
  readonly bytes: Uint8Array
  /** Set where the device sends characters and not bytes: a keyboard. `bytes` is its UTF-8 then. */
  readonly text?: string
  /** The AIM identifier, as `]E0`, when the device sends it apart. */
  readonly aim?: string
  /** Its end is missing, or its beginning is: it is no code (domain/code-ends.ts). */
  readonly isHalf?: true
  /** When its last byte came, as given to `push`. */
  readonly timeMs: number
}

/** Makes codes of what comes from a device: one for each protocol, pure, with the time given to it. */
export interface Decoder {
  push(bytes: Uint8Array, timeMs: number): readonly Read[]
  /** Says what time it is: from `deadlineMs()` on, silence ends the code that is under way. */
  tick(timeMs: number): readonly Read[]
  /** When the next tick is due; undefined while nothing is under way. */
  deadlineMs(): number | undefined
}

/** Says of reads whether they are halves of codes. */
export interface ReadEnds {
  /** Silence alone ends no code here: what was heard late is of the same one. */
  readonly isExpected: boolean
  /** What a terminator has ended; one alone, which ends nothing, may be that of the last half. */
  ended(reads: readonly Read[], beganMs: number): Read[]
  /** What silence has ended. */
  silenced(reads: readonly Read[], beganMs: number): Read[]
}

/** `by`: what is set to end a code (`createCodeEnds`). */
export function createReadEnds(by: Parameters<typeof createCodeEnds>[0]): ReadEnds {
  const ends = createCodeEnds(by)
  const halved = (read: Read): Read => ({ ...read, isHalf: true })
  return {
    get isExpected() {
      return ends.isExpected
    },
    ended(reads, beganMs) {
      const isRest = ends.isRest(beganMs)
      if (isRest) ends.forgetHalf()
      else if (reads.length > 0) ends.ended()
      return isRest ? reads.map(halved) : [...reads]
    },
    silenced: (reads, beganMs) =>
      reads.map((read) => {
        const code = read.text ?? Buffer.from(read.bytes).toString('latin1')
        return ends.silenced(code, beganMs, read.timeMs) ? read : halved(read)
      }),
  }
}

/** No code is longer: what exceeds it is handed on in pieces, so that no device can fill the memory. */
export const longestReadBytes = 65_536

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const windows = new TextDecoder('windows-1252')

/** The text of a code: UTF-8 where the bytes are that, otherwise Windows-1252, which maps every byte to something. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return windows.decode(bytes)
  }
}
