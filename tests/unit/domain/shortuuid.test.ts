import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromShortUuid, isShortUuid, isUuid, toShortUuid } from '#domain/shortuuid.ts'

describe('a short UUID', () => {
  it.each([
    ['3b1f8b40-222c-4a6e-b77e-779d5a94e21c', 'CXc85b4rqinB7s5J52TRYb'],
    ['00000000-0000-0000-0000-000000000000', '2222222222222222222222'],
    ['00000000-0000-0000-0000-000000000039', '2222222222222222222232'],
    ['ffffffff-ffff-ffff-ffff-ffffffffffff', 'oZEq7ovRbLq6UnGMPwc8B5'],
  ])('of %s is %s', (uuid, short) => {
    expect(toShortUuid(uuid)).toBe(short)
    expect(fromShortUuid(short)).toBe(uuid)
  })

  it('and its UUID say the same', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        const short = toShortUuid(uuid)
        expect(short).toMatch(/^[2-9A-HJ-NP-Za-km-z]{22}$/)
        expect(fromShortUuid(short ?? '')).toBe(uuid)
      }),
    )
  })

  it('accepts a UUID in capitals', () => {
    expect(toShortUuid('3B1F8B40-222C-4A6E-B77E-779D5A94E21C')).toBe('CXc85b4rqinB7s5J52TRYb')
    expect(isUuid('3B1F8B40-222C-4A6E-B77E-779D5A94E21C')).toBe(true)
  })

  it('of more than 128 bits has the right pattern but is none', () => {
    expect(fromShortUuid('oZEq7ovRbLq6UnGMPwc8B6')).toBeNull()
    expect(isShortUuid('zzzzzzzzzzzzzzzzzzzzzz')).toBe(false)
  })

  it.each(['', 'CXc85b4rqinB7s5J52TRY', 'CXc85b4rqinB7s5J52TRYbb', '0Xc85b4rqinB7s5J52TRYb', 'lXc85b4rqinB7s5J52TRYb'])(
    'is refused when it is %j',
    (text) => {
      expect(fromShortUuid(text)).toBeNull()
    },
  )

  it('is not made of anything but a canonical UUID', () => {
    expect(toShortUuid('3b1f8b40222c4a6eb77e779d5a94e21c')).toBeNull()
    expect(toShortUuid('{3b1f8b40-222c-4a6e-b77e-779d5a94e21c}')).toBeNull()
  })
})
