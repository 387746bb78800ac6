/** Brightness of an image, a byte a pixel, row by row. */
export interface Luma {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}

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

/** A pixel belongs to a letter when it differs from the mean of this many pixels to each side ... */
const neighbourhood = 14
/** ... by this much brightness, or by this share of the mean if that is more. */
const minContrast = 14
const minContrastShare = 0.1
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
  const degrees = dominantDirection(letters)
  if (degrees === null) return []
  return chain(letters, degrees)
}

/** Marks pixels: 0 background, 1 darker, 2 brighter than around them. */
function markStandingOut({ data, width, height }: Luma): Uint8Array {
  const marks = new Uint8Array(width * height)
  const sums = new Int32Array(width)
  const radius = neighbourhood
  /** One by the number of columns around each. */
  const shares = Float64Array.from(sums, (_, x) => 1 / (Math.min(width - 1, x + radius) - Math.max(0, x - radius) + 1))
  // Sums of columns move down row by row, and a window of them moves along each row.
  for (let y = 0; y < Math.min(radius, height); y += 1) {
    for (let x = 0, at = y * width; x < width; x += 1, at += 1) sums[x] = (sums[x] ?? 0) + (data[at] ?? 0)
  }
  for (let y = 0; y < height; y += 1) {
    const entering = y + radius
    const leaving = y - radius - 1
    if (entering < height && leaving >= 0) {
      const rise = (entering - leaving) * width
      for (let x = 0, at = leaving * width; x < width; x += 1, at += 1) {
        sums[x] = (sums[x] ?? 0) + (data[at + rise] ?? 0) - (data[at] ?? 0)
      }
    } else if (entering < height) {
      for (let x = 0, at = entering * width; x < width; x += 1, at += 1) sums[x] = (sums[x] ?? 0) + (data[at] ?? 0)
    } else if (leaving >= 0) {
      for (let x = 0, at = leaving * width; x < width; x += 1, at += 1) sums[x] = (sums[x] ?? 0) - (data[at] ?? 0)
    }
    const rows = Math.min(height - 1, y + radius) - Math.max(0, y - radius) + 1
    const shareOfRows = 1 / rows
    let sum = 0
    for (let x = 0; x < Math.min(radius, width); x += 1) sum += sums[x] ?? 0
    for (let x = 0, at = y * width; x < width; x += 1, at += 1) {
      if (x + radius < width) sum += sums[x + radius] ?? 0
      if (x - radius - 1 >= 0) sum -= sums[x - radius - 1] ?? 0
      const mean = sum * (shares[x] ?? 0) * shareOfRows
      const difference = (data[at] ?? 0) - mean
      const needed = mean * minContrastShare > minContrast ? mean * minContrastShare : minContrast
      if (difference < -needed) marks[at] = 1
      else if (difference > needed) marks[at] = 2
    }
  }
  return marks
}

/** Connected pixels of one kind; one that was joined to another is only its `joinedTo`. */
interface Spot {
  joinedTo: Spot | null
  left: number
  top: number
  right: number
  bottom: number
  pixels: number
  readonly isDark: boolean
}

/** Marked pixels beside each other in a row; `end` is the first that is none. */
interface Run {
  readonly start: number
  readonly end: number
  readonly spot: Spot
}

function rootOf(spot: Spot): Spot {
  let root = spot
  while (root.joinedTo) root = root.joinedTo
  // The next search is short.
  for (let at = spot; at.joinedTo;) {
    const next = at.joinedTo
    if (at !== root) at.joinedTo = root
    at = next
  }
  return root
}

/** Joins marked pixels into spots, by runs of a row that touch those of the row before, and keeps letters' shapes. */
function findLetters(luma: Luma): Letter[] {
  const { width, height } = luma
  const marks = markStandingOut(luma)
  const spots: Spot[] = []
  let before: Run[] = []
  for (let y = 0; y < height; y += 1) {
    const row: Run[] = []
    const end = (y + 1) * width
    let candidate = 0
    for (let at = y * width; at < end;) {
      const mark = marks[at]
      if (mark === 0) {
        at += 1
        continue
      }
      const start = at - y * width
      while (at < end && marks[at] === mark) at += 1
      const runEnd = at - y * width
      while ((before[candidate]?.end ?? width + 1) < start) candidate += 1
      let spot: Spot | null = null
      // Corners touch too.
      for (let index = candidate; (before[index]?.start ?? width + 1) <= runEnd; index += 1) {
        const above = before[index]
        if (!above || above.spot.isDark !== (mark === 1)) continue
        const other = rootOf(above.spot)
        if (spot && spot !== other) join(other, spot)
        spot ??= other
      }
      if (!spot) {
        spot = { joinedTo: null, left: start, top: y, right: start, bottom: y, pixels: 0, isDark: mark === 1 }
        spots.push(spot)
      }
      if (start < spot.left) spot.left = start
      if (runEnd - 1 > spot.right) spot.right = runEnd - 1
      spot.bottom = y
      spot.pixels += runEnd - start
      row.push({ start, end: runEnd, spot })
    }
    before = row
  }
  const letters = spots.filter(hasLetterShape)
  if (letters.length <= maxLetters) return letters
  // Grass or gravel: as many as can be looked at, from all over the picture.
  const step = Math.ceil(letters.length / maxLetters)
  return letters.filter((_, index) => index % step === 0)
}

function join(spot: Spot, to: Spot): void {
  spot.joinedTo = to
  to.left = Math.min(to.left, spot.left)
  to.top = Math.min(to.top, spot.top)
  to.right = Math.max(to.right, spot.right)
  to.bottom = Math.max(to.bottom, spot.bottom)
  to.pixels += spot.pixels
}

