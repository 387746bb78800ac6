/**
 * Lines of text out of the map that the detector answers: how likely each pixel is inside of a line's core. Pure.
 */

/** A line of text as a band along a slightly bent axis, in pixels of the picture that was searched. */
export interface TextBand {
  /** The middle of the axis. */
  readonly x: number
  readonly y: number
  /** Of the axis, in radians; along it the text runs, once it is known to be upright. */
  readonly angle: number
  readonly length: number
  readonly thickness: number
  /** The axis leaves its straight line by `bend * s * s + slope * s`, s from its middle. */
  readonly bend: number
  readonly slope: number
  /** The mean of the map inside of the core. */
  readonly score: number
}

const minProbability = 0.3
const minScore = 0.5
const minCoreThickness = 3
/** How far the core is grown: the detector is trained on lines shrunk by their area over their circumference. */
const growth = 1.6

/** All bands of a map of `width` x `height` probabilities. */
export function bandsOf(map: Float32Array, width: number, height: number): TextBand[] {
  const seen = new Uint8Array(width * height)
  const stack = new Int32Array(width * height)
  const bands: TextBand[] = []
  for (let start = 0; start < map.length; start++) {
    if (seen[start] || map[start]! < minProbability) continue
    let count = 0
    let sum = 0
    const members: number[] = []
    stack[count++] = start
    seen[start] = 1
    while (count > 0) {
      const at = stack[--count]!
      members.push(at)
      sum += map[at]!
      const x = at % width
      const y = (at - x) / width
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const toX = x + dx
          const toY = y + dy
          if (toX < 0 || toY < 0 || toX >= width || toY >= height) continue
          const to = toY * width + toX
          if (seen[to] || map[to]! < minProbability) continue
          seen[to] = 1
          stack[count++] = to
        }
      }
    }
    if (members.length < 12) continue
    const score = sum / members.length
    if (score < minScore) continue
    const band = bandOf(members, width, score)
    if (band) bands.push(band)
  }
  return bands
}

function bandOf(members: readonly number[], width: number, score: number): TextBand | null {
  const angle = angleOf(members, width)
  const cos = Math.cos(angle)
  const sin = Math.sin(angle)
  let minS = Infinity
  let maxS = -Infinity
  let minT = Infinity
  let maxT = -Infinity
  for (const at of members) {
    const x = (at % width) + 0.5
    const y = Math.floor(at / width) + 0.5
    const s = x * cos + y * sin
    const t = y * cos - x * sin
    if (s < minS) minS = s
    if (s > maxS) maxS = s
    if (t < minT) minT = t
    if (t > maxT) maxT = t
  }
  const length = maxS - minS + 1
  const rectangle = maxT - minT + 1
  const middleS = (minS + maxS) / 2
  let middleT = (minT + maxT) / 2
  let thickness = rectangle
  let bend = 0
  let slope = 0
  if (length > rectangle * 2.5) {
    const bent = axisOf(members, width, cos, sin, minS, maxS)
    // A straight rectangle is steadier; the axis is followed where it is visibly bent or askew.
    if (bent && rectangle > bent.thickness * 1.25) {
      ;({ bend, slope } = bent)
      middleT = bent.offset
      thickness = bent.thickness
    }
  }
  if (thickness < minCoreThickness) return null
  const distance = ((length * thickness) / (2 * (length + thickness))) * growth
  return {
    x: middleS * cos - middleT * sin,
    y: middleS * sin + middleT * cos,
    angle,
    length: length + 2 * distance,
    thickness: thickness + 2 * distance,
    bend,
    slope,
    score,
  }
}

/** The direction of the smallest rectangle around the pixels, along its long side; near squares are taken as level. */
function angleOf(members: readonly number[], width: number): number {
  const hull = hullOf(members, width)
  let best = { area: Infinity, angle: 0, ratio: 1 }
  for (let index = 0; index < hull.length; index++) {
    const [x, y] = hull[index]!
    const [nextX, nextY] = hull[(index + 1) % hull.length]!
    const angle = Math.atan2(nextY - y, nextX - x)
    const cos = Math.cos(angle)
    const sin = Math.sin(angle)
    let minS = Infinity
    let maxS = -Infinity
    let minT = Infinity
    let maxT = -Infinity
    for (const [px, py] of hull) {
      const s = px * cos + py * sin
      const t = py * cos - px * sin
      minS = Math.min(minS, s)
      maxS = Math.max(maxS, s)
      minT = Math.min(minT, t)
      maxT = Math.max(maxT, t)
    }
    const along = maxS - minS + 1
    const across = maxT - minT + 1
    const area = along * across
    if (area < best.area) {
      best = { area, angle: along >= across ? angle : angle + Math.PI / 2, ratio: along / across }
    }
  }
  const ratio = Math.max(best.ratio, 1 / best.ratio)
  const angle = levelled(best.angle)
  // A single letter has no direction: it is level, or upright with the page.
  if (ratio < 1.35 && Math.abs(angle) > Math.PI / 4) return levelled(angle - Math.PI / 2)
  return angle
}

