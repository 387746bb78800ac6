import type { z } from 'zod'
import {
  foreignCaptureSchema,
  foreignSessionDetailSchema,
  foreignSessionPollSchema,
  foreignSessionSummarySchema,
  type CaptureSubmit,
  type ForeignCapture,
  type SessionCreate,
  type SessionStatus,
} from '#contract/backend/scanner.ts'
import {
  foreignProductPageSchema,
  foreignProductSchema,
  type ForeignProduct,
  type ProductCreate,
} from '#contract/backend/products.ts'
import { foreignProblemSchema } from '#contract/backend/problem.ts'
import type { Capture, MatchedProduct } from '#contract/station/capture.ts'
import type { CaptureMode } from '#contract/station/session.ts'

/**
 * Why a request has no answer to go on with.
 *
 * `unreachable`: no answer at all, whether the request arrived is not known. `busy`: the backend cannot now
 * (429, 5xx, 408), `retryAfterMs` when it says how long. `unauthorised`: 401 or 403. `refused`: any other
 * answer but success; repeating it will not help. `message` holds the backend's own words.
 */
export interface RemoteFailure {
  readonly kind: 'unreachable' | 'busy' | 'unauthorised' | 'refused'
  readonly status: number | null
  readonly code: string
  readonly message: string
  readonly retryAfterMs: number | null
}

export type RemoteResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: RemoteFailure }

/** What the backend says of a capture, in the station's words. */
export interface CaptureAnswer {
  readonly remoteId: string
  readonly state: ForeignCapture['status']
  readonly errorMessage: string
  readonly productId: string | null
  readonly productName: string | null
  readonly gtin: string | null
}

/** A product as a person enters it. */
export interface NewProduct {
  readonly gtin: string
  readonly name: string
  readonly brand: string
  readonly netContent: string
  readonly description: string
}

/**
 * The Scanner API and the catalogue (contracts.md 1) as the station uses them. Every method answers, none throws;
 * both documented revisions are spoken: requests carry both names of a session, answers are read in either shape.
 */
export interface ScannerClient {
  createSession(session: {
    key: string
    captureMode: CaptureMode
    metadata: Record<string, string>
  }): Promise<RemoteResult<{ id: string }>>
  endSession(sessionId: string): Promise<RemoteResult<null>>
  sessionState(sessionId: string): Promise<RemoteResult<SessionStatus | 'unknown'>>
  /** The state of every capture of a session by its id there: one request however many there are. */
  sessionCaptures(sessionId: string): Promise<RemoteResult<Map<string, CaptureAnswer>>>
  submitCapture(key: string, sessionId: string, capture: Capture): Promise<RemoteResult<CaptureAnswer>>
  uploadImage(key: string, sessionId: string, capture: Capture, image: Blob): Promise<RemoteResult<CaptureAnswer>>
  getCapture(captureId: string): Promise<RemoteResult<CaptureAnswer>>
  retryCapture(captureId: string): Promise<RemoteResult<CaptureAnswer>>
  updateCapture(captureId: string, capture: Capture): Promise<RemoteResult<null>>
  removeCapture(captureId: string): Promise<RemoteResult<null>>
  createProduct(key: string, product: NewProduct): Promise<RemoteResult<MatchedProduct>>
  /** Null when the catalogue has no such GTIN. */
  findProduct(gtin: string): Promise<RemoteResult<MatchedProduct | null>>
  /** Asks whether anybody answers at all. */
  probe(): Promise<RemoteResult<null>>
}

const scanner = '/scanner/api/v1'
const catalogue = '/products/api/v1'
const timeouts = { requestMs: 15_000, uploadMs: 120_000, probeMs: 5_000 } as const

/** Bytes of an answer; what is longer is none of the documented ones. A session answers all its captures. */
const answerLimits = { usual: 4 * 1024 * 1024, session: 256 * 1024 * 1024 } as const

