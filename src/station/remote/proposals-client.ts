import {
  foreignApplySchema,
  foreignHoldSchema,
  foreignProposalSchema,
  foreignUnreadSchema,
  type ForeignProposal,
  type ProposalReview,
} from '#contract/backend/proposals.ts'
import { foreignChangePageSchema } from '#contract/backend/products.ts'
import { foreignPageOf } from '#contract/backend/values.ts'
import type { UnreadPhoto } from '#contract/station/review.ts'
import { z } from 'zod'
import { isMissing, withoutId, type RemoteResult, type SendRequest } from '#station/remote/requests.ts'

/** A proposal as the backend keeps it. */
export interface KeptProposal {
  readonly id: string
  readonly captureId: string
  readonly gtin: string
  readonly productName: string
  readonly field: string
  readonly current: string
  readonly proposed: string
  readonly confidence: number
  readonly reasoning: string
  readonly source: string
  readonly photoId: string | null
  /** The capture whose own image it was read from. */
  readonly imageOf: string | null
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number } | null
  readonly status: ForeignProposal['status']
  readonly isApplied: boolean
  /** Why the backend withdrew it; empty when it did not. */
  readonly withdrawn: string
}

/** What an apply wrote. */
export interface Applied {
  readonly applied: readonly string[]
  readonly skipped: readonly { readonly field: string; readonly reason: string }[]
  /** Names the change for its undoing; null when nothing was written, or the backend names none. */
  readonly changeId: string | null
}

/** Proposals of the Scanner API (contracts 1.7); none of these throws. */
export interface ProposalsClient {
  /** A page of what can be reviewed, over all captures; `page` from 1. Not every backend has it. */
  listProposals(page: number): Promise<RemoteResult<{ proposals: KeptProposal[]; hasNext: boolean }>>
  captureProposals(captureId: string): Promise<RemoteResult<KeptProposal[]>>
  /** `onlyIf` has it refused when somebody else has reviewed it; a backend may not know that, nor a value of one's own. */
  reviewProposal(
    id: string,
    review: { status: 'ACCEPTED' | 'REJECTED'; value: string | null; onlyIf: KeptProposal['status'] },
  ): Promise<RemoteResult<KeptProposal>>
  applyProposals(captureId: string): Promise<RemoteResult<Applied>>
  /** The newest change of a product that an apply of this capture made and nobody has undone. */
  findApply(gtin: string, captureId: string): Promise<RemoteResult<string | null>>
  /** Says that a window reviews a capture, or has left it; answers who else does. Not every backend has it: then nobody. */
  holdReview(
    captureId: string,
    hold: { readonly reviewer: string; readonly name: string; readonly isLeft: boolean },
  ): Promise<RemoteResult<{ readonly name: string; readonly since: string } | null>>
  undoChange(gtin: string, changeId: string): Promise<RemoteResult<null>>
  /** A page of the photos that could not be read, over all captures; `page` from 1. Not every backend has it. */
  listUnread(page: number): Promise<RemoteResult<{ photos: UnreadPhoto[]; hasNext: boolean }>>
  /** Leaves a capture's unread photos at that. */
  settleUnread(captureId: string): Promise<RemoteResult<null>>
  /** Has the photos of a COMPLETED capture read again. */
  enrichCapture(captureId: string): Promise<RemoteResult<null>>
}

const scanner = '/scanner/api/v1'
const catalogue = '/products/api/v1'

const proposalListSchema = foreignPageOf(foreignProposalSchema)
const listedSchema = z.looseObject({
  data: z.array(foreignProposalSchema),
  pagination: z.looseObject({ has_next: z.boolean().catch(false) }),
})

const unreadListSchema = z.looseObject({
  data: z.array(foreignUnreadSchema),
  pagination: z.looseObject({ has_next: z.boolean().catch(false) }),
})

