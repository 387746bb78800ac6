import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { photoTypeSchema } from '#contract/backend/photo-type.ts'
import { checkDigit } from '#domain/gtin.ts'
import { judgeSameProduct, type ProductWitnesses } from '#domain/review/same-product.ts'

const vectorSchema = z.strictObject({
  name: z.string(),
  itemGtin: z.string().nullable().default('4006381333931'),
  packGtins: z.array(z.string()).default([]),
  photoGtins: z.array(z.string()).default([]),
  text: z.string().nullable().default(null),
  view: photoTypeSchema.nullable().default(null),
  product: z.strictObject({ brand: z.string(), name: z.string() }).nullable().default(null),
  verdict: z.enum(['same', 'check', 'other', 'unknown']),
  code: z.string().optional(),
  textSays: z.string().optional(),
  gtin: z.string().optional(),
  words: z.array(z.string()).optional(),
})
const vectors = z
  .array(vectorSchema)
  .parse(JSON.parse(readFileSync(new URL('../../../vectors/same-product.json', import.meta.url), 'utf8')))

const digits = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: length, maxLength: length })
const gtin13 = digits(12).map((body) => body + checkDigit(body))
/** Numbers of brand owners, none that shops give out themselves. */
const brandGtin13 = gtin13.filter((gtin) => !/^(?:02|04|2)/.test(gtin))
const nothing: ProductWitnesses = { itemGtin: null, photoGtins: [], text: null, view: null, product: null }

describe('whether a photo shows the product it was taken for', () => {
  it.each(vectors)('$name', ({ verdict, code, textSays, gtin, words, ...witnesses }) => {
    const judged = judgeSameProduct(witnesses)
    expect(judged).toMatchObject({
      verdict,
      ...(code === undefined ? {} : { code }),
      ...(textSays === undefined ? {} : { text: textSays }),
      ...(gtin === undefined ? {} : { gtin }),
      ...(words === undefined ? {} : { words }),
    })
  })

  it('is the same for the own GTIN in any length', () => {
    fc.assert(
      fc.property(brandGtin13, fc.boolean(), (gtin, isPadded) => {
        const photoGtins = [isPadded ? `0${gtin}` : gtin]
        expect(judgeSameProduct({ ...nothing, itemGtin: gtin, photoGtins }).verdict).toBe('same')
      }),
    )
  })

  it('is another product for any other number, unless an indicator digit is the difference', () => {
    fc.assert(
      fc.property(brandGtin13, brandGtin13, fc.integer({ min: 1, max: 8 }), (one, other, indicator) => {
        fc.pre(one !== other)
        expect(judgeSameProduct({ ...nothing, itemGtin: one, photoGtins: [other] }).verdict).toBe('other')
        const body = `${indicator}${one.slice(0, 12)}`
        const outer = judgeSameProduct({ ...nothing, itemGtin: one, photoGtins: [body + checkDigit(body)] })
        expect(outer).toMatchObject({ verdict: 'check', code: 'outer' })
      }),
    )
  })

  it('never throws and never calls words alone another product', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), fc.string(), (text, brand, name) => {
        const judged = judgeSameProduct({ ...nothing, text, view: 'front', product: { brand, name } })
        expect(judged.verdict).not.toBe('other')
      }),
    )
  })
})
