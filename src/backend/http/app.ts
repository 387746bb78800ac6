import { Hono, type Context } from 'hono'
import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { problemBody, problems, type FieldError } from '#contract/backend/problem.ts'
import { referenceSchema } from '#contract/backend/values.ts'
import { OvertakenError, type Database, type Db } from '../db/database.ts'
import { gather } from '../gather.ts'
import { idFromReference } from '../ids.ts'
import type { Log } from '../log.ts'
import { MediaUnavailableError, type Media } from '../media/media.ts'
import { invalid, isRefusal, missing, refuse, type Answer, type Refusal } from './answer.ts'
import { hasCsrfToken, type Identify } from './credentials.ts'
import { readForm, readPhoto } from './form.ts'
import { readJson } from './json-body.ts'
import type { KeyUse } from './key-use.ts'
import { unlimited, type OwnLimits, type RateLimiter } from './rate-limit.ts'
import { nameRequest, requestIdOf } from './request-id.ts'
import { honoPath, parameterNames, type Call, type Credential, type Route } from './route.ts'

/** What the HTTP server is made of. */
export interface AppParts {
  readonly database: Database
  readonly media: Media
  readonly log: Log
  readonly now: () => Date
  readonly identify: Identify
  readonly limiter: RateLimiter
  readonly keyUse: KeyUse
  /** Where clients reach the server, when not at the address they ask, e.g. `https://scan.example.org`. */
  readonly publicUrl?: string
  readonly routes: readonly Route[]
  /** Told of each request of a route. */
  readonly observe: (request: ServedRequest) => void
  /** Pages for people, at `/admin`. */
  readonly admin: Hono
  /** Called after a commit that may have left work for the pipeline. */
  readonly wakePipeline: () => void
}

/** A request as metrics and logs know it: without its address, in which ids, searches and tokens stand. */
export interface ServedRequest {
  readonly method: string
  /** The route's path with the names of its parameters. */
  readonly route: string
  readonly status: number
  readonly ms: number
  /** What the client or its proxy called it in `X-Request-Id`, or what it was called here; it is in the answer too. */
  readonly requestId: string
  /** Whose it was, and by which key or user. */
  readonly organization?: string
  readonly subject?: string
}

/** Whoever is not known has the server's own limits. */
const ownLimits = { perMinute: 0, perDay: 0 }

const stranger: Credential = {
  subject: '',
  name: '',
  kind: 'none',
  organizationId: '',
  role: 'readonly',
  rateLimitPerMinute: 0,
  rateLimitPerDay: 0,
}