type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** Creates the client. `apiKey` is asked for each request, so that a new key takes effect at once; it is never logged. */
export function createScannerClient(options: {
  fetch: Fetch
  url: string
  apiKey: () => Promise<string | null>
  userAgent: string
  now: () => Date
  /** Ends requests in flight, which then count as without an answer. */
  signal?: AbortSignal
}): ScannerClient {
  const signals = options.signal ? [options.signal] : []
  const base = options.url.replace(/\/+$/, '')

  const request = async <T>(
    method: string,
    path: string,
    read: z.ZodType<T> | null,
    extra: { json?: unknown; form?: FormData; key?: string; timeoutMs?: number; maxBytes?: number } = {},
  ): Promise<RemoteResult<T | null>> => {
    const headers: Record<string, string> = { accept: 'application/json' }
    const apiKey = await readKey(options.apiKey)
    if (apiKey === undefined) return unusableKey
    if (apiKey !== null) headers['x-api-key'] = apiKey
    if (extra.key !== undefined) headers['idempotency-key'] = extra.key
    if (extra.json !== undefined) headers['content-type'] = 'application/json'
    try {
      const response = await options.fetch(base + path, {
        method,
        headers,
        body: extra.form ?? (extra.json === undefined ? null : JSON.stringify(extra.json)),
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(extra.timeoutMs ?? timeouts.requestMs), ...signals]),
      })
      const text = await readText(response, extra.maxBytes ?? answerLimits.usual)
      if (text === null) return broken(response.status, `the answer to ${method} ${path} is too long`)
      if (!response.ok) return { ok: false, failure: toFailure(response, text, options.now()) }
      if (read === null) return { ok: true, value: null }
      const parsed = read.safeParse(parseJson(text))
      if (parsed.success) return { ok: true, value: parsed.data }
      return broken(response.status, `the answer to ${method} ${path} is not as documented`)
    } catch (error) {
      return {
        ok: false,
        failure: { kind: 'unreachable', status: null, code: 'unreachable', message: reason(error), retryAfterMs: null },
      }
    }
  }

  const capture = async (
    answer: Promise<RemoteResult<ForeignCapture | null>>,
  ): Promise<RemoteResult<CaptureAnswer>> => {
    const result = await answer
    if (!result.ok) return result
    const read = result.value === null ? null : toCaptureAnswer(result.value)
    return read ? { ok: true, value: read } : broken(200, 'the backend names no id for the capture')
  }

  const names = (sessionId: string): { session_short_id: string; session_public_id: string } => ({
    session_short_id: sessionId,
    session_public_id: sessionId,
  })

  return {
    async createSession(session) {
      const answer = await request('POST', `${scanner}/sessions`, foreignSessionSummarySchema, {
        key: session.key,
        json: {
          capture_mode: session.captureMode,
          user_agent: options.userAgent,
          metadata: session.metadata,
        } satisfies SessionCreate,
      })
      if (!answer.ok) return answer
      const id = answer.value?.id
      return id ? { ok: true, value: { id } } : broken(201, 'the backend names no id for the session')
    },
    endSession: (sessionId) =>
      request('POST', `${scanner}/sessions/${encodeURIComponent(sessionId)}/end`, null) as Promise<RemoteResult<null>>,
    async sessionState(sessionId) {
      const answer = await request(
        'GET',
        `${scanner}/sessions/${encodeURIComponent(sessionId)}/status`,
        foreignSessionPollSchema,
      )
      return answer.ok ? { ok: true, value: answer.value?.session_status ?? 'unknown' } : answer
    },
    async sessionCaptures(sessionId) {
      const answer = await request(
        'GET',
        `${scanner}/sessions/${encodeURIComponent(sessionId)}`,
        foreignSessionDetailSchema,
        {
          timeoutMs: timeouts.uploadMs,
          maxBytes: answerLimits.session,
        },
      )
      if (!answer.ok) return answer
      const captures = new Map<string, CaptureAnswer>()
      for (const foreign of answer.value?.captures ?? []) {
        const read = toCaptureAnswer(foreign)
        if (read) captures.set(read.remoteId, read)
      }
      return { ok: true, value: captures }
    },
    submitCapture: (key, sessionId, scan) =>
      capture(
        request('POST', `${scanner}/captures`, foreignCaptureSchema, {
          key,
          json: {
            ...names(sessionId),
            capture_type: scan.type,
            raw_value: scan.raw,
            gtin: scan.gtin ?? '',
            gs1_dl_data: toGs1Data(scan),
            metadata: toMetadata(scan),
          } satisfies CaptureSubmit,
        }),
      ),
    uploadImage(key, sessionId, photo, image) {
      const form = new FormData()
      for (const [name, value] of Object.entries(names(sessionId))) form.set(name, value)
      form.set('capture_type', photo.type === 'BARCODE' ? 'BARCODE' : 'IMAGE')
      form.set('raw_value', photo.raw)
      form.set('gtin', photo.gtin ?? '')
      for (const [name, value] of Object.entries(toMetadata(photo))) form.set(`metadata[${name}]`, value)
      form.set('image', image, `${photo.id}.jpg`)
      return capture(
        request('POST', `${scanner}/captures/upload-image`, foreignCaptureSchema, {
          key,
          form,
          timeoutMs: timeouts.uploadMs,
        }),
      )
    },
    getCapture: (captureId) =>
      capture(request('GET', `${scanner}/captures/${encodeURIComponent(captureId)}`, foreignCaptureSchema)),
    retryCapture: (captureId) =>
      capture(request('POST', `${scanner}/captures/${encodeURIComponent(captureId)}/retry`, foreignCaptureSchema)),
    updateCapture: (captureId, scan) =>
      request('PATCH', `${scanner}/captures/${encodeURIComponent(captureId)}`, null, {
        json: { metadata: toMetadata(scan) },
      }) as Promise<RemoteResult<null>>,
    removeCapture: (captureId) =>
      request('DELETE', `${scanner}/captures/${encodeURIComponent(captureId)}`, null) as Promise<RemoteResult<null>>,
    async createProduct(key, product) {
      const answer = await request('POST', `${catalogue}/products`, foreignProductSchema, {
        key,
        json: {
          gtin: product.gtin,
          product_name: product.name,
          brand: product.brand,
          net_content: product.netContent,
          description: product.description,
        } satisfies ProductCreate,
      })
      if (!answer.ok) return answer
      const created = answer.value ? toProduct(answer.value) : null
      return created ? { ok: true, value: created } : broken(201, 'the backend names no id for the product')
    },
    async findProduct(gtin) {
      const answer = await request(
        'GET',
        `${catalogue}/products?gtin=${encodeURIComponent(gtin)}`,
        foreignProductPageSchema,
      )
      if (!answer.ok) return answer
      const found = answer.value?.data.map(toProduct).find((product) => product?.gtin === gtin)
      return { ok: true, value: found ?? null }
    },
    async probe() {
      const answer = await request('GET', '/.well-known/api-catalog', null, { timeoutMs: timeouts.probeMs })
      // Any answer shows that somebody is there; what it says of this path does not matter.
      if (!answer.ok && answer.failure.kind === 'refused') return { ok: true, value: null }
      return answer as RemoteResult<null>
    },
  }
}

