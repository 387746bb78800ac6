import { z } from 'zod'
import { instantSchema } from '#contract/station/values.ts'

/** The backend's id of a capture or of a proposal. */
const remoteIdSchema = z.string().min(1).max(100)

/**
 * What a person does with a proposal. `edit` accepts another value in its place; `skip` leaves it for another time.
 */
export const reviewDecisionSchema = z.enum(['accept', 'reject', 'edit', 'skip'])
export type ReviewDecision = z.infer<typeof reviewDecisionSchema>

/**
 * Where a proposal stands. `stale`: the backend has withdrawn it, for the product has changed. `taken`: somebody else has
 * decided about it. Neither is ever overwritten.
 */
export const proposalStateSchema = z.enum([
  'open',
  'accepted',
  'edited',
  'rejected',
  'skipped',
  'applied',
  'stale',
  'taken',
])
export type ProposalState = z.infer<typeof proposalStateSchema>

/** Whether the backend knows a decision: `none` when it need not. */
export const deliverySchema = z.enum(['none', 'waiting', 'sent', 'refused'])
export type Delivery = z.infer<typeof deliverySchema>

const refusalSchema = z.object({ code: z.string(), message: z.string() })

/** One value proposed for one field, as it stands on this station. */
export const reviewProposalSchema = z.object({
  id: remoteIdSchema,
  field: z.string(),
  /** The product's value when it was proposed; empty when it had none. */
  current: z.string(),
  proposed: z.string(),
  /** From 0 to 1. */
  confidence: z.number(),
  reasoning: z.string(),
  source: z.string(),
  /** Where it was read: the photo when this station has it, and the box in pixels of the upright original. */
  evidence: z.object({
    photo: z.string().nullable(),
    box: z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() }).nullable(),
  }),
  /** Why to look closely, most serious first (domain/review/cost.ts). */
  doubts: z.array(z.string()),
  isClear: z.boolean(),
  state: proposalStateSchema,
  /** A person's own value, of one that was edited. */
  value: z.string().nullable(),
  /** The backend's reason, of one that is stale. */
  note: z.string(),
  delivery: deliverySchema,
  refusal: refusalSchema.nullable(),
  /** Rises with each change; a decision names the one it was made on. */
  version: z.number().int(),
})
export type ReviewProposal = z.infer<typeof reviewProposalSchema>

/** A photo that the backend could not read, as it lists it. */
export interface UnreadPhoto {
  /** Of the reading that failed: another one has another id. */
  readonly id: string
  readonly captureId: string
  /** Null for the image of the capture itself. */
  readonly photoId: string | null
  /** The backend's words. */
  readonly reason: string
  /** Empty where the capture has none. */
  readonly gtin: string
  readonly productName: string
}

/** A product in the queue. */
export const reviewEntrySchema = z.object({
  captureId: remoteIdSchema,
  gtin: z.string(),
  name: z.string(),
  open: z.number().int(),
  /** Its photos that could not be read and wait for a person; without an open proposal it is here for them alone. */
  unread: z.number().int(),
  /** Another window has it open. */
  isHeld: z.boolean(),
})
export type ReviewEntry = z.infer<typeof reviewEntrySchema>

/** A product under review: what was proposed from one capture and its photos. */
export const reviewProductSchema = z.object({
  captureId: remoteIdSchema,
  gtin: z.string(),
  name: z.string(),
  /** The most costly to get wrong first; those of one field together. */
  proposals: z.array(reviewProposalSchema),
  /** The last time that what was accepted was to be written; null when it never was, or was taken back. */
  application: z
    .object({
      at: instantSchema,
      delivery: deliverySchema,
      refusal: refusalSchema.nullable(),
      applied: z.array(z.string()),
      skipped: z.array(z.object({ field: z.string(), reason: z.string() })),
    })
    .nullable(),
  /** Photos of it are being read still, so that more may be proposed. */
  isReading: z.boolean(),
  /** Those of them that could not be read: the photo when this station has it, and the backend's reason. */
  unread: z.array(z.object({ photo: z.string().nullable(), reason: z.string() })),
  /** The backend can be asked to read them again, or told that they are left at that. */
  canReread: z.boolean(),
  /** Since when another window has it open; null when none has. */
  heldSince: instantSchema.nullable(),
  /** The other station's name; empty for another window of this one. */
  heldBy: z.string(),
})
export type ReviewProduct = z.infer<typeof reviewProductSchema>

