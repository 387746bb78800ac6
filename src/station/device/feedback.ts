import type { Signal } from './driver.ts'

/** What to send for a signal; a signal that is not there cannot be given. */
export type FeedbackPlan = Readonly<Partial<Record<Signal, Uint8Array>>>

const text = (value: string) => Uint8Array.from(value, (character) => character.charCodeAt(0))

/** Host acknowledge on a serial line: the scanner beeps, or sounds its error, only when it hears one of these. */
export const acknowledgement: Readonly<Record<Signal, Uint8Array>> = {
  good: Uint8Array.of(0x06),
  bad: Uint8Array.of(0x15),
}

/**
 * The good-read beep of serial scanners by vendor id, from the makers' manuals. None has a documented error beep that
 * leaves the scanner reading (Datalogic's `F` disables it), so that bad news is for the screen.
 */
const serialBeeps: ReadonlyMap<number, Uint8Array> = new Map([
  // Honeywell: SYN BEL CR.
  [0x0c2e, Uint8Array.of(0x16, 0x07, 0x0d)],
  [0x0536, Uint8Array.of(0x16, 0x07, 0x0d)],
  // Datalogic and PSC: B.
  [0x05f9, text('B')],
  [0x080c, text('B')],
  // CipherLab.
  [0x0745, text('#@////\r')],
])

/** The beeps of a serial scanner; nothing for a maker whose commands are not known. */
export function serialFeedback(vendorId: number | undefined): FeedbackPlan {
  const good = vendorId === undefined ? undefined : serialBeeps.get(vendorId)
  return good ? { good } : {}
}
