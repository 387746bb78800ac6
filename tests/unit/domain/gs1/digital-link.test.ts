import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  escapeComponent,
  generateDigitalLink,
  isCompressedDigitalLink,
  parseDigitalLink,
  readDigitalLink,
  unescapeComponent,
} from '#domain/gs1/digital-link.ts'
import { parseBracketed, toElementString } from '#domain/gs1/element-string.ts'
import { tradeItems } from './arbitraries.ts'

const now = new Date('2026-11-21T00:00:00Z')
const host = 'https://example.com'
const key = '/01/09520123456788'

const strict = (uri: string): string => {
  const result = parseDigitalLink(uri, { now })
  return result.ok ? toElementString(result.elements) : result.error.code
}

describe('a strict reading of a Digital Link', () => {
  it.each([
    [`${host}${key}`, '^0109520123456788'],
    [`HTTP://EXAMPLE.COM${key}`, '^0109520123456788'],
    [`${host}:8443/shop/01/x${key}/10/A`, '^010952012345678810A'],
    [`${host}${key}/22/V/10/B/21/S?17=271231#top`, '^010952012345678822V^10B^21S^17271231'],
    [`${host}${key}/21/S`, '^010952012345678821S'],
    [`${host}${key}/10/A+B%2F%20`.replace('%20', '%2B'), '^010952012345678810A+B/+'],
    [`${host}/8004/9520ABC?10=X&01=09520123456788`, '^80049520ABC^10X^0109520123456788'],
    [`${host}${key}/235/T?10=X`, '^0109520123456788235T^10X'],
    [`${host}${key}?&&utm_source=a&17=271231&flag&`, '^010952012345678817271231'],
    ['https://[2001:db8::1]/414/9520123456788/254/7', '^41495201234567882547'],
  ])('%s gives %s', (uri, elementString) => {
    expect(strict(uri)).toBe(elementString)
  })

  it.each([
    ['', 'illegal_scheme'],
    ['ftp://a/01/09520123456788', 'illegal_scheme'],
    [`Https://a${key}`, 'illegal_scheme'],
    ['https://a', 'missing_path'],
    ['http:/a/00/106141412345678908', 'illegal_scheme'],
    [`https://${key}`, 'missing_path'],
    [`https://a_b${key}`, 'illegal_host'],
    [`${host}${key}/10/ü`, 'illegal_character'],
    [`${host}/about`, 'no_gs1_key'],
    [`${host}/10/AAAA`, 'no_gs1_key'],
    [`${host}/news/01/15`, 'no_gs1_key'],
    [`${host}/00/about`, 'no_gs1_key'],
    [`${host}${key}/`, 'no_gs1_key'],
    [`${host}/gtin/09520123456788`, 'no_gs1_key'],
    [`${host}/01/9520123456788`, 'too_short'],
    [`${host}/01/09520123456789`, 'invalid_check_digit'],
    [`${host}${key}/10/`, 'empty_value'],
    [`${host}${key}/10/%00`, 'illegal_character'],
    [`${host}${key}/10/A%5EB`, 'illegal_character'],
    [`${host}${key}/21/S/10/B`, 'invalid_qualifiers'],
    [`${host}${key}/235/T/10/B`, 'invalid_qualifiers'],
    [`${host}${key}/17/271231`, 'invalid_qualifiers'],
    [`${host}${key}?10=A`, 'belongs_in_path'],
    [`${host}/8006/095201234567880102?10=A`, 'belongs_in_path'],
    [`${host}/8004/9520ABC?21=A`, 'not_an_attribute'],
    [`${host}${key}?17=`, 'empty_value'],
    [`${host}${key}?89=A`, 'unknown_ai'],
    [`${host}${key}?17=271231&17=271231`, 'duplicate_ai'],
    [`${host}${key}?37=5`, 'excluded_ai'],
  ])('refuses %s: %s', (uri, code) => {
    expect(strict(uri)).toBe(code)
  })

  it('tells the stem and what it did not look at', () => {
    const result = parseDigitalLink(`${host}/a/b${key}?utm=1&x&99=Y`, { now })
    expect(result).toMatchObject({ ok: true, stem: `${host}/a/b`, ignored: ['utm=1', 'x'], warnings: [] })
  })
})

describe('a tolerant reading of a Digital Link', () => {
  it.each([
    [`${host}${key}`, '^0109520123456788', []],
    [`${host}${key}/`, '^0109520123456788', ['trailing_slash']],
    [`${host}/gtin/09520123456788/lot/A`, '^010952012345678810A', ['convenience_alpha', 'convenience_alpha']],
    [`${host}/01/9520123456788`, '^0109520123456788', ['short_gtin']],
    [`${host}/01/96385074`, '^0100000096385074', ['short_gtin']],
    [`${host}/01/036000291452/10/A`, '^010003600029145210A', ['short_gtin']],
    [`${host}${key}/17/271231`, '^010952012345678817271231', ['attribute_in_path']],
    [`${host}${key}/10/A/17/271231/21/S`, '^010952012345678810A^1727123121S', ['attribute_in_path']],
  ])('%s gives %s with a warning for each liberty', (uri, elementString, codes) => {
    const result = readDigitalLink(uri, { now })
    expect(result.ok ? toElementString(result.elements) : result.error).toBe(elementString)
    expect(result.ok ? result.warnings.map(({ code }) => code) : null).toEqual(codes)
  })

  it.each([
    [`${host}${key}/21/S/10/B`, 'invalid_qualifiers'],
    [`${host}/01/9520123456789`, 'too_short'],
    [`${host}/gtin/09520123456789`, 'invalid_check_digit'],
    [`${host}${key}?10=A`, 'belongs_in_path'],
    [`${host}/blog/`, 'no_gs1_key'],
  ])('still refuses %s: %s', (uri, code) => {
    const result = readDigitalLink(uri, { now })
    expect(result.ok ? null : result.error.code).toBe(code)
  })
})

