import type { PhotoType } from '#contract/backend/photo-type.ts'
import { normaliseGtin } from '../gtin.ts'

/** What a photo, the item it was taken for and the product known for it say of each other. */
export interface ProductWitnesses {
  /** The GTIN by which the item was opened, 8 to 14 digits; null when it has none. */
  readonly itemGtin: string | null
  /** GTINs of the same product in other packs, such as its case: they are no other product. */
  readonly packGtins?: readonly string[]
  /** The GTINs of the codes in the photo, 8 to 14 digits each; what is no GTIN says nothing. */
  readonly photoGtins: readonly string[]
  /** What was read on the label; null when nothing was read, or not yet. */
  readonly text: string | null
  /** What the photo is said to show; only a front must name its product. */
  readonly view: PhotoType | null
  /** What is known of the item's product; null for a new one. */
  readonly product: { readonly brand: string; readonly name: string } | null
}

/**
 * What the photo's codes say of the item's GTIN. `outer`: of its case, `inner`: of the piece inside of it (the same item
 * reference under another indicator digit), `pack`: of another pack that the product is known in, `mixed`: the item's
 * own and another one's beside it, `silent`: nothing.
 */
export type CodeWitness = 'agrees' | 'outer' | 'inner' | 'pack' | 'mixed' | 'differs' | 'silent'

/** What the label's words say of the product known for the item. */
export type TextWitness = 'agrees' | 'differs' | 'silent'

export interface SameProduct {
  /**
   * `other`: the photo is of another product. `check`: a person looks before it is used. `unknown`: nothing speaks for
   * it or against it.
   */
  readonly verdict: 'same' | 'check' | 'other' | 'unknown'
  readonly code: CodeWitness
  readonly text: TextWitness
  /** The GTIN-14 in the photo that `code` speaks of; null when it is `silent`. */
  readonly gtin: string | null
  /** Words of the brand and the name: those on the label when `text` agrees, those missing when it differs. */
  readonly words: readonly string[]
}

/**
 * Whether a photo shows the product that it was taken for: its codes, the item's GTIN and the label's words must agree.
 * Words alone never make it another product: a logo is often read wrongly, a code with its check digit hardly ever.
 */
export function judgeSameProduct(witnesses: ProductWitnesses): SameProduct {
  const { code, gtin } = codeWitness(witnesses)
  const { text, words } = textWitness(witnesses)
  return { verdict: verdictOf(code, text), code, text, gtin, words }
}

function verdictOf(code: CodeWitness, text: TextWitness): SameProduct['verdict'] {
  if (code === 'differs') return 'other'
  if (text === 'differs' || (code !== 'agrees' && code !== 'silent')) return 'check'
  return code === 'agrees' || text === 'agrees' ? 'same' : 'unknown'
}

function codeWitness({ itemGtin, packGtins = [], photoGtins }: ProductWitnesses): {
  readonly code: CodeWitness
  readonly gtin: string | null
} {
  const item = itemGtin === null ? null : normaliseGtin(itemGtin)
  const read = [...new Set(photoGtins.map(normaliseGtin).filter((gtin) => gtin !== null))].filter(
    // A shop's own numbers hold weights and prices: another number is no other product.
    (gtin) => gtin === item || !isRestricted(gtin),
  )
  if (item === null || isRestricted(item) || read.length === 0) return { code: 'silent', gtin: null }
  const packs = new Set(packGtins.map(normaliseGtin))
  const kinds = read.map((gtin) => ({ gtin, code: relation(item, gtin, packs) }))
  const of = (code: CodeWitness): string | null => kinds.find((one) => one.code === code)?.gtin ?? null
  const other = of('differs')
  const related = kinds.find(({ code }) => code !== 'differs')
  if (related && other !== null) return { code: 'mixed', gtin: other }
  if (other !== null) return { code: 'differs', gtin: other }
  // The item's own code decides: bottles are seen through the film of their pack, and the pack has a code of its own.
  return of('agrees') === null ? (related ?? { code: 'silent', gtin: null }) : { code: 'agrees', gtin: item }
}

