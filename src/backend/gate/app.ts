import { createPrivateKey, sign } from 'node:crypto'
import { Hono, type Context } from 'hono'
import { z } from 'zod'
import {
  addScanRequestSchema,
  movementRequestSchema,
  privilegeWriteSchema,
  relayScanSchema,
  scanTypeSchema,
  walletWebhookCreateSchema,
  walletWebhookPatchSchema,
  type KeptScan,
  type movementResponseSchema,
  type Privilege,
  type RelayScan,
  type WalletPass,
  type walletWebhookSchema,
} from '#contract/gate/scan-api.ts'
import {
  gatePaths,
  listHeaders,
  undoRequestSchema,
  verdictRequestSchema,
  type ListKey,
  type RelayStatus,
} from '#contract/gate/site.ts'
import { instantSchema } from '#contract/station/values.ts'
import type { Database, Db } from '../db/database.ts'
import { newId } from '../ids.ts'
import type { Log } from '../log.ts'
import { eventOf, findPass, holdTenant, rulesOf, sealAgain, useOf } from './passes.ts'
import { listPage } from './list.ts'
import { checked, createRequests, param, Problem, problemResponse } from './request.ts'
import { newWebhookId, newWebhookSecret, type Scans } from './scans.ts'
import type { TenantRow } from './tables.ts'
import { identifyTenant } from './tenants.ts'
import { readMovement } from './upstream.ts'
import { decide, undo } from './verdicts.ts'

/** How long two reads of one device are one scan for the relay. */
const sameReadMs = 2_000
const tokenSeconds = 3_600
/** How long a station's call waits for the tenant: its own wait is not much longer, and a repeat finds the answer. */
const relayWaitMs = 600

export interface GateAppOptions {
  readonly database: Database
  readonly log: Log
  readonly now: () => Date
  readonly scans: Scans
  /** What a missing scope is answered with: contracts 2.1 says 401, a newer page 403. */
  readonly scopeFailureStatus?: 401 | 403
}

/** Paths of The Wallet Crew's API, of its relay and of the gates; everything else is another app's. */
export const isGatePath = (path: string): boolean => /^\/(?:api|relay|gate|oauth)\//.test(path)

