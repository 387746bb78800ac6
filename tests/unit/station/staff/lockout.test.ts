import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Attempts } from '#station/staff/lockout.ts'
import { createLockout } from '#station/staff/lockout.ts'
import { createClock } from '../parts.ts'

const minute = 60_000

function start(clock = createClock(), kept: Attempts | null = null) {
  let written = kept
  const lockout = createLockout(clock, kept, (attempts) => void (written = attempts))
  return { clock, lockout, written: () => written }
}

describe('the lock-out after wrong PINs', () => {
  it('lets a person mistype four times, and makes the fifth wait half a minute', () => {
    const { lockout } = start()
    for (let time = 1; time <= 4; time += 1) {
      lockout.fail()
      expect(lockout.waitMs()).toBe(0)
    }
    lockout.fail()
    expect(lockout.waitMs()).toBe(30_000)
  })

  it('doubles the wait with each further one, up to an hour', () => {
    const { clock, lockout } = start()
    for (let time = 0; time < 5; time += 1) lockout.fail()
    const waits = Array.from({ length: 9 }, () => {
      const wait = lockout.waitMs()
      // Tried at once when it is over, so that nothing is forgiven but by the wait itself.
      clock.advance(Math.min(wait, 9 * minute))
      lockout.fail()
      return wait / 1_000
    })
    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600])
  })

  it('is as long after a restart of the program as it would have been without', () => {
    const { clock, lockout, written } = start()
    for (let time = 0; time < 6; time += 1) lockout.fail()
    clock.advance(20_000)
    expect(start(clock, written()).lockout.waitMs()).toBe(40_000)
    expect(lockout.waitMs()).toBe(40_000)
  })

  it('begins anew after a restart of the machine, whose clocks say nothing of the time between', () => {
    const { lockout, written } = start()
    for (let time = 0; time < 6; time += 1) lockout.fail()
    const after = { ...createClock('2031-01-01T00:00:00.000Z'), bootId: 'another boot' }
    expect(createLockout(after, written(), () => undefined).waitMs()).toBe(60_000)
  })

  it('is not shortened by setting the clock, whatever it is set to', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1971-01-01'), max: new Date('2200-01-01'), noInvalidDate: true }),
        fc.integer({ min: 5, max: 30 }),
        (date, failures) => {
          const { clock, lockout, written } = start()
          for (let time = 0; time < failures; time += 1) lockout.fail()
          const before = lockout.waitMs()
          clock.set(date.toISOString())
          expect(lockout.waitMs()).toBe(before)
          expect(start(clock, written()).lockout.waitMs()).toBe(before)
        },
      ),
    )
  })

  it('forgives one each ten minutes, counted from the last', () => {
    const { clock, lockout } = start()
    for (let time = 0; time < 6; time += 1) lockout.fail()
    clock.advance(30 * minute)
    expect(lockout.fail()).toBe(4)
    expect(lockout.waitMs()).toBe(0)
  })

  it('leaves whoever guesses without end at most one try in ten minutes', () => {
    const { clock, lockout } = start()
    let tries = 0
    for (const endMs = 100 * 3_600_000; clock.monotonicMs() < endMs; tries += 1) {
      clock.advance(lockout.waitMs())
      lockout.fail()
    }
    expect(tries).toBeLessThan(100 * 6)
  })
})
