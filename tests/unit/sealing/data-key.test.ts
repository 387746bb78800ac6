import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fingerprintOf, keyFor, newDataKey, readRecoveryKey, recoveryKeyOf } from '#sealing/index.ts'

const keys = fc.uint8Array({ minLength: 32, maxLength: 32 })

test('a recovery key reads back as the key it was made of, however it is typed', () => {
  fc.assert(
    fc.property(keys, fc.boolean(), fc.boolean(), (key, isLower, isWithoutGroups) => {
      const text = recoveryKeyOf(key)
      expect(text).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){13}[0-9A-HJKMNP-TV-Z]{4}$/)
      const typed = isWithoutGroups ? text.replaceAll('-', ' ') : text
      expect(readRecoveryKey(` ${isLower ? typed.toLowerCase() : typed}\n`)).toEqual(key)
    }),
  )
})

test('letters that look like digits are taken for them', () => {
  const text = recoveryKeyOf(new Uint8Array(32))
  expect(readRecoveryKey(text.replaceAll('0', 'O'))).toEqual(new Uint8Array(32))
})

test('a recovery key with one letter changed, left out or added is refused', () => {
  fc.assert(
    fc.property(keys, fc.nat(), fc.constantFrom(...'0123456789ABCDEFGHJKMNPQRSTVWXYZ'), (key, place, letter) => {
      const text = recoveryKeyOf(key).replaceAll('-', '')
      const at = place % text.length
      fc.pre(text[at] !== letter)
      // The check has 24 bits: one of 16 million mistakes passes, and none of these examples does.
      expect(readRecoveryKey(text.slice(0, at) + letter + text.slice(at + 1))).toBeNull()
      expect(readRecoveryKey(text.slice(0, at) + text.slice(at + 1))).toBeNull()
      expect(readRecoveryKey(text + letter)).toBeNull()
    }),
  )
})

test('each kind of data has a key of its own, and the fingerprint is none of them', () => {
  const key = newDataKey()
  const made = [key, keyFor('store', key), keyFor('media', key)].map((one) => Buffer.from(one).toString('hex'))
  expect(new Set([...made, fingerprintOf(key)]).size).toBe(4)
  expect(keyFor('store', key)).toEqual(keyFor('store', key))
})
