import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Reading, ServedCapture, StoredCapture } from '#cli/drill/account.ts'
import { judge, takeAccount } from '#cli/drill/account.ts'

/** A rehearsal in which everything went as it should. */
const sound = (count: number) => ({
  readings: Array.from({ length: count }, (_, n): Reading => ({ raw: `R-${n}`, heard: 'saved' })),
  stored: Array.from({ length: count }, (_, n): StoredCapture => ({ id: `c${n}`, raw: `R-${n}`, sync: 'sent' })),
  served: Array.from({ length: count }, (_, n): ServedCapture => ({
    id: `s${n}`,
    stationCapture: `c${n}`,
    raw: `R-${n}`,
  })),
})
type Rehearsed = ReturnType<typeof sound>
const account = ({ readings, stored, served }: Rehearsed) => takeAccount(readings, stored, served)

const sizes = fc.integer({ min: 2, max: 30 }).chain((count) => fc.tuple(fc.constant(count), fc.nat(count - 1)))

describe('the account of a rehearsal', () => {
  it('is go when every scan is saved and at the server once', () => {
    const { counts, faults } = account(sound(20))
    expect([...judge(counts), ...faults]).toEqual([])
    expect(counts).toMatchObject({ scanned: 20, saved: 20, accepted: 20, lost: 0, doubled: 0 })
  })

  it.each<[string, (whole: Rehearsed, at: number) => Rehearsed, 'lost' | 'doubled']>([
    ['an acknowledged scan without a row', (w, at) => ({ ...w, stored: w.stored.toSpliced(at, 1) }), 'lost'],
    ['a capture that the server has lost', (w, at) => ({ ...w, served: w.served.toSpliced(at, 1) }), 'lost'],
    [
      'a capture that the server has with another code',
      (w, at) => ({ ...w, served: w.served.map((one, n) => (n === at ? { ...one, raw: 'other' } : one)) }),
      'lost',
    ],
    [
      'a capture that the server has twice',
      (w, at) => ({ ...w, served: [...w.served, ...w.served.slice(at, at + 1)] }),
      'doubled',
    ],
    [
      'a scan that is in the store twice',
      (w, at) => ({ ...w, stored: [...w.stored, ...w.stored.slice(at, at + 1).map((row) => ({ ...row, id: 'x' }))] }),
      'doubled',
    ],
    [
      'a scan that was said not to be saved, and was',
      (w, at) => ({ ...w, readings: w.readings.map((one, n) => (n === at ? { ...one, heard: 'refused' } : one)) }),
      'doubled',
    ],
  ])('is no go with %s, wherever it is', (_, spoil, figure) => {
    fc.assert(
      fc.property(sizes, ([count, at]) => {
        const { counts } = account(spoil(sound(count), at))
        expect(counts[figure]).toBeGreaterThan(0)
        expect(judge(counts).length).toBeGreaterThan(0)
      }),
    )
  })

  it('does not take what was said not to be saved, and is not, for lost', () => {
    const whole = sound(3)
    const readings: Reading[] = [...whole.readings, { raw: 'R-3', heard: 'refused' }]
    const { counts, faults } = account({ ...whole, readings })
    expect([...judge(counts), ...faults]).toEqual([])
    expect(counts).toMatchObject({ scanned: 4, saved: 3, unsaved: 1 })
  })

  it('names what waits, what was never scanned, what is out of order and what had no answer', () => {
    const whole = sound(3)
    const waiting = account({ ...whole, stored: whole.stored.map((row) => ({ ...row, sync: 'waiting' as const })) })
    expect(judge(waiting.counts)).toEqual(['3 captures were still waiting when patience ended'])
    const strange = account({ ...whole, stored: [...whole.stored, { id: 'x', raw: 'TORN', sync: 'waiting' }] })
    expect(strange.faults).toEqual(['1 rows hold what was never scanned'])
    expect(account({ ...whole, stored: whole.stored.toReversed() }).faults).toEqual([
      'the captures are not in the order in which they were scanned',
    ])
    const late = account({ ...whole, readings: whole.readings.map((one) => ({ ...one, heard: 'late' as const })) })
    expect(late.faults).toEqual(['3 scans were never answered'])
  })
})
