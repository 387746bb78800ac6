import type { PhotoFault, PhotoQuality } from '#contract/station/photo-quality.ts'
import { photoFaultSchema } from '#contract/station/photo-quality.ts'
import { verdictOf } from '#domain/photo-verdict.ts'
import type { Luma } from './luma.ts'
import { thresholds } from './quality-thresholds.ts'
import { findTextLines, median } from './text-lines.ts'
import type { Letter, TextLine } from './text-lines.ts'

/** What is measured of a photo, before anything is concluded from it. All of it by the uploaded image's pixels. */
export interface Measures {
  readonly lines: readonly LineMeasures[]
  /** Where no text is: the edge width of the sharpest tenth of the middle's edges; null where there are no edges. */
  readonly middleEdgeWidth: number | null
  readonly darkest: number
  readonly middle: number
  readonly brightest: number
  readonly glareShare: number
}

export interface LineMeasures {
  /** How much it counts: its letters, those in the middle of the picture the most. The label is there, not the shelf. */
  readonly weight: number
  readonly heightPixels: number
  readonly degrees: number
  /** The median over its letters. */
  readonly edgeWidthPixels: number
  /** How much its letters differ from the ground, in levels of brightness. */
  readonly contrast: number
  readonly runsOut: boolean
}

/**
 * Judges a photo by itself; that it repeats another is for those to say who know the others. `pixelsOfOriginal` is how
 * many pixels of the original lie along one of these: print that only the original shows is small in neither.
 */
export function judge(luma: Luma, pixelsOfOriginal = 1): PhotoQuality {
  return conclude(measure(luma), pixelsOfOriginal)
}

/** Measures a photo. */
export function measure(luma: Luma): Measures {
  const histogram = histogramOf(luma)
  const pixels = luma.width * Math.ceil(luma.height / 4)
  const share = (part: number): number => levelAt(histogram, part * pixels)
  const lines = findTextLines(luma)
  return {
    lines: lines.map((line) => measureLine(luma, line)),
    middleEdgeWidth: edgeWidthOfMiddle(luma),
    darkest: share(0.01),
    middle: share(0.5),
    brightest: share(0.99),
    glareShare: glareShareOf(luma, textBox(lines)),
  }
}

/** Says what is wrong, by the table of thresholds. */
export function conclude(measures: Measures, pixelsOfOriginal = 1): PhotoQuality {
  const { lines } = measures
  const weight = lines.reduce((sum, line) => sum + line.weight, 0)
  const hasText = weight >= thresholds.minLetters
  /** The share of the text that is in lines of which this holds. */
  const shareOf = (holds: (line: LineMeasures) => boolean): number =>
    weight === 0 ? 0 : lines.reduce((sum, line) => sum + (holds(line) ? line.weight : 0), 0) / weight
  /** The median over the text. */
  const typical = (value: (line: LineMeasures) => number): number => weightedMedian(lines, value)

  const isSmall = (line: LineMeasures): boolean => line.heightPixels * pixelsOfOriginal < thresholds.minTextHeightPixels
  /** Scaling down melts small print as blur does: what only the original shows is not judged by that. */
  const isMelted = (line: LineMeasures): boolean =>
    line.edgeWidthPixels / line.heightPixels > thresholds.maxEdgeShareOfHeight &&
    (pixelsOfOriginal === 1 || line.heightPixels >= thresholds.minTextHeightPixels)
  const isBlurred = (line: LineMeasures): boolean =>
    line.edgeWidthPixels > thresholds.maxEdgeWidthPixels || isMelted(line)
  const isFaint = (line: LineMeasures): boolean => line.contrast < thresholds.minTextContrast
  const tilt = hasText ? typical((line) => fromAxis(line.degrees)) : null
  const edgeWidth = hasText ? typical((line) => line.edgeWidthPixels) : measures.middleEdgeWidth
  const cutOff = lines.length === 0 ? 0 : lines.filter((line) => line.runsOut).length / lines.length
  const legibility = hasText ? shareOf((line) => !isBlurred(line) && !isSmall(line) && !isFaint(line)) : null

  const holds: Partial<Record<PhotoFault, boolean>> = {
    too_dark: measures.brightest < thresholds.minBrightest,
    too_bright: measures.brightest >= thresholds.minBrightestOfBright && measures.darkest > thresholds.maxDarkest,
    blurred:
      (measures.middleEdgeWidth !== null && measures.middleEdgeWidth > thresholds.maxMiddleEdgeWidthPixels) ||
      (hasText && shareOf(isBlurred) > thresholds.maxBlurredShare),
    glare: measures.glareShare > thresholds.maxGlareShare,
    text_too_small: hasText && shareOf(isSmall) > thresholds.maxSmallShare,
    cut_off: lines.length >= thresholds.minLinesToCutOff && cutOff > thresholds.maxCutOffShare,
    tilted: tilt !== null && Math.abs(tilt) > thresholds.maxTiltDegrees,
    no_text: !hasText,
  }
  const faults = photoFaultSchema.options.filter((fault) => holds[fault] === true)
  return {
    verdict: verdictOf(faults),
    faults,
    legibility,
    measures: {
      textLines: lines.length,
      textHeightPixels: hasText ? typical((line) => line.heightPixels) : null,
      tiltDegrees: tilt === null ? null : round(tilt),
      edgeWidthPixels: edgeWidth === null ? null : round(edgeWidth),
      darkest: measures.darkest,
      middle: measures.middle,
      brightest: measures.brightest,
      glareShare: round(measures.glareShare),
      cutOffShare: round(cutOff),
    },
    repeats: null,
    improves: null,
  }
}

