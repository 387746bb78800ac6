import type { Corners, Page, PageLine } from '../ocr/page.ts'
import type { Box } from '../vision.ts'

/** A piece of a line, as the reader found it, turned upright: x runs along the text, y from line to line. */
export interface Fragment {
  readonly text: string
  /** Lower case, without accents: what rules look at. As long as `text` in most scripts, never relied upon. */
  readonly plain: string
  readonly words: readonly Word[]
  readonly left: number
  readonly right: number
  /** Of its middle line at its left and right end. */
  readonly leftY: number
  readonly rightY: number
  readonly height: number
  readonly confidence: number
  readonly box: Box
}

export interface Word {
  readonly text: string
  readonly left: number
  readonly right: number
  readonly middleY: number
  readonly confidence: number
  readonly box: Box
}

/** A page as rules see it. */
export interface Layout {
  readonly width: number
  readonly height: number
  /** Those in the page's own direction, from top to bottom. */
  readonly fragments: readonly Fragment[]
  /** Those that run across it: the side of a box, a batch number. */
  readonly across: readonly Fragment[]
  /** Fragments joined into lines, and those into reading order. */
  readonly lines: readonly Line[]
  /** Phrases that print bears out whose letters do not say them: lower case, without spaces. */
  readonly heard: readonly { readonly phrase: string; readonly box: Box }[]
}

/** Fragments that stand beside each other, close enough to be one line of text. */
export interface Line extends Fragment {
  readonly fragments: readonly Fragment[]
}

/** A text without accents and case; letters that readers take for each other stay as they are. */
export function plainOf(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .replace(/[øØ]/g, 'o')
    .replace(/[łŁ]/g, 'l')
    .replace(/ß/g, 'ss')
    .replace(/[æÆ]/g, 'ae')
    .replace(/[œŒ]/g, 'oe')
    .toLowerCase()
}

export function layoutOf(page: Page): Layout {
  const direction = directionOf(page.lines)
  const upright: Fragment[] = []
  const across: Fragment[] = []
  for (const line of page.lines) {
    const off = Math.abs(turn(line.angle - direction))
    if (off < Math.PI / 6) upright.push(fragmentOf(line, direction))
    else across.push(fragmentOf(line, line.angle))
  }
  upright.sort((one, other) => middleY(one) - middleY(other))
  const heard = page.heard.map(({ phrase, corners }) => ({ phrase, box: boxOf(corners) }))
  return { width: page.width, height: page.height, fragments: upright, across, lines: linesOf(upright), heard }
}

function distance(one: readonly [number, number], other: readonly [number, number]): number {
  return Math.hypot(one[0] - other[0], one[1] - other[1])
}

/** Between minus and plus half a turn. */
function turn(angle: number): number {
  return angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI))
}

/** The direction of most of the printed area: the quarter first, the middle angle of its lines next. Large words lead. */
function directionOf(lines: readonly PageLine[]): number {
  const quarters = [0, 0, 0, 0]
  const weightOf = (line: PageLine): number =>
    distance(line.corners[0], line.corners[1]) *
    distance(line.corners[0], line.corners[3]) *
    Math.max(0.05, line.confidence - 0.5)
  const quarterOf = (line: PageLine): number => ((Math.round(line.angle / (Math.PI / 2)) % 4) + 4) % 4
  for (const line of lines) quarters[quarterOf(line)] = (quarters[quarterOf(line)] ?? 0) + weightOf(line)
  const quarter = quarters.indexOf(Math.max(...quarters))
  const base = quarter * (Math.PI / 2)
  const angles = lines
    .filter((line) => quarterOf(line) === quarter)
    .map((line) => ({ angle: turn(line.angle - base), weight: weightOf(line) }))
    .toSorted((one, other) => one.angle - other.angle)
  let left = angles.reduce((sum, { weight }) => sum + weight, 0) / 2
  for (const { angle, weight } of angles) {
    left -= weight
    if (left <= 0) return base + angle
  }
  return base
}

function fragmentOf(line: PageLine, direction: number): Fragment {
  const cos = Math.cos(direction)
  const sin = Math.sin(direction)
  const along = ([x, y]: readonly [number, number]): number => x * cos + y * sin
  const down = ([x, y]: readonly [number, number]): number => y * cos - x * sin
  const middle = (corners: Corners, one: 0 | 1, other: 2 | 3): readonly [number, number] => [
    (corners[one][0] + corners[other][0]) / 2,
    (corners[one][1] + corners[other][1]) / 2,
  ]
  const start = middle(line.corners, 0, 3)
  const end = middle(line.corners, 1, 2)
  const words = line.words.map(({ text, confidence, corners }): Word => {
    const wordStart = middle(corners, 0, 3)
    const wordEnd = middle(corners, 1, 2)
    return {
      text,
      confidence,
      left: along(wordStart),
      right: along(wordEnd),
      middleY: (down(wordStart) + down(wordEnd)) / 2,
      box: boxOf(corners),
    }
  })
  const text = tidied(words.map((word) => word.text).join(' '))
  return {
    text,
    plain: plainOf(text),
    words,
    left: along(start),
    right: along(end),
    leftY: down(start),
    rightY: down(end),
    height: Math.hypot(line.corners[0][0] - line.corners[3][0], line.corners[0][1] - line.corners[3][1]),
    confidence: line.confidence,
    box: boxOf(line.corners),
  }
}

