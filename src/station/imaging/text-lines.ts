import type { Luma } from './luma.ts'

/** A letter, or what looks like one: a connected spot that is darker, or brighter, than what is around it. */
export interface Letter {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
  readonly isDark: boolean
}

/** Letters in a row. */
export interface TextLine {
  readonly letters: readonly Letter[]
  /** The median height of its letters across the line, in pixels. */
  readonly heightPixels: number
  /** Its direction: 0 is level, positive turns clockwise; from -90 to 90. */
  readonly degrees: number
}

/** The four pixels of a row that lie in a word are compared with one mean: that of squares of so many pixels a side ... */
const square = 4
/** ... so many of them to each side of theirs. */
const neighbourhood = 3
/** A pixel belongs to a letter when it differs from that mean by this much brightness, or by a tenth of it if that is more. */
const minContrast = 14
const minLetterPixels = 3
const maxLetterPixels = 160
/** Bars, rules and frames are no letters. */
const maxElongation = 5
/** The share of its box that a letter's ink fills. */
const minFilled = 0.12
const maxFilled = 0.92
const maxLetters = 12_000
/** How far apart letters of a line are, in letter sizes, and how much they may be off the line. */
const maxGap = 1.5
const maxOffset = 0.45
const maxSlope = 0.12
const minLineLetters = 5

/**
 * Finds lines of text without a model: spots that stand out from their surroundings, of a letter's shape, with
 * neighbours of about their size in one direction that most of the picture's spots agree on.
 */
export function findTextLines(luma: Luma): readonly TextLine[] {
  const letters = findLetters(luma)
  const grid = new Grid(letters)
  const degrees = dominantDirection(grid)
  if (degrees === null) return []
  return chain(letters, grid, degrees)
}

/** An image four pixels at a time, the first of each row at the start of a word. */
interface Words {
  readonly data: Int32Array
  /** Of a row. */
  readonly columns: number
  readonly height: number
}

/** Bytes 0 and 2 of a word, each with room for a carry; 1 and 3 when it was shifted before. */
const lanes = 0xff00ff
/** The carry of each. */
const carries = 0x1000100

function wordsOf({ data, width, height }: Luma): Words {
  const columns = Math.ceil(width / square)
  if (width % square === 0 && data.byteOffset % square === 0) {
    return { data: new Int32Array(data.buffer, data.byteOffset, columns * height), columns, height }
  }
  // The last pixel of a row goes on to the end of its word.
  const padded = new Uint8Array(columns * square * height)
  for (let y = 0; y < height; y += 1) {
    const start = y * columns * square
    padded.set(data.subarray(y * width, (y + 1) * width), start)
    padded.fill(data[(y + 1) * width - 1] ?? 0, start + width, start + columns * square)
  }
  return { data: new Int32Array(padded.buffer), columns, height }
}

/** Adds a row of words, from `at`, to the sums of the squares that it lies in, from `to`. */
function sumWords(words: Int32Array, at: number, columns: number, sums: Int32Array, to: number): void {
  for (let x = 0; x < columns; x += 1) {
    const word = words[at + x] ?? 0
    const pairs = (word & lanes) + ((word >>> 8) & lanes)
    sums[to + x] = (sums[to + x] ?? 0) + (pairs & 0xffff) + (pairs >>> 16)
  }
}

/** Takes a row of squares to the sums of their columns, or away. */
function moveDown(sums: Int32Array, squares: Int32Array, at: number, columns: number, sign: 1 | -1): void {
  for (let x = 0; x < columns; x += 1) {
    sums[x + neighbourhood + 1] = (sums[x + neighbourhood + 1] ?? 0) + sign * (squares[at + x] ?? 0)
  }
}

/**
 * Of each square of a row the darkest and the brightest level that are its surroundings' own, in both lanes: a level
 * carries when the first is added to it, and when it is taken from the second, unless it stands out. `sums` are those of
 * the columns over so many `rows` of pixels.
 */
function findLevels(sums: Int32Array, columns: number, rows: number, lows: Int32Array, highs: Int32Array): void {
  let sum = 0
  for (let x = 0; x < 2 * neighbourhood + 1; x += 1) sum += sums[x] ?? 0
  for (let x = 0; x < columns; x += 1) {
    sum += (sums[x + 2 * neighbourhood + 1] ?? 0) - (sums[x] ?? 0)
    const beside = Math.min(columns - 1, x + neighbourhood) - Math.max(0, x - neighbourhood) + 1
    const mean = sum / (rows * beside * square)
    const contrast = Math.max(minContrast, mean / 10)
    lows[x] = carries - Math.imul(Math.max(0, (mean - contrast + 1) | 0), 0x10001)
    highs[x] = carries + Math.imul(Math.min(255, (mean + contrast) | 0), 0x10001)
  }
}

