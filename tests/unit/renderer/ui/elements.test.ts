import { describe, expect, it } from 'vitest'
import { checkDigitHint } from '#renderer/ui/check-digit.ts'
import { elementName, elementTitle, readElement } from '#renderer/ui/elements.ts'
import { ago, duration } from '#renderer/ui/time.ts'

const now = new Date('2026-11-21T09:30:00.000Z')

describe('an element of a code', () => {
  it('shows a date as a date, and a month where no day is stated', () => {
    expect(readElement('17', '281130', now)).toEqual({ kind: 'date', text: '2028-11-30' })
    expect(readElement('15', '270200', now)).toEqual({ kind: 'date', text: '2027-02' })
  })

  it('shows what is no date as it came', () => {
    expect(readElement('17', '281399', now)).toEqual({ kind: 'text', text: '281399' })
    expect(readElement('10', '281130', now)).toEqual({ kind: 'text', text: '281130' })
  })

  it('puts the point into a weight', () => {
    expect(readElement('3103', '001250', now).text).toBe('1.250 kg')
    expect(readElement('3201', '001250', now).text).toBe('125.0 lb')
  })

  it('has a name for the usual ones and the title of the table for the others', () => {
    expect(elementName('10')).toBe('10')
    expect(elementName('3103')).toBe('310')
    expect(elementName('8110')).toBeNull()
    expect(elementTitle('7003')).not.toBe('')
  })
})

describe('the hint at a typed code', () => {
  it('tells a right check digit, the expected one, or nothing', () => {
    expect(checkDigitHint('5449000000996')).toEqual({ kind: 'right' })
    expect(checkDigitHint('5449000000995')).toEqual({ kind: 'wrong', expected: '6' })
    expect(checkDigitHint('54490')).toBeNull()
    expect(checkDigitHint('ABC')).toBeNull()
  })
})

describe('a time', () => {
  it('says how long ago in one unit', () => {
    const at = now.getTime()
    expect(ago(at - 12_000, at, 'en')).toBe('12 sec. ago')
    expect(ago(at - 59 * 60_000, at, 'en')).toBe('59 min. ago')
    expect(ago(at + 5_000, at, 'en')).toBe('in 5 sec.')
  })

  it('says how long in two units', () => {
    expect(duration(45_000, 'en')).toBe('45 sec')
    expect(duration(4_320_000, 'en')).toBe('1 hr 12 min')
  })
})
