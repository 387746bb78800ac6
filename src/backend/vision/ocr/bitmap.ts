/** Upright pixels, three bytes each: red, green, blue. */
export interface Bitmap {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}

/** A bitmap and its halves, down to small ones, so that a sample never skips pixels. */
export type Pyramid = readonly Bitmap[]

const smallestSide = 64

export function pyramidOf(bitmap: Bitmap): Pyramid {
  const levels = [bitmap]
  let last = bitmap
  while (Math.min(last.width, last.height) >= smallestSide * 2 && levels.length < 6) {
    last = halved(last)
    levels.push(last)
  }
  return levels
}

function halved({ data, width, height }: Bitmap): Bitmap {
  const halfWidth = width >> 1
  const halfHeight = height >> 1
  const half = new Uint8Array(halfWidth * halfHeight * 3)
  const stride = width * 3
  for (let y = 0, to = 0; y < halfHeight; y++) {
    for (let x = 0, from = y * 2 * stride; x < halfWidth; x++, from += 6) {
      for (let channel = 0; channel < 3; channel++, to++) {
        const at = from + channel
        half[to] = (data[at]! + data[at + 3]! + data[at + stride]! + data[at + stride + 3]! + 2) >> 2
      }
    }
  }
  return { data: half, width: halfWidth, height: halfHeight }
}

/**
 * A straightened piece of a picture, `width` x `height` pixels of three bytes.
 *
 * `place` says for a pixel of the piece where its middle is in the picture, and `scale` how many pixels of the
 * picture one pixel of the piece covers.
 */
export function sample(
  pyramid: Pyramid,
  width: number,
  height: number,
  scale: number,
  place: (x: number, y: number, point: [number, number]) => void,
): Bitmap {
  const level = Math.min(pyramid.length - 1, Math.max(0, Math.round(Math.log2(Math.max(scale, 1)))))
  const bitmap = pyramid[level]!
  const shrink = 1 / 2 ** level
  const piece = new Uint8Array(width * height * 3)
  const point: [number, number] = [0, 0]
  const mixed = new Float64Array(3)
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      place(x, y, point)
      mix(bitmap, point[0] * shrink - 0.5, point[1] * shrink - 0.5, mixed)
      for (let channel = 0; channel < 3; channel++) piece[to + channel] = mixed[channel]! + 0.5
    }
  }
  return { data: piece, width, height }
}

/** What is at a place between pixels, the middle of the first one at 0, mixed of the four around it; beyond the edges as on them. */
export function mix({ data, width, height }: Bitmap, x: number, y: number, into: Float64Array): void {
  const left = Math.min(width - 1.001, Math.max(0, x))
  const top = Math.min(height - 1.001, Math.max(0, y))
  const column = left | 0
  const row = top | 0
  const right = left - column
  const down = top - row
  const at = (row * width + column) * 3
  const below = at + width * 3
  for (let channel = 0; channel < 3; channel++) {
    const upper = data[at + channel]! * (1 - right) + data[at + 3 + channel]! * right
    const lower = data[below + channel]! * (1 - right) + data[below + 3 + channel]! * right
    into[channel] = upper * (1 - down) + lower * down
  }
}
