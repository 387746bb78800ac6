import {
  applyAnswerSchema,
  bulkReviewSchema,
  enrichAnswerSchema,
  proposalListSchema,
  proposalPageSchema,
  proposalQuerySchema,
  proposalReviewSchema,
  reviewHoldAnswerSchema,
  reviewHoldSchema,
  proposalSchema,
  unreadPhotoPageSchema,
  unreadPhotoQuerySchema,
  unreadSettledSchema,
  type Proposal,
} from '#contract/backend/proposals.ts'
import { sessionPollSchema } from '#contract/backend/scanner.ts'
import { fromShortUuid } from '#domain/shortuuid.ts'
import type { Db } from '../db/database.ts'
import type { ProposalRow } from '../db/tables.ts'
import { idFromReference } from '../ids.ts'
import type { Jobs } from '../jobs/jobs.ts'
import { applyProposals } from '../proposals/apply.ts'
import { requestFields } from '../proposals/request.ts'
import { selectUnread, settleUnread } from '../proposals/unread.ts'
import { accepted, invalid, missing, ok, refuse, type Answer } from './answer.ts'
import { captureAnswer } from './capture-answer.ts'
import { findCapture, lockCapture } from './capture-routes.ts'
import { readPage } from './page.ts'
import { lockProduct, ownedByOther } from './product-routes.ts'
import { route, type Call, type Credential, type Route } from './route.ts'
import { lockSession, pollAnswer, type SessionLife } from './session-routes.ts'

const captures = '/scanner/api/v1/captures/{id}'
/** A reviewer who says nothing for so long has left. */
const holdMs = 60_000
const sessions = '/scanner/api/v1/sessions/{id}'

