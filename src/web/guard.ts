import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** What a request must show before anything of it is read. */
export interface Guard {
  /** The exact origins this host answers to, as `http://127.0.0.1:8080`; their hosts are the only `Host` values. */
  readonly origins: readonly string[]
  readonly cookieName: string
  readonly token: string
  /** Tokens that each open one window. */
  readonly oneTimeTokens: Set<string>
}

/** What a guard looks at. */
export interface RequestFacts {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  /** A WebSocket upgrade: browsers send its `Origin` always, so that it must be there. */
  readonly isUpgrade?: boolean
}

/**
 * Whether `Host` and `Origin` are ours; null when they are, else why not.
 *
 * The host check defeats DNS rebinding, the origin check cross-site requests and WebSockets, and the fetch
 * metadata what sends no `Origin`: an `<img>` of another server on the same loopback address is same-site.
 */
export function foreignReason(guard: Guard, { method, headers, isUpgrade = false }: RequestFacts): string | null {
  const { host, origin } = headers
  const own = guard.origins.find((allowed) => new URL(allowed).host === host)
  if (own === undefined) return 'wrong host'
  if (origin === undefined ? isUpgrade || !isSafe(method) : origin !== own) return 'wrong origin'
  const site = headers['sec-fetch-site']
  // Upgrades are left out: their Origin, checked above, says more.
  if (!isUpgrade && site !== undefined && site !== 'same-origin' && site !== 'none') return 'cross-site request'
  return null
}

/** Whether the request carries the token's cookie. */
export function hasToken(guard: Guard, headers: IncomingHttpHeaders): boolean {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === guard.cookieName && value !== undefined && isToken(guard, value)) return true
  }
  return false
}

/** Whether a token offered in an address may be exchanged for the cookie; a one-time token is used up by it. */
export function redeem(guard: Guard, offered: string): boolean {
  return guard.oneTimeTokens.delete(offered) || isToken(guard, offered)
}

/** Compares in a time that does not depend on how much of the token is right. */
function isToken(guard: Guard, candidate: string): boolean {
  return timingSafeEqual(digest(candidate), digest(guard.token))
}

function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
