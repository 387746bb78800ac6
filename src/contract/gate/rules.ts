import { z } from 'zod'
import { entryAllowanceSchema, passKinds } from '#contract/gate/pass.ts'
import { instantSchema } from '#contract/station/values.ts'

const name = z.string().min(1).max(100)

/** What becomes of a pass that the rules admit while the site cannot be asked, by the age of what the station knows. */
export const offlinePolicySchema = z.strictObject({
  /** Admitted while what is known is younger than this; 0: never. */
  admitForMs: z.number().int().min(0),
  /** After that sent to the staff while it is younger than this, and denied from then on; null: for ever. */
  referForMs: z.number().int().min(0).nullable(),
})
export type OfflinePolicy = z.infer<typeof offlinePolicySchema>

const hourMs = 3_600_000

/** Whom one gate lets in to one event. Every field has a default: the empty object admits every active pass once. */
export const gateRulesSchema = z.strictObject({
  /** Names this state of the rules; a verdict keeps it. */
  version: z.string().max(100).default('1'),
  event: z.string().max(100).default('event'),
  gate: name.default('gate'),
  /** The gate lets people in from this instant on, and before that one. */
  opensAt: instantSchema.nullable().default(null),
  closesAt: instantSchema.nullable().default(null),
  /** What a read means here. */
  direction: z.enum(['entry', 'exit']).default('entry'),
  /** None named: all. */
  passTypes: z.array(name).max(1_000).default([]),
  passKinds: z.array(z.enum(passKinds)).default([]),
  /** A pass must be on one of these lists; none named: it need not. */
  onlyLists: z.array(name).max(100).default([]),
  /** A pass on one of these is not let in here. */
  neverLists: z.array(name).max(100).default([]),
  /** For passes that do not say it themselves. */
  entries: entryAllowanceSchema.default({ kind: 'times', times: 1 }),
  /** Coming back after an exit: counts as another entry, costs none, or is never allowed. */
  reentry: z.enum(['counts', 'free', 'never']).default('counts'),
  /** Whether a pass that is inside may be used again: yes, only after its exit, or only after some time. */
  antiPassback: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('off') }),
      z.strictObject({ kind: z.literal('until_exit') }),
      z.strictObject({ kind: z.literal('for'), durationMs: z.number().int().min(1) }),
    ])
    .default({ kind: 'off' }),
  /** A second read at the same gate within this time of the entry is the same person at the open gate. */
  graceMs: z.number().int().min(0).max(60_000).default(3_000),
  /** The most people inside; null for no limit. */
  capacity: z.number().int().min(0).nullable().default(null),
  /** The external id of a privilege that a pass must have left; null for none. */
  privilege: name.nullable().default(null),
  /** The venue's IANA time zone, and how long after midnight its day begins: for entries once a day. */
  timeZone: z.string().min(1).max(60).refine(isTimeZone, { error: 'must be an IANA time zone' }).default('UTC'),
  dayBeginsMs: z
    .number()
    .int()
    .min(0)
    .max(24 * hourMs - 1)
    .default(0),
  offline: z
    .strictObject({
      standard: offlinePolicySchema.default({ admitForMs: 24 * hourMs, referForMs: null }),
      /** Other policies by the pass's type. */
      passTypes: z.record(z.string(), offlinePolicySchema).default({}),
      /** A value that the station does not know may belong to a pass made since. */
      unknownPass: z.enum(['refer', 'deny']).default('refer'),
    })
    .prefault({}),
})
export type GateRules = z.infer<typeof gateRulesSchema>

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
