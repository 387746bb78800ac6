import { z } from 'zod'
import {
  addScanRequestSchema,
  addScanResponseSchema,
  keptScanSchema,
  movementRequestSchema,
  movementResponseSchema,
  privilegeSchema,
  privilegeWriteSchema,
  relayScanSchema,
  scanTypeSchema,
  walletPassSchema,
  walletWebhookCreateSchema,
  walletWebhookPatchSchema,
  walletWebhookSchema,
  walletWebhookWithSecretSchema,
  type WalletScope,
} from '#contract/gate/scan-api.ts'
import {
  gatePaths,
  listHeaders,
  listKeySchema,
  relayStatusSchema,
  undoRequestSchema,
  verdictAnswerSchema,
  verdictRequestSchema,
} from '#contract/gate/site.ts'
import { gateRulesSchema } from '#contract/gate/rules.ts'
import { instantSchema } from '#contract/station/values.ts'

/** A row of the gate's route table, from which both its router and its OpenAPI documents are made. */
export interface GateOperation<Query extends z.ZodType = z.ZodType, Body extends z.ZodType = z.ZodType> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly operationId: string
  readonly summary: string
  /** What the credentials must be allowed. */
  readonly scope: WalletScope
  readonly query?: Query
  /** A JSON body. */
  readonly body?: Body
  readonly answers: readonly GateAnswer[]
  /** Refusals of its own, beside those that follow from scope, tenant, query and body. */
  readonly refusals?: readonly number[]
}

export interface GateAnswer {
  readonly status: 200 | 201 | 202 | 204
  readonly schema?: z.ZodType
  /** `application/json` unless said. */
  readonly contentType?: string
  /** Headers of its own, with what they say. */
  readonly headers?: Readonly<Record<string, string>>
}

const operation = <Query extends z.ZodType = z.ZodUnknown, Body extends z.ZodType = z.ZodUnknown>(
  row: GateOperation<Query, Body>,
): GateOperation<Query, Body> => row

const pageShape = {
  pageIndex: z.coerce.number().int().min(0).max(1_000_000).default(0),
  pageSize: z.coerce.number().int().min(1).max(1_000).default(20),
}
const total = { 'x-pagination-total': 'How many there are on all pages' }
const privilegeAnswerSchema = z.strictObject({ privilegeId: z.string() })
const queuedSchema = z.strictObject({ queued: z.literal(true), client_scan_id: z.string() })
const scans = '/api/{tenantId}/scans'
const privileges = '/api/{tenantId}/passes/{passId}/privileges'
const webhooks = '/api/{tenantId}/webhooks'

