import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readScan, type ScanInput } from '#domain/scan.ts'
import { toElementString } from '#domain/gs1/element-string.ts'
import { tradeItems } from './gs1/arbitraries.ts'

const now = new Date('2026-11-21T00:00:00Z')
const gs = '\x1d'
const scan = (input: ScanInput) => readScan(input, { now })
const plain = {
  gtin: null,
  addOn: null,
  elements: [],
  elementString: null,
  digitalLink: null,
  warnings: [],
  error: null,
}

describe('a scan', () => {
  it('of a GS1 carrier gives its elements, GTIN and canonical link', () => {
    expect(scan({ data: `]d2010952012345678810A/B${gs}17271231` })).toEqual({
      raw: `010952012345678810A/B${gs}17271231`,
      symbologyIdentifier: ']d2',
      symbology: 'gs1_datamatrix',
      gtin: '09520123456788',
      addOn: null,
      elements: [
        { ai: '01', value: '09520123456788' },
        { ai: '10', value: 'A/B' },
        { ai: '17', value: '271231' },
      ],
      elementString: '^010952012345678810A/B^17271231',
      digitalLink: 'https://id.gs1.org/01/09520123456788/10/A%2FB?17=271231',
      warnings: [],
      error: null,
    })
  })

  it('is the same with the identifier in the data, apart from it, or both', () => {
    const apart = scan({ data: '0109520123456788', aim: ']C1' })
    expect(scan({ data: ']C10109520123456788' })).toEqual(apart)
    expect(scan({ data: ']C10109520123456788', aim: ']C1' })).toEqual(apart)
    expect(apart.raw).toBe('0109520123456788')
  })

  it('of a decoder that names only the format becomes the GS1 variant by the identifier', () => {
    expect(scan({ data: '10A', aim: ']Q3', symbology: 'qr' }).symbology).toBe('gs1_qr')
    expect(scan({ data: '0109520123456788', aim: ']e0', symbology: 'databar_limited' }).symbology).toBe(
      'databar_limited',
    )
  })

  it('of a decoder without identifiers shows GS1 data by their separators', () => {
    const label = scan({ data: `${gs}010952012345678810A`, symbology: 'code128' })
    expect(label).toMatchObject({ symbology: 'code128', gtin: '09520123456788', elementString: '^010952012345678810A' })
    expect(scan({ data: '0109520123456788', symbology: 'code128' })).toMatchObject({ gtin: null, elements: [] })
  })

  it('keeps an identifier that is part of the data', () => {
    expect(scan({ data: ']C1 is printed here', aim: ']Q1' })).toEqual({
      ...plain,
      raw: ']C1 is printed here',
      symbologyIdentifier: ']Q1',
      symbology: 'qr',
    })
  })

  it('of a logistic label has a link of its SSCC and no GTIN', () => {
    const label = scan({ data: `]C100106141412345678908` + `400ORDER${gs}`, aim: ']C1' })
    expect(label).toMatchObject({ gtin: null, error: null, elementString: '^00106141412345678908400ORDER' })
    expect(label.digitalLink).toBe('https://id.gs1.org/00/106141412345678908?400=ORDER')
  })

  it('takes AI (02) for the content, not for the item', () => {
    const label = scan({ data: ']C1' + '00106141412345678908' + '0209520123456788' + '3725' })
    expect(label).toMatchObject({ gtin: null, error: null, warnings: [] })
  })

  it('warns of a required AI that is not there, and goes on', () => {
    const batch = scan({ data: ']C110A' })
    expect(batch).toMatchObject({ error: null, elements: [{ ai: '10', value: 'A' }], digitalLink: null })
    expect(batch.warnings.map(({ code }) => code)).toEqual(['missing_required_ai'])
  })

  it.each([
    [']C1', 'empty'],
    [']C10109520123456789', 'invalid_check_digit'],
    [']C10109520123456788' + '375', 'excluded_ai'],
    [`]C110A${gs}10B`, 'repeated_ai'],
    [']d2hello', 'unknown_ai'],
    [']Q310A^21B', 'illegal_character'],
    [']C1' + gs + '10A', 'unknown_ai'],
  ])('that breaks the rules of its carrier keeps its raw value and says why: %j', (data, code) => {
    const broken = scan({ data })
    expect(broken).toMatchObject({ raw: data.slice(3), gtin: null, elements: [], elementString: null })
    expect(broken.error?.code).toBe(code)
  })
})

