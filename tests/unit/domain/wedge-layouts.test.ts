import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyboardLayoutSchema } from '#contract/station/keyboard-layout.ts'
import type { KeyboardLayout } from '#contract/station/keyboard-layout.ts'
import { settingsSchema } from '#contract/station/settings.ts'
import { characterAt, strokesOf } from '#domain/keyboard-layouts.ts'
import type { WedgeSettings } from '#domain/wedge.ts'
import { createKeyboard, run, strokesOfCode, strokesOfSuffix, suffixes } from './wedge-scanner.ts'
import type { Event, Host, Press } from './wedge-scanner.ts'

const defaults = settingsSchema.parse({}).wedge
const layouts = keyboardLayoutSchema.options
const separators = ['control_bracket', 'f8', 'f12', 'arrow_down', 'brace', 'pipe'] as const
const separatorText: Partial<Record<(typeof separators)[number], string>> = { brace: '}', pipe: '|' }

const ascii = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index))

/** Codes that a scanner of this layout can send, separators among them. */
const codes = (layout: KeyboardLayout, separator: (typeof separators)[number], without: readonly string[] = []) => {
  const typed = ascii.filter((one) => strokesOf(layout, one) && one !== separatorText[separator])
  const character = fc.constantFrom(...typed.filter((one) => !without.includes(one)))
  // A GS1 message opens with an AI: three characters at least before the first separator.
  const rest = fc.array(fc.oneof({ weight: 9, arbitrary: character }, { weight: 1, arbitrary: fc.constant('\u001d') }))
  return fc
    .tuple(fc.array(character, { minLength: 4, maxLength: 12 }), rest, character)
    .map(([head, tail, last]) => [...head, ...tail, last].join(''))
}

/** What a person types: keys of this machine's layout, names and shortcuts among them, at 60 ms a key and slower. */
const typing = fc.array(
  fc.record({
    code: fc.constantFrom('KeyA', 'KeyQ', 'Digit4', 'Minus', 'Backquote', 'Space', 'Equal', 'Enter', 'Tab', 'Escape'),
    shift: fc.boolean(),
    ctrl: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    gapMs: fc.integer({ min: 60, max: 400 }),
  }),
  { maxLength: 8 },
)

const paces = fc.array(fc.integer({ min: 0, max: defaults.maxMeanGapMs }), { minLength: 1, maxLength: 40 })

const parts = (layout: KeyboardLayout, separator: (typeof separators)[number], without?: readonly string[]) =>
  fc.array(fc.record({ before: typing, code: codes(layout, separator, without), gapsMs: paces }), {
    minLength: 1,
    maxLength: 4,
  })

type Part = ReturnType<typeof parts> extends fc.Arbitrary<(infer T)[]> ? T : never

/** A person and a scanner in turn on one machine. */
function perform(
  host: Host,
  scanner: KeyboardLayout,
  separator: (typeof separators)[number],
  suffix: (typeof suffixes)[number],
  script: readonly Part[],
): Event[] {
  let timeMs = 0
  const hands = createKeyboard(host, 'person')
  const device = createKeyboard(host, 'scanner')
  return script.flatMap(({ before, code, gapsMs }) => {
    const typed = before.flatMap(({ gapMs, ...stroke }) => {
      timeMs += gapMs
      const isNamed = ['Enter', 'Tab', 'Escape'].includes(stroke.code)
      return hands.press({ ...stroke, altGraph: false, ...(isNamed && { name: stroke.code }) }, timeMs)
    })
    // Nobody types and pulls the trigger within a tenth of a second; a scanner needs that long for the next code.
    timeMs += 700
    const strokes = [...strokesOfCode(scanner, code, separator), ...strokesOfSuffix(suffix)]
    const scanned = strokes.flatMap((stroke, index) => {
      timeMs += index === 0 ? 0 : (gapsMs[index % gapsMs.length] ?? 0)
      return device.press(stroke, timeMs)
    })
    timeMs += 700
    return [...typed, ...scanned]
  })
}

