import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { imageTypeOf } from '#domain/image-type.ts'
import { isSealed, openSealed, seal, sealBytes, SealError, sealing } from '#sealing/index.ts'

const keys = fc.uint8Array({ minLength: 32, maxLength: 32 })
const contents = fc.uint8Array({ maxLength: 5_000 })

const refusalOf = (open: () => unknown): unknown => {
  try {
    open()
    return null
  } catch (error) {
    return error instanceof SealError ? error.reason : error
  }
}

test('what was sealed in one piece or as it came opens to the same bytes, and not to a photo before', async () => {
  const pieces = fc.array(contents, { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(keys, pieces, async (key, chunks) => {
      const content = Buffer.concat(chunks)
      const streamed = await buffer(Readable.from(chunks.filter(({ length }) => length > 0)).pipe(sealing(key)))
      for (const sealed of [seal(content, key), streamed]) {
        expect(isSealed(sealed)).toBe(true)
        expect(imageTypeOf(sealed)).toBeUndefined()
        expect(sealed.length).toBe(content.length + sealBytes)
        expect(Buffer.from(openSealed(sealed, key))).toEqual(content)
      }
    }),
  )
})

test('the same bytes never look the same twice', () => {
  fc.assert(
    fc.property(keys, contents, (key, content) => {
      expect(seal(content, key)).not.toEqual(seal(content, key))
    }),
  )
})

test('what is not sealed is its own content, with a key and without', () => {
  fc.assert(
    fc.property(keys, contents, (key, content) => {
      fc.pre(!isSealed(content))
      expect(openSealed(content, key)).toBe(content)
      expect(openSealed(content, null)).toBe(content)
    }),
  )
})

test('a file of which one bit was changed gives nothing away', () => {
  fc.assert(
    fc.property(keys, contents, fc.nat(), fc.nat({ max: 7 }), (key, content, place, bit) => {
      const sealed = seal(content, key)
      // The first eight bytes say that it is sealed: changed, they leave what nobody can read.
      const at = 8 + (place % (sealed.length - 8))
      sealed[at] = (sealed[at] ?? 0) ^ (1 << bit)
      expect(refusalOf(() => openSealed(sealed, key))).toBe('refused')
    }),
  )
})

test('a file that was cut off anywhere gives nothing away', () => {
  fc.assert(
    fc.property(keys, contents, fc.nat(), (key, content, place) => {
      const sealed = seal(content, key)
      const cut = sealed.subarray(0, 8 + (place % (sealed.length - 8)))
      expect(refusalOf(() => openSealed(cut, key))).toBe('refused')
    }),
  )
})

test('another key and no key open nothing, and are told apart', () => {
  fc.assert(
    fc.property(keys, keys, contents, (key, other, content) => {
      fc.pre(Buffer.compare(key, other) !== 0)
      expect(refusalOf(() => openSealed(seal(content, key), other))).toBe('refused')
      expect(refusalOf(() => openSealed(seal(content, key), null))).toBe('no_key')
    }),
  )
})