function hasLetterShape({ joinedTo, left, top, right, bottom, pixels }: Spot): boolean {
  if (joinedTo) return false
  const [width, height] = [right - left + 1, bottom - top + 1]
  const size = Math.max(width, height)
  if (size < minLetterPixels || size > maxLetterPixels || size > maxElongation * Math.min(width, height)) return false
  const filled = pixels / (width * height)
  return filled > minFilled && filled < maxFilled
}

const sizeOf = (letter: Letter): number => Math.max(letter.right - letter.left, letter.bottom - letter.top) + 1
const centreX = (letter: Letter): number => (letter.left + letter.right) / 2
const centreY = (letter: Letter): number => (letter.top + letter.bottom) / 2

/** Letters by squares of the image, to find those near a place. */
class Grid {
  static readonly #side = 48
  readonly #squares = new Map<number, Letter[]>()

  constructor(letters: readonly Letter[]) {
    for (const letter of letters) {
      const key = Grid.#key(Math.floor(centreX(letter) / Grid.#side), Math.floor(centreY(letter) / Grid.#side))
      const square = this.#squares.get(key)
      if (square) square.push(letter)
      else this.#squares.set(key, [letter])
    }
  }

  static #key(column: number, row: number): number {
    return row * 65_536 + column
  }

  /** Calls back with each letter whose centre may lie within `reach` of a place. */
  near(x: number, y: number, reach: number, visit: (letter: Letter) => void): void {
    const square = (place: number): number => Math.floor(place / Grid.#side)
    for (let row = square(y - reach); row <= square(y + reach); row += 1) {
      for (let column = square(x - reach); column <= square(x + reach); column += 1) {
        for (const letter of this.#squares.get(Grid.#key(column, row)) ?? []) visit(letter)
      }
    }
  }
}

const isAlike = (one: Letter, other: Letter): boolean => {
  const [a, b] = [sizeOf(one), sizeOf(other)]
  return one.isDark === other.isDark && a <= b * 2 && b <= a * 2
}

/** The direction that the most letters have their nearest like neighbours in; null when there are few. */
function dominantDirection(letters: readonly Letter[]): number | null {
  const grid = new Grid(letters)
  const bins = new Float64Array(90)
  let votes = 0
  for (const letter of letters) {
    const [x, y, size] = [centreX(letter), centreY(letter), sizeOf(letter)]
    let nearest = Number.POSITIVE_INFINITY
    let degrees = 0
    grid.near(x, y, size * (1 + maxGap), (neighbour) => {
      if (neighbour === letter || !isAlike(letter, neighbour)) return
      const [dx, dy] = [centreX(neighbour) - x, centreY(neighbour) - y]
      const distance = Math.hypot(dx, dy)
      if (distance >= nearest || distance < size * 0.3) return
      nearest = distance
      degrees = (Math.atan2(dy, dx) * 180) / Math.PI
    })
    if (nearest > size * (1 + maxGap)) continue
    const bin = Math.floor((((degrees % 180) + 180) % 180) / 2)
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

/** A letter in a line that is being made. */
interface Link {
  readonly letter: Letter
  next: Link | null
  previous: Link | null
  /** How far it is to the next. */
  gap: number
}

/** Joins letters along a direction into lines: each to its nearest like neighbour ahead, which has one behind. */
function chain(letters: readonly Letter[], degrees: number): TextLine[] {
  const grid = new Grid(letters)
  const radians = (degrees * Math.PI) / 180
  const [along, across] = [Math.cos(radians), Math.sin(radians)]
  const links = new Map<Letter, Link>(letters.map((letter) => [letter, { letter, next: null, previous: null, gap: 0 }]))
  for (const link of links.values()) {
    const { letter } = link
    const [x, y, size] = [centreX(letter), centreY(letter), sizeOf(letter)]
    let found = null as Letter | null
    let nearest = size * (1 + maxGap)
    grid.near(x, y, nearest, (neighbour) => {
      if (neighbour === letter || !isAlike(letter, neighbour)) return
      const [dx, dy] = [centreX(neighbour) - x, centreY(neighbour) - y]
      const forward = dx * along + dy * across
      const aside = Math.abs(dy * along - dx * across)
      if (forward <= 0 || forward > nearest || aside > Math.max(maxOffset * size, forward * maxSlope)) return
      nearest = forward
      found = neighbour
    })
    const ahead = found && links.get(found)
    if (!ahead) continue
    if (ahead.previous) {
      if (ahead.previous.gap <= nearest) continue
      ahead.previous.next = null
    }
    link.next = ahead
    link.gap = nearest
    ahead.previous = link
  }
  const lines: TextLine[] = []
  for (const start of links.values()) {
    if (start.previous || !start.next) continue
    const members: Letter[] = []
    for (let at: Link | null = start; at; at = at.next) members.push(at.letter)
    if (members.length >= minLineLetters) lines.push(toLine(members, degrees))
  }
  return lines
}

function toLine(letters: readonly Letter[], direction: number): TextLine {
  const isLevel = Math.abs(direction) <= 45
  const heights = letters.map((letter) => (isLevel ? letter.bottom - letter.top + 1 : letter.right - letter.left + 1))
  // The line through the centres, by least squares along the axis it is nearer to.
  const points = letters.map((letter) =>
    isLevel ? [centreX(letter), centreY(letter)] : [centreY(letter), centreX(letter)],
  ) as readonly (readonly [number, number])[]
  const meanA = mean(points.map(([a]) => a))
  const meanB = mean(points.map(([, b]) => b))
  const variance = points.reduce((sum, [a]) => sum + (a - meanA) ** 2, 0)
  const slope = variance === 0 ? 0 : points.reduce((sum, [a, b]) => sum + (a - meanA) * (b - meanB), 0) / variance
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