describe('a retail code', () => {
  it.each([
    [{ data: ']E04006381333931' }, 'ean13', '04006381333931'],
    [{ data: ']E00036000291452' }, 'ean13', '00036000291452'],
    [{ data: '036000291452', aim: ']E0', symbology: 'upca' }, 'upca', '00036000291452'],
    [{ data: '0012345000065', aim: ']E0', symbology: 'upce' }, 'upce', '00012345000065'],
    [{ data: '01234565', symbology: 'upce' }, 'upce', '00012345000065'],
    [{ data: ']E001234565' }, 'upce', '00012345000065'],
    [{ data: ']E496385074' }, 'ean8', '00000096385074'],
    [{ data: ']E3400638133393112' }, 'ean13', '04006381333931'],
    [{ data: ']I110012345678902' }, 'itf14', '10012345678902'],
    [{ data: ']I010012345678902' }, 'itf14', '10012345678902'],
    [{ data: ']e00109520123456788' }, 'databar', '09520123456788'],
  ] as const)('%j is %s and holds the GTIN %s', (input, symbology, gtin) => {
    expect(scan(input)).toMatchObject({ symbology, gtin, error: null, elementString: `^01${gtin}` })
  })

  it.each([
    [{ data: ']E3400638133393112' }, '12'],
    [{ data: ']E3978020175284755999' }, '55999'],
    [{ data: '9780201752847', aim: ']E0', addOn: '55999' }, '55999'],
    [{ data: ']E04006381333931' }, null],
    [{ data: ']E3400638133393212' }, null],
    [{ data: '978020175284755999' }, null],
  ] as const)('%j has the add-on %s', (input, addOn) => {
    expect(scan(input).addOn).toBe(addOn)
  })

  it('may carry a composite component', () => {
    const composite = scan({ data: `]E04006381333931|]e010A${gs}99B` })
    expect(composite).toMatchObject({ gtin: '04006381333931', warnings: [], error: null })
    expect(composite.elementString).toBe('^010400638133393110A^99B')
    expect(scan({ data: ']E04006381333931|]e017271399' }).error?.code).toBe('illegal_month')
  })

  it.each([
    [']E04006381333932', 'invalid_check_digit'],
    [']E0400638133393', 'invalid_check_digit'],
    [']E012345678901234', 'invalid_length'],
    [']E0', 'non_digit_character'],
    [']E496385075', 'invalid_check_digit'],
    [']E4963850', 'invalid_length'],
    [']E001234560', 'invalid_check_digit'],
    [']E040063813339X1', 'non_digit_character'],
    [']I110012345678903', 'invalid_check_digit'],
    [']E34006381333931', 'invalid_length'],
  ])('%s is refused with %s', (data, code) => {
    expect(scan({ data })).toMatchObject({ gtin: null, elements: [], error: { code } })
  })

  it('is not guessed from a number in another carrier', () => {
    for (const aim of [']C0', ']A0', ']Q1', ']d1']) {
      expect(scan({ data: '4006381333931', aim })).toMatchObject({ gtin: null, elements: [], error: null })
    }
    expect(scan({ data: ']I0123456' })).toMatchObject({ symbology: 'itf', gtin: null, error: null })
    expect(scan({ data: ']I010012345678903' })).toMatchObject({ symbology: 'itf', gtin: null, error: null })
  })
})

