import { createFraming, type Framing } from '../serial/framing.ts'
import type { Decoder } from '../decoder.ts'

/**
 * Reads Symbol's "Simple COM Port Emulation" (05e0:0600): reports of a length byte and up to 63 bytes of data, with no
 * sign of the end but what the scanner was told to append, or silence.
 */
export function createSimpleComDecoder(framing: Framing): Decoder {
  const frames = createFraming(framing)
  return {
    ...frames,
    push: (report, timeMs) => frames.push(report.subarray(1, 1 + Math.min(report[0] ?? 0, 63)), timeMs),
  }
}
