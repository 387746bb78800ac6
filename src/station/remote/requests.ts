import type { z } from 'zod'
import { foreignProblemSchema } from '#contract/backend/problem.ts'
import type { Receipt } from '#contract/station/ledger.ts'
import { isSafeBackendAddress } from '#contract/backend-address.ts'
import { readCredential, type Credential } from '#contract/credential.ts'
import { readEvents } from '#station/remote/events.ts'

/**
 * Why a request has no answer to go on with.
 *
 * `unreachable`: no whole answer. `busy`: the backend cannot now (429, 5xx, 408), `retryAfterMs` when it says how
 * long. `unauthorised`: 401 or 403. `refused`: any other answer but success; repeating it will not help. `message` holds
 * the backend's own words.
 *
 * `taken` tells what is known of the request's effect: `no` when it never left or was turned away, `yes` when the
 * backend said success and the rest of its answer was lost or is unreadable, `unknown` when there is no telling.
 */
export interface RemoteFailure {
  readonly kind: 'unreachable' | 'busy' | 'unauthorised' | 'refused'
  readonly status: number | null
  readonly code: string
  readonly message: string
  readonly retryAfterMs: number | null
  readonly taken: 'no' | 'yes' | 'unknown'
  /** What the answer proves of itself, when there was one. */
  readonly receipt?: Receipt
}

export type RemoteResult<T> =
  | { readonly ok: true; readonly value: T; readonly receipt?: Receipt }
  | { readonly ok: false; readonly failure: RemoteFailure }

/** Repeating the request will not help: it is refused, or this key may not. */
export const isFinal = ({ kind, status }: RemoteFailure): boolean => kind === 'refused' || status === 403

/** The backend has no such thing, or knows no such request. */
export const isMissing = ({ status }: RemoteFailure): boolean => status === 404 || status === 405

/** What the headers of the answers so far have told. */
export interface Observed {
  /** How far the backend's clock is before ours, in milliseconds, to the second; null until it has sent a `Date`. */
  readonly offsetMs: number | null
  /** Requests that may still be made until `resetsAtMs` (epoch, our clock); null when the backend names no limit. */
  readonly allowance: { readonly remaining: number; readonly resetsAtMs: number } | null
  /** It has answered a repeated request from memory: it knows its keys. */
  readonly hasReplayed: boolean
}

export interface RequestOptions {
  readonly json?: unknown
  readonly form?: FormData
  /** The Idempotency-Key. */
  readonly key?: string
  readonly timeoutMs?: number
  readonly maxBytes?: number
}

export type SendRequest = <T>(
  method: string,
  path: string,
  read: z.ZodType<T> | null,
  options?: RequestOptions,
) => Promise<RemoteResult<T | null>>

/**
 * Posts a form to an address that the backend has named: another server's perhaps, so that no credential goes there, and what
 * goes wrong is no word of the backend. `refused` is what can never go there.
 */
export type SendForm = (url: string, form: FormData, timeoutMs: number) => Promise<RemoteResult<null>>

/**
 * Has events told until the stream ends or `signal` fires. `unsupported` says that there are none for us: it need not be
 * tried again. A stream that says nothing for a while has ended.
 */
export type Listen = (
  path: string,
  onEvent: (name: string) => void,
  signal: AbortSignal,
) => Promise<'ended' | 'unsupported'>

