/**
 * Looks for known phrases in what the recogniser saw of a line, not in the letters it chose.
 *
 * In blurred print a letter or two vanish or come out as others, and the word that a person still reads is lost to any
 * search in the text. The recogniser's scores of each step still say how well they bear a phrase out. Pure.
 */

/** What is looked for: one of `heads`, one of `links` or none, one of `tails`. Lower case, letters a to z, no spaces. */
export interface Phrases {
  readonly heads: readonly string[]
  readonly links: readonly string[]
  /** With their meanings: two tails of one meaning do not stand against each other. */
  readonly tails: ReadonlyMap<string, string>
}

export interface Spotter {
  /** The one phrase that the scores of a line bear out, without spaces; null where none does, or two do. */
  spot(scores: Float32Array, steps: number): string | null
}

/** How far below the best reading a letter of each part may be, in the mean, in nats. */
const maxLossALetter = 1
/** How far a phrase of another meaning must be behind, in nats. */
const minLead = 5
/** Shorter phrases are borne out by chance. */
const minLetters = 11
/** A part of a phrase that has lost more than this and a letter's loss a letter is given up. */
const maxBacklog = 6

interface Node {
  /** 0 for a. */
  readonly letter: number
  /** How many letters of its part lead to it, itself included. */
  readonly depth: number
  readonly next: Map<number, number>
  word: string | null
}

type Part = 0 | 1 | 2

/** `letters` is the recogniser's alphabet by class; class 0 is "nothing". */
export function createSpotter(letters: readonly string[], { heads, links, tails }: Phrases): Spotter {
  const classesOf = Array.from({ length: 26 }, () => [] as number[])
  const gaps = [0]
  letters.forEach((text, index) => {
    if (index === 0) return
    const plain = text
      .normalize('NFD')
      .replace(/\p{Mn}/gu, '')
      .toLowerCase()
    for (const letter of [plain, ...(lookAlikes[text] ?? [])]) {
      if (/^[a-z]$/.test(letter)) classesOf[letter.charCodeAt(0) - 97]!.push(index)
    }
    if (/^[\s\p{P}]$/u.test(text)) gaps.push(index)
  })

  const nodes: Node[] = []
  const partOf: Part[] = []
  const roots = [heads, links, [...tails.keys()]].map((words, part) => {
    const root = add(0, 0, part as Part)
    for (const word of words) {
      let at = root
      for (const letter of word) {
        const code = letter.charCodeAt(0) - 97
        if (code < 0 || code > 25) throw new Error(`a phrase has letters from a to z only: ${word}`)
        const known = nodes[at]!.next.get(code)
        if (known === undefined) nodes[at]!.next.set(code, nodes.length)
        at = known ?? add(code, nodes[at]!.depth + 1, part as Part)
      }
      nodes[at]!.word = word
    }
    return root
  }) as [number, number, number]

  function add(letter: number, depth: number, part: Part): number {
    nodes.push({ letter, depth, next: new Map(), word: null })
    partOf.push(part)
    return nodes.length - 1
  }

  return {
    spot(scores, steps) {
      const classes = scores.length / steps
      const found = new Map<string, Ending>()
      // Of each node a path that is in its letter, and one that has left it into the gap behind it.
      let paths = new Map<number, Path>()
      const logOf = new Float64Array(26)
      for (let step = 0, at = 0; step < steps; step++, at += classes) {
        const most = (some: readonly number[]): number => some.reduce((top, one) => Math.max(top, scores[at + one]!), 0)
        let best = 0
        for (let index = 0; index < classes; index++) best = Math.max(best, scores[at + index]!)
        for (let letter = 0; letter < 26; letter++) logOf[letter] = Math.log(most(classesOf[letter]!) / best)
        const gap = Math.log(most(gaps) / best)

        const following = new Map<number, Path>()
        const put = (key: number, path: Path, loss: number): void => {
          const score = path.score + loss
          const lost = path.tailFrom - score
          if (lost > maxBacklog + nodes[key >> 1]!.depth * maxLossALetter) return
          if (score <= (following.get(key)?.score ?? -Infinity)) return
          following.set(key, { ...path, score })
        }
        const enter = (from: number, path: Path, except: number): void => {
          for (const [letter, node] of nodes[from]!.next) {
            if (letter !== except) put(node * 2, path, logOf[letter]!)
          }
        }
        enter(roots[0], { score: 0, head: '', headScore: 0, link: '', tailFrom: 0 }, -1)
        for (const [key, path] of paths) {
          const node = key >> 1
          const { letter, word } = nodes[node]!
          const isGap = (key & 1) === 1
          if (!isGap) put(key, path, logOf[letter]!)
          put(node * 2 + 1, path, gap)
          const except = isGap ? -1 : letter
          enter(node, path, except)
          if (word === null || partOf[node] === 2) continue
          if (partOf[node] === 0) {
            const behind = { ...path, head: word, headScore: path.score, tailFrom: path.score }
            enter(roots[1], behind, except)
            enter(roots[2], behind, except)
          } else enter(roots[2], { ...path, link: word, tailFrom: path.score }, except)
        }
        paths = following
        for (const [key, { score, head, headScore, link, tailFrom }] of paths) {
          const tail = nodes[key >> 1]!.word
          if (tail === null || partOf[key >> 1] !== 2) continue
          const meaning = tails.get(tail)!
          if (score <= (found.get(meaning)?.score ?? -Infinity)) continue
          const isLikely =
            head.length + tail.length >= minLetters &&
            headScore >= -maxLossALetter * head.length &&
            score - tailFrom >= -maxLossALetter * tail.length
          found.set(meaning, { score, text: isLikely ? head + link + tail : null })
        }
      }
      const [first, second] = [...found.values()].toSorted((one, other) => other.score - one.score)
      return first && first.score - (second?.score ?? -Infinity) >= minLead ? first.text : null
    },
  }
}

/** A way through the phrases up to a step; scores are sums of losses against the best reading, so 0 at most. */
interface Path {
  readonly score: number
  readonly head: string
  readonly headScore: number
  readonly link: string
  readonly tailFrom: number
}

interface Ending {
  readonly score: number
  readonly text: string | null
}

/** Signs that stand for a letter in print of any quality. */
const lookAlikes: Readonly<Record<string, readonly string[]>> = {
  '0': ['o'],
  '1': ['i', 'l'],
  '5': ['s'],
  I: ['l'],
  l: ['i'],
  '|': ['i', 'l'],
}