/** The client's part for proposals, over the same requests as the rest. */
export function createProposalsClient(request: SendRequest): ProposalsClient {
  const capturePath = (id: string): string => `${scanner}/captures/${encodeURIComponent(id)}`
  const historyPath = (gtin: string): string => `${catalogue}/products/${encodeURIComponent(gtin)}/history`
  return {
    async listProposals(page) {
      const query = new URLSearchParams({ status: 'PENDING', page: String(page), page_size: '100' })
      const answer = await request('GET', `${scanner}/proposals?${query.toString()}`, listedSchema)
      if (!answer.ok) return answer
      const { data, pagination } = answer.value ?? { data: [], pagination: { has_next: false } }
      // What names no field is no proposal: the list of something else.
      const proposals = data.filter(({ field_name }) => field_name !== '').flatMap((each) => toKept(each))
      return { ok: true, value: { proposals, hasNext: pagination.has_next } }
    },
    async captureProposals(captureId) {
      const answer = await request('GET', `${capturePath(captureId)}/proposals`, proposalListSchema)
      if (!answer.ok) return answer
      return { ok: true, value: (answer.value?.data ?? []).flatMap((each) => toKept(each, captureId)) }
    },
    async reviewProposal(id, { status, value, onlyIf }) {
      const answer = await request('PATCH', `${scanner}/proposals/${encodeURIComponent(id)}`, foreignProposalSchema, {
        json: {
          status,
          ...(value === null ? {} : { value }),
          ...(onlyIf === 'unknown' ? {} : { if_status: onlyIf }),
        } satisfies ProposalReview,
      })
      if (!answer.ok) return answer
      const [kept] = answer.value === null ? [] : toKept(answer.value, '')
      return kept === undefined ? withoutId('proposal') : { ...answer, value: kept }
    },
    async applyProposals(captureId) {
      const answer = await request('POST', `${capturePath(captureId)}/apply`, foreignApplySchema)
      if (!answer.ok) return answer
      const { applied = [], skipped = [], change_id = null } = answer.value ?? {}
      const left = skipped.map(({ field_name, reason }) => ({ field: field_name, reason }))
      return { ...answer, value: { applied, skipped: left, changeId: change_id } }
    },
    async findApply(gtin, captureId) {
      const answer = await request('GET', `${historyPath(gtin)}?page_size=100`, foreignChangePageSchema)
      if (!answer.ok) return answer
      const found = answer.value?.data.find(
        (change) => change.action === 'apply' && change.capture_short_id === captureId && change.undone_by === null,
      )
      return { ok: true, value: found?.id ?? null }
    },
    async holdReview(captureId, { reviewer, name, isLeft }) {
      const answer = await request('POST', `${capturePath(captureId)}/review-hold`, foreignHoldSchema, {
        json: { reviewer, name, is_left: isLeft },
      })
      if (!answer.ok) return isMissing(answer.failure) ? { ok: true, value: null } : answer
      const { is_held_by_other, name: by, since } = answer.value ?? { is_held_by_other: false, name: '', since: null }
      return { ok: true, value: is_held_by_other && since !== null ? { name: by, since } : null }
    },
    undoChange: (gtin, changeId) =>
      request('POST', `${historyPath(gtin)}/${encodeURIComponent(changeId)}/undo`, null) as Promise<RemoteResult<null>>,
    async listUnread(page) {
      const query = new URLSearchParams({ page: String(page), page_size: '100' })
      const answer = await request('GET', `${scanner}/unread-photos?${query.toString()}`, unreadListSchema)
      if (!answer.ok) return answer
      const { data, pagination } = answer.value ?? { data: [], pagination: { has_next: false } }
      const photos = data.map((each) => ({
        id: each.id,
        captureId: each.capture_short_id,
        photoId: each.photo_short_id,
        reason: each.error_message,
        gtin: each.gtin,
        productName: each.product_name,
      }))
      return { ok: true, value: { photos, hasNext: pagination.has_next } }
    },
    settleUnread: (captureId) =>
      request('POST', `${capturePath(captureId)}/unread-photos/settle`, null) as Promise<RemoteResult<null>>,
    enrichCapture: (captureId) =>
      request('POST', `${capturePath(captureId)}/enrich`, null) as Promise<RemoteResult<null>>,
  }
}

function toKept(foreign: ForeignProposal, ofCapture?: string): KeptProposal[] {
  const captureId = foreign.capture_short_id ?? ofCapture
  if (captureId === undefined) return []
  return [
    {
      id: foreign.id,
      captureId,
      gtin: foreign.gtin,
      productName: foreign.product_name,
      field: foreign.field_name,
      current: foreign.current_value,
      proposed: foreign.proposed_value,
      confidence: foreign.confidence,
      reasoning: foreign.reasoning,
      source: foreign.source,
      photoId: foreign.evidence?.photo_id ?? null,
      imageOf: foreign.evidence?.capture_id ?? null,
      box: foreign.evidence?.box ?? null,
      status: foreign.status,
      isApplied: foreign.applied_at !== null,
      withdrawn: foreign.withdrawn_reason,
    },
  ]
}
