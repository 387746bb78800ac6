import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ControlCommand } from '#contract/station/control.ts'
import { createNonce, fixedCommands, readControlCode, writeControlCode } from '#domain/control-code.ts'

const letters = [...'BCDEFGHJKLNOPRSTUVX']
const locations = fc
  .string({ unit: fc.constantFrom(...' !#+-./:0129ABMQWYZabz_~'), minLength: 1, maxLength: 20 })
  .filter((text) => text === text.trim() && text !== '')
const commands: fc.Arbitrary<ControlCommand> = fc.oneof(
  fc.constantFrom(...fixedCommands),
  locations.map((location): ControlCommand => ({ kind: 'location', location })),
  fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })).map((random): ControlCommand => ({
    kind: 'register',
    nonce: createNonce(() => random.next().value ?? 0),
  })),
)
const codes = commands.map(writeControlCode)

describe('a control code', () => {
  it('is read as the command it was written for', () => {
    fc.assert(
      fc.property(commands, (command) => {
        expect(readControlCode(writeControlCode(command))).toEqual({ kind: 'command', command })
      }),
    )
  })

  it('keeps its text from one version to the next: sheets hang on walls', () => {
    expect(fixedCommands.map(writeControlCode).join(' ')).toBe(
      [
        'XCTRLCODESRS XCTRLPHOTOSOU XCTRLBOTHSP',
        'XCTRLCOUNTBCF XCTRLCOUNTCVH XCTRLCOUNTDSK XCTRLCOUNTEON XCTRLCOUNTFKP',
        'XCTRLCOUNTGGS XCTRLCOUNTHDU XCTRLCOUNTJXX XCTRLCOUNTKTC XCTRLTENFOLDEC',
        'XCTRLUNDOKO XCTRLNOSPOTRN XCTRLNEXTSPOTDT XCTRLENDCF',
        'XCTRLSHOOTNN XCTRLGOODRU XCTRLREJECTJL XCTRLNEXTFK XCTRLENROLUT',
      ].join(' '),
    )
    expect(writeControlCode({ kind: 'location', location: 'A-01' })).toBe('XCTRLSPOTCSBRBUBVSJ')
  })

  it('is typed alike by keyboards of Latin countries, whatever the scanner is set to', () => {
    fc.assert(fc.property(codes, (code) => void expect(code).toMatch(/^[BCDEFGHJKLNOPRSTUVX]{10,51}$/)))
  })

  it('is read with inverted capitals and behind an AIM identifier', () => {
    fc.assert(
      fc.property(codes, fc.constantFrom(']C0', ']Q1', ''), (code, aim) => {
        expect(readControlCode(aim + code.toLowerCase())).toEqual(readControlCode(code))
      }),
    )
  })

  it('is refused with any one letter wrong, as damaged when its beginning is whole', () => {
    fc.assert(
      fc.property(codes, fc.nat(), fc.constantFrom(...letters, 'A', '0', '-'), (code, at, letter) => {
        const place = at % code.length
        fc.pre(code[place] !== letter)
        const wrong = code.slice(0, place) + letter + code.slice(place + 1)
        expect(readControlCode(wrong)).toEqual({ kind: place >= 5 && letters.includes(letter) ? 'damaged' : 'none' })
      }),
      { numRuns: 2_000 },
    )
  })

  it('is refused with two letters exchanged', () => {
    fc.assert(
      fc.property(codes, fc.nat(), fc.integer({ min: 1, max: 17 }), (code, at, distance) => {
        const first = at % code.length
        const second = first + distance
        fc.pre(second < code.length && code[first] !== code[second])
        const exchanged = [...code]
        exchanged[first] = code[second] ?? ''
        exchanged[second] = code[first] ?? ''
        expect(readControlCode(exchanged.join('')).kind).not.toBe('command')
      }),
      { numRuns: 2_000 },
    )
  })

  it('with a fixed text is refused when a letter of it is lost or doubled', () => {
    for (const code of fixedCommands.map(writeControlCode)) {
      for (let at = 0; at < code.length; at += 1) {
        expect(readControlCode(code.slice(0, at) + code.slice(at + 1)).kind).not.toBe('command')
        expect(readControlCode(code.slice(0, at + 1) + code.slice(at)).kind).not.toBe('command')
      }
    }
  })

  it('passes for no GTIN, URL, GS1 string or serial number', () => {
    const digits = fc.stringMatching(/^\d{8,14}$/)
    const gs1 = fc.tuple(digits, fc.string()).map(([gtin, rest]) => `]d201${gtin.padStart(14, '0')}10${rest}\u001d21X`)
    const serials = fc.stringMatching(/^[A-Z0-9-]{1,20}$/)
    fc.assert(
      fc.property(fc.oneof(digits, gs1, fc.webUrl(), serials, fc.string()), (text) => {
        expect(readControlCode(text)).toEqual({ kind: 'none' })
      }),
    )
  })

  it('leaves texts alone that only begin like one', () => {
    for (const text of ['XCTRL', 'XCTRL-100', 'XCTRL 4006381333931', 'XCTRLBB', 'ZXCTRLUNDO', 'CTRLUNDO']) {
      expect(readControlCode(text)).toEqual({ kind: 'none' })
    }
    expect(readControlCode('XCTRLUNDOBB')).toEqual({ kind: 'damaged' })
  })

  it('is not written for a location that cannot be printed', () => {
    for (const location of ['', ' A', 'A ', 'Ä', 'x'.repeat(21), 'A\u001dB']) {
      expect(() => writeControlCode({ kind: 'location', location })).toThrow(RangeError)
    }
    expect(() => writeControlCode({ kind: 'quantity', quantity: 10 })).toThrow(RangeError)
  })
})
