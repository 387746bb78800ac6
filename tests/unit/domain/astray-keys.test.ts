import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAstrayKeys } from '#domain/astray-keys.ts'

/** Keys with these pauses between them; returns what was told of. */
function press(gapsMs: readonly number[]): number[] {
  const astray = createAstrayKeys()
  let timeMs = 1_000
  const told = [astray.key(timeMs), ...gapsMs.map((gapMs) => astray.key((timeMs += gapMs))), astray.end()]
  expect(astray.deadlineMs()).toBeUndefined()
  return told.filter((length) => length > 0)
}

describe('keys that no field took', () => {
  it('are told of when they look like the code of a slow scanner, as long as they were', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 5, maxLength: 200 }), (gapsMs) => {
        expect(press(gapsMs)).toEqual([gapsMs.length + 1])
      }),
    )
  })

  it('are not told of at the pace of most people, nor when they are few', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 101, max: 400 }), { maxLength: 60 }), (gapsMs) => {
        expect(press(gapsMs)).toEqual([])
      }),
    )
    expect(press([40, 40, 40, 40])).toEqual([])
  })

  it('are two codes with a pause between them', () => {
    expect(press([50, 50, 50, 50, 50, 600, 60, 60, 60, 60, 60, 60])).toEqual([6, 7])
  })
})
