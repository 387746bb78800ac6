import sharp from 'sharp'
import type { Sharp } from 'sharp'

/** The capital letters and digits in 5 x 7 dots, a number a row, the leftmost dot the highest bit: no font is needed. */
const glyphs: Readonly<Record<string, readonly number[]>> = {
  A: [14, 17, 17, 31, 17, 17, 17],
  B: [30, 17, 17, 30, 17, 17, 30],
  C: [14, 17, 16, 16, 16, 17, 14],
  D: [30, 17, 17, 17, 17, 17, 30],
  E: [31, 16, 16, 30, 16, 16, 31],
  F: [31, 16, 16, 30, 16, 16, 16],
  G: [14, 17, 16, 23, 17, 17, 15],
  H: [17, 17, 17, 31, 17, 17, 17],
  I: [14, 4, 4, 4, 4, 4, 14],
  K: [17, 18, 20, 24, 20, 18, 17],
  L: [16, 16, 16, 16, 16, 16, 31],
  M: [17, 27, 21, 21, 17, 17, 17],
  N: [17, 25, 21, 19, 17, 17, 17],
  O: [14, 17, 17, 17, 17, 17, 14],
  P: [30, 17, 17, 30, 16, 16, 16],
  R: [30, 17, 17, 30, 20, 18, 17],
  S: [15, 16, 16, 14, 1, 1, 30],
  T: [31, 4, 4, 4, 4, 4, 4],
  U: [17, 17, 17, 17, 17, 17, 14],
  V: [17, 17, 17, 17, 17, 10, 4],
  W: [17, 17, 17, 21, 21, 27, 17],
  Y: [17, 17, 10, 4, 4, 4, 4],
  Z: [31, 1, 2, 4, 8, 16, 31],
  0: [14, 17, 19, 21, 25, 17, 14],
  1: [4, 12, 4, 4, 4, 4, 14],
  2: [14, 17, 1, 6, 8, 16, 31],
  3: [30, 1, 1, 14, 1, 1, 30],
  4: [2, 6, 10, 18, 31, 2, 2],
  5: [31, 16, 30, 1, 1, 17, 14],
  8: [14, 17, 17, 14, 17, 17, 14],
}

const words =
  'WATER SUGAR SALT WHEAT FLOUR COCOA BUTTER MILK POWDER PALM OIL NUTS SOYA LECITHIN 5 G ENERGY 1240 KCAL'.split(' ')

export interface LabelOptions {
  readonly width?: number
  readonly height?: number
  /** The height of the letters in pixels; a multiple of 7 is drawn exactly. */
  readonly letterPixels?: number
  /** What the lines say, differs with it. */
  readonly seed?: number
}

/** A photo of a label, drawn: a box before an uneven ground, with lines of text on it. */
export function drawLabel({ width = 1600, height = 1200, letterPixels = 21, seed = 1 }: LabelOptions = {}): Sharp {
  const data = Buffer.alloc(width * height * 3)
  const box = { left: width * 0.12, right: width * 0.88, top: height * 0.1, bottom: height * 0.9 }
  let state = seed * 2654435761
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 4294967296
  }
  const phase = random() * 6
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 3) {
      const isLabel = x > box.left && x < box.right && y > box.top && y < box.bottom
      const ground = 90 + 40 * Math.sin(x / 190 + phase) + 30 * Math.sin(y / 140 + phase * 2)
      const level = (isLabel ? 214 - (20 * x) / width : ground) + (random() - 0.5) * 6
      data[at] = level
      data[at + 1] = isLabel ? level : level * 0.9
      data[at + 2] = isLabel ? level - 8 : level * 0.7
    }
  }
  const dot = letterPixels / 7
  const margin = letterPixels * 1.5
  for (let top = box.top + margin; top + letterPixels < box.bottom - margin; top += letterPixels * 1.8) {
    const last = box.right - margin - random() * width * 0.15
    let left = box.left + margin
    for (;;) {
      const word = words[Math.floor(random() * words.length)]!
      if (left + word.length * dot * 6 > last) break
      for (const letter of word) {
        drawGlyph(glyphs[letter] ?? glyphs['O']!, left, top)
        left += dot * 6
      }
      left += dot * 4
    }
  }
  // Lenses and sensors draw no square dots.
  return sharp(data, { raw: { width, height, channels: 3 } }).blur(0.6)

  function drawGlyph(rows: readonly number[], left: number, top: number): void {
    for (let y = Math.round(top); y < Math.round(top + 7 * dot); y += 1) {
      for (let x = Math.round(left); x < Math.round(left + 5 * dot); x += 1) {
        const row = rows[Math.min(6, Math.floor((y - top) / dot + 1e-6))] ?? 0
        if (((row >> (4 - Math.min(4, Math.max(0, Math.floor((x - left) / dot))))) & 1) === 0) continue
        const at = (y * width + x) * 3
        data[at] = 38
        data[at + 1] = 34
        data[at + 2] = 40
      }
    }
  }
}

/** Lines of capital letters and digits on a plain label, `letterPixels` high; the dots of the letters melt together. */
export async function drawText(lines: readonly string[], letterPixels: number): Promise<Sharp> {
  const dot = letterPixels / 7
  const margin = letterPixels * 2
  const width = Math.ceil(Math.max(...lines.map((line) => line.length)) * dot * 6 + margin * 2)
  const height = Math.ceil(lines.length * letterPixels * 2 + margin * 2)
  const data = Buffer.alloc(width * height, 232)
  lines.forEach((line, row) =>
    [...line].forEach((letter, column) => {
      const glyph = glyphs[letter]
      if (!glyph) return
      for (let y = 0; y < letterPixels; y += 1) {
        for (let x = 0; x < dot * 5; x += 1) {
          if ((((glyph[Math.floor(y / dot)] ?? 0) >> (4 - Math.floor(x / dot))) & 1) === 0) continue
          data[Math.round(margin + row * letterPixels * 2 + y) * width + Math.round(margin + column * dot * 6 + x)] = 30
        }
      }
    }),
  )
  const drawn = await sharp(data, { raw: { width, height, channels: 1 } })
    .blur(dot * 0.45)
    .toColourspace('srgb')
    .png()
    .toBuffer()
  return sharp(drawn)
}
