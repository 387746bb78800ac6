import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import {
  foreignAddScanResponseSchema,
  foreignTokenSchema,
  movementResponseSchema,
  type AddScanRequest,
  type movementRequestSchema,
} from '#contract/gate/scan-api.ts'
import type { RelayStatus } from '#contract/gate/site.ts'
import { backoffMs } from '#domain/backoff.ts'
import type { Database, Db } from '../db/database.ts'
import { newId } from '../ids.ts'
import type { Log } from '../log.ts'
import type { GateTables } from './tables.ts'

/** The tenant's own service, where it is not this backend: where it is, and the secret that only the site holds. */
export const upstreamSchema = z.object({
  /** Such as `https://app.neostore.cloud`. */
  url: z.url({ protocol: /^https?$/ }),
  /** An API key, or a JSON object of an OAuth client: `tokenUrl`, `clientId`, `clientSecret`. */
  secret: z
    .string()
    .min(1)
    .max(8_192)
    .refine((secret) => !secret.startsWith('{') || readClient(secret) !== null, { error: 'must be an OAuth client' }),
})
export type UpstreamSettings = z.infer<typeof upstreamSchema>

const clientSchema = z.object({
  tokenUrl: z.url({ protocol: /^https?$/ }),
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
  scope: z.string().default('PassScan.Scan'),
  audience: z.string().optional(),
})

function readClient(secret: string): z.infer<typeof clientSchema> | null {
  try {
    const client = clientSchema.safeParse(JSON.parse(secret))
    return client.success ? client.data : null
  } catch {
    return null
  }
}

/** What became of a request: an answer for good, or why it has to wait. `isTaken` null: there is no telling. */
type Sent =
  | { readonly kind: 'answered'; readonly status: number; readonly body: unknown }
  | {
      readonly kind: 'unreachable' | 'busy' | 'key_refused'
      readonly reason: string
      readonly isTaken: false | null
      readonly retryAfterMs: number | null
    }

/** A client of the tenant's service. */
export interface Upstream {
  recordScan(scan: AddScanRequest): Promise<Sent>
  /** Never repeated, never queued: what is consumed twice is a ticket lost. */
  move(passId: string, privilegeId: string, movement: z.infer<typeof movementRequestSchema>): Promise<Sent>
}

const requestMs = 10_000
/** The part of a token's life that is left unused, at most. */
const marginMs = 60_000

/** Creates it; asks the token endpoint before the last token expires, and once more when it is refused before its time. */
export function createUpstream(
  settings: UpstreamSettings,
  { tenantId, now }: { readonly tenantId: string; readonly now: () => Date },
): Upstream {
  const { url, secret } = settings
  const client = readClient(secret)
  let token: { readonly text: string; readonly untilMs: number } | null = null

  const authorised = async (): Promise<Record<string, string> | Sent> => {
    if (client === null) return { 'x-api-key': secret }
    if (token !== null && now().getTime() < token.untilMs) return { authorization: `Bearer ${token.text}` }
    const { tokenUrl, clientId, clientSecret, scope, audience } = client
    try {
      const response = await fetch(tokenUrl, {
        method: 'POST',
        headers: { accept: 'application/json' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: clientId,
          client_secret: clientSecret,
          scope,
          ...(audience === undefined ? {} : { audience }),
        }),
        redirect: 'error',
        signal: AbortSignal.timeout(requestMs),
      })
      const given = foreignTokenSchema.safeParse(await response.json().catch(() => null))
      if (response.status >= 500 || response.status === 429) return later('busy', 'the token endpoint gives none now')
      if (!response.ok || !given.success) return later('key_refused', 'the token endpoint does not take this client')
      const lifeMs = given.data.expires_in * 1_000
      const untilMs = now().getTime() + lifeMs - Math.min(marginMs, lifeMs / 10)
      token = { text: given.data.access_token, untilMs }
      return { authorization: `Bearer ${token.text}` }
    } catch {
      return later('unreachable', 'the token endpoint cannot be reached')
    }
  }

  const attempt = async (path: string, body: object): Promise<Sent> => {
    const headers = await authorised()
    if (isSent(headers)) return headers
    try {
      const response = await fetch(`${url.replace(/\/$/, '')}/api/${encodeURIComponent(tenantId)}${path}`, {
        method: 'POST',
        headers: { ...headers, accept: 'application/json', 'content-type': 'application/json' },
        body: JSON.stringify(body),
        redirect: 'error',
        signal: AbortSignal.timeout(requestMs),
      })
      const { status } = response
      const answer: unknown = await response.json().catch(() => null)
      if (status === 401 || status === 403) return later('key_refused', `the tenant answers ${status}`)
      const retryAfterMs = secondsOf(response.headers.get('retry-after'))
      if (status === 429) return { ...later('busy', 'the tenant answers 429'), retryAfterMs }
      if (status >= 500 || status === 408) {
        return { kind: 'busy', reason: `the tenant answers ${status}`, isTaken: null, retryAfterMs }
      }
      return { kind: 'answered', status, body: answer }
    } catch (error) {
      const isTaken = neverLeft(error) ? false : null
      return { kind: 'unreachable', reason: 'the tenant cannot be reached', isTaken, retryAfterMs: null }
    }
  }
  const send = async (path: string, body: object): Promise<Sent> => {
    const first = await attempt(path, body)
    // A token may be withdrawn before its time.
    if (first.kind !== 'key_refused' || token === null) return first
    token = null
    return await attempt(path, body)
  }

  return {
    recordScan: ({ data, type }) => send('/scans', { data, type }),
    move: (passId, privilegeId, { value, expectedTotal }) =>
      send(`/passes/${encodeURIComponent(passId)}/privileges/${encodeURIComponent(privilegeId)}/movements`, {
        value,
        expectedTotal,
      }),
  }
}

