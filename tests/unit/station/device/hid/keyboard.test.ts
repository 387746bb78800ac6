import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyboardLayoutSchema, type KeyboardLayout } from '#contract/station/keyboard-layout.ts'
import { characterOf, codes } from '#station/device/hid/keyboard-layouts.ts'
import { createKeyboardDecoder, findKeyboardReports, type KeyboardOptions } from '#station/device/hid/keyboard.ts'
import { parseReportDescriptor } from '#station/device/hid/report-descriptor.ts'
import { hidKeyboard, reportDescriptors } from '../../../../devices/bus/models.ts'

const descriptor = parseReportDescriptor(Uint8Array.from(reportDescriptors.keyboard))
const reports = descriptor.ok ? findKeyboardReports(descriptor.value) : undefined
const decoderOf = (options: Partial<KeyboardOptions> = {}) =>
  createKeyboardDecoder(reports!, { layout: 'us', terminator: 'enter', silenceMs: 150, ...options })

const [shift, control, alt, altGraph] = [2, 1, 4, 0x40]
const enter = [0, 0x28] as const
type Stroke = readonly [modifiers: number, usage: number]
/** What the strokes read as; each is pressed and released. */
const typed = (options: Partial<KeyboardOptions>, ...strokes: Stroke[]): string[] => {
  const decoder = decoderOf(options)
  const reads = strokes.flatMap(([modifiers, usage], at) => [
    ...decoder.push(Uint8Array.of(modifiers, 0, usage, 0, 0, 0, 0, 0), at * 2),
    ...decoder.push(new Uint8Array(8), at * 2 + 1),
  ])
  return [...reads, ...decoder.tick(1e9)].map((read) => read.text ?? '')
}

