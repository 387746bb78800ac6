import { z } from 'zod'
import { instantSchema } from '#contract/station/values.ts'

/** What The Wallet Crew calls the kinds of a pass (contracts 2.3); what it may add later is `unknown`. */
export const passKinds = ['customerCard', 'eventTicket', 'giftCard', 'offer', 'generic', 'unknown'] as const

/** How often a pass lets somebody in: so many times, any number of times, or once on each day of the venue. */
export const entryAllowanceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('times'), times: z.number().int().min(1).max(1_000_000) }),
  z.strictObject({ kind: z.literal('unlimited') }),
  z.strictObject({ kind: z.literal('daily') }),
])
export type EntryAllowance = z.infer<typeof entryAllowanceSchema>

/** A pass as the rules of a gate see it: no value of a barcode, no name of a person. */
export const gatePassSchema = z.strictObject({
  passId: z.string().min(1).max(100),
  /** The template that it was made from, in the venue's own words. */
  passType: z.string().max(100),
  passKind: z.enum(passKinds).catch('unknown'),
  /** `blocked` may be undone by the venue, `revoked` is for ever. */
  status: z.enum(['active', 'blocked', 'revoked']),
  /** Valid from this instant on, and before that one; null for no bound. */
  validFrom: instantSchema.nullable(),
  validUntil: instantSchema.nullable(),
  /** Null: as the gate's rules say. */
  entries: entryAllowanceSchema.nullable(),
  /** Names of the lists that it is on, such as `vip`. */
  lists: z.array(z.string().max(100)).max(100),
  /** External ids of its privileges and what is left of each; null for one that is not used up. */
  privileges: z.record(z.string(), z.number().int().nullable()),
})
export type GatePass = z.infer<typeof gatePassSchema>

/** One admission or exit, as the next scan of the pass needs it. */
export const passMovementSchema = z.strictObject({
  at: instantSchema,
  gate: z.string().max(100),
  /** How it was read, in the Scan API's words: `qrcode`, `nfc`, `manual`, ... */
  input: z.string().max(20),
})
export type PassMovement = z.infer<typeof passMovementSchema>

/** What a pass was used for so far, at all gates of an event that are known of. */
export const passUseSchema = z.strictObject({
  /** Entries that were counted and not undone. */
  entries: z.number().int().min(0),
  lastEntry: passMovementSchema.nullable(),
  lastExit: passMovementSchema.nullable(),
  isInside: z.boolean(),
})
export type PassUse = z.infer<typeof passUseSchema>

export const unused: PassUse = { entries: 0, lastEntry: null, lastExit: null, isInside: false }
