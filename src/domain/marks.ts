import type { Element } from './gs1/element-string.ts'

/** One code on an item, as far as it matters here. */
export interface Mark {
  /** Verbatim, without an AIM prefix. */
  readonly raw: string
  readonly elements: readonly Element[]
}

/** A code's value of an Application Identifier, or null. */
const valueOf = ({ elements }: Mark, ai: string): string | null =>
  elements.find((element) => element.ai === ai)?.value ?? null

/**
 * Whether a code can be one more mark on the item that bears these codes, all of them read at one trigger or in one photo.
 *
 * It can when it names the same GTIN-14 and contradicts none of them: an Application Identifier that two codes of one item
 * share has one value, so another serial number, lot or date is another item. It cannot when the item bears that very code
 * already: the same code again is another piece. A GTIN-14 with another indicator digit is another trade item, since a case
 * is not a piece; an ITF-14 with indicator 0 is the piece's own GTIN. What has no GTIN marks nothing.
 */
export function isMarkOf(code: Mark, item: readonly Mark[]): boolean {
  if (valueOf(code, '01') === null) return false
  return item.every(
    (mark) =>
      mark.raw !== code.raw &&
      valueOf(mark, '01') === valueOf(code, '01') &&
      code.elements.every(({ ai, value }) => (valueOf(mark, ai) ?? value) === value),
  )
}

/** The serial number (AI 21) that the codes of an item give it, or null. */
export function serialOf(item: readonly Mark[]): string | null {
  return item.map((mark) => valueOf(mark, '21')).find((serial) => serial !== null) ?? null
}

const dateIdentifiers: ReadonlySet<string> = new Set(['15', '16', '17', '7003'])

/** What makes a code rich, the weightiest first. */
function riches(mark: Mark): readonly number[] {
  const identifiers = new Set(mark.elements.map(({ ai }) => ai))
  return [
    Number(identifiers.has('21')),
    identifiers.size,
    Number(identifiers.has('10')),
    Number([...identifiers].some((ai) => dateIdentifiers.has(ai))),
    Number(/^https?:\/\//i.test(mark.raw)),
  ]
}

/**
 * The richest of an item's codes: one with a serial number before one without, then the one with the most Application
 * Identifiers, with a lot, with a date, a Digital Link. The order of the codes is of no matter: equals are told apart by
 * their text.
 */
export function richestOf<T extends Mark>(first: T, ...others: readonly T[]): T {
  return others.reduce((best, mark) => (isRicher(mark, best) ? mark : best), first)
}

function isRicher(one: Mark, other: Mark): boolean {
  const theirs = riches(other)
  for (const [index, mine] of riches(one).entries()) {
    if (mine !== theirs[index]) return mine > (theirs[index] ?? 0)
  }
  return one.raw < other.raw
}
