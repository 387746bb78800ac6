/** Brightness of an image, a byte a pixel, row by row. */
export interface Luma {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}

/** As BT.601 weighs the colours; grey is itself. */
export function brightnessOf(red: number, green: number, blue: number): number {
  return (red * 77 + green * 150 + blue * 29 + 128) >> 8
}

/** Words of brightness that one call makes: V8 compiles what is called often better than what loops for long. */
const wordsAtOnce = 512

/** The brightness of each pixel of an image in red, green and blue, a byte each. */
export function lumaOf(rgb: Uint8Array, width: number, height: number): Luma {
  const pixels = width * height
  const data = new Uint8Array(Math.ceil(pixels / 4) * 4)
  const words = pixels >> 2
  const aligned = rgb.byteOffset % 4 === 0 ? rgb : rgb.slice()
  const from = new Int32Array(aligned.buffer, aligned.byteOffset, words * 3)
  const to = new Int32Array(data.buffer)
  for (let at = 0; at < words; at += wordsAtOnce) weigh(from, to, at, Math.min(words, at + wordsAtOnce))
  for (let at = words * 4; at < pixels; at += 1) {
    data[at] = brightnessOf(rgb[at * 3] ?? 0, rgb[at * 3 + 1] ?? 0, rgb[at * 3 + 2] ?? 0)
  }
  return { data: data.subarray(0, pixels), width, height }
}

/** `brightnessOf` of four pixels at a time, two to a multiplication: three words of colours make one. */
function weigh(from: Int32Array, to: Int32Array, start: number, end: number): void {
  for (let at = start, word = start * 3; at < end; at += 1, word += 3) {
    const a = from[word] ?? 0
    const b = from[word + 1] ?? 0
    const c = from[word + 2] ?? 0
    const one = weighTwo(
      (a & 0xff) | ((a >>> 8) & 0xff0000),
      ((a >>> 8) & 0xff) | ((b & 0xff) << 16),
      ((a >>> 16) & 0xff) | ((b << 8) & 0xff0000),
    )
    const other = weighTwo(
      ((b >>> 16) & 0xff) | ((c << 8) & 0xff0000),
      (b >>> 24) | (c & 0xff0000),
      (c & 0xff) | ((c >>> 8) & 0xff0000),
    )
    to[at] = (one & 0xff) | ((one >>> 8) & 0xff00) | ((other & 0xff) << 16) | ((other << 8) & 0xff000000)
  }
}

/** Two pixels' brightness in bytes 0 and 2. */
function weighTwo(red: number, green: number, blue: number): number {
  return ((Math.imul(red, 77) + Math.imul(green, 150) + Math.imul(blue, 29) + 0x800080) | 0) >>> 8
}