const pressedBy = (events: readonly Event[], who: Press['by']) =>
  events.filter((event): event is Press => 'key' in event && event.by === who && !/Shift|Control|Alt/.test(event.key))

/** A key that could not be typed later: it acts at once, and so a burst that opens with it has it acting. */
const actsAtOnce = (key: Press) => key.key.length > 1 || key.alt

function withSettings(change: Partial<WedgeSettings>): WedgeSettings {
  return { ...defaults, ...change }
}

describe.each(layouts)('a scanner set to %s, its layout known', (scanner) => {
  it('is read to the last character on a machine of any layout, whatever a person types between', () => {
    const any = fc
      .record({
        host: fc.record({
          layout: fc.constantFrom(...layouts),
          capsLock: fc.boolean(),
          showsComposed: fc.boolean(),
        }),
        suffix: fc.constantFrom(...suffixes),
        separator: fc.constantFrom(...separators),
      })
      .chain((setup) => fc.record({ setup: fc.constant(setup), script: parts(scanner, setup.separator) }))
    fc.assert(
      fc.property(any, ({ setup: { host, suffix, separator }, script }) => {
        const events = perform(host, scanner, separator, suffix, script)
        const { scans, strange, by } = run(events, withSettings({ scannerLayout: scanner, groupSeparator: separator }))
        expect(scans).toEqual(script.map(({ code }) => code))
        expect(strange).toEqual([])
        expect(by('person')).toEqual(pressedBy(events, 'person'))
        // Only at the very beginning of a burst, and only what cannot be held back: a dead key of the machine's layout
        // with the key it composes, or an Alt.
        const leaked = by('scanner')
        expect(leaked.length).toBeLessThanOrEqual(2 * script.length)
        if (leaked.length > 0) expect(leaked.some(actsAtOnce)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('leaves nothing in any field of a machine without dead keys', () => {
    const any = fc
      .record({ suffix: fc.constantFrom(...suffixes), separator: fc.constantFrom('control_bracket', 'f12', 'f8') })
      .chain((setup) => fc.record({ setup: fc.constant(setup), script: parts(scanner, setup.separator) }))
    fc.assert(
      fc.property(any, ({ setup: { suffix, separator }, script }) => {
        // The US layout has no AltGr either, nor all keys: a code that begins with one is the one thing that shows.
        const without = script.filter(({ code }) => {
          const first = strokesOf(scanner, code[0] ?? '')?.[0]
          return first && !first.altGraph && characterAt('us', first.code, first)
        })
        const events = perform({ layout: 'us' }, scanner, separator, suffix, without)
        const { scans, by } = run(events, withSettings({ scannerLayout: scanner, groupSeparator: separator }))
        expect(scans).toEqual(without.map(({ code }) => code))
        expect(by('scanner')).toEqual([])
      }),
      { numRuns: 60 },
    )
  })
})

describe.each(layouts)('a scanner and a machine both set to %s, read as typed', (layout) => {
  const setups = fc.record({ suffix: fc.constantFrom(...suffixes), separator: fc.constantFrom(...separators) })
  const isDead = (character: string) => (strokesOf(layout, character)?.length ?? 0) > 1
  const dead = ascii.filter(isDead)

  it('is read to the last character, and leaves nothing in any field', () => {
    const any = setups
      .filter(({ separator }) => !dead.includes(separatorText[separator] ?? ''))
      .chain((setup) => fc.record({ setup: fc.constant(setup), script: parts(layout, setup.separator, dead) }))
    fc.assert(
      fc.property(any, ({ setup: { suffix, separator }, script }) => {
        const events = perform({ layout }, layout, separator, suffix, script)
        const { scans, strange, by } = run(events, withSettings({ groupSeparator: separator }))
        expect(scans).toEqual(script.map(({ code }) => code))
        expect(strange).toEqual([])
        expect(by('person')).toEqual(pressedBy(events, 'person'))
        expect(by('scanner')).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  it.runIf(dead.length > 0)('says that a code with a dead key cannot be told, and never makes another of it', () => {
    const any = fc.record({
      showsComposed: fc.boolean(),
      suffix: fc.constantFrom(...suffixes),
      script: parts(layout, 'control_bracket'),
    })
    fc.assert(
      fc.property(any, ({ showsComposed, suffix, script }) => {
        const events = perform({ layout, showsComposed }, layout, 'control_bracket', suffix, script)
        const { scans, strange, by } = run(events, defaults)
        const told = script.filter(({ code }) => ![...code].some(isDead)).map(({ code }) => code)
        expect(scans).toEqual(told)
        expect(strange.map(({ reason }) => reason)).toEqual(
          Array.from({ length: script.length - told.length }, () => 'dead_key'),
        )
        expect(by('person')).toEqual(pressedBy(events, 'person'))
      }),
      { numRuns: 60 },
    )
  })
})

describe('the wedge reader', () => {
  const press = (key: string, timeMs: number, extra: Partial<Press> = {}): Press => ({
    code: key,
    key,
    shift: false,
    ctrl: false,
    alt: false,
    meta: false,
    altGraph: false,
    capsLock: false,
    repeat: false,
    timeMs,
    by: 'scanner',
    ...extra,
  })
  const burst = (text: string, startMs: number, extra: Partial<Press> = {}) =>
    [...text].map((key, index) => press(key, startMs + 8 * index, extra))

  it('never makes a code of half a burst whose separator key is not the one in the settings', () => {
    for (const key of ['F12', 'F8', 'ArrowDown', 'Escape', 'Backspace', 'Insert']) {
      const events = [...burst('010400638133393110AB', 0), press(key, 160), ...burst('21XYZ', 168), press('Enter', 216)]
      expect(run(events, defaults)).toMatchObject({
        scans: [],
        strange: [{ reason: 'unknown_key', keyName: key, length: 25 }],
        acted: [],
      })
    }
  })

  it('takes a key behind the code that no code contains for its end', () => {
    expect(run([...burst('40063813', 0), press('ArrowDown', 64)], defaults).scans).toEqual(['40063813'])
    // Later than the pace, and the code as fast as it was.
    const slow = [...'40063813'].map((key, index) => press(key, index * 35))
    expect(run([...slow, press('Escape', 310), press('Enter', 380)], defaults).scans).toEqual(['40063813'])
    expect(run([...burst('40063813', 0), press('F12', 64), press('Enter', 72)], defaults).scans).toEqual(['40063813'])
  })

  it('says that a burst cannot be told during which the window lost the focus', async () => {
    const { createWedgeReader } = await import('#domain/wedge.ts')
    const reader = createWedgeReader(defaults)
    for (const key of burst('4006381', 0)) reader.key(key)
    reader.interrupt()
    expect(reader.tick(1_000)).toEqual([{ kind: 'strange', strange: { reason: 'interrupted', length: 7 } }])
    for (const key of burst('4006381', 2_000)) reader.key(key)
    expect(reader.key(press('Enter', 2_060))).toMatchObject([{ kind: 'scan', data: '4006381' }, { kind: 'swallow' }])
  })

  it('reads the digits of the keypad, with NumLock and without, by their places', () => {
    const names = [
      'Insert',
      'End',
      'ArrowDown',
      'PageDown',
      'ArrowLeft',
      'Clear',
      'ArrowRight',
      'Home',
      'ArrowUp',
      'PageUp',
    ]
    const keypad = (digits: string, locked: boolean) =>
      [...digits].map((digit, index) =>
        press(locked ? digit : (names[Number(digit)] ?? ''), index * 8, { code: `Numpad${digit}` }),
      )
    const enter = press('Enter', 104, { code: 'NumpadEnter' })
    expect(run([...keypad('4006381333931', true), enter], defaults)).toMatchObject({
      scans: ['4006381333931'],
      acted: [],
    })
    const unlocked = run([...keypad('4006381333931', false), enter], defaults)
    expect(unlocked.scans).toEqual(['4006381333931'])
    // The first moves the caret, as a person's would: nothing tells it from a person's yet.
    expect(unlocked.acted).toHaveLength(1)
    const person = [0, 90, 180, 270, 400].map((timeMs) => press('ArrowDown', timeMs, { code: 'Numpad2', by: 'person' }))
    expect(run(person, defaults)).toMatchObject({ scans: [], strange: [], acted: person })
  })

  it('repairs letters that CapsLock has turned, unless the scanner minds CapsLock itself', () => {
    const typed = [...'aBc1'].map((key, index) =>
      press(key, index * 8, { capsLock: true, shift: key === key.toLowerCase() && key !== '1' }),
    )
    expect(run(typed, defaults).scans).toEqual(['AbC1'])
    expect(run(typed, withSettings({ scannerCapsLock: 'followed' })).scans).toEqual(['aBc1'])
    const placed = typed.map((key) => ({ ...key, code: /\d/.test(key.key) ? 'Digit1' : `Key${key.key.toUpperCase()}` }))
    const us = { scannerLayout: 'us' } as const
    expect(run(placed, withSettings(us)).scans).toEqual(['AbC1'])
    expect(run(placed, withSettings({ ...us, scannerCapsLock: 'followed' })).scans).toEqual(['aBc1'])
  })

  it('gives back to a person what the machine types, not what the scanner would mean by that key', () => {
    const events = [press('z', 0, { code: 'KeyY', by: 'person' }), press('y', 200, { code: 'KeyZ', by: 'person' })]
    expect(run(events, withSettings({ scannerLayout: 'us' })).acted).toEqual(events)
  })

  it('never holds a dead key of a person, nor the key it composes', () => {
    const events = [
      press('Dead', 0, { code: 'Backquote', by: 'person' }),
      press('e', 70, { code: 'KeyE', by: 'person' }),
    ]
    for (const scannerLayout of ['as_typed', 'us', 'de'] as const) {
      expect(run(events, withSettings({ scannerLayout })).acted).toEqual(events)
    }
  })

  it('ends a code by the suffix in the settings only, and keeps the other key as a part of it', () => {
    const lines = [...burst('BEGIN', 0), press('Enter', 40), ...burst('END', 48), press('Tab', 72)]
    expect(run(lines, withSettings({ suffix: 'tab' }))).toMatchObject({ scans: ['BEGIN\rEND'], acted: [] })
    const table = [...burst('A1B2', 0), press('Tab', 32), ...burst('C3', 40), press('Enter', 56)]
    expect(run(table, withSettings({ suffix: 'enter' }))).toMatchObject({ scans: ['A1B2\tC3'], acted: [] })
    expect(run(lines, withSettings({ suffix: 'none' })).scans).toEqual(['BEGIN\rEND\t'])
    const person = [press('Tab', 0), press('Enter', 300)]
    for (const suffix of ['any', 'enter', 'tab', 'none'] as const) {
      expect(run(person, withSettings({ suffix })).acted).toEqual(person)
    }
  })

  it('keeps two bursts apart that another scanner ends, but cannot tell the characters of two at once', () => {
    const one = [...burst('40063813', 0), press('Enter', 64)]
    const other = [...burst('50012345', 80), press('Enter', 144)]
    expect(run([...one, ...other], defaults).scans).toEqual(['40063813', '50012345'])
    const mixed = [...burst('40063813', 0), ...burst('50012345', 4)].toSorted((a, b) => a.timeMs - b.timeMs)
    // One text of all their characters: nothing in a key press says which device it came from.
    expect(run([...mixed, press('Enter', 70)], defaults).scans).toEqual(['4500006132831435'])
  })

  it('knows every character of a layout from its dead keys', () => {
    const events = [
      ...createKeyboard({ layout: 'us' }, 'scanner').press({ code: 'KeyA', shift: false, altGraph: false }, 0),
      ...['KeyA', 'KeyA', 'Backquote', 'KeyE', 'Backquote', 'Space', 'Equal'].flatMap((code, index) =>
        createKeyboard({ layout: 'us' }, 'scanner').press({ code, shift: false, altGraph: false }, 8 + index * 8),
      ),
    ]
    expect(characterAt('de', 'Backquote', { shift: false, altGraph: false })?.dead).toBe(true)
    expect(run(events, withSettings({ scannerLayout: 'de' })).scans).toEqual(['aaaê^´'])
  })
})

describe('characters typed as Alt and a number', () => {
  /** AltLeft, the digits on the keypad, and Alt let go; each `gapMs` after the one before. */
  function altCode(digits: string, startMs: number, gapMs: number, by: Press['by'] = 'scanner'): Event[] {
    const common = {
      shift: false,
      ctrl: false,
      alt: true,
      meta: false,
      altGraph: false,
      capsLock: false,
      repeat: false,
    }
    return [
      { ...common, key: 'Alt', code: 'AltLeft', timeMs: startMs, by },
      ...[...digits].map((key, index) => ({
        ...common,
        key,
        code: `Numpad${key}`,
        timeMs: startMs + gapMs * (index + 1),
        by,
      })),
      { up: 'AltLeft', timeMs: startMs + gapMs * (digits.length + 1) },
    ]
  }
  const enter = (timeMs: number): Press => ({
    key: 'Enter',
    code: 'Enter',
    shift: false,
    ctrl: false,
    alt: false,
    meta: false,
    altGraph: false,
    capsLock: false,
    repeat: false,
    timeMs,
    by: 'scanner',
  })

  it('are read as one code, separators and all, at any speed of a scanner', () => {
    const text = fc.array(fc.constantFrom(...ascii, '\u001d', '\u001e', '\u0004'), { minLength: 4, maxLength: 20 })
    const form = fc.constantFrom(
      (code: number) => String(code),
      (code: number) => String(code).padStart(3, '0'),
      (code: number) => String(code).padStart(4, '0'),
    )
    fc.assert(
      fc.property(
        text,
        form,
        fc.integer({ min: 1, max: 25 }),
        fc.constantFrom(...layouts),
        (characters, write, gapMs, l) => {
          let timeMs = 0
          const events = characters.flatMap((character) => {
            const digits = write(character.charCodeAt(0))
            const typed = altCode(digits, timeMs, gapMs)
            timeMs += gapMs * (digits.length + 2)
            return typed
          })
          for (const scannerLayout of ['as_typed', l] as const) {
            const { scans, acted } = run([...events, enter(timeMs)], withSettings({ scannerLayout }))
            expect(scans).toEqual([characters.join('')])
            expect(acted).toEqual([])
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it('follow Windows beyond ASCII: a leading zero is Windows-1252, none is the OEM code page', () => {
    const events = ['0228', '0128', '132', '0233'].flatMap((digits, index) => altCode(digits, index * 60, 8))
    expect(run(events, defaults).scans).toEqual(['ä€äé'])
  })

  it('stay with a person who types them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ code: fc.integer({ min: 32, max: 255 }), gapMs: fc.integer({ min: 60, max: 300 }) }), {
          maxLength: 8,
        }),
        (typed) => {
          let timeMs = 0
          const events = typed.flatMap(({ code, gapMs }) => {
            const sequence = altCode(`0${code}`, timeMs, gapMs, 'person')
            timeMs += gapMs * 7
            return sequence
          })
          const { scans, strange, by } = run(events, defaults)
          expect(scans).toEqual([])
          expect(strange).toEqual([])
          expect(by('person').map(({ key, timeMs: at }) => [key, at])).toEqual(
            pressedBy(events, 'person').map(({ key, timeMs: at }) => [key, at]),
          )
        },
      ),
    )
  })
})
