import { z } from 'zod'
import {
  photoListSchema,
  photoPatchSchema,
  photoRegisterSchema,
  photoReorderSchema,
  photoSchema,
  uploadStateSchema,
  uploadUrlQuerySchema,
  uploadUrlSchema,
  type UploadUrl,
} from '#contract/backend/photos.ts'
import type { Db } from '../db/database.ts'
import type { PhotoRow, SessionRow } from '../db/tables.ts'
import { idFromReference, newId } from '../ids.ts'
import { mergeMetadata } from '../metadata.ts'
import { withdrawProposals } from '../proposals/withdraw.ts'
import { photoAnswer, photosOf } from './photo-answer.ts'
import { created, invalid, isRefusal, missing, noContent, ok, refuse, type Answer, type Refusal } from './answer.ts'
import { route, type Call, type Credential, type Route } from './route.ts'
import { lockSession, notActive, findSession, type SessionLife } from './session-routes.ts'
import { uploadKey, uploadSeconds, type Upload, type UploadTokens } from './upload-token.ts'

const base = '/scanner/api/v1/sessions/{session_id}'
const uploads = '/scanner/api/v1/uploads/{token}'

/** How photos are taken. */
export interface PhotoRules extends SessionLife {
  readonly tokens: UploadTokens
}

/** The endpoints of product photos (contracts 1.6, 1.12). */
export function photoRoutes(rules: PhotoRules): readonly Route[] {
  const { tokens } = rules
  const admit: Route['admit'] = ({ params, at }) => {
    const upload = readToken(params, at)
    return isRefused(upload) ? upload : undefined
  }

  function readToken(params: Call['params'], at: Date): Upload | Refusal {
    const upload = tokens.read(params['token'] ?? '', at)
    if (upload === undefined) return missing('upload')
    return upload === 'expired' ? refuse('forbidden', 'This upload address has expired; ask for a new one.') : upload
  }

  async function receive({ params, at, db, image }: Call): Promise<Answer> {
    const upload = readToken(params, at)
    if (isRefused(upload)) return upload
    if (image === undefined) return invalid({ field: 'file', message: 'is required' })
    const key = uploadKey(upload)
    const session = await db.selectFrom('sessions').selectAll().where('id', '=', upload.sessionId).executeTakeFirst()
    if (!session) return missing('upload')
    const ended = notActive(session, rules, at)
    if (ended) return ended
    const photo = await db.selectFrom('photos').select('id').where('s3_key', '=', key).executeTakeFirst()
    if (photo) return refuse('conflict', 'This upload has been registered as a photo already.')
    await image.keep()
    const file = { media_key: image.key, file_size: image.bytes, received_at: at.toISOString() }
    await db
      .insertInto('uploads')
      .values({ key, session_id: session.id, ...file })
      .onConflict((conflict) => conflict.column('key').doUpdateSet(file))
      .execute()
    await touch(db, session, at)
    return noContent()
  }

  return [
    route({
      method: 'GET',
      path: `${base}/presigned-upload-url`,
      operationId: 'presignUpload',
      summary: 'Get an address that takes the bytes of one photo for 15 minutes',
      access: 'read',
      query: uploadUrlQuerySchema,
      success: { status: 200, schema: uploadUrlSchema },
      refusals: ['conflict', 'forbidden'],
      async handle({ param, credential, origin, at, db }) {
        // It is a read by its method only: what it answers lets the client write.
        if (credential.role === 'readonly') return refuse('forbidden', 'This credential may only read.')
        const session = await findSession(db, credential, param)
        if (!session) return missing('session')
        const ended = notActive(session, rules, at)
        if (ended) return ended
        const upload = { sessionId: session.id, uploadId: newId() }
        const key = uploadKey(upload)
        const address: UploadUrl = {
          upload_url: `${origin}/scanner/api/v1/uploads/${tokens.make(upload, at)}`,
          upload_fields: { key },
          s3_key: key,
          expires_in: uploadSeconds,
        }
        return ok(address)
      },
    }),

    route({
      method: 'PUT',
      path: uploads,
      operationId: 'putUpload',
      summary: 'Send the bytes of a photo to its presigned address; may be repeated',
      access: 'signed',
      admit,
      takesPhoto: true,
      success: { status: 204 },
      refusals: ['forbidden', 'conflict', 'unsupported_media_type', 'service_unavailable'],
      handle: receive,
    }),

    route({
      method: 'POST',
      path: uploads,
      operationId: 'postUpload',
      summary: 'Send a photo to its presigned address as a form, as S3 takes it; may be repeated',
      access: 'signed',
      admit,
      form: z.looseObject({ key: z.string().optional() }),
      file: 'file',
      success: { status: 204 },
      refusals: ['forbidden', 'conflict', 'unsupported_media_type', 'service_unavailable'],
      async handle(call) {
        const upload = readToken(call.params, call.at)
        if (isRefused(upload)) return upload
        if (call.body.key !== undefined && call.body.key !== uploadKey(upload)) {
          return invalid({ field: 'key', message: 'is not the key of this address' })
        }
        return receive(call)
      },
    }),

    route({
      method: 'GET',
      path: uploads,
      operationId: 'getUpload',
      summary: 'Whether the bytes for a presigned address have arrived',
      access: 'signed',
      admit,
      success: { status: 200, schema: uploadStateSchema },
      refusals: ['forbidden'],
      async handle({ params, at, db }) {
        const upload = readToken(params, at)
        if (isRefused(upload)) return upload
        const key = uploadKey(upload)
        const file = await db.selectFrom('uploads').select('file_size').where('key', '=', key).executeTakeFirst()
        return ok({ s3_key: key, uploaded: file !== undefined, file_size: file?.file_size ?? null })
      },
    }),

    route({
      method: 'GET',
      path: `${base}/photos`,
      operationId: 'listPhotos',
      summary: "List a session's product photos in their order",
      access: 'read',
      success: { status: 200, schema: photoListSchema },
      async handle({ param, credential, db }) {
        const session = await findSession(db, credential, param)
        return session ? ok(await photosOf(db, session.id)) : missing('session')
      },
    }),

    route({
      method: 'POST',
      path: `${base}/photos`,
      operationId: 'registerPhoto',
      summary: 'Make an uploaded file a product photo of the session',
      access: 'write',
      idempotent: true,
      body: photoRegisterSchema,
      success: { status: 201, schema: photoSchema },
      refusals: ['conflict'],
      async handle({ param, body, credential, at, db }) {
        const session = await lockSession(db, credential, param)
        if (!session) return missing('session')
        const ended = notActive(session, rules, at)
        if (ended) return ended
        const captureId = captureOf(body)
        if (isRefused(captureId)) return captureId
        if (captureId !== null) {
          const capture = await db
            .selectFrom('captures')
            .select('id')
            .where('id', '=', captureId)
            .where('session_id', '=', session.id)
            .executeTakeFirst()
          if (!capture) return invalid({ field: 'capture_short_id', message: 'is no capture of this session' })
        }
        const merged = mergeMetadata({}, body.metadata)
        if ('fault' in merged) return invalid(merged.fault)
        const file = await db
          .selectFrom('uploads')
          .selectAll()
          .where('key', '=', body.s3_key)
          .where('session_id', '=', session.id)
          .executeTakeFirst()
        if (!file) return invalid({ field: 's3_key', message: 'is nothing that has been uploaded for this session' })
        if (typeof body.file_size === 'number' && body.file_size !== file.file_size) {
          return invalid({ field: 'file_size', message: `is not what has arrived: ${file.file_size} bytes` })
        }
        const known = await db.selectFrom('photos').select('id').where('s3_key', '=', file.key).executeTakeFirst()
        if (known) return refuse('conflict', 'This upload has been registered as a photo already.')
        const { last } = await db
          .selectFrom('photos')
          .select((all) => all.fn.max<number | null>('sort_order').as('last'))
          .where('session_id', '=', session.id)
          .executeTakeFirstOrThrow()
        const row: PhotoRow = {
          id: newId(),
          session_id: session.id,
          capture_id: captureId,
          photo_type: body.photo_type,
          s3_key: file.key,
          media_key: file.media_key,
          original_filename: body.original_filename,
          file_size: file.file_size,
          sort_order: (last ?? -1) + 1,
          metadata: JSON.stringify(merged.metadata),
          created_at: at.toISOString(),
        }
        await db.insertInto('photos').values(row).execute()
        await touch(db, session, at)
        return created(photoAnswer(row))
      },
    }),

    route({
      method: 'POST',
      path: `${base}/photos/reorder`,
      operationId: 'reorderPhotos',
      summary: "Put the session's photos into another order",
      access: 'write',
      body: photoReorderSchema,
      success: { status: 200, schema: photoListSchema },
      refusals: ['conflict'],
      async handle({ param, body, credential, at, db }) {
        const session = await lockSession(db, credential, param)
        if (!session) return missing('session')
        const ended = notActive(session, rules, at)
        if (ended) return ended
        const wanted = body.photo_short_ids.map((reference) => idFromReference(reference) ?? '')
        const present = await photosOf(db, session.id)
        if (
          wanted.length !== present.length ||
          new Set(wanted).size !== wanted.length ||
          !present.every(({ id }) => wanted.includes(id))
        ) {
          return invalid({ field: 'photo_short_ids', message: "must name each of the session's photos once" })
        }
        for (const [sort_order, id] of wanted.entries()) {
          await db.updateTable('photos').set({ sort_order }).where('id', '=', id).execute()
        }
        await touch(db, session, at)
        return ok(await photosOf(db, session.id))
      },
    }),

    route({
      method: 'PATCH',
      path: `${base}/photos/{photo_id}`,
      operationId: 'classifyPhoto',
      summary: 'Say what a photo shows; what was proposed from it as something else is withdrawn',
      access: 'write',
      body: photoPatchSchema,
      success: { status: 200, schema: photoSchema },
      refusals: ['conflict'],
      async handle({ params, body, credential, at, db }) {
        const found = await lockPhoto(db, credential, params, rules, at)
        if ('problem' in found) return found
        const { session, photo } = found
        const merged =
          body.metadata === undefined
            ? { metadata: JSON.parse(photo.metadata) as Record<string, string> }
            : mergeMetadata(JSON.parse(photo.metadata) as Record<string, string>, body.metadata)
        if ('fault' in merged) return invalid(merged.fault)
        const change = { photo_type: body.photo_type, metadata: JSON.stringify(merged.metadata) }
        await db.updateTable('photos').set(change).where('id', '=', photo.id).execute()
        if (photo.photo_type !== body.photo_type) {
          await withdrawProposals(db, { photoId: photo.id }, `The photo is now one of type ${body.photo_type}.`, at)
        }
        await touch(db, session, at)
        return ok(photoAnswer({ ...photo, ...change }))
      },
    }),

    route({
      method: 'DELETE',
      path: `${base}/photos/{photo_id}`,
      operationId: 'deletePhoto',
      summary: 'Delete a photo; what was proposed from it is withdrawn',
      access: 'write',
      success: { status: 204 },
      refusals: ['conflict'],
      async handle({ params, credential, at, db }) {
        const found = await lockPhoto(db, credential, params, rules, at)
        if ('problem' in found) return found
        const { session, photo } = found
        await withdrawProposals(db, { photoId: photo.id }, 'The photo was deleted.', at)
        await db.deleteFrom('photos').where('id', '=', photo.id).execute()
        await db.deleteFrom('uploads').where('key', '=', photo.s3_key).execute()
        await touch(db, session, at)
        return noContent()
      },
    }),
  ]
}

