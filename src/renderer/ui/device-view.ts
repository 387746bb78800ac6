import type { Device } from '#contract/station/status.ts'
import type { Tone } from './capture-view.ts'

/** A device state's colour and shape. */
export const deviceTones: Readonly<Record<Device['state'], Tone>> = {
  detected: 'waiting',
  opening: 'waiting',
  ready: 'ok',
  busy: 'attention',
  unplugged: 'attention',
  refused: 'stop',
  failed: 'stop',
}

/** Bytes as people read them: lines of 16, with the place of the first and what is printable of them. */
export function hexLines(
  hex: string,
): readonly { readonly place: string; readonly bytes: string; readonly text: string }[] {
  const bytes = hex.match(/../g) ?? []
  return Array.from({ length: Math.ceil(bytes.length / 16) }, (_, line) => {
    const own = bytes.slice(line * 16, line * 16 + 16)
    return {
      place: (line * 16).toString(16).padStart(4, '0'),
      bytes: own.join(' '),
      text: own.map((byte) => printable(Number.parseInt(byte, 16))).join(''),
    }
  })
}

function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·'
}