/** The endpoints of proposals: review, apply, enrich, and the end of an extraction (contracts 1.7, 1.12). */
export function proposalRoutes(rules: SessionLife & { readonly addJobs: Jobs['add'] }): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: `${captures}/proposals`,
      operationId: 'listProposals',
      summary: "List a capture's proposals, oldest first",
      access: 'read',
      success: { status: 200, schema: proposalListSchema },
      async handle({ param, credential, db }) {
        const capture = await findCapture(db, credential, param)
        return capture ? ok(await proposalsOf(db, capture.id)) : missing('capture')
      },
    }),

    route({
      method: 'GET',
      path: '/scanner/api/v1/proposals',
      operationId: 'listAllProposals',
      summary: 'List what can be reviewed, over all captures, oldest first',
      access: 'read',
      query: proposalQuerySchema,
      success: { status: 200, schema: proposalPageSchema },
      async handle({ query, credential, db }) {
        const matching = db
          .selectFrom('proposals')
          .innerJoin('captures', 'captures.id', 'proposals.capture_id')
          .innerJoin('sessions', 'sessions.id', 'captures.session_id')
          .leftJoin('products', 'products.id', 'proposals.product_id')
          .where('sessions.organization_id', '=', credential.organizationId)
          .where('proposals.status', '=', query.status)
          .where('proposals.applied_at', 'is', null)
          .where('proposals.withdrawn_reason', '=', '')
        const rows = matching
          .selectAll('proposals')
          .select(['products.gtin', 'products.product_name', 'captures.gtin as captured_gtin'])
          .orderBy('proposals.id')
        return ok(
          await readPage(matching, rows, query, (row) => ({
            ...proposalAnswer(row),
            gtin: row.gtin ?? row.captured_gtin,
            product_name: row.product_name ?? '',
          })),
        )
      },
    }),

    route({
      method: 'PATCH',
      path: '/scanner/api/v1/proposals/{proposal_id}',
      operationId: 'reviewProposal',
      summary: 'Accept or reject a proposal; an accepted value waits for apply',
      access: 'write',
      body: proposalReviewSchema,
      success: { status: 200, schema: proposalSchema },
      refusals: ['conflict'],
      async handle({ param, body, credential, at, db }) {
        const [row] = await lockProposals(db, credential, [param])
        if (!row) return missing('proposal')
        const refused = notReviewable(row)
        if (refused !== undefined) return refuse('conflict', refused)
        if (body.if_status !== undefined && body.if_status !== row.status) {
          return refuse('conflict', `Somebody else has reviewed it: it is ${row.status}.`)
        }
        const change = { status: body.status, reviewed_at: at.toISOString(), ...correctionOf(row, body) }
        await db.updateTable('proposals').set(change).where('id', '=', row.id).execute()
        return ok(proposalAnswer({ ...row, ...change }))
      },
    }),

    route({
      method: 'POST',
      path: `${captures}/review-hold`,
      operationId: 'holdReview',
      summary: 'Say that one reviews a capture, for a minute or until one leaves it, and be told who else does',
      access: 'write',
      body: reviewHoldSchema,
      success: { status: 200, schema: reviewHoldAnswerSchema },
      async handle({ param, body, credential, at, db }) {
        const capture = await lockCapture(db, credential, param)
        if (!capture) return missing('capture')
        const now = at.toISOString()
        const held = await db
          .selectFrom('review_holds')
          .selectAll()
          .where('capture_id', '=', capture.id)
          .executeTakeFirst()
        const isOthers = held !== undefined && held.until > now && held.reviewer !== body.reviewer
        if (isOthers) return ok({ is_held_by_other: true, name: held.name, since: held.since })
        await db.deleteFrom('review_holds').where('capture_id', '=', capture.id).execute()
        const since = held?.reviewer === body.reviewer && held.until > now ? held.since : now
        if (!body.is_left) {
          const until = new Date(at.getTime() + holdMs).toISOString()
          const { reviewer, name } = body
          await db.insertInto('review_holds').values({ capture_id: capture.id, reviewer, name, since, until }).execute()
        }
        return ok({ is_held_by_other: false, name: body.name, since: body.is_left ? null : since })
      },
    }),

    route({
      method: 'POST',
      path: `${captures}/proposals/bulk-review`,
      operationId: 'reviewProposals',
      summary: "Review many of a capture's proposals: all of them or none",
      access: 'write',
      body: bulkReviewSchema,
      success: { status: 200, schema: proposalListSchema },
      refusals: ['conflict'],
      async handle({ param, body, credential, at, db }) {
        const capture = await lockCapture(db, credential, param)
        if (!capture) return missing('capture')
        const accept = new Set(body.accept.map((reference) => idFromReference(reference) ?? ''))
        const reject = new Set(body.reject.map((reference) => idFromReference(reference) ?? ''))
        if ([...accept].some((id) => reject.has(id))) {
          return invalid({ field: 'reject', message: 'names a proposal that is to be accepted too' })
        }
        const ids = [...accept, ...reject]
        const rows = await lockProposals(db, credential, ids)
        const own = rows.filter((row) => row.capture_id === capture.id)
        if (own.length !== ids.length) {
          return invalid({ field: 'accept', message: 'and reject may name proposals of this capture only' })
        }
        for (const row of own) {
          const refused = notReviewable(row)
          if (refused !== undefined) return refuse('conflict', `${row.field_name}: ${refused}`)
        }
        for (const [status, some] of [
          ['ACCEPTED', accept],
          ['REJECTED', reject],
        ] as const) {
          if (some.size === 0) continue
          await db
            .updateTable('proposals')
            .set({ status, reviewed_at: at.toISOString() })
            .where('id', 'in', [...some])
            .execute()
        }
        return ok(await proposalsOf(db, capture.id))
      },
    }),

    route({
      method: 'POST',
      path: `${captures}/apply`,
      operationId: 'applyProposals',
      summary: 'Write all accepted proposals to the linked product, as one change that can be undone',
      access: 'write',
      success: { status: 200, schema: applyAnswerSchema },
      refusals: ['conflict', 'forbidden'],
      async handle({ param, credential, at, db }) {
        const capture = await lockCapture(db, credential, param)
        if (!capture) return missing('capture')
        if (capture.product_id === null) return refuse('conflict', 'The capture has no product to write to.')
        const product = await lockProduct(db, capture.product_id)
        if (!product) return refuse('conflict', 'The capture has no product to write to.')
        return ownedByOther(product, credential) ?? ok(await applyProposals(db, capture.id, product, credential, at))
      },
    }),

    route({
      method: 'POST',
      path: `${captures}/enrich`,
      operationId: 'enrichCapture',
      summary: "Read the photos of a completed capture again, for what its product's record lacks",
      access: 'write',
      queues: true,
      success: { status: 202, schema: enrichAnswerSchema },
      refusals: ['conflict'],
      async handle({ param, credential, at, db }) {
        const capture = await lockCapture(db, credential, param)
        if (!capture) return missing('capture')
        if (capture.status !== 'COMPLETED') {
          return refuse('conflict', `The capture is ${capture.status}; only a COMPLETED one is enriched.`)
        }
        await requestFields(db, { captureId: capture.id }, rules.addJobs, at)
        const change = { status: 'ENRICHING' as const, processed_at: null }
        await db.updateTable('captures').set(change).where('id', '=', capture.id).execute()
        await rules.addJobs(db, 'captures', [capture.id])
        return accepted(captureAnswer({ ...capture, ...change }))
      },
    }),

    route({
      method: 'GET',
      path: '/scanner/api/v1/unread-photos',
      operationId: 'listUnreadPhotos',
      summary: 'List the photos that could not be read or said nothing, over all captures, oldest first',
      access: 'read',
      query: unreadPhotoQuerySchema,
      success: { status: 200, schema: unreadPhotoPageSchema },
      async handle({ query, credential, db }) {
        const matching = selectUnread(db, credential.organizationId)
        const rows = matching
          .select(['extractions.id', 'extractions.session_id', 'extractions.photo_id', 'extractions.error'])
          .select(['extractions.created_at', 'captures.id as capture_id', 'captures.gtin as captured_gtin'])
          .select(['products.gtin', 'products.product_name'])
          .orderBy('extractions.id')
        return ok(
          await readPage(matching, rows, query, (row) => ({
            id: row.id,
            capture_short_id: row.capture_id,
            session_short_id: row.session_id,
            photo_short_id: row.photo_id,
            error_message: row.error,
            gtin: row.gtin ?? row.captured_gtin,
            product_name: row.product_name ?? '',
            created: row.created_at,
          })),
        )
      },
    }),

    route({
      method: 'POST',
      path: `${captures}/unread-photos/settle`,
      operationId: 'settleUnreadPhotos',
      summary: 'Leave the unread photos of a capture at that: they are not listed any more until they are read again',
      access: 'write',
      success: { status: 200, schema: unreadSettledSchema },
      async handle({ param, credential, at, db }) {
        const capture = await lockCapture(db, credential, param)
        if (!capture) return missing('capture')
        return ok({ settled: await settleUnread(db, credential.organizationId, capture.id, at) })
      },
    }),

    ...(['accept', 'reject'] as const).map((review) =>
      route({
        method: 'POST',
        path: `${sessions}/extraction/${review}`,
        operationId: `${review}Extraction`,
        summary: `Review a session's extraction: ${review} every proposal that is still PENDING`,
        access: 'write',
        success: { status: 200, schema: sessionPollSchema },
        refusals: ['conflict'],
        handle: (call) => reviewExtraction(call, review, rules),
      }),
    ),
  ]
}

