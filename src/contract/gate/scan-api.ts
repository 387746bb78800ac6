import { z } from 'zod'
import { passKinds } from '#contract/gate/pass.ts'
import { idSchema, instantSchema } from '#contract/station/values.ts'

/** How a value was read, in the words of The Wallet Crew's Scan API: the complete list (contracts 2.1). */
export const scanTypes = [
  'manual',
  'text',
  'qrcode',
  'pdf417',
  'aztec',
  'code128',
  'code39',
  'codabar',
  'ean8',
  'ean13',
  'itf14',
  'upca',
  'datamatrix',
  'nfc',
] as const
export const scanTypeSchema = z.enum(scanTypes)
export type ScanType = z.infer<typeof scanTypeSchema>

/** The length of a scanned value in UTF-16 units, as the service counts. */
export const scanDataLength = { min: 3, max: 2_048 } as const

/**
 * The value as it was read: opaque. Half of a surrogate pair is refused: no JSON of UTF-8 could carry it and give it
 * back.
 */
export const scanDataSchema = z
  .string()
  .min(scanDataLength.min)
  .max(scanDataLength.max)
  .refine((value) => !/\p{Surrogate}/u.test(value), { error: 'must be well-formed Unicode' })

/** `POST /api/{tenantId}/scans`: these two members and nothing else (contracts 2.1). */
export const addScanRequestSchema = z
  .strictObject({ data: scanDataSchema, type: scanTypeSchema })
  .meta({ id: 'AddScanRequest', examples: [{ data: '0123456789012', type: 'code128' }] })
export type AddScanRequest = z.infer<typeof addScanRequestSchema>

/** Its answer, 201. */
export const addScanResponseSchema = z.strictObject({ passId: z.string() }).meta({ id: 'AddScanResponse' })
export type AddScanResponse = z.infer<typeof addScanResponseSchema>
/** The same of a foreign server: it may know more, but never no pass. */
export const foreignAddScanResponseSchema = z.looseObject({ passId: z.string().min(1) })

/** The body of every error, RFC 9457 as ASP.NET writes it; sent as `application/problem+json`. */
export const problemDetailsSchema = z
  .object({
    type: z.string().nullable(),
    title: z.string().nullable(),
    status: z.int().nullable(),
    detail: z.string().nullable(),
    instance: z.string().nullable(),
    /** Of a 400: what is wrong, by the names of the members as sent. */
    errors: z.record(z.string(), z.array(z.string())).optional(),
    /** Of a movement's 409. */
    currentTotal: z.int().optional(),
  })
  .meta({ id: 'ProblemDetails' })
export type ProblemDetails = z.infer<typeof problemDetailsSchema>

/** Scopes of a tenant's key. */
export const walletScopes = [
  'PassScan.Scan',
  'PassScan.Read',
  'Pass.Read',
  'Pass.Write',
  'Privilege.Read',
  'Privilege.Write',
  'Webhook.Read',
  'Webhook.Write',
  /** Ours: verdicts, the list of passes and the relay, for the stations of a site. */
  'Gate.Station',
] as const
export const walletScopeSchema = z.enum(walletScopes)
export type WalletScope = z.infer<typeof walletScopeSchema>

/** The answer of a token endpoint (RFC 6749 section 5.1). */
export const foreignTokenSchema = z.looseObject({
  access_token: z.string().regex(/^[\x21-\x7e]{1,16384}$/),
  token_type: z.string().default('Bearer'),
  /** Seconds; an hour where the server does not say. */
  expires_in: z.coerce.number().positive().max(31_536_000).catch(3_600),
})

/** A scan as the service keeps it (contracts 2.7). */
export const keptScanSchema = z
  .strictObject({
    id: z.string(),
    passId: z.string(),
    data: z.string(),
    type: scanTypeSchema,
    scannedAt: instantSchema,
  })
  .meta({ id: 'Scan' })
export type KeptScan = z.infer<typeof keptScanSchema>

/** A pass as the service lists it (contracts 2.3), with the values that it is found by. */
export const walletPassSchema = z
  .strictObject({
    id: z.string(),
    passType: z.string(),
    passKind: z.enum(passKinds),
    creationDate: instantSchema,
    lastUpdateDate: instantSchema,
    identifiers: z.record(z.string(), z.string()),
    metadata: z.record(z.string(), z.string()),
    barcodes: z.array(z.strictObject({ format: scanTypeSchema, value: z.string() })),
    nfcValue: z.string().nullable(),
    status: z.enum(['active', 'blocked', 'revoked']),
    validFrom: instantSchema.nullable(),
    validUntil: instantSchema.nullable(),
  })
  .meta({ id: 'Pass' })
