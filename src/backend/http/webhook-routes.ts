import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import type { Selectable } from 'kysely'
import { z } from 'zod'
import { pageQueryShape } from '#contract/backend/values.ts'
import {
  webhookCreateSchema,
  webhookDeliveryPageSchema,
  webhookDeliveryQuerySchema,
  webhookDeliverySchema,
  webhookPageSchema,
  webhookPatchSchema,
  webhookSchema,
  webhookWithSecretSchema,
  type Webhook,
} from '#contract/backend/webhooks.ts'
import type { Db } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import { newId } from '../ids.ts'
import type { Jobs } from '../jobs/jobs.ts'
import { mergeMetadata } from '../metadata.ts'
import type { PermitAddress } from '../outbound/guarded-request.ts'
import { created, invalid, missing, noContent, ok, refuse, type Refusal } from './answer.ts'
import { readPage } from './page.ts'
import { route, type Credential, type Route } from './route.ts'

const base = '/integrations/api/v1/webhooks/endpoints'
/** How long the secret before a renewal still signs beside the new one. */
const oldSecretMs = 24 * 3_600_000

type EndpointRow = Selectable<Tables['webhook_endpoints']>
type DeliveryRow = Selectable<Tables['webhook_deliveries']>

/** The endpoints of webhooks (contracts 1.10, 1.12): for managers, of their own organisation. */
export function webhookRoutes(rules: {
  readonly addJobs: Jobs['add']
  readonly permits: PermitAddress
}): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: base,
      operationId: 'createWebhook',
      summary: 'Register a webhook; its secret is shown in this answer only',
      access: 'write',
      isForManagers: true,
      idempotent: true,
      body: webhookCreateSchema,
      success: { status: 201, schema: webhookWithSecretSchema },
      async handle({ body, credential, at, db }) {
        const refused = refusedTarget(body.url, rules.permits)
        if (refused) return refused
        const merged = mergeMetadata({}, body.metadata)
        if ('fault' in merged) return invalid(merged.fault)
        const row: EndpointRow = {
          tenant_id: null,
          id: newId(),
          organization_id: credential.organizationId,
          url: body.url,
          description: body.description,
          event_types: JSON.stringify(body.event_types),
          is_active: body.is_active ? 1 : 0,
          metadata: JSON.stringify(merged.metadata),
          secret: randomBytes(64).toString('hex'),
          old_secret: '',
          old_secret_until: '',
          created_at: at.toISOString(),
          modified_at: at.toISOString(),
        }
        await db.insertInto('webhook_endpoints').values(row).execute()
        return created({ ...endpointAnswer(row), secret: row.secret })
      },
    }),

    route({
      method: 'GET',
      path: base,
      operationId: 'listWebhooks',
      summary: 'List the webhooks of the own organisation',
      access: 'read',
      isForManagers: true,
      query: z.strictObject(pageQueryShape),
      success: { status: 200, schema: webhookPageSchema },
      async handle({ query, credential, db }) {
        const matching = db
          .selectFrom('webhook_endpoints')
          .where('organization_id', '=', credential.organizationId)
          .where('tenant_id', 'is', null)
        const rows = matching.selectAll().orderBy('id')
        return ok(await readPage(matching, rows, query, endpointAnswer))
      },
    }),

    route({
      method: 'GET',
      path: `${base}/{id}`,
      operationId: 'getWebhook',
      summary: 'Get a webhook',
      access: 'read',
      isForManagers: true,
      success: { status: 200, schema: webhookSchema },
      async handle({ param, credential, db }) {
        const row = await selectEndpoint(db, credential, param).executeTakeFirst()
        return row ? ok(endpointAnswer(row)) : missing('webhook')
      },
    }),

    route({
      method: 'PATCH',
      path: `${base}/{id}`,
      operationId: 'updateWebhook',
      summary: 'Change a webhook',
      access: 'write',
      isForManagers: true,
      body: webhookPatchSchema,
      success: { status: 200, schema: webhookSchema },
      async handle({ param, body, credential, at, db }) {
        const row = await selectEndpoint(db, credential, param).forNoKeyUpdate().executeTakeFirst()
        if (!row) return missing('webhook')
        const refused = body.url === undefined ? undefined : refusedTarget(body.url, rules.permits)
        if (refused) return refused
        const present = JSON.parse(row.metadata) as Record<string, string>
        const merged = body.metadata === undefined ? { metadata: present } : mergeMetadata(present, body.metadata)
        if ('fault' in merged) return invalid(merged.fault)
        const change = {
          url: body.url ?? row.url,
          description: body.description ?? row.description,
          event_types: body.event_types === undefined ? row.event_types : JSON.stringify(body.event_types),
          is_active: body.is_active === undefined ? row.is_active : body.is_active ? 1 : 0,
          metadata: JSON.stringify(merged.metadata),
          modified_at: at.toISOString(),
        }
        await db.updateTable('webhook_endpoints').set(change).where('id', '=', row.id).execute()
        return ok(endpointAnswer({ ...row, ...change }))
      },
    }),

    route({
      method: 'DELETE',
      path: `${base}/{id}`,
      operationId: 'deleteWebhook',
      summary: 'Delete a webhook with its deliveries',
      access: 'write',
      isForManagers: true,
      success: { status: 204 },
      async handle({ param, credential, db }) {
        const row = await selectEndpoint(db, credential, param).executeTakeFirst()
        if (!row) return missing('webhook')
        await db.deleteFrom('webhook_endpoints').where('id', '=', row.id).execute()
        return noContent()
      },
    }),

    route({
      method: 'POST',
      path: `${base}/{id}/rotate-secret`,
      operationId: 'rotateWebhookSecret',
      summary: 'Renew the secret of a webhook; the old one signs too for 24 hours',
      access: 'write',
      isForManagers: true,
      success: { status: 200, schema: webhookWithSecretSchema },
      async handle({ param, credential, at, db }) {
        const row = await selectEndpoint(db, credential, param).forNoKeyUpdate().executeTakeFirst()
        if (!row) return missing('webhook')
        const change = {
          secret: randomBytes(64).toString('hex'),
          old_secret: row.secret,
          old_secret_until: new Date(at.getTime() + oldSecretMs).toISOString(),
          modified_at: at.toISOString(),
        }
        await db.updateTable('webhook_endpoints').set(change).where('id', '=', row.id).execute()
        return ok({ ...endpointAnswer({ ...row, ...change }), secret: change.secret })
      },
    }),

    route({
      method: 'GET',
      path: `${base}/{id}/deliveries`,
      operationId: 'listWebhookDeliveries',
      summary: 'List the deliveries of a webhook, newest first',
      access: 'read',
      isForManagers: true,
      query: webhookDeliveryQuerySchema,
      success: { status: 200, schema: webhookDeliveryPageSchema },
      async handle({ param, query, credential, db }) {
        const endpoint = await selectEndpoint(db, credential, param).executeTakeFirst()
        if (!endpoint) return missing('webhook')
        let matching = db.selectFrom('webhook_deliveries').where('endpoint_id', '=', endpoint.id)
        if (query.status !== undefined) matching = matching.where('status', '=', query.status)
        const rows = matching.selectAll().orderBy('id', 'desc')
        return ok(await readPage(matching, rows, query, deliveryAnswer))
      },
    }),

    route({
      method: 'POST',
      path: `${base}/{id}/deliveries/{delivery_id}/resend`,
      operationId: 'resendWebhookDelivery',
      summary: 'Send a delivery once more, with all its attempts; also one that has been taken',
      access: 'write',
      isForManagers: true,
      success: { status: 202, schema: webhookDeliverySchema },
      refusals: ['conflict'],
      async handle({ params, credential, db }) {
        const endpoint = await selectEndpoint(db, credential, params['id'] ?? '').executeTakeFirst()
        if (!endpoint) return missing('webhook')
        const row = await db
          .selectFrom('webhook_deliveries')
          .selectAll()
          .where('id', '=', params['delivery_id'] ?? '')
          .where('endpoint_id', '=', endpoint.id)
          .forNoKeyUpdate()
          .executeTakeFirst()
        if (!row) return missing('delivery')
        if (row.status !== 'DELIVERED' && row.status !== 'DEAD_LETTER') {
          return refuse('conflict', `The delivery is ${row.status}; it is being sent already.`)
        }
        const change = { status: 'PENDING' as const, last_error: '', response_status: null, delivered_at: null }
        await db.updateTable('webhook_deliveries').set(change).where('id', '=', row.id).execute()
        await rules.addJobs(db, 'webhook', [row.id])
        return { status: 202, body: deliveryAnswer({ ...row, ...change }) }
      },
    }),
  ]
}

