import { z } from 'zod'
import { supportBundleSchema } from '#contract/station/upkeep.ts'
import { instantSchema } from '#contract/station/values.ts'

/** Where a site's backend answers its stations. */
export const fleetPaths = {
  /** Who the site is: asked before it is shown a code, with `challenge` as its query. */
  site: '/stations/api/v1/site',
  enrolments: '/stations/api/v1/enrolments',
  checkIn: '/stations/api/v1/check-in',
  support: '/stations/api/v1/support',
  recoveryKey: '/stations/api/v1/recovery-key',
} as const

/** 32 bytes, base64url: an Ed25519 public key, or a challenge, which is as many random ones. */
const bytes32Schema = z.string().regex(/^[\w-]{43}$/)
const signatureSchema = z.string().regex(/^[\w-]{86}$/)

export const stationLabelSchema = z.string().trim().min(1).max(60)
/** Empty: of no group. */
export const groupNameSchema = z.string().regex(/^[a-z0-9-]{0,40}$/, { error: 'use small letters, digits and -' })

/** What a station asks a site before it shows it a code, so that only the site ever sees one. */
export const siteQuerySchema = z.strictObject({ challenge: bytes32Schema })
/** The signature is of the rest, as canonical JSON. */
export const siteAnswerSchema = z
  .object({ publicKey: bytes32Schema, challenge: bytes32Schema, at: instantSchema, signature: signatureSchema })
  .meta({ id: 'Site' })

/** A code in exchange for a key. */
export const enrolmentRequestSchema = z
  .strictObject({
    code: z.string().min(1).max(4_096),
    challenge: bytes32Schema,
    station: z.strictObject({
      id: z.string().min(1).max(100),
      name: z.string().max(100),
      version: z.string().max(50),
    }),
  })
  .meta({ id: 'Enrolment' })
export const enrolmentAnswerSchema = z
  .object({
    apiKey: z.string().min(1).max(4_096),
    organization: z.string(),
    label: z.string(),
    group: z.string(),
    challenge: bytes32Schema,
    signature: signatureSchema,
  })
  .meta({ id: 'Enrolled' })
export type EnrolmentAnswer = z.infer<typeof enrolmentAnswerSchema>

/** What somebody should look at. */
export type Alarm =
  | 'queue_parked'
  | 'queue_undecided'
  | 'device'
  | 'disagreement'
  | 'disk'
  | 'clock'
  | 'recovered'
  | 'layer'
  | 'update'

/** The name of an alarm or a state: a newer station has some that its site does not know yet, and shows as they are. */
const nameSchema = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/)

/**
 * How a station is, as it tells its site. Ages and errors in milliseconds; null where nothing is known. A newer station may
 * tell more than its site knows of.
 */
export const healthSchema = z
  .object({
    version: z.string().max(50),
    host: z.string().max(20),
    name: z.string().max(100),
    queue: z.object({
      waiting: z.number().int().min(0),
      parked: z.number().int().min(0),
      undecided: z.number().int().min(0),
      oldestMs: z.number().min(0).nullable(),
    }),
    lastScanAt: instantSchema.nullable(),
    devices: z.object({ ready: z.number().int().min(0), failing: z.array(z.string().max(200)).max(20) }),
    disk: z.object({ state: z.enum(['ok', 'low', 'full']), freeBytes: z.number().min(0).nullable() }),
    /** By how much its clock is wrong at least. */
    clockErrorMs: z.number().nullable(),
    /** Each an `Alarm`, or what a newer station knows besides. */
    alarms: z.array(nameSchema).max(20),
    /** Which layers of settings it works with, and why it refused a newer one. */
    layers: z.object({
      site: z.string().max(40).nullable(),
      group: z.string().max(40).nullable(),
      refused: z.string().max(500).nullable(),
    }),
    /** How an update of Capstan itself stands there; null where another program sees to it, or an older station tells. */
    update: z
      .object({
        state: nameSchema,
        /** What is offered, or was installed last. */
        version: z.string().max(50).nullable(),
        waitsFor: nameSchema.nullable(),
        /** Versions that were tried there and taken back. */
        failed: z.array(z.string().max(50)).max(20),
      })
      .nullable()
      .default(null),
  })
  .meta({ id: 'StationHealth' })
export type Health = z.infer<typeof healthSchema>

/** Settings by their paths, such as `sound.volume`: those alone that the layer sets. */
export const layerSettingsSchema = z.record(z.string().min(1).max(100), z.json())
export type LayerSettings = z.infer<typeof layerSettingsSchema>

/** One layer as the site has it; each change has another revision. */
export const layerSchema = z.object({ revision: z.string().max(40), settings: z.record(z.string(), z.unknown()) })

/** What a station gets for its health: the layers that are to hold for it; null for one that sets nothing. */
export const checkInAnswerSchema = z
  .object({
    label: z.string(),
    group: z.string(),
    site: layerSchema.nullable(),
    groupLayer: layerSchema.nullable(),
    /** The site asks for a support bundle, under this name, until it has come. */
    support: z.string().max(40).nullable().default(null),
    /** The fingerprints of the station's recovery keys that are kept here; missing where a site keeps none of anybody. */
    recoveryKeys: z.array(z.string().max(64)).max(100).optional(),
  })
  .meta({ id: 'CheckIn' })
export type CheckInAnswer = z.infer<typeof checkInAnswerSchema>

/** As many bytes of a bundle go to a site; of a longer one the oldest lines of the log are left out. */
export const mostSupportBytes = 700_000
/** A bundle that the site has asked for. */
export const supportUploadSchema = z
  .strictObject({
    request: z.string().min(1).max(40),
    files: supportBundleSchema.shape.files.max(20),
    zip: z.base64().max(Math.ceil(mostSupportBytes / 3) * 4),
  })
  .meta({ id: 'SupportBundle' })
export type SupportUpload = z.infer<typeof supportUploadSchema>

/** What opens the station's data should its key store be lost: 56 letters and digits, the last of them a check. */
export const recoveryKeyGivenSchema = z
  .strictObject({ recoveryKey: z.string().regex(/^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){13}$/) })
  .meta({ id: 'RecoveryKey' })