function relation(item: string, read: string, packs: ReadonlySet<string | null>): CodeWitness {
  if (read === item) return 'agrees'
  if (packs.has(read)) return 'pack'
  // Indicator digit, item reference, check digit: cases of one item differ in the first and the last only.
  if (read.slice(1, 13) !== item.slice(1, 13)) return 'differs'
  if (item.startsWith('0')) return 'outer'
  return read.startsWith('0') ? 'inner' : 'pack'
}

/** GS1 prefixes 02, 04 and 20 to 29, and 0 and 2 of GTIN-8: numbers that mean something within one company or shop only. */
function isRestricted(gtin: string): boolean {
  return /^(?:0(?:02|04|2)|000000[02])/.test(gtin)
}

/** A front with fewer words is a logo, or was not read. */
const fewestWords = 6

function textWitness({ text, view, product }: ProductWitnesses): {
  readonly text: TextWitness
  readonly words: readonly string[]
} {
  const silent = { text: 'silent', words: [] } as const
  if (text === null || product === null) return silent
  const label = wordsOf(text)
  const brand = wordsOf(product.brand)
  const name = wordsOf(product.name).filter((word) => !brand.includes(word))
  const wanted = [...brand, ...name].filter(isTelling)
  if (wanted.length === 0) return silent
  const run = label.join('')
  const isRead = (word: string): boolean =>
    (word.length >= 5 && run.includes(word)) || label.some((one) => isAlike(one, word))
  const found = wanted.filter(isRead)
  const letters = (words: readonly string[]): number => words.reduce((sum, { length }) => sum + length, 0)
  const ofBrand = brand.filter(isTelling)
  if (ofBrand.length > 0 && ofBrand.every(isRead)) return { text: 'agrees', words: found }
  const ofName = name.filter(isTelling)
  const named = ofName.filter(isRead)
  if (named.length > 0 && letters(named) * 2 >= letters(ofName) && letters(named) >= 6)
    return { text: 'agrees', words: found }
  const isReadable = label.filter(isTelling).length >= fewestWords && wanted.some((word) => sharesScript(word, label))
  return view === 'front' && found.length === 0 && isReadable ? { text: 'differs', words: wanted } : silent
}

/** Words without case, accents and signs; `M&M's` is one, `Coca-Cola` two. */
function wordsOf(text: string): string[] {
  const plain = text
    .normalize('NFKD')
    .replace(/[\p{Mn}'’&]/gu, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll('æ', 'ae')
    .replaceAll('œ', 'oe')
    .replaceAll('ø', 'o')
    .replaceAll('ł', 'l')
  return [...new Set(plain.match(/[\p{L}\p{N}]+/gu))]
}

/** Articles and amounts are on every label. Where a sign is a word, two say enough. */
function isTelling(word: string): boolean {
  return /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]{2,}/u.test(word)
    ? true
    : /^\p{L}[\p{L}\p{N}]{2,}$/u.test(word)
}

/** Equal, or apart by one letter in five as readers confuse them; short words must be equal. */
function isAlike(one: string, other: string): boolean {
  const most = Math.floor(other.length / 5)
  if (one === other || most === 0) return one === other
  if (Math.abs(one.length - other.length) > most) return false
  let previous = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (const [row, letter] of [...one].entries()) {
    const next = [row + 1]
    for (const [column, wanted] of [...other].entries())
      next.push(
        Math.min(
          (previous[column] ?? 0) + (letter === wanted ? 0 : 1),
          (previous[column + 1] ?? 0) + 1,
          (next[column] ?? 0) + 1,
        ),
      )
    previous = next
  }
  return (previous[other.length] ?? Infinity) <= most
}

/** Whether a word is of a script that was read at all: a Latin reader does not see a Greek name. */
function sharesScript(word: string, label: readonly string[]): boolean {
  const script = scriptOf(word)
  return script !== null && label.some((one) => scriptOf(one) === script)
}

const scripts = [/\p{Script=Latin}/u, /\p{Script=Greek}/u, /\p{Script=Cyrillic}/u, /\p{Script=Han}/u] as const

function scriptOf(word: string): RegExp | null {
  return scripts.find((script) => script.test(word)) ?? null
}
