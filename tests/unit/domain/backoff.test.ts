import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs } from '#domain/backoff.ts'

const limits = { baseMs: 1000, capMs: 300_000 }

describe('the wait before a retry', () => {
  it('doubles at most, from the base up to the cap', () => {
    const longest = [0, 1, 2, 3, 8, 9, 5000].map((attempt) => backoffMs(attempt, 1, limits))
    expect(longest).toEqual([1000, 2000, 4000, 8000, 256_000, 300_000, 300_000])
  })

  it('is spread over the whole range by chance', () => {
    expect([0, 0.25, 0.5].map((random) => backoffMs(3, random, limits))).toEqual([0, 2000, 4000])
  })

  it('is a whole number of milliseconds within the limits, whatever comes in', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ noNaN: true }), (attempt, random) => {
        const wait = backoffMs(attempt, random, limits)
        expect(Number.isInteger(wait) && wait >= 0 && wait <= limits.capMs).toBe(true)
      }),
    )
  })
})
