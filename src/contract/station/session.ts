import { z } from 'zod'
import { idSchema, instantSchema } from '#contract/station/values.ts'
import { codeGroupSchema } from '#contract/symbology.ts'

/** What is captured in a session, in the Scanner API's words. */
export const captureModeSchema = z.enum(['barcode_scan', 'product_photography', 'both'])
export type CaptureMode = z.infer<typeof captureModeSchema>

/**
 * What a second scan of the same item in one session means.
 *
 * `count`: every scan counts (stock taking). `ignore`: a repeat within `duplicateWindowMs` of the last
 * read of that item does not count (a hand that trembles). `reject`: an item may be in the session once.
 * Whatever the policy, each scan is kept as a row; only `counted` ones are sent.
 */
export const duplicatePolicySchema = z.enum(['count', 'ignore', 'reject'])
export type DuplicatePolicy = z.infer<typeof duplicatePolicySchema>

export const sessionStateSchema = z.enum(['ACTIVE', 'COMPLETED', 'EXPIRED'])
export type SessionState = z.infer<typeof sessionStateSchema>

/** Running totals of a session, always those of the committed rows. */
export const sessionTotalsSchema = z.object({
  /** Counted scans. */
  scans: z.number().int(),
  /** Sum of the quantities of counted scans. */
  units: z.number().int(),
  /** Different items among counted scans: by GTIN, else by raw value. */
  uniqueItems: z.number().int(),
  found: z.number().int(),
  notFound: z.number().int(),
  failed: z.number().int(),
  /** Counted captures that the backend has not accepted yet (waiting or being sent). */
  waiting: z.number().int(),
  /** Captures that the backend refused; kept, visible, exportable. */
  parked: z.number().int(),
  /** Scans kept but not counted by the duplicate policy. */
  duplicates: z.number().int(),
  undone: z.number().int(),
})
export type SessionTotals = z.infer<typeof sessionTotalsSchema>

export const sessionSchema = z.object({
  id: idSchema,
  /** A person's name for it ("Aisle 4"), or empty. */
  label: z.string(),
  captureMode: captureModeSchema,
  duplicatePolicy: duplicatePolicySchema,
  duplicateWindowMs: z.number().int(),
  /**
   * How long after an item's first code another code of it, read by the same device, joins its capture; 0 when each code is a
   * capture of its own. The codes of one photo join whenever they are read.
   */
  marksWindowMs: z.number().int(),
  /** What its cameras and photos are searched for; what a scanner or a person sends is always taken. */
  formats: codeGroupSchema,
  /** Where what is captured from now on is, as the last location barcode said. */
  location: z.string().nullable(),
  state: sessionStateSchema,
  openedAt: instantSchema,
  endedAt: instantSchema.nullable(),
  /** The backend's id once it knows the session; of its last continuation there, when it has ended it before. */
  remoteId: z.string().nullable(),
  /** How often the backend had ended it with captures still to come, so that it goes on there in another. */
  continuations: z.number().int(),
  totals: sessionTotalsSchema,
})
export type Session = z.infer<typeof sessionSchema>

/** A scanner reports the codes of one trigger within some tenths of a second; the next piece takes a hand longer. */
export const defaultMarksWindowMs = 1_000
export const longestMarksWindowMs = 10_000

export const openSessionSchema = z.strictObject({
  label: z.string().max(100).default(''),
  captureMode: captureModeSchema.default('barcode_scan'),
  duplicatePolicy: duplicatePolicySchema.default('count'),
  duplicateWindowMs: z.number().int().min(100).max(3_600_000).default(3_000),
  marksWindowMs: z.number().int().min(0).max(longestMarksWindowMs).default(defaultMarksWindowMs),
  formats: codeGroupSchema.default('all'),
})

/** What a session came to: shown when it ends, and on every finished session. */
export const sessionSummarySchema = z.object({
  session: sessionSchema,
  /** From the first scan to the last, 0 without scans. */
  durationMs: z.number().int(),
  /** Counted scans over time: equal buckets from the first scan to the last, at most 60. */
  timeline: z.array(z.object({ from: instantSchema, scans: z.number().int() })),
  bucketMs: z.number().int(),
  /** The most frequent items, largest first, at most 10. */
  topItems: z.array(
    z.object({
      gtin: z.string().nullable(),
      raw: z.string(),
      productName: z.string().nullable(),
      scans: z.number().int(),
      units: z.number().int(),
    }),
  ),
})
export type SessionSummary = z.infer<typeof sessionSummarySchema>