const clippedLevel = 250

/** How many pixels have each level, by every fourth row: which level a share of them is below, the others agree on. */
function histogramOf({ data, width, height }: Luma): Uint32Array {
  // Neighbours are alike: each of four has a count of its own, or one would wait for the other's.
  const counts = new Uint32Array(4 * 256)
  for (let y = 0; y < height; y += 4) countLevels(data, y * width, (y + 1) * width, counts)
  return Uint32Array.from(
    { length: 256 },
    (_, level) =>
      (counts[level] ?? 0) + (counts[256 + level] ?? 0) + (counts[512 + level] ?? 0) + (counts[768 + level] ?? 0),
  )
}

function countLevels(data: Uint8Array, start: number, end: number, counts: Uint32Array): void {
  // An iterator over millions of bytes takes ten times as long.
  for (let at = start; at < end; at += 1) {
    const level = ((at & 3) << 8) | (data[at] ?? 0)
    counts[level] = (counts[level] ?? 0) + 1
  }
}

function levelAt(histogram: Uint32Array, count: number): number {
  let sum = 0
  for (let level = 0; level < 256; level += 1) {
    sum += histogram[level] ?? 0
    if (sum > count) return level
  }
  return 255
}

/** Looked at per line at most: their sharpness hardly differs. */
const maxLettersOfLine = 12

function measureLine(luma: Luma, line: TextLine): LineMeasures {
  const step = Math.max(1, Math.floor(line.letters.length / maxLettersOfLine))
  const looked = line.letters.filter((_, index) => index % step === 0).map((letter) => measureLetter(luma, letter))
  return {
    weight: line.letters.length * centrality(luma, line),
    heightPixels: line.heightPixels,
    degrees: line.degrees,
    edgeWidthPixels: median(looked.map(({ edgeWidth }) => edgeWidth)),
    contrast: median(looked.map(({ contrast }) => contrast)),
    runsOut: runsOut(luma, line),
  }
}

/**
 * The width of an edge: how far brightness would need from ground to ink at its steepest. The steepest difference
 * across two pixels of an ideal edge is all of the contrast, which is width 1. What a moving camera smears in one
 * direction is sharp in the other: both count by themselves.
 */
interface Steepness {
  readonly contrast: number
  readonly acrossWidth: number
  readonly downWidth: number
}

