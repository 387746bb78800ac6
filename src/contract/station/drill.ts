import { z } from 'zod'
import { instantSchema } from '#contract/station/values.ts'

/**
 * Where the reads of a rehearsal have got to, taken by comparing what was handed in with the store and the server.
 * On a sound station `scanned` is `saved` and `unsaved`, and `saved` is `accepted`, `refused`, `pending` and `undecided`.
 */
export const drillCountsSchema = z.strictObject({
  /** Codes that the scanner has read. */
  scanned: z.number().int(),
  /** Rows of the store. */
  saved: z.number().int(),
  /** Reads without a row: their scanner said so, or said nothing. */
  unsaved: z.number().int(),
  /** Saved, and the answer did not reach the scanner any more. */
  unheard: z.number().int(),
  accepted: z.number().int(),
  refused: z.number().int(),
  pending: z.number().int(),
  /** The server may have it or not; a person has to tell. */
  undecided: z.number().int(),
  /** Acknowledged and in no row, or told as accepted and not at the server. */
  lost: z.number().int(),
  /** In the store or at the server more than once, or told as not saved and yet there. */
  doubled: z.number().int(),
})
export type DrillCounts = z.infer<typeof drillCountsSchema>

/** Milliseconds from a read's last byte to its answer, by nearest rank. */
export const savingTimesSchema = z.strictObject({ p50: z.number(), p95: z.number(), p99: z.number(), most: z.number() })
export type SavingTimes = z.infer<typeof savingTimesSchema>

/** One scenario, over all rounds. */
export const rehearsalSchema = z.strictObject({
  name: z.string(),
  title: z.string(),
  /** A sentence: what goes wrong, and what that is to show. */
  shows: z.string(),
  verdict: z.enum(['go', 'no-go', 'not-rehearsed']),
  /** Why it is no go, or was not rehearsed: a sentence each. */
  reasons: z.array(z.string()),
  rounds: z.number().int(),
  /** How often it went wrong. */
  faults: z.number().int(),
  counts: drillCountsSchema,
  /** The longest time from the end of the fault until the server had everything, ten more scans included. */
  recoveryMs: z.number().nullable(),
  /** Of the reads while it lasted. */
  saving: savingTimesSchema.nullable(),
  /** Entries of the ledgers that were checked; what is wrong with one is a reason. */
  ledgerEntries: z.number().int(),
})
export type Rehearsal = z.infer<typeof rehearsalSchema>

/** What a drill came to. */
export const drillReportSchema = z.strictObject({
  format: z.literal('capstan-drill-1'),
  verdict: z.enum(['go', 'no-go']),
  startedAt: instantSchema,
  tookMs: z.number(),
  /** The program and the machine it was rehearsed on. */
  version: z.string(),
  machine: z.string(),
  seed: z.number().int(),
  rounds: z.number().int(),
  rehearsals: z.array(rehearsalSchema),
  totals: drillCountsSchema,
})
export type DrillReport = z.infer<typeof drillReportSchema>

/** Where a drill that was begun in the window has got to. */
export const drillStatusSchema = z.object({
  /** `unavailable`: this host cannot start one; `capstan drill` does. */
  state: z.enum(['unavailable', 'idle', 'running', 'ended', 'failed']),
  /** What is over, of `total`; 0 until that is known. */
  done: z.array(rehearsalSchema),
  total: z.number().int(),
  /** The last one's sheet; it is gone with the next start of the station. */
  report: drillReportSchema.nullable(),
  /** Why it could not be rehearsed. */
  message: z.string().nullable(),
})
export type DrillStatus = z.infer<typeof drillStatusSchema>

/** A line of `capstan drill --json --progress` before its last, which is the report. */
export const drillProgressSchema = z.strictObject({ rehearsed: rehearsalSchema, total: z.number().int() })