function selectEndpoint(db: Db, credential: Credential, id: string) {
  return db
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('id', '=', id)
    .where('organization_id', '=', credential.organizationId)
    .where('tenant_id', 'is', null)
}

/** The refusal of an address that would never be sent to; a name is checked at each delivery, when it is resolved. */
function refusedTarget(address: string, permits: PermitAddress): Refusal | undefined {
  if (!URL.canParse(address)) return invalid({ field: 'url', message: 'is no address' })
  const url = new URL(address)
  if (url.username !== '' || url.password !== '') {
    return invalid({ field: 'url', message: 'must have neither user nor password; deliveries are signed' })
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
  return isIP(host) !== 0 && !permits(host, port)
    ? invalid({ field: 'url', message: `${host} is not a public address and is not asked` })
    : undefined
}

function endpointAnswer(row: EndpointRow): Webhook {
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    event_types: JSON.parse(row.event_types) as string[],
    is_active: row.is_active === 1,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    created: row.created_at,
    modified: row.modified_at,
  }
}

function deliveryAnswer(row: DeliveryRow) {
  return {
    id: row.id,
    endpoint_id: row.endpoint_id,
    event_id: row.event_id,
    event_type: row.event_type,
    status: row.status,
    attempts: row.attempts,
    response_status: row.response_status,
    last_error: row.last_error,
    created: row.created_at,
    delivered_at: row.delivered_at,
  }
}
