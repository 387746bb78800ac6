import { sql } from 'kysely'
import type { z } from 'zod'
import {
  sessionCreateSchema,
  sessionDetailSchema,
  sessionPageSchema,
  sessionPatchSchema,
  sessionPollSchema,
  sessionQuerySchema,
  sessionSummarySchema,
  type SessionDetail,
  type SessionSummary,
} from '#contract/backend/scanner.ts'
import type { Db } from '../db/database.ts'
import type { SessionRow } from '../db/tables.ts'
import { idFromReference, newId } from '../ids.ts'
import type { Jobs } from '../jobs/jobs.ts'
import { mergeMetadata } from '../metadata.ts'
import { sessionHappening, type Announce } from '../webhooks/announce.ts'
import { openStatuses } from '../pipeline/pipeline.ts'
import { created, invalid, missing, noContent, ok, refuse, type Refusal } from './answer.ts'
import { captureAnswer, selectCaptures } from './capture-answer.ts'
import { requestFields } from '../proposals/request.ts'
import { nothingRead } from '../proposals/unread.ts'
import { readPage } from './page.ts'
import { photosOf } from './photo-answer.ts'
import { route, type Credential, type Route } from './route.ts'

/** How long a session may idle before it counts as EXPIRED. */
export interface SessionLife {
  readonly ttlSeconds: number
}

/** How sessions are ended. */
export interface SessionRules extends SessionLife {
  readonly addJobs: Jobs['add']
  readonly announce: Announce
}

const base = '/scanner/api/v1/sessions'

