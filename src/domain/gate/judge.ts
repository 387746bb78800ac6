import type { GatePass, PassMovement, PassUse } from '#contract/gate/pass.ts'
import type { GateRules } from '#contract/gate/rules.ts'
import {
  verdictCodes,
  type Judgement,
  type RuleName,
  type VerdictCode,
  type VerdictMode,
} from '#contract/gate/verdict.ts'

/** Everything that a read at a gate is judged by. */
export interface GateQuestion {
  readonly rules: GateRules
  /** Null: no pass has the value that was read. */
  readonly pass: GatePass | null
  readonly use: PassUse
  /** How many people are inside; null when nobody counts. */
  readonly inside: number | null
  readonly now: Date
  /** How far the right time is from `now`, at least and at most, in milliseconds; both may be negative. */
  readonly clock: { readonly leastMs: number; readonly mostMs: number }
  readonly mode: VerdictMode
  /** How old the pass and its use are, in milliseconds; null when they are the site's own, or there are none. */
  readonly dataAgeMs: number | null
}

/** What a rule decided, or null: the next rule is asked. */
interface Decision {
  readonly code: VerdictCode
  readonly countsEntry?: boolean
  readonly usedBefore?: PassMovement | null
}

interface Question extends GateQuestion {
  readonly pass: GatePass
}

/**
 * Decides one read at one gate: the same rules at the site and on a station alone. Never throws, knows no clock and
 * changes nothing; whoever asks it records the movement that `countsEntry` and the code speak of.
 *
 * An exit is never refused for what the pass is: a person must be able to leave.
 */
export function judge(question: GateQuestion): Judgement {
  const path: RuleName[] = []
  const { pass } = question
  const asked = (rule: RuleName, decide: () => Decision | null): Decision | null => {
    path.push(rule)
    return decide()
  }
  if (pass === null) {
    const decision =
      (question.rules.direction === 'entry' ? asked('gate_hours', () => gateHours(question)) : null) ??
      asked('known', () => ({ code: unknownCode(question) }))
    return told(question, path, decision ?? { code: 'unknown_pass' })
  }
  const known: Question = { ...question, pass }
  for (const [rule, decide] of question.rules.direction === 'exit' ? exitRules : entryRules) {
    const decision = asked(rule, () => decide(known))
    if (decision) return told(question, path, decision)
  }
  return told(question, path, admission(known))
}

type Rule = readonly [RuleName, (question: Question) => Decision | null]

const entryRules: readonly Rule[] = [
  ['gate_hours', gateHours],
  ['known', () => null],
  ['status', ({ pass }) => (pass.status === 'active' ? null : { code: pass.status })],
  ['kind', ({ rules, pass }) => unlessIn(rules.passKinds, pass.passKind, 'wrong_kind')],
  ['type', ({ rules, pass }) => unlessIn(rules.passTypes, pass.passType, 'wrong_type')],
  ['lists', lists],
  ['validity', validity],
  ['grace', grace],
  ['passback', passback],
  ['reentry', reentry],
  ['entries', entries],
  ['privilege', privilege],
  ['capacity', capacity],
  ['offline', offline],
]

const exitRules: readonly Rule[] = [
  ['known', () => null],
  ['inside', insideRule],
]

function gateHours({ rules, now }: GateQuestion): Decision | null {
  const isBefore = rules.opensAt !== null && now.getTime() < Date.parse(rules.opensAt)
  const isAfter = rules.closesAt !== null && now.getTime() >= Date.parse(rules.closesAt)
  return isBefore || isAfter ? { code: 'gate_closed' } : null
}

function unknownCode({ mode, dataAgeMs, rules }: GateQuestion): VerdictCode {
  if (mode === 'online') return 'unknown_pass'
  if (dataAgeMs === null) return 'cannot_decide'
  return rules.offline.unknownPass === 'refer' ? 'offline_unknown' : 'unknown_pass'
}

function unlessIn(allowed: readonly string[], value: string, code: VerdictCode): Decision | null {
  return allowed.length === 0 || allowed.includes(value) ? null : { code }
}

