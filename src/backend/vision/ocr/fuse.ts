import type { Letter } from './letters.ts'
import type { SecondWord } from './second-reader.ts'

/** A word of a line; from where to where along the line, 0 to 1. */
export interface FusedWord {
  readonly text: string
  readonly from: number
  readonly to: number
  readonly confidence: number
}

interface Second {
  readonly text: string
  readonly confidence: number
  /** A space stands before it. */
  readonly isFirst: boolean
}

/** Below this share of letters on which both readers agree, the second read something else. */
const minAgreement = 0.55

/**
 * The words of a line: the first reader's letters, with the second reader's spaces, accents and stops.
 *
 * Letters, digits and their places are believed to the first, whose model reads them better; where it was unsure and
 * the second was not, the second is believed. Pure.
 */
export function fuse(letters: readonly Letter[], second: readonly SecondWord[]): FusedWord[] {
  const first = letters.filter(({ text }) => text !== ' ' && text !== '　')
  const spaces = new Set<Letter>()
  letters.forEach((letter, index) => {
    if (index > 0 && /^\s$/u.test(letters[index - 1]!.text) && !/^\s$/u.test(letter.text)) spaces.add(letter)
  })
  const other = second.flatMap(({ text, confidence }): Second[] =>
    [...text].map((letter, index) => ({ text: letter, confidence, isFirst: index === 0 })),
  )
  const pairs = align(first, other)
  const agreed = pairs.filter(([one, two]) => one && two && fold(one.text) === fold(two.text)).length
  const isSame = first.length > 0 && agreed / Math.max(first.length, other.length * 0.8) >= minAgreement

  const out: { text: string; at: number; probability: number; isFirst: boolean }[] = []
  let pendingSpace = false
  pairs.forEach(([one, two], index) => {
    if (two?.isFirst && isSame) pendingSpace = true
    if (!one) {
      if (!two || !isSame) return
      // A stop or bracket that only the second saw, in a word it is sure of.
      if (/^[(),)]$/.test(two.text) && two.confidence > 0.8 && out.length > 0) {
        const last = out[out.length - 1]!
        if (fold(last.text) !== two.text)
          out.push({ text: two.text, at: last.at, probability: 0.7, isFirst: pendingSpace && two.text === '(' })
        if (two.text === '(') pendingSpace = false
      }
      return
    }
    const isFirst = spaces.has(one) || pendingSpace
    pendingSpace = false
    const before = pairs[index - 1]?.[0]
    const after = pairs[index + 1]?.[0]
    const text = two && isSame ? better(one, two, before?.text, after?.text) : folded(one.text)
    out.push({ text, at: one.at, probability: one.probability, isFirst })
  })
  return wordsOf(out)
}

function wordsOf(letters: readonly { text: string; at: number; probability: number; isFirst: boolean }[]): FusedWord[] {
  const words: FusedWord[] = []
  const half = letters.length > 1 ? 0.4 / letters.length : 0.4
  let current: (typeof letters)[number][] = []
  const flush = (): void => {
    if (current.length === 0) return
    words.push({
      text: current.map(({ text }) => text).join(''),
      from: Math.max(0, current[0]!.at - half),
      to: Math.min(1, current[current.length - 1]!.at + half),
      confidence: current.reduce((sum, { probability }) => sum + probability, 0) / current.length,
    })
    current = []
  }
  for (const letter of letters) {
    if (letter.isFirst) flush()
    current.push(letter)
  }
  flush()
  return words
}

/** Which of two readings of one letter is kept. */
function better(one: Letter, two: Second, before: string | undefined, after: string | undefined): string {
  const mine = folded(one.text)
  if (mine === two.text) return mine
  const isBetweenDigits = /\d/.test(before ?? '') && /\d/.test(after ?? '')
  if (isStop(mine) && isStop(two.text)) return isBetweenDigits || two.confidence < 0.6 ? mine : two.text
  if (/[\p{L}]/u.test(mine) && fold(mine) === fold(two.text)) {
    // An accent, in the case that the first reader saw.
    return mine === mine.toUpperCase() && mine !== mine.toLowerCase() ? two.text.toUpperCase() : two.text.toLowerCase()
  }
  if (mine === 'B' && two.text === 'ß') return 'ß'
  if (one.probability < 0.5 && two.confidence > 0.85 && /[\p{L}\d]/u.test(two.text)) return two.text
  return mine
}

function isStop(text: string): boolean {
  return /^[.,;:·•]$/.test(text)
}

/** Wide forms of signs, which the model likes, as the usual ones. */
function folded(text: string): string {
  return wide[text] ?? text.normalize('NFKC')
}

const wide: Readonly<Record<string, string>> = {
  '，': ',',
  '。': '.',
  '、': ',',
  '：': ':',
  '；': ';',
  '（': '(',
  '）': ')',
  '“': '"',
  '”': '"',
  '‘': "'",
  '’': "'",
  '【': '[',
  '】': ']',
  '～': '~',
  '—': '-',
  '–': '-',
  '®': '®',
  '™': '™',
}

/** A letter without its accent and case, to compare. */
function fold(text: string): string {
  return folded(text)
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()
}

/** Edit distance with its path: pairs of letters, either of them missing. */
function align(first: readonly Letter[], second: readonly Second[]): [Letter | undefined, Second | undefined][] {
  const columns = second.length + 1
  const cost = new Float64Array((first.length + 1) * columns)
  const mine = first.map(({ text }) => fold(text))
  const theirs = second.map(({ text }) => fold(text))
  const change = (i: number, j: number): number => {
    if (mine[i] === theirs[j]) return 0
    return isStop(mine[i]!) === isStop(theirs[j]!) ? 1 : 1.75
  }
  for (let i = 0; i <= first.length; i++) {
    for (let j = 0; j <= second.length; j++) {
      const at = i * columns + j
      if (i === 0 || j === 0) cost[at] = i + j
      else {
        const diagonal = cost[at - columns - 1]! + change(i - 1, j - 1)
        cost[at] = Math.min(diagonal, cost[at - columns]! + 1, cost[at - 1]! + 1)
      }
    }
  }
  const pairs: [Letter | undefined, Second | undefined][] = []
  let i = first.length
  let j = second.length
  while (i > 0 || j > 0) {
    const at = i * columns + j
    if (i > 0 && j > 0 && cost[at] === cost[at - columns - 1]! + change(i - 1, j - 1)) {
      pairs.push([first[--i], second[--j]])
    } else if (i > 0 && cost[at] === cost[at - columns]! + 1) pairs.push([first[--i], undefined])
    else pairs.push([undefined, second[--j]])
  }
  return pairs.reverse()
}