/** The endpoints of scan sessions (contracts 1.4, 1.12). */
export function sessionRoutes(life: SessionRules): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: base,
      operationId: 'createSession',
      summary: 'Create a scan session',
      access: 'write',
      idempotent: true,
      body: sessionCreateSchema,
      success: { status: 201, schema: sessionSummarySchema },
      refusals: ['not_found'],
      async handle({ body, credential, at, db }) {
        const named = body.organization_short_id
        if (named === '' && credential.kind === 'cookie') {
          return invalid({ field: 'organization_short_id', message: 'is required when signed in with a cookie' })
        }
        if (named !== '' && idFromReference(named) !== credential.organizationId) return missing('organisation')
        const merged = mergeMetadata({}, body.metadata)
        if ('fault' in merged) return invalid(merged.fault)
        const instant = at.toISOString()
        const row: SessionRow = {
          id: newId(),
          organization_id: credential.organizationId,
          status: 'ACTIVE',
          capture_mode: body.capture_mode,
          extraction_status: 'pending',
          user_agent: body.user_agent,
          device_context: JSON.stringify(body.device_context),
          metadata: JSON.stringify(merged.metadata),
          created_at: instant,
          modified_at: instant,
          active_at: instant,
        }
        await db.insertInto('sessions').values(row).execute()
        return created(summaryAnswer({ ...row, capture_count: 0, photo_count: 0 }, life, at))
      },
    }),

    route({
      method: 'GET',
      path: base,
      operationId: 'listSessions',
      summary: 'List scan sessions, newest first',
      access: 'read',
      query: sessionQuerySchema,
      success: { status: 200, schema: sessionPageSchema },
      async handle({ query, credential, at, db }) {
        const idleSince = idleLimit(life, at)
        let matching = db.selectFrom('sessions').where('organization_id', '=', credential.organizationId)
        if (query.status === 'ACTIVE') {
          matching = matching.where('status', '=', 'ACTIVE').where('active_at', '>', idleSince)
        } else if (query.status === 'EXPIRED') {
          matching = matching.where((where) =>
            where.or([
              where('status', '=', 'EXPIRED'),
              where.and([where('status', '=', 'ACTIVE'), where('active_at', '<=', idleSince)]),
            ]),
          )
        } else if (query.status !== undefined) {
          matching = matching.where('status', '=', query.status)
        }
        if (query.capture_mode !== undefined) matching = matching.where('capture_mode', '=', query.capture_mode)
        if (query.created_after !== undefined) {
          matching = matching.where('created_at', '>', new Date(query.created_after).toISOString())
        }
        if (query.created_before !== undefined) {
          matching = matching.where('created_at', '<', new Date(query.created_before).toISOString())
        }
        const rows = matching
          .selectAll()
          .select([
            sql<number>`(select count(*) from captures where session_id = sessions.id)`.as('capture_count'),
            sql<number>`(select count(*) from photos where session_id = sessions.id)`.as('photo_count'),
          ])
          .orderBy('id', 'desc')
        return ok(await readPage(matching, rows, query, (row) => summaryAnswer(row, life, at)))
      },
    }),

    route({
      method: 'GET',
      path: `${base}/{id}`,
      operationId: 'getSession',
      summary: 'Get session details with its captures',
      access: 'read',
      success: { status: 200, schema: sessionDetailSchema },
      async handle({ param, credential, at, db }) {
        const session = await findSession(db, credential, param)
        if (!session) return missing('session')
        const captures = await selectCaptures(db).where('session_id', '=', session.id).orderBy('captures.id').execute()
        const detail: SessionDetail = {
          ...sessionAnswer(session, life, at),
          captures: captures.map(captureAnswer),
          product_photos: await photosOf(db, session.id),
        }
        return ok(detail)
      },
    }),

    route({
      method: 'GET',
      path: `${base}/{id}/status`,
      operationId: 'pollSession',
      summary: 'Poll the states of a session and its captures',
      access: 'read',
      success: { status: 200, schema: sessionPollSchema },
      async handle({ param, credential, at, db }) {
        const session = await findSession(db, credential, param)
        if (!session) return missing('session')
        return pollAnswer(db, session, life, at)
      },
    }),

    route({
      method: 'PATCH',
      path: `${base}/{id}`,
      operationId: 'updateSession',
      summary: "Change an active session's metadata or device context",
      access: 'write',
      body: sessionPatchSchema,
      success: { status: 200, schema: sessionSummarySchema },
      refusals: ['conflict'],
      async handle({ param, body, credential, at, db }) {
        const session = await lockSession(db, credential, param)
        if (!session) return missing('session')
        const ended = notActive(session, life, at)
        if (ended) return ended
        const merged =
          body.metadata === undefined
            ? { metadata: JSON.parse(session.metadata) as Record<string, string> }
            : mergeMetadata(JSON.parse(session.metadata) as Record<string, string>, body.metadata)
        if ('fault' in merged) return invalid(merged.fault)
        const change = {
          metadata: JSON.stringify(merged.metadata),
          device_context:
            body.device_context === undefined ? session.device_context : JSON.stringify(body.device_context),
          modified_at: at.toISOString(),
          active_at: at.toISOString(),
        }
        await db.updateTable('sessions').set(change).where('id', '=', session.id).execute()
        return summary(db, { ...session, ...change }, life, at)
      },
    }),

    route({
      method: 'POST',
      path: `${base}/{id}/end`,
      operationId: 'endSession',
      summary: 'End a session: no further captures are accepted',
      access: 'write',
      success: { status: 200, schema: sessionSummarySchema },
      refusals: ['conflict'],
      async handle({ param, credential, at, db }) {
        const session = await lockSession(db, credential, param)
        if (!session) return missing('session')
        if (session.status === 'COMPLETED') return summary(db, session, life, at)
        const ended = notActive(session, life, at)
        if (ended) return ended
        const change = { status: 'COMPLETED' as const, modified_at: at.toISOString() }
        await db.updateTable('sessions').set(change).where('id', '=', session.id).execute()
        await life.announce(db, [sessionHappening(session, 'scanner.session.completed')])
        return summary(db, { ...session, ...change }, life, at)
      },
    }),

    route({
      method: 'POST',
      path: `${base}/{id}/submit`,
      operationId: 'submitSession',
      summary: 'Submit a session for extraction from its photos',
      access: 'write',
      queues: true,
      success: { status: 200, schema: sessionSummarySchema },
      refusals: ['conflict', 'validation_error'],
      async handle({ param, credential, at, db }) {
        const session = await lockSession(db, credential, param)
        if (!session) return missing('session')
        if (session.extraction_status !== 'pending')
          return refuse('conflict', 'The session has been submitted already.')
        if (statusOf(session, life, at) === 'EXPIRED') return refuse('conflict', 'The session is EXPIRED.')
        const photos = await requestFields(db, { sessionId: session.id }, life.addJobs, at)
        if (photos === 0) return invalid({ field: 'id', message: 'the session has no photo to extract from' })
        const change = {
          status: 'COMPLETED' as const,
          extraction_status: 'processing' as const,
          modified_at: at.toISOString(),
        }
        await db.updateTable('sessions').set(change).where('id', '=', session.id).execute()
        if (session.status === 'ACTIVE') {
          await life.announce(db, [sessionHappening(session, 'scanner.session.completed')])
        }
        return summary(db, { ...session, ...change }, life, at)
      },
    }),

    route({
      method: 'DELETE',
      path: `${base}/{id}`,
      operationId: 'deleteSession',
      summary: 'Delete a session with its captures',
      access: 'write',
      success: { status: 204 },
      refusals: ['conflict'],
      async handle({ param, credential, at, db }) {
        const session = await lockSession(db, credential, param)
        if (!session) return missing('session')
        if (statusOf(session, life, at) === 'ACTIVE') {
          const unfinished = await db
            .selectFrom('captures')
            .select('id')
            .where('session_id', '=', session.id)
            .where('status', 'in', openStatuses)
            .limit(1)
            .executeTakeFirst()
          if (unfinished) return refuse('conflict', 'The session is ACTIVE and has captures that are being processed.')
        }
        await db.deleteFrom('sessions').where('id', '=', session.id).execute()
        return noContent()
      },
    }),
  ]
}