function lists({ rules, pass }: Question): Decision | null {
  if (pass.lists.some((list) => rules.neverLists.includes(list))) return { code: 'barred' }
  if (rules.onlyLists.length === 0 || pass.lists.some((list) => rules.onlyLists.includes(list))) return null
  return { code: 'not_listed' }
}

/** Valid in `[validFrom, validUntil)` at the right time, which lies between two bounds: both must say the same. */
function validity({ pass, now, clock }: Question): Decision | null {
  const earliest = validAt(pass, now.getTime() + clock.leastMs)
  const latest = validAt(pass, now.getTime() + clock.mostMs)
  if (earliest !== latest) return { code: 'clock_unsure' }
  return earliest === 'valid' ? null : { code: earliest }
}

function validAt({ validFrom, validUntil }: GatePass, atMs: number): 'valid' | 'not_yet_valid' | 'expired' {
  if (validUntil !== null && atMs >= Date.parse(validUntil)) return 'expired'
  return validFrom !== null && atMs < Date.parse(validFrom) ? 'not_yet_valid' : 'valid'
}

function insideRule({ rules, use }: Question): Decision {
  const isDoubtful = rules.antiPassback.kind === 'until_exit' && !use.isInside
  return isDoubtful ? { code: 'not_inside', usedBefore: use.lastExit } : { code: 'exited' }
}

function grace(question: Question): Decision | null {
  const { rules, use } = question
  const sinceMs = sinceEntryMs(question)
  if (use.lastEntry === null || sinceMs === null || !use.isInside) return null
  if (use.lastEntry.gate !== rules.gate || sinceMs < 0 || sinceMs >= rules.graceMs) return null
  return { code: 'admitted_again', usedBefore: use.lastEntry }
}

function passback(question: Question): Decision | null {
  const { rules, use } = question
  const { antiPassback } = rules
  if (antiPassback.kind === 'until_exit') {
    // A pass of one entry is told that it was used: leaving would not help.
    if (!use.isInside || isUsedForGood(question)) return null
    return { code: 'already_inside', usedBefore: use.lastEntry }
  }
  const sinceMs = sinceEntryMs(question)
  if (antiPassback.kind === 'off' || sinceMs === null || sinceMs >= antiPassback.durationMs) return null
  return isUsedForGood(question) ? null : { code: 'too_soon', usedBefore: use.lastEntry }
}

function reentry({ rules, use }: Question): Decision | null {
  const isBack = use.lastExit !== null && !use.isInside
  return rules.reentry === 'never' && isBack ? { code: 'no_reentry', usedBefore: use.lastExit } : null
}

function entries(question: Question): Decision | null {
  const { rules, pass, use } = question
  if (isFreeReturn(question)) return null
  const allowance = pass.entries ?? rules.entries
  if (allowance.kind === 'unlimited') return null
  if (allowance.kind === 'daily') {
    const isToday = use.lastEntry !== null && dayOf(use.lastEntry.at, rules) === dayOf(question.now, rules)
    return isToday ? { code: 'used_today', usedBefore: use.lastEntry } : null
  }
  if (use.entries < allowance.times) return null
  return { code: allowance.times === 1 ? 'used' : 'used_up', usedBefore: use.lastEntry }
}

function privilege({ rules, pass }: Question): Decision | null {
  if (rules.privilege === null) return null
  if (!Object.hasOwn(pass.privileges, rules.privilege)) return { code: 'privilege_missing' }
  const left = pass.privileges[rules.privilege]
  return left === null || (left ?? 0) > 0 ? null : { code: 'privilege_used' }
}

function capacity({ rules, use, inside }: Question): Decision | null {
  // Who is inside already takes no further place.
  if (rules.capacity === null || inside === null || use.isInside) return null
  return inside < rules.capacity ? null : { code: 'full' }
}

