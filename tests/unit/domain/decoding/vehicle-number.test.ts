import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withoutImportMark } from '#domain/decoding/vehicle-number.ts'

describe('the import mark of a vehicle number', () => {
  it.each(['1M8GDM9AXKP042788', '11111111111111111', '1HGCM82633A004352'])('is taken from before %s', (vehicle) => {
    expect(withoutImportMark(`I${vehicle}`)).toBe(vehicle)
    expect(withoutImportMark(vehicle)).toBe(vehicle)
  })

  it('stays where the check digit is another', () => {
    fc.assert(
      fc.property(fc.constantFrom(...'023456789X'), (check) => {
        const text = `I11111111${check}11111111`
        expect(withoutImportMark(text)).toBe(text)
      }),
    )
  })

  it.each(['I1111111111111111', 'I111111111111111111', 'X11111111111111111', 'IO1111111111111111', 'ITEM-1234'])(
    'stays in %s, which is no vehicle number with its mark',
    (text) => {
      expect(withoutImportMark(text)).toBe(text)
    },
  )
})
