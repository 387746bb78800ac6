import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verdictCodes, type VerdictCode } from '#contract/gate/verdict.ts'
import type { GateVerdict } from '#contract/station/gate.ts'
import {
  firstGateState,
  kindOf,
  nextGateState,
  shapeOf,
  soundOf,
  toneOf,
  type GateEvent,
  type GateState,
} from '#renderer/features/gate/gate-view.ts'
import texts from '#renderer/app/texts/en.json' with { type: 'json' }

const times = { showMs: 4_000, idleMs: 20_000, askMs: 20_000, checkMs: 6_000 }
const codes = Object.keys(verdictCodes) as VerdictCode[]
const verdictOf = (code: VerdictCode): GateVerdict => ({
  id: '00000000-0000-7000-8000-000000000001',
  at: '2026-11-21T09:00:00.000Z',
  gate: 'north',
  direction: 'entry',
  type: 'qrcode',
  hint: '0007',
  result: verdictCodes[code],
  code,
  mode: 'online',
  path: [],
  usedBefore: null,
  countsEntry: false,
  passType: null,
  dataAgeMs: null,
  tookMs: 1,
  overrides: null,
  reason: null,
  undone: null,
  report: 'sent',
  compared: null,
})

/** The screen beside a model of it: what a person may rely on, said without the chart. */
interface Model {
  works: boolean
  /** The last verdict and when it came, as long as it may be seen. */
  shown: { readonly code: VerdictCode; readonly atMs: number } | null
  nowMs: number
}
interface Real {
  state: GateState
}

class Step implements fc.Command<Model, Real> {
  readonly event: GateEvent
  readonly afterMs: number
  constructor(event: GateEvent, afterMs: number) {
    this.event = event
    this.afterMs = afterMs
  }
  check(): boolean {
    return true
  }
  run(model: Model, real: Real): void {
    const { event } = this
    model.nowMs += this.afterMs
    const before = real.state.view
    real.state = nextGateState(real.state, event, model.nowMs, times)
    const { view } = real.state

    if (event.kind === 'works') model.works = event.works
    if (!model.works) model.shown = null
    else if (event.kind === 'judged') model.shown = { code: event.verdict.code, atMs: model.nowMs }
    else if (event.kind === 'failed') model.shown = null
    // Whoever reads slowly touches the screen.
    else if (event.kind === 'touched' && model.shown && model.nowMs - model.shown.atMs >= 1_000)
      model.shown = { ...model.shown, atMs: model.nowMs }
    else if (event.kind === 'time' && model.shown && model.nowMs - model.shown.atMs >= times.showMs) model.shown = null

    // Broken is shown as broken, and as nothing else.
    expect(view.name === 'out_of_order').toBe(!model.works)
    // A verdict is shown when there is one, that one, and never longer than it may.
    expect(view.name === 'result' ? view.verdict.code : null).toBe(model.shown?.code ?? null)
    // "Come in" is never on the screen without a verdict that says so.
    if (toneOf(view) === 'ok') expect(model.shown && verdictCodes[model.shown.code]).toBe('admit')
    // A read is answered, or the staff is called.
    if (view.name === 'checking') {
      expect(['attract', 'ready', 'leaving', 'failed', 'checking']).toContain(before.name)
      if (event.kind === 'time') expect(model.nowMs - view.sinceMs).toBeLessThan(times.checkMs)
    }
    // Nothing invites people away from a read.
    if (view.name === 'attract') expect(['read', 'touched', 'judged']).not.toContain(event.kind)
    // Nobody is forgotten unasked.
    if (view.name === 'attract') expect(['attract', 'leaving']).toContain(before.name)
  }
  toString(): string {
    return `${this.event.kind} after ${this.afterMs}`
  }
}

const event = fc.oneof(
  fc.constant<GateEvent>({ kind: 'touched' }),
  fc.constant<GateEvent>({ kind: 'read' }),
  fc.constantFrom(...codes).map((code): GateEvent => ({ kind: 'judged', verdict: verdictOf(code) })),
  fc.constant<GateEvent>({ kind: 'failed' }),
  fc.boolean().map((works): GateEvent => ({ kind: 'works', works })),
  fc.constant<GateEvent>({ kind: 'time' }),
  fc.constant<GateEvent>({ kind: 'time' }),
)

