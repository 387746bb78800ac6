import { scaled } from './image.ts'
import type { GreyImage } from './image.ts'

/** A part of an image that looks like parallel bars. */
export interface BarRegion {
  /** Its centre, in pixels. */
  readonly x: number
  readonly y: number
  /** The direction across the bars, in radians from the x axis, in (-π/2, π/2]. */
  readonly angle: number
  /** Across the bars, in pixels. */
  readonly length: number
  /** Along the bars, in pixels. */
  readonly height: number
  /** How much of it there is: the sum of its gradients. */
  readonly weight: number
}

/** Cells whose gradients mostly lie in one direction, and are strong enough to be print. */
const leastCoherence = 0.5
const leastEnergy = 12
/** Cells belong together when their directions differ by less. */
const widestTurn = (22 * Math.PI) / 180

/**
 * Finds what looks like the bars of linear codes, at any angle: cells whose gradients lie in one direction, grown together.
 *
 * Answers at most `limit` regions, the weightiest first. Blurred bars are seen at half the size, thin ones at full.
 */
export function findBars(image: GreyImage, limit: number): readonly BarRegion[] {
  const found: BarRegion[] = []
  const finest = Math.min(1, Math.sqrt(2_500_000 / (image.width * image.height)))
  for (const factor of [finest, finest / 2]) {
    const level = factor === 1 ? image : scaled(image, factor)
    if (Math.min(level.width, level.height) < 24) break
    for (const region of grow(level)) {
      found.push({
        ...region,
        x: region.x / factor,
        y: region.y / factor,
        length: region.length / factor,
        height: region.height / factor,
        weight: region.weight / factor,
      })
    }
  }
  const distinct: BarRegion[] = []
  for (const region of joined(found).toSorted((a, b) => b.weight - a.weight)) {
    if (!distinct.some((other) => isSame(region, other))) distinct.push(region)
    if (distinct.length === limit) break
  }
  return distinct
}

function turn(a: number, b: number): number {
  const difference = Math.abs(a - b) % Math.PI
  return Math.min(difference, Math.PI - difference)
}

function isSame(a: BarRegion, b: BarRegion): boolean {
  const reach = 0.2 * Math.max(a.length, b.length)
  return (
    Math.hypot(a.x - b.x, a.y - b.y) < reach && turn(a.angle, b.angle) < 0.1 && Math.abs(a.length - b.length) < reach
  )
}

/** Glare or a fold parts a code: two regions on one line are tried as one as well. */
function joined(regions: readonly BarRegion[]): readonly BarRegion[] {
  const all = [...regions]
  for (const [index, a] of regions.entries()) {
    for (const b of regions.slice(index + 1)) {
      if (turn(a.angle, b.angle) > 0.2) continue
      const longer = a.length > b.length ? a : b
      const [cos, sin] = [Math.cos(longer.angle), Math.sin(longer.angle)]
      const along = (b.x - a.x) * cos + (b.y - a.y) * sin
      const aside = Math.abs((b.y - a.y) * cos - (b.x - a.x) * sin)
      const gap = Math.abs(along) - (a.length + b.length) / 2
      if (aside > 0.4 * Math.max(a.height, b.height) || gap < -0.3 * longer.length || gap > longer.length) continue
      const from = Math.min(-a.length / 2, along - b.length / 2)
      const to = Math.max(a.length / 2, along + b.length / 2)
      const middle = (from + to) / 2
      const height = Math.min(a.height, b.height)
      // The centre keeps to the line between the two.
      const share = along === 0 ? 0 : middle / along
      all.push({
        x: a.x + (b.x - a.x) * share,
        y: a.y + (b.y - a.y) * share,
        angle: longer.angle,
        length: to - from,
        height,
        weight: a.weight + b.weight,
      })
    }
  }
  return all
}

/** Sums of the products of gradients, which together have a direction and a coherence. */
interface Tensor {
  readonly xx: Float32Array
  readonly yy: Float32Array
  readonly xy: Float32Array
}

