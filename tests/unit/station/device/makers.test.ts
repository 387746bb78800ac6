import { describe, expect, it } from 'vitest'
import { identify } from '#station/device/makers.ts'
import { roadFor } from '#station/device/roads.ts'
import { acknowledgement, serialFeedback } from '#station/device/feedback.ts'
import { decodeText } from '#station/device/decoder.ts'

describe('identify', () => {
  it.each([
    [0x05e0, 0x1900, 'undocumented', 'SNAPI'],
    [0x05e0, 0x0600, 'simple-com', undefined],
    [0x05f9, 0x2216, 'hid-keyboard', undefined],
    [0x05f9, 0x4204, 'cdc', undefined],
    [0x1eab, 0x1d03, 'hid-keyboard', undefined],
    [0x1eab, 0x2210, 'hid-pos', undefined],
    [0x0c2e, 0x0007, 'undocumented', 'IBM SurePOS'],
  ])('knows the mode of %i:%i', (vendorId, productId, mode, called) => {
    expect(identify(vendorId, productId, [])).toMatchObject({ mode, called, isScanner: true })
  })

  it('takes single products of makers of everything, and what the site has added', () => {
    expect(identify(0x03f0, 0x0139, []).isScanner).toBe(true)
    expect(identify(0x03f0, 0x1234, []).isScanner).toBe(false)
    expect(identify(0x28e9, 1, [{ vendorId: 0x28e9, productId: null }]).isScanner).toBe(true)
    expect(identify(0x28e9, 1, [{ vendorId: 0x28e9, productId: 2 }]).isScanner).toBe(false)
  })
})

it('reads HID on Linux through usb, elsewhere through the system, and keyboards there in the window', () => {
  expect([roadFor('linux', 'hid-pos'), roadFor('win32', 'hid-pos'), roadFor('darwin', 'hid-keyboard')]).toEqual([
    'usb',
    'node-hid',
    'window',
  ])
})

it('sends a serial scanner nothing but what its maker documents', () => {
  expect(serialFeedback(0x05f9)).toEqual({ good: Uint8Array.of(0x42) })
  expect(serialFeedback(0x1eab)).toEqual({})
  expect(serialFeedback(undefined)).toEqual({})
  expect(acknowledgement).toEqual({ good: Uint8Array.of(6), bad: Uint8Array.of(0x15) })
})

it('reads bytes as UTF-8 where they are that, and as Windows-1252 otherwise', () => {
  expect(decodeText(Buffer.from('Grüße 8 €'))).toBe('Grüße 8 €')
  expect(decodeText(Uint8Array.of(0x47, 0x72, 0xfc, 0x80, 0x1d))).toBe('Grü€\u001d')
})