/** What readers do to text that is not in the print: a first letter cut off, a zero for an O in numbers. */
function tidied(text: string): string {
  return text
    .replace(/\b(\p{Lu}) (?=\p{Lu}{4,})/gu, (whole, letter: string, at: number) => (at === 0 ? letter : whole))
    .replace(/(?<=[\d-])[Oo](?=[\dOo]|\b)/g, '0')
    .replace(/(?<=\d) (?=\d\b[^%]|0\b)/g, (whole, at: number, all: string) =>
      /-\d+ 0\b/.test(all.slice(Math.max(0, at - 4), at + 2)) ? '' : whole,
    )
    .replace(/ +([,;)\]])/g, '$1')
    .trim()
}

function boxOf(corners: Corners): Box {
  const xs = corners.map(([x]) => x)
  const ys = corners.map(([, y]) => y)
  const left = Math.round(Math.min(...xs))
  const top = Math.round(Math.min(...ys))
  return [left, top, Math.round(Math.max(...xs)) - left, Math.round(Math.max(...ys)) - top]
}

/** The smallest box around boxes, within the page; null for none. */
export function around(boxes: readonly Box[], page?: { readonly width: number; readonly height: number }): Box | null {
  if (boxes.length === 0) return null
  let left = Math.min(...boxes.map(([x]) => x))
  let top = Math.min(...boxes.map(([, y]) => y))
  let right = Math.max(...boxes.map(([x, , width]) => x + width))
  let bottom = Math.max(...boxes.map(([, y, , height]) => y + height))
  if (page) {
    left = Math.min(Math.max(0, left), page.width - 1)
    top = Math.min(Math.max(0, top), page.height - 1)
    right = Math.max(left + 1, Math.min(page.width, right))
    bottom = Math.max(top + 1, Math.min(page.height, bottom))
  }
  return [left, top, right - left, bottom - top]
}

export function middleY({ leftY, rightY }: Fragment): number {
  return (leftY + rightY) / 2
}

/** The y of a fragment's middle line, extended to x. A short one has no slope of its own worth following. */
export function yAt(fragment: Fragment, x: number): number {
  const length = fragment.right - fragment.left
  if (length < fragment.height * 3) return middleY(fragment)
  const slope = (fragment.rightY - fragment.leftY) / length
  return fragment.leftY + slope * (x - fragment.left)
}

/** How far one is below the other where they come nearest, in heights of the smaller. */
export function drop(one: Fragment, other: Fragment): number {
  const from = Math.max(one.left, other.left)
  const to = Math.min(one.right, other.right)
  const x = (from + to) / 2
  return (yAt(other, x) - yAt(one, x)) / Math.min(one.height, other.height)
}

/** Joins fragments that continue each other to the right. */
function linesOf(fragments: readonly Fragment[]): Line[] {
  const next = new Map<Fragment, Fragment>()
  const hasPrevious = new Set<Fragment>()
  // Where several lines begin at one place a column does, and no line goes on across its edge.
  const columnStarts = new Set(
    fragments.filter((one) => {
      const mates = fragments.filter(
        (other) =>
          Math.abs(other.left - one.left) < one.height * 0.3 &&
          Math.abs(middleY(other) - middleY(one)) < one.height * 4,
      )
      return mates.length >= 3
    }),
  )
  for (const one of fragments.toSorted((a, b) => b.right - a.right)) {
    let best: Fragment | undefined
    let bestGap = Infinity
    for (const other of fragments) {
      if (other === one || hasPrevious.has(other) || other.left <= one.left) continue
      const height = Math.min(one.height, other.height)
      const gap = other.left - one.right
      if (gap < -height * 1.2 || gap > height * (columnStarts.has(other) ? 0.2 : 1.2)) continue
      if (Math.max(one.height, other.height) > height * 1.9 || Math.abs(drop(one, other)) > 0.45) continue
      if (gap < bestGap) {
        best = other
        bestGap = gap
      }
    }
    if (best) {
      next.set(one, best)
      hasPrevious.add(best)
    }
  }
  const lines: Line[] = []
  for (const first of fragments) {
    if (hasPrevious.has(first)) continue
    const chain: Fragment[] = []
    for (let one: Fragment | undefined = first; one; one = next.get(one)) chain.push(one)
    lines.push(joined(chain))
  }
  return lines.toSorted((one, other) => middleY(one) - middleY(other))
}

/** Fragments as one line; letters that both ends of a seam show are kept once. */
export function joined(chain: readonly Fragment[]): Line {
  const [first] = chain
  const last = chain[chain.length - 1]
  if (!first || !last) throw new Error('a line has fragments')
  let text = first.text
  chain.slice(1).forEach((fragment, index) => {
    const before = chain[index]
    const isOverlapping = before !== undefined && fragment.left < before.right + fragment.height * 0.3
    const tail = /(?<=^|[\s,;:·•])(\S{1,2})$/.exec(text)?.[1]
    if (
      isOverlapping &&
      tail &&
      fragment.text.toLowerCase().startsWith(tail.toLowerCase()) &&
      fragment.text.length > 2
    ) {
      text = text.slice(0, -tail.length)
    }
    text = `${text.trimEnd()} ${fragment.text}`
  })
  return {
    text,
    plain: plainOf(text),
    words: chain.flatMap(({ words }) => words),
    left: first.left,
    right: last.right,
    leftY: first.leftY,
    rightY: last.rightY,
    height: chain.reduce((sum, { height }) => sum + height, 0) / chain.length,
    confidence: Math.min(...chain.map(({ confidence }) => confidence)),
    box: around(chain.map(({ box }) => box)) ?? first.box,
    fragments: chain,
  }
}