function isRefused(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && isRefusal(value as Answer)
}

/** The capture that a registration names; null when it names none. */
function captureOf(body: z.output<typeof photoRegisterSchema>): string | null | Refusal {
  const names = [body.capture_short_id, body.capture_public_id].filter((name) => typeof name === 'string')
  const [one, other] = names.map(idFromReference)
  if (names.length === 0) return null
  if (names.length === 2 && one !== other) {
    return invalid({ field: 'capture_public_id', message: 'names another capture than capture_short_id' })
  }
  return one ?? invalid({ field: 'capture_short_id', message: 'is no capture of this session' })
}

async function lockPhoto(
  db: Db,
  credential: Credential,
  params: Call['params'],
  life: SessionLife,
  at: Date,
): Promise<{ readonly session: SessionRow; readonly photo: PhotoRow } | Refusal> {
  const session = await lockSession(db, credential, params['session_id'] ?? '')
  if (!session) return missing('session')
  const photo = await db
    .selectFrom('photos')
    .selectAll()
    .where('id', '=', params['photo_id'] ?? '')
    .where('session_id', '=', session.id)
    .executeTakeFirst()
  if (!photo) return missing('photo')
  return notActive(session, life, at) ?? { session, photo }
}

/** A write to what a session holds keeps it from idling. */
async function touch(db: Db, session: SessionRow, at: Date): Promise<void> {
  const instant = at.toISOString()
  await db
    .updateTable('sessions')
    .set({ active_at: instant, modified_at: instant })
    .where('id', '=', session.id)
    .execute()
}