describe('createKeyboardDecoder', () => {
  it('reads back every text that a US keyboard scanner types', () => {
    const characters = [
      ...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+[]{}\\|;:\'",.<>/?`~!@#$%^&*() \u001d',
    ]
    const code = fc.array(fc.constantFrom(...characters), { minLength: 1, maxLength: 60 }).map((all) => all.join(''))
    fc.assert(
      fc.property(fc.array(code, { maxLength: 5 }), (codes) => {
        const decoder = decoderOf()
        const reads = codes
          .flatMap((one) => hidKeyboard().packets(one))
          .flatMap((report, at) => decoder.push(report, at))
        expect(reads.map((read) => read.text)).toEqual(codes)
      }),
    )
  })

  it('types on every layout what the layout says, on every level', () => {
    for (const layout of keyboardLayoutSchema.options) {
      for (const usage of codes.keys()) {
        for (const modifiers of [0, shift, altGraph, shift | altGraph]) {
          const found = characterOf(layout, usage, {
            shift: (modifiers & shift) !== 0,
            altGraph: (modifiers & altGraph) !== 0,
          })
          if (!found || found.dead) continue
          expect(typed({ layout }, [modifiers, usage], enter), layout).toEqual([found.character])
        }
      }
    }
  })

  it.each<[KeyboardLayout, string, Stroke[]]>([
    [
      'de',
      'zy-_/@\\',
      [
        [0, 0x1c],
        [0, 0x1d],
        [0, 0x38],
        [shift, 0x38],
        [shift, 0x24],
        [altGraph, 0x14],
        [altGraph, 0x2d],
      ],
    ],
    [
      'fr',
      'aqw1-m',
      [
        [0, 0x14],
        [0, 0x04],
        [0, 0x1d],
        [shift, 0x1e],
        [0, 0x23],
        [0, 0x33],
      ],
    ],
    [
      'uk',
      '"@#~£',
      [
        [shift, 0x1f],
        [shift, 0x34],
        [0, 0x31],
        [shift, 0x31],
        [shift, 0x20],
      ],
    ],
    [
      'it',
      "-'/@[]",
      [
        [0, 0x38],
        [0, 0x2d],
        [shift, 0x24],
        [altGraph, 0x33],
        [altGraph, 0x2f],
        [altGraph, 0x30],
      ],
    ],
    [
      'es',
      '-/@ñç',
      [
        [0, 0x38],
        [shift, 0x24],
        [altGraph, 0x1f],
        [0, 0x33],
        [0, 0x31],
      ],
    ],
  ])('knows the keys of the %s layout', (layout, expected, strokes) => {
    expect(typed({ layout }, ...strokes, enter)).toEqual([expected])
  })

  it('joins a dead key with its letter, and lets it stand alone with a space', () => {
    expect(typed({ layout: 'de' }, [0, 0x2e], [0, 0x08], [0, 0x35], [0, 0x2c], enter)).toEqual(['é^'])
    expect(typed({ layout: 'fr' }, [0, 0x2f], [0, 0x08], [0, 0x2f], [0, 0x05], enter)).toEqual(['ê^b'])
  })

  it('reads the group separator as Ctrl+], by place and by character, and as Alt+029', () => {
    expect(typed({}, [0, 0x04], [control, 0x30], [0, 0x05], enter)).toEqual(['a\u001db'])
    expect(typed({ layout: 'de' }, [0, 0x04], [control, 0x30], [0, 0x05], enter)).toEqual(['a\u001db'])
    const decoder = decoderOf()
    const keypad = [0x62, 0x5a, 0x61].flatMap((usage) => [
      Uint8Array.of(alt, 0, usage, 0, 0, 0, 0, 0),
      Uint8Array.of(alt, 0, 0, 0, 0, 0, 0, 0),
    ])
    const all = [...keypad, new Uint8Array(8), Uint8Array.of(0, 0, 0x28, 0, 0, 0, 0, 0)]
    expect(all.flatMap((report, at) => decoder.push(report, at)).map((read) => read.text)).toEqual(['\u001d'])
  })

  it('reads control characters and Caps Lock', () => {
    expect(typed({}, [control, 0x05], [0, 0x04], enter)).toEqual(['\u0002a'])
    expect(typed({}, [0, 0x39], [0, 0x04], [0, 0x1e], [shift, 0x05], [0, 0x39], [0, 0x06], enter)).toEqual(['A1bc'])
  })

  it('counts a key that stays down once, and keys that overlap in their order', () => {
    const decoder = decoderOf()
    const rows = [[4], [4], [4, 5], [5], [5, 6], [], [0x28]]
    const reads = rows.flatMap((keys, at) =>
      decoder.push(Uint8Array.from([0, 0, ...keys, 0, 0, 0, 0, 0, 0].slice(0, 8)), at),
    )
    expect(reads.map((read) => read.text)).toEqual(['abc'])
  })

  it('ends a code with silence where no terminator comes, and takes off one that was not expected', () => {
    expect(typed({ terminator: 'none' }, [0, 0x04], [0, 0x05], enter)).toEqual(['ab'])
    expect(typed({ terminator: 'tab' }, [0, 0x04], [0, 0x2b], [0, 0x05])).toEqual(['a', 'b'])
    const decoder = decoderOf()
    decoder.push(Uint8Array.of(0, 0, 4, 0, 0, 0, 0, 0), 100)
    expect(decoder.deadlineMs()).toBe(250)
  })

  it('tells halves of codes as that, once the scanner has ended three itself', () => {
    const decoder = decoderOf()
    const press = (text: string, atMs: number, ends: boolean) => {
      const packets = hidKeyboard().packets(text)
      // The last two are Enter, pressed and released.
      const sent = ends ? packets : packets.slice(0, -2)
      return sent.flatMap((report) => [...decoder.tick(atMs), ...decoder.push(report, atMs)])
    }
    const told = [
      ...press('4006', 0, true),
      ...press('4007', 2_000, true),
      ...press('4008', 4_000, true),
      ...press('40', 6_000, false),
      ...press('09', 6_400, true),
      ...press('4010', 9_000, true),
    ].map(({ text = '', isHalf = false }) => (isHalf ? `[${text}]` : text))
    expect(told).toEqual(['4006', '4007', '4008', '[40]', '[09]', '4010'])
  })
})