/** The same direction from -45 (not included) to 135 degrees, so that lines which run down the page all run down. */
function levelled(angle: number): number {
  const half = angle - Math.PI * Math.round(angle / Math.PI)
  return half <= -Math.PI / 4 ? half + Math.PI : half
}

/** The convex hull of the pixels, by the first and last pixel of each row. */
function hullOf(members: readonly number[], width: number): [number, number][] {
  const rows = new Map<number, [number, number]>()
  for (const at of members) {
    const x = at % width
    const y = (at - x) / width
    const row = rows.get(y)
    if (!row) rows.set(y, [x, x])
    else if (x < row[0]) row[0] = x
    else if (x > row[1]) row[1] = x
  }
  const points = [...rows]
    .flatMap(([y, [first, last]]): [number, number][] =>
      first === last
        ? [[first, y]]
        : [
            [first, y],
            [last, y],
          ],
    )
    .toSorted((one, other) => one[0] - other[0] || one[1] - other[1])
  const half = (ordered: readonly [number, number][]): [number, number][] => {
    const chain: [number, number][] = []
    for (const point of ordered) {
      while (chain.length >= 2 && cross(chain[chain.length - 2]!, chain[chain.length - 1]!, point) <= 0) chain.pop()
      chain.push(point)
    }
    return chain.slice(0, -1)
  }
  const hull = [...half(points), ...half(points.toReversed())]
  return hull.length > 0 ? hull : points
}

function cross(a: readonly [number, number], b: readonly [number, number], c: readonly [number, number]): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/** A parabola through the middles of the core's columns, and the middle thickness of them. */
function axisOf(
  members: readonly number[],
  width: number,
  cos: number,
  sin: number,
  minS: number,
  maxS: number,
): { bend: number; slope: number; offset: number; thickness: number } | null {
  const columns = Math.ceil(maxS - minS + 1)
  const low = new Float64Array(columns).fill(Infinity)
  const high = new Float64Array(columns).fill(-Infinity)
  for (const at of members) {
    const x = (at % width) + 0.5
    const y = Math.floor(at / width) + 0.5
    const column = Math.floor(x * cos + y * sin - minS)
    const t = y * cos - x * sin
    if (t < low[column]!) low[column] = t
    if (t > high[column]!) high[column] = t
  }
  const middle = (maxS + minS) / 2
  const sums = [0, 0, 0, 0, 0]
  const right = [0, 0, 0]
  const heights: number[] = []
  for (let column = 0; column < columns; column++) {
    if (high[column]! < low[column]!) continue
    const s = minS + column + 0.5 - middle
    const t = (low[column]! + high[column]!) / 2
    heights.push(high[column]! - low[column]! + 1)
    for (let power = 0, value = 1; power < 5; power++, value *= s) {
      sums[power]! += value
      if (power < 3) right[power]! += value * t
    }
  }
  if (heights.length < 8) return null
  const [n, s1, s2, s3, s4] = sums as [number, number, number, number, number]
  const [r0, r1, r2] = right as [number, number, number]
  const determinant = n * (s2 * s4 - s3 * s3) - s1 * (s1 * s4 - s2 * s3) + s2 * (s1 * s3 - s2 * s2)
  if (Math.abs(determinant) < 1e-6) return null
  const offset = (r0 * (s2 * s4 - s3 * s3) - s1 * (r1 * s4 - s3 * r2) + s2 * (r1 * s3 - s2 * r2)) / determinant
  const slope = (n * (r1 * s4 - s3 * r2) - r0 * (s1 * s4 - s2 * s3) + s2 * (s1 * r2 - r1 * s2)) / determinant
  const bend = (n * (s2 * r2 - r1 * s3) - s1 * (s1 * r2 - r1 * s2) + r0 * (s1 * s3 - s2 * s2)) / determinant
  heights.sort((one, other) => one - other)
  return { bend, slope, offset, thickness: heights[Math.floor(heights.length * 0.75)]! }
}