/** The Wallet Crew's Scan API (contracts 2), the relay to it, and what gates ask their site. */
export const gateOperations = {
  recordScan: operation({
    method: 'POST',
    path: scans,
    operationId: 'recordScan',
    summary: 'Record a scan and find its pass; nothing is validated or used up',
    scope: 'PassScan.Scan',
    body: addScanRequestSchema,
    answers: [{ status: 201, schema: addScanResponseSchema }],
  }),
  listScans: operation({
    method: 'GET',
    path: scans,
    operationId: 'listScans',
    summary: 'Scans of passes, the latest first',
    scope: 'PassScan.Read',
    query: z.object({
      ...pageShape,
      passId: z.string().max(100).optional(),
      type: scanTypeSchema.optional(),
      from: instantSchema.optional(),
      to: instantSchema.optional(),
    }),
    answers: [{ status: 200, schema: z.array(keptScanSchema), headers: total }],
  }),
  getScan: operation({
    method: 'GET',
    path: `${scans}/{id}`,
    operationId: 'getScan',
    summary: 'One scan',
    scope: 'PassScan.Read',
    answers: [{ status: 200, schema: keptScanSchema }],
  }),
  listPasses: operation({
    method: 'GET',
    path: '/api/{tenantId}/passes',
    operationId: 'listPasses',
    summary: 'Passes with the values that they are found by',
    scope: 'Pass.Read',
    query: z.object(pageShape),
    answers: [{ status: 200, schema: z.array(walletPassSchema), headers: total }],
  }),
  listPrivileges: operation({
    method: 'GET',
    path: privileges,
    operationId: 'listPrivileges',
    summary: 'Privileges of a pass, the most important first',
    scope: 'Privilege.Read',
    answers: [{ status: 200, schema: z.array(privilegeSchema) }],
  }),
  createPrivilege: operation({
    method: 'POST',
    path: privileges,
    operationId: 'createPrivilege',
    summary: 'Give a pass a privilege, five at most',
    scope: 'Privilege.Write',
    body: privilegeWriteSchema,
    answers: [{ status: 202, schema: privilegeAnswerSchema }],
    refusals: [409, 422],
  }),
  getPrivilege: operation({
    method: 'GET',
    path: `${privileges}/{privilegeId}`,
    operationId: 'getPrivilege',
    summary: 'A privilege and what is left of it',
    scope: 'Privilege.Read',
    answers: [{ status: 200, schema: privilegeSchema }],
  }),
  putPrivilege: operation({
    method: 'PUT',
    path: `${privileges}/{privilegeId}`,
    operationId: 'putPrivilege',
    summary: 'Make a privilege or set what it is; what is left of it stays',
    scope: 'Privilege.Write',
    body: privilegeWriteSchema,
    answers: [{ status: 202, schema: privilegeAnswerSchema }],
    refusals: [400, 409, 422],
  }),
  deletePrivilege: operation({
    method: 'DELETE',
    path: `${privileges}/{privilegeId}`,
    operationId: 'deletePrivilege',
    summary: 'Take a privilege away',
    scope: 'Privilege.Write',
    answers: [{ status: 204 }],
  }),
  movePrivilege: operation({
    method: 'POST',
    path: `${privileges}/{privilegeId}/movements`,
    operationId: 'movePrivilege',
    summary: 'Issue or consume, if nobody else has meanwhile',
    scope: 'Privilege.Write',
    body: movementRequestSchema,
    answers: [{ status: 201, schema: movementResponseSchema }],
    refusals: [409, 422],
  }),
  createWalletWebhook: operation({
    method: 'POST',
    path: webhooks,
    operationId: 'createWalletWebhook',
    summary: 'Have scans told to an address; the secret is shown once',
    scope: 'Webhook.Write',
    body: walletWebhookCreateSchema,
    answers: [{ status: 201, schema: walletWebhookWithSecretSchema }],
  }),
  listWalletWebhooks: operation({
    method: 'GET',
    path: webhooks,
    operationId: 'listWalletWebhooks',
    summary: 'Webhooks of the tenant',
    scope: 'Webhook.Read',
    answers: [{ status: 200, schema: z.array(walletWebhookSchema), headers: total }],
  }),
  getWalletWebhook: operation({
    method: 'GET',
    path: `${webhooks}/{id}`,
    operationId: 'getWalletWebhook',
    summary: 'One webhook',
    scope: 'Webhook.Read',
    answers: [{ status: 200, schema: walletWebhookSchema }],
  }),
  updateWalletWebhook: operation({
    method: 'PATCH',
    path: `${webhooks}/{id}`,
    operationId: 'updateWalletWebhook',
    summary: 'Change a webhook',
    scope: 'Webhook.Write',
    body: walletWebhookPatchSchema,
    answers: [{ status: 200, schema: walletWebhookSchema }],
  }),
  deleteWalletWebhook: operation({
    method: 'DELETE',
    path: `${webhooks}/{id}`,
    operationId: 'deleteWalletWebhook',
    summary: 'End a webhook',
    scope: 'Webhook.Write',
    answers: [{ status: 204 }],
  }),
  relayScan: operation({
    method: 'POST',
    path: gatePaths.relay,
    operationId: 'relayScan',
    summary: 'A station’s scan on its way to the tenant; 202 while the tenant cannot be asked',
    scope: 'Gate.Station',
    body: relayScanSchema,
    answers: [
      { status: 201, schema: addScanResponseSchema },
      { status: 202, schema: queuedSchema },
    ],
    refusals: [404],
  }),
  relayStatus: operation({
    method: 'GET',
    path: gatePaths.relayStatus,
    operationId: 'relayStatus',
    summary: 'What is on its way to the tenant',
    scope: 'Gate.Station',
    answers: [{ status: 200, schema: relayStatusSchema }],
  }),
  relayMovement: operation({
    method: 'POST',
    path: '/relay/v1/wallet/passes/{passId}/privileges/{privilegeId}/movements',
    operationId: 'relayMovement',
    summary: 'A consumption, asked of the tenant now or not at all',
    scope: 'Gate.Station',
    body: movementRequestSchema,
    answers: [{ status: 201, schema: movementResponseSchema }],
    refusals: [404, 409, 422, 502],
  }),
  decideVerdict: operation({
    method: 'POST',
    path: gatePaths.verdicts,
    operationId: 'decideVerdict',
    summary: 'What to do with a read; its movement is recorded with the answer',
    scope: 'Gate.Station',
    body: verdictRequestSchema,
    answers: [{ status: 200, schema: verdictAnswerSchema }],
  }),
  undoVerdict: operation({
    method: 'POST',
    path: `${gatePaths.verdicts}/{id}/undo`,
    operationId: 'undoVerdict',
    summary: 'Take an admission back: the person did not pass',
    scope: 'Gate.Station',
    body: undoRequestSchema,
    answers: [{ status: 200, schema: z.strictObject({}) }],
    refusals: [404],
  }),
  gateRules: operation({
    method: 'GET',
    path: '/gate/v1/rules',
    operationId: 'gateRules',
    summary: 'Whom a gate lets in',
    scope: 'Gate.Station',
    query: z.object({ gate: z.string().max(100).default('*') }),
    answers: [{ status: 200, schema: gateRulesSchema }],
  }),
  listKey: operation({
    method: 'GET',
    path: gatePaths.listKey,
    operationId: 'listKey',
    summary: 'What a station needs to read the list of passes and to trust it',
    scope: 'Gate.Station',
    answers: [{ status: 200, schema: listKeySchema }],
  }),
  passList: operation({
    method: 'GET',
    path: '/gate/v1/list',
    operationId: 'passList',
    summary: 'A page of the sealed list of passes; 204 when there is nothing after it',
    scope: 'Gate.Station',
    query: z.object({ after: z.coerce.number().int().min(0).default(0) }),
    answers: [
      {
        status: 200,
        contentType: 'application/octet-stream',
        headers: { [listHeaders.head]: 'The page’s head', [listHeaders.signature]: 'Its Ed25519 signature' },
      },
      { status: 204 },
    ],
  }),
} as const

/** Gives tokens by client credentials; ours, for tests of clients that use OAuth. */
export const tokenPath = '/oauth/token'

/** The two APIs of the gate, each with where its document is served. */
export const gateApis = [
  { title: 'Scan API of passes', anchor: '/api/', document: '/api/openapi.json', paths: /^\/api\// },
  { title: 'Gate API', anchor: '/gate/v1/', document: '/gate/v1/openapi.json', paths: /^\/(?:gate|relay)\// },
] as const

/** The statuses of its refusals: its own, and those of the checks that it passes through. */
export function refusalsOf({ path, query, body, refusals = [] }: GateOperation): readonly number[] {
  const statuses = new Set([401, 503, ...refusals])
  if (path.includes('{')) statuses.add(404)
  if (query !== undefined) statuses.add(400)
  if (body !== undefined) for (const status of [400, 413, 415]) statuses.add(status)
  return [...statuses].toSorted((one, other) => one - other)
}
