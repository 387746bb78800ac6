import type { VerdictCode } from '#contract/gate/verdict.ts'
import type { GateVerdict } from '#contract/station/gate.ts'
import type { Tone } from '../../ui/capture-view.ts'
import type { Shape } from '../../ui/StateShape.tsx'
import type { Sound } from '../../ui/sounds.ts'

/** What the gate's screen shows. */
export type GateView =
  /** Nobody is there: what this place is, large enough to be seen from afar. */
  | { readonly name: 'attract' }
  /** Somebody is: show a pass. */
  | { readonly name: 'ready' }
  /** Nobody has done anything for long: what was chosen is forgotten soon, unless somebody touches the screen. */
  | { readonly name: 'leaving'; readonly sinceMs: number }
  /** A pass was read and is being judged. */
  | { readonly name: 'checking'; readonly sinceMs: number }
  /** The verdict, until its time is over. */
  | { readonly name: 'result'; readonly verdict: GateVerdict; readonly sinceMs: number }
  /** A read that could not be judged or kept: the staff helps. */
  | { readonly name: 'failed'; readonly sinceMs: number }
  /** Nobody can be let in here now. */
  | { readonly name: 'out_of_order' }

export type GateEvent =
  | { readonly kind: 'touched' }
  | { readonly kind: 'read' }
  | { readonly kind: 'judged'; readonly verdict: GateVerdict }
  | { readonly kind: 'failed' }
  /** Whether the station answers, its disk takes verdicts and its door obeys. */
  | { readonly kind: 'works'; readonly works: boolean }
  | { readonly kind: 'time' }

export interface GateTimes {
  /** How long a verdict is shown. */
  readonly showMs: number
  /** How long the screen waits for somebody before it asks whether anybody is there. */
  readonly idleMs: number
  /** How long it waits for an answer before it attracts again; 0 where nobody can give one. */
  readonly askMs: number
  /** How long a read may be judged before the staff is called. */
  readonly checkMs: number
}

/** The state of the screen: what is shown, and since when nobody has done anything. */
export interface GateState {
  readonly view: GateView
  readonly quietSinceMs: number
}

export const firstGateState = (nowMs: number): GateState => ({ view: { name: 'attract' }, quietSinceMs: nowMs })

/** Touches of one view that come closer together are one. */
const touchMs = 1_000

/** The state chart: what follows a state after an event. Pure; the same event may come any number of times. */
export function nextGateState(state: GateState, event: GateEvent, nowMs: number, times: GateTimes): GateState {
  const { view } = state
  const active = (next: GateView): GateState => ({ view: next, quietSinceMs: nowMs })
  if (event.kind === 'works') {
    if (!event.works) return view.name === 'out_of_order' ? state : active({ name: 'out_of_order' })
    return view.name === 'out_of_order' ? active({ name: 'ready' }) : state
  }
  // What is broken shows nothing else: no word of a visitor stays on it, and none comes.
  if (view.name === 'out_of_order') return state
  switch (event.kind) {
    case 'touched':
      if (view.name === 'attract' || view.name === 'leaving') return active({ name: 'ready' })
      // Whoever reads slowly touches the screen, and what is shown stays as long again; the keys of a scanner come in crowds.
      if ((view.name === 'result' || view.name === 'failed') && nowMs - view.sinceMs >= touchMs)
        return active({ ...view, sinceMs: nowMs })
      return active(view)
    case 'read':
      // The verdict before stays until the next one is there, unless that takes long: see `time`.
      return view.name === 'checking' || view.name === 'result'
        ? active(view)
        : active({ name: 'checking', sinceMs: nowMs })
    case 'judged':
      return active({ name: 'result', verdict: event.verdict, sinceMs: nowMs })
    case 'failed':
      return active({ name: 'failed', sinceMs: nowMs })
    case 'time':
      return afterTime(state, nowMs, times)
  }
}

function afterTime(state: GateState, nowMs: number, { showMs, idleMs, askMs, checkMs }: GateTimes): GateState {
  const { view, quietSinceMs } = state
  switch (view.name) {
    case 'checking':
      return nowMs - view.sinceMs < checkMs ? state : { view: { name: 'failed', sinceMs: nowMs }, quietSinceMs: nowMs }
    case 'result':
    case 'failed':
      return nowMs - view.sinceMs < showMs ? state : { view: { name: 'ready' }, quietSinceMs: nowMs }
    case 'ready':
      if (nowMs - quietSinceMs < idleMs) return state
      return { view: askMs > 0 ? { name: 'leaving', sinceMs: nowMs } : { name: 'attract' }, quietSinceMs }
    case 'leaving':
      return nowMs - view.sinceMs < askMs ? state : { view: { name: 'attract' }, quietSinceMs }
    default:
      return state
  }
}

/** What a verdict comes down to for whoever stands there: each has a shape of its own, and says what to do next. */
export type VerdictKind =
  | 'in'
  /** Used, by whomever: when, where and how it was read belong to it. */
  | 'used'
  /** The same pass will do at another time: wait, or come back. */
  | 'later'
  /** Not with this pass, or not here. */
  | 'no'
  /** Somebody of the staff decides. */
  | 'ask'

const kinds: Readonly<Record<VerdictCode, VerdictKind>> = {
  admitted: 'in',
  readmitted: 'in',
  admitted_again: 'in',
  exited: 'in',
  overridden: 'in',

  used: 'used',
  used_up: 'used',
  used_today: 'used',
  already_inside: 'used',
  too_soon: 'used',
  no_reentry: 'used',
  privilege_used: 'used',

  gate_closed: 'later',
  not_yet_valid: 'later',
  full: 'later',

  unknown_pass: 'no',
  revoked: 'no',
  blocked: 'no',
  wrong_kind: 'no',
  wrong_type: 'no',
  not_listed: 'no',
  barred: 'no',
  expired: 'no',
  privilege_missing: 'no',
  offline_denied: 'no',

  not_inside: 'ask',
  clock_unsure: 'ask',
  offline_unknown: 'ask',
  offline_refer: 'ask',
  cannot_decide: 'ask',
}

export const kindOf = ({ code }: Pick<GateVerdict, 'code'>): VerdictKind => kinds[code]

/** The colour of a view, and its shape as far as the colour says it; see `shapeOf`. */
export function toneOf(view: GateView): Tone {
  switch (view.name) {
    case 'attract':
    case 'ready':
    case 'leaving':
      return 'info'
    case 'checking':
    case 'out_of_order':
      return 'waiting'
    case 'failed':
      return 'attention'
    case 'result':
      return verdictTones[kindOf(view.verdict)]
  }
}

const verdictTones = { in: 'ok', used: 'stop', later: 'stop', no: 'stop', ask: 'attention' } as const

/** The shape of a view: what is not let in has one for each reason that staff act on, though the colour is the same. */
export function shapeOf(view: GateView): Shape {
  if (view.name === 'out_of_order') return 'closed'
  const kind = view.name === 'result' ? kindOf(view.verdict) : null
  return kind === 'used' || kind === 'later' ? kind : toneOf(view)
}

/** What a verdict sounds like: in, used before, not in, and somebody of the staff are four sounds. */
export function soundOf(verdict: GateVerdict): Sound {
  if (verdict.result === 'admit') return 'saved'
  if (verdict.result === 'refer') return 'unknown'
  return kindOf(verdict) === 'used' ? 'again' : 'stopped'
}

/** Where the texts of a view are, below `gate`: each verdict has its own. */
export function textOf(view: GateView) {
  return view.name === 'result' ? (`code.${view.verdict.code}` as const) : (`view.${view.name}` as const)
}