describe('a plain carrier', () => {
  it('may hold a Digital Link', () => {
    const link = scan({ data: 'https://example.com/01/09520123456788/21/S?17=271231', aim: ']Q1' })
    expect(link).toMatchObject({ symbology: 'qr', gtin: '09520123456788', warnings: [], error: null })
    expect(link.digitalLink).toBe('https://id.gs1.org/01/09520123456788/21/S?17=271231')
  })

  it('may hold a careless Digital Link, read with warnings and kept as it is', () => {
    const data = 'https://example.com/gtin/9520123456788/'
    const link = scan({ data, aim: ']d1' })
    expect(link).toMatchObject({ raw: data, gtin: '09520123456788', error: null })
    expect(link.warnings.map(({ code }) => code)).toEqual(['trailing_slash', 'short_gtin', 'convenience_alpha'])
  })

  it('may hold a Digital Link that breaks the rules', () => {
    const broken = scan({ data: 'https://example.com/01/09520123456789', aim: ']Q1' })
    expect(broken).toMatchObject({ gtin: null, elements: [], error: { code: 'invalid_check_digit' } })
  })

  it('may hold a compressed Digital Link, which is only reported', () => {
    const compressed = scan({ data: 'https://id.gs1.org/AQnYUc1gmiERBhNDRk', aim: ']Q1' })
    expect(compressed).toMatchObject({ ...plain, warnings: [{ code: 'compressed_digital_link' }] })
  })

  it.each([
    'https://example.com/',
    'https://example.com/2024/01/15/news',
    'https://example.com/news/01/15',
    'https://example.com/a?10=x',
    'http://',
    'hello world',
    '(01)09520123456788',
    `0109520123456788${gs}10A`,
    '^0109520123456788',
    'WIFI:S:a;T:WPA;P:b;;',
    '',
  ])('may hold anything else, such as %j', (data) => {
    expect(scan({ data, aim: ']Q1' })).toEqual({ ...plain, raw: data, symbologyIdentifier: ']Q1', symbology: 'qr' })
  })
})

describe('a scan without an identifier', () => {
  it.each([
    ['https://example.com/01/09520123456788', '^0109520123456788'],
    [`0109520123456788${gs}10A`, '^010952012345678810A'],
    [`${gs}10A${gs}21B`, '^10A^21B'],
    ['(01)09520123456788(10)A', '^010952012345678810A'],
    ['^010952012345678810A^99B', '^010952012345678810A^99B'],
    ['4006381333931', '^0104006381333931'],
    ['036000291452', '^0100036000291452'],
    ['96385074', '^0100000096385074'],
    ['10012345678902', '^0110012345678902'],
  ])('is recognised: %j', (data, elementString) => {
    expect(scan({ data })).toMatchObject({
      raw: data,
      symbologyIdentifier: null,
      symbology: 'unknown',
      elementString,
      error: null,
    })
  })

  it.each([
    '4006381333932',
    '12345',
    'ABC',
    `A${gs}B`,
    '(555) 123-4567',
    '(20) boxes',
    '(1)a',
    ']',
    ']hello',
    '^hello',
  ])('is a text: %j', (data) => {
    expect(scan({ data })).toEqual({ ...plain, raw: data, symbologyIdentifier: null, symbology: 'unknown' })
  })

  it.each([
    ['(01)09520123456789', 'invalid_check_digit'],
    ['(10)(11)98765', 'empty_value'],
    ['^99A~', 'invalid_cset82_character'],
  ])('is refused when it is typed wrongly: %s', (data, code) => {
    expect(scan({ data, symbology: 'manual' })).toMatchObject({ symbology: 'manual', error: { code } })
  })

  it('takes eight digits for a GTIN-8, never for a UPC-E', () => {
    // Both readings have a right check digit.
    expect(scan({ data: '01234565' }).gtin).toBe('00000001234565')
  })
})

describe('whatever is scanned', () => {
  it('is answered without an exception, and nothing of it is lost', () => {
    const aim = fc.option(fc.constantFrom(']C1', ']d2', ']E0', ']E4', ']e0', ']Q1', ']Q3', ']I1', ']X0', 'x', ''), {
      nil: undefined,
    })
    const data = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^(\][CEQde][0-4])?[0-9A-C()^|#]{0,40}$/).map((form) => form.replaceAll('#', gs)),
      fc.webUrl(),
    )
    fc.assert(
      fc.property(data, aim, (text, identifier) => {
        const result = scan({ data: text, aim: identifier })
        expect((result.symbologyIdentifier ?? '') + result.raw).toContain(text)
        if (result.error !== null) expect(result.elements).toEqual([])
        if (result.gtin !== null) expect(result.gtin).toMatch(/^\d{14}$/)
        expect(result.elementString === null).toBe(result.elements.length === 0)
      }),
      { numRuns: 3000 },
    )
  })

  it('as a trade item says the same in every GS1 carrier', () => {
    fc.assert(
      fc.property(tradeItems, fc.constantFrom(']C1', ']d2', ']Q3', ']J1', ']e0'), (elements, aim) => {
        const written = toElementString(elements)
        const result = scan({ data: aim + written.slice(1).replaceAll('^', gs) })
        expect(result).toMatchObject({ elements, elementString: written, gtin: elements[0]?.value, error: null })
      }),
    )
  })
})
