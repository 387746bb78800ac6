import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSiteSecret, fingerprintOf, isSignedBy, openSiteKey, readEnrolmentCode } from '#enrolment/index.ts'

const key = openSiteKey(createSiteSecret())
const said = {
  url: 'https://scan.example.org',
  id: 'CXc85b4rqinB7s5J52TRYb',
  expiresAt: '2026-11-22T10:00:00.000Z',
  label: 'Dock 3 · Süd',
  group: 'north',
}

describe('an enrolment code', () => {
  it('says what was written into it, however it was typed or scanned, whatever that is', () => {
    const texts = fc.record({
      label: fc.string({ unit: 'grapheme', maxLength: 60 }),
      group: fc.stringMatching(/^[a-z0-9-]{0,40}$/),
    })
    const looks = fc.constantFrom(
      (text: string) => text,
      (text: string) => text.toLowerCase(),
      (text: string) => `]Q1${text}`,
      (text: string) => ` ${text.replaceAll(/(.{50})/g, '$1\r\n')}\t`,
    )
    fc.assert(
      fc.property(texts, looks, (some, look) => {
        const code = { ...said, ...some, label: some.label.toWellFormed() }
        expect(readEnrolmentCode(look(key.writeCode(code)))).toEqual({
          kind: 'code',
          code: { ...code, publicKey: key.publicKey },
        })
      }),
    )
  })

  it('is no code any more with one letter changed, two exchanged, one less or some more', () => {
    const text = key.writeCode(said)
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom(...'BCDEFGHJKLNOPRST'), (at, letter) => {
        const others = [
          text.slice(0, at) + letter + text.slice(at + 1),
          text.slice(0, at) + text.slice(at + 1, at + 2) + text.charAt(at) + text.slice(at + 2),
          text.slice(0, at) + text.slice(at + 1),
          text.slice(0, at) + letter + letter + text.slice(at),
        ]
        for (const other of others) if (other !== text) expect(readEnrolmentCode(other).kind).not.toBe('code')
      }),
      { numRuns: 200 },
    )
  })

  it('holds only letters that every Latin keyboard has in one place, and fits a QR code that a scanner reads', () => {
    const text = key.writeCode(said)
    expect(text).toMatch(/^[BCDEFGHJKLNOPRSTUVX]+$/)
    // Version 16 at the level M holds 656 characters of the dense mode.
    expect(key.writeCode({ ...said, label: 'W'.repeat(60), group: 'g'.repeat(40) }).length).toBeLessThan(656)
  })

  it('of an address that nothing may be sent to is none, though it is signed', () => {
    for (const url of ['http://scan.example.org', 'ftp://x', 'https://user:word@x.org', 'javascript:alert(1)']) {
      expect(readEnrolmentCode(key.writeCode({ ...said, url })).kind).toBe('tampered')
    }
  })

  it('is not taken for an answer, nor an answer of one key for that of another', () => {
    const answer = key.signed({ challenge: 'abc', at: '2026-11-22T10:00:00.000Z' })
    expect(isSignedBy(key.publicKey, answer)).toBe(true)
    expect(isSignedBy(key.publicKey, { ...answer, at: '2026-11-22T10:00:01.000Z' })).toBe(false)
    expect(isSignedBy(openSiteKey(createSiteSecret()).publicKey, answer)).toBe(false)
    expect(isSignedBy('nonsense', answer)).toBe(false)
    expect(fingerprintOf(key.publicKey)).toMatch(/^([B-X]{4}-){4}[B-X]{4}$/)
  })
})
