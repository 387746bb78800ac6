import { mix, sample, type Bitmap, type Pyramid } from './bitmap.ts'

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

/** A circle is moved and resized by so much of its radius at most when it is looked at closely. */
const refinement = 0.16
const rays = 64

/**
 * The same circle, to a fraction of a pixel: letters of a small seal are a few pixels high, and a ring that is off by half
 * of that unrolls them askew. It is where the mean of the picture around a middle changes most from one radius to the
 * next: what stands in the way of some rays, such as the letters themselves, counts little.
 */
export function refined(pyramid: Pyramid, circle: Circle): Circle {
  const level = Math.min(pyramid.length - 1, Math.max(0, Math.round(Math.log2(circle.radius / 48))))
  const bitmap = pyramid[level]!
  const shrink = 1 / 2 ** level
  const radius = circle.radius * shrink
  const start = { x: circle.x * shrink, y: circle.y * shrink, radius, change: -1 }
  const lookAround = (from: typeof start, reach: number, step: number): typeof start => {
    let best = from
    for (let y = from.y - reach; y <= from.y + reach; y += step) {
      for (let x = from.x - reach; x <= from.x + reach; x += step) {
        const found = sharpest(bitmap, x, y, radius * (1 - refinement), radius * (1 + refinement))
        if (found.change > best.change) best = { x, y, ...found }
      }
    }
    return best
  }
  const near = lookAround(start, radius * refinement, 2)
  const best = lookAround(near, 2, 0.5)
  // The middle of a pixel of a halved picture stands between those of the whole one.
  return { x: (best.x + 0.5) / shrink - 0.5, y: (best.y + 0.5) / shrink - 0.5, radius: best.radius / shrink }
}

/** The radius at which the mean around a middle changes most, in whichever colour, and by how much. */
function sharpest(
  bitmap: Bitmap,
  x: number,
  y: number,
  from: number,
  to: number,
): { readonly radius: number; readonly change: number } {
  const count = Math.ceil(to - from) + 3
  const means = new Float32Array(count * 3)
  const mixed = new Float64Array(3)
  for (let ray = 0; ray < rays; ray++) {
    const cos = Math.cos((ray / rays) * 2 * Math.PI)
    const sin = Math.sin((ray / rays) * 2 * Math.PI)
    for (let step = 0; step < count; step++) {
      const far = from - 1 + step
      mix(bitmap, x + cos * far, y + sin * far, mixed)
      for (let channel = 0; channel < 3; channel++) means[step * 3 + channel]! += mixed[channel]!
    }
  }
  let best = { radius: from, change: 0 }
  for (let step = 1; step < count - 1; step++) {
    for (let channel = 0; channel < 3; channel++) {
      const change = Math.abs(means[(step + 1) * 3 + channel]! - means[(step - 1) * 3 + channel]!) / rays
      if (change > best.change) best = { radius: from - 1 + step, change }
    }
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
export function stripsOf(pyramid: Pyramid, circle: Circle, height: number): Bitmap[] {
  return ways.map((way) => unrolled(pyramid, circle, way, height, 1))
}

/** Which ring, and whether its words stand at the bottom. */
const ways = rings.flatMap((ring) => [false, true].map((isBottom) => ({ ring, isBottom })))

/** How far glances are moved, in radii: an eye that moves a little, too, reads what it could not. */
const glances: readonly (readonly [x: number, y: number])[] = [
  [0, 0],
  [0.03, 0],
  [-0.03, 0],
  [0, 0.03],
  [0, -0.03],
]
/** Letters that are only a few pixels high are told better when they stand closer. */
const glanceWidth = 0.85

/** One of the strips of `stripsOf` by its place among them, seen several times, each a little differently. */
export function glancesOf(pyramid: Pyramid, { x, y, radius }: Circle, place: number, height: number): Bitmap[] {
  const way = ways[place]!
  return glances.map(([right, below]) =>
    unrolled(pyramid, { x: x + right * radius, y: y + below * radius, radius }, way, height, glanceWidth),
  )
}

function unrolled(
  pyramid: Pyramid,
  { x, y, radius }: Circle,
  { ring: [from, to], isBottom }: (typeof ways)[number],
  height: number,
  stretch: number,
): Bitmap {
  const inner = from * radius
  const outer = to * radius
  const scale = (outer - inner) / height
  const angle = 2 * Math.PI * turns
  const width = Math.round(((angle * (inner + outer)) / 2 / scale) * (stretch / 8)) * 8
  return sample(pyramid, width, height, scale, (across, down, point) => {
    const turned = ((across + 0.5) / width) * angle
    const depth = ((down + 0.5) / height) * (outer - inner)
    const at = isBottom ? inner + depth : outer - depth
    // Both begin on the side where they have no words: below, and above.
    const direction = isBottom ? 1.5 * Math.PI - turned : 0.5 * Math.PI + turned
    point[0] = x + at * Math.cos(direction)
    point[1] = y + at * Math.sin(direction)
  })
}
