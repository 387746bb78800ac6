import { describe, expect, test } from 'vitest'
import { pyramidOf, type Bitmap } from '#backend/vision/ocr/bitmap.ts'
import { circlesOf, glancesOf, refined, stripsOf } from '#backend/vision/ocr/rings.ts'

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

describe('a circle looked at closely', () => {
  /** A disc with dark words in its ring, which cut its edge here and there, and stripes all about. */
  const disc = draw(320, 320, (x, y) => {
    const [right, below] = [x - 161.3, y - 158.6]
    const radius = Math.hypot(right, below)
    const angle = Math.atan2(below, right)
    if (radius > 70) return x % 24 < 6 ? [200, 150, 40] : orange
    const isLetter = radius > 50 && radius < 66 && Math.sin(angle * 40) > 0 && Math.sin(angle * 3) > 0
    return isLetter ? [40, 30, 20] : gold
  })

  test.each([
    [0, 0, 1],
    [5, -4, 1.06],
    [-6, 5, 0.93],
    [3, 7, 0.9],
  ])('is found to a pixel when it is %i and %i pixels off and %f times as large', (right, below, size) => {
    const pyramid = pyramidOf(disc)
    const circle = refined(pyramid, { x: 161.3 + right, y: 158.6 + below, radius: 70 * size })
    expect(Math.hypot(circle.x - 161.3, circle.y - 158.6)).toBeLessThan(1.5)
    expect(Math.abs(circle.radius - 70)).toBeLessThan(1.5)
  })

  test('at the edge of a picture, or in an empty one, stays near where it was', () => {
    for (const picture of [disc, draw(40, 40, () => gold), draw(2, 2, () => gold)]) {
      const circle = refined(pyramidOf(picture), { x: 1, y: 1, radius: 20 })
      expect(Math.hypot(circle.x - 1, circle.y - 1)).toBeLessThan(10)
      expect(Math.abs(circle.radius - 20)).toBeLessThan(5)
    }
  })

  test('is seen several times in one size, a little differently each time', () => {
    const pyramid = pyramidOf(disc)
    const glances = glancesOf(pyramid, { x: 161, y: 159, radius: 70 }, 1, 48)
    expect(new Set(glances.map(({ data }) => data.join(','))).size).toBe(glances.length)
    expect(glances.length).toBeGreaterThan(3)
    const strip = stripsOf(pyramid, { x: 161, y: 159, radius: 70 }, 48)[1]
    expect((glances[0]?.width ?? 0) / (strip?.width ?? 1)).toBeCloseTo(0.85, 1)
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
