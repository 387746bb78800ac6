import type { z } from 'zod'
import {
  capturePageSchema,
  capturePatchSchema,
  captureQuerySchema,
  captureSchema,
  captureSubmitSchema,
  captureUploadSchema,
} from '#contract/backend/scanner.ts'
import { idFromReference, newId } from '../ids.ts'
import type { Jobs } from '../jobs/jobs.ts'
import { mergeMetadata } from '../metadata.ts'
import { isWebAddress } from '../outbound/link-analysis.ts'
import { requestFields } from '../proposals/request.ts'
import { checkReading, gtin14FromInput } from '../reading.ts'
import type { Db } from '../db/database.ts'
import type { CaptureRow } from '../db/tables.ts'
import { created, invalid, missing, noContent, ok, refuse, type Answer } from './answer.ts'
import { captureAnswer, selectCaptures } from './capture-answer.ts'
import { readPage } from './page.ts'
import { route, type Call, type Credential, type Route } from './route.ts'
import { lockSessions, notActive, type SessionLife } from './session-routes.ts'

const base = '/scanner/api/v1/captures'

/** How captures are taken and retried. */
export interface CaptureRules extends SessionLife {
  /** Whether NOT_FOUND may be retried too: a product may have been added since. */
  readonly retryNotFound: boolean
  readonly addJobs: Jobs['add']
  /** Whether a raw value that is an address is followed. */
  readonly followLinks: boolean
}

/** The endpoints of captures (contracts 1.5, 1.12). */
export function captureRoutes(rules: CaptureRules): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: base,
      operationId: 'submitCapture',
      summary: 'Submit a barcode or QR scan',
      access: 'write',
      idempotent: true,
      queues: true,
      body: captureSubmitSchema,
      success: { status: 201, schema: captureSchema },
      refusals: ['not_found', 'conflict'],
      handle: (call) => takeOne(call, submitted(call.body), rules),
      handleMany: (calls, db) =>
        take(
          calls.map((call) => ({ call, given: submitted(call.body) })),
          db,
          rules,
        ),
    }),

    route({
      method: 'POST',
      path: `${base}/upload-image`,
      operationId: 'uploadImage',
      summary: 'Upload a product image: JPEG, PNG or WebP of at most 10 MiB',
      access: 'write',
      idempotent: true,
      queues: true,
      form: captureUploadSchema,
      success: { status: 201, schema: captureSchema },
      refusals: ['not_found', 'conflict', 'unsupported_media_type', 'service_unavailable'],
      handle: (call) => takeOne(call, { ...call.body, gs1_dl_data: {} }, rules),
    }),

    route({
      method: 'GET',
      path: base,
      operationId: 'listCaptures',
      summary: 'List captures, newest first',
      access: 'read',
      query: captureQuerySchema,
      success: { status: 200, schema: capturePageSchema },
      async handle({ query, credential, db }) {
        let matching = db
          .selectFrom('captures')
          .innerJoin('sessions', 'sessions.id', 'captures.session_id')
          .where('sessions.organization_id', '=', credential.organizationId)
        if (query.session_id !== undefined) {
          matching = matching.where('captures.session_id', '=', idFromReference(query.session_id) ?? '')
        }
        if (query.status !== undefined) matching = matching.where('captures.status', '=', query.status)
        if (query.capture_type !== undefined)
          matching = matching.where('captures.capture_type', '=', query.capture_type)
        if (query.gtin !== undefined) {
          const gtin = gtin14FromInput(query.gtin)
          if (gtin === undefined) return invalid({ field: 'gtin', message: 'must be 8, 12, 13, or 14 digits' })
          matching = matching.where('captures.gtin', '=', gtin)
        }
        const rows = matching
          .leftJoin('products', 'products.id', 'captures.product_id')
          .selectAll('captures')
          .select('products.product_name')
          .orderBy('captures.id', 'desc')
        return ok(await readPage(matching, rows, query, captureAnswer))
      },
    }),

    route({
      method: 'GET',
      path: `${base}/{id}`,
      operationId: 'getCapture',
      summary: 'Get capture status',
      access: 'read',
      success: { status: 200, schema: captureSchema },
      async handle({ param, credential, db }) {
        const capture = await findCapture(db, credential, param)
        return capture ? ok(captureAnswer(capture)) : missing('capture')
      },
    }),

    route({
      method: 'PATCH',
      path: `${base}/{id}`,
      operationId: 'updateCapture',
      summary: "Change a capture's metadata",
      access: 'write',
      body: capturePatchSchema,
      success: { status: 200, schema: captureSchema },
      async handle({ param, body, credential, db }) {
        const capture = await lockCapture(db, credential, param)
        if (!capture) return missing('capture')
        if (body.metadata === undefined) return ok(captureAnswer(capture))
        const merged = mergeMetadata(JSON.parse(capture.metadata) as Record<string, string>, body.metadata)
        if ('fault' in merged) return invalid(merged.fault)
        const metadata = JSON.stringify(merged.metadata)
        await db.updateTable('captures').set({ metadata }).where('id', '=', capture.id).execute()
        return ok(captureAnswer({ ...capture, metadata }))
      },
    }),

    route({
      method: 'DELETE',
      path: `${base}/{id}`,
      operationId: 'deleteCapture',
      summary: 'Delete a capture',
      access: 'write',
      success: { status: 204 },
      refusals: ['conflict'],
      async handle({ param, credential, db }) {
        const capture = await lockCapture(db, credential, param)
        if (!capture) return missing('capture')
        if (capture.status === 'LOOKING_UP' || capture.status === 'ENRICHING' || capture.status === 'RESOLVING') {
          return refuse('conflict', `The capture is ${capture.status}; wait until it has been processed.`)
        }
        await db.deleteFrom('captures').where('id', '=', capture.id).execute()
        return noContent()
      },
    }),

    route({
      method: 'POST',
      path: `${base}/{id}/retry`,
      operationId: 'retryCapture',
      summary:
        'Retry a failed capture, or one whose product was not found, and the photos of it that could not be read',
      access: 'write',
      queues: true,
      success: { status: 200, schema: captureSchema },
      refusals: ['conflict'],
      async handle({ param, credential, at, db }) {
        const capture = await lockCapture(db, credential, param)
        if (!capture) return missing('capture')
        if (capture.status !== 'FAILED' && !(capture.status === 'NOT_FOUND' && rules.retryNotFound)) {
          return refuse('conflict', `The capture is ${capture.status}; there is nothing to retry.`)
        }
        const change = {
          status: 'PENDING' as const,
          error_message: '',
          processed_at: null,
          product_id: null,
          image_read: 0,
        }
        await db.updateTable('captures').set(change).where('id', '=', capture.id).execute()
        // What was printed and could not be read gets another try as well.
        await requestFields(db, { captureId: capture.id }, rules.addJobs, at, 'unread')
        await rules.addJobs(db, 'captures', [capture.id])
        return ok(captureAnswer({ ...capture, ...change, product_name: null }))
      },
    }),
  ]
}

