import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { loginAnswerSchema, loginSchema } from '#contract/backend/account.ts'
import {
  addScanRequestSchema,
  privilegeWriteSchema,
  walletWebhookCreateSchema,
  walletWebhookPatchSchema,
} from '#contract/gate/scan-api.ts'
import { problemBody, problemSchema, problems, type ProblemCode } from '#contract/backend/problem.ts'
import { photoPatchSchema, photoRegisterSchema, photoReorderSchema } from '#contract/backend/photos.ts'
import {
  productClaimSchema,
  productCreateSchema,
  productMergeSchema,
  productPatchSchema,
  productSchema,
} from '#contract/backend/products.ts'
import { bulkReviewSchema, proposalReviewSchema, reviewHoldSchema } from '#contract/backend/proposals.ts'
import {
  capturePatchSchema,
  captureSchema,
  captureSubmitSchema,
  sessionCreateSchema,
  sessionDetailSchema,
  sessionPatchSchema,
  sessionPollSchema,
  sessionSummarySchema,
} from '#contract/backend/scanner.ts'
import { webhookCreateSchema, webhookPatchSchema } from '#contract/backend/webhooks.ts'
import { startSite } from './fixture.ts'

interface Operation {
  readonly operationId: string
  readonly security: readonly object[]
  readonly parameters: readonly { name: string; in: string; required: boolean; schema: object }[]
  readonly requestBody?: { readonly content: Record<string, { schema: Record<string, unknown> }> }
  readonly responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>
}
interface Document {
  readonly openapi: string
  readonly info: { title: string; version: string }
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Record<string, { examples?: unknown[] }> }
}