/** The reference Scan API of The Wallet Crew (contracts 2), the relay, and what gates ask their site. */
export function createGateApp({ database, log, now, scans, scopeFailureStatus = 401 }: GateAppOptions): Hono {
  const app = new Hono()
  const { db } = database

  const { admit, body } = createRequests({ db, now, scopeFailureStatus })
  /** A write whose scans and events are then taken up. */
  const write: Database['write'] = async (work) => {
    const answer = await database.write(work)
    scans.wake()
    return answer
  }

  app.onError((error, context) => {
    if (error instanceof Problem) return problemResponse(error)
    log.error({ err: error, method: context.req.method, path: context.req.path }, 'request failed')
    return problemResponse(new Problem(500, 'The server failed; its log has the reason.'))
  })
  app.notFound(() => problemResponse(new Problem(404, 'There is nothing at this path.')))

  // --- Scans ----------------------------------------------------------------------------------------

  app.post('/api/:tenantId/scans', async (context) => {
    const tenant = await admit(context, 'PassScan.Scan')
    const scan = await body(context, addScanRequestSchema)
    const passId = await write(async (transaction) => {
      const pass = await findPass(transaction, tenant, scan.data)
      const from = { scannedAt: now().toISOString(), clientScanId: null, deviceId: '' }
      if (pass !== undefined) await scans.record(transaction, tenant, pass, { ...scan, ...from })
      return pass?.id
    })
    if (passId === undefined) throw new Problem(404, 'No pass has this value.')
    return context.json({ passId }, 201)
  })

  const pageShape = {
    pageIndex: z.coerce.number().int().min(0).max(1_000_000).default(0),
    pageSize: z.coerce.number().int().min(1).max(1_000).default(20),
  }
  const scanQuery = z.object({
    ...pageShape,
    passId: z.string().max(100).optional(),
    type: scanTypeSchema.optional(),
    from: instantSchema.optional(),
    to: instantSchema.optional(),
  })
  const toScan = (row: {
    id: string
    pass_id: string
    data: string
    type: KeptScan['type']
    scanned_at: string
  }): KeptScan => ({
    id: row.id,
    passId: row.pass_id,
    data: row.data,
    type: row.type,
    scannedAt: row.scanned_at,
  })

  app.get('/api/:tenantId/scans', async (context) => {
    const tenant = await admit(context, 'PassScan.Read')
    const query = checked(scanQuery, context.req.query())
    let rows = db.selectFrom('pass_scans').where('tenant_id', '=', tenant.id)
    if (query.passId !== undefined) rows = rows.where('pass_id', '=', query.passId)
    if (query.type !== undefined) rows = rows.where('type', '=', query.type)
    if (query.from !== undefined) rows = rows.where('scanned_at', '>=', query.from)
    if (query.to !== undefined) rows = rows.where('scanned_at', '<', query.to)
    const { n } = await rows.select((select) => select.fn.countAll().as('n')).executeTakeFirstOrThrow()
    const page = await rows
      .selectAll()
      .orderBy('id', 'desc')
      .limit(query.pageSize)
      .offset(query.pageIndex * query.pageSize)
      .execute()
    return context.json(page.map(toScan), 200, { 'x-pagination-total': String(Number(n)) })
  })

  app.get('/api/:tenantId/scans/:id', async (context) => {
    const tenant = await admit(context, 'PassScan.Read')
    const row = await db
      .selectFrom('pass_scans')
      .selectAll()
      .where('tenant_id', '=', tenant.id)
      .where('id', '=', param(context, 'id'))
      .executeTakeFirst()
    if (row === undefined) throw new Problem(404, 'There is no such scan.')
    return context.json(toScan(row))
  })

  // --- Passes and privileges --------------------------------------------------------------------------

  app.get('/api/:tenantId/passes', async (context) => {
    const tenant = await admit(context, 'Pass.Read')
    const query = checked(z.object(pageShape), context.req.query())
    const of = db.selectFrom('passes').where('tenant_id', '=', tenant.id)
    const { n } = await of.select((select) => select.fn.countAll().as('n')).executeTakeFirstOrThrow()
    const rows = await of
      .selectAll()
      .orderBy('id')
      .limit(query.pageSize)
      .offset(query.pageIndex * query.pageSize)
      .execute()
    const values =
      rows.length === 0
        ? []
        : await db
            .selectFrom('pass_values')
            .select(['pass_id', 'value', 'format'])
            .where('tenant_id', '=', tenant.id)
            .where(
              'pass_id',
              'in',
              rows.map(({ id }) => id),
            )
            .execute()
    const passes = rows.map((row): WalletPass => {
      const own = values.filter(({ pass_id }) => pass_id === row.id)
      return {
        id: row.id,
        passType: row.pass_type,
        passKind: row.pass_kind,
        creationDate: row.created_at,
        lastUpdateDate: row.modified_at,
        identifiers: JSON.parse(row.identifiers) as Record<string, string>,
        metadata: JSON.parse(row.metadata) as Record<string, string>,
        barcodes: own.filter(({ format }) => format !== 'nfc').map(({ format, value }) => ({ format, value })),
        nfcValue: own.find(({ format }) => format === 'nfc')?.value ?? null,
        status: row.status,
        validFrom: row.valid_from,
        validUntil: row.valid_until,
      }
    })
    return context.json(passes, 200, { 'x-pagination-total': String(Number(n)) })
  })

  const passOf = async (transaction: Db, tenant: TenantRow, id: string) => {
    const pass = await transaction
      .selectFrom('passes')
      .selectAll()
      .where('tenant_id', '=', tenant.id)
      .where('id', '=', id)
      .executeTakeFirst()
    if (pass === undefined) throw new Problem(404, 'There is no such pass.')
    return pass
  }
  const privileges = '/api/:tenantId/passes/:passId/privileges'

  app.get(privileges, async (context) => {
    const tenant = await admit(context, 'Privilege.Read')
    const pass = await passOf(db, tenant, param(context, 'passId'))
    const rows = await db
      .selectFrom('pass_privileges')
      .selectAll()
      .where('tenant_id', '=', tenant.id)
      .where('pass_id', '=', pass.id)
      .orderBy('priority', 'desc')
      .orderBy('id')
      .execute()
    return context.json(rows.map(toPrivilege))
  })

  app.post(privileges, async (context) => {
    const tenant = await admit(context, 'Privilege.Write')
    const wish = await body(context, privilegeWriteSchema)
    const id = newId()
    await database.write((transaction) => putPrivilege(transaction, tenant, param(context, 'passId'), id, wish))
    return context.json({ privilegeId: id }, 202)
  })

  /** Makes a privilege or sets what a present one is; what is left of it stays. */
  const putPrivilege = async (
    transaction: Db,
    tenant: TenantRow,
    passId: string,
    id: string,
    wish: z.infer<typeof privilegeWriteSchema>,
  ): Promise<void> => {
    await holdTenant(transaction, tenant.id)
    const pass = await passOf(transaction, tenant, passId)
    const own = await transaction
      .selectFrom('pass_privileges')
      .select(['id', 'pass_id', 'external_id'])
      .where('tenant_id', '=', tenant.id)
      .where((where) => where.or([where('pass_id', '=', pass.id), where('id', '=', id)]))
      .execute()
    if (own.some((one) => one.id === id && one.pass_id !== pass.id)) {
      throw new Problem(409, 'The privilege is of another pass.')
    }
    if (own.some((one) => one.id !== id && one.external_id === wish.externalId)) {
      throw new Problem(409, 'The pass has a privilege of this external id.')
    }
    if (own.length >= 5 && own.every((one) => one.id !== id)) {
      throw new Problem(422, 'A pass carries five privileges at most.')
    }
    const fresh = { external_id: wish.externalId, priority: wish.priority, type: wish.type }
    await transaction
      .insertInto('pass_privileges')
      .values({ tenant_id: tenant.id, id, pass_id: pass.id, ...fresh, total: 0 })
      .onConflict((conflict) => conflict.columns(['tenant_id', 'id']).doUpdateSet(fresh))
      .execute()
    await tell(transaction, tenant, pass.id)
  }

  const privilegeOf = async (transaction: Db, tenant: TenantRow, context: Context) => {
    const found = await transaction
      .selectFrom('pass_privileges')
      .selectAll()
      .where('tenant_id', '=', tenant.id)
      .where('pass_id', '=', param(context, 'passId'))
      .where('id', '=', param(context, 'privilegeId'))
      .executeTakeFirst()
    if (found === undefined) throw new Problem(404, 'There is no such privilege.')
    return found
  }

  app.get(`${privileges}/:privilegeId`, async (context) => {
    const tenant = await admit(context, 'Privilege.Read')
    return context.json(toPrivilege(await privilegeOf(db, tenant, context)))
  })

  app.put(`${privileges}/:privilegeId`, async (context) => {
    const tenant = await admit(context, 'Privilege.Write')
    const wish = await body(context, privilegeWriteSchema)
    const privilegeId = param(context, 'privilegeId')
    if (!/^[A-Za-z0-9._-]{1,100}$/.test(privilegeId)) throw new Problem(400, 'This is no id of a privilege.')
    await database.write((transaction) =>
      putPrivilege(transaction, tenant, param(context, 'passId'), privilegeId, wish),
    )
    return context.json({ privilegeId }, 202)
  })

  app.delete(`${privileges}/:privilegeId`, async (context) => {
    const tenant = await admit(context, 'Privilege.Write')
    await database.write(async (transaction) => {
      await holdTenant(transaction, tenant.id)
      const found = await privilegeOf(transaction, tenant, context)
      await transaction
        .deleteFrom('pass_privileges')
        .where('tenant_id', '=', tenant.id)
        .where('id', '=', found.id)
        .execute()
      await tell(transaction, tenant, found.pass_id)
    })
    return context.body(null, 204)
  })

  app.post(`${privileges}/:privilegeId/movements`, async (context) => {
    const tenant = await admit(context, 'Privilege.Write')
    return context.json(await move(context, tenant, await body(context, movementRequestSchema)), 201)
  })

  /** Issues or consumes, if nobody else has meanwhile. */
  const move = (
    context: Context,
    tenant: TenantRow,
    wish: z.infer<typeof movementRequestSchema>,
  ): Promise<z.infer<typeof movementResponseSchema>> =>
    database.write(async (transaction) => {
      await holdTenant(transaction, tenant.id)
      const found = await privilegeOf(transaction, tenant, context)
      if (found.total !== wish.expectedTotal) {
        throw new Problem(409, 'Somebody else has moved it meanwhile.', { currentTotal: found.total })
      }
      const total = found.total + wish.value
      if (total < 0 && found.type !== 'Unlimited') throw new Problem(422, 'Nothing is left of it.')
      if (total > 1 && found.type === 'OneTime') throw new Problem(422, 'It can be used once.')
      const movementId = newId()
      const moved = { id: movementId, privilege_id: found.id, value: wish.value, total, at: now().toISOString() }
      await transaction
        .insertInto('privilege_movements')
        .values({ tenant_id: tenant.id, ...moved })
        .execute()
      await transaction
        .updateTable('pass_privileges')
        .set({ total })
        .where('tenant_id', '=', tenant.id)
        .where('id', '=', found.id)
        .execute()
      await tell(transaction, tenant, found.pass_id)
      return { movementId, total }
    })

  /** Has the list tell of a pass whose privileges have changed. */
  const tell = async (transaction: Db, of: TenantRow, passId: string): Promise<void> => {
    const tenant = await holdTenant(transaction, of.id)
    const pass = await passOf(transaction, tenant, passId)
    await sealAgain(transaction, tenant, pass, await useOf(transaction, tenant.id, eventOf(tenant), pass.id))
  }

  // --- Webhooks ---------------------------------------------------------------------------------------

  const webhooks = '/api/:tenantId/webhooks'
  const webhookOf = async (transaction: Db, tenant: TenantRow, id: string) => {
    const found = await transaction
      .selectFrom('webhook_endpoints')
      .selectAll()
      .where('tenant_id', '=', tenant.id)
      .where('id', '=', id)
      .executeTakeFirst()
    if (found === undefined) throw new Problem(404, 'There is no such webhook.')
    return found
  }

  app.post(webhooks, async (context) => {
    const tenant = await admit(context, 'Webhook.Write')
    const wish = await body(context, walletWebhookCreateSchema)
    const row = {
      id: newWebhookId(),
      organization_id: tenant.organization_id,
      tenant_id: tenant.id,
      url: wish.endpoint,
      description: wish.description,
      event_types: JSON.stringify(wish.events),
      is_active: wish.enabled ? 1 : 0,
      metadata: '{}',
      secret: newWebhookSecret(),
      created_at: now().toISOString(),
      modified_at: now().toISOString(),
    }
    await database.write((transaction) => transaction.insertInto('webhook_endpoints').values(row).execute())
    return context.json({ ...toWebhook(row), signatureSecret: row.secret }, 201)
  })

  app.get(webhooks, async (context) => {
    const tenant = await admit(context, 'Webhook.Read')
    const rows = await db
      .selectFrom('webhook_endpoints')
      .selectAll()
      .where('tenant_id', '=', tenant.id)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    return context.json(rows.map(toWebhook), 200, { 'x-pagination-total': String(rows.length) })
  })

  app.get(`${webhooks}/:id`, async (context) => {
    const tenant = await admit(context, 'Webhook.Read')
    return context.json(toWebhook(await webhookOf(db, tenant, param(context, 'id'))))
  })

  app.patch(`${webhooks}/:id`, async (context) => {
    const tenant = await admit(context, 'Webhook.Write')
    const wish = await body(context, walletWebhookPatchSchema)
    const changed = await database.write(async (transaction) => {
      const found = await webhookOf(transaction, tenant, param(context, 'id'))
      const change = {
        url: wish.endpoint ?? found.url,
        description: wish.description ?? found.description,
        event_types: wish.events === undefined ? found.event_types : JSON.stringify(wish.events),
        is_active: wish.enabled === undefined ? found.is_active : wish.enabled ? 1 : 0,
        modified_at: now().toISOString(),
      }
      await transaction.updateTable('webhook_endpoints').set(change).where('id', '=', found.id).execute()
      return { ...found, ...change }
    })
    return context.json(toWebhook(changed))
  })

  app.delete(`${webhooks}/:id`, async (context) => {
    const tenant = await admit(context, 'Webhook.Write')
    await database.write(async (transaction) => {
      const found = await webhookOf(transaction, tenant, param(context, 'id'))
      await transaction.deleteFrom('webhook_endpoints').where('id', '=', found.id).execute()
    })
    return context.body(null, 204)
  })

  // --- The relay --------------------------------------------------------------------------------------

  app.post(gatePaths.relay, async (context) => {
    const { id } = await admit(context, 'Gate.Station')
    const scan = await body(context, relayScanSchema)
    const known = await write(async (transaction) => {
      const tenant = await holdTenant(transaction, id)
      const earlier = await earlierRead(transaction, id, scan)
      if (earlier !== undefined) return earlier
      const pass = await findPass(transaction, tenant, scan.data)
      await scans.record(transaction, tenant, pass, {
        data: scan.data,
        type: scan.type,
        scannedAt: scan.scanned_at,
        clientScanId: scan.client_scan_id,
        deviceId: scan.device_id,
      })
      return { passId: pass?.id, clientScanId: scan.client_scan_id }
    })
    const { forwarder } = scans
    if (forwarder === null) {
      if (known.passId === undefined) throw new Problem(404, 'No pass has this value.')
      return context.json({ passId: known.passId }, 201)
    }
    const outcome = await forwarder.outcome(known.clientScanId, relayWaitMs)
    switch (outcome?.state) {
      case 'sent':
        return context.json({ passId: outcome.pass_id }, 201)
      case 'unknown':
        throw new Problem(404, 'No pass has this value.')
      case 'refused':
        throw new Problem(400, outcome.detail)
      default:
        return context.json({ queued: true, client_scan_id: scan.client_scan_id }, 202)
    }
  })

  /** The same scan: a repeat of the call, or a second read of one device at once. */
  const earlierRead = async (
    transaction: Db,
    tenantId: string,
    scan: RelayScan,
  ): Promise<{ passId: string | undefined; clientScanId: string } | undefined> => {
    const since = new Date(Date.parse(scan.scanned_at) - sameReadMs).toISOString()
    const isKept = await transaction
      .selectFrom('pass_scans')
      .select(['pass_id', 'client_scan_id'])
      .where('tenant_id', '=', tenantId)
      .where((where) =>
        where.or([
          where('client_scan_id', '=', scan.client_scan_id),
          where.and([
            where('data', '=', scan.data),
            where('type', '=', scan.type),
            where('device_id', '=', scan.device_id),
            where('client_scan_id', 'is not', null),
            where('scanned_at', '>', since),
            where('scanned_at', '<=', scan.scanned_at),
          ]),
        ]),
      )
      .executeTakeFirst()
    if (isKept !== undefined) {
      return { passId: isKept.pass_id, clientScanId: isKept.client_scan_id ?? scan.client_scan_id }
    }
    const isSentOn = await transaction
      .selectFrom('upstream_scans')
      .select('client_scan_id')
      .where('tenant_id', '=', tenantId)
      .where((where) =>
        where.or([
          where('client_scan_id', '=', scan.client_scan_id),
          where.and([
            where('data', '=', scan.data),
            where('type', '=', scan.type),
            where('device_id', '=', scan.device_id),
            where('scanned_at', '>', since),
            where('scanned_at', '<=', scan.scanned_at),
          ]),
        ]),
      )
      .executeTakeFirst()
    return isSentOn && { passId: undefined, clientScanId: isSentOn.client_scan_id }
  }

  app.get(gatePaths.relayStatus, async (context) => {
    await admit(context, 'Gate.Station')
    const { forwarder } = scans
    const nothing: RelayStatus = { state: 'well', waiting: 0, sent: 0, refused: 0, doubtful: 0 }
    return context.json(forwarder === null ? nothing : await forwarder.status())
  })

  // A consumption is asked for now or not at all: nothing of it is kept for later.
  app.post('/relay/v1/wallet/passes/:passId/privileges/:privilegeId/movements', async (context) => {
    const tenant = await admit(context, 'Gate.Station')
    const wish = await body(context, movementRequestSchema)
    const { forwarder } = scans
    if (forwarder === null) return context.json(await move(context, tenant, wish), 201)
    const sent = await forwarder.upstream.move(param(context, 'passId'), param(context, 'privilegeId'), wish)
    if (sent.kind !== 'answered') {
      const detail =
        sent.isTaken === false
          ? 'The tenant cannot be asked now; nothing was moved.'
          : 'The tenant’s answer was lost: read the total before anything is moved again.'
      throw new Problem(sent.isTaken === false ? 503 : 502, detail)
    }
    const moved = readMovement(sent.body)
    if (sent.status < 300 && moved !== null) return context.json(moved, 201)
    const told = z.looseObject({ detail: z.string().optional(), currentTotal: z.int().optional() }).safeParse(sent.body)
    const { detail = 'The tenant does not move it.', currentTotal } = told.success ? told.data : {}
    throw new Problem(
      [400, 404, 409, 422].includes(sent.status) ? sent.status : 502,
      detail,
      currentTotal === undefined ? {} : { currentTotal },
    )
  })

  // --- The gates --------------------------------------------------------------------------------------

  app.post('/gate/v1/verdicts', async (context) => {
    const tenant = await admit(context, 'Gate.Station')
    const asked = await body(context, verdictRequestSchema)
    return context.json(await write((transaction) => decide(transaction, tenant.id, asked, scans)))
  })

  app.post('/gate/v1/verdicts/:id/undo', async (context) => {
    const tenant = await admit(context, 'Gate.Station')
    const { reason } = await body(context, undoRequestSchema)
    const id = param(context, 'id')
    const isDone = await database.write((transaction) => undo(transaction, tenant.id, id, reason, now()))
    if (!isDone) throw new Problem(404, 'There is no such admission.')
    return context.json({})
  })

  app.get('/gate/v1/rules', async (context) => {
    const tenant = await admit(context, 'Gate.Station')
    return context.json(rulesOf(tenant, context.req.query('gate') ?? '*'))
  })

  app.get('/gate/v1/list/key', async (context) => {
    const tenant = await admit(context, 'Gate.Station')
    const key: ListKey = { list: tenant.list_id, key: tenant.list_key, publicKey: tenant.sign_public }
    return context.json(key, 200, { 'cache-control': 'no-store' })
  })

  app.get('/gate/v1/list', async (context) => {
    const tenant = await admit(context, 'Gate.Station')
    const { after } = checked(z.object({ after: z.coerce.number().int().min(0).default(0) }), context.req.query())
    const page = await listPage(db, tenant, after, now())
    if (page === undefined) return context.body(null, 204)
    return new Response(page.body as Uint8Array<ArrayBuffer>, {
      headers: {
        'content-type': 'application/octet-stream',
        'cache-control': 'no-store',
        [listHeaders.head]: page.head,
        [listHeaders.signature]: page.signature,
      },
    })
  })

  // --- Tokens: ours, for tests of clients that use OAuth ------------------------------------------------

  app.post('/oauth/token', async (context) => {
    const form = new URLSearchParams(await context.req.text())
    const who =
      form.get('grant_type') === 'client_credentials'
        ? await identifyTenant(db, form.get('client_secret') ?? '')
        : undefined
    if (who === undefined || form.get('client_id') !== who.tenant.id) {
      return context.json({ error: 'invalid_client' }, 401)
    }
    const wanted = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '')
    const scopes = wanted.length === 0 ? [...who.scopes] : wanted.filter((scope) => who.scopes.has(scope))
    const expires = Math.floor(now().getTime() / 1_000) + tokenSeconds
    const text = Buffer.from(JSON.stringify({ tenant: who.tenant.id, scopes, expires })).toString('base64url')
    const key = createPrivateKey({
      key: Buffer.from(who.tenant.sign_private, 'base64url'),
      format: 'der',
      type: 'pkcs8',
    })
    const signature = sign(null, Buffer.from(`token.${text}`), key).toString('base64url')
    return context.json(
      { access_token: `${text}.${signature}`, token_type: 'Bearer', expires_in: tokenSeconds, scope: scopes.join(' ') },
      200,
      { 'cache-control': 'no-store' },
    )
  })

  return app
}

function toPrivilege(row: {
  readonly id: string
  readonly external_id: string
  readonly priority: number
  readonly type: Privilege['type']
  readonly total: number
}): Privilege {
  const { id, external_id, priority, type, total } = row
  return { privilegeId: id, externalId: external_id, priority, type, total }
}

function toWebhook(row: {
  readonly id: string
  readonly url: string
  readonly event_types: string
  readonly is_active: number
  readonly description: string
}): z.infer<typeof walletWebhookSchema> {
  return {
    id: row.id,
    endpoint: row.url,
    events: JSON.parse(row.event_types) as string[],
    enabled: row.is_active === 1,
    description: row.description,
  }
}
