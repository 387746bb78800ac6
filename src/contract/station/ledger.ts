import { z } from 'zod'
import { idSchema, instantSchema } from '#contract/station/values.ts'

/** What a backend's answer proves of itself: its status and its own clock, as its `Date` header has it. */
export const receiptSchema = z.strictObject({ status: z.number().int(), date: z.string().nullable() })
export type Receipt = z.infer<typeof receiptSchema>

/** The right time is from `leastMs` to `mostMs` after what the wall clock says, by the servers' dates; null: none has told. */
export const clockReadingSchema = z.strictObject({ leastMs: z.number().int(), mostMs: z.number().int() }).nullable()
export type ClockReading = z.infer<typeof clockReadingSchema>

/**
 * Where the captures of a session have got to. `saved` is the sum of the others; on a sound station `scanned`, which is
 * what the ledger has seen being saved, is `saved`, the rows that are there.
 */
export const certificateCountsSchema = z.strictObject({
  scanned: z.number().int(),
  saved: z.number().int(),
  accepted: z.number().int(),
  refused: z.number().int(),
  pending: z.number().int(),
  /** The backend may have it or not; a person has to tell. */
  undecided: z.number().int(),
  /** Refused, and given up by a person. */
  discarded: z.number().int(),
  /** Repeats that do not count, and what was undone. */
  notCounted: z.number().int(),
})
export type CertificateCounts = z.infer<typeof certificateCountsSchema>

/** An Ed25519 signature and the key it is made with, both base64url. */
export const certificateSignatureSchema = z.strictObject({
  algorithm: z.literal('Ed25519'),
  publicKey: z.string().regex(/^[\w-]{43}$/),
  value: z.string().regex(/^[\w-]{86}$/),
})

/** What a session came to, with the place of the ledger that proves it. */
export const certificateSchema = z.strictObject({
  format: z.literal('capstan-certificate-1'),
  station: z.strictObject({ id: z.string(), name: z.string() }),
  session: z.strictObject({
    id: idSchema,
    label: z.string(),
    openedAt: instantSchema,
    endedAt: instantSchema.nullable(),
  }),
  counts: certificateCountsSchema,
  /** The ledger's last entry when it was issued, and its hash. */
  ledger: z.strictObject({ sequence: z.number().int(), hash: z.string().regex(/^[0-9a-f]{64}$/) }),
  issuedAt: instantSchema,
  clock: clockReadingSchema,
  /** By the station's key over everything else, as RFC 8785 writes it; null where the key was not at hand. */
  signature: certificateSignatureSchema.nullable().default(null),
})
export type Certificate = z.infer<typeof certificateSchema>