/** The key, null for none, undefined for one that cannot be read or that no header can hold: `fetch` would print it. */
async function readKey(apiKey: () => Promise<string | null>): Promise<string | null | undefined> {
  const key = await apiKey().catch(() => undefined)
  return typeof key === 'string' && !/^[\x21-\x7e]+$/.test(key) ? undefined : key
}

const unusableKey: { ok: false; failure: RemoteFailure } = {
  ok: false,
  failure: {
    kind: 'unauthorised',
    status: null,
    code: 'unusable_key',
    message: 'the API key cannot be read, or holds other characters than letters, digits and signs',
    retryAfterMs: null,
  },
}

/** The body as text, null when it is longer than `maxBytes`. */
async function readText(response: Response, maxBytes: number): Promise<string | null> {
  if (!response.body) return ''
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  let text = ''
  let bytes = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    bytes += value.length
    if (bytes > maxBytes) {
      await reader.cancel()
      return null
    }
    text += decoder.decode(value, { stream: true })
  }
}

function toCaptureAnswer(foreign: ForeignCapture): CaptureAnswer | null {
  if (foreign.id === null) return null
  return {
    remoteId: foreign.id,
    state: foreign.status,
    errorMessage: foreign.error_message,
    productId: foreign.product_short_id,
    productName: foreign.product_name,
    gtin: /^\d{14}$/.test(foreign.gtin) ? foreign.gtin : null,
  }
}

function toProduct(foreign: ForeignProduct): MatchedProduct | null {
  if (foreign.id === null) return null
  return {
    id: foreign.id,
    gtin: foreign.gtin,
    name: foreign.product_name,
    brand: foreign.brand,
    netContent: foreign.net_content,
  }
}

/** The only field of a capture that carries AIs (contracts.md 1.12); of a repeated AI the values are equal. */
function toGs1Data(capture: Capture): Record<string, string> {
  return Object.fromEntries(capture.elements.map((element) => [element.ai, element.value]))
}

/** What the Scanner API has no field for. Its keys are read by nobody but us and people. */
function toMetadata(capture: Capture): Record<string, string> {
  return {
    station_capture: capture.id,
    station_sequence: String(capture.sequence),
    captured_at: capture.capturedAt,
    quantity: String(capture.quantity),
    symbology: capture.symbology,
    ...(capture.location === null ? {} : { location: capture.location }),
  }
}

function toFailure(response: Response, text: string, now: Date): RemoteFailure {
  const { status } = response
  const problem = foreignProblemSchema.safeParse(parseJson(text))
  const code = (problem.success && problem.data.code) || `http_${status}`
  const message = (problem.success && problem.data.message) || response.statusText || `HTTP ${status}`
  const retryAfterMs = retryAfter(response.headers.get('retry-after'), now)
  if (status === 401 || status === 403) return { kind: 'unauthorised', status, code, message, retryAfterMs: null }
  if (status === 429 || status === 503)
    return { kind: 'busy', status, code, message, retryAfterMs: retryAfterMs ?? 5_000 }
  if (status === 408 || status >= 500) return { kind: 'busy', status, code, message, retryAfterMs }
  return { kind: 'refused', status, code, message, retryAfterMs: null }
}

/** Reads `Retry-After` in both forms, seconds and HTTP date (RFC 9110 section 10.2.3); at most an hour. */
function retryAfter(header: string | null, now: Date): number | null {
  if (header === null) return null
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - now.getTime()) / 1_000
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), 3_600) * 1_000 : null
}

/** A success that cannot be read is not repeated blindly at once: the backend may have done what it was asked. */
function broken(status: number, message: string): { ok: false; failure: RemoteFailure } {
  return { ok: false, failure: { kind: 'busy', status, code: 'bad_answer', message, retryAfterMs: null } }
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
