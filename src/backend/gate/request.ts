import { createPublicKey, verify } from 'node:crypto'
import type { Context } from 'hono'
import { z } from 'zod'
import { walletScopes, type ProblemDetails, type WalletScope } from '#contract/gate/scan-api.ts'
import type { Db } from '../db/database.ts'
import { readJson } from '../http/json-body.ts'
import type { TenantRow } from './tables.ts'
import { identifyStation, identifyTenant, type TenantCredential } from './tenants.ts'

/** Thrown to answer with ProblemDetails. */
export class Problem extends Error {
  readonly status: number
  readonly extras: Partial<ProblemDetails>
  constructor(status: number, detail: string, extras: Partial<ProblemDetails> = {}) {
    super(detail)
    this.status = status
    this.extras = extras
  }
}

/** The words of each status. */
export const statusTitles: Readonly<Record<number, string>> = {
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
  502: 'Bad Gateway',
  503: 'Service Unavailable',
}

/** An answer as ASP.NET writes it. */
export function problemResponse({ status, message, extras }: Problem): Response {
  const body: ProblemDetails = {
    type: null,
    title: statusTitles[status] ?? null,
    status,
    detail: message,
    instance: null,
    ...extras,
  }
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json' } })
}

/** What the routes ask of a request; each throws a Problem. */
export interface Requests {
  /** Who asks, for the tenant in the path if there is one; a tenant that is not theirs is one that is not there. */
  readonly admit: (context: Context, scope: WalletScope) => Promise<TenantRow>
  readonly body: <T>(context: Context, schema: z.ZodType<T>) => Promise<T>
}

export function createRequests(parts: {
  readonly db: Db
  readonly now: () => Date
  readonly scopeFailureStatus: 401 | 403
}): Requests {
  const { db, now, scopeFailureStatus } = parts
  return {
    async admit(context, scope) {
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
    },
    async body(context, schema) {
      if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(context.req.header('content-type') ?? '')) {
        throw new Problem(415, 'The body must be application/json.')
      }
      const given = await readJson(context.req.raw)
      if (!given.ok) throw new Problem(given.refusal.problem === 'payload_too_large' ? 413 : 400, given.refusal.detail)
      return checked(schema, given.value)
    },
  }
}

/** The value as the schema has it; a Problem 400 names the members that are wrong. */
export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
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

export const param = (context: Context, name: string): string => context.req.param(name) ?? ''

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
