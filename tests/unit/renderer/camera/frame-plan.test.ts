import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFramePlan } from '#renderer/camera/frame-plan.ts'
import type { Look } from '#renderer/camera/frame-plan.ts'

const whole = (width: number, height: number) => ({ x: 0, y: 0, width, height })
const pixels = ({ width, height, scale }: Look) => (width / scale) * (height / scale)

/** A code as large as `size` with its top left corner there. */
const code = (x: number, y: number, size = 100, text = 'a') => ({
  format: 'EAN13',
  text,
  effort: 'quick' as const,
  corners: [
    { x, y },
    { x: x + size, y },
    { x: x + size, y: y + size },
    { x, y: y + size },
  ],
})

/** The looks at `count` frames, 40 ms apart, in which nothing is found. */
function search(width: number, height: number, count: number): readonly Look[] {
  const plan = createFramePlan()
  return Array.from({ length: count }, (_, index) => {
    const looks = plan.next(whole(width, height), index * 40)
    plan.saw([], index * 40)
    return looks
  }).flat()
}

describe('the plan of looks', () => {
  it('looks at the whole frame first, and again every second frame', () => {
    const looks = search(1_280, 720, 6)
    expect(looks[0]).toEqual({ ...whole(1_280, 720), scale: 1, effort: 'quick', format: null })
    expect(looks.filter(({ effort, width }) => effort === 'quick' && width === 1_280)).toHaveLength(3)
  })

  it('reads every place of the frame thoroughly at full resolution sooner or later, the middle first', () => {
    const tiles = search(1_920, 1_080, 120).filter(({ effort, scale }) => effort === 'thorough' && scale === 1)
    expect(tiles[0]).toMatchObject({ x: 640, y: 360, width: 640, height: 360 })
    for (const [x, y] of [
      [0, 0],
      [1_919, 0],
      [0, 1_079],
      [1_919, 1_079],
      [960, 540],
    ] as const) {
      expect(tiles.some((at) => x >= at.x && x < at.x + at.width && y >= at.y && y < at.y + at.height)).toBe(true)
    }
  })

  it('looks for bars at any angle in the whole frame again and again, in a coarse picture', () => {
    const bars = search(1_280, 720, 24).filter(({ effort }) => effort === 'bars')
    expect(bars).toHaveLength(3)
    expect(bars[0]).toEqual({ ...whole(1_280, 720), scale: 2, effort: 'bars', format: null })
  })

  it('follows a code that only laid-out bars gave by laying its bars out', () => {
    const plan = createFramePlan()
    plan.next(whole(1_280, 720), 0)
    plan.saw([{ ...code(300, 300), effort: 'bars' }], 0)
    expect(plan.next(whole(1_280, 720), 40)).toMatchObject([{ effort: 'bars', format: 'EAN13' }])
  })

  it('gives no look more than a full HD picture to read, whatever the camera sends', () => {
    const looks = [...search(3_840, 2_160, 60), ...search(7_680, 4_320, 60), ...search(320, 240, 60)]
    expect(Math.max(...looks.map(pixels))).toBeLessThanOrEqual(2_200_000)
    expect(Math.max(...looks.filter(({ effort }) => effort !== 'quick').map(pixels))).toBeLessThanOrEqual(300_000)
  })

  it('looks only where the codes were, for their format, once it has seen them', () => {
    const plan = createFramePlan()
    plan.next(whole(1_280, 720), 0)
    plan.saw([code(200, 300), code(900, 100, 200, 'b')], 0)
    const looks = plan.next(whole(1_280, 720), 40)
    expect(looks).toHaveLength(2)
    expect(looks.map(({ format }) => format)).toEqual(['EAN13', 'EAN13'])
    expect(looks[0]).toMatchObject({ x: 160, y: 260, width: 180, height: 180, scale: 1 })
    expect(looks.map(pixels).reduce((sum, one) => sum + one)).toBeLessThan(200_000)
  })

  it('looks at the whole again several times a second, so that a second code is not overlooked', () => {
    const plan = createFramePlan()
    let searches = 0
    for (let timeMs = 0; timeMs < 1_000; timeMs += 33) {
      const looks = plan.next(whole(1_280, 720), timeMs)
      if (looks[0]?.format === null) searches += 1
      plan.saw([code(200, 300)], timeMs)
    }
    expect(searches).toBeGreaterThanOrEqual(6)
    expect(searches).toBeLessThanOrEqual(10)
  })

  it('searches everywhere once what it followed is gone', () => {
    const plan = createFramePlan()
    plan.next(whole(1_280, 720), 0)
    plan.saw([code(200, 300)], 0)
    plan.next(whole(1_280, 720), 40)
    plan.saw([], 40)
    expect(plan.next(whole(1_280, 720), 400).map(({ format }) => format)).toEqual([null])
  })

  it('does not follow a crowd one by one', () => {
    const plan = createFramePlan()
    plan.next(whole(1_280, 720), 0)
    plan.saw(
      Array.from({ length: 7 }, (_, index) => code(index * 150, 100, 100, String(index))),
      0,
    )
    expect(plan.next(whole(1_280, 720), 40)).toHaveLength(1)
  })

  it('stays inside the part that is read, on even pixels, wherever codes are', () => {
    const even = (least: number, most: number) => fc.integer({ min: least / 2, max: most / 2 }).map((half) => half * 2)
    const bounds = fc.record({ x: even(0, 40), y: even(0, 400), width: even(64, 4_000), height: even(64, 3_000) })
    const place = fc.integer({ min: -500, max: 5_000 })
    fc.assert(
      fc.property(
        bounds,
        fc.array(fc.tuple(place, place, fc.integer({ min: 1, max: 2_000 })), { maxLength: 5 }),
        (part, at) => {
          const plan = createFramePlan()
          for (let frame = 0; frame < 8; frame += 1) {
            for (const { x, y, width, height } of plan.next(part, frame * 33)) {
              expect([x % 2, y % 2, width % 2, height % 2]).toEqual([0, 0, 0, 0])
              expect(x).toBeGreaterThanOrEqual(part.x)
              expect(y).toBeGreaterThanOrEqual(part.y)
              expect(x + width).toBeLessThanOrEqual(part.x + part.width)
              expect(y + height).toBeLessThanOrEqual(part.y + part.height)
              expect(width).toBeGreaterThan(0)
              expect(height).toBeGreaterThan(0)
            }
            plan.saw(
              at.map(([x, y, size], index) => code(x, y, size, String(index))),
              frame * 33,
            )
          }
        },
      ),
    )
  })
})
