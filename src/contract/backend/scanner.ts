import { z } from 'zod'
import { qrAnalysisSchema } from '#contract/backend/links.ts'
import { photoSchema } from '#contract/backend/photos.ts'
import {
  foreignPageOf,
  foreignRecord,
  foreignText,
  foreignTextOrNull,
  foreignWord,
  metadataPatchSchema,
  metadataSchema,
  pageOf,
  pageQueryShape,
  referenceSchema,
  shortuuidSchema,
  text,
  timestampSchema,
} from '#contract/backend/values.ts'

/** Where a session stands: captures may be added while it is ACTIVE only. */
export const sessionStatuses = ['ACTIVE', 'COMPLETED', 'EXPIRED'] as const
export const sessionStatusSchema = z.enum(sessionStatuses)
export type SessionStatus = z.infer<typeof sessionStatusSchema>

/** What is captured in a session. */
export const captureModes = ['barcode_scan', 'product_photography', 'both'] as const

/** How far the extraction from a submitted session's photos is. */
export const extractionStatuses = ['pending', 'processing', 'ready', 'accepted', 'rejected'] as const

/** Where the pipeline has a capture. The last three are ends; FAILED and NOT_FOUND can be retried. */
export const captureStatuses = [
  'PENDING',
  'LOOKING_UP',
  'ENRICHING',
  'RESOLVING',
  'COMPLETED',
  'FAILED',
  'NOT_FOUND',
] as const
export const captureStatusSchema = z.enum(captureStatuses)
export type CaptureStatus = z.infer<typeof captureStatusSchema>

/** BARCODE: read by the client. IMAGE: an uploaded photo. MANUAL: typed. */
export const captureTypes = ['BARCODE', 'IMAGE', 'MANUAL'] as const
export const captureTypeSchema = z.enum(captureTypes)
export type CaptureType = z.infer<typeof captureTypeSchema>

/** Decoded GS1 Application Identifiers by their number. */
export const gs1DataSchema = z
  .record(z.string().regex(/^\d{2,4}$/, { error: 'an Application Identifier has 2 to 4 digits' }), text(0, 90))
  .meta({ examples: [{ '01': '04006381333931', '10': 'LOT7' }] })

/** A client's GTIN; empty when it has none. Which lengths and check digits are right is for the backend to say. */
const gtinFieldSchema = z
  .string()
  .max(14, { error: 'must be 8, 12, 13, or 14 digits' })
  .regex(/^(?:\d{8}|\d{12,14})?$/, { error: 'must be 8, 12, 13, or 14 digits' })
  .default('')

const optionalReference = z.union([z.literal(''), referenceSchema])

/** What opens a session; every field may be left out. */
export const sessionCreateSchema = z
  .strictObject({
    capture_mode: z.enum(captureModes).default('barcode_scan'),
    /** Required with a cookie; with a key the organisation is that of the key. */
    organization_short_id: optionalReference.default(''),
    user_agent: text(0, 500).default(''),
    device_context: z.record(z.string(), z.unknown()).default({}),
    metadata: metadataPatchSchema.default({}),
  })
  .meta({ id: 'SessionCreate', examples: [{ capture_mode: 'both', metadata: { aisle: '7' } }] })
export type SessionCreate = z.input<typeof sessionCreateSchema>

/** What may be changed of a session while it is ACTIVE. */
export const sessionPatchSchema = z
  .strictObject({
    metadata: metadataPatchSchema.optional(),
    device_context: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'SessionPatch', examples: [{ metadata: { aisle: '' } }] })

const sessionShape = {
  id: shortuuidSchema,
  /** The same value as `id`, for clients of the older revision. */
  public_id: shortuuidSchema,
  organization_short_id: shortuuidSchema,
  status: sessionStatusSchema,
  capture_mode: z.enum(captureModes),
  extraction_status: z.enum(extractionStatuses),
  created: timestampSchema,
  modified: timestampSchema,
  metadata: metadataSchema,
  device_context: z.record(z.string(), z.unknown()),
}

/** A session with its counts. */
export const sessionSummarySchema = z
  .object({ ...sessionShape, capture_count: z.int(), photo_count: z.int() })
  .meta({ id: 'SessionSummary' })
export type SessionSummary = z.infer<typeof sessionSummarySchema>

/** A page of sessions, newest first. */
export const sessionPageSchema = pageOf(sessionSummarySchema).meta({ id: 'SessionPage' })