function steepnessOf({ data, width, height }: Luma, box: Omit<Letter, 'isDark'>): Steepness {
  const left = Math.max(1, box.left)
  const right = Math.min(width - 2, box.right)
  const top = Math.max(1, box.top)
  const bottom = Math.min(height - 2, box.bottom)
  let low = 255
  let high = 0
  let across = 1
  let down = 1
  for (let y = top; y <= bottom; y += 1) {
    for (let x = left, at = y * width + left; x <= right; x += 1, at += 1) {
      const level = data[at] ?? 0
      if (level < low) low = level
      if (level > high) high = level
      const toRight = Math.abs((data[at + 1] ?? 0) - (data[at - 1] ?? 0))
      const toBottom = Math.abs((data[at + width] ?? 0) - (data[at - width] ?? 0))
      if (toRight > across) across = toRight
      if (toBottom > down) down = toBottom
    }
  }
  const contrast = Math.max(0, high - low)
  return { contrast, acrossWidth: contrast / across, downWidth: contrast / down }
}

function measureLetter(luma: Luma, { left, top, right, bottom }: Letter): { edgeWidth: number; contrast: number } {
  const { contrast, acrossWidth, downWidth } = steepnessOf(luma, {
    left: left - 1,
    top: top - 1,
    right: right + 1,
    bottom: bottom + 1,
  })
  return { edgeWidth: Math.max(acrossWidth, downWidth), contrast }
}

/** 1 in the middle of the picture, 0.15 at its ends. */
function centrality({ width, height }: Luma, { letters }: TextLine): number {
  const middle = letters[Math.floor(letters.length / 2)]
  if (!middle) return 0
  const x = (middle.left + middle.right) / width - 1
  const y = (middle.top + middle.bottom) / height - 1
  return Math.max(0.15, 1 - x * x - y * y)
}

/** Whether a line touches the end of the picture where it is heading: there was more of it. */
function runsOut({ width, height }: Luma, line: TextLine): boolean {
  const isLevel = Math.abs(line.degrees) <= 45
  const reach = line.heightPixels * 0.5
  return line.letters.some((letter) =>
    isLevel
      ? letter.left < reach || letter.right > width - 1 - reach
      : letter.top < reach || letter.bottom > height - 1 - reach,
  )
}

/** The side of a square that is looked at for edges, the contrast that is one, and how many squares are few. */
const edgeSquare = 24
const edgeContrast = 40
const minEdgeSquares = 4

/** The middle of the picture, where the product is, in every other square: the sharpest tenth of those with an edge. */
function edgeWidthOfMiddle(luma: Luma): number | null {
  const { width, height } = luma
  const acrossWidths: number[] = []
  const downWidths: number[] = []
  for (let top = Math.floor(height * 0.2), row = 0; top + edgeSquare < height * 0.8; top += edgeSquare, row += 1) {
    const first = Math.floor(width * 0.2) + (row % 2) * edgeSquare
    for (let left = first; left + edgeSquare < width * 0.8; left += 2 * edgeSquare) {
      const box = { left, top, right: left + edgeSquare - 1, bottom: top + edgeSquare - 1 }
      const { contrast, acrossWidth, downWidth } = steepnessOf(luma, box)
      if (contrast < edgeContrast) continue
      acrossWidths.push(acrossWidth)
      downWidths.push(downWidth)
    }
  }
  if (acrossWidths.length < minEdgeSquares) return null
  return Math.max(sharpestTenth(acrossWidths), sharpestTenth(downWidths))
}

const sharpestTenth = (widths: readonly number[]): number =>
  widths.toSorted((a, b) => a - b)[Math.floor(widths.length / 10)] ?? 0

/** The square that reflections are looked for by, in pixels. */
const glareSquare = 8
/** What fades out of pure white is brighter than this. */
const softLevel = 170
/**
 * A smaller patch hides no word, and is white paper more often than a reflection: with 6 squares 5 of 65 good photos had
 * glare, with 48 one, and as many of the reflections that the bench plants are found (60 of 65); of ones half as wide 54, not 61.
 */
const minGlareSquares = 48

/**
 * The share of the text's area under reflections: patches as bright as can be whose brightness fades out softly, not at
 * an edge as paper's does, and that do not reach the picture's end as a white background does.
 */
