import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyboardLayoutSchema, type KeyboardLayout } from '#contract/station/keyboard-layout.ts'
import { calibrate, calibrationCodes, repair, type CalibrationReadings } from '#domain/calibration.ts'
import { characterAt, compose, strokesOf } from '#domain/keyboard-layouts.ts'

/** A keyboard scanner and the computer it is plugged into. */
interface Plugged {
  readonly scanner: KeyboardLayout
  readonly host: KeyboardLayout
  readonly prefix?: string
  readonly suffix?: string
  /** Swaps the case of what it reads. */
  readonly inverted?: boolean
  readonly capital?: boolean
  /** What the computer shows for GS. */
  readonly separator?: string
  readonly aim?: boolean
}

/** What arrives when a text is typed key by key on one layout and read on another, dead keys and all. */
function typed({ scanner, host }: Plugged, text: string): string {
  let arrived = ''
  let waiting = ''
  for (const character of text) {
    for (const stroke of strokesOf(scanner, character) ?? []) {
      const key = characterAt(host, stroke.code, stroke)
      if (!key) continue
      if (waiting !== '') {
        arrived += compose(waiting, key.character)
        waiting = ''
      } else if (key.dead) waiting = key.character
      else arrived += key.character
    }
  }
  return arrived + waiting
}

function scan(plugged: Plugged, text: string, aim = ']C0'): string {
  const { prefix = '', suffix = '', separator = '\u001d' } = plugged
  const swapped = plugged.inverted
    ? text.replaceAll(/[A-Za-z]/g, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase()))
    : plugged.capital
      ? text.toUpperCase()
      : text
  const halves = ((plugged.aim ? aim : '') + swapped).split('\u001d')
  return prefix + halves.map((half) => typed(plugged, half)).join(separator) + suffix
}

function readSheet(plugged: Plugged): CalibrationReadings {
  return Object.fromEntries(
    calibrationCodes.map(({ name, text, symbology }) => [
      name,
      { text: scan(plugged, text, symbology === 'gs1_128' ? ']C1' : ']C0') },
    ]),
  )
}

const ascii = Array.from({ length: 95 }, (_, index) => String.fromCharCode(0x20 + index))
const layouts = fc.constantFrom(...keyboardLayoutSchema.options)
const frames = fc.constantFrom('', '~', 'AB', '%%')