export interface Downloaded {
  readonly headers: Headers
  readonly bytes: Uint8Array
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** Where a backend is; a function where that may change, which answers null while it is not known yet. */
export type Address = string | (() => string | null)

const usualTimeoutMs = 15_000
/** A server gives a sign of life each 15 seconds. */
const silenceMs = 45_000
/** Bytes of an answer; what is longer is none of the documented ones. */
const usualBytes = 4 * 1024 * 1024

/**
 * Sends requests to one backend. The secret is asked for each time, so that a new one takes effect at once; it leaves
 * this function in a header only: an answer that repeats it is blacked out before anybody sees it.
 */
export function createRequests(options: {
  readonly fetch: Fetch
  readonly url: Address
  /** A secret as `readCredential` reads it, or what it would be read as. */
  readonly credential: () => Promise<string | Credential | null>
  readonly now: () => Date
  readonly signal?: AbortSignal | undefined
}): {
  readonly send: SendRequest
  readonly sendForm: SendForm
  readonly listen: Listen
  /** Gets bytes, with the headers that came with them. */
  download(path: string, options?: RequestOptions): Promise<RemoteResult<Downloaded>>
  readonly observed: Observed
} {
  const signals = options.signal ? [options.signal] : []
  const baseUrl = (): string | null => {
    const url = typeof options.url === 'string' ? options.url : options.url()
    return url?.replace(/\/+$/, '') ?? null
  }
  const observed: { -readonly [Name in keyof Observed]: Observed[Name] } = {
    offsetMs: null,
    allowance: null,
    hasReplayed: false,
  }

  const observe = (response: Response): void => {
    const nowMs = options.now().getTime()
    const date = Date.parse(response.headers.get('date') ?? '')
    if (Number.isFinite(date)) observed.offsetMs = date - nowMs
    if (response.headers.get('idempotent-replayed') === 'true') observed.hasReplayed = true
    observed.allowance = readAllowance(response.headers, nowMs)
  }

  /** Null where there is none; undefined when it cannot be had or used. */
  const usableCredential = async (): Promise<Credential | null | undefined> => {
    const secret = await options.credential().catch(() => undefined)
    const credential = typeof secret === 'string' ? readCredential(secret) : (secret ?? null)
    return secret === undefined || (secret !== null && credential === null) ? undefined : credential
  }

  /** Sends a request and reads its whole answer; the answer of an error is a failure. */
  const exchange = async (
    method: string,
    path: string,
    { json, form, key, timeoutMs = usualTimeoutMs, maxBytes = usualBytes }: RequestOptions,
  ): Promise<
    { ok: true; response: Response; bytes: Uint8Array; receipt: Receipt } | { ok: false; failure: RemoteFailure }
  > => {
    const base = baseUrl()
    if (base === null) return notThereYet
    const credential = await usableCredential()
    if (credential === undefined) return unusableSecret
    const redact = redactor(credential)
    const headers: Record<string, string> = {
      accept: 'application/json',
      ...credentialHeaders(credential, method, base),
    }
    if (key !== undefined) headers['idempotency-key'] = key
    if (json !== undefined) headers['content-type'] = 'application/json'
    let status: number | null = null
    try {
      const response = await options.fetch(base + path, {
        method,
        headers,
        body: form ?? (json === undefined ? null : JSON.stringify(json)),
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...signals]),
      })
      status = response.status
      observe(response)
      const receipt: Receipt = { status, date: response.headers.get('date') }
      const bytes = await readBytes(response, maxBytes)
      if (bytes === null) return unreadable(status, `the answer to ${method} ${path} is too long`)
      if (!response.ok) {
        const text = new TextDecoder().decode(bytes)
        const failure = { ...toFailure(response, text, options.now(), redact), receipt }
        // The refused key was replaced while this was on its way: the new one has not been refused.
        const isOutdated =
          status === 401 && JSON.stringify(await usableCredential()) !== JSON.stringify(credential ?? null)
        return { ok: false, failure: isOutdated ? { ...failure, kind: 'busy', retryAfterMs: null } : failure }
      }
      return { ok: true, response, bytes, receipt }
    } catch (error) {
      const taken = status === null ? (neverLeft(error) ? 'no' : 'unknown') : takenBy(status)
      const message = redact(reason(error))
      return {
        ok: false,
        failure: { kind: 'unreachable', status: null, code: 'unreachable', message, retryAfterMs: null, taken },
      }
    }
  }

  const send = async <T>(
    method: string,
    path: string,
    read: z.ZodType<T> | null,
    requestOptions: RequestOptions = {},
  ): Promise<RemoteResult<T | null>> => {
    const answer = await exchange(method, path, requestOptions)
    if (!answer.ok) return answer
    const { response, bytes, receipt } = answer
    if (read === null) return { ok: true, value: null, receipt }
    const parsed = read.safeParse(parseJson(new TextDecoder().decode(bytes)))
    if (parsed.success) return { ok: true, value: parsed.data, receipt }
    return unreadable(response.status, `the answer to ${method} ${path} is not as documented`)
  }

  const listen: Listen = async (path, onEvent, signal) => {
    const base = baseUrl()
    const credential = await usableCredential()
    if (base === null || credential === undefined) return 'ended'
    const silence = new AbortController()
    let timer = setTimeout(() => silence.abort(), usualTimeoutMs)
    try {
      const response = await options.fetch(base + path, {
        headers: { accept: 'text/event-stream', ...credentialHeaders(credential, 'GET', base) },
        redirect: 'error',
        signal: AbortSignal.any([signal, silence.signal, ...signals]),
      })
      if (!response.ok || response.body === null || !/^text\/event-stream\b/.test(typeOf(response))) {
        await response.body?.cancel()
        // What has a passing reason is asked again; what is not there, or not for this key, is not.
        return response.ok || (response.status < 500 && response.status !== 429) ? 'unsupported' : 'ended'
      }
      const heard = async function* (body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
        for await (const piece of body) {
          clearTimeout(timer)
          timer = setTimeout(() => silence.abort(), silenceMs)
          yield piece
        }
      }
      for await (const name of readEvents(heard(response.body))) onEvent(name)
      return 'ended'
    } catch {
      // Whether the backend is there is found out by requests that matter; the stream is a courtesy.
      return 'ended'
    } finally {
      clearTimeout(timer)
    }
  }

  const download = async (path: string, requestOptions: RequestOptions = {}): Promise<RemoteResult<Downloaded>> => {
    const answer = await exchange('GET', path, requestOptions)
    return answer.ok ? { ok: true, value: { headers: answer.response.headers, bytes: answer.bytes } } : answer
  }

  const sendForm: SendForm = async (address, form, timeoutMs) => {
    const failed = (kind: 'busy' | 'refused', code: string, message: string): RemoteResult<null> => ({
      ok: false,
      failure: { kind, status: null, code, message, retryAfterMs: null, taken: 'no' },
    })
    const base = baseUrl() ?? undefined
    const url = URL.canParse(address, base) ? new URL(address, base) : null
    if (url === null || url.username + url.password !== '' || !isSafeBackendAddress(url.origin + url.pathname)) {
      return failed('refused', 'unsafe_upload', 'the backend names an address that photos may not be sent to')
    }
    try {
      const response = await options.fetch(url.href, {
        method: 'POST',
        body: form,
        redirect: 'error',
        credentials: 'omit',
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...signals]),
      })
      const text = new TextDecoder().decode((await readBytes(response, usualBytes)) ?? undefined)
      if (response.ok) return { ok: true, value: null }
      const { kind, code, message } = toFailure(response, text, options.now(), (words) => words)
      // 403 is an address that has expired: the next attempt gets another one.
      const isHopeless = kind === 'refused' && response.status !== 404 && response.status !== 409
      return failed(isHopeless ? 'refused' : 'busy', code, `the photo's upload: ${message}`)
    } catch (error) {
      return failed('busy', 'upload_unreachable', `the photo's upload: ${reason(error)}`)
    }
  }
  return { send, listen, sendForm, download, observed }
}

