import { z } from 'zod'
import { passMovementSchema } from '#contract/gate/pass.ts'
import { scanDataSchema, scanTypeSchema } from '#contract/gate/scan-api.ts'
import { judgementSchema, verdictCodeSchema } from '#contract/gate/verdict.ts'
import { idSchema, instantSchema } from '#contract/station/values.ts'

/**
 * What a site's backend promises the gates of a venue: ours, no part of The Wallet Crew's API. A station's key has the
 * scope `Gate.Station` of one tenant. Everything is under `/gate/v1`.
 */
export const gatePaths = {
  verdicts: '/gate/v1/verdicts',
  undo: (scanId: string) => `/gate/v1/verdicts/${encodeURIComponent(scanId)}/undo`,
  rules: (gate: string) => `/gate/v1/rules?gate=${encodeURIComponent(gate)}`,
  listKey: '/gate/v1/list/key',
  list: (after: number) => `/gate/v1/list?after=${after}`,
  relay: '/relay/v1/wallet/scans',
  relayStatus: '/relay/v1/wallet',
  movements: (passId: string, privilegeId: string) =>
    `/relay/v1/wallet/passes/${encodeURIComponent(passId)}/privileges/${encodeURIComponent(privilegeId)}/movements`,
} as const

/**
 * `POST verdicts`: asks what to do with a read, and has its movement recorded in the same transaction. Or tells of a read
 * that the station has decided alone, in `offline`: the movement is recorded as it happened and the site's own verdict
 * answered beside it. A repeat with the same `client_scan_id` is answered as the first time.
 */
export const verdictRequestSchema = z
  .strictObject({
    client_scan_id: idSchema,
    device_id: z.string().max(200),
    gate: z.string().min(1).max(100),
    data: scanDataSchema,
    type: scanTypeSchema,
    scanned_at: instantSchema,
    offline: z.strictObject({ code: verdictCodeSchema, counts_entry: z.boolean() }).nullable().default(null),
    /** Somebody of the staff let it in, for this reason, whatever the rules say. */
    override: z
      .strictObject({ reason: z.string().min(1).max(300), by: z.string().max(100) })
      .nullable()
      .default(null),
  })
  .meta({ id: 'VerdictRequest' })
export type VerdictRequest = z.input<typeof verdictRequestSchema>

export const verdictAnswerSchema = z
  .strictObject({
    judgement: judgementSchema,
    /** People inside, with this one. */
    inside: z.int().nullable(),
    /** Only of a read that the station had decided alone: whether the site would have said the same. */
    agrees: z.boolean().nullable(),
    /** The admission at another gate that this one doubles. */
    doubles: passMovementSchema.nullable(),
    /** The list's change that tells of it: a list up to this one or a later one has it in it. */
    change: z.int().min(0),
  })
  .meta({ id: 'VerdictAnswer' })
export type VerdictAnswer = z.infer<typeof verdictAnswerSchema>

/** `POST verdicts/{id}/undo`: the admission was none, the person did not pass; a compensating entry. */
export const undoRequestSchema = z.strictObject({ reason: z.string().min(1).max(300) }).meta({ id: 'UndoRequest' })

/**
 * `GET /relay/v1/wallet`: the queue of records on their way to a tenant elsewhere. `key_refused` needs a person: the tenant
 * takes the site's key no more, and everything waits. `doubtful` ones may have been recorded and are never sent again.
 */
export const relayStatusSchema = z
  .strictObject({
    state: z.enum(['well', 'unreachable', 'key_refused']),
    waiting: z.int(),
    sent: z.int(),
    refused: z.int(),
    doubtful: z.int(),
  })
  .meta({ id: 'RelayStatus' })
export type RelayStatus = z.infer<typeof relayStatusSchema>

const base64url = (bytes: number): z.ZodString =>
  z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((bytes * 4) / 3)}}$`))

/**
 * `GET list/key`: what a station needs to read the tenant's list of passes and to trust it; it is kept among its secrets,
 * never beside the list.
 */
export const listKeySchema = z
  .strictObject({
    /** Another list: start from its beginning. */
    list: z.string().min(1).max(100),
    /** 32 bytes; the keys for looking up and for unsealing are derived from it. */
    key: base64url(32),
    /** The raw Ed25519 key that pages are signed with. */
    publicKey: base64url(32),
  })
  .meta({ id: 'ListKey' })
export type ListKey = z.infer<typeof listKeySchema>

/** Of a page: its head as base64url of JSON, and the Ed25519 signature of the header's text. */
export const listHeaders = { head: 'x-capstan-list', signature: 'x-capstan-signature' } as const

/**
 * The head of a page of the list. Pages are numbered changes: `to` is asked for as `after` next, at any later time.
 *
 * The body is a row of records: 16 bytes of the value's keyed hash, the length of what follows as two bytes, big-endian,
 * and the sealed pass; of length 0 when no pass has the value any more.
 */
export const listHeadSchema = z.strictObject({
  format: z.literal(1),
  list: z.string(),
  after: z.int().min(0),
  to: z.int().min(0),
  /** Of the page's body, in lower-case hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The values in the whole list, and how many changes are left after this page. */
  values: z.int().min(0),
  left: z.int().min(0),
  /** By the site's clock: what is in the list up to `to` is as it was then. */
  asOf: instantSchema,
})
export type ListHead = z.infer<typeof listHeadSchema>
