import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundsOf, narrow, widen, type ClockBounds } from '#domain/clock-bounds.ts'

const start = Date.parse('2026-11-21T09:00:00.000Z')

/** An answer of a server whose clock is right, to a station whose wall clock is `offsetMs` behind. */
const answer = (offsetMs: number, atMs: number, outMs: number, backMs: number) => {
  const receivedMs = atMs + outMs + backMs
  return {
    dateMs: Math.floor((start + atMs + outMs) / 1_000) * 1_000,
    sentMs: atMs,
    receivedMs,
    wallMs: start + receivedMs - offsetMs,
  }
}

describe("the bounds of the clock's error", () => {
  it('hold the true error, whatever the network takes, and get no wider by another answer', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -100_000, max: 100_000 }),
        fc.array(fc.tuple(fc.nat(60_000), fc.nat(3_000), fc.nat(3_000)), { minLength: 1, maxLength: 20 }),
        (offsetMs, trips) => {
          let atMs = 0
          let bounds: ClockBounds | null = null
          for (const [pauseMs, outMs, backMs] of trips) {
            atMs += pauseMs
            const next = answer(offsetMs, atMs, outMs, backMs)
            const before: ClockBounds | null = bounds && widen(bounds, next.receivedMs)
            bounds = narrow(bounds, next)
            expect(bounds.leastMs).toBeLessThanOrEqual(offsetMs)
            expect(bounds.mostMs).toBeGreaterThanOrEqual(offsetMs)
            if (before) expect(bounds.mostMs - bounds.leastMs).toBeLessThanOrEqual(before.mostMs - before.leastMs)
          }
        },
      ),
    )
  })

  it('come below a second with a few quick answers', () => {
    let bounds: ClockBounds | null = null
    for (const atMs of [0, 1_370, 2_660, 3_930, 5_250]) bounds = narrow(bounds, answer(7_000, atMs, 5, 5))
    expect((bounds?.mostMs ?? 0) - (bounds?.leastMs ?? 0)).toBeLessThan(500)
  })

  it('are those of the newer answer when a clock was set between two', () => {
    const set = answer(50_000, 10_000, 5, 5)
    expect(narrow(boundsOf(answer(0, 0, 5, 5)), set)).toEqual(boundsOf(set))
  })

  it('widen with time', () => {
    const { leastMs, mostMs } = widen({ leastMs: 0, mostMs: 100, atMs: 0 }, 3_600_000)
    expect([leastMs, mostMs]).toEqual([-720, 820])
  })
})