/** Marks a row of words, without a branch: print has an edge at every other pixel, and no processor guesses which. */
function markWords(
  words: Int32Array,
  at: number,
  columns: number,
  lows: Int32Array,
  highs: Int32Array,
  marks: Int32Array,
): void {
  for (let x = 0; x < columns; x += 1) {
    const word = words[at + x] ?? 0
    const even = word & lanes
    const odd = (word >>> 8) & lanes
    const low = lows[x] ?? 0
    const high = highs[x] ?? 0
    const dark = ((~(even + low) & carries) >>> 8) | (~(odd + low) & carries)
    const bright = ((~(high - even) & carries) >>> 8) | (~(high - odd) & carries)
    marks[at + x] = dark | (bright << 1)
  }
}

/**
 * Marks pixels: 0 background, 1 darker, 2 brighter than around them. Each step is a function for one row: what is called
 * a thousand times a photo is compiled for good with the first one, what loops over all rows is not with the tenth.
 */
function markStandingOut({ data, columns, height }: Words): Int32Array {
  const rows = Math.ceil(height / square)
  const squares = new Int32Array(columns * rows)
  for (let y = 0; y < height; y += 1) sumWords(data, y * columns, columns, squares, Math.floor(y / square) * columns)
  const marks = new Int32Array(data.length)
  const lows = new Int32Array(columns)
  const highs = new Int32Array(columns)
  /** Of each column of squares, over the rows around the present one; beyond the picture's sides they stay zero. */
  const sums = new Int32Array(columns + 2 * neighbourhood + 1)
  // Sums of columns move down row by row, and a window of them moves along each row.
  for (let row = 0; row < Math.min(neighbourhood, rows); row += 1) moveDown(sums, squares, row * columns, columns, 1)
  for (let row = 0; row < rows; row += 1) {
    if (row + neighbourhood < rows) moveDown(sums, squares, (row + neighbourhood) * columns, columns, 1)
    if (row > neighbourhood) moveDown(sums, squares, (row - neighbourhood - 1) * columns, columns, -1)
    const around = Math.min(height, (row + neighbourhood + 1) * square) - Math.max(0, row - neighbourhood) * square
    findLevels(sums, columns, around, lows, highs)
    for (let y = row * square; y < Math.min(height, (row + 1) * square); y += 1) {
      markWords(data, y * columns, columns, lows, highs, marks)
    }
  }
  return marks
}

/** Connected pixels of one kind, as columns of numbers: a picture has tens of thousands, most of them specks. */
class Spots {
  #size = 0
  #joinedTo = new Int32Array(4096)
  /** Five a spot: left, top, right, bottom, pixels. */
  #boxes = new Int32Array(4096 * 5)
  #isDark = new Uint8Array(4096)