const notThereYet: { ok: false; failure: RemoteFailure } = {
  ok: false,
  failure: {
    kind: 'unreachable',
    status: null,
    code: 'starting',
    message: 'the backend of this machine is starting',
    retryAfterMs: null,
    taken: 'no',
  },
}

const unusableSecret: { ok: false; failure: RemoteFailure } = {
  ok: false,
  failure: {
    kind: 'unauthorised',
    status: null,
    code: 'unusable_key',
    message: 'the API key cannot be read, or holds other characters than letters, digits and signs',
    retryAfterMs: null,
    taken: 'no',
  },
}

const typeOf = (response: Response): string => response.headers.get('content-type') ?? ''

/** Django's rules (contracts 1.12): a write with a cookie repeats the CSRF token, and over HTTPS names where it is from. */
function credentialHeaders(credential: Credential | null, method: string, base: string): Record<string, string> {
  if (credential === null) return {}
  if (credential.kind === 'key') return { 'x-api-key': credential.key }
  if (credential.kind === 'bearer') return { authorization: `Bearer ${credential.token}` }
  const cookie = `sessionid=${credential.sessionId}; csrftoken=${credential.csrfToken}`
  if (method === 'GET') return { cookie }
  return { cookie, 'x-csrftoken': credential.csrfToken, referer: `${base}/` }
}

function redactor(credential: Credential | null): (text: string) => string {
  if (credential === null) return (text) => text
  const secrets =
    credential.kind === 'key'
      ? [credential.key]
      : credential.kind === 'bearer'
        ? [credential.token]
        : [credential.sessionId, credential.csrfToken]
  // A secret of a few characters would black out words; no real one is that short.
  const long = secrets.filter((secret) => secret.length >= 6)
  return (text) => long.reduce((clean, secret) => clean.replaceAll(secret, '***'), text)
}