/** How the review stands, small enough to be told with each decision. */
export const reviewFiguresSchema = z.object({
  /** Proposals that wait for a decision, and products that do, for a proposal or an unread photo. */
  open: z.number().int(),
  products: z.number().int(),
  /** Decisions that the backend does not know yet, and those that it refused. */
  waiting: z.number().int(),
  refused: z.number().int(),
  /** Since midnight, local time: products that were applied, decisions, and the mean time for a product. */
  today: z.object({
    products: z.number().int(),
    decisions: z.number().int(),
    msPerProduct: z.number().nullable(),
  }),
  /** The last decisions came faster than anybody reads. */
  isTooFast: z.boolean(),
  canUndo: z.boolean(),
  /** Of the last known values that were answered, how many rightly; null when none are mixed in. */
  probes: z.object({ answered: z.number().int(), right: z.number().int() }).nullable(),
  /** Products of this station whose photos are being read: more will come. */
  reading: z.number().int(),
  /** The product that was open last, when it is not done. */
  resume: remoteIdSchema.nullable(),
  /** When the backend was last asked for proposals, and what went wrong then. */
  fetchedAt: instantSchema.nullable(),
  fetchError: z.string().nullable(),
})
export type ReviewFigures = z.infer<typeof reviewFiguresSchema>

export const reviewQueueSchema = z.object({ entries: z.array(reviewEntrySchema), figures: reviewFiguresSchema })
export type ReviewQueue = z.infer<typeof reviewQueueSchema>

/** A decision, or an apply, that the backend did not take. */
export const refusedReviewSchema = z.object({
  id: z.string(),
  at: instantSchema,
  /** `accept`, `reject`, `edit`, `apply`, `revert`, `undo`, `reread`, `leave`. */
  kind: z.string(),
  captureId: remoteIdSchema,
  gtin: z.string(),
  name: z.string(),
  /** Empty where it is about the whole product. */
  field: z.string(),
  /** The value that was decided for. */
  value: z.string(),
  refusal: refusalSchema,
})
export type RefusedReview = z.infer<typeof refusedReviewSchema>

/** A window names itself, so that a second one on the same product is told. */
const reviewerSchema = z.string().min(1).max(100)
const answerSchema = z.object({
  product: reviewProductSchema,
  figures: reviewFiguresSchema,
  /** What was decided about was a known value; `isRight` is null when it was skipped. */
  probe: z.object({ isRight: z.boolean().nullable() }).nullable(),
})
export type ReviewAnswer = z.infer<typeof answerSchema>

const ofProduct = z.strictObject({ captureId: remoteIdSchema, reviewer: reviewerSchema })

export const reviewProcedures = {
  /** What waits, the most costly to get wrong first; also has the backend asked for what is new. */
  'review.queue': {
    input: z.strictObject({ limit: z.number().int().min(1).max(500).default(100), reviewer: reviewerSchema }),
    output: reviewQueueSchema,
  },
  /** Opens a product, unless another window has it; call it again within a minute to keep it. */
  'review.product': { input: ofProduct, output: reviewProductSchema },
  /** Leaves it to others. */
  'review.leave': { input: ofProduct, output: z.strictObject({}) },
  /**
   * Decides, durably before it is answered. Of several proposals for one field, accepting one rejects the others that are
   * open. `conflict` when the proposal is not as it was seen (`version`), or cannot be decided any more.
   */
  'review.decide': {
    input: z.strictObject({
      id: remoteIdSchema,
      version: z.number().int(),
      decision: reviewDecisionSchema,
      /** Of `edit`. */
      value: z.string().max(10_000).optional(),
      /** How long the person looked at it. */
      tookMs: z.number().min(0).max(86_400_000).default(0),
    }),
    output: answerSchema,
  },
  /** Accepts every open proposal of a product that nothing speaks against; `tookMs` is for all of them. */
  'review.acceptClear': {
    input: ofProduct.extend({ tookMs: z.number().min(0).max(86_400_000).default(0) }),
    output: answerSchema,
  },
  /** Takes the last decision or apply of this station back, before or after it was delivered; `not_found` when there is none. */
  'review.undo': { input: z.strictObject({}), output: answerSchema },
  /** What the backend did not take and nobody has settled, newest first. */
  'review.refused': { input: z.strictObject({}), output: z.array(refusedReviewSchema) },
  /** Tells a refused one again, as it is decided now. */
  'review.retry': { input: z.strictObject({ id: z.string().min(1).max(100) }), output: z.strictObject({}) },
  /** Gives a refused one up, with a reason that is kept. */
  'review.giveUp': {
    input: z.strictObject({ id: z.string().min(1).max(100), reason: z.string().trim().min(1).max(300) }),
    output: z.strictObject({}),
  },
  /** Has what was accepted written to the product; `conflict` when nothing is. */
  'review.apply': { input: ofProduct, output: answerSchema },
  /** Has the unread photos of a product read again, durably before it is answered; `conflict` when none waits. */
  'review.reread': { input: ofProduct, output: answerSchema },
  /** Leaves them at that, on every station, until they are read again; `conflict` when none waits. */
  'review.leaveUnread': { input: ofProduct, output: answerSchema },
} as const

/** Told after each change of proposals or decisions. */
export const reviewChangedSchema = z.object({ captureIds: z.array(remoteIdSchema), figures: reviewFiguresSchema })