function glareShareOf(luma: Luma, within: Omit<Letter, 'isDark'> | null): number {
  if (within === null) return 0
  const columns = Math.floor(luma.width / glareSquare)
  const rows = Math.floor(luma.height / glareSquare)
  if (columns < 8 || rows < 8) return 0
  // Means of squares: 2 clipped all over, 1 bright, 0 else.
  const means = new Float64Array(columns * rows)
  const lows = new Uint8Array(columns * rows)
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      meanOfSquare(luma, row * glareSquare * luma.width + column * glareSquare, row * columns + column, means, lows)
    }
  }
  const isClipped = (at: number): boolean => (lows[at] ?? 0) >= clippedLevel - 4
  const seen = new Uint8Array(columns * rows)
  let glare = 0
  for (let start = 0; start < seen.length; start += 1) {
    if (seen[start] === 1 || !isClipped(start)) continue
    const patch = [start]
    seen[start] = 1
    let inside = 0
    let border = 0
    let softBorder = 0
    let reachesEnd = false
    for (const at of patch) {
      const column = at % columns
      const row = Math.floor(at / columns)
      const [x, y] = [column * glareSquare, row * glareSquare]
      if (x >= within.left && x <= within.right && y >= within.top && y <= within.bottom) inside += 1
      if (column === 0 || row === 0 || column === columns - 1 || row === rows - 1) {
        reachesEnd = true
        continue
      }
      for (const step of [-1, 1, -columns, columns]) {
        const beside = at + step
        if (isClipped(beside)) {
          if (seen[beside] === 0) {
            seen[beside] = 1
            patch.push(beside)
          }
          continue
        }
        border += 1
        // Soft: the next square is still bright all over, and the one after it darker again.
        if ((lows[beside] ?? 0) > softLevel && (means[beside] ?? 0) < 252) softBorder += 1
      }
    }
    if (!reachesEnd && patch.length >= minGlareSquares && border > 0 && softBorder / border > 0.5) glare += inside
  }
  const area = ((within.right - within.left + 1) * (within.bottom - within.top + 1)) / glareSquare ** 2
  return Math.min(1, glare / area)
}

/**
 * Writes down the mean and the lowest level of the square whose first pixel is `start`, by every other row; of one that is
 * not bright only a level of it.
 */
function meanOfSquare({ data, width }: Luma, start: number, to: number, means: Float64Array, lows: Uint8Array): void {
  let sum = 0
  let low = 255
  // Most squares have a pixel that is neither pure white nor bright: they are done with.
  for (let row = start, end = start + glareSquare * width; row < end && low > softLevel; row += 2 * width) {
    for (let at = row; at < row + glareSquare; at += 1) {
      const level = data[at] ?? 0
      sum += level
      if (level < low) low = level
    }
  }
  means[to] = (2 * sum) / glareSquare ** 2
  lows[to] = low
}

/** Where the text is: the box around nine tenths of the letters. */
function textBox(lines: readonly TextLine[]): Omit<Letter, 'isDark'> | null {
  const letters = lines.flatMap((line) => line.letters)
  if (letters.length < thresholds.minLetters) return null
  const at = (values: readonly number[], part: number): number =>
    values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? 0
  return {
    left: at(
      letters.map(({ left }) => left),
      0.05,
    ),
    right: at(
      letters.map(({ right }) => right),
      0.95,
    ),
    top: at(
      letters.map(({ top }) => top),
      0.05,
    ),
    bottom: at(
      letters.map(({ bottom }) => bottom),
      0.95,
    ),
  }
}

/** How far a direction is from the nearest of level and upright, -45 to 45. */
function fromAxis(degrees: number): number {
  const rest = ((degrees % 90) + 90) % 90
  return rest > 45 ? rest - 90 : rest
}

function weightedMedian(lines: readonly LineMeasures[], value: (line: LineMeasures) => number): number {
  const sorted = lines
    .map((line) => ({ value: value(line), weight: line.weight }))
    .toSorted((a, b) => a.value - b.value)
  const half = sorted.reduce((sum, { weight }) => sum + weight, 0) / 2
  let sum = 0
  for (const { value: found, weight } of sorted) {
    sum += weight
    if (sum >= half) return found
  }
  return 0
}

const round = (value: number): number => Math.round(value * 1000) / 1000
