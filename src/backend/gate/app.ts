import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { Hono, type Context } from 'hono'
import { z } from 'zod'
import {
  addScanRequestSchema,
  movementRequestSchema,
  relayScanSchema,
  scanTypeSchema,
  walletScopes,
  type AddScanRequest,
  type KeptScan,
  type ProblemDetails,
  type WalletPass,
  type WalletScope,
} from '#contract/gate/scan-api.ts'
import { listHeaders, undoRequestSchema, verdictRequestSchema, type ListKey } from '#contract/gate/site.ts'
import { instantSchema } from '#contract/station/values.ts'
import type { Database, Db } from '../db/database.ts'
import { readJson } from '../http/json-body.ts'
import { newId } from '../ids.ts'
import type { Log } from '../log.ts'
import { eventOf, findPass, holdTenant, rulesOf, sealAgain, useOf } from './passes.ts'
import { listPage } from './list.ts'
import type { TenantRow } from './tables.ts'
import { identifyStation, identifyTenant, type TenantCredential } from './tenants.ts'
import { decide, undo } from './verdicts.ts'

/** How long two reads of one device are one scan for the relay. */
const sameReadMs = 2_000
const tokenSeconds = 3_600

export interface GateAppOptions {
  readonly database: Database
  readonly log: Log
  readonly now: () => Date
  /** What a missing scope is answered with: contracts 2.1 says 401, a newer page 403. */
  readonly scopeFailureStatus?: 401 | 403
}

/** Paths of The Wallet Crew's API, of its relay and of the gates; everything else is another app's. */
export const isGatePath = (path: string): boolean => /^\/(?:api|relay|gate|oauth)\//.test(path)

class Problem extends Error {
  readonly status: number
  readonly extras: Partial<ProblemDetails>
  constructor(status: number, detail: string, extras: Partial<ProblemDetails> = {}) {
    super(detail)
    this.status = status
    this.extras = extras
  }
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Entity',
  500: 'Internal Server Error',
}