/** Makes the HTTP application from the route table: one road of checks that every request takes. */
export function createApp(parts: AppParts): Hono {
  const { database, media, log, now, identify, limiter, keyUse } = parts
  const { db } = database
  const running = new Set<string>()
  // Some of the documents end a path with a slash, others do not: it is the same path.
  const app = new Hono({ strict: false })

  app.use(nameRequest)

  for (const row of parts.routes) {
    const write = writer(row)
    app.on(row.method, honoPath(row.path), async (context) => {
      const at = now()
      const startedMs = performance.now()
      const who = row.access === 'none' || row.access === 'signed' ? stranger : await identify(context.req.raw, at)
      const known = isRefusal(who as Answer) ? undefined : (who as Credential)
      if (known?.kind === 'key') keyUse.mark(known.subject.slice('key:'.length), at)
      const limit = isFree(row, context, at)
        ? limiter.takeHere('free', unlimited, at)
        : known === undefined || known.kind === 'none'
          ? limiter.takeHere(...strangerOf(row, context), at)
          : await limiter.take(
              known.subject,
              { perMinute: known.rateLimitPerMinute, perDay: known.rateLimitPerDay },
              at,
            )
      const answer = !limit.allowed
        ? {
            ...refuse('rate_limited', 'Too many requests.', { retryAfterSeconds: limit.retryAfterSeconds }),
            headers: { 'Retry-After': String(limit.retryAfterSeconds) },
          }
        : known === undefined
          ? (who as Refusal)
          : await serve(row, write, context, known, at)
      const response = respond(answer, at, limit.headers)
      parts.observe({
        method: row.method,
        route: row.path,
        status: response.status,
        ms: performance.now() - startedMs,
        requestId: requestIdOf(context.req.raw),
        ...(known === undefined || known.kind === 'none'
          ? {}
          : { organization: known.organizationId, subject: known.subject }),
      })
      return response
    })
  }

  app.route('/admin', parts.admin)
  const pathsTo = new Map<string, string[]>()
  for (const row of parts.routes) pathsTo.set(row.path, [...(pathsTo.get(row.path) ?? []), row.method])
  for (const [path, methods] of pathsTo) {
    const allowed = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].sort().join(', ')
    app.all(honoPath(path), (context) => {
      const answer = refuse('method_not_allowed', `${context.req.method} is not possible here; ${allowed} is.`)
      return respondFreely(context, { ...answer, headers: { Allow: allowed } })
    })
  }
  app.notFound((context) => respondFreely(context, refuse('not_found', 'There is nothing at this path.')))
  app.onError((error, context) => {
    log.error(
      { err: error, method: context.req.method, route: context.req.routePath, requestId: requestIdOf(context.req.raw) },
      'request failed',
    )
    const answer =
      error instanceof MediaUnavailableError
        ? refuse('service_unavailable', 'The photo cannot be stored at the moment; send it again.')
        : database.isAway(error)
          ? refuse('service_unavailable', 'The database does not answer at the moment; send it again.')
          : refuse('internal_error', 'The server failed; its log has the reason.')
    parts.observe({
      method: context.req.method,
      route: context.req.routePath,
      status: problems[answer.problem].status,
      ms: 0,
      requestId: requestIdOf(context.req.raw),
    })
    return respondFreely(context, answer)
  })

  function respondFreely(context: Context, answer: Answer): Response {
    const at = now()
    return respond(answer, at, limiter.takeHere(addressOf(context), ownLimits, at).headers)
  }

  async function serve(row: Route, write: Writer, context: Context, credential: Credential, at: Date): Promise<Answer> {
    const request = context.req.raw
    if (row.isForManagers === true && credential.role !== 'manager') {
      return refuse('forbidden', 'Only a manager may do this.')
    }
    if (credential.kind === 'cookie' && row.method !== 'GET' && !hasCsrfToken(request)) {
      return refuse('forbidden', 'A write with a cookie needs the header X-CSRFToken to repeat the cookie csrftoken.')
    }
    if (row.access === 'write' && credential.role === 'readonly') {
      return refuse('forbidden', 'This credential may only read.')
    }

    const read = readParams(row, context)
    if (!read.ok) return read.refusal
    const { params } = read
    const refused = row.admit?.({ params, at })
    if (refused !== undefined) return refused
    const query = parse(row.query, queryOf(context))
    if (!query.ok) return query.refusal

    const known = {
      param: Object.values(params)[0] ?? '',
      params,
      query: query.value,
      credential,
      origin: parts.publicUrl ?? new URL(request.url).origin,
      headers: request.headers,
      at,
    }
    const key = row.idempotent === true ? request.headers.get('idempotency-key') : null
    if (key === null) return work(row, write, request, known, undefined)
    if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
      return invalid({ field: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters' })
    }
    const scope = { credential: credential.subject, path: context.req.path, key }
    const mark = JSON.stringify(scope)
    if (running.has(mark)) return refuse('conflict', 'A request with this Idempotency-Key is still running.')
    running.add(mark)
    try {
      return await work(row, write, request, known, scope)
    } finally {
      running.delete(mark)
    }
  }

  /** How a route's requests are written: each in a transaction of its own, or with those that come at the same time. */
  function writer(row: Route): Writer {
    const { handleMany } = row
    const alone = async (one: Writing): Promise<Answer> => {
      const [answer] = await database.write((transaction) =>
        answerAll(transaction, [one], async ([call]) => (call === undefined ? [] : [await row.handle(call)])),
      )
      return answer as Answer
    }
    if (handleMany === undefined) return alone
    const together = gather<Writing, Answer>(
      (ones) =>
        database.write((transaction) => answerAll(transaction, ones, (calls) => handleMany(calls, transaction))),
      groups,
    )
    return (one) =>
      together(one).catch((error: unknown) => {
        if (database.isAway(error)) throw error
        // It need not have been this one that failed; whose fault it is shows when each is alone.
        log.warn({ err: error, path: row.path }, 'requests that came together failed, doing them one by one')
        return alone(one)
      })
  }

  async function work(
    row: Route,
    write: Writer,
    request: Request,
    call: Omit<Call, 'body' | 'image' | 'db'>,
    scope: IdempotencyScope | undefined,
  ): Promise<Answer> {
    const form =
      row.takesPhoto === true
        ? await readPhoto(request, media)
        : row.form === undefined
          ? undefined
          : await readForm(request, media, row.file)
    if (form !== undefined && 'problem' in form) return form
    const image = form?.image
    try {
      const given = form !== undefined ? { ok: true as const, value: form.fields } : await readBody(row, request)
      if (!given.ok) return given.refusal
      const body = parse(row.form ?? row.body, given.value)
      if (!body.ok) return body.refusal
      if (row.access !== 'write' && row.access !== 'signed')
        return await row.handle({ ...call, body: body.value, image, db })

      const requestHash = createHash('sha256')
        .update(JSON.stringify([body.value ?? null, image?.hash ?? null]))
        .digest('hex')
      const answer = await write({ call: { ...call, body: body.value, image }, scope, requestHash })
      if (row.queues === true && !isRefusal(answer)) parts.wakePipeline()
      return answer
    } finally {
      await image?.discard()
    }
  }

  return app
}

