import { brightnessOf } from './luma.ts'

/** Pixels row by row: of one byte, brightness, or of red, green and blue. */
export interface Pixels {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
}

/** Cells a side; a bit says whether a cell is brighter than its left neighbour. */
const side = 16

/**
 * What a photo looks like as 256 bits (a difference hash, dHash): the image as 17 x 16 mean brightnesses, and a bit
 * for each step to the right. Scaling, compression and exposure change few of them, another picture about half.
 */
export function perceptualHash(pixels: Pixels): string {
  const { width, height } = pixels
  let hash = ''
  // A mean of some hundreds of pixels is that of them all.
  const step = Math.max(1, Math.floor(Math.min(width, height) / 512))
  for (let row = 0; row < side; row += 1) {
    const top = Math.floor((row * height) / side)
    const bottom = Math.max(top + 1, Math.floor(((row + 1) * height) / side))
    let before = 0
    let bits = 0
    for (let column = 0; column <= side; column += 1) {
      const left = Math.floor((column * width) / (side + 1))
      const right = Math.max(left + 1, Math.floor(((column + 1) * width) / (side + 1)))
      const mean = meanBrightness(pixels, { left, top, right, bottom }, step)
      // Half a step of brightness is noise: a flat surface is all zeros, whatever the sensor's grain.
      if (column > 0) bits = bits * 2 + (mean > before + 0.5 ? 1 : 0)
      before = mean
    }
    hash += bits.toString(16).padStart(side / 4, '0')
  }
  return hash
}

interface Cell {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

function meanBrightness({ data, width, channels }: Pixels, { left, top, right, bottom }: Cell, step: number): number {
  const [green, blue] = channels === 3 ? [1, 2] : [0, 0]
  let sum = 0
  let count = 0
  for (let y = top; y < bottom; y += step) {
    for (let x = left; x < right; x += step, count += 1) {
      const at = (y * width + x) * channels
      sum += brightnessOf(data[at] ?? 0, data[at + green] ?? 0, data[at + blue] ?? 0)
    }
  }
  return sum / count
}
