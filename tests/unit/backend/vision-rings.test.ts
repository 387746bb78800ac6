import { describe, expect, test } from 'vitest'
import { pyramidOf, type Bitmap } from '#backend/vision/ocr/bitmap.ts'
import { circlesOf, stripsOf } from '#backend/vision/ocr/rings.ts'

function draw(width: number, height: number, colour: (x: number, y: number) => readonly number[]): Bitmap {
  const data = new Uint8Array(width * height * 3)
  for (let at = 0; at < width * height; at++) data.set(colour(at % width, Math.floor(at / width)), at * 3)
  return { data, width, height }
}

const gold = [190, 170, 90]
/** As bright as the gold, so that only its colour tells it from it. */
const orange = [222, 160, 20]

describe('circles', () => {
  test('are found with their size, by colour alone too', () => {
    const picture = draw(300, 240, (x, y) => (Math.hypot(x - 90, y - 130) < 40 ? gold : orange))
    const [circle, ...more] = circlesOf(picture)
    expect(more).toEqual([])
    expect(Math.hypot((circle?.x ?? 0) - 90, (circle?.y ?? 0) - 130)).toBeLessThan(3)
    expect(Math.abs((circle?.radius ?? 0) - 40)).toBeLessThan(3)
  })

  test('are not seen in boxes, stripes or an empty picture', () => {
    const box = (x: number, y: number): boolean => x > 60 && x < 200 && y > 50 && y < 190
    expect(circlesOf(draw(300, 240, (x, y) => (box(x, y) ? gold : orange)))).toEqual([])
    expect(circlesOf(draw(300, 240, (x) => (x % 12 < 6 ? gold : orange)))).toEqual([])
    expect(circlesOf(draw(300, 240, () => gold))).toEqual([])
    expect(circlesOf(draw(2, 2, () => gold))).toEqual([])
  })
})

describe('the rings of a circle', () => {
  test('are unrolled from its top to the right, and the other way round from its bottom to the right', () => {
    // Red from the left over the top to the right, growing; blue likewise over the bottom.
    const angle = (x: number, y: number): number => Math.atan2(y - 100, x - 100)
    const picture = draw(200, 200, (x, y) => {
      const share = (Math.PI - Math.abs(angle(x, y))) / Math.PI
      return y < 100 ? [share * 250, 0, 0] : [0, 0, share * 250]
    })
    const [top, bottom] = stripsOf(pyramidOf(picture), { x: 100, y: 100, radius: 60 }, 48)
    if (!top || !bottom) throw new Error('there are strips')
    const colours = (strip: Bitmap, channel: number): number[] => {
      // The half turn around the side that the words stand on, in five places.
      const half = [0.3, 0.4, 0.5, 0.6, 0.7].map((turn) => Math.round((turn / 1.2) * strip.width))
      return half.map((x) => strip.data[(24 * strip.width + x) * 3 + channel] ?? 0)
    }
    expect(colours(top, 0)).toEqual(colours(top, 0).toSorted((one, other) => one - other))
    expect(colours(bottom, 2)).toEqual(colours(bottom, 2).toSorted((one, other) => one - other))
    expect(Math.min(...colours(top, 0), ...colours(bottom, 2))).toBeGreaterThan(10)
    expect(Math.max(...colours(top, 2), ...colours(bottom, 0))).toBe(0)
  })
})
