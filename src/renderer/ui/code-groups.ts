/** A code cut up for the eye; the texts of all but the controls, joined, are the raw value without its controls. */
export interface CodePart {
  readonly text: string
  /** `control` is a control character by its short name, as GS; `identifier` a GS1 Application Identifier. */
  readonly kind: 'text' | 'control' | 'identifier'
}

/** Where people are used to see the gaps: as under the bars of the printed symbol. */
const printedGroups: Readonly<Record<number, readonly number[]>> = {
  8: [4, 4],
  12: [1, 5, 5, 1],
  13: [1, 6, 6],
  // An EAN-13 with its indicator before it.
  14: [1, 1, 6, 6],
}

// oxfmt-ignore
const controlNames = [
  'NUL', 'SOH', 'STX', 'ETX', 'EOT', 'ENQ', 'ACK', 'BEL', 'BS', 'TAB', 'LF', 'VT', 'FF', 'CR', 'SO', 'SI',
  'DLE', 'DC1', 'DC2', 'DC3', 'DC4', 'NAK', 'SYN', 'ETB', 'CAN', 'EM', 'SUB', 'ESC', 'FS', 'GS', 'RS', 'US',
] as const

/** The short name of a control character, or null for every other; fonts rarely have pictures for them. */
export function controlName(character: string): string | null {
  if (!/^\p{Cc}$/u.test(character)) return null
  const point = character.codePointAt(0) ?? 0
  return controlNames[point] ?? (point === 0x7f ? 'DEL' : `x${point.toString(16).toUpperCase()}`)
}

/**
 * Cuts a code into groups that two people can compare aloud.
 *
 * GTIN lengths are cut as they are printed, other long runs in fours, and control characters become visible parts of
 * their own. Where the value is the given GS1 elements one after the other, the cuts are theirs. Addresses stay whole.
 */
export function codeGroups(
  raw: string,
  elements: readonly { readonly ai: string; readonly value: string }[] = [],
): readonly CodePart[] {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(raw)) return [{ text: raw, kind: 'text' }]
  return elementParts(raw, elements) ?? plainParts(raw)
}

function elementParts(
  raw: string,
  elements: readonly { readonly ai: string; readonly value: string }[],
): readonly CodePart[] | null {
  const parts: CodePart[] = []
  let rest = raw
  for (const { ai, value } of elements) {
    while (rest.startsWith('\u001D')) {
      parts.push({ text: 'GS', kind: 'control' })
      rest = rest.slice(1)
    }
    if (!rest.startsWith(ai + value)) return null
    parts.push({ text: ai, kind: 'identifier' }, ...plainParts(value))
    rest = rest.slice(ai.length + value.length)
  }
  return rest === '' && parts.length > 0 ? parts : null
}

function plainParts(text: string): readonly CodePart[] {
  return [...text.matchAll(/\p{Cc}|\P{Cc}+/gu)].flatMap(([run]): readonly CodePart[] => {
    const name = controlName(run)
    if (name !== null) return [{ text: name, kind: 'control' }]
    return groupRun(run).map((group) => ({ text: group, kind: 'text' }))
  })
}

const mostTokens = 4

const fours = (text: string): readonly string[] => text.match(/.{1,4}/gu) ?? [text]

function groupRun(run: string): readonly string[] {
  const lengths = /^\d+$/.test(run) ? printedGroups[run.length] : undefined
  if (lengths !== undefined) {
    let from = 0
    return lengths.map((length) => run.slice(from, (from += length)))
  }
  // What the eye takes in at once, and text with gaps of its own, needs none.
  if (run.length <= 8 || run.includes(' ')) return [run]
  const tokens = run.match(/\d+|\D+/g) ?? [run]
  // Words and numbers are their own groups, unless there are so many that no eye could follow.
  return tokens.length > mostTokens
    ? fours(run)
    : tokens.flatMap((token) => (token.length <= 8 ? [token] : fours(token)))
}
