/** A code cut up for the eye; the parts joined are the raw value again, characters made visible apart. */
export interface CodePart {
  readonly text: string
  /** A control character drawn as its picture, as ␝ for GS. */
  readonly control: boolean
}

/** Where people are used to see the gaps: as under the bars of the printed symbol. */
const printedGroups: Readonly<Record<number, readonly number[]>> = {
  8: [4, 4],
  12: [1, 5, 5, 1],
  13: [1, 6, 6],
  14: [1, 2, 5, 5, 1],
}

/**
 * Cuts a code into groups that two people can compare aloud.
 *
 * GTIN lengths are cut as they are printed, other long runs of digits and letters in fours, and control characters
 * become visible parts of their own. What looks like an address is left whole.
 */
export function codeGroups(raw: string): readonly CodePart[] {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(raw)) return [{ text: raw, control: false }]
  return [...raw.matchAll(/[\u0000-\u001F\u007F]|[^\u0000-\u001F\u007F]+/g)].flatMap(([run]): readonly CodePart[] => {
    const point = run.codePointAt(0) ?? 0
    if (point < 0x20) return [{ text: String.fromCodePoint(0x2400 + point), control: true }]
    if (point === 0x7f) return [{ text: '\u2421', control: true }]
    return groupRun(run).map((text) => ({ text, control: false }))
  })
}

function groupRun(run: string): readonly string[] {
  const lengths = /^\d+$/.test(run) ? printedGroups[run.length] : undefined
  if (lengths !== undefined) {
    let from = 0
    return lengths.map((length) => run.slice(from, (from += length)))
  }
  // Text with gaps of its own, and what the eye takes in at once, needs none.
  if (run.length <= 6 || /[^0-9A-Za-z]/.test(run)) return [run]
  return run.match(/.{1,4}/g) ?? [run]
}