function grow(image: GreyImage): BarRegion[] {
  const side = Math.min(image.width, image.height) < 300 ? 4 : 8
  const columns = Math.floor(image.width / side)
  const rows = Math.floor(image.height / side)
  const { xx, yy, xy } = summed(tensorOf(image, side, columns, rows), columns, rows)
  const pixels = side * side * 9
  const strength = new Float32Array(columns * rows)
  const angles = new Float32Array(columns * rows)
  for (let cell = 0; cell < strength.length; cell++) {
    const sum = xx[cell]! + yy[cell]!
    const spread = Math.hypot(xx[cell]! - yy[cell]!, 2 * xy[cell]!)
    if (sum / pixels < leastEnergy || spread / sum < leastCoherence) continue
    strength[cell] = spread
    angles[cell] = 0.5 * Math.atan2(2 * xy[cell]!, xx[cell]! - yy[cell]!)
  }
  const seeds = Array.from(strength.keys())
    .filter((cell) => strength[cell]! > 0)
    .toSorted((a, b) => strength[b]! - strength[a]!)
  const taken = new Uint8Array(strength.length)
  const regions: BarRegion[] = []
  for (const seed of seeds) {
    if (taken[seed]) continue
    taken[seed] = 1
    const cells = [seed]
    let [sumXx, sumYy, sumXy] = [xx[seed]!, yy[seed]!, xy[seed]!]
    let angle = angles[seed]!
    for (let next = 0; next < cells.length; next++) {
      const cell = cells[next]!
      const column = cell % columns
      for (const neighbour of [
        column > 0 ? cell - 1 : -1,
        column < columns - 1 ? cell + 1 : -1,
        cell - columns,
        cell + columns,
      ]) {
        if (neighbour < 0 || neighbour >= strength.length || taken[neighbour] || strength[neighbour] === 0) continue
        if (turn(angles[neighbour]!, angle) > widestTurn) continue
        taken[neighbour] = 1
        cells.push(neighbour)
        sumXx += xx[neighbour]!
        sumYy += yy[neighbour]!
        sumXy += xy[neighbour]!
        angle = 0.5 * Math.atan2(2 * sumXy, sumXx - sumYy)
      }
    }
    if (cells.length < 6) continue
    const region = boxed(cells, columns, side, angle, Math.sqrt(sumXx + sumYy) * cells.length)
    if (region) regions.push(region)
  }
  return regions
}

function boxed(
  cells: readonly number[],
  columns: number,
  side: number,
  angle: number,
  weight: number,
): BarRegion | undefined {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const across = new Float32Array(cells.length)
  const along = new Float32Array(cells.length)
  for (const [index, cell] of cells.entries()) {
    const x = ((cell % columns) + 0.5) * side
    const y = (Math.floor(cell / columns) + 0.5) * side
    across[index] = x * cos + y * sin
    along[index] = y * cos - x * sin
  }
  across.sort()
  along.sort()
  const at = (values: Float32Array, share: number): number => values[Math.round(share * (values.length - 1))]!
  // Cells reach one neighbour further than what they saw, so the box is no narrower than the bars.
  const [left, right] = [at(across, 0.01) - side / 2, at(across, 0.99) + side / 2]
  const [top, bottom] = [at(along, 0.06), at(along, 0.94)]
  const length = right - left
  const height = bottom - top + side / 2
  if (length < 5 * side || height < side || height > 12 * length) return undefined
  // Half of the box is bars, or it is no box.
  if ((cells.length * side * side) / (length * height) < 0.35) return undefined
  const [middleAcross, middleAlong] = [(left + right) / 2, (top + bottom) / 2]
  return {
    x: middleAcross * cos - middleAlong * sin,
    y: middleAcross * sin + middleAlong * cos,
    angle,
    length,
    height,
    weight,
  }
}

function tensorOf({ data, width, height }: GreyImage, side: number, columns: number, rows: number): Tensor {
  const xx = new Float32Array(columns * rows)
  const yy = new Float32Array(columns * rows)
  const xy = new Float32Array(columns * rows)
  for (let y = 1; y < Math.min(height - 1, rows * side); y++) {
    const line = Math.floor(y / side) * columns
    for (let column = 0; column < columns; column++) {
      let [sumXx, sumYy, sumXy] = [0, 0, 0]
      const end = Math.min(width - 1, (column + 1) * side)
      for (let x = Math.max(1, column * side); x < end; x++) {
        const at = y * width + x
        const dx = data[at + 1]! - data[at - 1]!
        const dy = data[at + width]! - data[at - width]!
        sumXx += dx * dx
        sumYy += dy * dy
        sumXy += dx * dy
      }
      xx[line + column]! += sumXx
      yy[line + column]! += sumYy
      xy[line + column]! += sumXy
    }
  }
  return { xx, yy, xy }
}

/** Each cell with its eight neighbours. */
function summed(tensor: Tensor, columns: number, rows: number): Tensor {
  const sum = (values: Float32Array): Float32Array => {
    const sums = new Float32Array(values.length)
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let total = 0
        for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++) {
          for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x++) {
            total += values[y * columns + x]!
          }
        }
        sums[row * columns + column] = total
      }
    }
    return sums
  }
  return { xx: sum(tensor.xx), yy: sum(tensor.yy), xy: sum(tensor.xy) }
}

/** Bars laid straight: a row is the mean of a slice of the region along its bars. */
export interface Strip extends GreyImage {
  /** Pixels of the strip for one of the image. */
  readonly factor: number
  /** The share of the width, on each side, that lies outside of the region. */
  readonly margin: number
  readonly region: BarRegion
}

/** A strip is this many pixels wide at least, or the bars of small codes are not apart. */
const leastWidth = 420
const mostWidth = 1400

/**
 * Cuts a region out and lays it straight, with room on both sides for the quiet zone and for bars that were not seen.
 *
 * Each of the `rows` is a mean along the bars, which takes noise away and keeps every edge.
 */
