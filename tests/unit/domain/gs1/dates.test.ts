import { describe, expect, it } from 'vitest'
import { readDate, resolveYear } from '#domain/gs1/dates.ts'
import { readElementDate } from '#domain/gs1/element-date.ts'

const now = new Date('2026-11-21T00:00:00Z')

describe('the century of two digits', () => {
  it.each([
    [2026, 0, 2000],
    [2026, 76, 2076],
    [2026, 77, 1977],
    [2026, 99, 1999],
    [2050, 0, 2100],
    [2050, 1, 2001],
    [2074, 24, 2124],
    [2074, 25, 2025],
    [2049, 99, 2099],
    [2048, 99, 1999],
  ])('in %i: %i means %i', (current, digits, year) => {
    expect(resolveYear(digits, current)).toBe(year)
  })
})

describe('a date of an AI', () => {
  it('is an ISO date, or a month when no day is stated', () => {
    expect(readDate('270531', now)).toEqual({ iso: '2027-05-31', lastDay: '2027-05-31', dayStated: true })
    expect(readDate('270200', now)).toEqual({ iso: '2027-02', lastDay: '2027-02-28', dayStated: false })
    expect(readDate('280200', now)?.lastDay).toBe('2028-02-29')
  })

  it.each(['270532', '270013', '271301', '270229', '27053', '2705311', '27053X', ''])('is not %j', (text) => {
    expect(readDate(text, now)).toBeNull()
  })

  it('has its leap day judged in the resolved year', () => {
    expect(readDate('000229', now)?.iso).toBe('2000-02-29')
    expect(readDate('770229', now)).toBeNull()
    expect(readDate('960229', now)?.iso).toBe('1996-02-29')
  })
})

describe('the date of an element', () => {
  it.each([
    ['17', '270531', '2027-05-31', null],
    ['15', '270500', '2027-05', null],
    ['7003', '2705311430', '2027-05-31', '14:30'],
    ['7007', '270531270601', '2027-05-31', null],
    ['7011', '270531', '2027-05-31', null],
    ['8008', '2705311430', '2027-05-31', '14:30'],
    ['8008', '27053114', '2027-05-31', '14'],
    ['4324', '2705311430', '2027-05-31', '14:30'],
  ])('(%s)%s is %s, time %s', (ai, value, iso, time) => {
    expect(readElementDate({ ai, value }, now)).toMatchObject({ iso, time })
  })

  it('is none where there is none', () => {
    expect(readElementDate({ ai: '10', value: '270531' }, now)).toBeNull()
    expect(readElementDate({ ai: '17', value: '271331' }, now)).toBeNull()
    expect(readElementDate({ ai: '9999', value: '270531' }, now)).toBeNull()
  })
})