/** A capture with its processing state and matched product: the superset of both revisions. */
export const captureSchema = z
  .object({
    id: shortuuidSchema,
    public_id: shortuuidSchema,
    session_short_id: shortuuidSchema,
    session_public_id: shortuuidSchema,
    status: captureStatusSchema,
    capture_type: captureTypeSchema,
    /** As detected, verbatim; empty for a photo without one. */
    raw_value: z.string(),
    /** GTIN-14, or empty. */
    gtin: z.string(),
    /** Why it FAILED, or a remark on NOT_FOUND; empty when none. */
    error_message: z.string(),
    created: timestampSchema,
    metadata: metadataSchema,
    gs1_dl_data: z.record(z.string(), z.string()),
    product_short_id: shortuuidSchema.nullable(),
    product_public_id: shortuuidSchema.nullable(),
    product_name: z.string().nullable(),
    processed_at: timestampSchema.nullable(),
    uploaded_image_key: z.string().nullable(),
    /** Null until a raw value that is an address has been followed. */
    qr_analysis: qrAnalysisSchema.nullable(),
  })
  .meta({ id: 'Capture' })
export type Capture = z.infer<typeof captureSchema>

/** A page of captures, newest first. */
export const capturePageSchema = pageOf(captureSchema).meta({ id: 'CapturePage' })

/** A session with all its captures, oldest first. */
export const sessionDetailSchema = z
  .object({
    ...sessionShape,
    captures: z.array(captureSchema),
    product_photos: z.array(photoSchema),
  })
  .meta({ id: 'SessionDetail' })
export type SessionDetail = z.infer<typeof sessionDetailSchema>

/** The light poll: states only, captures oldest first. */
export const sessionPollSchema = z
  .object({
    session_status: sessionStatusSchema,
    extraction_status: z.enum(extractionStatuses),
    captures: z.array(z.object({ id: shortuuidSchema, status: captureStatusSchema, proposal_count: z.int() })),
    /**
     * Photos that were not read, and why. `photo_short_id` is null for a capture's own image; `capture_short_id` is that of
     * the product which a photo shows, null where that is not known. Ours.
     */
    extraction_errors: z.array(
      z.object({
        photo_short_id: shortuuidSchema.nullable(),
        capture_short_id: shortuuidSchema.nullable(),
        error_message: z.string(),
      }),
    ),
  })
  .meta({ id: 'SessionStatus' })

const sessionNames = { session_short_id: referenceSchema.optional(), session_public_id: referenceSchema.optional() }

/**
 * One of the two names must be there. Whether two names mean the same session is checked by the backend, which
 * knows that a shortuuid and a UUID can be one id.
 */
function checkSessionNames(
  body: { readonly session_short_id?: string | undefined; readonly session_public_id?: string | undefined },
  context: z.core.$RefinementCtx,
): void {
  if (body.session_short_id === undefined && body.session_public_id === undefined) {
    context.addIssue({ code: 'custom', path: ['session_short_id'], message: 'is required' })
  }
}

/** A scan to submit. The session goes by either revision's name; both only if they agree. */
export const captureSubmitSchema = z
  .strictObject({
    ...sessionNames,
    capture_type: captureTypeSchema,
    raw_value: text(1, 500),
    gtin: gtinFieldSchema,
    gs1_dl_data: gs1DataSchema.nullable().default({}),
    metadata: metadataPatchSchema.default({}),
  })
  .superRefine(checkSessionNames)
  .meta({
    id: 'CaptureSubmit',
    examples: [
      { session_short_id: 'CXc85b4rqinB7s5J52TRYb', capture_type: 'BARCODE', raw_value: '4006381333931' },
      {
        session_public_id: 'CXc85b4rqinB7s5J52TRYb',
        capture_type: 'BARCODE',
        raw_value: 'https://id.gs1.org/01/04006381333931/10/LOT7',
        gtin: '04006381333931',
        gs1_dl_data: { '01': '04006381333931', '10': 'LOT7' },
      },
    ],
  })
export type CaptureSubmit = z.input<typeof captureSubmitSchema>

/** The fields of an upload besides the part `image`; a typed value is no photo, so MANUAL is refused. */
export const captureUploadSchema = z
  .strictObject({
    ...sessionNames,
    capture_type: z.enum(['IMAGE', 'BARCODE']).default('IMAGE'),
    raw_value: text(0, 500).default(''),
    gtin: gtinFieldSchema,
    metadata: metadataPatchSchema.default({}),
  })
  .superRefine(checkSessionNames)
export type CaptureUpload = z.input<typeof captureUploadSchema>