describe('calibration', () => {
  it('has all of printable ASCII on its sheet', () => {
    const known = new Set(calibrationCodes.flatMap(({ text }) => [...text]))
    expect(ascii.filter((character) => !known.has(character))).toEqual([])
  })

  it('repairs whatever it does not name as lost, for every layout of scanner and computer', () => {
    const picks = fc.array(fc.nat(), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(
        layouts,
        layouts,
        frames,
        frames,
        fc.boolean(),
        picks,
        (scanner, host, prefix, suffix, aim, picked) => {
          const plugged = { scanner, host, prefix, suffix, aim }
          const { calibration, lost, faults } = calibrate(readSheet(plugged))
          if (calibration === null) return void expect(faults.map(({ code }) => code)).toContain('lengths')
          const dead = faults.find(({ code }) => code === 'dead_keys')?.characters ?? ''
          const kept = ascii.filter((character) => !(lost + dead).includes(character))
          // An AIM identifier that does not arrive is none, and one more thing in front of the code.
          fc.pre(!aim || kept.includes(']'))
          const text = picked.map((pick) => kept[pick % kept.length]).join('')
          expect(repair(scan(plugged, text), calibration)).toBe((aim ? ']C0' : '') + text)
        },
      ),
      { numRuns: 400 },
    )
  })

  it('finds nothing at all in a scanner that is set right', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        fc.pre(ascii.every((character) => strokesOf(layout, character)?.length === 1))
        const found = calibrate(readSheet({ scanner: layout, host: layout }))
        expect(found).toMatchObject({ isFaithful: true, faults: [], lost: '', layouts: [] })
        expect(found.calibration).toEqual({ prefix: '', suffix: '', characters: {}, groupSeparator: null })
      }),
    )
  })

  it.each([
    ['us', 'de'],
    ['us', 'fr'],
    ['de', 'us'],
    ['fr', 'us'],
    ['us', 'es'],
    ['us', 'jp'],
  ] as const)('names the layouts: a %s scanner on a %s computer', (scanner, host) => {
    const found = calibrate(readSheet({ scanner, host }))
    expect(found.layouts).toContainEqual({ scanner, host })
    expect(found.faults.map(({ code }) => code)).toContain('layout')
  })

  it('tells what each layout costs, so that a change of the tables is seen', () => {
    const lost = Object.fromEntries(
      keyboardLayoutSchema.options.map((host) => [host, calibrate(readSheet({ scanner: 'us', host })).lost]),
    )
    expect(lost['us']).toBe('')
    expect(lost['de']).toBe('')
    expect(lost['uk']).toBe('')
  })

  it('repairs inverted case, and says that lost case is lost', () => {
    const us = { scanner: 'us', host: 'us' } as const
    const inverted = calibrate(readSheet({ ...us, inverted: true }))
    expect(inverted.faults.map(({ code }) => code)).toEqual(['caps_inverted'])
    expect(repair('aBC-12', inverted.calibration ?? fail())).toBe('Abc-12')
    const capital = calibrate(readSheet({ ...us, capital: true }))
    expect(capital.faults.map(({ code }) => code)).toEqual(['case_lost'])
    expect(capital.lost).toContain('a')
    expect(repair('ABC', capital.calibration ?? fail())).toBe('ABC')
  })

  it('keeps AIM identifiers, and takes other prefixes off', () => {
    const plugged = { scanner: 'us', host: 'de', prefix: '#', suffix: '!', aim: true } as const
    const found = calibrate(readSheet(plugged))
    expect(found).toMatchObject({ hasAim: true, calibration: { prefix: '#', suffix: '!' } })
    expect(repair(scan(plugged, 'Zebra-7', ']E0'), found.calibration ?? fail())).toBe(']E0Zebra-7')
  })

  it.each([
    ['\u001d', null, []],
    ['€', '€', []],
    ['<GS>', '<GS>', []],
    ['', null, ['separator_lost']],
    ['|', null, ['separator_ambiguous']],
  ])('takes %j for the GS1 separator as %j', (separator, kept, codes) => {
    const plugged = { scanner: 'us', host: 'us', separator } as const
    const { calibration, faults } = calibrate(readSheet(plugged))
    expect(calibration?.groupSeparator).toBe(kept)
    expect(faults.map(({ code }) => code)).toEqual(codes)
    if (codes.length > 0) return
    expect(repair(scan(plugged, '0104006381333931\u001d21A'), calibration ?? fail())).toBe('0104006381333931\u001d21A')
  })

  it('measures the pace, and says when it is too slow to be told from typing', () => {
    const readings = readSheet({ scanner: 'us', host: 'us' })
    const paced = (gapMs: number): CalibrationReadings =>
      Object.fromEntries(
        Object.entries(readings).map(([name, { text }]) => [
          name,
          { text, pace: { keys: text.length, durationMs: gapMs * (text.length - 1), longestGapMs: gapMs * 3 } },
        ]),
      )
    expect(calibrate(paced(5))).toMatchObject({
      meanGapMs: 5,
      faults: [],
      limits: { maxMeanGapMs: 20, maxGapMs: 40 },
    })
    // Slower than the limits that hold until then, and faster than a person: the limits follow.
    expect(calibrate(paced(40))).toMatchObject({ faults: [], limits: { maxMeanGapMs: 55, maxGapMs: 240 } })
    expect(calibrate(paced(60))).toMatchObject({ faults: [{ code: 'slow' }], limits: null })
    expect(calibrate(readings).limits).toBeNull()
  })

  it('goes on where a dead key of the computer hides a code, and still finds the layout from the others', () => {
    const plugged = { scanner: 'us', host: 'de' } as const
    const readings = {
      ...readSheet(plugged),
      marks_1: { text: '', isUntold: true },
      marks_4: { text: '', isUntold: true },
    }
    const { layouts, faults, calibration, lost } = calibrate(readings)
    expect(layouts).toContainEqual({ scanner: 'us', host: 'de' })
    expect(faults.map(({ code }) => code)).toContain('dead_keys')
    expect(faults.find(({ code }) => code === 'dead_keys')?.characters).toContain('^')
    expect([...lost]).toEqual(expect.arrayContaining([...'!"#$%&\'(]^_`{|}~']))
    expect(repair(typed(plugged, 'ZEBRA-1'), calibration ?? fail())).toBe('ZEBRA-1')
    const letters = calibrate({ ...readings, letters: { text: '', isUntold: true } })
    expect(letters).toMatchObject({ calibration: null, faults: [{ code: 'dead_keys' }] })
  })

  it('answers without a calibration while codes are missing, or have lost characters', () => {
    const { digits: _, ...rest } = readSheet({ scanner: 'us', host: 'us' })
    expect(calibrate(rest)).toMatchObject({ calibration: null, faults: [{ code: 'incomplete' }] })
    const short = { ...readSheet({ scanner: 'us', host: 'us' }), digits: { text: '012345678' } }
    expect(calibrate(short)).toMatchObject({ calibration: null, faults: [{ code: 'lengths' }] })
  })

  it('throws at no reading, whatever it is', () => {
    const reading = fc.record({ text: fc.string() })
    const sheets = fc.record(Object.fromEntries(calibrationCodes.map(({ name }) => [name, reading])))
    fc.assert(
      fc.property(sheets, fc.string(), (sheet, text) => {
        const { calibration } = calibrate(sheet)
        if (calibration) repair(text, calibration)
      }),
    )
  })
})

function fail(): never {
  throw new Error('there is no calibration')
}
