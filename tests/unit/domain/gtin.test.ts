import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkDigit, expandUpcE, hasValidCheckDigit, isGtin, normaliseGtin } from '#domain/gtin.ts'

const digits = (length: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: length, maxLength: length }).map((list) => list.join(''))

/** A GTIN of any of the four lengths. */
const gtins = fc
  .constantFrom(7, 11, 12, 13)
  .chain(digits)
  .map((body) => body + checkDigit(body))

describe('the check digit', () => {
  it.each(['96385074', '036000291452', '4006381333931', '10012345678902', '106141412345678908'])(
    'of %s is right',
    (number) => {
      expect(hasValidCheckDigit(number)).toBe(true)
    },
  )

  it('detects every wrong single digit', () => {
    fc.assert(
      fc.property(gtins, fc.nat(), fc.integer({ min: 1, max: 9 }), (gtin, position, change) => {
        const at = position % gtin.length
        const wrong = (Number(gtin.charAt(at)) + change) % 10
        expect(isGtin(`${gtin.slice(0, at)}${wrong}${gtin.slice(at + 1)}`)).toBe(false)
      }),
    )
  })

  it('does not change when zeros are put in front', () => {
    fc.assert(
      fc.property(gtins, (gtin) => {
        expect(normaliseGtin(gtin)).toBe(gtin.padStart(14, '0'))
        expect(isGtin(gtin.padStart(14, '0'))).toBe(true)
      }),
    )
  })
})

describe('a GTIN', () => {
  it.each([
    ['', 'is empty'],
    ['4006381333932', 'has a wrong check digit'],
    ['40063813339', 'has eleven digits'],
    ['106141412345678908', 'is an SSCC'],
    ['400638133393X', 'has a letter'],
    [' 4006381333931', 'has a space'],
    ['٤٠٠٦٣٨١٣٣٣٩٣١', 'has digits of another script'],
  ])('is refused when %j %s', (text) => {
    expect(normaliseGtin(text)).toBeNull()
  })
})

describe('a UPC-E', () => {
  it.each([
    ['04252614', '042100005264'],
    ['01234505', '012000003455'],
    ['01234531', '012300000451'],
    ['01234543', '012340000053'],
    ['01234558', '012345000058'],
    ['11234593', '112345000093'],
  ])('%s stands for the UPC-A %s', (upce, upca) => {
    expect(expandUpcE(upce)).toBe(upca)
  })

  it.each(['01234560', '21234565', '0123456', '0123456A', '012345678', ''])('is refused when it is %j', (text) => {
    expect(expandUpcE(text)).toBeNull()
  })

  it('always expands to a UPC-A with a right check digit and the same number system', () => {
    fc.assert(
      fc.property(fc.constantFrom('0', '1'), digits(7), (system, rest) => {
        const upca = expandUpcE(system + rest)
        if (upca === null) return
        expect(upca).toHaveLength(12)
        expect(upca.charAt(0)).toBe(system)
        expect(isGtin(upca)).toBe(true)
      }),
    )
  })
})