/** The credential's session of this id; another organisation's is not found. */
export function findSession(db: Db, credential: Credential, id: string): Promise<SessionRow | undefined> {
  return selectSession(db, credential, id).executeTakeFirst()
}

/** The same, to write to it or to what it holds: other writers wait until this transaction ends. */
export function lockSession(db: Db, credential: Credential, id: string): Promise<SessionRow | undefined> {
  return selectSession(db, credential, id).forNoKeyUpdate().executeTakeFirst()
}

/** Sessions by their id, whosever they are, to write to what they hold. */
export async function lockSessions(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, SessionRow>> {
  if (ids.length === 0) return new Map()
  // In one order everywhere: two processes never wait for each other.
  const rows = await db
    .selectFrom('sessions')
    .selectAll()
    .where('id', 'in', ids)
    .orderBy('id')
    .forNoKeyUpdate()
    .execute()
  return new Map(rows.map((row) => [row.id, row]))
}

function selectSession(db: Db, credential: Credential, id: string) {
  return db
    .selectFrom('sessions')
    .selectAll()
    .where('id', '=', id)
    .where('organization_id', '=', credential.organizationId)
}

/** Sessions that did nothing since this instant, or exactly at it, have expired. */
export function idleLimit(life: SessionLife, at: Date): string {
  return new Date(at.getTime() - life.ttlSeconds * 1_000).toISOString()
}

/** The state a session has now, whether or not the reaper has been by. */
export function statusOf(session: SessionRow, life: SessionLife, at: Date): SessionRow['status'] {
  return session.status === 'ACTIVE' && session.active_at <= idleLimit(life, at) ? 'EXPIRED' : session.status
}

/** The refusal of a write to a session that is not ACTIVE; undefined when it is. */
export function notActive(session: SessionRow, life: SessionLife, at: Date): Refusal | undefined {
  const status = statusOf(session, life, at)
  return status === 'ACTIVE'
    ? undefined
    : refuse('conflict', `The session is ${status}; only an ACTIVE one is written to.`)
}

function sessionAnswer(session: SessionRow, life: SessionLife, at: Date) {
  return {
    id: session.id,
    public_id: session.id,
    organization_short_id: session.organization_id,
    status: statusOf(session, life, at),
    capture_mode: session.capture_mode,
    extraction_status: session.extraction_status,
    created: session.created_at,
    modified: session.modified_at,
    metadata: JSON.parse(session.metadata) as Record<string, string>,
    device_context: JSON.parse(session.device_context) as Record<string, unknown>,
  }
}

function summaryAnswer(
  session: SessionRow & { capture_count: number; photo_count: number },
  life: SessionLife,
  at: Date,
): SessionSummary {
  const { capture_count, photo_count } = session
  return { ...sessionAnswer(session, life, at), capture_count, photo_count }
}

/** The light poll of a session. */
export async function pollAnswer(db: Db, session: SessionRow, life: SessionLife, at: Date) {
  const captures = await db
    .selectFrom('captures')
    .select(['id', 'status', 'product_id'])
    .select((row) =>
      row
        .selectFrom('proposals')
        .select((all) => all.fn.countAll<number>().as('count'))
        .whereRef('proposals.capture_id', '=', 'captures.id')
        .as('proposal_count'),
    )
    .where('session_id', '=', session.id)
    .orderBy('id')
    .execute()
  const extractions = await db
    .selectFrom('extractions')
    .leftJoin('photos', 'photos.id', 'extractions.photo_id')
    .select(['extractions.photo_id', 'extractions.capture_id', 'extractions.error', 'extractions.is_open'])
    .select('extractions.settled_at')
    .select('photos.capture_id as shown_of')
    .where('extractions.session_id', '=', session.id)
    .orderBy('extractions.id')
    .execute()
  // A photo without a capture shows the session's one product, as for those who read it.
  const shown = captures.filter(({ product_id }) => product_id !== null)
  const only = new Set(shown.map(({ product_id }) => product_id)).size === 1 ? (shown[0]?.id ?? null) : null
  // A photo may have been read again since: the last time counts.
  const lastOfPhoto = new Map(extractions.map((one) => [`${one.photo_id} ${one.capture_id}`, one]))
  const subjectOf = (one: (typeof extractions)[number]): string | null => one.capture_id ?? one.shown_of ?? only
  // A photo on which nothing was found is no fault where others of its product say something.
  const told = new Set([
    ...captures.filter(({ proposal_count }) => (proposal_count ?? 0) > 0).map(({ id }) => id),
    ...extractions.filter(({ error, is_open }) => error === '' && is_open === 0).map(subjectOf),
  ])
  const poll: z.infer<typeof sessionPollSchema> = {
    session_status: statusOf(session, life, at),
    extraction_status: session.extraction_status,
    captures: captures.map(({ id, status, proposal_count }) => ({ id, status, proposal_count: proposal_count ?? 0 })),
    extraction_errors: [...lastOfPhoto.values()]
      .filter((one) => one.error !== '' && one.settled_at === null)
      .filter((one) => one.error !== nothingRead || !told.has(subjectOf(one)))
      .map((one) => ({
        photo_short_id: one.photo_id,
        capture_short_id: subjectOf(one),
        error_message: one.error,
      })),
  }
  return ok(poll)
}

async function summary(db: Db, session: SessionRow, life: SessionLife, at: Date) {
  const { count } = await db
    .selectFrom('captures')
    .select((all) => all.fn.countAll<number>().as('count'))
    .where('session_id', '=', session.id)
    .executeTakeFirstOrThrow()
  const { count: photos } = await db
    .selectFrom('photos')
    .select((all) => all.fn.countAll<number>().as('count'))
    .where('session_id', '=', session.id)
    .executeTakeFirstOrThrow()
  return ok(summaryAnswer({ ...session, capture_count: count, photo_count: photos }, life, at))
}
