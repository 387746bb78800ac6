/** Letters out of what the recogniser answers. Pure. */

/** One letter of a line; `at` is its middle along the line, from 0 to 1. */
export interface Letter {
  readonly text: string
  readonly probability: number
  readonly at: number
}

/** The recogniser's alphabet: its first class is "nothing", its last the space. */
export interface Alphabet {
  readonly letters: readonly string[]
  /** 1 where a letter belongs to a script that is written in words: Latin, Greek, Cyrillic, digits, signs. */
  readonly isWritten: Uint8Array
}

/** The alphabet of a dictionary file: a letter a line. */
export function alphabetOf(dictionary: string): Alphabet {
  const letters = ['', ...dictionary.replace(/\r?\n$/, '').split(/\r?\n/), ' ']
  const isWritten = Uint8Array.from(letters, (letter) =>
    letter === '' ||
    /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\d\s!-/:-@[-`{-~€£¥°·•²³½¼¾×±®©™«»“”‘’„…–—−≤≥]$/u.test(letter)
      ? 1
      : 0,
  )
  return { letters, isWritten }
}

/**
 * The letters of one line: of each run of the same class its likeliest step, as CTC wants it.
 *
 * The model knows thousands of ideographs that no label in words has; where they are not the line's own script they
 * are left out, which gives the Latin letter beside them its place. `isForeign` says that they are.
 */
export function lettersOf(
  scores: Float32Array,
  steps: number,
  alphabet: Alphabet,
): { letters: Letter[]; isForeign: boolean } {
  const free = collapse(scores, steps, alphabet, false)
  const foreign = free.filter(({ text }) => /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text)).length
  if (foreign === 0) return { letters: free, isForeign: false }
  if (foreign * 3 > free.length && free.length > 1) return { letters: free, isForeign: true }
  return { letters: collapse(scores, steps, alphabet, true), isForeign: false }
}

function collapse(scores: Float32Array, steps: number, alphabet: Alphabet, onlyWritten: boolean): Letter[] {
  const classes = scores.length / steps
  const letters: Letter[] = []
  let last = 0
  let best = 0
  for (let step = 0, at = 0; step < steps; step++, at += classes) {
    let top = 0
    let most = scores[at]!
    for (let index = 1; index < classes; index++) {
      const score = scores[at + index]!
      if (score > most && (!onlyWritten || alphabet.isWritten[index])) {
        most = score
        top = index
      }
    }
    if (top !== 0 && (top !== last || letters.length === 0)) {
      letters.push({ text: alphabet.letters[top] ?? '', probability: most, at: (step + 0.5) / steps })
      best = most
    } else if (top !== 0 && most > best) {
      const letter = letters[letters.length - 1]!
      letters[letters.length - 1] = { ...letter, probability: most }
      best = most
    }
    last = top
  }
  return letters
}

/** The mean probability of the letters, 0 when there are none. */
export function meanProbability(letters: readonly Letter[]): number {
  if (letters.length === 0) return 0
  return letters.reduce((sum, { probability }) => sum + probability, 0) / letters.length
}