/** The body, null when it is longer than `maxBytes`. */
async function readBytes(response: Response, maxBytes: number): Promise<Uint8Array | null> {
  if (!response.body) return new Uint8Array()
  const reader = response.body.getReader()
  const pieces: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > maxBytes) {
      await reader.cancel()
      return null
    }
    pieces.push(value)
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

function toFailure(response: Response, text: string, now: Date, redact: (text: string) => string): RemoteFailure {
  const { status } = response
  const problem = foreignProblemSchema.safeParse(parseJson(text))
  const code = redact((problem.success && problem.data.code) || `http_${status}`)
  const message = redact((problem.success && problem.data.message) || response.statusText || `HTTP ${status}`)
  const taken = takenBy(status)
  const after = retryAfter(response.headers.get('retry-after'), now)
  const failure = { status, code, message, taken }
  if (status === 401 || status === 403) return { ...failure, kind: 'unauthorised', retryAfterMs: null }
  if (status === 429 || status === 503) return { ...failure, kind: 'busy', retryAfterMs: after ?? 5_000 }
  if (status === 408 || status >= 500) return { ...failure, kind: 'busy', retryAfterMs: after }
  return { ...failure, kind: 'refused', retryAfterMs: null }
}

/** What a status says of the request's effect: a gateway's 5xx tells nothing of what the server behind it did. */
function takenBy(status: number): RemoteFailure['taken'] {
  if (status >= 500) return 'unknown'
  return status >= 400 ? 'no' : 'yes'
}

/**
 * Errors of a connection that was never made, in the words of Node and of Chromium's network stack: such a request has
 * certainly not arrived.
 */
function neverLeft(error: unknown): boolean {
  const causes = error instanceof Error ? [error, error.cause] : [error]
  return causes.some((cause) => {
    const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown }
    return (
      /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|UND_ERR_CONNECT_TIMEOUT)$/.test(
        String(code),
      ) ||
      /net::ERR_(CONNECTION_REFUSED|NAME_NOT_RESOLVED|INTERNET_DISCONNECTED|ADDRESS_UNREACHABLE|CERT_\w+|PROXY_CONNECTION_FAILED)/.test(
        String(message),
      )
    )
  })
}

/** Reads `Retry-After` in both forms, seconds and HTTP date (RFC 9110 section 10.2.3); at most an hour. */
function retryAfter(header: string | null, now: Date): number | null {
  if (header === null) return null
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - now.getTime()) / 1_000
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), 3_600) * 1_000 : null
}

/**
 * Reads how many requests are left, in the documented headers (`RateLimit-Reset` in seconds from now), the older ones
 * (`X-RateLimit-Reset` in Unix time) and the newer single one (`RateLimit: "default";r=50;t=30`).
 */
function readAllowance(headers: Headers, nowMs: number): Observed['allowance'] {
  const number = (name: string): number => Number.parseInt(headers.get(name) ?? '', 10)
  const single = headers.get('ratelimit') ?? ''
  const field = (name: string): number => Number.parseInt(new RegExp(`;\\s*${name}=(\\d+)`).exec(single)?.[1] ?? '', 10)
  const candidates = [
    { remaining: number('ratelimit-remaining'), resetsAtMs: nowMs + number('ratelimit-reset') * 1_000 },
    { remaining: field('r'), resetsAtMs: nowMs + field('t') * 1_000 },
    { remaining: number('x-ratelimit-remaining'), resetsAtMs: number('x-ratelimit-reset') * 1_000 },
  ]
  return (
    candidates.find(({ remaining, resetsAtMs }) => Number.isFinite(remaining) && Number.isFinite(resetsAtMs)) ?? null
  )
}

/** An answer that cannot be read is not repeated blindly at once: the backend may have done what it was asked. */
function unreadable(status: number, message: string): { ok: false; failure: RemoteFailure } {
  const taken = takenBy(status)
  return { ok: false, failure: { kind: 'busy', status, code: 'bad_answer', message, retryAfterMs: null, taken } }
}

/** An answer that lacks what every one must have; the backend said that it succeeded. */
export function withoutId(what: string): { ok: false; failure: RemoteFailure } {
  return unreadable(200, `the backend names no id for the ${what}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? error.cause.message : ''
  return cause === '' ? error.message : `${error.message}: ${cause}`
}
