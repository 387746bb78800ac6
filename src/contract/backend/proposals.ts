import { z } from 'zod'
import { captureSchema } from '#contract/backend/scanner.ts'
import {
  foreignText,
  foreignTextOrNull,
  foreignWord,
  metadataSchema,
  pageOf,
  pageQueryShape,
  referenceSchema,
  shortuuidSchema,
  text,
  timestampSchema,
} from '#contract/backend/values.ts'

/** Where a proposal stands. A stale one is REJECTED by the server itself, with the reason in `withdrawn_reason`. */
export const proposalStatuses = ['PENDING', 'ACCEPTED', 'REJECTED'] as const

/** Where on a photo the words of a proposal stand: pixels of the photo held upright, from its top left corner. */
export const evidenceSchema = z
  .object({
    photo_id: shortuuidSchema.nullable(),
    capture_id: shortuuidSchema.nullable(),
    box: z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() }).nullable(),
  })
  .meta({ id: 'Evidence' })
export type Evidence = z.infer<typeof evidenceSchema>

/** A value proposed for one field of a product (contracts 1.7); the last four members are ours. */
export const proposalSchema = z
  .object({
    /** A UUID; requests may also name it by its shortuuid. */
    id: z.uuid(),
    field_name: z.string().max(50),
    /** The product's value when it was proposed; empty when it had none. */
    current_value: z.string(),
    proposed_value: z.string(),
    /** A decimal from `0.00` to `1.00`, as text. */
    confidence: z.string().regex(/^[01]\.\d\d$/),
    reasoning: z.string(),
    source: z.string().max(100),
    status: z.enum(proposalStatuses),
    created: timestampSchema,
    reviewed_at: timestampSchema.nullable(),
    metadata: metadataSchema,
    capture_short_id: shortuuidSchema,
    evidence: evidenceSchema.nullable(),
    /** When its value was written to the product. */
    applied_at: timestampSchema.nullable(),
    /** Why the server withdrew it; empty when it did not. */
    withdrawn_reason: z.string(),
  })
  .meta({ id: 'Proposal' })
export type Proposal = z.infer<typeof proposalSchema>

/** A bare array, oldest first. */
export const proposalListSchema = z.array(proposalSchema)

/**
 * A review. PENDING cannot be set. The last two members are ours: `value` replaces the proposed value by a reviewer's own,
 * and `if_status` has the review refused with 409 when somebody else has reviewed it meanwhile.
 */
export const proposalReviewSchema = z
  .strictObject({
    status: z.enum(['ACCEPTED', 'REJECTED']),
    value: text(0, 10_000).optional(),
    if_status: z.enum(proposalStatuses).optional(),
  })
  .meta({ id: 'ProposalReview', examples: [{ status: 'ACCEPTED' }] })
export type ProposalReview = z.input<typeof proposalReviewSchema>

/** A proposal with the product it is for, as the list over all captures has it. */
export const listedProposalSchema = proposalSchema
  .extend({ gtin: z.string(), product_name: z.string() })
  .meta({ id: 'ListedProposal' })
/** A page of proposals that can be reviewed, oldest first. */
export const proposalPageSchema = pageOf(listedProposalSchema).meta({ id: 'ProposalPage' })
/** Query of the list over all captures. */
export const proposalQuerySchema = z.strictObject({
  status: z.enum(proposalStatuses).default('PENDING'),
  ...pageQueryShape,
})

/** Many reviews at once: all of them, or none. */
export const bulkReviewSchema = z
  .strictObject({
    accept: z.array(referenceSchema).max(500).default([]),
    reject: z.array(referenceSchema).max(500).default([]),
  })
  .meta({ id: 'BulkReview', examples: [{ accept: ['3b1f8b40-222c-4a6e-b77e-779d5a94e21c'], reject: [] }] })

/** What an apply wrote, and what it left out and why. */
export const applyAnswerSchema = z
  .object({
    applied: z.array(z.string()),
    skipped: z.array(z.object({ field_name: z.string(), reason: z.string() })),
    product_short_id: shortuuidSchema,
    /** Names the change for its undoing; null when nothing was written. */
    change_id: shortuuidSchema.nullable(),
  })
  .meta({ id: 'ApplyAnswer' })