function addressOf(context: Context): string {
  const incoming = (context.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined)?.incoming
  return `address:${incoming?.socket?.remoteAddress ?? ''}`
}

/** What is counted of whoever is not known: attempts to sign in are few and have a count of their own. */
function strangerOf(row: Route, context: Context): readonly [subject: string, own: OwnLimits] {
  const address = addressOf(context)
  return row.attemptsPerMinute === undefined
    ? [address, ownLimits]
    : [`${row.operationId}:${address}`, { perMinute: row.attemptsPerMinute, perDay: 0 }]
}

/** Whether a request is under no limit: what machines ask all day, and an upload whose address was asked for under one. */
function isFree(row: Route, context: Context, at: Date): boolean {
  if (row.isFree === true) return true
  if (row.access !== 'signed' || row.admit === undefined) return false
  const read = readParams(row, context)
  return read.ok && row.admit({ params: read.params, at }) === undefined
}

/** Parameters that are no ids. */
const plainParameters: ReadonlySet<string> = new Set(['gtin', 'token'])

function readParams(
  row: Route,
  context: Context,
): { readonly ok: true; readonly params: Record<string, string> } | { readonly ok: false; readonly refusal: Refusal } {
  const params: Record<string, string> = {}
  for (const name of parameterNames(row.path)) {
    const text = context.req.param(name) ?? ''
    if (plainParameters.has(name)) {
      params[name] = text
      continue
    }
    const given = referenceSchema.safeParse(text)
    if (!given.success) {
      return { ok: false, refusal: invalid({ field: name, message: 'must be a shortuuid of 22 characters or a UUID' }) }
    }
    // 22 characters can be more than 128 bits: well-formed, but the id of nothing.
    const id = idFromReference(given.data)
    if (id === undefined) return { ok: false, refusal: missing('object') }
    params[name] = id
  }
  return { ok: true, params }
}

function queryOf(context: Context): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(context.req.queries()).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  )
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly refusal: Refusal }

async function readBody(row: Route, request: Request): Promise<Parsed> {
  if (row.body === undefined) return { ok: true, value: undefined }
  return readJson(request)
}

function parse(schema: z.ZodType | undefined, value: unknown): Parsed {
  if (schema === undefined) return { ok: true, value: undefined }
  const parsed = schema.safeParse(value)
  if (parsed.success) return { ok: true, value: parsed.data }
  return { ok: false, refusal: invalid(...parsed.error.issues.slice(0, 20).flatMap(fieldErrors)) }
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .slice(0, 20)
      .map((key) => ({ field: [...issue.path, key].join('.'), message: 'is not a field of this request' }))
  }
  return [{ field: issue.path.join('.'), message: issue.message }]
}

/** So many groups of a route's requests are written at a time, of so many requests at most. */
const groups = { atATime: 2, most: 64 } as const

interface IdempotencyScope {
  readonly credential: string
  readonly path: string
  readonly key: string
}

/** A request that is to be written: all but its transaction. */
interface Writing {
  readonly call: Omit<Call, 'db'>
  readonly scope: IdempotencyScope | undefined
  readonly requestHash: string
}

type Writer = (one: Writing) => Promise<Answer>

const idempotencyMs = 24 * 3_600_000