export type WalletPass = z.infer<typeof walletPassSchema>

/** The names of events: the service's own, and as Bloomreach has it. */
export const scanEventNames = ['Pass:Scanned', 'wallet_scanned'] as const

/** What a webhook listens to: a name, or one with a wildcard, as the service's guide (`Pass:*`) or its reference (`pass.*`). */
const walletEventSchema = z.enum([...scanEventNames, 'Pass:*', 'pass.*', 'pass.scanned'])

/** A webhook of a tenant (contracts 2.5). */
export const walletWebhookCreateSchema = z
  .strictObject({
    endpoint: z.url({ protocol: /^https?$/ }).max(2_048),
    events: z.array(walletEventSchema).min(1).max(10),
    enabled: z.boolean().default(true),
    description: z.string().max(255).default(''),
  })
  .meta({
    id: 'WalletWebhookCreate',
    examples: [{ endpoint: 'https://crm.example.org/hooks', events: ['Pass:Scanned'] }],
  })
export const walletWebhookPatchSchema = z
  .strictObject({
    endpoint: walletWebhookCreateSchema.shape.endpoint.optional(),
    events: walletWebhookCreateSchema.shape.events.optional(),
    enabled: z.boolean().optional(),
    description: z.string().max(255).optional(),
  })
  .meta({ id: 'WalletWebhookPatch', examples: [{ enabled: false }] })
export const walletWebhookSchema = z
  .strictObject({
    id: z.string(),
    endpoint: z.string(),
    events: z.array(z.string()),
    enabled: z.boolean(),
    description: z.string(),
  })
  .meta({ id: 'WalletWebhook' })
/** With its secret, 64 characters: shown when it is made. */
export const walletWebhookWithSecretSchema = z
  .strictObject({ ...walletWebhookSchema.shape, signatureSecret: z.string().length(64) })
  .meta({ id: 'WalletWebhookWithSecret' })

/** A privilege of a pass and what is left of it: the sum of its movements (contracts 2.4). */
export const privilegeSchema = z
  .strictObject({
    privilegeId: z.string(),
    externalId: z.string().min(1).max(100),
    priority: z.int(),
    type: z.enum(['OneTime', 'Unlimited', 'MultiUse', 'Unlockable']),
    total: z.int(),
  })
  .meta({ id: 'Privilege' })
export type Privilege = z.infer<typeof privilegeSchema>

/** What makes a privilege, and what a `PUT` sets of it. */
export const privilegeWriteSchema = z
  .strictObject({
    externalId: z.string().min(1).max(100),
    priority: z.int().default(0),
    type: z.enum(['OneTime', 'Unlimited', 'MultiUse', 'Unlockable']),
  })
  .meta({ id: 'PrivilegeWrite', examples: [{ externalId: 'drink', type: 'MultiUse' }] })

/** Issues (positive) or consumes (negative), if the sum of all movements so far is still `expectedTotal`. */
export const movementRequestSchema = z
  .strictObject({
    value: z
      .int()
      .min(-1_000_000)
      .max(1_000_000)
      .refine((value) => value !== 0, { error: 'must not be 0' }),
    expectedTotal: z.int(),
  })
  .meta({ id: 'MovementRequest' })
export const movementResponseSchema = z
  .strictObject({ movementId: z.string(), total: z.int() })
  .meta({ id: 'MovementResponse' })

/**
 * A station's scan on its way over the site's backend (contracts 2.7): `client_scan_id` makes a repeat the same scan;
 * the other members stay at the site, the service has no field for them.
 */
export const relayScanSchema = z
  .strictObject({
    data: scanDataSchema,
    type: scanTypeSchema,
    scanned_at: instantSchema,
    device_id: z.string().max(200),
    client_scan_id: idSchema,
  })
  .meta({ id: 'RelayScan' })
export type RelayScan = z.infer<typeof relayScanSchema>

/** 201 with the pass when the service answered, 202 while it cannot be reached: the site sends it later. */
export const relayAnswerSchema = z.union([
  z.looseObject({ passId: z.string().min(1) }),
  z.looseObject({ queued: z.literal(true), client_scan_id: z.string() }),
])
export type RelayAnswer = z.infer<typeof relayAnswerSchema>
