import { sample, type Bitmap, type Pyramid } from './bitmap.ts'

/**
 * Words that run round a seal: the detector knows lines, and passes over the ones that bite their own tail. Circles are
 * looked for instead, and the rings in and around them unrolled. Pure.
 */

/** A circle in a picture, in its pixels. */
export interface Circle {
  readonly x: number
  readonly y: number
  readonly radius: number
}

/** In pixels of the picture that is searched, some 800 a side: smaller seals have no letters, larger circles are plates. */
const minRadius = 14
const maxRadius = 110
/** How much of its round a circle must show. */
const minRound = 0.6
const mostCircles = 5
const sectors = 64

/** The circles that stand out most in a picture, the surest first. */
export function circlesOf(bitmap: Bitmap): Circle[] {
  const { width, height } = bitmap
  const edges = edgesOf(bitmap)
  const votes = votesOf(edges, width, height)
  const circles: Round[] = []
  for (const { x, y } of peaksOf(votes, width, height)) {
    const circle = roundest(edges, x, y)
    if (circle && circle.round >= minRound) circles.push(circle)
  }
  const kept: Circle[] = []
  for (const { x, y, radius } of circles.toSorted((one, other) => other.round - one.round)) {
    const isKnown = kept.some(
      (one) => Math.hypot(one.x - x, one.y - y) < radius * 0.3 && Math.abs(one.radius - radius) < radius * 0.2,
    )
    if (!isKnown) kept.push({ x, y, radius })
    if (kept.length === mostCircles) break
  }
  return kept
}

interface Round extends Circle {
  /** How much of its round is there, 0 to 1. */
  readonly round: number
}

interface Edge {
  readonly x: number
  readonly y: number
  /** Its direction from dark to light, of length 1. */
  readonly across: number
  readonly down: number
}

/** The pixels where the picture changes most, in whichever colour: one in eight, none where it hardly changes. */
function edgesOf({ data, width, height }: Bitmap): Edge[] {
  const acrossOf = new Int16Array(width * height)
  const downOf = new Int16Array(width * height)
  const strengths = new Uint16Array(width * height)
  const counts = new Uint32Array(2_048)
  const row = width * 3
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x
      for (let from = at * 3; from < at * 3 + 3; from++) {
        const [a, b, c] = [data[from - row - 3]!, data[from - row]!, data[from - row + 3]!]
        const [d, f] = [data[from - 3]!, data[from + 3]!]
        const [g, h, i] = [data[from + row - 3]!, data[from + row]!, data[from + row + 3]!]
        const across = c + 2 * f + i - a - 2 * d - g
        const down = g + 2 * h + i - a - 2 * b - c
        const strength = Math.min(2_047, Math.sqrt(across * across + down * down))
        if (strength <= strengths[at]!) continue
        strengths[at] = strength
        acrossOf[at] = across
        downOf[at] = down
      }
      counts[strengths[at]!]!++
    }
  }
  let least = 2_047
  for (let more = 0; least > 60 && more < strengths.length / 8; least--) more += counts[least]!
  const edges: Edge[] = []
  strengths.forEach((strength, at) => {
    if (strength < least) return
    const across = acrossOf[at]!
    const down = downOf[at]!
    const length = Math.hypot(across, down)
    edges.push({ x: at % width, y: Math.floor(at / width), across: across / length, down: down / length })
  })
  return edges
}

/** For each pixel how many edges look towards it or away from it, near ones with more weight: they are fewer. */
function votesOf(edges: readonly Edge[], width: number, height: number): Float32Array {
  const votes = new Float32Array(width * height)
  for (const { x, y, across, down } of edges) {
    for (const side of [-1, 1]) {
      for (let radius = minRadius; radius <= maxRadius; radius++) {
        const toX = Math.round(x + side * across * radius)
        const toY = Math.round(y + side * down * radius)
        if (toX < 0 || toY < 0 || toX >= width || toY >= height) break
        votes[toY * width + toX]! += 1 / radius
      }
    }
  }
  return votes
}

/** The places with the most votes around them, well apart. */
function peaksOf(votes: Float32Array, width: number, height: number): { x: number; y: number }[] {
  const peaks: { x: number; y: number; sum: number }[] = []
  for (let y = 2; y < height - 2; y++) {
    for (let x = 2; x < width - 2; x++) {
      const at = y * width + x
      const here = votes[at]!
      let isPeak = here > 0
      let sum = 0
      for (let dy = -2; isPeak && dy <= 2; dy++) {
        for (let dx = -2; dx <= 2; dx++) {
          const other = votes[at + dy * width + dx]!
          sum += other
          if (other > here) isPeak = false
        }
      }
      if (isPeak) peaks.push({ x, y, sum })
    }
  }
  return peaks.toSorted((one, other) => other.sum - one.sum).slice(0, 40)
}

/** The radius at which the edges around a place make the most of a circle, if any does. */
function roundest(edges: readonly Edge[], x: number, y: number): Round | null {
  const radii = maxRadius + 2
  const seen = new Uint8Array(radii * sectors)
  for (const edge of edges) {
    const right = edge.x - x
    const below = edge.y - y
    const radius = Math.hypot(right, below)
    if (radius < minRadius || radius > maxRadius) continue
    if (Math.abs(right * edge.across + below * edge.down) < radius * 0.95) continue
    const sector = Math.floor(((Math.atan2(below, right) / (2 * Math.PI) + 1) % 1) * sectors)
    seen[Math.round(radius) * sectors + sector] = 1
  }
  let best: Round | null = null
  for (let radius = minRadius + 1; radius < maxRadius; radius++) {
    let filled = 0
    for (let sector = 0; sector < sectors; sector++) {
      const at = radius * sectors + sector
      if (seen[at - sectors] || seen[at] || seen[at + sectors]) filled++
    }
    // Of the circles of one seal the outer one has its words inside.
    if (!best || filled / sectors >= best.round) best = { x, y, radius, round: filled / sectors }
  }
  return best
}

/** From where to where words stand, in radii: inside of the outer circle, large or small, and around an inner one. */
const rings: readonly (readonly [number, number])[] = [
  [0.62, 1.04],
  [0.75, 1.02],
  [0.98, 1.5],
]
/** More than a whole turn, so that no word is cut in two. */
const turns = 1.2

/**
 * The rings of a circle as lines, `height` pixels high: read clockwise with their feet to the middle, as words at the
 * top of a seal are, and the other way round, as those at its bottom.
 */
export function stripsOf(pyramid: Pyramid, { x, y, radius }: Circle, height: number): Bitmap[] {
  return rings.flatMap(([from, to]) => {
    const inner = from * radius
    const outer = to * radius
    const scale = (outer - inner) / height
    const angle = 2 * Math.PI * turns
    const width = Math.round((angle * (inner + outer)) / 2 / scale / 8) * 8
    return [false, true].map((isBottom) =>
      sample(pyramid, width, height, scale, (across, down, point) => {
        const turned = ((across + 0.5) / width) * angle
        const depth = ((down + 0.5) / height) * (outer - inner)
        const at = isBottom ? inner + depth : outer - depth
        // Both begin on the side where they have no words: below, and above.
        const direction = isBottom ? 1.5 * Math.PI - turned : 0.5 * Math.PI + turned
        point[0] = x + at * Math.cos(direction)
        point[1] = y + at * Math.sin(direction)
      }),
    )
  })
}
