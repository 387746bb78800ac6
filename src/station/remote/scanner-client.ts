import { z } from 'zod'
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
  foreignPhotoSchema,
  foreignUploadUrlSchema,
  type ForeignPhoto,
  type PhotoRegister,
} from '#contract/backend/photos.ts'
import {
  foreignProductPageSchema,
  foreignProductSchema,
  type ForeignProduct,
  type ProductCreate,
} from '#contract/backend/products.ts'
import type { Capture, MatchedProduct } from '#contract/station/capture.ts'
import type { CaptureMode } from '#contract/station/session.ts'
import { readCredential, writeCredential, type KeptCredential } from '#contract/credential.ts'
import { createCatalogueClient, type CatalogueClient } from '#station/remote/catalogue-client.ts'
import { createProposalsClient, type ProposalsClient } from '#station/remote/proposals-client.ts'
import {
  createRequests,
  type Address,
  withoutId,
  type Fetch,
  type Observed,
  type RemoteFailure,
  type RemoteResult,
} from '#station/remote/requests.ts'

export type { KeptChange, KeptProduct } from '#station/remote/catalogue-client.ts'
export type { Applied, KeptProposal } from '#station/remote/proposals-client.ts'
export { isFinal, isMissing } from '#station/remote/requests.ts'
export type { Observed, RemoteFailure, RemoteResult } from '#station/remote/requests.ts'

/** What the backend says of a capture, in the station's words. */
export interface CaptureAnswer {
  readonly remoteId: string
  readonly state: ForeignCapture['status']
  readonly errorMessage: string
  readonly productId: string | null
  readonly productName: string | null
  readonly gtin: string | null
}

/** A capture as the backend keeps it, with what tells whose it is. */
export interface KeptCapture extends CaptureAnswer {
  readonly raw: string
  readonly type: ForeignCapture['capture_type']
  /** By the backend's clock, in epoch milliseconds; null when it does not say. */
  readonly createdMs: number | null
  /** The id of the station's capture it was made from; null when it names none. */
  readonly stationCapture: string | null
}

/** How far the photos of a session have been read into proposals. */
export interface Reading {
  readonly isReading: boolean
  /** The session has not been submitted there yet: they will be. */
  readonly isPending: boolean
  /** Those that could not be; `photoId` is null for the own image of a capture. */
  readonly unread: readonly {
    readonly photoId: string | null
    readonly captureId: string | null
    readonly reason: string
  }[]
}

/** A page of a session's captures as the backend lists them. */
export interface CaptureList {
  readonly captures: readonly KeptCapture[]
  /** How many there are in all; null when it does not say. */
  readonly total: number | null
  readonly hasNext: boolean
}

/** What a backend promises of itself in its OpenAPI document. */
export interface Abilities {
  /** It knows a repeated submission by its `Idempotency-Key`. */
  readonly knowsKeys: boolean
  /** It takes product photos through presigned addresses. */
  readonly takesPhotos: boolean
}

/** Where a photo's bytes go, and the name under which they are registered then. */
export interface UploadAddress {
  readonly url: string
  readonly fields: Readonly<Record<string, string>>
  readonly key: string
}

