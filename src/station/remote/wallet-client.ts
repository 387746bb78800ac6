import { z } from 'zod'
import { readCredential, type Credential } from '#contract/credential.ts'
import {
  foreignAddScanResponseSchema,
  foreignTokenSchema,
  relayAnswerSchema,
  type AddScanRequest,
  type RelayScan,
} from '#contract/gate/scan-api.ts'
import { gatePaths, relayStatusSchema, type RelayStatus } from '#contract/gate/site.ts'
import {
  createRequests,
  type Address,
  type Fetch,
  type RemoteFailure,
  type RemoteResult,
} from '#station/remote/requests.ts'

/** What became of a scan's record: the pass that has the value (null: none), or it waits at the site. */
export type ScanRecorded = { readonly passId: string | null } | { readonly queued: true }

/**
 * Records scans of passes (contracts 2.1). It never decides who is let in, and records only: what answers a scan here is
 * kept as a scan there, each call a new one, so whoever repeats a call must know that the one before has not arrived.
 *
 * A value that no pass has is an answer, `passId` null. Of the failures, `refused` (400 and other words for "never")
 * and `unauthorised` (401, 403) are not to be repeated as they are, `busy` (429, 5xx) and `unreachable` may be.
 */
export interface WalletClient {
  recordScan(scan: AddScanRequest, timeoutMs?: number): Promise<RemoteResult<ScanRecorded>>
}

interface Options {
  readonly fetch: Fetch
  readonly url: string
  readonly now: () => Date
  readonly signal?: AbortSignal
}

/** The service itself: the tenant's key lies on the station. `secret` is as `readWalletSecret` reads it. */
export function createWalletClient(
  options: Options & { readonly tenantId: string; readonly secret: () => Promise<string | null> },
): WalletClient {
  const tokens = createTokens(options)
  const { send } = createRequests({ ...options, credential: async () => tokens.held() ?? (await options.secret()) })
  const path = `/api/${encodeURIComponent(options.tenantId)}/scans`

  const attempt = async ({ data, type }: AddScanRequest, timeoutMs: number): Promise<RemoteResult<ScanRecorded>> => {
    const secret = await options.secret().catch(() => null)
    const token = await tokens.ready(secret === null ? null : readClient(secret))
    if (!token.ok) return token
    return toRecorded(await send('POST', path, foreignAddScanResponseSchema, { json: { data, type }, timeoutMs }))
  }
  return {
    async recordScan(scan, timeoutMs = 15_000) {
      const first = await attempt(scan, timeoutMs)
      // A token may be withdrawn before its time: one more try with a new one, since a 401 has recorded nothing.
      if (first.ok || first.failure.status !== 401 || !tokens.forget()) return first
      return await attempt(scan, timeoutMs)
    },
  }
}

/** Whether a text is a key of the service, or an OAuth client as JSON. */
export function isWalletSecret(secret: string): boolean {
  return readClient(secret) !== null || readCredential(secret)?.kind === 'key'
}

/** The site's backend, which holds the tenant's key, forwards, and knows a repeat by `client_scan_id`. */
export function createRelayClient(
  options: Omit<Options, 'url'> & { readonly url: Address; readonly credential: () => Promise<string | null> },
): {
  recordScan(scan: RelayScan, timeoutMs?: number): Promise<RemoteResult<ScanRecorded>>
  /** How its queue of records stands. */
  status(): Promise<RemoteResult<RelayStatus | null>>
} {
  const { send } = createRequests(options)
  return {
    status: () => send('GET', gatePaths.relayStatus, relayStatusSchema, { timeoutMs: statusTimeoutMs }),
    async recordScan(scan, timeoutMs = 15_000) {
      return toRecorded(
        await send('POST', gatePaths.relay, relayAnswerSchema, { json: scan, key: scan.client_scan_id, timeoutMs }),
      )
    },
  }
}

