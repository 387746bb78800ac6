import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chipSettingsSchema } from '#contract/station/scanner-settings.ts'
import { readChip, type ChipRead } from '#domain/chip.ts'

type Sends = (typeof chipSettingsSchema.shape.sends.options)[number]
const read = (data: string, sends: Sends, prefix = ''): ChipRead => readChip(data, { sends, prefix })
const chip = (value: string) => ({ kind: 'chip', value })

const hexOf = (bytes: ArrayLike<number>, separator = '') =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(separator)
const uid = fc.constantFrom(4, 5, 7, 8, 10).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }))
const canonical = (bytes: Uint8Array) => hexOf(bytes).toUpperCase()

/** A record of the NFC Forum's own types, with the length in one byte where that does. */
function record(type: string, payload: readonly number[], bits = 0xc0): number[] {
  const isShort = payload.length < 256
  const { length } = payload
  const size = isShort ? [length] : [length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255]
  return [bits | (isShort ? 0x10 : 0) | 1, type.length, ...size, ...Buffer.from(type), ...payload]
}
const textOf = (text: string, language = 'en') => [language.length, ...Buffer.from(language), ...Buffer.from(text)]
const lockBytes = [1, 3, 0xa0, 0x0c, 0x34]
/** A chip's memory: lock bytes, the message, the end, and what an earlier message left behind it. */
const memoryOf = (message: readonly number[]) => [
  0,
  ...lockBytes,
  ...(message.length < 255 ? [3, message.length] : [3, 255, message.length >> 8, message.length & 255]),
  ...message,
  0xfe,
  ...record('T', []),
]

describe('a chip', () => {
  it.each([
    ['04A2B3C4D5E6F0', 'uid_hex'],
    ['04:a2:b3:c4:d5:e6:f0', 'uid_hex'],
    ['04 A2 B3 C4 D5 E6 F0\r', 'uid_hex'],
    ['04-A2-B3-C4-D5-E6-F0', 'uid_hex'],
    ['0x04A2B3C4D5E6F0', 'uid_hex'],
    ['0x04 0xA2 0xB3 0xC4 0xD5 0xE6 0xF0', 'uid_hex'],
    ['04A2B3C4D5E6F0h', 'uid_hex'],
    ['F0E6D5C4B3A204', 'uid_hex_reversed'],
    ['f0:e6:d5:c4:b3:a2:04', 'uid_hex_reversed'],
    ['1304792892040944', 'uid_decimal'],
    ['067807800213086724', 'uid_decimal_reversed'],
  ] as const)('has the same number by %s (%s)', (data, sends) => {
    expect(read(data, sends)).toEqual(chip('04A2B3C4D5E6F0'))
  })

  it('has its number however a reader writes it', () => {
    const separators = fc.constantFrom('', ':', '-', ' ', ', ')
    fc.assert(
      fc.property(uid, separators, fc.boolean(), (bytes, separator, isUpper) => {
        const write = (of: Uint8Array) => (isUpper ? hexOf(of, separator).toUpperCase() : hexOf(of, separator))
        expect(read(write(bytes), 'uid_hex')).toEqual(chip(canonical(bytes)))
        expect(read(write(bytes.toReversed()), 'uid_hex_reversed')).toEqual(chip(canonical(bytes)))
      }),
    )
  })

  it('has its number by a decimal one, padded or not, unless that begins with zeros that nobody counts', () => {
    fc.assert(
      fc.property(
        uid.filter((bytes) => bytes.length === 4 || (bytes[0] !== 0 && bytes.length !== 5)),
        fc.nat(8),
        (bytes, zeros) => {
          const number = BigInt(`0x${hexOf(bytes)}`).toString()
          const padded = number.padStart(Math.min(25, number.length + zeros), '0')
          expect(read(padded, 'uid_decimal')).toEqual(chip(canonical(bytes)))
          expect(read(padded, 'uid_decimal_reversed')).toEqual(chip(canonical(bytes.toReversed())))
        },
      ),
    )
  })

  it.each([
    ['04A2B3C4D5E6', 'uid_hex', 'no UID has 6 bytes'],
    ['04A2B3C', 'uid_hex', 'this is no UID in the notation that is set'],
    ['0:4A:2B:3C', 'uid_hex', 'this is no UID in the notation that is set'],
    ['', 'uid_hex', 'this is no UID in the notation that is set'],
    ['04A2B3C4', 'uid_decimal', 'this is no UID in the notation that is set'],
    ['https://example.org/pass/7', 'uid_hex', 'this is no UID in the notation that is set'],
    ['', 'text', 'the chip is empty'],
    ['D101', 'ndef_hex', 'the NDEF message is cut off or damaged'],
    ['0000FE', 'ndef_hex', 'the chip has no text and no address'],
  ] as const)('is not %s (%s)', (data, sends, reason) => {
    expect(read(data, sends)).toEqual({ kind: 'unreadable', reason })
  })

  it('is only what begins with its prefix, where a scanner of codes types beside its reader', () => {
    expect(read('~04A2B3C4', 'uid_hex', '~')).toEqual(chip('04A2B3C4'))
    expect(read('4006381333931', 'uid_hex', '~')).toEqual({ kind: 'code' })
  })

  it('keeps a text as it is sent, to the byte', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), (text) => {
        expect(read(text, 'text')).toEqual(chip(text))
      }),
      { numRuns: 50 },
    )
  })

  it.each([
    ['a text', 'D1010A5402656E30303037204142', '0007 AB'],
    ['an address with its beginning', 'D1011355046578616D706C652E6F72672F702F30303037', 'https://example.org/p/0007'],
    ['an address written out', 'D1010C55006369643A3030303741422F', 'cid:0007AB/'],
    ['a text in UTF-16', 'D1010B5482656EFEFF003000302030', '00\u2030'],
    ['an empty record before it', '9000005101055402656E5858', 'XX'],
  ])('has %s in its NDEF message', (_, data, value) => {
    expect(read(data, 'ndef_hex')).toEqual(chip(value))
  })

  it('has its text or address by its message, bare or in its memory, alone or behind other records or in a poster', () => {
    const text = fc.string({ minLength: 1, maxLength: 400, unit: 'grapheme' }).filter((one) => one.isWellFormed())
    const first = fc.option(fc.uint8Array({ maxLength: 20 }), { nil: undefined })
    fc.assert(
      fc.property(text, first, fc.boolean(), fc.boolean(), (value, other, isAddress, isPoster) => {
        const own = isAddress ? (['U', [0, ...Buffer.from(value)]] as const) : (['T', textOf(value)] as const)
        const inner = record(own[0], own[1])
        const last = isPoster ? record('Sp', inner, 0x40) : record(own[0], own[1], 0x40)
        const message = other ? [...record('X', [...other], 0x80), ...last] : [last[0]! | 0x80, ...last.slice(1)]
        expect(read(hexOf(message), 'ndef_hex')).toEqual(chip(value))
        expect(read(hexOf(memoryOf(message), ' '), 'ndef_hex')).toEqual(chip(value))
      }),
    )
  })

  it('never throws, and never has a value by half a message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.string(), (bytes, text) => {
        for (const sends of chipSettingsSchema.shape.sends.options) {
          for (const data of [hexOf(bytes), text])
            expect(['chip', 'unreadable', 'code']).toContain(read(data, sends).kind)
        }
      }),
    )
    const whole = record('T', textOf('0007'))
    for (let length = 1; length < whole.length; length += 1)
      expect(read(hexOf(whole.slice(0, length)), 'ndef_hex').kind).toBe('unreadable')
  })
})
