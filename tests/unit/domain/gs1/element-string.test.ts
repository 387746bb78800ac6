import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  groupSeparator,
  parseBracketed,
  parseElementString,
  readElements,
  toBracketed,
  toElementString,
} from '#domain/gs1/element-string.ts'
import { tradeItems } from './arbitraries.ts'

const now = new Date('2026-11-21T00:00:00Z')
const gtin = '0109520123456788'

/** The elements as `ai=value`, or the code of the error. */
function read(text: string, permitUnknownAis = false): string[] | string {
  const result = parseElementString(text, { now, permitUnknownAis })
  return result.ok ? result.elements.map(({ ai, value }) => `${ai}=${value}`) : result.error.code
}

describe('an element string', () => {
  it('needs FNC1 only after values of variable length', () => {
    expect(read(`^${gtin}10ABC^17271231`)).toEqual(['01=09520123456788', '10=ABC', '17=271231'])
    expect(read('^00106141412345678908' + '4109520123456788' + '3103000195' + '2001' + '10A')).toEqual([
      '00=106141412345678908',
      '410=9520123456788',
      '3103=000195',
      '20=01',
      '10=A',
    ])
  })

  it('may have a superfluous FNC1 after a fixed length and at the end', () => {
    expect(read(`^${gtin}^10ABC^`)).toEqual(['01=09520123456788', '10=ABC'])
  })

  it('takes the optional parts that are there', () => {
    expect(read('^2539520123456788')).toEqual(['253=9520123456788'])
    expect(read('^2539520123456788DOC^7007260101260131')).toEqual(['253=9520123456788DOC', '7007=260101260131'])
    expect(read('^4230040080^99A')).toBe('too_short')
    expect(read('^423004008^99A')).toEqual(['423=004008', '99=A'])
  })

  it.each([
    ['', 'missing_fnc1'],
    [gtin, 'missing_fnc1'],
    ['^', 'empty'],
    ['^^' + gtin, 'unknown_ai'],
    ['^89ABC', 'unknown_ai'],
    ['^0', 'unknown_ai'],
    ['^01', 'empty_value'],
    ['^10', 'empty_value'],
    ['^0109520123456789', 'invalid_check_digit'],
    ['^01095201234567', 'too_short'],
    ['^01095201234567^10A', 'too_short'],
    [`^10${'A'.repeat(21)}`, 'too_long'],
    ['^10A B', 'invalid_cset82_character'],
    ['^17271301', 'illegal_month'],
    ['^17270230', 'illegal_day'],
    ['^8013X', 'too_short_for_check_pair'],
  ])('%j is refused with %s', (text, code) => {
    expect(read(text)).toBe(code)
  })

  it('shows the part at fault within the component', () => {
    const result = parseElementString('^8001012300456X001101', { now })
    expect(result.ok ? null : result.error.markup).toBe('(8001)012300456|X|00')
  })

  it('takes the date of today into account', () => {
    const in1999 = { now: new Date('1999-06-01T00:00:00Z') }
    expect(parseElementString('^17000229', in1999).ok).toBe(true)
    // Seen from 2060, 00 is 2100, which has no 29 February.
    expect(parseElementString('^17000229', { now: new Date('2060-06-01T00:00:00Z') }).ok).toBe(false)
  })

  it('may contain unknown AIs when that is permitted and their length is known', () => {
    expect(read('^3999ABC')).toBe('unknown_ai')
    expect(read('^3999ABC^99X', true)).toEqual(['3999=ABC', '99=X'])
    expect(read('^419123456789012399X', true)).toEqual(['419=1234567890123', '99=X'])
    expect(read('^89ABC', true)).toBe('unknown_ai')
  })
})

describe('the form in brackets', () => {
  const bracketed = (text: string, permitUnknownAis = false) => {
    const result = parseBracketed(text, { now, permitUnknownAis })
    return result.ok ? toElementString(result.elements) : result.error.code
  }

  it.each([
    ['(01)09520123456788(10)ABC(17)271231', '^010952012345678810ABC^17271231'],
    ['(10)A\\(B)(21)C', '^10A(B)^21C'],
    ['(10)A\\(', '^10A('],
    ['(235)X(01)09520123456788', '^235X^0109520123456788'],
  ])('%s becomes %s', (text, elementString) => {
    expect(bracketed(text)).toBe(elementString)
  })

  it.each([
    ['', 'empty'],
    ['12345', 'malformed'],
    ['(', 'malformed'],
    ['(15', 'malformed'],
    ['()A', 'unknown_ai'],
    ['(1)A', 'unknown_ai'],
    ['(1A)A', 'unknown_ai'],
    ['(10)', 'empty_value'],
    ['(10)(17)271231', 'empty_value'],
    ['(10)A^B', 'illegal_character'],
    ['(17)9(90)217', 'too_short'],
    ['(01)095201234567888', 'too_long'],
    ['(01)09520123456789', 'invalid_check_digit'],
  ])('%j is refused with %s', (text, code) => {
    expect(bracketed(text)).toBe(code)
  })

  it('may hold unknown AIs of any length when that is permitted', () => {
    expect(bracketed('(89)ABC', true)).toBe('^89ABC')
    expect(bracketed('(011)ABC', true)).toBe('unknown_ai')
    expect(bracketed('(80)ABC', true)).toBe('unknown_ai')
  })
})

describe('valid elements', () => {
  it('survive every way of writing them', () => {
    fc.assert(
      fc.property(tradeItems, (elements) => {
        const written = toElementString(elements)
        expect(parseElementString(written, { now })).toMatchObject({ ok: true, elements })
        expect(parseBracketed(toBracketed(elements), { now })).toMatchObject({ ok: true, elements })
        const transmitted = written.slice(1).replaceAll('^', groupSeparator)
        expect(readElements(transmitted, groupSeparator, { now })).toMatchObject({ ok: true, elements })
      }),
    )
  })
})

describe('any text', () => {
  it('is read or refused, never thrown at', () => {
    const nasty = fc.oneof(fc.string(), fc.stringMatching(/^\^?[0-9()^\\A-C]{0,40}$/))
    fc.assert(
      fc.property(nasty, fc.boolean(), (text, permitUnknownAis) => {
        for (const result of [
          parseElementString(text, { now, permitUnknownAis }),
          parseBracketed(text, { now, permitUnknownAis }),
          readElements(text, groupSeparator, { now, permitUnknownAis }),
        ]) {
          if (result.ok) expect(result.elements.every(({ value }) => value !== '')).toBe(true)
          else expect(result.error.code).toMatch(/^[a-z0-9_]+$/)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