async function reviewExtraction(
  { param, credential, at, db }: Call,
  review: 'accept' | 'reject',
  life: SessionLife,
): Promise<Answer> {
  const session = await lockSession(db, credential, param)
  if (!session) return missing('session')
  if (session.extraction_status !== 'ready') {
    return refuse('conflict', `The extraction is ${session.extraction_status}; only a ready one is reviewed.`)
  }
  await db
    .updateTable('proposals')
    .set({ status: review === 'accept' ? 'ACCEPTED' : 'REJECTED', reviewed_at: at.toISOString() })
    .where('status', '=', 'PENDING')
    .where('capture_id', 'in', db.selectFrom('captures').select('id').where('session_id', '=', session.id))
    .execute()
  const change = {
    extraction_status: review === 'accept' ? ('accepted' as const) : ('rejected' as const),
    modified_at: at.toISOString(),
  }
  await db.updateTable('sessions').set(change).where('id', '=', session.id).execute()
  return pollAnswer(db, { ...session, ...change }, life, at)
}

/** Why a proposal cannot be reviewed any more; undefined when it can. */
function notReviewable(row: ProposalRow): string | undefined {
  if (row.applied_at !== null) return 'The proposal has been applied; undo the change first.'
  return row.withdrawn_reason === '' ? undefined : `The proposal was withdrawn: ${row.withdrawn_reason}`
}

/** A reviewer's own value in the place of the proposed one, which the reasoning keeps; a present value stays guarded. */
function correctionOf(row: ProposalRow, { value }: { value?: string | undefined }): Partial<ProposalRow> {
  if (value === undefined || value === row.proposed_value) return {}
  const sentence = `A reviewer corrected it; read was: ${row.proposed_value}`
  return { proposed_value: value, reasoning: row.reasoning === '' ? sentence : `${row.reasoning}\n${sentence}` }
}

/** Proposals by their ids, to be written; those of another organisation are not found. */
async function lockProposals(db: Db, credential: Credential, ids: readonly string[]): Promise<readonly ProposalRow[]> {
  if (ids.length === 0) return []
  return db
    .selectFrom('proposals')
    .innerJoin('captures', 'captures.id', 'proposals.capture_id')
    .innerJoin('sessions', 'sessions.id', 'captures.session_id')
    .selectAll('proposals')
    .where('proposals.id', 'in', ids)
    .where('sessions.organization_id', '=', credential.organizationId)
    .forNoKeyUpdate('proposals')
    .execute()
}

async function proposalsOf(db: Db, captureId: string): Promise<readonly Proposal[]> {
  const rows = await db.selectFrom('proposals').selectAll().where('capture_id', '=', captureId).orderBy('id').execute()
  return rows.map(proposalAnswer)
}

function proposalAnswer(row: ProposalRow): Proposal {
  const box = row.box === null ? null : (JSON.parse(row.box) as readonly number[])
  const [x = 0, y = 0, width = 0, height = 0] = box ?? []
  return {
    // Stored ids are shortuuids that we made, so each is a UUID.
    id: fromShortUuid(row.id) ?? row.id,
    field_name: row.field_name,
    current_value: row.current_value,
    proposed_value: row.proposed_value,
    confidence: row.confidence.toFixed(2),
    reasoning: row.reasoning,
    source: row.source,
    status: row.status,
    created: row.created_at,
    reviewed_at: row.reviewed_at,
    metadata: {},
    capture_short_id: row.capture_id,
    evidence: {
      photo_id: row.photo_id,
      capture_id: row.photo_id === null ? row.capture_id : null,
      box: box === null ? null : { x, y, width, height },
    },
    applied_at: row.applied_at,
    withdrawn_reason: row.withdrawn_reason,
  }
}