export function stripOf(image: GreyImage, region: BarRegion, rows: number, margin: number): Strip {
  const { data, width: imageWidth, height: imageHeight } = image
  const whole = region.length * (1 + 2 * margin)
  const factor = Math.min(mostWidth / whole, Math.max(leastWidth / whole, 1, Math.min(3, 900 / whole)))
  const width = Math.round(whole * factor)
  const strip = new Uint8ClampedArray(width * rows)
  const [cos, sin] = [Math.cos(region.angle), Math.sin(region.angle)]
  const slice = region.height / rows
  const samples = Math.max(1, Math.min(12, Math.round(slice)))
  const sums = new Float32Array(width)
  for (let row = 0; row < rows; row++) {
    sums.fill(0)
    for (let sample = 0; sample < samples; sample++) {
      const aside = (row + (sample + 0.5) / samples) * slice - region.height / 2
      const startX = region.x - (whole / 2) * cos - aside * sin - 0.5
      const startY = region.y - (whole / 2) * sin + aside * cos - 0.5
      for (let column = 0; column < width; column++) {
        const along = (column + 0.5) / factor
        const x = Math.min(imageWidth - 1.001, Math.max(0, startX + along * cos))
        const y = Math.min(imageHeight - 1.001, Math.max(0, startY + along * sin))
        const [left, top] = [x | 0, y | 0]
        const [shareX, shareY] = [x - left, y - top]
        const at = top * imageWidth + left
        const above = data[at]! + (data[at + 1]! - data[at]!) * shareX
        const below = data[at + imageWidth]! + (data[at + imageWidth + 1]! - data[at + imageWidth]!) * shareX
        sums[column]! += above + (below - above) * shareY
      }
    }
    for (let column = 0; column < width; column++) strip[row * width + column] = sums[column]! / samples
  }
  return { data: strip, width, height: rows, factor, margin, region }
}

/** A point of a strip, in the image. */
export function inImage({ width, height, factor, region }: Strip, x: number, y: number): { x: number; y: number } {
  const along = (x - width / 2) / factor
  const aside = ((y - height / 2) / height) * region.height
  const [cos, sin] = [Math.cos(region.angle), Math.sin(region.angle)]
  return { x: Math.round(region.x + along * cos - aside * sin), y: Math.round(region.y + along * sin + aside * cos) }
}

/**
 * A strip with even contrast along each row: between the darkest and the lightest of the surroundings.
 *
 * `reach` is the half width of the surroundings, in pixels.
 */
export function evenStrip(strip: Strip, reach: number): Strip {
  const { data, width, height } = strip
  const even = new Uint8ClampedArray(data.length)
  const low = new Float32Array(width)
  const high = new Float32Array(width)
  for (let row = 0; row < height; row++) {
    const start = row * width
    const blocks = Math.max(1, Math.ceil(width / reach))
    const lows = new Float32Array(blocks).fill(255)
    const highs = new Float32Array(blocks)
    for (let x = 0; x < width; x++) {
      const block = Math.floor(x / reach)
      const value = data[start + x]!
      if (value < lows[block]!) lows[block] = value
      if (value > highs[block]!) highs[block] = value
    }
    for (let x = 0; x < width; x++) {
      const block = Math.floor(x / reach)
      low[x] = Math.min(lows[Math.max(0, block - 1)]!, lows[block]!, lows[Math.min(blocks - 1, block + 1)]!)
      high[x] = Math.max(highs[Math.max(0, block - 1)]!, highs[block]!, highs[Math.min(blocks - 1, block + 1)]!)
    }
    for (let x = 0; x < width; x++) {
      even[start + x] = ((data[start + x]! - low[x]!) * 255) / Math.max(12, high[x]! - low[x]!)
    }
  }
  return { ...strip, data: even }
}

/** A strip sharpened along its rows, against blur across the bars. */
export function sharpStrip(strip: Strip, radius: number, amount: number): Strip {
  const { data, width, height } = strip
  const sharp = new Uint8ClampedArray(data.length)
  const soft = new Float32Array(width)
  for (let row = 0; row < height; row++) {
    const start = row * width
    const mean = (from: (x: number) => number): Float32Array => {
      const means = new Float32Array(width)
      let sum = 0
      for (let x = -radius; x <= radius; x++) sum += from(Math.min(width - 1, Math.max(0, x)))
      for (let x = 0; x < width; x++) {
        means[x] = sum / (2 * radius + 1)
        sum += from(Math.min(width - 1, x + radius + 1)) - from(Math.max(0, x - radius))
      }
      return means
    }
    const once = mean((x) => data[start + x]!)
    soft.set(mean((x) => once[x]!))
    for (let x = 0; x < width; x++) {
      sharp[start + x] = data[start + x]! + amount * (data[start + x]! - soft[x]!)
    }
  }
  return { ...strip, data: sharp }
}
