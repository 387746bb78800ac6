import { createPrivateKey, sign } from 'node:crypto'
import { Hono, type Context } from 'hono'
import { z } from 'zod'
import type {
  KeptScan,
  movementRequestSchema,
  movementResponseSchema,
  Privilege,
  privilegeWriteSchema,
  RelayScan,
  WalletPass,
  walletWebhookSchema,
} from '#contract/gate/scan-api.ts'
import { listHeaders, type ListKey, type RelayStatus } from '#contract/gate/site.ts'
import type { Database, Db } from '../db/database.ts'
import type { ServedRequest } from '../http/app.ts'
import { readText } from '../http/json-body.ts'
import { nameRequest, requestIdOf } from '../http/request-id.ts'
import { honoPath } from '../http/route.ts'
import { newId } from '../ids.ts'
import type { Log } from '../log.ts'
import { gateApis, gateOperations, tokenPath, type GateOperation } from './operations.ts'
import { eventOf, findPass, holdTenant, rulesOf, sealAgain, useOf } from './passes.ts'
import { listPage } from './list.ts'
import { checked, createRequests, param, Problem, problemResponse } from './request.ts'
import { newWebhookId, newWebhookSecret, type Scans } from './scans.ts'
import type { PassRow, TenantRow } from './tables.ts'
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
  /** Told of each request of a route. */
  readonly observe?: (request: ServedRequest) => void
  /** What a missing scope is answered with: contracts 2.1 says 401, a newer page 403. */
  readonly scopeFailureStatus?: 401 | 403
}

/** Paths of The Wallet Crew's API, of its relay and of the gates; everything else, their documents too, is another app's. */
export const isGatePath = (path: string): boolean =>
  /^\/(?:api|relay|gate|oauth)\//.test(path) && gateApis.every(({ document }) => document !== path)