function toRecorded(answer: RemoteResult<z.infer<typeof relayAnswerSchema> | null>): RemoteResult<ScanRecorded> {
  if (!answer.ok) {
    if (answer.failure.status !== 404) return answer
    const { receipt } = answer.failure
    return { ok: true, value: { passId: null }, ...(receipt ? { receipt } : {}) }
  }
  const { value } = answer
  if (value !== null && 'queued' in value) return { ...answer, value: { queued: true } }
  return { ...answer, value: { passId: value !== null && 'passId' in value ? String(value.passId) : null } }
}

const clientSchema = z.object({
  tokenUrl: z.url({ protocol: /^https?$/ }),
  clientId: z.string().min(1).max(1_000),
  clientSecret: z.string().min(1).max(4_096),
  scope: z.string().max(1_000).default('PassScan.Scan'),
  audience: z.string().max(1_000).optional(),
})
type OauthClient = z.infer<typeof clientSchema>

/** An OAuth client as it is kept: a JSON object of a token endpoint, an id and a secret. Null for an API key. */
function readClient(secret: string): OauthClient | null {
  if (!secret.startsWith('{') || readCredential(secret) !== null) return null
  try {
    const client = clientSchema.safeParse(JSON.parse(secret))
    return client.success ? client.data : null
  } catch {
    return null
  }
}

/** The part of a token's life that is left unused, at most: it must not expire on its way. */
const marginMs = 60_000
const tokenTimeoutMs = 10_000
const statusTimeoutMs = 5_000

/** Gets tokens by the client credentials grant (RFC 6749 section 4.4), one at a time, before the last one expires. */
function createTokens({ fetch, now, signal }: Options): {
  /** Sees that a token of the client is held; of null, that none is. */
  ready(client: OauthClient | null): Promise<RemoteResult<null>>
  held(): Credential | null
  /** Drops the token; false when there was none. */
  forget(): boolean
} {
  let held: { readonly of: string; readonly token: string; readonly untilMs: number } | null = null
  let asking: Promise<RemoteResult<null>> | null = null

  const ask = async (client: OauthClient): Promise<RemoteResult<null>> => {
    const failed = (kind: RemoteFailure['kind'], status: number | null, message: string): RemoteResult<null> => ({
      ok: false,
      // The scan itself was not sent.
      failure: { kind, status, code: 'no_token', message, retryAfterMs: null, taken: 'no' },
    })
    try {
      const response = await fetch(client.tokenUrl, {
        method: 'POST',
        headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: client.clientId,
          client_secret: client.clientSecret,
          scope: client.scope,
          ...(client.audience === undefined ? {} : { audience: client.audience }),
        }).toString(),
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(tokenTimeoutMs), ...(signal ? [signal] : [])]),
      })
      const token = foreignTokenSchema.safeParse(await response.json().catch(() => null))
      if (response.status >= 500 || response.status === 429) {
        return failed('busy', response.status, 'the token endpoint gives no token now')
      }
      if (!response.ok || !token.success) {
        return failed('unauthorised', response.status, 'the token endpoint does not take this client')
      }
      const lifeMs = token.data.expires_in * 1_000
      const untilMs = now().getTime() + lifeMs - Math.min(marginMs, lifeMs / 10)
      held = { of: JSON.stringify(client), token: token.data.access_token, untilMs }
      return { ok: true, value: null }
    } catch {
      return failed('unreachable', null, 'the token endpoint cannot be reached')
    }
  }

  return {
    async ready(client) {
      if (client === null) {
        held = null
        return { ok: true, value: null }
      }
      if (held !== null && held.of === JSON.stringify(client) && now().getTime() < held.untilMs) {
        return { ok: true, value: null }
      }
      asking ??= ask(client).finally(() => (asking = null))
      return await asking
    },
    held: () => (held === null ? null : { kind: 'bearer', token: held.token }),
    forget() {
      const had = held !== null
      held = null
      return had
    },
  }
}