describe("the gate's screen", () => {
  it('is as its model says after any events', () => {
    const steps = fc.commands(
      [fc.tuple(event, fc.constantFrom(0, 10, 200, 3_999, 4_000, 6_000, 25_000)).map(([one, ms]) => new Step(one, ms))],
      { maxCommands: 60 },
    )
    fc.assert(
      fc.property(steps, (commands) =>
        fc.modelRun(
          () => ({ model: { works: true, shown: null, nowMs: 0 }, real: { state: firstGateState(0) } }),
          commands,
        ),
      ),
      { numRuns: 500 },
    )
  })

  it('forgets a visitor and attracts the next one', () => {
    let state = firstGateState(0)
    const at = (kind: 'time' | 'read', ms: number) => (state = nextGateState(state, { kind }, ms, times)).view.name
    expect(at('read', 1_000)).toBe('checking')
    state = nextGateState(state, { kind: 'judged', verdict: verdictOf('used') }, 1_100, times)
    expect(at('time', 5_099)).toBe('result')
    expect(at('time', 5_100)).toBe('ready')
    expect(JSON.stringify(state)).not.toContain('0007')
    expect(at('time', 25_099)).toBe('ready')
    expect(at('time', 25_100)).toBe('leaving')
    expect(at('time', 45_099)).toBe('leaving')
    expect(at('time', 45_100)).toBe('attract')
  })

  it('gives whoever is slow as much time as is asked for, by one touch each', () => {
    let state = nextGateState(firstGateState(0), { kind: 'judged', verdict: verdictOf('used') }, 0, times)
    const at = (kind: 'time' | 'touched', ms: number) => (state = nextGateState(state, { kind }, ms, times)).view.name
    for (let turn = 1; turn <= 10; turn += 1) expect(at('touched', turn * 3_900)).toBe('result')
    expect(at('time', 39_000 + 3_999)).toBe('result')
    expect(at('time', 39_000 + 4_000)).toBe('ready')
    let nowMs = 43_000
    for (let turn = 1; turn <= 10; turn += 1) {
      expect(at('time', (nowMs += 20_000))).toBe('leaving')
      expect(at('touched', (nowMs += 19_999))).toBe('ready')
    }
    expect(at('time', (nowMs += 20_000))).toBe('leaving')
    expect(at('time', nowMs + 20_000)).toBe('attract')
    // The keys of a scanner are no hundred touches: nothing is drawn anew for them.
    const shown = nextGateState(firstGateState(0), { kind: 'judged', verdict: verdictOf('used') }, 0, times)
    expect(nextGateState(shown, { kind: 'touched' }, 999, times).view).toBe(shown.view)
    // A display, which nobody can touch, asks nobody.
    const display = { ...times, askMs: 0 }
    const ready = nextGateState(firstGateState(0), { kind: 'touched' }, 0, display)
    expect(nextGateState(ready, { kind: 'time' }, 20_000, display).view.name).toBe('attract')
  })

  it('has words and a next step for every code and every view', () => {
    for (const code of codes) {
      expect(texts.gate.code[code].word).not.toBe('')
      expect(texts.gate.code[code].next).toMatch(/\.$/)
    }
    for (const view of ['attract', 'ready', 'leaving', 'checking', 'failed', 'out_of_order'] as const)
      expect(texts.gate.view[view].next).toMatch(/\.$/)
  })

  it('tells in, used before, not in and ask apart by sound', () => {
    const sounds = (['admitted', 'used', 'blocked', 'offline_refer'] as const).map((code) => soundOf(verdictOf(code)))
    expect(new Set(sounds).size).toBe(4)
  })

  it('comes down to what the verdict says: in, not in, or somebody looks', () => {
    const results = { in: 'admit', used: 'deny', later: 'deny', no: 'deny', ask: 'refer' } as const
    for (const code of codes) expect(`${code} ${results[kindOf({ code })]}`).toBe(`${code} ${verdictCodes[code]}`)
  })

  it('has a shape for each reason that staff act on, so that none is told by its colour alone', () => {
    const shape = (code: VerdictCode) => shapeOf({ name: 'result', verdict: verdictOf(code), sinceMs: 0 })
    const byKind = new Map(codes.map((code) => [kindOf({ code }), new Set<string>()]))
    for (const code of codes) byKind.get(kindOf({ code }))?.add(shape(code))
    expect([...byKind.values()].map(({ size }) => size)).toEqual([1, 1, 1, 1, 1])
    expect(new Set([...byKind.values()].flatMap((shapes) => [...shapes])).size).toBe(5)
    expect(shapeOf({ name: 'out_of_order' })).not.toBe(shapeOf({ name: 'checking', sinceMs: 0 }))
  })
})