/** The credential's capture of this id; another organisation's is not found. */
export function findCapture(db: Db, credential: Credential, id: string) {
  return selectCapture(db, credential, id).executeTakeFirst()
}

/** The same, to write to it: the pipeline and other writers wait until this transaction ends. */
export function lockCapture(db: Db, credential: Credential, id: string) {
  return selectCapture(db, credential, id).forNoKeyUpdate('captures').executeTakeFirst()
}

function selectCapture(db: Db, credential: Credential, id: string) {
  return selectCaptures(db)
    .innerJoin('sessions', 'sessions.id', 'captures.session_id')
    .where('captures.id', '=', id)
    .where('sessions.organization_id', '=', credential.organizationId)
}

type Given = z.output<typeof captureUploadSchema | typeof captureSubmitSchema> & {
  readonly gs1_dl_data: Readonly<Record<string, string>>
}

const submitted = (body: z.output<typeof captureSubmitSchema>): Given => ({
  ...body,
  gs1_dl_data: body.gs1_dl_data ?? {},
})

async function takeOne(call: Call, given: Given, rules: CaptureRules): Promise<Answer> {
  const [answer] = await take([{ call, given }], call.db, rules)
  return answer as Answer
}

/** Stores captures and their jobs in one transaction: what is answered 201 will be processed. */
async function take(
  asked: readonly { readonly call: Omit<Call, 'db'>; readonly given: Given }[],
  db: Db,
  rules: CaptureRules,
): Promise<readonly Answer[]> {
  const drafts = asked.map(({ call, given }) => ({ call, draft: draftOf(given, call.at) }))
  const ids = drafts.flatMap(({ draft }) => ('sessionId' in draft ? [draft.sessionId] : []))
  const sessions = await lockSessions(db, [...new Set(ids)])
  const rows: CaptureRow[] = []
  const links: string[] = []
  const answers: Answer[] = []
  for (const { call, draft } of drafts) {
    if ('problem' in draft) {
      answers.push(draft)
      continue
    }
    const session = sessions.get(draft.sessionId)
    const refused =
      session?.organization_id === call.credential.organizationId
        ? notActive(session, rules, call.at)
        : missing('session')
    if (refused) {
      answers.push(refused)
      continue
    }
    await call.image?.keep()
    const row: CaptureRow = {
      ...draft.row,
      id: newId(),
      session_id: draft.sessionId,
      created_at: call.at.toISOString(),
      image_key: call.image?.key ?? null,
    }
    rows.push(row)
    if (rules.followLinks && isWebAddress(row.raw_value)) links.push(row.id)
    answers.push(created(captureAnswer({ ...row, product_name: null })))
  }
  if (rows.length === 0) return answers
  await db.insertInto('captures').values(rows).execute()
  await rules.addJobs(
    db,
    'captures',
    rows.map(({ id }) => id),
  )
  await rules.addJobs(db, 'link', links)
  const active_at = rows.map(({ created_at }) => created_at).reduce((one, other) => (one > other ? one : other))
  await db
    .updateTable('sessions')
    .set({ active_at, modified_at: active_at })
    .where('id', 'in', [...new Set(rows.map(({ session_id }) => session_id))])
    .execute()
  return answers
}

/** What a capture is before it is known whether its session takes it, or why it is none. */
function draftOf(given: Given, at: Date) {
  const names = [given.session_short_id, given.session_public_id].filter((name) => name !== undefined)
  const [sessionId, olderId] = names.map(idFromReference)
  if (names.length === 2 && sessionId !== olderId) {
    return invalid({ field: 'session_public_id', message: 'names another session than session_short_id' })
  }
  const reading = checkReading(given.raw_value, given.gtin, given.gs1_dl_data, at)
  if ('fault' in reading) return invalid(reading.fault)
  const merged = mergeMetadata({}, given.metadata)
  if ('fault' in merged) return invalid(merged.fault)
  if (sessionId === undefined) return missing('session')
  const row = {
    status: 'PENDING' as const,
    capture_type: given.capture_type,
    raw_value: given.raw_value,
    gtin: reading.gtin,
    error_message: '',
    metadata: JSON.stringify(merged.metadata),
    gs1_dl_data: JSON.stringify(reading.gs1Data),
    product_id: null,
    processed_at: null,
    image_read: 0,
    qr_analysis: null,
  }
  return { sessionId, row }
}
