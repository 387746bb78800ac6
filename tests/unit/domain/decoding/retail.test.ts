import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isConclusive } from '#domain/decoding/accept.ts'
import { expandUpce, readRetail } from '#domain/decoding/retail.ts'
import type { Profile, RetailFormat } from '#domain/decoding/retail.ts'
import { checkDigit } from '#domain/gtin.ts'

const formats = new Set<RetailFormat>(['EAN13', 'EAN8', 'UPCE'])
const odd = [
  '0001101',
  '0011001',
  '0010011',
  '0111101',
  '0100011',
  '0110001',
  '0101111',
  '0111011',
  '0110111',
  '0001011',
]
const right = odd.map((bits) => Array.from(bits, (bit) => (bit === '0' ? '1' : '0')).join(''))
const even = right.map((bits) => Array.from(bits).toReversed().join(''))
const parities = ['000000', '001011', '001101', '001110', '010011', '011001', '011100', '010101', '010110', '011010']

function ean13(text: string): string {
  const parity = parities[Number(text[0])]!
  const left = Array.from(text.slice(1, 7), (digit, at) => (parity[at] === '1' ? even : odd)[Number(digit)]!)
  return `101${left.join('')}01010${Array.from(text.slice(7), (digit) => right[Number(digit)]!).join('')}101`
}

/** The bars as a camera sees them: `module` samples wide, blurred, of some contrast, with grain. */
function photographed(bits: string, module: number, blur: number, contrast: number, grain: readonly number[]): Profile {
  const quiet = '0'.repeat(20)
  const all = quiet + bits + quiet
  const profile = new Float32Array(Math.floor(all.length * module))
  for (let at = 0; at < profile.length; at++) {
    let [sum, weights] = [0, 0]
    for (let step = -3; step <= 3; step += 0.2) {
      const weight = Math.exp((-step * step) / 2)
      const bit = Math.floor((at + 0.5) / module + step * blur)
      sum += weight * (all[bit] === '1' ? 0 : 1)
      weights += weight
    }
    profile[at] = 120 + contrast * (sum / weights - 0.5) + (grain[at % grain.length] ?? 0)
  }
  return profile
}

const digits = (count: number) => fc.stringMatching(new RegExp(`^[0-9]{${count}}$`))

describe('reading EAN by likelihood', () => {
  const grain = fc.array(fc.double({ min: -6, max: 6, noNaN: true }), { minLength: 31, maxLength: 97 })
  const module = fc.double({ min: 3.2, max: 7, noNaN: true })

  it('reads nearly every number, grainy and a little blurred, forwards and from behind', () => {
    const blurs = fc.double({ min: 0.3, max: 0.45, noNaN: true })
    // Drawn once for all: in a few of a hundred numbers, blurred, a 1 and a 7 change places, and it is not sure of these.
    const cases = fc.sample(fc.tuple(digits(12), module, blurs, grain, fc.boolean()), { numRuns: 24, seed: 3 })
    const isRead = cases.map(([body, wide, blur, grains, isReversed]) => {
      const text = body + checkDigit(body)
      const seen = photographed(ean13(text), wide, blur, 110, grains)
      const slices = [seen, seen, seen].map((slice) => (isReversed ? slice.toReversed() : slice))
      const reads = readRetail(slices, 95 * wide, formats)
      expect(reads.find(isConclusive)?.text ?? text).toBe(text)
      return reads.find(({ format }) => format === 'EAN13')?.text === text
    })
    expect(isRead.filter(Boolean).length).toBeGreaterThanOrEqual(22)
  })

  it('is right whenever it is sure, however blurred the bars', () => {
    fc.assert(
      fc.property(
        digits(12),
        module,
        fc.double({ min: 0.3, max: 1.4, noNaN: true }),
        grain,
        (body, wide, blur, grains) => {
          const text = body + checkDigit(body)
          const seen = photographed(ean13(text), wide, blur, 110, grains)
          const sure = readRetail([seen, seen, seen], 95 * wide, new Set<RetailFormat>(['EAN13'])).filter(isConclusive)
          for (const read of sure) expect(read.text).toBe(text)
        },
      ),
      { numRuns: 15 },
    )
  })

  it.each([
    ['241133328597', 3.2, 0.703, [0]],
    ['911911849873', 6.141, 0.811, [0, 3, -2, 1]],
    ['782177783878', 4.306, 0.849, [0, 3, -2, 1]],
    ['511287202954', 5.189, 0.87, [0, 3, -2, 1]],
  ])('is not sure of 1 for 7 and 2 for 8 everywhere in %s, where blur makes each look like the other', (...drawn) => {
    const [body, wide, blur, grains] = drawn
    const text = body + checkDigit(body)
    const seen = photographed(ean13(text), wide, blur, 110, grains)
    const sure = readRetail([seen, seen, seen], 95 * wide, new Set<RetailFormat>(['EAN13'])).filter(isConclusive)
    for (const read of sure) expect(read.text).toBe(text)
  })

  it('is not sure of a number whose check digit is wrong', () => {
    fc.assert(
      fc.property(digits(12), fc.integer({ min: 1, max: 9 }), (body, error) => {
        const wrong = String((Number(checkDigit(body)) + error) % 10)
        const seen = photographed(ean13(body + wrong), 5, 0.4, 110, [0, 3, -2, 1])
        const reads = readRetail([seen, seen, seen], 95 * 5, formats)
        expect(reads.filter(isConclusive)).toEqual([])
      }),
      { numRuns: 12 },
    )
  })

  it('is not sure of bars that are no retail code', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 40, maxLength: 70 }), (widths) => {
        const bits = widths.map((width, at) => (at % 2 === 0 ? '1' : '0').repeat(width)).join('')
        const seen = photographed(bits, 5, 0.4, 110, [0, 3, -2, 1])
        const reads = readRetail([seen, seen, seen], bits.length * 5, formats)
        expect(reads.filter(isConclusive)).toEqual([])
      }),
      { numRuns: 15 },
    )
  })

  it('knows the UPC-A of a UPC-E, and none with a wrong check digit', () => {
    expect(expandUpce('04252614')).toBe('042100005264')
    expect(expandUpce('04252615')).toBeUndefined()
  })
})
