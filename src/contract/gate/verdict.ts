import { z } from 'zod'
import { passMovementSchema } from '#contract/gate/pass.ts'
import { instantSchema } from '#contract/station/values.ts'

/** What a person at the gate is told: in, out again, not in, or that somebody of the staff decides. */
export const verdictResultSchema = z.enum(['admit', 'deny', 'refer'])
export type VerdictResult = z.infer<typeof verdictResultSchema>

/**
 * The closed list of reasons, each with the result that it means. Adding one is a contract change: each has words, a
 * next step, a shape and a sound in the window.
 */
export const verdictCodes = {
  admitted: 'admit',
  /** Came back after an exit, which costs no entry. */
  readmitted: 'admit',
  /** The same person, read twice at the open gate. */
  admitted_again: 'admit',
  exited: 'admit',
  /** Let in by the staff, whatever the rules say. */
  overridden: 'admit',

  gate_closed: 'deny',
  unknown_pass: 'deny',
  revoked: 'deny',
  blocked: 'deny',
  wrong_kind: 'deny',
  wrong_type: 'deny',
  not_listed: 'deny',
  barred: 'deny',
  not_yet_valid: 'deny',
  expired: 'deny',
  already_inside: 'deny',
  too_soon: 'deny',
  no_reentry: 'deny',
  used: 'deny',
  used_up: 'deny',
  used_today: 'deny',
  privilege_missing: 'deny',
  privilege_used: 'deny',
  full: 'deny',
  /** The rules admit it, but the station has been offline for too long. */
  offline_denied: 'deny',

  /** Leaves without having come in: nobody is kept inside, somebody looks. */
  not_inside: 'refer',
  /** Whether it is valid now depends on which of the clocks is right. */
  clock_unsure: 'refer',
  offline_unknown: 'refer',
  offline_refer: 'refer',
  /** No rules, no list, no site: nothing to decide by. */
  cannot_decide: 'refer',
} as const satisfies Record<string, VerdictResult>

export type VerdictCode = keyof typeof verdictCodes
export const verdictCodeSchema = z.enum(Object.keys(verdictCodes) as [VerdictCode, ...VerdictCode[]])

/** The rules, in the order in which they are asked. */
export const ruleNames = [
  'gate_hours',
  'known',
  'status',
  'kind',
  'type',
  'lists',
  'validity',
  'inside',
  'grace',
  'passback',
  'reentry',
  'entries',
  'privilege',
  'capacity',
  'offline',
] as const
export const ruleNameSchema = z.enum(ruleNames)
export type RuleName = z.infer<typeof ruleNameSchema>

/** Who decided: the site's backend, or this station alone. */
export const verdictModeSchema = z.enum(['online', 'offline'])
export type VerdictMode = z.infer<typeof verdictModeSchema>

/** What the rules said of one read, and by what they judged. */
export const judgementSchema = z.strictObject({
  result: verdictResultSchema,
  code: verdictCodeSchema,
  /** The rules that were asked, in order; the last one decided. */
  path: z.array(ruleNameSchema),
  mode: verdictModeSchema,
  /** Whether it takes one of the pass's entries. */
  countsEntry: z.boolean(),
  /** The use that stands against it, or that it repeats. */
  usedBefore: passMovementSchema.nullable(),
  /** What was judged by: nothing of the pass's value. */
  inputs: z.strictObject({
    at: instantSchema,
    rulesVersion: z.string(),
    event: z.string(),
    gate: z.string(),
    direction: z.enum(['entry', 'exit']),
    passId: z.string().nullable(),
    passType: z.string().nullable(),
    entries: z.number().int(),
    isInside: z.boolean(),
    inside: z.number().int().nullable(),
    /** The right time is so much after `at`, at least and at most. */
    clock: z.strictObject({ leastMs: z.number(), mostMs: z.number() }),
    /** How old the list of passes was; null when the site itself answered, or there is none. */
    dataAgeMs: z.number().int().nullable(),
  }),
})
export type Judgement = z.infer<typeof judgementSchema>
