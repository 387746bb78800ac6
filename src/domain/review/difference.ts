/** A piece of text and whether both have it, or only the present value, or only the proposed one. */
export interface Piece {
  readonly text: string
  readonly kind: 'same' | 'removed' | 'added'
}

/** Longer texts are compared by their beginnings and ends only: what lies between is one change. */
const mostTokens = 2_000

/**
 * The differences of two texts, word by word: joined without those added it is `before`, without those removed `after`.
 * Within a change what is removed stands first.
 */
export function differencesOf(before: string, after: string): readonly Piece[] {
  const one = tokensOf(before)
  const other = tokensOf(after)
  let start = 0
  while (start < one.length && start < other.length && one[start] === other[start]) start += 1
  let end = 0
  while (
    end < one.length - start &&
    end < other.length - start &&
    one[one.length - 1 - end] === other[other.length - 1 - end]
  )
    end += 1
  const pieces: Piece[] = []
  const add = (kind: Piece['kind'], tokens: readonly string[]): void => {
    const text = tokens.join('')
    if (text === '') return
    const last = pieces.at(-1)
    if (last?.kind === kind) pieces[pieces.length - 1] = { kind, text: last.text + text }
    else pieces.push({ kind, text })
  }
  add('same', one.slice(0, start))
  const [left, right] = [one.slice(start, one.length - end), other.slice(start, other.length - end)]
  if (left.length * right.length > mostTokens * mostTokens) {
    add('removed', left)
    add('added', right)
  } else {
    compare(left, right, add)
  }
  add('same', one.slice(one.length - end))
  return pieces
}

/** Words, numbers with their point, spaces, and every other character by itself. */
function tokensOf(text: string): readonly string[] {
  return text.match(/\d+(?:[.,]\d+)*|[\p{L}\p{M}]+|\s+|[^]/gu) ?? []
}

/** The longest common subsequence (Wagner and Fischer 1974), from the end so that it is told from the beginning. */
function compare(
  one: readonly string[],
  other: readonly string[],
  add: (kind: Piece['kind'], tokens: readonly string[]) => void,
): void {
  const width = other.length + 1
  const lengths = new Uint32Array((one.length + 1) * width)
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] =
        one[i] === other[j]
          ? (lengths[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(lengths[(i + 1) * width + j] ?? 0, lengths[i * width + j + 1] ?? 0)
    }
  }
  const removed: string[] = []
  const added: string[] = []
  const flush = (): void => {
    add('removed', removed.splice(0))
    add('added', added.splice(0))
  }
  let [i, j] = [0, 0]
  while (i < one.length && j < other.length) {
    const [mine, theirs] = [one[i] ?? '', other[j] ?? '']
    if (mine === theirs) {
      flush()
      add('same', [mine])
      i += 1
      j += 1
    } else if ((lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0)) {
      removed.push(mine)
      i += 1
    } else {
      added.push(theirs)
      j += 1
    }
  }
  removed.push(...one.slice(i))
  added.push(...other.slice(j))
  flush()
}
