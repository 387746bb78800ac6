import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { settingsSchema } from '#contract/station/settings.ts'
import { createWedgeReader } from '#domain/wedge.ts'
import type { WedgeDecision, WedgeKey, WedgeSettings } from '#domain/wedge.ts'

const defaults = settingsSchema.parse({}).wedge

function press(key: string, timeMs: number, extra: Partial<WedgeKey> = {}): WedgeKey {
  const code = /^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : key
  return {
    code,
    key,
    shift: false,
    ctrl: false,
    alt: false,
    meta: false,
    altGraph: false,
    capsLock: false,
    repeat: false,
    timeMs,
    ...extra,
  }
}

/** A text as a scanner types it: control characters by Ctrl, `gapMs` before each key. */
function burst(text: string, startMs: number, gapsMs: readonly number[]): WedgeKey[] {
  let timeMs = startMs
  return [...text].map((character, index) => {
    timeMs += index === 0 ? 0 : (gapsMs[(index - 1) % gapsMs.length] ?? 0)
    const code = character.charCodeAt(0)
    if (code >= 0x20) return press(character, timeMs)
    return press(String.fromCharCode(code + 0x40).toLowerCase(), timeMs, { ctrl: true })
  })
}

/** What comes of a sequence of keys, seen from outside: scans, what fields receive, and what acts. */
function run(keys: readonly WedgeKey[], settings: WedgeSettings = defaults) {
  const reader = createWedgeReader(settings)
  const scans: string[] = []
  const strange: number[] = []
  /** Everything a field or the program would see, in order. */
  const seen: string[] = []
  const decide = (decisions: readonly WedgeDecision[], current?: WedgeKey) => {
    for (const decision of decisions) {
      if (decision.kind === 'scan') scans.push(decision.data)
      if (decision.kind === 'strange') strange.push(decision.strange.length)
      if (decision.kind === 'release') seen.push(...decision.keys.map((key) => key.key))
      if (decision.kind === 'takeBack') seen.splice(-decision.keys.length)
      if (decision.kind === 'pass' && current) seen.push(current.key)
    }
  }
  for (const key of keys) {
    const deadline = reader.deadlineMs()
    if (deadline !== undefined && deadline < key.timeMs) {
      decide(reader.tick(deadline + 1))
    }
    decide(reader.key(key), key)
  }
  const deadline = reader.deadlineMs()
  if (deadline !== undefined) decide(reader.tick(deadline + 1))
  expect(reader.deadlineMs()).toBeUndefined()
  return { scans, seen, strange }
}

/** How many held keys a decision is about. */
function keysIn(decision: WedgeDecision): number {
  if (decision.kind === 'release') return decision.keys.length
  if (decision.kind === 'scan') return [...decision.data].length
  return decision.kind === 'strange' ? decision.strange.length : 0
}

/** Gaps of a scanner: a steady pace with jitter, and at most one stall of the window or the bus. */
const scannerGaps = (keys: number) =>
  fc
    .record({
      gaps: fc.array(fc.integer({ min: 0, max: defaults.maxMeanGapMs }), { minLength: keys, maxLength: keys }),
      stall: fc.option(fc.record({ at: fc.nat(keys - 1), ms: fc.integer({ min: 36, max: defaults.maxGapMs }) })),
    })
    .map(({ gaps, stall }) => gaps.map((gap, index) => (stall?.at === index ? stall.ms : gap)))
    .filter((gaps) => gaps.reduce((sum, gap) => sum + gap, 0) <= defaults.maxMeanGapMs * gaps.length)

const printable = fc
  .array(
    fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    { minLength: 4, maxLength: 60 },
  )
  .map((characters) => characters.join(''))

const scan = (content: fc.Arbitrary<string>) =>
  content.chain((text) => fc.record({ text: fc.constant(text), gaps: scannerGaps(text.length - 1) }))

const terminators = fc.constantFrom('Enter', 'Tab', '')

