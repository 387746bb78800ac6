import { describe, expect, it } from 'vitest'
import { generateScanData, processScanData, type Carrier } from '#domain/gs1/scan-data.ts'

const now = new Date('2026-11-21T00:00:00Z')
const gs = '\x1d'

describe('a transmission', () => {
  it.each([
    [`]C10109520123456788` + `10A${gs}21B`, 'GS1_128_CCA', '^010952012345678810A^21B'],
    [`]d20109520123456788`, 'DM', '^0109520123456788'],
    [']Q3' + `10A${gs}21B`, 'QR', '^10A^21B'],
    [']J1' + '99X', 'DotCode', '^99X'],
    [']e00109520123456788', 'DataBarExpanded', '^0109520123456788'],
    [']E04006381333931', 'EAN13', '4006381333931'],
    [']E496385074', 'EAN8', '96385074'],
    [`]E04006381333931|]e099A${gs}98B`, 'EAN13', '4006381333931|^99A^98B'],
    [']Q1hello', 'QR', 'hello'],
    [']d1^hello', 'DM', '\\^hello'],
    [']Q1\\^hello', 'QR', '\\\\^hello'],
    [']J0', 'DotCode', ''],
    [']Q1https://a/01/09520123456788', 'QR', 'https://a/01/09520123456788'],
  ])('%j is %s with %j', (data, carrier, content) => {
    const result = processScanData(data, { now })
    expect(result).toMatchObject({ ok: true, carrier, content })
    // And back: what was read is what would have been sent.
    expect(generateScanData(carrier as Carrier, content, { now })).toBe(data)
  })

  it.each([
    ['', 'unknown_symbology'],
    ['4006381333931', 'unknown_symbology'],
    [']A0ABC', 'unknown_symbology'],
    [']C1', 'empty'],
    [']C110A^21B', 'illegal_character'],
    [']E0400638133393', 'too_short'],
    [']E040063813339311', 'too_long'],
    [']E04006381333932', 'invalid_check_digit'],
    [']E4963850X4', 'non_digit_character'],
    [']E04006381333931|]e0', 'empty'],
    [']Q1https://a/b', 'no_gs1_key'],
  ])('%j is refused with %s', (data, code) => {
    const result = processScanData(data, { now })
    expect(result.ok ? null : result.error.code).toBe(code)
  })
})

describe('what a scanner would transmit', () => {
  it.each([
    ['UPCA', '036000291452', ']E00036000291452'],
    ['UPCE', '012000003455', ']E00012000003455'],
    ['EAN13', '^0104006381333931', ']E04006381333931'],
    ['EAN8', '^0100000096385074', ']E496385074'],
    ['DataBarOmni', '09520123456788', ']e00109520123456788'],
    ['DataBarStacked', '^0109520123456788|^99A', ']e0010952012345678899A'],
    ['DataBarLimited', '20000000000004', null],
    ['DataBarExpanded', `^0109520123456788` + `10A|^99B`, `]e0010952012345678810A${gs}99B`],
    ['DataBarExpanded', '^0109520123456788|^99B', ']e0010952012345678899B'],
    ['GS1_128_CCC', '^10A|^99B', `]e010A${gs}99B`],
    ['GS1_128_CCA', 'plain', null],
    ['QR', 'a|^99B', ']Q1a|^99B'],
    ['QR', '^10', null],
    ['EAN13', '400638133393', null],
    ['EAN13', '4006381333932', null],
    ['EAN13', '4006381333931|99B', null],
  ] as const)('%s with %j is %j', (carrier, content, data) => {
    expect(generateScanData(carrier, content, { now })).toBe(data)
  })

  it('has the check digit added on request', () => {
    expect(generateScanData('EAN13', '400638133393', { now, addCheckDigit: true })).toBe(']E04006381333931')
    expect(generateScanData('EAN13', '4006381333931', { now, addCheckDigit: true })).toBeNull()
  })
})
