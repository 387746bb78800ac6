import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isMarkOf, richestOf, serialOf, type Mark } from '#domain/marks.ts'
import { readScan } from '#domain/scan.ts'

const now = new Date('2026-11-21T09:00:00.000Z')
const mark = (data: string): Mark => readScan({ data }, { now })

const ean = mark(']E04006381333931')
const link = mark(']Q1https://id.gs1.org/01/04006381333931')
const serialLink = mark(']Q1https://id.gs1.org/01/04006381333931/21/7')
const lot = mark(']d2010400638133393110AB\x1d17271231')
const serial = mark(']d20104006381333931217')

describe('a code marks an item', () => {
  it.each([
    ['EAN and Digital Link', ean, [link]],
    ['EAN and DataMatrix', lot, [ean]],
    ['an ITF-14 with indicator 0, which is the same GTIN', mark(']I104006381333931'), [ean, link]],
    ['lot on one, serial number on the other', serial, [lot, ean]],
    ['one serial number on two', serialLink, [serial]],
  ])('%s', (_name, code, item) => expect(isMarkOf(code, item)).toBe(true))

  it.each([
    ['the same code again is another piece', ean, [link, ean]],
    ['another GTIN', mark(']E05449000000996'), [ean]],
    ['a case of it, whose indicator is not 0', mark(']I114006381333938'), [ean]],
    ['another serial number', mark(']d20104006381333931218'), [ean, serial]],
    ['another lot', mark(']d2010400638133393110CD'), [lot]],
    ['another date', mark(']d2010400638133393117280101'), [lot]],
    ['a text without a GTIN', mark('A-01'), [ean]],
    ['a wrong check digit', mark(']E04006381333932'), [ean]],
    ['its GTIN as the content of a logistic unit', mark(']C1020400638133393137' + '12'), [ean]],
  ])('but not %s', (_name, code, item) => expect(isMarkOf(code, item)).toBe(false))

  it('whichever of the two was read first', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(ean, link, serialLink, lot, serial, mark(']d2010400638133393110CD218')),
        fc.constantFrom(ean, link, serialLink, lot, serial, mark('A-01'), mark(']I114006381333938')),
        (one, other) => isMarkOf(one, [other]) === isMarkOf(other, [one]),
      ),
    )
  })
})

describe('the richest code', () => {
  it('has the serial number, then most identifiers, then a lot, then a date, then it is a Digital Link', () => {
    const link21 = mark(']Q1https://id.gs1.org/01/04006381333931/21/7')
    expect(richestOf(lot, serial)).toBe(serial)
    expect(richestOf(serial, link21)).toBe(link21)
    expect(richestOf(ean, lot, link)).toBe(lot)
    expect(richestOf(ean, link)).toBe(link)
    const dated = mark(']d2010400638133393117271231')
    const batched = mark(']d2010400638133393110AB')
    expect(richestOf(dated, batched)).toBe(batched)
    expect(richestOf(mark(']d20104006381333931240X'), dated)).toBe(dated)
  })

  it('is the same one in whatever order they were read', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([ean, link, serialLink, lot, serial], { minLength: 1 }),
        ([first, ...others]) =>
          first !== undefined &&
          richestOf(first, ...others) === richestOf(others.at(-1) ?? first, ...others.slice(0, -1), first),
      ),
    )
  })

  it('of an item says its serial number', () => {
    expect(serialOf([ean, lot])).toBeNull()
    expect(serialOf([ean, serial, lot])).toBe('7')
  })
})