/** What may be changed of a capture. */
export const capturePatchSchema = z
  .strictObject({ metadata: metadataPatchSchema.optional() })
  .meta({ id: 'CapturePatch', examples: [{ metadata: { shelf: '3' } }] })

/** The largest photo that is taken; larger ones answer 413. */
export const imageByteLimit = 10 * 1024 * 1024
/** The most pixels a photo may have; larger ones answer 413, as a small file can unpack to more than fits in memory. */
export const imagePixelLimit = 100_000_000

/** Filters of `GET /sessions`. */
export const sessionQuerySchema = z.strictObject({
  status: sessionStatusSchema.optional(),
  capture_mode: z.enum(captureModes).optional(),
  created_after: z.iso.datetime({ offset: true }).optional(),
  created_before: z.iso.datetime({ offset: true }).optional(),
  ...pageQueryShape,
})

/** Filters of `GET /captures`. */
export const captureQuerySchema = z.strictObject({
  session_id: referenceSchema.optional(),
  status: captureStatusSchema.optional(),
  capture_type: captureTypeSchema.optional(),
  gtin: z.string().max(30).optional(),
  ...pageQueryShape,
})

/**
 * A foreign server's capture, of either revision.
 *
 * Unknown keys are kept, an unknown status is `unknown`; `id` and `product_short_id` are filled from the older
 * names, and `id` is null when the server shows none.
 */
export const foreignCaptureSchema = z
  .looseObject({
    id: foreignTextOrNull,
    public_id: foreignTextOrNull,
    session_short_id: foreignTextOrNull,
    session_public_id: foreignTextOrNull,
    status: foreignWord(captureStatuses),
    capture_type: foreignWord(captureTypes),
    raw_value: foreignText,
    gtin: foreignText,
    error_message: foreignText,
    created: foreignText,
    metadata: foreignRecord,
    gs1_dl_data: foreignRecord,
    product_short_id: foreignTextOrNull,
    product_public_id: foreignTextOrNull,
    product_name: foreignTextOrNull,
    processed_at: foreignTextOrNull,
    uploaded_image_key: foreignTextOrNull,
    qr_analysis: z.record(z.string(), z.unknown()).nullable().catch(null),
  })
  .transform((capture) => ({
    ...capture,
    id: capture.id ?? capture.public_id,
    product_short_id: capture.product_short_id ?? capture.product_public_id,
  }))
export type ForeignCapture = z.infer<typeof foreignCaptureSchema>

/** A foreign server's page of captures; a bare array is read as a page too. */
export const foreignCapturePageSchema = foreignPageOf(foreignCaptureSchema)

const foreignSessionShape = {
  id: foreignTextOrNull,
  public_id: foreignTextOrNull,
  status: foreignWord(sessionStatuses),
  capture_mode: foreignWord(captureModes),
  created: foreignText,
  modified: foreignText,
  metadata: foreignRecord,
}

/** A foreign server's session summary, of either revision; unknown keys are kept. */
export const foreignSessionSummarySchema = z
  .looseObject({
    ...foreignSessionShape,
    capture_count: z.number().catch(0),
    photo_count: z.number().catch(0),
  })
  .transform((session) => ({ ...session, id: session.id ?? session.public_id }))
export type ForeignSessionSummary = z.infer<typeof foreignSessionSummarySchema>

/** A foreign server's session with its captures, of either revision; unknown keys are kept. */
export const foreignSessionDetailSchema = z
  .looseObject({
    ...foreignSessionShape,
    captures: z
      .array(foreignCaptureSchema)
      .nullish()
      .transform((captures) => captures ?? []),
    product_photos: z.array(z.unknown()).catch([]),
  })
  .transform((session) => ({ ...session, id: session.id ?? session.public_id }))
export type ForeignSessionDetail = z.infer<typeof foreignSessionDetailSchema>

/** A foreign server's light poll; unknown keys are kept. */
export const foreignSessionPollSchema = z.looseObject({
  session_status: foreignWord(sessionStatuses),
  extraction_status: foreignWord(extractionStatuses),
  captures: z
    .array(
      z
        .looseObject({
          id: foreignTextOrNull,
          public_id: foreignTextOrNull,
          status: foreignWord(captureStatuses),
          proposal_count: z.number().catch(0),
        })
        .transform((capture) => ({ ...capture, id: capture.id ?? capture.public_id })),
    )
    .nullish()
    .transform((captures) => captures ?? []),
  extraction_errors: z
    .array(
      z.looseObject({
        photo_short_id: foreignTextOrNull,
        capture_short_id: foreignTextOrNull,
        error_message: z.string().catch(''),
      }),
    )
    .catch([]),
})
