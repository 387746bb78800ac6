/** One code as a device sent it. */
export interface Read {
  /** The code without what framed it. */
  readonly bytes: Uint8Array
  /** Set where the device sends characters and not bytes: a keyboard. `bytes` is its UTF-8 then. */
  readonly text?: string
  /** The AIM identifier, as `]E0`, when the device sends it apart. */
  readonly aim?: string
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