const documented: Record<string, string[]> = {
  '/scanner/api/v1/openapi.json': [
    'DELETE /scanner/api/v1/captures/{id}',
    'DELETE /scanner/api/v1/sessions/{id}',
    'DELETE /scanner/api/v1/sessions/{session_id}/photos/{photo_id}',
    'GET /scanner/api/v1/captures',
    'GET /scanner/api/v1/captures/{id}',
    'GET /scanner/api/v1/captures/{id}/proposals',
    'GET /scanner/api/v1/events',
    'GET /scanner/api/v1/proposals',
    'GET /scanner/api/v1/sessions',
    'GET /scanner/api/v1/sessions/{id}',
    'GET /scanner/api/v1/sessions/{id}/status',
    'GET /scanner/api/v1/sessions/{session_id}/photos',
    'GET /scanner/api/v1/sessions/{session_id}/presigned-upload-url',
    'GET /scanner/api/v1/unread-photos',
    'GET /scanner/api/v1/uploads/{token}',
    'PATCH /scanner/api/v1/captures/{id}',
    'PATCH /scanner/api/v1/proposals/{proposal_id}',
    'PATCH /scanner/api/v1/sessions/{id}',
    'PATCH /scanner/api/v1/sessions/{session_id}/photos/{photo_id}',
    'POST /scanner/api/v1/captures',
    'POST /scanner/api/v1/captures/upload-image',
    'POST /scanner/api/v1/captures/{id}/apply',
    'POST /scanner/api/v1/captures/{id}/enrich',
    'POST /scanner/api/v1/captures/{id}/proposals/bulk-review',
    'POST /scanner/api/v1/captures/{id}/retry',
    'POST /scanner/api/v1/captures/{id}/review-hold',
    'POST /scanner/api/v1/captures/{id}/unread-photos/settle',
    'POST /scanner/api/v1/sessions',
    'POST /scanner/api/v1/sessions/{id}/end',
    'POST /scanner/api/v1/sessions/{id}/extraction/accept',
    'POST /scanner/api/v1/sessions/{id}/extraction/reject',
    'POST /scanner/api/v1/sessions/{id}/submit',
    'POST /scanner/api/v1/sessions/{session_id}/photos',
    'POST /scanner/api/v1/sessions/{session_id}/photos/reorder',
    'POST /scanner/api/v1/uploads/{token}',
    'PUT /scanner/api/v1/uploads/{token}',
  ],
  '/products/api/v1/openapi.json': [
    'DELETE /products/api/v1/products/{gtin}/claim',
    'GET /products/api/v1/browse/products/{id}',
    'GET /products/api/v1/products',
    'GET /products/api/v1/products/{gtin}',
    'GET /products/api/v1/products/{gtin}/history',
    'GET /products/api/v1/products/{gtin}/photos',
    'GET /products/api/v1/trade-items',
    'GET /products/api/v1/trade-items/{gtin}',
    'PATCH /products/api/v1/products/{gtin}',
    'POST /products/api/v1/products',
    'POST /products/api/v1/products/{gtin}/claim',
    'POST /products/api/v1/products/{gtin}/history/{change_id}/undo',
    'POST /products/api/v1/products/{gtin}/merge',
  ],
  '/integrations/api/v1/openapi.json': [
    'DELETE /integrations/api/v1/webhooks/endpoints/{id}',
    'GET /integrations/api/v1/webhooks/endpoints',
    'GET /integrations/api/v1/webhooks/endpoints/{id}',
    'GET /integrations/api/v1/webhooks/endpoints/{id}/deliveries',
    'PATCH /integrations/api/v1/webhooks/endpoints/{id}',
    'POST /integrations/api/v1/webhooks/endpoints',
    'POST /integrations/api/v1/webhooks/endpoints/{id}/deliveries/{delivery_id}/resend',
    'POST /integrations/api/v1/webhooks/endpoints/{id}/rotate-secret',
  ],
  '/account/api/v1/openapi.json': [
    'GET /account/api/v1/me',
    'POST /account/api/v1/login',
    'POST /account/api/v1/logout',
  ],
  '/stations/api/v1/openapi.json': [
    'GET /stations/api/v1/site',
    'POST /stations/api/v1/check-in',
    'POST /stations/api/v1/enrolments',
    'POST /stations/api/v1/recovery-key',
    'POST /stations/api/v1/support',
  ],
  '/api/openapi.json': [
    'DELETE /api/{tenantId}/passes/{passId}/privileges/{privilegeId}',
    'DELETE /api/{tenantId}/webhooks/{id}',
    'GET /api/{tenantId}/passes',
    'GET /api/{tenantId}/passes/{passId}/privileges',
    'GET /api/{tenantId}/passes/{passId}/privileges/{privilegeId}',
    'GET /api/{tenantId}/scans',
    'GET /api/{tenantId}/scans/{id}',
    'GET /api/{tenantId}/webhooks',
    'GET /api/{tenantId}/webhooks/{id}',
    'PATCH /api/{tenantId}/webhooks/{id}',
    'POST /api/{tenantId}/passes/{passId}/privileges',
    'POST /api/{tenantId}/passes/{passId}/privileges/{privilegeId}/movements',
    'POST /api/{tenantId}/scans',
    'POST /api/{tenantId}/webhooks',
    'PUT /api/{tenantId}/passes/{passId}/privileges/{privilegeId}',
  ],
  '/gate/v1/openapi.json': [
    'GET /gate/v1/list',
    'GET /gate/v1/list/key',
    'GET /gate/v1/rules',
    'GET /relay/v1/wallet',
    'POST /gate/v1/verdicts',
    'POST /gate/v1/verdicts/{id}/undo',
    'POST /relay/v1/wallet/passes/{passId}/privileges/{privilegeId}/movements',
    'POST /relay/v1/wallet/scans',
  ],
}

async function documents(): Promise<[string, Document][]> {
  const site = await startSite()
  return Promise.all(
    Object.keys(documented).map(async (path) => {
      // No key: a description is for everyone.
      const response = await fetch(site.url + path)
      return [path, (await response.json()) as Document] as [string, Document]
    }),
  )
}

const operations = (document: Document) =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      path,
      operation,
    })),
  )