/** The reference Scan API of The Wallet Crew (contracts 2), the relay, and what gates ask their site. */
export function createGateApp({ database, log, now, scopeFailureStatus = 401 }: GateAppOptions): Hono {
  const app = new Hono()
  const { db } = database

  const problem = (status: number, detail: string, extras: Partial<ProblemDetails> = {}): Response => {
    const body: ProblemDetails = {
      type: null,
      title: titles[status] ?? null,
      status,
      detail,
      instance: null,
      ...extras,
    }
    return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json' } })
  }
  app.onError((error, context) => {
    if (error instanceof Problem) return problem(error.status, error.message, error.extras)
    log.error({ err: error, method: context.req.method, path: context.req.path }, 'request failed')
    return problem(500, 'The server failed; its log has the reason.')
  })
  app.notFound(() => problem(404, 'There is nothing at this path.'))

  /** Who asks, for the tenant in the path if there is one; a tenant that is not theirs is one that is not there. */
  const admit = async (context: Context, scope: WalletScope): Promise<TenantRow> => {
    const key = context.req.header('x-api-key')
    const bearer = /^Bearer (\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
    const who =
      key === undefined
        ? bearer === undefined
          ? undefined
          : await identifyBearer(db, bearer, now())
        : ((await identifyTenant(db, key)) ??
          (scope === 'Gate.Station' ? await identifyStation(db, key, now()) : undefined))
    if (who === undefined) throw new Problem(401, 'The credentials are missing, or are not known here.')
    const tenantId = context.req.param('tenantId')
    if (tenantId !== undefined && tenantId !== who.tenant.id) throw new Problem(404, 'There is no such tenant.')
    if (!who.scopes.has(scope)) throw new Problem(scopeFailureStatus, `The credentials have no scope ${scope}.`)
    return who.tenant
  }

  const body = async <T>(context: Context, schema: z.ZodType<T>): Promise<T> => {
    if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(context.req.header('content-type') ?? '')) {
      throw new Problem(415, 'The body must be application/json.')
    }
    const given = await readJson(context.req.raw)
    if (!given.ok) throw new Problem(given.refusal.problem === 'payload_too_large' ? 413 : 400, given.refusal.detail)
    return checked(schema, given.value)
  }
  const checked = <T>(schema: z.ZodType<T>, value: unknown): T => {
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
    const errors: Record<string, string[]> = {}
    const add = (field: string, message: string): void => void (errors[field] ??= []).push(message)
    for (const issue of parsed.error.issues.slice(0, 20)) {
      if (issue.code === 'unrecognized_keys') for (const name of issue.keys.slice(0, 20)) add(name, 'is not a member')
      else add(issue.path.join('.'), issue.message)
    }
    throw new Problem(400, 'One or more members are not as they must be.', { errors })
  }
  const param = (context: Context, name: string): string => context.req.param(name) ?? ''

  // --- Scans ----------------------------------------------------------------------------------------

  const record = async (
    transaction: Db,
    tenant: TenantRow,
    { data, type }: AddScanRequest,
    at: Date,
    relayed: { readonly client_scan_id: string; readonly device_id: string } | null = null,
  ): Promise<string | undefined> => {
    const pass = await findPass(transaction, tenant, data)
    if (pass === undefined) return undefined
    await transaction
      .insertInto('pass_scans')
      .values({
        id: newId(),
        tenant_id: tenant.id,
        pass_id: pass.id,
        data,
        type,
        scanned_at: at.toISOString(),
        client_scan_id: relayed?.client_scan_id ?? null,
        device_id: relayed?.device_id ?? '',
      })
      .execute()
    return pass.id
  }

  app.post('/api/:tenantId/scans', async (context) => {
    const tenant = await admit(context, 'PassScan.Scan')
    const scan = await body(context, addScanRequestSchema)
    const passId = await database.write((transaction) => record(transaction, tenant, scan, now()))
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

  const privilegeBody = z.strictObject({
    externalId: z.string().min(1).max(100),
    priority: z.int().default(0),
    type: z.enum(['OneTime', 'Unlimited', 'MultiUse', 'Unlockable']),
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
    return context.json(
      rows.map(({ id, external_id, priority, type, total }) => ({
        privilegeId: id,
        externalId: external_id,
        priority,
        type,
        total,
      })),
    )
  })

  app.post(privileges, async (context) => {
    const tenant = await admit(context, 'Privilege.Write')
    const wish = await body(context, privilegeBody)
    const id = newId()
    await database.write(async (transaction) => {
      await holdTenant(transaction, tenant.id)
      const pass = await passOf(transaction, tenant, param(context, 'passId'))
      const { n } = await transaction
        .selectFrom('pass_privileges')
        .select((select) => select.fn.countAll().as('n'))
        .where('tenant_id', '=', tenant.id)
        .where('pass_id', '=', pass.id)
        .executeTakeFirstOrThrow()
      if (Number(n) >= 5) throw new Problem(422, 'A pass carries five privileges at most.')
      await transaction
        .insertInto('pass_privileges')
        .values({
          tenant_id: tenant.id,
          id,
          pass_id: pass.id,
          external_id: wish.externalId,
          priority: wish.priority,
          type: wish.type,
          total: 0,
        })
        .execute()
      await tell(transaction, tenant, pass.id)
    })
    return context.json({ privilegeId: id }, 202)
  })

  app.post(`${privileges}/:privilegeId/movements`, async (context) => {
    const tenant = await admit(context, 'Privilege.Write')
    const wish = await body(context, movementRequestSchema)
    const answer = await database.write(async (transaction) => {
      await holdTenant(transaction, tenant.id)
      const pass = await passOf(transaction, tenant, param(context, 'passId'))
      const found = await transaction
        .selectFrom('pass_privileges')
        .selectAll()
        .where('tenant_id', '=', tenant.id)
        .where('pass_id', '=', pass.id)
        .where('id', '=', param(context, 'privilegeId'))
        .executeTakeFirst()
      if (found === undefined) throw new Problem(404, 'There is no such privilege.')
      if (found.total !== wish.expectedTotal) {
        throw new Problem(409, 'Somebody else has moved it meanwhile.', { currentTotal: found.total })
      }
      const total = found.total + wish.value
      if (total < 0 && found.type !== 'Unlimited') throw new Problem(422, 'Nothing is left of it.')
      if (total > 1 && found.type === 'OneTime') throw new Problem(422, 'It can be used once.')
      const movementId = newId()
      await transaction
        .insertInto('privilege_movements')
        .values({
          id: movementId,
          tenant_id: tenant.id,
          privilege_id: found.id,
          value: wish.value,
          total,
          at: now().toISOString(),
        })
        .execute()
      await transaction
        .updateTable('pass_privileges')
        .set({ total })
        .where('tenant_id', '=', tenant.id)
        .where('id', '=', found.id)
        .execute()
      await tell(transaction, tenant, pass.id)
      return { movementId, total }
    })
    return context.json(answer, 201)
  })

  /** Has the list tell of a pass whose privileges have changed. */
  const tell = async (transaction: Db, of: TenantRow, passId: string): Promise<void> => {
    const tenant = await holdTenant(transaction, of.id)
    const pass = await passOf(transaction, tenant, passId)
    await sealAgain(transaction, tenant, pass, await useOf(transaction, tenant.id, eventOf(tenant), pass.id))
  }

  // --- The relay --------------------------------------------------------------------------------------

  app.post('/relay/v1/wallet/scans', async (context) => {
    const { id } = await admit(context, 'Gate.Station')
    const scan = await body(context, relayScanSchema)
    const passId = await database.write(async (transaction) => {
      const tenant = await holdTenant(transaction, id)
      const earlier = await transaction
        .selectFrom('pass_scans')
        .select('pass_id')
        .where('tenant_id', '=', id)
        .where((where) =>
          where.or([
            where('client_scan_id', '=', scan.client_scan_id),
            where.and([
              where('data', '=', scan.data),
              where('type', '=', scan.type),
              where('device_id', '=', scan.device_id),
              where('client_scan_id', 'is not', null),
              where('scanned_at', '>', new Date(Date.parse(scan.scanned_at) - sameReadMs).toISOString()),
              where('scanned_at', '<=', scan.scanned_at),
            ]),
          ]),
        )
        .executeTakeFirst()
      return earlier?.pass_id ?? (await record(transaction, tenant, scan, new Date(scan.scanned_at), scan))
    })
    if (passId === undefined) throw new Problem(404, 'No pass has this value.')
    return context.json({ passId }, 201)
  })

  // --- The gates --------------------------------------------------------------------------------------

  app.post('/gate/v1/verdicts', async (context) => {
    const tenant = await admit(context, 'Gate.Station')
    const asked = await body(context, verdictRequestSchema)
    return context.json(await database.write((transaction) => decide(transaction, tenant.id, asked)))
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

const tokenSchema = z.object({ tenant: z.string(), scopes: z.array(z.enum(walletScopes)), expires: z.number() })

async function identifyBearer(db: Db, bearer: string, at: Date): Promise<TenantCredential | undefined> {
  const [text = '', signature = ''] = bearer.split('.')
  let token: z.infer<typeof tokenSchema>
  try {
    token = tokenSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
  } catch {
    return undefined
  }
  const tenant = await db.selectFrom('tenants').selectAll().where('id', '=', token.tenant).executeTakeFirst()
  if (tenant === undefined || token.expires * 1_000 <= at.getTime()) return undefined
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: tenant.sign_public }, format: 'jwk' })
  if (!verify(null, Buffer.from(`token.${text}`), key, Buffer.from(signature, 'base64url'))) return undefined
  return { tenant, scopes: new Set(token.scopes) }
}
