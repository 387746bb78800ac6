import { describe, expect, it } from 'vitest'
import { createOutlines } from '#renderer/camera/outlines.ts'
import type { Outline } from '#renderer/camera/outlines.ts'

const square = (key: string, x: number, y: number, size = 100): Outline => ({
  key,
  corners: [
    { x, y },
    { x: x + size, y },
    { x: x + size, y: y + size },
    { x, y: y + size },
  ],
})

const left = (outlines: readonly Outline[]) => outlines[0]?.corners[0]?.x

describe('outlines', () => {
  it('follow a code that moves a little without shaking as much as it does', () => {
    const outlines = createOutlines()
    outlines.follow([square('a', 100, 100)], 0)
    let widest = 0
    for (let frame = 1; frame < 40; frame++) {
      const drawn = outlines.follow([square('a', 100 + (frame % 2 === 0 ? 6 : -6), 100)], frame * 66)
      widest = Math.max(widest, Math.abs((left(drawn) ?? 0) - 100))
    }
    expect(widest).toBeLessThan(4)
  })

  it('arrive at a code that has come to rest', () => {
    const outlines = createOutlines()
    outlines.follow([square('a', 100, 100)], 0)
    let drawn: readonly Outline[] = []
    for (let frame = 1; frame < 20; frame++) drawn = outlines.follow([square('a', 130, 100)], frame * 66)
    expect(left(drawn)).toBeCloseTo(130, 1)
  })

  it('are at once where a code has jumped to', () => {
    const outlines = createOutlines()
    outlines.follow([square('a', 100, 100)], 0)
    expect(left(outlines.follow([square('a', 400, 100)], 66))).toBe(400)
  })

  it('stay for a frame or two in which the code was missed, and go when it has gone', () => {
    const outlines = createOutlines()
    outlines.follow([square('a', 0, 0), square('b', 300, 0)], 0)
    expect(outlines.follow([square('b', 300, 0)], 200).map(({ key }) => key)).toEqual(['a', 'b'])
    expect(outlines.follow([square('b', 300, 0)], 400).map(({ key }) => key)).toEqual(['b'])
    expect(outlines.follow([], 1_000)).toEqual([])
  })
})