/** A product photo of a session as the backend keeps it. */
export interface KeptPhoto {
  /** Its place: `<session id>/photos/<photo id>`. */
  readonly place: string
  /** The key under which its bytes were uploaded. */
  readonly key: string
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
export interface ScannerClient extends ProposalsClient, CatalogueClient {
  createSession(session: {
    key: string
    captureMode: CaptureMode
    metadata: Record<string, string>
  }): Promise<RemoteResult<{ id: string }>>
  endSession(sessionId: string): Promise<RemoteResult<null>>
  /** Ends it too, and has its photos read into proposals. */
  submitSession(sessionId: string): Promise<RemoteResult<null>>
  /** Adds to a session's metadata; not every backend lets it be changed. */
  describeSession(sessionId: string, metadata: Record<string, string>): Promise<RemoteResult<null>>
  sessionState(sessionId: string): Promise<RemoteResult<SessionStatus | 'unknown'>>
  /** Whether its photos are being read still, and which could not be. */
  reading(sessionId: string): Promise<RemoteResult<Reading>>
  /** The state of every capture of a session by its id there: one request however many there are. */
  sessionCaptures(sessionId: string): Promise<RemoteResult<Map<string, KeptCapture>>>
  /** One page of a session's captures; `page` from 1. Not every backend has it. */
  listCaptures(sessionId: string, page: number): Promise<RemoteResult<CaptureList>>
  submitCapture(key: string, sessionId: string, capture: Capture): Promise<RemoteResult<CaptureAnswer>>
  /** `onProgress` is told how many bytes of the image have been handed to the network. */
  uploadImage(
    key: string,
    sessionId: string,
    capture: Capture,
    image: Blob,
    onProgress?: (bytes: number) => void,
  ): Promise<RemoteResult<CaptureAnswer>>
  /** Where the bytes of a photo may go: once, or again, until it expires. */
  uploadAddress(sessionId: string, photo: Capture, image: Blob): Promise<RemoteResult<UploadAddress>>
  /**
   * Sends a photo's bytes where the backend said. They may be sent again: nothing comes of them before they are registered.
   * A failure says nothing of the backend itself.
   */
  sendBytes(
    address: UploadAddress,
    photo: Capture,
    image: Blob,
    onProgress?: (bytes: number) => void,
  ): Promise<RemoteResult<null>>
  /** Makes uploaded bytes a photo of the session, and of a capture of it unless `captureId` is null. */
  registerPhoto(
    key: string,
    sessionId: string,
    photo: Capture,
    image: Blob,
    uploaded: { readonly key: string; readonly captureId: string | null },
  ): Promise<RemoteResult<KeptPhoto>>
  /** The photos of a session. */
  sessionPhotos(sessionId: string): Promise<RemoteResult<KeptPhoto[]>>
  updatePhoto(place: string, photo: Capture): Promise<RemoteResult<null>>
  removePhoto(place: string): Promise<RemoteResult<null>>
  getCapture(captureId: string): Promise<RemoteResult<CaptureAnswer>>
  retryCapture(captureId: string): Promise<RemoteResult<CaptureAnswer>>
  updateCapture(captureId: string, capture: Capture): Promise<RemoteResult<null>>
  removeCapture(captureId: string): Promise<RemoteResult<null>>
  createProduct(key: string, product: NewProduct): Promise<RemoteResult<MatchedProduct>>
  /** Null when the catalogue has no such GTIN. */
  findProduct(gtin: string): Promise<RemoteResult<MatchedProduct | null>>
  /** Has it told when something of a session changes, by the names of events; not every backend does. */
  listen(sessionId: string, onEvent: (name: string) => void, signal: AbortSignal): Promise<'ended' | 'unsupported'>
  /** Asks whether anybody answers at all. */
  probe(): Promise<RemoteResult<null>>
  abilities(): Promise<RemoteResult<Abilities>>
  /** What the headers of the answers so far have told. */
  readonly observed: Observed
}

const scanner = '/scanner/api/v1'
const catalogue = '/products/api/v1'
const timeouts = { uploadMs: 120_000, probeMs: 5_000 } as const

const sessionPath = (sessionId: string): string => `${scanner}/sessions/${encodeURIComponent(sessionId)}`

/** Bytes of a session's answer: it holds all its captures. */
const sessionBytes = 256 * 1024 * 1024

/** A page of captures as far as it is read here. */
const captureListSchema = z
  .union([
    z.array(foreignCaptureSchema).transform((data) => ({ data, pagination: undefined })),
    z.looseObject({
      data: z.array(foreignCaptureSchema),
      pagination: z
        .looseObject({ total_count: z.number().optional().catch(undefined), has_next: z.boolean().catch(false) })
        .optional()
        .catch(undefined),
    }),
  ])
  .transform(({ data, pagination }) => ({ data, pagination }))

/** Of a session only its photos. */
const sessionPhotosSchema = z.looseObject({ product_photos: z.array(foreignPhotoSchema).catch([]) })

/** Of an OpenAPI document only which paths there are, and whether a submission has the header. */
const openapiSchema = z.looseObject({
  paths: z.record(
    z.string(),
    z
      .looseObject({
        get: z.unknown().optional(),
        post: z
          .looseObject({ parameters: z.array(z.looseObject({ name: z.string().catch('') })).catch([]) })
          .optional()
          .catch(undefined),
      })
      .catch({}),
  ),
})

/** Creates the client; `credential` is a secret as `readCredential` (contract/credential.ts) reads it. */
export function createScannerClient(options: {
  fetch: Fetch
  url: Address
  credential: () => Promise<string | null>
  userAgent: string
  now: () => Date
  /** Ends requests in flight, which then count as without an answer. */
  signal?: AbortSignal
}): ScannerClient {
  const { send: request, sendForm, listen, observed } = createRequests(options)

  const capture = async (
    answer: Promise<RemoteResult<ForeignCapture | null>>,
    sent?: Capture,
  ): Promise<RemoteResult<CaptureAnswer>> => {
    const result = await answer
    if (!result.ok) return result
    if (sent && result.value && !isOf(sent, result.value)) return ofAnother
    const read = result.value === null ? null : toCaptureAnswer(result.value)
    return read ? { ...result, value: read } : withoutId('capture')
  }

  const names = (sessionId: string): { session_short_id: string; session_public_id: string } => ({
    session_short_id: sessionId,
    session_public_id: sessionId,
  })

  /** Behind a cookie the organisation has to be named (contracts 1.3). */
  const organisation = async (): Promise<{ organization_short_id?: string }> => {
    const secret = await options.credential().catch(() => null)
    const credential = secret === null ? null : readCredential(secret)
    return credential?.kind === 'cookie' ? { organization_short_id: credential.organizationId } : {}
  }

  return {
    observed,
    ...createProposalsClient(request),
    ...createCatalogueClient(request),
    async createSession(session) {
      const answer = await request('POST', `${scanner}/sessions`, foreignSessionSummarySchema, {
        key: session.key,
        json: {
          ...(await organisation()),
          capture_mode: session.captureMode,
          user_agent: options.userAgent,
          device_context: { station_id: session.metadata['station_id'] ?? '' },
          metadata: session.metadata,
        } satisfies SessionCreate,
      })
      if (!answer.ok) return answer
      const id = answer.value?.id
      const named = answer.value?.metadata['station_session'] ?? session.metadata['station_session']
      if (named !== session.metadata['station_session'] || Object.hasOwn(answer.value ?? {}, 'raw_value')) {
        return ofAnother
      }
      return id ? { ...answer, value: { id } } : withoutId('session')
    },
    submitSession: (sessionId) =>
      request('POST', `${sessionPath(sessionId)}/submit`, null) as Promise<RemoteResult<null>>,
    endSession: (sessionId) => request('POST', `${sessionPath(sessionId)}/end`, null) as Promise<RemoteResult<null>>,
    async describeSession(sessionId, metadata) {
      const answer = await request('PATCH', sessionPath(sessionId), foreignSessionSummarySchema, { json: { metadata } })
      if (!answer.ok) return answer
      // What it does not show it may not keep; what it shows of another request is none of this one.
      const kept = answer.value?.metadata ?? {}
      const isKept = Object.entries(metadata).every(([name, value]) => kept[name] === value)
      return isKept ? { ...answer, value: null } : ofAnother
    },
    async sessionState(sessionId) {
      const answer = await request('GET', `${sessionPath(sessionId)}/status`, foreignSessionPollSchema)
      return answer.ok ? { ok: true, value: answer.value?.session_status ?? 'unknown' } : answer
    },
    async reading(sessionId) {
      const answer = await request('GET', `${sessionPath(sessionId)}/status`, foreignSessionPollSchema)
      if (!answer.ok) return answer
      const unread = (answer.value?.extraction_errors ?? []).map((one) => ({
        photoId: one.photo_short_id,
        captureId: one.capture_short_id,
        reason: one.error_message,
      }))
      const status = answer.value?.extraction_status
      return { ok: true, value: { isReading: status === 'processing', isPending: status === 'pending', unread } }
    },
    async sessionCaptures(sessionId) {
      const answer = await request('GET', sessionPath(sessionId), foreignSessionDetailSchema, {
        timeoutMs: timeouts.uploadMs,
        maxBytes: sessionBytes,
      })
      if (!answer.ok) return answer
      if ((answer.value?.id ?? sessionId) !== sessionId) return ofAnother
      const kept = toKept(sessionId, answer.value?.captures ?? [])
      return { ok: true, value: new Map(kept.map((each) => [each.remoteId, each])) }
    },
    async listCaptures(sessionId, page) {
      const query = new URLSearchParams({ session_id: sessionId, page: String(page), page_size: '100' })
      const answer = await request('GET', `${scanner}/captures?${query.toString()}`, captureListSchema)
      if (!answer.ok) return answer
      const { data, pagination } = answer.value ?? { data: [], pagination: undefined }
      // Of a page that was never seen nothing may be concluded.
      if ((pagination?.page ?? page) !== page) return ofAnother
      return {
        ok: true,
        value: {
          captures: toKept(sessionId, data),
          total: pagination?.total_count ?? null,
          hasNext: pagination?.has_next ?? false,
        },
      }
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
        scan,
      ),
    uploadImage(key, sessionId, photo, image, onProgress) {
      const form = new FormData()
      for (const [name, value] of Object.entries(names(sessionId))) form.set(name, value)
      form.set('capture_type', photo.type === 'BARCODE' ? 'BARCODE' : 'IMAGE')
      form.set('raw_value', photo.raw)
      form.set('gtin', photo.gtin ?? '')
      for (const [name, value] of Object.entries(toMetadata(photo))) form.set(`metadata[${name}]`, value)
      form.set('image', counted(image, fileNameOf(photo, image), onProgress))
      return capture(
        request('POST', `${scanner}/captures/upload-image`, foreignCaptureSchema, {
          key,
          form,
          timeoutMs: timeouts.uploadMs,
        }),
        photo,
      )
    },
    async uploadAddress(sessionId, photo, image) {
      const query = new URLSearchParams({
        photo_type: photo.photoRole ?? 'other',
        original_filename: fileNameOf(photo, image),
      })
      const answer = await request(
        'GET',
        `${sessionPath(sessionId)}/presigned-upload-url?${query.toString()}`,
        foreignUploadUrlSchema,
      )
      if (!answer.ok) return answer
      if (answer.value === null) return withoutId('upload')
      const { upload_url: url, upload_fields: fields, s3_key: key } = answer.value
      return { ok: true, value: { url, fields, key } }
    },
    sendBytes({ url, fields }, photo, image, onProgress) {
      const form = new FormData()
      for (const [name, value] of Object.entries(fields)) form.set(name, value)
      // What comes behind the file is not read there.
      form.set('file', counted(image, fileNameOf(photo, image), onProgress))
      return sendForm(url, form, timeouts.uploadMs)
    },
    async registerPhoto(key, sessionId, photo, image, uploaded) {
      const answer = await request('POST', `${sessionPath(sessionId)}/photos`, foreignPhotoSchema, {
        key,
        json: {
          s3_key: uploaded.key,
          photo_type: photo.photoRole ?? 'other',
          capture_short_id: uploaded.captureId,
          original_filename: fileNameOf(photo, image),
          file_size: image.size,
          metadata: toMetadata(photo),
        } satisfies PhotoRegister,
      })
      if (!answer.ok) return answer
      const kept = answer.value === null ? null : toKeptPhoto(sessionId, answer.value)
      if (kept === null) return withoutId('photo')
      return kept.key === uploaded.key ? { ...answer, value: kept } : ofAnother
    },
    async sessionPhotos(sessionId) {
      const answer = await request('GET', sessionPath(sessionId), sessionPhotosSchema, {
        timeoutMs: timeouts.uploadMs,
        maxBytes: sessionBytes,
      })
      if (!answer.ok) return answer
      const photos = (answer.value?.product_photos ?? []).map((each) => toKeptPhoto(sessionId, each))
      return { ok: true, value: photos.filter((each) => each !== null) }
    },
    updatePhoto: (place, photo) =>
      request('PATCH', `${scanner}/sessions/${place}`, null, {
        json: { photo_type: photo.photoRole ?? 'other', metadata: toMetadata(photo) },
      }) as Promise<RemoteResult<null>>,
    removePhoto: (place) => request('DELETE', `${scanner}/sessions/${place}`, null) as Promise<RemoteResult<null>>,
    async getCapture(captureId) {
      const path = `${scanner}/captures/${encodeURIComponent(captureId)}`
      const answer = await capture(request('GET', path, foreignCaptureSchema))
      return answer.ok && answer.value.remoteId !== captureId ? ofAnother : answer
    },
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
      return created ? { ok: true, value: created } : withoutId('product')
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
    listen: (sessionId, onEvent, signal) =>
      listen(`${scanner}/events?session_id=${encodeURIComponent(sessionId)}`, onEvent, signal),

    async probe() {
      const answer = await request('GET', '/.well-known/api-catalog', null, { timeoutMs: timeouts.probeMs })
      // Any answer shows that somebody is there; what it says of this path does not matter.
      if (!answer.ok && answer.failure.kind === 'refused') return { ok: true, value: null }
      return answer as RemoteResult<null>
    },
    async abilities() {
      const answer = await request('GET', `${scanner}/openapi.json`, openapiSchema)
      if (!answer.ok) {
        const nothing = { knowsKeys: false, takesPhotos: false }
        return answer.failure.kind === 'refused' ? { ok: true, value: nothing } : answer
      }
      const paths = answer.value?.paths ?? {}
      const submit = paths[`${scanner}/captures`] ?? paths['/captures']
      const names = submit?.post?.parameters.map(({ name }) => name.toLowerCase()) ?? []
      const offers = (method: 'get' | 'post', path: RegExp): boolean =>
        Object.entries(paths).some(([name, operations]) => path.test(name) && operations[method] !== undefined)
      return {
        ok: true,
        value: {
          knowsKeys: names.includes('idempotency-key'),
          takesPhotos:
            offers('get', /\/sessions\/\{[^/]+\}\/presigned-upload-url$/) &&
            offers('post', /\/sessions\/\{[^/]+\}\/photos$/),
        },
      }
    },
  }
}

/**
 * Signs a person in (contracts 1.12) and answers the cookies as a credential; the password is kept nowhere.
 */
export async function signIn(options: {
  fetch: Fetch
  url: string
  email: string
  password: string
}): Promise<RemoteResult<KeptCredential>> {
  const failed = (status: number | null, message: string): RemoteResult<KeptCredential> => ({
    ok: false,
    failure: {
      kind: status === null ? 'unreachable' : status === 401 || status === 403 ? 'unauthorised' : 'refused',
      status,
      code: status === null ? 'unreachable' : `http_${status}`,
      message,
      retryAfterMs: null,
      taken: 'unknown',
    },
  })
  try {
    const response = await options.fetch(`${options.url.replace(/\/+$/, '')}/account/api/v1/login`, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({ email: options.email, password: options.password }),
      redirect: 'error',
      credentials: 'omit',
      signal: AbortSignal.timeout(15_000),
    })
    if (!response.ok) {
      await response.body?.cancel()
      return failed(response.status, 'the backend does not take this e-mail address and password')
    }
    const answer = loginSchema.safeParse(await response.json().catch(() => null))
    // Chromium's network stack joins several cookies into one header.
    const cookies = response.headers.getSetCookie().join(', ')
    const cookie = (name: string): string => new RegExp(`(?:^|,\\s*)${name}=([^;,\\s]+)`).exec(cookies)?.[1] ?? ''
    const credential: KeptCredential = {
      kind: 'cookie',
      sessionId: cookie('sessionid'),
      csrfToken: cookie('csrftoken'),
      organizationId: answer.success ? answer.data.organization_short_id : '',
    }
    return readCredential(writeCredential(credential)) === null
      ? failed(response.status, 'the backend gives no cookies for a sign-in')
      : { ok: true, value: credential }
  } catch {
    return failed(null, 'the backend cannot be reached')
  }
}

