import { z } from 'zod'
import { photoTypes, photoTypeSchema } from '#contract/backend/photo-type.ts'
import {
  foreignRecord,
  foreignText,
  foreignTextOrNull,
  foreignWord,
  metadataPatchSchema,
  metadataSchema,
  referenceSchema,
  shortuuidSchema,
  text,
  timestampSchema,
} from '#contract/backend/values.ts'

/** A product photo of a session: the superset of both revisions. */
export const photoSchema = z
  .object({
    id: shortuuidSchema,
    /** The same value as `id`, for clients of the older revision. */
    public_id: shortuuidSchema,
    session_short_id: shortuuidSchema,
    session_public_id: shortuuidSchema,
    photo_type: photoTypeSchema,
    s3_key: z.string(),
    original_filename: z.string(),
    /** Its place in the session, from 0. */
    sort_order: z.int(),
    created: timestampSchema,
    metadata: metadataSchema,
    /** Bytes, as received. */
    file_size: z.int().nullable(),
    capture_short_id: shortuuidSchema.nullable(),
    capture_public_id: shortuuidSchema.nullable(),
  })
  .meta({ id: 'Photo' })
export type Photo = z.infer<typeof photoSchema>

/** A bare array, in the session's order. */
export const photoListSchema = z.array(photoSchema)

/** Query of `GET /sessions/{session_id}/presigned-upload-url`. */
export const uploadUrlQuerySchema = z.strictObject({
  photo_type: photoTypeSchema.default('other'),
  original_filename: text(0, 255).default('photo.jpg'),
})

/**
 * Where the bytes of a photo go: either a form POST of `upload_fields` and then the part `file`, as S3 takes it, or a
 * PUT of the bare bytes. Both answer 204, may be repeated until the address expires, and the last one counts.
 */
export const uploadUrlSchema = z
  .object({
    upload_url: z.url(),
    upload_fields: z.record(z.string(), z.string()),
    s3_key: z.string(),
    /** Seconds from now. */
    expires_in: z.int(),
  })
  .meta({ id: 'UploadUrl' })
export type UploadUrl = z.infer<typeof uploadUrlSchema>

/** Whether the bytes of a presigned upload have arrived. */
export const uploadStateSchema = z
  .object({ s3_key: z.string(), uploaded: z.boolean(), file_size: z.int().nullable() })
  .meta({ id: 'UploadState' })

/** Makes an uploaded file a photo of the session; `file_size`, when given, must be what has arrived. */
export const photoRegisterSchema = z
  .strictObject({
    s3_key: text(1, 500),
    photo_type: photoTypeSchema.default('other'),
    capture_short_id: referenceSchema.nullish(),
    capture_public_id: referenceSchema.nullish(),
    original_filename: text(0, 255).default(''),
    file_size: z.int().min(1).nullish(),
    metadata: metadataPatchSchema.default({}),
  })
  .meta({
    id: 'PhotoRegister',
    examples: [{ s3_key: 'uploads/CXc85b4rqinB7s5J52TRYb/aJ3kUyRp2h8Wn4XbqVtL7d', photo_type: 'nutrition' }],
  })
export type PhotoRegister = z.input<typeof photoRegisterSchema>

/** A photo's new type. */
export const photoPatchSchema = z
  .strictObject({ photo_type: photoTypeSchema, metadata: metadataPatchSchema.optional() })
  .meta({ id: 'PhotoPatch', examples: [{ photo_type: 'front' }] })

/** Every photo of the session once, in the new order. */
export const photoReorderSchema = z
  .strictObject({ photo_short_ids: z.array(referenceSchema).min(1).max(1_000) })
  .meta({ id: 'PhotoReorder', examples: [{ photo_short_ids: ['CXc85b4rqinB7s5J52TRYb'] }] })

/** A foreign server's photo, of either revision; unknown keys are kept. */
export const foreignPhotoSchema = z
  .looseObject({
    id: foreignTextOrNull,
    public_id: foreignTextOrNull,
    photo_type: foreignWord(photoTypes),
    s3_key: foreignText,
    original_filename: foreignText,
    sort_order: z.number().catch(0),
    created: foreignText,
    metadata: foreignRecord,
    file_size: z.number().nullable().catch(null),
    capture_short_id: foreignTextOrNull,
    capture_public_id: foreignTextOrNull,
  })
  .transform((photo) => ({
    ...photo,
    id: photo.id ?? photo.public_id,
    capture_short_id: photo.capture_short_id ?? photo.capture_public_id,
  }))
export type ForeignPhoto = z.infer<typeof foreignPhotoSchema>

/** A foreign server's presigned address; without fields it is read as having none. */
export const foreignUploadUrlSchema = z.looseObject({
  upload_url: z.string().min(1),
  upload_fields: z.record(z.string(), z.string()).catch({}),
  s3_key: z.string().min(1),
  expires_in: z.number().catch(0),
})
export type ForeignUploadUrl = z.infer<typeof foreignUploadUrlSchema>