describe('a written Digital Link', () => {
  const write = (text: string, stem?: string): string => {
    const read = parseBracketed(text, { now })
    if (!read.ok) throw new Error(read.error.message)
    const link = generateDigitalLink(read.elements, stem)
    return link.ok ? link.uri : link.error.code
  }

  it.each([
    ['(01)09520123456788', 'https://id.gs1.org/01/09520123456788'],
    ['(21)S(10)B/1(01)09520123456788(22)V', 'https://id.gs1.org/01/09520123456788/22/V/10/B%2F1/21/S'],
    ['(01)09520123456788(99)A+B(17)271231', 'https://id.gs1.org/01/09520123456788?17=271231&99=A%2BB'],
    ['(01)09520123456788(10)A(10)A', 'https://id.gs1.org/01/09520123456788/10/A'],
    ['(01)09520123456788(235)T(10)B', 'not_an_attribute'],
    ['(01)09520123456788(8200)X', 'not_an_attribute'],
    ['(10)A(17)271231', 'no_gs1_key'],
  ])('of %s is %s', (text, uri) => {
    expect(write(text)).toBe(uri)
  })

  it('may have any stem', () => {
    expect(write('(01)09520123456788', 'https://example.com/p/')).toBe('https://example.com/p/01/09520123456788')
  })

  it('says the same as the elements it was written of', () => {
    fc.assert(
      fc.property(tradeItems, (elements) => {
        const link = generateDigitalLink(elements)
        const read = link.ok ? parseDigitalLink(link.uri, { now }) : null
        const order = (list: readonly { ai: string }[]) => list.toSorted((a, b) => (a.ai < b.ai ? -1 : 1))
        expect(read).toMatchObject({ ok: true })
        expect(read?.ok === true ? order(read.elements) : null).toEqual(order(elements))
      }),
    )
  })
})

describe('a URI component', () => {
  it('is decoded leniently, and never to a NUL', () => {
    expect(unescapeComponent('A%2fB+C%4', 'path')).toBe('A/B+C%4')
    expect(unescapeComponent('A%2fB+C%', 'query')).toBe('A/B C%')
    expect(unescapeComponent('%E9%zz', 'path')).toBe('é%zz')
    expect(unescapeComponent('A%00', 'query')).toBeNull()
  })

  it('comes back from its encoding', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) }),
        fc.constantFrom('path' as const, 'query' as const),
        (text, part) => {
          const encoded = escapeComponent(text, part)
          expect(encoded).toMatch(/^[A-Za-z0-9\-._~%+]*$/)
          expect(unescapeComponent(encoded, part)).toBe(text)
        },
      ),
    )
    expect(escapeComponent('a b/€😀', 'query')).toBe('a+b%2F%E2%82%AC%F0%9F%98%80')
  })
})

describe('a compressed Digital Link', () => {
  it.each([
    'https://id.gs1.org/AQnYUc1gmiERBhNDRk',
    'https://example.org/ARHKVAdpQg',
    'https://example.com/x/y/ARFKk4XB0CDKWcnpq?a=b',
  ])('is recognised in %s', (uri) => {
    expect(isCompressedDigitalLink(uri)).toBe(true)
  })

  it.each([
    'https://example.com/products-list',
    'https://example.com/ProductDetailPage',
    'https://example.com/AboutOurCompany',
    'https://example.com/AQnYUc1gm.html',
    'https://example.com/AQnY',
    `${host}${key}`,
    'AQnYUc1gmiERBhNDRk',
  ])('is not seen in %s', (uri) => {
    expect(isCompressedDigitalLink(uri)).toBe(false)
  })
})

describe('any text', () => {
  it('is read or refused, never thrown at', () => {
    const path = fc.stringMatching(
      /^(\/(01|10|21|17|00|8004|gtin|lot|99|[0-9%A-F]{0,14}|09520123456788)){0,8}(\?[0-9=&%A-F+]{0,30})?$/,
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          path.map((tail) => host + tail),
        ),
        (uri) => {
          const result = readDigitalLink(uri, { now })
          if (!result.ok) expect(result.error.code).toMatch(/^[a-z0-9_]+$/)
          isCompressedDigitalLink(uri)
        },
      ),
      { numRuns: 3000 },
    )
  })
})