const isSent = (value: object): value is Sent => 'kind' in value

function later(kind: 'unreachable' | 'busy' | 'key_refused', reason: string): Sent & { kind: typeof kind } {
  return { kind, reason, isTaken: false, retryAfterMs: null }
}

function secondsOf(header: string | null): number | null {
  return header !== null && /^\d+$/.test(header) ? Math.min(Number(header), 3_600) * 1_000 : null
}

/** A connection that was never made: such a request has certainly not arrived. */
function neverLeft(error: unknown): boolean {
  const code = String(((error as Error | null)?.cause as { code?: unknown } | undefined)?.code)
  return /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(code)
}

// --- The queue of records ---------------------------------------------------------------------------

type Row = GateTables['upstream_scans']

/** A scan that a station handed over, and what became of it. */
export type Forwarded = Pick<Row, 'state' | 'pass_id' | 'detail'>

/** Sends scans on to the tenant's service: oldest first, one at a time, each written down before it goes. */
export interface Forwarder {
  /** Keeps a scan in the caller's transaction; one that is known already is not kept twice. */
  readonly add: (db: Db, scan: NewForward) => Promise<void>
  /** Says that a commit has kept one. */
  readonly wake: () => void
  /** What became of a scan, after so many milliseconds at most; `waiting` while it has to. */
  readonly outcome: (clientScanId: string, withinMs: number) => Promise<Forwarded | undefined>
  readonly status: () => Promise<RelayStatus>
  readonly upstream: Upstream
  readonly close: () => Promise<void>
}

export type NewForward = Pick<Row, 'client_scan_id' | 'device_id' | 'data' | 'type' | 'scanned_at'>

const backoff = { baseMs: 1_000, capMs: 300_000 } as const
/** Records of other processes, and of this one before it died, are found this late. */
const pollMs = 1_000
/** Sent longer ago than any request takes: its process has died, and whether it arrived cannot be told. */
const lostMs = 60_000
const keepMs = 7 * 86_400_000