describe('the wedge reader', () => {
  it('recognises a burst of any printable content at any speed within the limits, and leaks none of it', () => {
    fc.assert(
      fc.property(scan(printable), terminators, ({ text, gaps }, terminator) => {
        const keys = burst(text, 1_000, gaps)
        const lastMs = keys.at(-1)?.timeMs ?? 0
        const { scans, seen } = run(terminator ? [...keys, press(terminator, lastMs + 20)] : keys)
        expect(scans).toEqual([text])
        expect(seen).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  /** Keys that the window hears of so much after they were pressed, with every timer that goes off before. */
  const hear = (keys: readonly WedgeKey[], delaysMs: readonly number[], reader = createWedgeReader(defaults)) => {
    const [scans, strange, field]: [string[], string[], string[]] = [[], [], []]
    const decide = (decisions: readonly WedgeDecision[]) => {
      for (const decision of decisions) {
        if (decision.kind === 'scan') scans.push(decision.data)
        if (decision.kind === 'strange') strange.push(decision.strange.reason)
        if (decision.kind === 'release') field.push(...decision.keys.map((key) => key.key))
        if (decision.kind === 'takeBack') field.splice(-decision.keys.length)
      }
    }
    const tickUntil = (untilMs: number) => {
      for (let due = reader.deadlineMs(); due !== undefined && due < untilMs; due = reader.deadlineMs()) {
        decide(reader.tick(due + 1))
      }
    }
    let heardMs = 0
    for (const [index, key] of keys.entries()) {
      heardMs = Math.max(heardMs, key.timeMs + (delaysMs[index] ?? 0))
      tickUntil(heardMs)
      decide(reader.key(key, heardMs))
    }
    tickUntil(Number.POSITIVE_INFINITY)
    return { scans, strange, field }
  }
  const late = (delay: fc.Arbitrary<number>) =>
    printable.chain((text) =>
      fc.record({
        text: fc.constant(text),
        gaps: scannerGaps(text.length - 1),
        delays: fc.array(delay, { minLength: text.length + 1, maxLength: text.length + 1 }),
      }),
    )
  const ended = (text: string, gaps: readonly number[]) => {
    const pressed = burst(text, 1_000, gaps)
    return [...pressed, press('Enter', (pressed.at(-1)?.timeMs ?? 0) + 8)]
  }

  it('keeps a burst whole when the window hears of its keys late', () => {
    fc.assert(
      fc.property(
        fc.nat(20_000).chain((byMs) => late(fc.integer({ min: byMs, max: byMs + 110 }))),
        ({ text, gaps, delays }) => {
          expect(hear(ended(text, gaps), delays)).toEqual({ scans: [text], strange: [], field: [] })
        },
      ),
    )
  })

  it('says that a code was cut, or has it whole, however late the window hears of its keys', () => {
    fc.assert(
      fc.property(late(fc.nat(5_000)), ({ text, gaps, delays }) => {
        const { scans, strange } = hear(ended(text, gaps), delays)
        if (strange.length === 0) expect(scans).toEqual([text])
        else expect(strange.every((reason) => reason === 'cut')).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  /** A reader that has seen its scanner end its codes, long before the keys of a test. */
  const used = () => {
    const reader = createWedgeReader(defaults)
    for (const startMs of [-30_000, -20_000, -10_000]) {
      for (const key of burst('4006381333931', startMs, [8])) reader.key(key)
      reader.key(press('Enter', startMs + 104))
    }
    return reader
  }
  const halves = fc.array(scan(printable), { minLength: 2, maxLength: 4 }).chain((parts) =>
    fc.record({
      parts: fc.constant(parts),
      pauses: fc.array(fc.integer({ min: defaults.maxGapMs + 1, max: 1_000 }), { minLength: parts.length }),
    }),
  )
  const inParts = ({ parts, pauses }: typeof halves extends fc.Arbitrary<infer T> ? T : never) => {
    let timeMs = 1_000
    const keys = parts.flatMap(({ text, gaps }, index) => {
      const pressed = burst(text, timeMs, gaps)
      timeMs = (pressed.at(-1)?.timeMs ?? timeMs) + (pauses[index] ?? 0)
      return pressed
    })
    return [...keys, press('Enter', (keys.at(-1)?.timeMs ?? 0) + 8)]
  }

  it('has every code whole of a scanner that ends its codes, however late the window hears of its keys', () => {
    fc.assert(
      fc.property(late(fc.nat(5_000)), ({ text, gaps, delays }) => {
        const { scans, strange, field } = hear(ended(text, gaps), delays, used())
        expect({ scans, field }).toEqual({ scans: [text], field: [] })
        expect(strange.every((reason) => reason === 'unended')).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  it('takes no part of a code for a code where the scanner ends its codes, wherever and however often it pauses', () => {
    fc.assert(
      fc.property(halves, (code) => {
        const { scans, strange, field } = hear(inParts(code), [], used())
        expect({ scans, field }).toEqual({ scans: [], field: [] })
        expect(new Set(strange)).toEqual(new Set(['unended']))
      }),
      { numRuns: 500 },
    )
  })

  it('takes the first code that is shown again after such a one, and needs no longer for it', () => {
    fc.assert(
      fc.property(halves, scan(printable), (code, { text, gaps }) => {
        const reader = used()
        const cut = inParts(code)
        hear(cut, [], reader)
        const startMs = (cut.at(-1)?.timeMs ?? 0) + 1_100
        const keys = burst(text, startMs, gaps)
        for (const key of keys) expect(reader.key(key)).toEqual([{ kind: 'hold' }])
        expect(reader.key(press('Enter', (keys.at(-1)?.timeMs ?? 0) + 8))).toMatchObject([
          { kind: 'scan', data: text },
          { kind: 'swallow' },
        ])
      }),
    )
  })

  it('swallows the end of a code that was too long in coming, though it says nothing any more', () => {
    const reader = used()
    for (const key of burst('4006381333931', 1_000, [8])) reader.key(key)
    expect(reader.tick(2_000)).toEqual([{ kind: 'strange', strange: { reason: 'unended', length: 13 } }])
    expect(reader.key(press('Enter', 1_900), 2_000)).toEqual([{ kind: 'swallow' }])
    expect(reader.key(press('Enter', 2_500))).toEqual([{ kind: 'pass' }])
  })

  it('finds a second scanner out that leaves its codes to silence, by the same code twice', () => {
    const reader = used()
    const silent = (text: string, startMs: number) => {
      for (const key of burst(text, startMs, [8])) reader.key(key)
      return reader.tick(startMs + 2_000)
    }
    expect(silent('00012345', 10_000)).toMatchObject([{ kind: 'strange' }])
    expect(silent('00012346', 20_000)).toMatchObject([{ kind: 'strange' }])
    expect(silent('00012346', 30_000)).toMatchObject([{ kind: 'scan', data: '00012346' }])
    expect(silent('00012347', 40_000)).toMatchObject([{ kind: 'scan', data: '00012347' }])
  })

  it('knows from its setting whether the scanner ends its codes', () => {
    const first = (suffix: WedgeSettings['suffix']) => run(burst('00012345', 0, [8]), { ...defaults, suffix })
    expect(first('enter')).toEqual({ scans: [], strange: [8], seen: [] })
    expect(first('tab').scans).toEqual([])
    expect(first('none').scans).toEqual(['00012345'])
    expect(first('any').scans).toEqual(['00012345'])
  })

  it('takes a terminator that is heard long after its code for nothing else', () => {
    const keys = burst('4006381333931', 1_000, [5])
    const reader = createWedgeReader(defaults)
    for (const key of keys) reader.key(key)
    expect(reader.tick(1_500)).toMatchObject([{ kind: 'scan', data: '4006381333931' }])
    expect(reader.key(press('Enter', 1_065), 1_600)).toEqual([{ kind: 'swallow' }])
    expect(reader.deadlineMs()).toBeUndefined()
    expect(reader.key(press('Enter', 3_000))).toEqual([{ kind: 'pass' }])
  })

  it('waits for the terminator of a scanner that has sent one before', () => {
    const reader = createWedgeReader(defaults)
    const scan = (text: string, startMs: number) => {
      for (const key of burst(text, startMs, [8])) reader.key(key)
    }
    scan('4006381333931', 1_000)
    expect(reader.deadlineMs()).toBe(1_096 + 200)
    reader.key(press('Enter', 1_104))
    scan('4006381333931', 5_000)
    expect(reader.deadlineMs()).toBe(5_096 + 500)
  })

  it('never takes typing at 60 ms a key and slower for a scan, and gives every character back in order', () => {
    const key = fc.oneof(
      fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
      fc.constantFrom('Enter', 'Tab', 'Backspace', 'ArrowLeft', 'Escape'),
    )
    const typed = fc.array(fc.record({ key, gap: fc.integer({ min: 60, max: 400 }) }), { maxLength: 60 })
    fc.assert(
      fc.property(typed, (strokes) => {
        let timeMs = 0
        const keys = strokes.map((stroke) => press(stroke.key, (timeMs += stroke.gap)))
        const { scans, seen } = run(keys)
        expect(scans).toEqual([])
        expect(seen).toEqual(strokes.map((stroke) => stroke.key))
      }),
      { numRuns: 500 },
    )
  })

  it('tells bursts from the typing around them', () => {
    const typing = fc
      .array(fc.record({ key: fc.constantFrom('a', 'B', ' ', '7'), gap: fc.integer({ min: 60, max: 300 }) }), {
        maxLength: 8,
      })
      .map((strokes) => ({ kind: 'typing' as const, strokes }))
    const scanning = fc.record({ read: scan(printable) }).map((value) => ({ kind: 'scanning' as const, ...value }))
    fc.assert(
      fc.property(fc.array(fc.oneof(typing, scanning), { maxLength: 8 }), terminators, (parts, terminator) => {
        let timeMs = 0
        const keys: WedgeKey[] = []
        for (const part of parts) {
          // Nobody types and pulls the trigger within a tenth of a second.
          timeMs += 100
          if (part.kind === 'typing') {
            for (const stroke of part.strokes) keys.push(press(stroke.key, (timeMs += stroke.gap)))
          } else {
            keys.push(...burst(part.read.text, timeMs, part.read.gaps))
            timeMs = keys.at(-1)?.timeMs ?? timeMs
            if (terminator) keys.push(press(terminator, (timeMs += 10)))
          }
        }
        const { scans, seen } = run(keys)
        expect(scans).toEqual(parts.flatMap((part) => (part.kind === 'scanning' ? [part.read.text] : [])))
        expect(seen).toEqual(
          parts.flatMap((part) => (part.kind === 'typing' ? part.strokes.map((stroke) => stroke.key) : [])),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('neither loses nor doubles a key whatever comes at whatever speed', () => {
    const anyKey = fc.record({
      key: fc.constantFrom('a', 'Z', '1', ' ', '}', 'Enter', 'Tab', 'Escape', 'ArrowDown', 'F8', 'v'),
      gap: fc.integer({ min: 0, max: 120 }),
      ctrl: fc.boolean(),
      repeat: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(anyKey, { maxLength: 60 }), (strokes) => {
        let timeMs = 0
        const reader = createWedgeReader(defaults)
        let open = 0
        for (const stroke of strokes) {
          timeMs += stroke.gap
          const decisions = reader.key(press(stroke.key, timeMs, { ctrl: stroke.ctrl, repeat: stroke.repeat }))
          const verdict = decisions.at(-1)
          expect(['hold', 'pass', 'swallow']).toContain(verdict?.kind)
          for (const decision of decisions.slice(0, -1)) {
            expect(['release', 'scan', 'strange']).toContain(decision.kind)
            open -= keysIn(decision)
          }
          if (verdict?.kind === 'hold') open++
          // A key acts only when nothing that was pressed before it is still held.
          if (verdict?.kind === 'pass') expect(open).toBe(0)
        }
        for (const decision of reader.tick(timeMs + 1_000)) open -= keysIn(decision)
        expect(open).toBe(0)
      }),
      { numRuns: 500 },
    )
  })

  it('keeps the group separator typed as Ctrl+], at the start, between and within', () => {
    const text = '\u001d010400638133393110AB\u001d21XYZ'
    expect(run(burst(text, 0, [8]))).toMatchObject({ scans: [text], seen: [] })
  })

  it.each([
    ['f8', 'F8'],
    ['f12', 'F12'],
    ['arrow_down', 'ArrowDown'],
    ['brace', '}'],
    ['pipe', '|'],
  ] as const)('reads the group separator from %s when that is the setting', (groupSeparator, key) => {
    const keys = [...burst('10ABC', 0, [10]), press(key, 50), ...burst('21XYZ', 60, [10]), press('Enter', 110)]
    expect(run(keys, { ...defaults, groupSeparator }).scans).toEqual(['10ABC\u001d21XYZ'])
  })

  it('gives back the separator key itself when a person typed it', () => {
    expect(run([press('}', 0), press('x', 200)], { ...defaults, groupSeparator: 'brace' }).seen).toEqual(['}', 'x'])
    expect(run([press('ArrowDown', 0)], { ...defaults, groupSeparator: 'arrow_down' }).seen).toEqual(['ArrowDown'])
  })

  it('keeps control characters typed as Ctrl with a letter within a burst', () => {
    const text = '[)>\u001e06\u001d1T4006\u001e\u0004end'
    expect(run([...burst(text, 0, [8]), press('Enter', 8 * text.length)])).toMatchObject({ scans: [text], seen: [] })
  })

  it('lets shortcuts through untouched, after what was typed before them', () => {
    const keys = [press('a', 0), press('v', 300, { ctrl: true }), press('x', 600, { meta: true }), press('F5', 900)]
    expect(run(keys).seen).toEqual(['a', 'v', 'x', 'F5'])
    const reader = createWedgeReader(defaults)
    reader.key(press('a', 0))
    expect(reader.key(press('Backspace', 70)).map((decision) => decision.kind)).toEqual(['release', 'pass'])
  })

  it('lets an Enter pressed by a person act, and swallows the one that ends a burst', () => {
    expect(run([press('Enter', 0)]).seen).toEqual(['Enter'])
    expect(run([...burst('4006381333931', 0, [5]), press('Enter', 65)])).toMatchObject({
      scans: ['4006381333931'],
      seen: [],
    })
    expect(run([...burst('12', 0, [5]), press('Enter', 10)]).seen).toEqual(['1', '2', 'Enter'])
  })

  it('tells when the last key of a code was pressed, the terminator or the last character, not when that was heard', () => {
    const reader = createWedgeReader(defaults)
    const scan = (text: string, startMs: number) => burst(text, startMs, [5]).forEach((key) => reader.key(key))
    scan('4006381', 1_000)
    expect(reader.key(press('Enter', 1_040))).toMatchObject([{ kind: 'scan', timeMs: 1_040 }, { kind: 'swallow' }])
    scan('4006382', 3_000)
    expect(reader.tick(3_900)).toMatchObject([{ kind: 'scan', data: '4006382', timeMs: 3_030 }])
  })

  it('takes CR LF, sent as two keys, for one terminator', () => {
    const keys = [...burst('40063813', 0, [5]), press('Enter', 40), press('Enter', 45), press('Enter', 500)]
    expect(run(keys)).toMatchObject({ scans: ['40063813'], seen: ['Enter'] })
    const controls = [...burst('40063813\r\n', 0, [5])]
    expect(run(controls).scans).toEqual(['40063813'])
  })

  it('ignores the repeats of a key that is held down', () => {
    const held = Array.from({ length: 20 }, (_, index) => press('a', 500 + index * 30, { repeat: true }))
    expect(run([press('a', 0), ...held])).toMatchObject({ scans: [], seen: Array.from({ length: 21 }, () => 'a') })
  })

  it('is certain of a burst behind the configured prefix, however short or slow', () => {
    const settings = { ...defaults, prefix: '~#' }
    expect(run([...burst('~#7', 0, [79]), press('Enter', 230)], settings)).toMatchObject({ scans: ['7'], seen: [] })
    expect(run(burst('40063813', 0, [5]), settings).scans).toEqual(['40063813'])
    expect(run([press('~', 0), press('x', 300)], settings)).toMatchObject({ scans: [], seen: ['~', 'x'] })
    expect(run([...burst('\u000240', 0, [60]), press('Enter', 180)], { ...defaults, prefix: '\u0002' })).toMatchObject({
      scans: ['40'],
      seen: [],
    })
  })

  it('types characters that need AltGr, and passes what Alt alone does', () => {
    const at = press('@', 30, { ctrl: true, alt: true, altGraph: true })
    expect(run([...burst('abc', 0, [10]), at, press('Enter', 40)]).scans).toEqual(['abc@'])
    expect(run([press('d', 0, { alt: true })]).seen).toEqual(['d'])
  })

  it('reports a burst that is longer than any code, and leaks none of it', () => {
    const keys = burst('7'.repeat(8_200), 0, [1])
    expect(run([...keys, press('Enter', 8_201)])).toEqual({ scans: [], seen: [], strange: [8_200] })
  })
})