const loginSchema = z.looseObject({ organization_short_id: z.string().catch('') })

const fileNameOf = (photo: Capture, image: Blob): string =>
  `${photo.id}.${image.type === 'image/webp' ? 'webp' : 'jpg'}`

function toKeptPhoto(sessionId: string, foreign: ForeignPhoto): KeptPhoto | null {
  if (foreign.id === null) return null
  return { place: `${encodeURIComponent(sessionId)}/photos/${encodeURIComponent(foreign.id)}`, key: foreign.s3_key }
}

/** A file that tells how much of it has been read. */
function counted(image: Blob, name: string, onProgress: ((bytes: number) => void) | undefined): File {
  const file = new File([image], name, { type: image.type })
  if (onProgress === undefined) return file
  let bytes = 0
  const count = (): TransformStream<Uint8Array, Uint8Array> =>
    new TransformStream({
      transform(chunk, controller) {
        bytes += chunk.length
        onProgress(bytes)
        controller.enqueue(chunk)
      },
    })
  return Object.assign(file, { stream: () => image.stream().pipeThrough(count()) })
}

/** Those of a session; of another one when the backend says so, and its list does not know the filter, none. */
function toKept(sessionId: string, foreign: readonly ForeignCapture[]): KeptCapture[] {
  return foreign.flatMap((each) => {
    const answer = toCaptureAnswer(each)
    const session = each.session_short_id ?? each.session_public_id ?? sessionId
    if (answer === null || session !== sessionId) return []
    const createdMs = Date.parse(each.created)
    const station = each.metadata['station_capture']
    return [
      {
        ...answer,
        raw: each.raw_value,
        type: each.capture_type,
        createdMs: Number.isFinite(createdMs) ? createdMs : null,
        stationCapture: typeof station === 'string' && station !== '' ? station : null,
      },
    ]
  })
}