/** Starts it. */
export function startForwarder(options: {
  readonly database: Database
  readonly tenantId: string
  readonly upstream: Upstream
  readonly log: Log
  readonly now: () => Date
  readonly random?: () => number
  /** The first wait after a failure; a second unless given. */
  readonly baseMs?: number
}): Forwarder {
  const { database, tenantId, upstream, log, now, random = Math.random, baseMs = backoff.baseMs } = options
  const { db } = database
  const stop = new AbortController()
  const { signal } = stop
  let state: RelayStatus['state'] = 'well'
  let ring: () => void = () => undefined
  let isAwake = false
  let failures = 0
  let prunedAtMs = Number.NEGATIVE_INFINITY
  const listeners = new Set<() => void>()

  const own = () => db.selectFrom('upstream_scans').where('tenant_id', '=', tenantId)

  const take = (): Promise<Row | undefined> =>
    database.write(async (transaction) => {
      const sending = await transaction
        .selectFrom('upstream_scans')
        .select(['id', 'sent_at'])
        .where('tenant_id', '=', tenantId)
        .where('state', '=', 'sending')
        .execute()
      const lostBefore = new Date(now().getTime() - lostMs).toISOString()
      for (const { id, sent_at } of sending) {
        // Somebody else's turn, or nobody's any more.
        if (sent_at > lostBefore) return undefined
        await transaction
          .updateTable('upstream_scans')
          .set({ state: 'doubtful', detail: 'the backend died while it was sent' })
          .where('id', '=', id)
          .execute()
      }
      const next = await transaction
        .selectFrom('upstream_scans')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('state', '=', 'waiting')
        .orderBy('id')
        .limit(1)
        .forNoKeyUpdate()
        .executeTakeFirst()
      if (next === undefined) return undefined
      await transaction
        .updateTable('upstream_scans')
        .set({ state: 'sending', sent_at: now().toISOString() })
        .where('id', '=', next.id)
        .execute()
      return next
    })

  const settle = async (id: string, change: Partial<Row>): Promise<void> => {
    await database.write((transaction) =>
      transaction.updateTable('upstream_scans').set(change).where('id', '=', id).execute(),
    )
    for (const listener of listeners) listener()
  }

  /** Sends one; answers how long to wait before the next. */
  const forward = async (row: Row): Promise<number> => {
    const sent = await upstream.recordScan(row)
    if (sent.kind === 'answered') {
      const taken = foreignAddScanResponseSchema.safeParse(sent.body)
      if (sent.status < 300 && taken.success) await settle(row.id, { state: 'sent', pass_id: taken.data.passId })
      else if (sent.status === 404) await settle(row.id, { state: 'unknown' })
      // It took it and does not say as what; or will never take it.
      else if (sent.status < 300) await settle(row.id, { state: 'doubtful', detail: 'the tenant names no pass' })
      else await settle(row.id, { state: 'refused', detail: detailOf(sent.body, sent.status) })
      told('well', 'the tenant answers')
      failures = 0
      return 0
    }
    // The service makes a new scan of each call: one that may have arrived is never sent again.
    const isDoubtful = sent.isTaken === null && sent.kind === 'unreachable'
    await settle(row.id, isDoubtful ? { state: 'doubtful', detail: sent.reason } : { state: 'waiting' })
    told(sent.kind === 'key_refused' ? 'key_refused' : 'unreachable', sent.reason)
    failures += 1
    return Math.max(sent.retryAfterMs ?? 0, backoffMs(failures, random(), { ...backoff, baseMs }))
  }
  const told = (next: RelayStatus['state'], reason: string): void => {
    if (next === state) return
    state = next
    if (next === 'key_refused') log.error({ tenantId, reason }, 'the tenant refuses the key: scans wait for another')
    else log.info({ tenantId, reason, state: next }, 'the road to the tenant')
  }

  const prune = async (): Promise<void> => {
    const atMs = now().getTime()
    if (atMs - prunedAtMs < 3_600_000) return
    prunedAtMs = atMs
    await database.write((transaction) =>
      transaction
        .deleteFrom('upstream_scans')
        .where('tenant_id', '=', tenantId)
        .where('state', 'in', ['sent', 'unknown', 'refused'])
        .where('sent_at', '<', new Date(atMs - keepMs).toISOString())
        .execute(),
    )
  }

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      let waitMs = 0
      try {
        await prune()
        const row = await take()
        if (row !== undefined) waitMs = await forward(row)
        else if (!isAwake) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, pollMs)
            ring = () => {
              clearTimeout(timer)
              resolve()
            }
          })
        }
        isAwake = false
      } catch (error) {
        log.error({ err: error }, 'scans cannot be sent on, trying again')
        waitMs = pollMs
      }
      if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => undefined)
    }
  }
  const wake = (): void => {
    isAwake = true
    ring()
  }
  const running = run()

  return {
    upstream,
    wake,
    async add(transaction, scan) {
      await transaction
        .insertInto('upstream_scans')
        .values({ ...scan, id: newId(), tenant_id: tenantId, state: 'waiting', pass_id: null, detail: '', sent_at: '' })
        .onConflict((conflict) => conflict.columns(['tenant_id', 'client_scan_id']).doNothing())
        .execute()
    },
    async outcome(clientScanId, withinMs) {
      const untilMs = performance.now() + withinMs
      for (;;) {
        const heard = new Promise<void>((resolve) => {
          const listener = (): void => {
            listeners.delete(listener)
            resolve()
          }
          listeners.add(listener)
          setTimeout(listener, Math.max(0, untilMs - performance.now())).unref()
        })
        const row = await own()
          .select(['state', 'pass_id', 'detail'])
          .where('client_scan_id', '=', clientScanId)
          .executeTakeFirst()
        const isSettled = row === undefined || (row.state !== 'waiting' && row.state !== 'sending')
        if (isSettled || state !== 'well' || performance.now() >= untilMs) return row
        await heard
      }
    },
    async status() {
      const rows = await own()
        .select(['state', (select) => select.fn.countAll<number>().as('n')])
        .groupBy('state')
        .execute()
      const count = (...states: string[]): number =>
        rows.reduce((sum, row) => sum + (states.includes(row.state) ? Number(row.n) : 0), 0)
      return {
        state,
        waiting: count('waiting', 'sending'),
        sent: count('sent', 'unknown'),
        refused: count('refused'),
        doubtful: count('doubtful'),
      }
    },
    async close() {
      stop.abort()
      ring()
      await running
    },
  }
}

function detailOf(body: unknown, status: number): string {
  const detail = z.looseObject({ detail: z.string() }).safeParse(body)
  return (detail.success ? detail.data.detail : `the tenant answers ${status}`).slice(0, 300)
}

/** What a movement at the tenant's service has come to: the answer of ours, or why there is none. */
export function readMovement(body: unknown): z.infer<typeof movementResponseSchema> | null {
  const read = z.looseObject(movementResponseSchema.shape).safeParse(body)
  return read.success ? { movementId: read.data.movementId, total: read.data.total } : null
}