describe('the OpenAPI documents', () => {
  it('name every endpoint of the contract', async () => {
    for (const [path, document] of await documents()) {
      expect(document.openapi).toBe('3.1.0')
      expect(
        operations(document)
          .map(({ name }) => name)
          .toSorted(),
      ).toEqual(documented[path])
    }
  })

  it('are sound: ids differ, path parameters are declared, references lead somewhere, answers have words', async () => {
    for (const [, document] of await documents()) {
      const all = operations(document)
      expect(new Set(all.map(({ operation }) => operation.operationId)).size).toBe(all.length)
      for (const { path, operation, name } of all) {
        const declared = operation.parameters.filter((parameter) => parameter.in === 'path')
        expect(declared.map((parameter) => `{${parameter.name}}`)).toEqual(path.match(/\{\w+\}/g) ?? [])
        expect(declared.every((parameter) => parameter.required)).toBe(true)
        expect(
          Object.keys(operation.responses).some((status) => status.startsWith('2')),
          name,
        ).toBe(true)
        for (const answer of Object.values(operation.responses)) expect(answer.description).not.toBe('')
      }
      const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map((match) => match[1] ?? '')
      expect(references.length).toBeGreaterThan(0)
      for (const reference of references) {
        const schema = /^#\/components\/schemas\/(\w+)$/.exec(reference)?.[1] ?? reference
        expect(Object.keys(document.components.schemas)).toContain(schema)
      }
      expect(JSON.stringify(document)).not.toContain('$defs')
    }
  })

  it('show the upload as a form with its file', async () => {
    const [, scanner] = (await documents())[0] ?? []
    const upload = scanner?.paths['/scanner/api/v1/captures/upload-image']?.['post']
    expect(upload?.requestBody?.content['multipart/form-data']?.schema).toMatchObject({
      properties: { image: { type: 'string', format: 'binary' }, session_short_id: { type: 'string' } },
      required: ['image'],
    })
    expect(Object.keys(upload?.responses ?? {})).toEqual(expect.arrayContaining(['201', '401', '413', '415', '422']))
  })

  it('give examples that their own schemas accept', async () => {
    const schemas: Record<string, z.ZodType> = {
      SessionCreate: sessionCreateSchema,
      SessionPatch: sessionPatchSchema,
      SessionSummary: sessionSummarySchema,
      SessionDetail: sessionDetailSchema,
      SessionStatus: sessionPollSchema,
      Capture: captureSchema,
      CaptureSubmit: captureSubmitSchema,
      CapturePatch: capturePatchSchema,
      Product: productSchema,
      ProductCreate: productCreateSchema,
      Problem: problemSchema,
      PhotoRegister: photoRegisterSchema,
      PhotoPatch: photoPatchSchema,
      PhotoReorder: photoReorderSchema,
      ProposalReview: proposalReviewSchema,
      BulkReview: bulkReviewSchema,
      ProductPatch: productPatchSchema,
      ProductMerge: productMergeSchema,
      ReviewHold: reviewHoldSchema,
      ProductClaim: productClaimSchema,
      WebhookCreate: webhookCreateSchema,
      WebhookPatch: webhookPatchSchema,
      Login: loginSchema,
      LoginAnswer: loginAnswerSchema,
      AddScanRequest: addScanRequestSchema,
      PrivilegeWrite: privilegeWriteSchema,
      WalletWebhookCreate: walletWebhookCreateSchema,
      WalletWebhookPatch: walletWebhookPatchSchema,
    }
    let examples = 0
    for (const [, document] of await documents()) {
      for (const [name, { examples: given = [] }] of Object.entries(document.components.schemas)) {
        for (const example of given) {
          examples += 1
          expect(schemas[name]?.safeParse(example), name).toMatchObject({ success: true })
        }
      }
    }
    expect(examples).toBeGreaterThan(5)
  })

  it('stand together in one that names every endpoint of all of them', async () => {
    const site = await startSite()
    const whole = (await (await fetch(`${site.url}/openapi.json`)).json()) as Document
    expect(
      operations(whole)
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(Object.values(documented).flat().toSorted())
  })

  it('are found through the catalogue', async () => {
    const site = await startSite()
    const response = await fetch(`${site.url}/.well-known/api-catalog`)
    expect(response.headers.get('content-type')).toBe('application/linkset+json')
    const { linkset } = (await response.json()) as { linkset: { 'service-desc': { href: string }[] }[] }
    expect(linkset.map((entry) => entry['service-desc'][0]?.href).toSorted()).toEqual(
      Object.keys(documented).toSorted(),
    )
  })
})

describe('the error body', () => {
  it('serves both documented shapes for every code', () => {
    for (const code of Object.keys(problems) as ProblemCode[]) {
      const body = problemSchema.strict().parse(problemBody(code, 'why', new Date()))
      expect(body).toMatchObject({ error_code: code, error: { code: code.toUpperCase(), details: null } })
      expect(body.retryable).toBe(body.status === 429 || body.status >= 500)
    }
  })
})