function offline({ rules, pass, mode, dataAgeMs }: Question): Decision | null {
  if (mode === 'online') return null
  if (dataAgeMs === null) return { code: 'cannot_decide' }
  const policies = rules.offline.passTypes
  const policy =
    (Object.hasOwn(policies, pass.passType) ? policies[pass.passType] : undefined) ?? rules.offline.standard
  if (dataAgeMs < policy.admitForMs) return null
  return { code: policy.referForMs === null || dataAgeMs < policy.referForMs ? 'offline_refer' : 'offline_denied' }
}

function admission(question: Question): Decision {
  if (isFreeReturn(question)) return { code: 'readmitted', usedBefore: question.use.lastExit }
  return { code: 'admitted', countsEntry: true }
}

/** Comes back after an exit where that costs nothing: of a pass for each day, on the same day. */
function isFreeReturn({ rules, pass, use, now }: Question): boolean {
  if (rules.reentry !== 'free' || use.isInside || use.lastExit === null || use.lastEntry === null) return false
  const allowance = pass.entries ?? rules.entries
  return allowance.kind !== 'daily' || dayOf(use.lastEntry.at, rules) === dayOf(now, rules)
}

function isUsedForGood({ rules, pass, use }: Question): boolean {
  const allowance = pass.entries ?? rules.entries
  return rules.reentry !== 'free' && allowance.kind === 'times' && use.entries >= allowance.times
}

function sinceEntryMs({ use, now }: Question): number | null {
  return use.lastEntry === null ? null : now.getTime() - Date.parse(use.lastEntry.at)
}

function told(
  { rules, pass, use, inside, now, clock, mode, dataAgeMs }: GateQuestion,
  path: RuleName[],
  decision: Decision,
): Judgement {
  return {
    result: verdictCodes[decision.code],
    code: decision.code,
    path,
    mode,
    countsEntry: decision.countsEntry ?? false,
    usedBefore: decision.usedBefore ?? null,
    inputs: {
      at: now.toISOString(),
      rulesVersion: rules.version,
      event: rules.event,
      gate: rules.gate,
      direction: rules.direction,
      passId: pass?.passId ?? null,
      passType: pass?.passType ?? null,
      entries: use.entries,
      isInside: use.isInside,
      inside,
      clock: { leastMs: clock.leastMs, mostMs: clock.mostMs },
      dataAgeMs,
    },
  }
}

const dayFormats = new Map<string, Intl.DateTimeFormat>()

/** The venue's day that an instant falls on, as `2026-11-21`: one that begins at six still has what happens at five. */
export function dayOf(
  at: Date | string,
  { timeZone, dayBeginsMs }: Pick<GateRules, 'timeZone' | 'dayBeginsMs'>,
): string {
  const format =
    dayFormats.get(timeZone) ??
    new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
  dayFormats.set(timeZone, format)
  return format.format(new Date(new Date(at).getTime() - dayBeginsMs))
}

/** What a pass was used for after a verdict on it was carried out, or an override let it in. */
export function useAfter(use: PassUse, code: VerdictCode, countsEntry: boolean, movement: PassMovement): PassUse {
  if (code === 'exited') return { ...use, lastExit: movement, isInside: false }
  if (code === 'admitted_again' || verdictCodes[code] !== 'admit') return use
  return { ...use, entries: use.entries + (countsEntry ? 1 : 0), lastEntry: movement, isInside: true }
}

/** The uses of two sources that do not know of each other's movements, together: the site's list and this station since. */
export function addUse(site: PassUse, own: PassUse): PassUse {
  const lastEntry = later(site.lastEntry, own.lastEntry)
  const lastExit = later(site.lastExit, own.lastExit)
  const ownLast = later(own.lastEntry, own.lastExit)
  const siteLast = later(site.lastEntry, site.lastExit)
  const isOwnLater = ownLast !== null && later(ownLast, siteLast) === ownLast
  return {
    entries: site.entries + own.entries,
    lastEntry,
    lastExit,
    isInside: isOwnLater ? own.isInside : site.isInside,
  }
}

function later(one: PassMovement | null, other: PassMovement | null): PassMovement | null {
  if (one === null || other === null) return one ?? other
  return one.at >= other.at ? one : other
}
