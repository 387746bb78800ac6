/** A grey image: one byte a pixel, row by row, 0 is black. */
export interface GreyImage {
  readonly data: Uint8Array | Uint8ClampedArray
  readonly width: number
  readonly height: number
}

/** The luma of red, green and blue, in the integer arithmetic that zxing uses; `channels` bytes a pixel. */
export function greyOf(
  pixels: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  channels: 3 | 4,
): GreyImage {
  const data = new Uint8Array(width * height)
  for (let index = 0, at = 0; index < data.length; index++, at += channels) {
    data[index] = (306 * pixels[at]! + 601 * pixels[at + 1]! + 117 * pixels[at + 2]! + 512) >> 10
  }
  return { data, width, height }
}

/** Scaled by a factor: areas are averaged on the way down, cubic curves drawn on the way up. */
export function scaled(image: GreyImage, factor: number): GreyImage {
  const width = Math.max(1, Math.round(image.width * factor))
  const height = Math.max(1, Math.round(image.height * factor))
  const horizontal = taps(image.width, width)
  const vertical = taps(image.height, height)
  const narrow = new Float32Array(width * image.height)
  for (let y = 0; y < image.height; y++) {
    const row = y * image.width
    for (let x = 0; x < width; x++) {
      let sum = 0
      for (let tap = horizontal.first[x]!, end = horizontal.first[x + 1]!; tap < end; tap++) {
        sum += horizontal.weight[tap]! * image.data[row + horizontal.source[tap]!]!
      }
      narrow[y * width + x] = sum
    }
  }
  const data = new Uint8ClampedArray(width * height)
  const line = new Float32Array(width)
  for (let y = 0; y < height; y++) {
    line.fill(0)
    for (let tap = vertical.first[y]!, end = vertical.first[y + 1]!; tap < end; tap++) {
      const weight = vertical.weight[tap]!
      const row = vertical.source[tap]! * width
      for (let x = 0; x < width; x++) line[x]! += weight * narrow[row + x]!
    }
    data.set(line, y * width)
  }
  return { data, width, height }
}

interface Taps {
  /** Where the taps of each target begin; one more entry for the end. */
  readonly first: Uint32Array
  readonly source: readonly number[]
  readonly weight: readonly number[]
}

function taps(from: number, to: number): Taps {
  const first = new Uint32Array(to + 1)
  const source: number[] = []
  const weight: number[] = []
  const step = from / to
  for (let target = 0; target < to; target++) {
    const begin = source.length
    if (step > 1) {
      const left = target * step
      const right = Math.min(from, left + step)
      for (let at = Math.floor(left); at < right; at++) {
        source.push(at)
        weight.push(Math.min(at + 1, right) - Math.max(at, left))
      }
    } else {
      const centre = (target + 0.5) * step - 0.5
      for (let at = Math.floor(centre) - 1; at <= Math.floor(centre) + 2; at++) {
        source.push(Math.min(from - 1, Math.max(0, at)))
        weight.push(catmullRom(at - centre))
      }
    }
    let sum = 0
    for (let tap = begin; tap < weight.length; tap++) sum += weight[tap]!
    for (let tap = begin; tap < weight.length; tap++) weight[tap]! /= sum
    first[target + 1] = source.length
  }
  return { first, source, weight }
}

function catmullRom(distance: number): number {
  const t = Math.abs(distance)
  if (t < 1) return 1.5 * t * t * t - 2.5 * t * t + 1
  return t < 2 ? -0.5 * t * t * t + 2.5 * t * t - 4 * t + 2 : 0
}

/** The mean over a square of `2 * radius + 1` pixels around each; edges are repeated. */
function boxMean(data: ArrayLike<number>, width: number, height: number, radius: number): Float32Array {
  const across = new Float32Array(width * height)
  const mean = new Float32Array(width * height)
  const size = 2 * radius + 1
  for (let y = 0; y < height; y++) {
    const row = y * width
    let sum = 0
    for (let x = -radius; x <= radius; x++) sum += data[row + Math.min(width - 1, Math.max(0, x))]!
    for (let x = 0; x < width; x++) {
      across[row + x] = sum / size
      sum += data[row + Math.min(width - 1, x + radius + 1)]! - data[row + Math.max(0, x - radius)]!
    }
  }
  const sums = new Float32Array(width)
  for (let y = -radius; y <= radius; y++) {
    const row = Math.min(height - 1, Math.max(0, y)) * width
    for (let x = 0; x < width; x++) sums[x]! += across[row + x]!
  }
  for (let y = 0; y < height; y++) {
    const enters = Math.min(height - 1, y + radius + 1) * width
    const leaves = Math.max(0, y - radius) * width
    for (let x = 0; x < width; x++) {
      mean[y * width + x] = sums[x]! / size
      sums[x]! += across[enters + x]! - across[leaves + x]!
    }
  }
  return mean
}

/** Smoothed: two box means, near to a Gaussian. */
export function smoothed({ data, width, height }: GreyImage, radius: number): GreyImage {
  const twice = boxMean(boxMean(data, width, height, radius), width, height, radius)
  return { data: Uint8ClampedArray.from(twice), width, height }
}

/** Sharpened: the difference from the smoothed image, added `amount` times. */
export function sharpened(image: GreyImage, radius: number, amount: number): GreyImage {
  const { data, width, height } = image
  const soft = boxMean(boxMean(data, width, height, radius), width, height, radius)
  const sharp = new Uint8ClampedArray(data.length)
  for (let at = 0; at < sharp.length; at++) sharp[at] = data[at]! + amount * (data[at]! - soft[at]!)
  return { data: sharp, width, height }
}

/** Even contrast everywhere: each pixel by the mean and deviation of its surroundings. */
export function levelled({ data, width, height }: GreyImage, radius: number): GreyImage {
  const mean = boxMean(data, width, height, radius)
  const squares = new Float32Array(data.length)
  for (let at = 0; at < squares.length; at++) squares[at] = data[at]! * data[at]!
  const power = boxMean(squares, width, height, radius)
  const even = new Uint8ClampedArray(data.length)
  for (let at = 0; at < even.length; at++) {
    const deviation = Math.sqrt(Math.max(0, power[at]! - mean[at]! * mean[at]!))
    // What varies by less than six grey values is paper, not print.
    even[at] = 128 + (64 * (data[at]! - mean[at]!)) / Math.max(deviation, 6)
  }
  return { data: even, width, height }
}

export function inverted({ data, width, height }: GreyImage): GreyImage {
  return { data: Uint8Array.from(data, (value) => 255 - value), width, height }
}