export type ApplyAnswer = z.infer<typeof applyAnswerSchema>

/** Somebody reviews a capture's proposals, or has left them. Ours: it tells a second one, and keeps nobody out. */
export const reviewHoldSchema = z
  .strictObject({
    /** Names the window that reviews. */
    reviewer: text(1, 100),
    /** What others are told, such as the station's name. */
    name: text(0, 100).default(''),
    is_left: z.boolean().default(false),
  })
  .meta({ id: 'ReviewHold', examples: [{ reviewer: 'desk-2', name: 'Desk 2' }] })

/** Whether somebody else reviews them, who, and since when. */
export const reviewHoldAnswerSchema = z
  .object({ is_held_by_other: z.boolean(), name: z.string(), since: timestampSchema.nullable() })
  .meta({ id: 'ReviewHoldAnswer' })

/** A foreign server's answer to a hold. */
export const foreignHoldSchema = z.looseObject({
  is_held_by_other: z.boolean().catch(false),
  name: foreignText,
  since: foreignTextOrNull,
})

/**
 * A photo that could not be read, or said nothing, and waits for a person: to be read again (`enrich`, or `retry` of a
 * capture that is not COMPLETED) or to be left at that. Ours.
 */
export const unreadPhotoSchema = z
  .object({
    /** Of the reading that failed: another one has another id. */
    id: shortuuidSchema,
    /** The capture whose product it shows. */
    capture_short_id: shortuuidSchema,
    session_short_id: shortuuidSchema,
    /** Null for the image of the capture itself. */
    photo_short_id: shortuuidSchema.nullable(),
    error_message: z.string(),
    gtin: z.string(),
    product_name: z.string(),
    created: timestampSchema,
  })
  .meta({ id: 'UnreadPhoto' })
/** A page of them, oldest first. */
export const unreadPhotoPageSchema = pageOf(unreadPhotoSchema).meta({ id: 'UnreadPhotoPage' })
export const unreadPhotoQuerySchema = z.strictObject(pageQueryShape)
/** How many photos were left at that. */
export const unreadSettledSchema = z.object({ settled: z.int() }).meta({ id: 'UnreadSettled' })

/** A foreign server's unread photo. */
export const foreignUnreadSchema = z.looseObject({
  id: z.string(),
  capture_short_id: z.string(),
  photo_short_id: foreignTextOrNull,
  // Without it, it is something else's list.
  error_message: z.string().min(1),
  gtin: foreignText,
  product_name: foreignText,
})

/** What an enrich answers: the capture, which is on its way again. */
export const enrichAnswerSchema = captureSchema

const foreignBox = z
  .object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() })
  .nullish()
  .catch(null)

/** A foreign server's proposal, of either revision: the older one has numbers for ids. */
export const foreignProposalSchema = z.looseObject({
  id: z.union([z.string(), z.number()]).transform(String),
  field_name: foreignText,
  current_value: foreignText,
  proposed_value: foreignText,
  confidence: z.coerce.number().min(0).max(1).catch(0),
  reasoning: foreignText,
  source: foreignText,
  status: foreignWord(proposalStatuses),
  capture_short_id: foreignTextOrNull,
  evidence: z
    .looseObject({ photo_id: foreignTextOrNull, capture_id: foreignTextOrNull, box: foreignBox })
    .nullish()
    .catch(null),
  applied_at: foreignTextOrNull,
  withdrawn_reason: foreignText,
  gtin: foreignText,
  product_name: foreignText,
})
export type ForeignProposal = z.infer<typeof foreignProposalSchema>

/** A foreign server's answer to an apply; what it does not say is empty. */
export const foreignApplySchema = z.looseObject({
  applied: z.array(z.string()).catch([]),
  skipped: z.array(z.looseObject({ field_name: foreignText, reason: foreignText })).catch([]),
  change_id: foreignTextOrNull,
})