/** Answers requests in one transaction: what was answered before from the store, the others by their handler. */
async function answerAll(
  db: Db,
  ones: readonly Writing[],
  handle: (calls: readonly Call[]) => Promise<readonly Answer[]>,
): Promise<readonly Answer[]> {
  const earlier = await replay(db, ones)
  const fresh = ones.filter((one) => !earlier.has(one))
  if (fresh.length === 0) return ones.map((one) => earlier.get(one) as Answer)
  const answers = await handle(fresh.map(({ call }) => ({ ...call, db })))
  const answered = new Map(fresh.map((one, index) => [one, answers[index] as Answer]))
  await remember(db, answered)
  return ones.map((one) => earlier.get(one) ?? (answered.get(one) as Answer))
}

const nameOf = ({ credential, path, key }: IdempotencyScope): string => JSON.stringify([credential, path, key])

/** What those of the requests that were answered before are answered again. */
async function replay(db: Db, ones: readonly Writing[]): Promise<ReadonlyMap<Writing, Answer>> {
  const keyed = ones.flatMap((one) => (one.scope === undefined ? [] : [{ ...one, one, scope: one.scope }]))
  if (keyed.length === 0) return new Map()
  const distinct = (name: keyof IdempotencyScope): string[] => [...new Set(keyed.map(({ scope }) => scope[name]))]
  const rows = await db
    .selectFrom('idempotency_keys')
    .select(['credential', 'path', 'key', 'request_hash', 'status', 'body', 'created_at'])
    .where('credential', 'in', distinct('credential'))
    .where('path', 'in', distinct('path'))
    .where('key', 'in', distinct('key'))
    .execute()
  const stored = new Map(rows.map((row) => [nameOf(row), row]))
  const replayed = new Map<Writing, Answer>()
  for (const { one, scope, requestHash, call } of keyed) {
    const row = stored.get(nameOf(scope))
    if (!row || row.created_at <= oldestAnswer(call.at)) continue
    replayed.set(
      one,
      row.request_hash === requestHash
        ? { status: row.status, body: JSON.parse(row.body), headers: { 'Idempotent-Replayed': 'true' } }
        : refuse('unprocessable_entity', 'This Idempotency-Key was used with another request.'),
    )
  }
  return replayed
}

/**
 * Stores what requests were answered; 401, 422 and 429 are never stored, as a repaired request may follow.
 *
 * Two processes may do this for the same key at once: the second finds the row there, is undone, and replays it.
 */
async function remember(db: Db, answered: ReadonlyMap<Writing, Answer>): Promise<void> {
  let at = new Date(0)
  const rows = [...answered].flatMap(([{ scope, requestHash, call }, answer]) => {
    if (scope === undefined) return []
    const { status, body } = isRefusal(answer)
      ? refusalBody(answer, call.at)
      : { status: answer.status, body: answer.body }
    if (status === 422 || status >= 500) return []
    at = call.at
    return [
      {
        ...scope,
        request_hash: requestHash,
        status,
        body: JSON.stringify(body ?? null),
        created_at: call.at.toISOString(),
      },
    ]
  })
  if (rows.length === 0) return
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('idempotency_keys')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .columns(['credential', 'path', 'key'])
        .doUpdateSet(({ ref }) => ({
          request_hash: ref('excluded.request_hash'),
          status: ref('excluded.status'),
          body: ref('excluded.body'),
          created_at: ref('excluded.created_at'),
        }))
        .where('idempotency_keys.created_at', '<=', oldestAnswer(at)),
    )
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows !== BigInt(rows.length)) throw new OvertakenError('idempotency_keys')
}

/** Answers stored up to this instant count no more. */
function oldestAnswer(at: Date): string {
  return new Date(at.getTime() - idempotencyMs).toISOString()
}

function refusalBody(answer: Refusal, at: Date) {
  const body = problemBody(answer.problem, answer.detail, at, answer.extras)
  return { status: body.status, body }
}

function respond(answer: Answer, at: Date, limitHeaders: Readonly<Record<string, string>>): Response {
  const { status, body } = isRefusal(answer) ? refusalBody(answer, at) : answer
  const headers: [string, string][] = [
    ...Object.entries(limitHeaders),
    ...Object.entries(answer.headers ?? {}),
    ...('cookies' in answer ? (answer.cookies ?? []) : []).map((cookie): [string, string] => ['Set-Cookie', cookie]),
  ]
  if ('stream' in answer && answer.stream !== undefined) return new Response(answer.stream, { status, headers })
  if (body === undefined) return new Response(null, { status, headers })
  const typed = headers.some(([name]) => name === 'Content-Type')
  if (!typed) headers.push(['Content-Type', status >= 400 ? 'application/problem+json' : 'application/json'])
  return new Response(JSON.stringify(body), { status, headers })
}