  /** Adds a spot of no pixels yet. */
  add(isDark: boolean, left: number, top: number): number {
    if (this.#size === this.#joinedTo.length) this.#grow()
    const spot = this.#size
    this.#size += 1
    this.#joinedTo[spot] = spot
    this.#isDark[spot] = isDark ? 1 : 0
    const at = spot * 5
    this.#boxes[at] = left
    this.#boxes[at + 1] = top
    this.#boxes[at + 2] = left
    this.#boxes[at + 3] = top
    return spot
  }

  #grow(): void {
    const [joinedTo, boxes, isDark] = [this.#joinedTo, this.#boxes, this.#isDark]
    this.#joinedTo = new Int32Array(joinedTo.length * 2)
    this.#joinedTo.set(joinedTo)
    this.#boxes = new Int32Array(boxes.length * 2)
    this.#boxes.set(boxes)
    this.#isDark = new Uint8Array(isDark.length * 2)
    this.#isDark.set(isDark)
  }

  isDark(spot: number): boolean {
    return this.#isDark[spot] === 1
  }

  /** The spot that it was joined to in the end. */
  rootOf(spot: number): number {
    let root = spot
    for (let next = this.#joinedTo[root] ?? root; next !== root; next = this.#joinedTo[root] ?? root) root = next
    // The next search is short.
    for (let at = spot; at !== root;) {
      const next = this.#joinedTo[at] ?? root
      this.#joinedTo[at] = root
      at = next
    }
    return root
  }

  /** Adds pixels of a row, below those that it has. */
  extend(spot: number, left: number, right: number, row: number): void {
    this.#include(spot, left, row, right, row, right - left + 1)
  }

  join(spot: number, to: number): void {
    const boxes = this.#boxes
    const at = spot * 5
    this.#joinedTo[spot] = to
    const right = boxes[at + 2] ?? 0
    const bottom = boxes[at + 3] ?? 0
    this.#include(to, boxes[at] ?? 0, boxes[at + 1] ?? 0, right, bottom, boxes[at + 4] ?? 0)
  }

  #include(spot: number, left: number, top: number, right: number, bottom: number, pixels: number): void {
    const boxes = this.#boxes
    const at = spot * 5
    if (left < (boxes[at] ?? 0)) boxes[at] = left
    if (top < (boxes[at + 1] ?? 0)) boxes[at + 1] = top
    if (right > (boxes[at + 2] ?? 0)) boxes[at + 2] = right
    if (bottom > (boxes[at + 3] ?? 0)) boxes[at + 3] = bottom
    boxes[at + 4] = (boxes[at + 4] ?? 0) + pixels
  }

  /** Those that were not joined to another and have a letter's shape. */
  letters(): Letter[] {
    const letters: Letter[] = []
    for (let spot = 0, at = 0; spot < this.#size; spot += 1, at += 5) {
      if (this.#joinedTo[spot] !== spot) continue
      const left = this.#boxes[at] ?? 0
      const top = this.#boxes[at + 1] ?? 0
      const right = this.#boxes[at + 2] ?? 0
      const bottom = this.#boxes[at + 3] ?? 0
      if (!hasLetterShape(right - left + 1, bottom - top + 1, this.#boxes[at + 4] ?? 0)) continue
      letters.push({ left, top, right, bottom, isDark: this.isDark(spot) })
    }
    return letters
  }
}

/** The runs of marked pixels in a row: three numbers each, where it starts, the first pixel after it, and its spot. */
interface Runs {
  readonly data: Int32Array
  end: number
}

/** Adds the runs of a row of `width` pixels from `first` to spots: to those of the runs above that they touch. */
function joinRow(
  marks: Uint8Array,
  fours: Int32Array,
  { first, width, y }: { readonly first: number; readonly width: number; readonly y: number },
  above: Runs,
  row: Runs,
  spots: Spots,
): void {
  const before = above.data
  const runs = row.data
  const end = first + width
  let endOfRow = 0
  let candidate = 0
  for (let at = first; at < end;) {
    const mark = marks[at]
    if (mark === 0) {
      at += (at & 3) === 0 && fours[at >> 2] === 0 ? 4 : 1
      continue
    }
    const runStart = at - first
    while (at < end && marks[at] === mark) at += 1
    const runEnd = at - first
    while (candidate < above.end && (before[candidate + 1] ?? 0) < runStart) candidate += 3
    let spot = -1
    // Corners touch too.
    for (let index = candidate; index < above.end && (before[index] ?? 0) <= runEnd; index += 3) {
      const touched = before[index + 2] ?? 0
      if (spots.isDark(touched) !== (mark === 1)) continue
      const other = spots.rootOf(touched)
      if (spot === -1) spot = other
      else if (spot !== other) spots.join(other, spot)
    }
    if (spot === -1) spot = spots.add(mark === 1, runStart, y)
    spots.extend(spot, runStart, runEnd - 1, y)
    runs[endOfRow] = runStart
    runs[endOfRow + 1] = runEnd
    runs[endOfRow + 2] = spot
    endOfRow += 3
  }
  row.end = endOfRow
}

/** Joins marked pixels into spots, row by row, and keeps letters' shapes. */
function findLetters(luma: Luma): Letter[] {
  const { width, height } = luma
  const words = wordsOf(luma)
  // Most of a picture is background: four pixels of it are passed at a time.
  const fours = markStandingOut(words)
  const marks = new Uint8Array(fours.buffer)
  const spots = new Spots()
  let above: Runs = { data: new Int32Array(3 * (width + 1)), end: 0 }
  let row: Runs = { data: new Int32Array(3 * (width + 1)), end: 0 }
  for (let y = 0; y < height; y += 1) {
    joinRow(marks, fours, { first: y * words.columns * square, width, y }, above, row, spots)
    ;[above, row] = [row, above]
  }
  const letters = spots.letters()
  if (letters.length <= maxLetters) return letters
  // Grass or gravel: as many as can be looked at, from all over the picture.
  const step = Math.ceil(letters.length / maxLetters)
  return letters.filter((_, index) => index % step === 0)
}

function hasLetterShape(width: number, height: number, pixels: number): boolean {
  const size = Math.max(width, height)
  if (size < minLetterPixels || size > maxLetterPixels || size > maxElongation * Math.min(width, height)) return false
  const filled = pixels / (width * height)
  return filled > minFilled && filled < maxFilled
}

/** Letters as columns of numbers, by squares of the image: thousands of them ask for those near them. */
class Grid {
  static readonly #side = 48
  readonly x: Float64Array
  readonly y: Float64Array
  readonly size: Int32Array
  readonly #isDark: Uint8Array
  readonly #columns: number
  readonly #rows: number
  /** The letters square by square, and where each square's begin. */
  readonly #order: Int32Array
  readonly #starts: Int32Array

  constructor(letters: readonly Letter[]) {
    const { length } = letters
    this.x = new Float64Array(length)
    this.y = new Float64Array(length)
    this.size = new Int32Array(length)
    this.#isDark = new Uint8Array(length)
    let right = 0
    let bottom = 0
    for (let at = 0; at < length; at += 1) {
      const letter = letters[at]
      if (!letter) continue
      this.x[at] = (letter.left + letter.right) / 2
      this.y[at] = (letter.top + letter.bottom) / 2
      this.size[at] = Math.max(letter.right - letter.left, letter.bottom - letter.top) + 1
      this.#isDark[at] = letter.isDark ? 1 : 0
      if (letter.right > right) right = letter.right
      if (letter.bottom > bottom) bottom = letter.bottom
    }
    this.#columns = Math.floor(right / Grid.#side) + 1
    this.#rows = Math.floor(bottom / Grid.#side) + 1
    const squareOf = (at: number): number =>
      Math.floor((this.y[at] ?? 0) / Grid.#side) * this.#columns + Math.floor((this.x[at] ?? 0) / Grid.#side)
    this.#starts = new Int32Array(this.#columns * this.#rows + 1)
    for (let at = 0; at < length; at += 1) {
      const next = squareOf(at) + 1
      this.#starts[next] = (this.#starts[next] ?? 0) + 1
    }
    for (let square = 1; square < this.#starts.length; square += 1)
      this.#starts[square] = (this.#starts[square] ?? 0) + (this.#starts[square - 1] ?? 0)
    this.#order = new Int32Array(length)
    const free = this.#starts.slice()
    for (let at = 0; at < length; at += 1) {
      const square = squareOf(at)
      const place = free[square] ?? 0
      this.#order[place] = at
      free[square] = place + 1
    }
  }

  /**
   * Writes into `found` the letters like this one whose squares are within `reach` of it, and answers how many there are:
   * of its brightness, and at most twice as large or as small.
   */
  alikeNear(letter: number, reach: number, found: Int32Array): number {
    const x = this.x[letter] ?? 0
    const y = this.y[letter] ?? 0
    const size = this.size[letter] ?? 0
    const isDark = this.#isDark[letter]
    const left = Math.max(0, Math.floor((x - reach) / Grid.#side))
    const right = Math.min(this.#columns - 1, Math.floor((x + reach) / Grid.#side))
    const top = Math.max(0, Math.floor((y - reach) / Grid.#side))
    const bottom = Math.min(this.#rows - 1, Math.floor((y + reach) / Grid.#side))
    let count = 0
    for (let row = top; row <= bottom; row += 1) {
      const end = this.#starts[row * this.#columns + right + 1] ?? 0
      // The squares of a row lie one behind the other.
      for (let at = this.#starts[row * this.#columns + left] ?? 0; at < end; at += 1) {
        const other = this.#order[at] ?? 0
        if (other === letter || this.#isDark[other] !== isDark) continue
        const otherSize = this.size[other] ?? 0
        if (size > otherSize * 2 || otherSize > size * 2) continue
        found[count] = other
        count += 1
      }
    }
    return count
  }
}

/** Where a letter has its nearest like neighbour, as one of 90 directions; -1 where it has none. */
function directionOf(grid: Grid, letter: number, near: Int32Array): number {
  const x = grid.x[letter] ?? 0
  const y = grid.y[letter] ?? 0
  const size = grid.size[letter] ?? 0
  const count = grid.alikeNear(letter, size * (1 + maxGap), near)
  let nearest = Number.POSITIVE_INFINITY
  let nextX = 0
  let nextY = 0
  for (let at = 0; at < count; at += 1) {
    const neighbour = near[at] ?? 0
    const dx = (grid.x[neighbour] ?? 0) - x
    const dy = (grid.y[neighbour] ?? 0) - y
    const distance = Math.sqrt(dx * dx + dy * dy)
    if (distance >= nearest || distance < size * 0.3) continue
    nearest = distance
    nextX = dx
    nextY = dy
  }
  if (nearest > size * (1 + maxGap)) return -1
  const degrees = (Math.atan2(nextY, nextX) * 180) / Math.PI
  return Math.floor((((degrees % 180) + 180) % 180) / 2)
}

/** The direction that the most letters have their nearest like neighbours in; null when there are few. */
function dominantDirection(grid: Grid): number | null {
  const bins = new Float64Array(90)
  const near = new Int32Array(grid.x.length)
  let votes = 0
  for (let letter = 0; letter < grid.x.length; letter += 1) {
    const bin = directionOf(grid, letter, near)
    if (bin === -1) continue
    bins[bin] = (bins[bin] ?? 0) + 1
    votes += 1
  }
  if (votes < minLineLetters) return null
  // Letters with risers and descenders scatter by some degrees: a bin counts with its neighbours.
  let best = 0
  let bestVotes = -1
  const weight = (bin: number): number => {
    let sum = 0
    for (let offset = -5; offset <= 5; offset += 1)
      sum += (bins[(bin + offset + 90) % 90] ?? 0) * (6 - Math.abs(offset))
    return sum
  }
  for (let bin = 0; bin < 90; bin += 1) {
    const here = weight(bin)
    if (here > bestVotes) {
      bestVotes = here
      best = bin
    }
  }
  const degrees = best * 2 + 1
  return degrees > 90 ? degrees - 180 : degrees
}

/** Joins letters along a direction into lines: each to its nearest like neighbour ahead, which has one behind. */
function chain(letters: readonly Letter[], grid: Grid, degrees: number): TextLine[] {
  const radians = (degrees * Math.PI) / 180
  const along = Math.cos(radians)
  const across = Math.sin(radians)
  /** Of each letter: the next and the previous of its line, -1 for none, and how far it is to the next. */
  const next = new Int32Array(letters.length).fill(-1)
  const previous = new Int32Array(letters.length).fill(-1)
  const gaps = new Float64Array(letters.length)
  const near = new Int32Array(letters.length)
  for (let letter = 0; letter < letters.length; letter += 1) {
    const x = grid.x[letter] ?? 0
    const y = grid.y[letter] ?? 0
    const size = grid.size[letter] ?? 0
    let ahead = -1
    let nearest = size * (1 + maxGap)
    const count = grid.alikeNear(letter, nearest, near)
    for (let at = 0; at < count; at += 1) {
      const neighbour = near[at] ?? 0
      const dx = (grid.x[neighbour] ?? 0) - x
      const dy = (grid.y[neighbour] ?? 0) - y
      const forward = dx * along + dy * across
      const aside = Math.abs(dy * along - dx * across)
      if (forward <= 0 || forward > nearest || aside > Math.max(maxOffset * size, forward * maxSlope)) continue
      nearest = forward
      ahead = neighbour
    }
    if (ahead === -1) continue
    const before = previous[ahead] ?? -1
    if (before !== -1) {
      if ((gaps[before] ?? 0) <= nearest) continue
      next[before] = -1
    }
    next[letter] = ahead
    gaps[letter] = nearest
    previous[ahead] = letter
  }
  const lines: TextLine[] = []
  for (let start = 0; start < letters.length; start += 1) {
    if (previous[start] !== -1 || next[start] === -1) continue
    const members: Letter[] = []
    for (let at = start; at !== -1; at = next[at] ?? -1) {
      const letter = letters[at]
      if (letter) members.push(letter)
    }
    if (members.length >= minLineLetters) lines.push(toLine(members, degrees))
  }
  return lines
}

function toLine(letters: readonly Letter[], direction: number): TextLine {
  const isLevel = Math.abs(direction) <= 45
  const heights = letters.map((letter) => (isLevel ? letter.bottom - letter.top + 1 : letter.right - letter.left + 1))
  // The line through the centres, by least squares along the axis it is nearer to.
  const middles = letters.map((letter) => ({
    x: (letter.left + letter.right) / 2,
    y: (letter.top + letter.bottom) / 2,
  }))
  const points = middles.map(({ x, y }) => (isLevel ? { a: x, b: y } : { a: y, b: x }))
  const meanA = mean(points.map(({ a }) => a))
  const meanB = mean(points.map(({ b }) => b))
  const variance = points.reduce((sum, { a }) => sum + (a - meanA) ** 2, 0)
  const slope = variance === 0 ? 0 : points.reduce((sum, { a, b }) => sum + (a - meanA) * (b - meanB), 0) / variance
  const offset = (Math.atan(slope) * 180) / Math.PI
  const upright = 90 - offset
  return {
    letters,
    heightPixels: median(heights),
    degrees: isLevel ? offset : upright > 90 ? upright - 180 : upright,
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** The middle one; 0 of none. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