/**
 * Whether an answer is that of what was sent. A connection on which an answer came twice has one too many, and the next
 * request would get the one before: its capture would carry another one's id.
 */
function isOf(sent: Capture, foreign: ForeignCapture): boolean {
  const named = foreign.metadata['station_capture'] ?? sent.id
  // A backend may clean what it is given; that is no other value.
  const bare = (text: string): string => text.replaceAll(/[^\p{L}\p{N}]/gu, '')
  return named === sent.id && (foreign.raw_value === '' || bare(foreign.raw_value) === bare(sent.raw))
}

/**
 * On a connection on which an answer came twice, the next request gets the one before: what was sent may have arrived or
 * not, this answer says nothing of it.
 */
export const ofAnother: { ok: false; failure: RemoteFailure } = {
  ok: false,
  failure: {
    kind: 'unreachable',
    status: null,
    code: 'answer_of_another',
    message: 'the answer belongs to another request',
    retryAfterMs: null,
    taken: 'unknown',
  },
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
    ...(capture.addOn === null ? {} : { add_on: capture.addOn }),
    ...(capture.location === null ? {} : { location: capture.location }),
    ...Object.fromEntries(otherCodes(capture).map((raw, index) => [`mark_${index + 1}`, raw])),
    ...(capture.photoRole === null ? {} : { photo_type: capture.photoRole }),
  }
}

/** The item's further codes, as far as metadata takes them: 500 characters a value (contracts 1.9). */
function otherCodes({ raw, marks }: Capture): string[] {
  return marks
    .map((mark) => mark.raw)
    .filter((other) => other !== raw && other.length <= 500)
    .slice(0, 10)
}
