import { lookup } from 'node:dns/promises'
import { request as requestHttp, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isPublicAddress } from './addresses.ts'

/** Finds all addresses of a host. */
export type ResolveHost = (host: string) => Promise<readonly string[]>

/** Which addresses may be connected to; the port is that of the request. */
export type PermitAddress = (address: string, port: number) => boolean

/** What a guarded request may be told beside its address. */
export interface OutboundRequest {
  readonly method: 'GET' | 'POST'
  readonly headers: OutgoingHttpHeaders
  readonly body?: string
  /** For the whole of it: name, connection, answer's head. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** The head of an answer; its body is never read. */
export interface OutboundAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
}

/** A request to an address that others chose, which may not lead into the site. */
export type SendOutbound = (url: URL, request: OutboundRequest) => Promise<OutboundAnswer>

/** Why a request was not made or had no answer, in a sentence that names the address. */
export class OutboundFault extends Error {
  readonly kind: 'refused' | 'failed'
  constructor(kind: OutboundFault['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}

const resolveBySystem: ResolveHost = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address)

/**
 * Makes the one function by which the backend asks addresses that it was given.
 *
 * The name is resolved once, every address that it has is checked, and the connection is made to just these: a name
 * that answers differently the second time is not asked a second time. Redirects are not followed; whoever follows
 * them sends each as a request of its own. Rejects with `OutboundFault`.
 */
export function createOutbound(
  options: { readonly resolve?: ResolveHost; readonly permits?: PermitAddress } = {},
): SendOutbound {
  const { resolve = resolveBySystem, permits = isPublicAddress } = options

  return async (url, request) => {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new OutboundFault('refused', `${url.protocol} is not followed, only http and https are`)
    }
    const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
    const timeout = AbortSignal.timeout(request.timeoutMs)
    const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal])
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    try {
      const addresses = isIP(host) === 0 ? await beforeEnd(resolve(host), signal) : [host]
      if (addresses.length === 0) throw new OutboundFault('failed', `${host} has no address`)
      const refused = addresses.find((address) => isIP(address) === 0 || !permits(address, port))
      if (refused !== undefined) {
        const named = refused === host ? host : `${host} is ${refused}, which`
        throw new OutboundFault('refused', `${named} is not a public address and is not asked`)
      }
      return await send(url, port, host, addresses, { ...request, signal })
    } catch (error) {
      if (error instanceof OutboundFault) throw error
      if (timeout.aborted) {
        throw new OutboundFault('failed', `${host} did not answer within ${request.timeoutMs / 1_000} s`)
      }
      throw new OutboundFault('failed', `${host} could not be asked: ${reasonOf(error)}`)
    }
  }
}

function send(
  url: URL,
  port: number,
  host: string,
  addresses: readonly string[],
  { method, headers, body, signal }: OutboundRequest,
): Promise<OutboundAnswer> {
  const found = addresses.map((address) => ({ address, family: isIP(address) }))
  const pinned: LookupFunction = (_host, { all }, callback) => {
    if (all === true) callback(null, found)
    else callback(null, found[0]?.address ?? '', found[0]?.family)
  }
  return new Promise((resolve, reject) => {
    // User and password of the address are left out: a code that is scanned by many must not sign anybody in.
    const outgoing = (url.protocol === 'https:' ? requestHttps : requestHttp)({
      host,
      port,
      path: `${url.pathname}${url.search}`,
      method,
      headers: {
        ...headers,
        Host: url.host,
        ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
      },
      lookup: pinned,
      // No connection outlives its request, and none is shared with one that was checked differently.
      agent: false,
      signal,
    })
    outgoing.on('response', (answer) => {
      answer.on('error', () => undefined)
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers })
      outgoing.destroy()
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** The system's resolver cannot be interrupted, but it can be left alone. */
function beforeEnd<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new Error('it took too long'))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  return code ?? (error instanceof Error ? error.message : String(error))
}
