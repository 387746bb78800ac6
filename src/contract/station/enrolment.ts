import { z } from 'zod'
import { instantSchema } from '#contract/station/values.ts'

/** The site that a station is enrolled at. */
export const enrolledSiteSchema = z.object({
  url: z.string(),
  /** The site's key (Ed25519, base64url), by which it is known again, and what people see of it. */
  publicKey: z.string(),
  fingerprint: z.string(),
  organization: z.string(),
  label: z.string(),
  /** Empty for none. */
  group: z.string(),
  enrolledAt: instantSchema,
})
export type EnrolledSite = z.infer<typeof enrolledSiteSchema>

/**
 * Why a code is not taken. By the station alone: `unreadable` (no code), `tampered` (damaged or changed: its signature does not
 * hold), `expired`, `other_site` (the station is another site's), `working` (what was captured for the present backend has to be
 * sent first). Asking the site: `offline`, `not_the_site` (who answers there has not the site's key: it was not shown the code).
 * By the site: `used`, `unknown`, `expired`, `tampered`, and `refused` for everything else.
 */
export const enrolmentRefusalSchema = z.enum([
  'unreadable',
  'tampered',
  'expired',
  'other_site',
  'working',
  'offline',
  'not_the_site',
  'used',
  'unknown',
  'refused',
])
export type EnrolmentRefusal = z.infer<typeof enrolmentRefusalSchema>

const refusedSchema = z.object({
  outcome: z.literal('refused'),
  reason: enrolmentRefusalSchema,
  /** In English, for the log and the command line. */
  detail: z.string(),
})

/** What a code says: to be compared by a person before it is used. */
export const inspectedCodeSchema = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('code'),
    url: z.string(),
    fingerprint: z.string(),
    label: z.string(),
    group: z.string(),
    expiresAt: instantSchema,
    /** The site is the one that the station is enrolled at. */
    isKnown: z.boolean(),
  }),
  refusedSchema,
])
export type InspectedCode = z.infer<typeof inspectedCodeSchema>

export const enrolmentOutcomeSchema = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('enrolled'), site: enrolledSiteSchema }),
  refusedSchema,
])
export type EnrolmentOutcome = z.infer<typeof enrolmentOutcomeSchema>

/** A support bundle that went to the site. */
export const sentSupportSchema = z.object({ request: z.string(), sentAt: instantSchema, bytes: z.number().int() })
export type SentSupport = z.infer<typeof sentSupportSchema>

export const enrolmentStatusSchema = z.object({
  site: enrolledSiteSchema.nullable(),
  /** The code that a scanner of this station has read last, until it is used; it is no capture. */
  scanned: inspectedCodeSchema.nullable(),
  /** When the site was last told how the station is; null when never since the start. */
  toldAt: instantSchema.nullable(),
  /** The support bundle that the site has asked for and got last; null for none. */
  support: sentSupportSchema.nullable(),
})
export type EnrolmentStatus = z.infer<typeof enrolmentStatusSchema>

export const enrolmentCodeTextSchema = z.string().trim().min(1).max(4_096)
