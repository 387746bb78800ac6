import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { passUseSchema, unused, type GatePass, type PassMovement } from '#contract/gate/pass.ts'
import { gateRulesSchema, type GateRules } from '#contract/gate/rules.ts'
import { judgementSchema, verdictCodes } from '#contract/gate/verdict.ts'
import { addUse, judge, useAfter, type GateQuestion } from '#domain/gate/judge.ts'
import { gateVectors } from '../../../vectors/gate.ts'

describe('the rules of a gate', () => {
  it.each(gateVectors)('$name', ({ question, expected }) => {
    const judgement = judge(question)
    expect(judgement.code).toBe(expected.code)
    if (expected.decided) expect(judgement.path.at(-1)).toBe(expected.decided)
    if (expected.countsEntry !== undefined) expect(judgement.countsEntry).toBe(expected.countsEntry)
  })

  it('have a vector for every code but the one that only the staff gives', () => {
    const told = new Set(gateVectors.map(({ expected }) => expected.code))
    expect(Object.keys(verdictCodes).filter((code) => !told.has(code as keyof typeof verdictCodes))).toEqual([
      'overridden',
    ])
  })

  it.each(gateVectors.filter(({ question }) => question.mode === 'online' && question.pass !== null))(
    'say the same offline with fresh data: $name',
    ({ question, expected }) => {
      expect(judge({ ...question, mode: 'offline', dataAgeMs: 0 }).code).toBe(expected.code)
    },
  )
})

const startMs = Date.parse('2026-11-21T18:00:00.000Z')
const instant = fc.integer({ min: -200_000, max: 200_000 }).map((by) => new Date(startMs + by * 1_000).toISOString())
const movement = fc.record({
  at: instant,
  gate: fc.constantFrom('north', 'south'),
  input: fc.constantFrom('qrcode', 'nfc'),
}) satisfies fc.Arbitrary<PassMovement>
const allowance = fc.oneof(
  fc.integer({ min: 1, max: 3 }).map((times) => ({ kind: 'times' as const, times })),
  fc.constantFrom({ kind: 'unlimited' as const }, { kind: 'daily' as const }),
)
const pass: fc.Arbitrary<GatePass> = fc.record({
  passId: fc.constant('p'),
  passType: fc.constantFrom('day', 'season', '__proto__'),
  passKind: fc.constantFrom('eventTicket', 'generic'),
  status: fc.constantFrom('active', 'active', 'active', 'blocked', 'revoked'),
  validFrom: fc.option(instant),
  validUntil: fc.option(instant),
  entries: fc.option(allowance),
  lists: fc.subarray(['vip', 'crew']),
  privileges: fc.dictionary(fc.constantFrom('lounge', 'spa'), fc.option(fc.nat(2))),
})
const rules: fc.Arbitrary<GateRules> = fc
  .record(
    {
      gate: fc.constantFrom('north', 'south'),
      opensAt: fc.option(instant),
      closesAt: fc.option(instant),
      direction: fc.constantFrom('entry', 'exit'),
      passTypes: fc.subarray(['day', 'season']),
      onlyLists: fc.subarray(['vip']),
      entries: allowance,
      reentry: fc.constantFrom('counts', 'free', 'never'),
      antiPassback: fc.constantFrom({ kind: 'off' }, { kind: 'until_exit' }, { kind: 'for', durationMs: 60_000 }),
      graceMs: fc.integer({ min: 0, max: 5_000 }),
      capacity: fc.option(fc.nat(3)),
      timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu'),
    },
    { requiredKeys: [] },
  )
  .map((some) => gateRulesSchema.parse(some))
