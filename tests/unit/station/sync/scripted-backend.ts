import { startServer, type Arrived, type Said, type ScriptedServer } from '../scripted-server.ts'

/** What the scripted backend keeps of a capture. */
interface Kept {
  readonly id: string
  readonly key: string
  readonly session: string
  readonly raw: string
  readonly raw_value: string
  readonly capture_type: string
  readonly created: string
  metadata: Record<string, string>
  status: string
}

/** A product photo that the scripted backend keeps. */
interface KeptPhoto {
  readonly id: string
  readonly session: string
  readonly s3_key: string
  readonly photo_type: string
  readonly capture_short_id: string | null
  readonly file_size: number
  metadata: Record<string, string>
}

export interface ScriptedBackend extends ScriptedServer {
  readonly sessions: Map<string, { id: string; status: string; key: string; metadata?: Record<string, string> }>
  readonly captures: Map<string, Kept>
  readonly photos: Map<string, KeptPhoto>
  /** Requests as `METHOD path` without the API's prefix, without polls and probes. */
  writes(): string[]
}

/**
 * A Scanner API of the least kind: idempotent by key and body, captures settle at once.
 *
 * `fault` is asked before each request and may answer in its place; `lose` may close the connection after the
 * request has taken effect.
 */
export async function startScriptedBackend(
  options: {
    fault?: (request: Arrived) => Said | undefined
    lose?: (request: Arrived) => boolean
    settled?: (raw: string) => string
    /** It makes a capture of every submission, whatever its key, and does not say that it would know keys. */
    ignoresKeys?: boolean
    /** It keeps no metadata, as the older revision of the API. */
    dropsMetadata?: boolean
    /** It takes product photos through presigned addresses; the bytes go to `uploadTo`, itself unless given. */
    takesPhotos?: boolean
    uploadTo?: () => string
    /** It lets nobody change a session. */
    isFixed?: boolean
    /** Headers of every answer. */
    headers?: () => Record<string, string>
    port?: number
  } = {},
): Promise<ScriptedBackend> {
  const sessions: ScriptedBackend['sessions'] = new Map()
  const captures: ScriptedBackend['captures'] = new Map()
  const photos: ScriptedBackend['photos'] = new Map()
  let addresses = 0
  const answered = new Map<string, { body: string; said: Said }>()

  const idempotent = (request: Arrived, make: () => Said): Said => {
    const key = `${request.path} ${String(request.headers['idempotency-key'])}`
    const earlier = options.ignoresKeys === true ? undefined : answered.get(key)
    if (earlier && earlier.body !== request.body)
      return problem(422, 'unprocessable_entity', 'This Idempotency-Key was used with another request.')
    const said = earlier?.said ?? make()
    if (said !== 'cut' && said !== 'silence' && said.status < 500 && said.status !== 422) {
      answered.set(key, { body: request.body, said })
    }
    return said
  }

  const answer = (request: Arrived): Said => {
    const path = request.path.replace('/scanner/api/v1', '')
    const key = String(request.headers['idempotency-key'])
    if (path === '/openapi.json' && (options.ignoresKeys !== true || options.takesPhotos === true)) {
      const parameters = options.ignoresKeys === true ? [] : [{ in: 'header', name: 'Idempotency-Key' }]
      const ofPhotos = {
        '/scanner/api/v1/sessions/{id}/presigned-upload-url': { get: {} },
        '/scanner/api/v1/sessions/{id}/photos': { get: {}, post: {} },
      }
      return {
        status: 200,
        body: {
          paths: {
            '/scanner/api/v1/captures': { post: { parameters } },
            ...(options.takesPhotos === true ? ofPhotos : {}),
          },
        },
      }
    }
    if (path.startsWith('/bucket/')) return { status: 204 }
    if (request.method === 'POST' && path === '/sessions') {
      return idempotent(request, () => {
        const session = { id: `S${sessions.size + 1}`, status: 'ACTIVE', key }
        sessions.set(session.id, session)
        return { status: 201, body: session }
      })
    }
    const session = sessions.get(/^\/sessions\/([^/]+)/.exec(path)?.[1] ?? '')
    if (path.startsWith('/sessions/') && !session) return problem(404, 'not_found', 'no such session')
    if (session && (path.endsWith('/end') || path.endsWith('/submit'))) {
      if (session.status === 'EXPIRED') return problem(409, 'conflict', 'The session is EXPIRED.')
      session.status = 'COMPLETED'
      return { status: 200, body: session }
    }
    if (session && path.endsWith('/status'))
      return { status: 200, body: { session_status: session.status, captures: [] } }
    if (session && path.includes('/presigned-upload-url')) {
      if (session.status !== 'ACTIVE') return problem(409, 'conflict', `The session is ${session.status}.`)
      addresses += 1
      const upload_url = options.uploadTo?.() ?? `/scanner/api/v1/bucket/${addresses}?signature=1`
      const s3_key = `uploads/${session.id}/${addresses}`
      return { status: 200, body: { upload_url, upload_fields: { key: s3_key, policy: 'P' }, s3_key, expires_in: 600 } }
    }
    if (session && request.method === 'POST' && path.endsWith('/photos')) {
      return idempotent(request, () => {
        if (session.status !== 'ACTIVE') return problem(409, 'conflict', `The session is ${session.status}.`)
        const id = `P${photos.size + 1}`
        const photo = { id, session: session.id, ...request.json } as unknown as KeptPhoto
        photos.set(id, photo)
        return { status: 201, body: photo }
      })
    }
    const photo = photos.get(/\/photos\/([^/]+)$/.exec(path)?.[1] ?? '')
    if (photo && request.method === 'DELETE') {
      photos.delete(photo.id)
      return { status: 204 }
    }
    if (photo && request.method === 'PATCH') {
      photo.metadata = { ...photo.metadata, ...(request.json['metadata'] as Record<string, string>) }
      return { status: 200, body: photo }
    }
    if (session && request.method === 'PATCH') {
      if (options.isFixed === true) return problem(405, 'method_not_allowed', 'A session cannot be changed.')
      session.metadata = { ...session.metadata, ...(request.json['metadata'] as Record<string, string>) }
      return { status: 200, body: session }
    }
    if (session) {
      return {
        status: 200,
        body: {
          ...session,
          captures: [...captures.values()].filter((each) => each.session === session.id),
          product_photos: [...photos.values()].filter((each) => each.session === session.id),
        },
      }
    }
    if (request.method === 'POST' && path === '/captures') {
      return idempotent(request, () => {
        const of = sessions.get(String(request.json['session_short_id']))
        if (!of) return problem(404, 'not_found', 'no such session')
        if (of.status !== 'ACTIVE') return problem(409, 'conflict', `The session is ${of.status}.`)
        const raw = String(request.json['raw_value'])
        const capture: Kept = {
          id: `C${captures.size + 1}`,
          key,
          session: of.id,
          raw,
          raw_value: raw,
          capture_type: String(request.json['capture_type']),
          created: new Date().toISOString(),
          metadata: options.dropsMetadata === true ? {} : (request.json['metadata'] as Record<string, string>),
          status: options.settled?.(raw) ?? 'NOT_FOUND',
        }
        captures.set(capture.id, capture)
        return { status: 201, body: capture }
      })
    }
    if (request.method === 'GET' && path.startsWith('/captures?')) {
      const query = new URLSearchParams(path.slice(path.indexOf('?')))
      const [page, size] = [Number(query.get('page')), Number(query.get('page_size'))]
      const all = [...captures.values()].filter((each) => each.session === query.get('session_id')).toReversed()
      const pagination = { page, total_count: all.length, has_next: page * size < all.length }
      return { status: 200, body: { data: all.slice((page - 1) * size, page * size), pagination } }
    }
    const capture = captures.get(/^\/captures\/([^/]+)/.exec(path)?.[1] ?? '')
    if (capture && request.method === 'GET') return { status: 200, body: capture }
    if (capture && request.method === 'PATCH') {
      capture.metadata = { ...capture.metadata, ...(request.json['metadata'] as Record<string, string>) }
      return { status: 200, body: capture }
    }
    if (capture && request.method === 'DELETE') {
      captures.delete(capture.id)
      return { status: 204 }
    }
    return problem(404, 'not_found', 'no such path')
  }

  const server = await startServer((request) => {
    const fault = options.fault?.(request)
    if (fault) return fault
    const said = answer(request)
    if (options.lose?.(request)) return 'cut'
    return typeof said === 'string' ? said : { ...said, headers: { ...options.headers?.(), ...said.headers } }
  }, options.port)
  return {
    ...server,
    sessions,
    captures,
    photos,
    writes: () =>
      server.requests
        .filter((request) => request.method !== 'GET')
        .map((request) => `${request.method} ${request.path.replace('/scanner/api/v1', '')}`),
  }
}

export function problem(status: number, code: string, detail: string, headers: Record<string, string> = {}): Said {
  return { status, body: { title: 'x', status, detail, error_code: code }, headers }
}

export const isSubmit = (request: Arrived): boolean => request.method === 'POST' && request.path.endsWith('/captures')