/** The reference Scan API of The Wallet Crew (contracts 2), the relay, and what gates ask their site. */
export function createGateApp(options: GateAppOptions): Hono {
  const { database, log, now, scans, observe, scopeFailureStatus = 401 } = options
  const app = new Hono({ strict: false })
  const { db } = database

  const { admit, body: readBody } = createRequests({ db, now, scopeFailureStatus })
  /** A write that holds the tenant's row; its turn is waited for without a connection. */
  const hold = <T>(tenant: Pick<TenantRow, 'id'>, work: (db: Db) => Promise<T>): Promise<T> =>
    database.writeInTurn(`tenant ${tenant.id}`, work)
  /** A write whose scans and events are then taken up. */
  const write = async <T>(tenant: Pick<TenantRow, 'id'>, work: (db: Db) => Promise<T>): Promise<T> => {
    const answer = await hold(tenant, work)
    scans.wake()
    return answer
  }

  /** The answer to what a handler has thrown. */
  const problemOf = (error: unknown, context: Context): Response => {
    if (error instanceof Problem) return problemResponse(error)
    const { method, raw, path } = context.req
    log.error({ err: error, method, path, requestId: requestIdOf(raw) }, 'request failed')
    return problemResponse(
      database.isAway(error)
        ? new Problem(503, 'The database does not answer at the moment; ask again.')
        : new Problem(500, 'The server failed; its log has the reason.'),
    )
  }
  app.use(nameRequest)
  app.onError(problemOf)
  app.notFound(() => problemResponse(new Problem(404, 'There is nothing at this path.')))

  /** Serves a row of the table: who asks, for which tenant, with which query and body is checked before `handle`. */
  const on = <Query extends z.ZodType, Body extends z.ZodType>(
    operation: GateOperation<Query, Body>,
    handle: (call: {
      readonly context: Context
      readonly tenant: TenantRow
      readonly query: z.output<Query>
      readonly body: z.output<Body>
    }) => Response | Promise<Response>,
  ): void => {
    const { method, path, scope } = operation
    app.on(method, honoPath(path), async (context) => {
      const startedMs = performance.now()
      let tenant: TenantRow | undefined
      const answer = async (): Promise<Response> => {
        tenant = await admit(context, scope)
        const query = operation.query && checked(operation.query, context.req.query())
        const body = operation.body && (await readBody(context, operation.body))
        // Without a schema nothing is read, and its type says that it is not known.
        return handle({ context, tenant, query: query as z.output<Query>, body: body as z.output<Body> })
      }
      const response = await answer().catch((error: unknown) => problemOf(error, context))
      observe?.({
        method,
        route: path,
        status: response.status,
        ms: performance.now() - startedMs,
        requestId: requestIdOf(context.req.raw),
        ...(tenant && { organization: tenant.organization_id, subject: `tenant:${tenant.id}` }),
      })
      return response
    })
  }

  // --- Scans ----------------------------------------------------------------------------------------

  on(gateOperations.recordScan, async ({ context, tenant, body: scan }) => {
    const passId = await database.write(async (transaction) => {
      const pass = await findPass(transaction, tenant, scan.data)
      const from = { scannedAt: now().toISOString(), clientScanId: null, deviceId: '' }
      if (pass !== undefined) await scans.record(transaction, tenant, pass, { ...scan, ...from })
      return pass?.id
    })
    scans.wake()
    if (passId === undefined) throw new Problem(404, 'No pass has this value.')
    return context.json({ passId }, 201)
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

  on(gateOperations.listScans, async ({ context, tenant, query }) => {
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

  on(gateOperations.getScan, async ({ context, tenant }) => {
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

  on(gateOperations.listPasses, async ({ context, tenant, query }) => {
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

  on(gateOperations.listPrivileges, async ({ context, tenant }) => {
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

  on(gateOperations.createPrivilege, async ({ context, tenant, body: wish }) => {
    const id = newId()
    await hold(tenant, (transaction) => putPrivilege(transaction, tenant, param(context, 'passId'), id, wish))
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
    const held = await holdTenant(transaction, tenant.id)
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
    await tell(transaction, held, pass)
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

  on(gateOperations.getPrivilege, async ({ context, tenant }) =>
    context.json(toPrivilege(await privilegeOf(db, tenant, context))),
  )

  on(gateOperations.putPrivilege, async ({ context, tenant, body: wish }) => {
    const privilegeId = param(context, 'privilegeId')
    if (!/^[A-Za-z0-9._-]{1,100}$/.test(privilegeId)) throw new Problem(400, 'This is no id of a privilege.')
    await hold(tenant, (transaction) => putPrivilege(transaction, tenant, param(context, 'passId'), privilegeId, wish))
    return context.json({ privilegeId }, 202)
  })

  on(gateOperations.deletePrivilege, async ({ context, tenant }) => {
    await hold(tenant, async (transaction) => {
      const held = await holdTenant(transaction, tenant.id)
      const found = await privilegeOf(transaction, tenant, context)
      await transaction
        .deleteFrom('pass_privileges')
        .where('tenant_id', '=', tenant.id)
        .where('id', '=', found.id)
        .execute()
      await tell(transaction, held, await passOf(transaction, tenant, found.pass_id))
    })
    return context.body(null, 204)
  })

  on(gateOperations.movePrivilege, async ({ context, tenant, body }) =>
    context.json(await move(context, tenant, body), 201),
  )

  /** Issues or consumes, if nobody else has meanwhile. */
  const move = (
    context: Context,
    tenant: TenantRow,
    wish: z.infer<typeof movementRequestSchema>,
  ): Promise<z.infer<typeof movementResponseSchema>> =>
    hold(tenant, async (transaction) => {
      const held = await holdTenant(transaction, tenant.id)
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
      await tell(transaction, held, await passOf(transaction, tenant, found.pass_id))
      return { movementId, total }
    })

  /** Has the list tell of a pass whose privileges have changed; the tenant's row is held. */
  const tell = async (transaction: Db, tenant: TenantRow, pass: PassRow): Promise<void> => {
    await sealAgain(transaction, tenant, pass, await useOf(transaction, tenant.id, eventOf(tenant), pass.id))
  }

  // --- Webhooks ---------------------------------------------------------------------------------------

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

  on(gateOperations.createWalletWebhook, async ({ context, tenant, body: wish }) => {
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

  on(gateOperations.listWalletWebhooks, async ({ context, tenant }) => {
    const rows = await db
      .selectFrom('webhook_endpoints')
      .selectAll()
      .where('tenant_id', '=', tenant.id)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    return context.json(rows.map(toWebhook), 200, { 'x-pagination-total': String(rows.length) })
  })

  on(gateOperations.getWalletWebhook, async ({ context, tenant }) => {
    return context.json(toWebhook(await webhookOf(db, tenant, param(context, 'id'))))
  })

  on(gateOperations.updateWalletWebhook, async ({ context, tenant, body: wish }) => {
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

  on(gateOperations.deleteWalletWebhook, async ({ context, tenant }) => {
    await database.write(async (transaction) => {
      const found = await webhookOf(transaction, tenant, param(context, 'id'))
      await transaction.deleteFrom('webhook_endpoints').where('id', '=', found.id).execute()
    })
    return context.body(null, 204)
  })

  // --- The relay --------------------------------------------------------------------------------------

  on(gateOperations.relayScan, async ({ context, tenant: { id }, body: scan }) => {
    const known = await write({ id }, async (transaction) => {
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

  on(gateOperations.relayStatus, async ({ context }) => {
    const { forwarder } = scans
    const nothing: RelayStatus = { state: 'well', waiting: 0, sent: 0, refused: 0, doubtful: 0 }
    return context.json(forwarder === null ? nothing : await forwarder.status())
  })

  // A consumption is asked for now or not at all: nothing of it is kept for later.
  on(gateOperations.relayMovement, async ({ context, tenant, body: wish }) => {
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

  on(gateOperations.decideVerdict, async ({ context, tenant, body: asked }) => {
    const { signal } = context.req.raw
    const answer = await write(tenant, (transaction) => {
      // Its gate has decided alone meanwhile and will tell of it: the others need not wait for an answer to nobody.
      if (signal.aborted) throw new Problem(503, 'Whoever asked has gone.')
      return decide(transaction, tenant.id, asked, scans)
    })
    return context.json(answer)
  })

  on(gateOperations.undoVerdict, async ({ context, tenant, body: { reason } }) => {
    const id = param(context, 'id')
    const isDone = await hold(tenant, (transaction) => undo(transaction, tenant.id, id, reason, now()))
    if (!isDone) throw new Problem(404, 'There is no such admission.')
    return context.json({})
  })

  on(gateOperations.gateRules, ({ context, tenant, query }) => {
    return context.json(rulesOf(tenant, query.gate))
  })

  on(gateOperations.listKey, async ({ context, tenant }) => {
    const key: ListKey = { list: tenant.list_id, key: tenant.list_key, publicKey: tenant.sign_public }
    return context.json(key, 200, { 'cache-control': 'no-store' })
  })

  on(gateOperations.passList, async ({ context, tenant, query: { after } }) => {
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

  app.post(tokenPath, async (context) => {
    const given = await readText(context.req.raw)
    if (given === undefined) throw new Problem(413, 'The body is larger than 1 MiB.')
    const form = new URLSearchParams(given)
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

  const methodsOf = Map.groupBy(Object.values(gateOperations), ({ path }) => path)
  for (const [path, rows] of methodsOf) {
    const methods = rows.flatMap(({ method }): string[] => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    app.all(honoPath(path), () => {
      const problem = problemResponse(new Problem(405, `Possible here: ${methods.join(', ')}.`))
      problem.headers.set('Allow', methods.join(', '))
      return problem
    })
  }

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