const question: fc.Arbitrary<GateQuestion> = fc.record({
  rules,
  pass: fc.option(pass),
  use: fc.record({
    entries: fc.nat(3),
    lastEntry: fc.option(movement),
    lastExit: fc.option(movement),
    isInside: fc.boolean(),
  }),
  inside: fc.option(fc.nat(4)),
  now: instant.map((at) => new Date(at)),
  clock: fc
    .tuple(fc.integer({ min: -5_000, max: 5_000 }), fc.nat(5_000))
    .map(([leastMs, by]) => ({ leastMs, mostMs: leastMs + by })),
  mode: fc.constantFrom('online', 'offline'),
  dataAgeMs: fc.option(fc.nat(200_000_000)),
})

describe('whatever a gate is asked', () => {
  it('answers a judgement as promised, with the result of its code', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const judgement = judge(asked)
        expect(judgementSchema.parse(judgement)).toEqual(judgement)
        expect(judgement.result).toBe(verdictCodes[judgement.code])
        expect(new Set(judgement.path).size).toBe(judgement.path.length)
        // What takes an entry lets in.
        if (judgement.countsEntry) expect(judgement.code).toBe('admitted')
      }),
    )
  })

  it('admits offline only what it admits online', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const offline = judge({ ...asked, mode: 'offline' })
        const online = judge({ ...asked, mode: 'online' })
        if (offline.result === 'admit') expect(offline.code).toBe(online.code)
        else if (online.result !== 'admit' && asked.pass !== null) expect(offline.code).toBe(online.code)
      }),
    )
  })

  it('gets no kinder as its data age', () => {
    const kindness = { admit: 2, refer: 1, deny: 0 }
    fc.assert(
      fc.property(question, fc.nat(100_000_000), (asked, laterMs) => {
        fc.pre(asked.pass !== null && asked.dataAgeMs !== null)
        const young = judge({ ...asked, mode: 'offline' })
        const old = judge({ ...asked, mode: 'offline', dataAgeMs: (asked.dataAgeMs ?? 0) + laterMs })
        expect(kindness[old.result]).toBeLessThanOrEqual(kindness[young.result])
      }),
    )
  })

  it('never lets a pass of N entries in more than N times, where none is free', () => {
    const step = fc.record({ afterMs: fc.integer({ min: 0, max: 7_200_000 }), isExit: fc.boolean() })
    fc.assert(
      fc.property(
        rules,
        pass,
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 12 }),
        (some, held, times, steps) => {
          fc.pre(some.reentry !== 'free')
          let use = unused
          let atMs = startMs
          let lettings = 0
          for (const { afterMs, isExit } of steps) {
            atMs += afterMs
            const judgement = judge({
              rules: { ...some, direction: isExit ? 'exit' : 'entry', graceMs: 0 },
              pass: { ...held, entries: { kind: 'times', times } },
              use,
              inside: null,
              now: new Date(atMs),
              clock: { leastMs: 0, mostMs: 0 },
              mode: 'online',
              dataAgeMs: null,
            })
            if (judgement.result !== 'admit') continue
            if (!isExit) lettings += 1
            const at = new Date(atMs).toISOString()
            use = useAfter(use, judgement.code, judgement.countsEntry, { at, gate: some.gate, input: 'qrcode' })
            expect(passUseSchema.parse(use)).toEqual(use)
          }
          expect(lettings).toBeLessThanOrEqual(times)
        },
      ),
    )
  })
})

describe('two uses of one pass', () => {
  const at = (time: string, gate = 'north'): PassMovement => ({ at: `2026-11-21T${time}:00.000Z`, gate, input: 'nfc' })

  it('count together, and who was last says whether it is inside', () => {
    const site = { entries: 1, lastEntry: at('10:00'), lastExit: at('11:00'), isInside: false }
    const own = { entries: 1, lastEntry: at('12:00', 'south'), lastExit: null, isInside: true }
    expect(addUse(site, own)).toEqual({
      entries: 2,
      lastEntry: at('12:00', 'south'),
      lastExit: at('11:00'),
      isInside: true,
    })
    expect(addUse(own, { ...site, isInside: false }).isInside).toBe(true)
    expect(addUse(site, unused)).toEqual(site)
    expect(addUse(unused, own)).toEqual(own)
  })
})
