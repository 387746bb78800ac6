import fc from 'fast-check'
import { checkDigit } from '#domain/gtin.ts'
import type { Element } from '#domain/gs1/element-string.ts'

const digits = (length: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: length, maxLength: length }).map((list) => list.join(''))
const withCheckDigit = (body: string) => body + checkDigit(body)
const text = (max: number) => fc.stringMatching(new RegExp(`^[!"%&'()*+,\\-./0-9:;<=>?A-Z_a-z]{1,${max}}$`))

const gtin: fc.Arbitrary<Element> = digits(13).map((body) => ({ ai: '01', value: withCheckDigit(body) }))
const batch: fc.Arbitrary<Element> = text(20).map((value) => ({ ai: '10', value }))
const serial: fc.Arbitrary<Element> = text(20).map((value) => ({ ai: '21', value }))
const variant: fc.Arbitrary<Element> = text(20).map((value) => ({ ai: '22', value }))
const expiry: fc.Arbitrary<Element> = fc
  .tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 28 }))
  .map((parts) => ({ ai: '17', value: parts.map((part) => String(part).padStart(2, '0')).join('') }))
const weight: fc.Arbitrary<Element> = fc
  .tuple(fc.integer({ min: 0, max: 5 }), digits(6))
  .map(([decimals, value]) => ({ ai: `310${decimals}`, value }))
const internal: fc.Arbitrary<Element> = text(90).map((value) => ({ ai: '99', value }))

/** Valid elements of a trade item: a GTIN first, then some others in any order. */
export const tradeItems: fc.Arbitrary<readonly Element[]> = fc
  .tuple(
    gtin,
    fc.subarray([batch, serial, variant, expiry, weight, internal]).chain((some) => fc.tuple(...some)),
  )
  .chain(([first, others]) =>
    fc.shuffledSubarray(others, { minLength: others.length }).map((shuffled) => [first, ...shuffled]),
  )
