import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { Clock, Log } from '#contract/ports.ts'
import type { AppError, ErrorCode, Result } from '#contract/result.ts'
import type { PhotoOutcome } from '#contract/station/capture.ts'
import { photoRoleSchema, type PhotoRole } from '#contract/station/camera-settings.ts'
import type { DrillStatus } from '#contract/station/drill.ts'
import {
  exportFormats,
  maxRegionWidthPixels,
  productExportFormats,
  stationPaths,
  type ExportFormat,
  type PhotoRegion,
} from '#contract/station/http.ts'
import type { Session } from '#contract/station/session.ts'
import { exportCaptures, exportTypes } from '#station/export/export.ts'
import { exportProducts, productExportTypes } from '#station/export/export-products.ts'
import type { Imaging } from '#station/imaging/imaging.ts'
import type { Store } from '#station/store/store.ts'
import type { OnceOnly } from '#station/upkeep/once-only.ts'

type Bytes = string | Uint8Array | ReadableStream<Uint8Array>

/** What a photo belongs to, where the window says which: its session, at the desk its item and the photo that it stands in for. */
export interface PhotoOf {
  readonly session: string | null
  readonly item: string | null
  readonly replaces: string | null
}

/**
 * Serves the station's paths (contract/station/http.ts): takes photos in, and answers photos, parts of them, exports and sheets.
 * Refusals are an `AppError` as JSON with the status that fits.
 */
export function createServing(ports: {
  readonly store: Store
  readonly imaging: Pick<Imaging, 'region'>
  readonly savePhoto: (
    bytes: ReadableStream<Uint8Array>,
    deviceName: string,
    role: PhotoRole | null,
    of: PhotoOf,
  ) => Promise<Result<PhotoOutcome>>
  readonly once: OnceOnly
  readonly cataloguing: { bringUpToDate(words: string): Promise<boolean> }
  readonly drillReport: () => DrillStatus['report']
  /** The certificate of a session, signed where the station has its key. */
  readonly certify: (session: Session) => ReturnType<Store['certificate']>
  readonly clock: Clock
  readonly log: Log
}): (request: Request) => Promise<Response> {
  const { store, imaging, clock, log } = ports
  /** A file is named by its content, so that the window may keep it for good; its cache is on the disk, in the clear. */
  const keeping = store.media.isSealed ? 'no-store' : 'private, max-age=31536000, immutable'

  const takePhoto = async (request: Request, query: URLSearchParams): Promise<Response> => {
    if (request.method !== 'PUT') return refuse(405, { code: 'invalid_input', message: 'use PUT' })
    const role = photoRoleSchema.nullable().safeParse(query.get('role'))
    if (!role.success) return refuse(400, { code: 'invalid_input', message: 'no such role of a photo' })
    if (!request.body) return refuse(400, { code: 'invalid_input', message: 'the request has no body' })
    const device = query.get('device')?.slice(0, 200) ?? ''
    const of = { session: query.get('session'), item: query.get('item'), replaces: query.get('replaces') }
    const result = await ports.savePhoto(request.body, device, role.data, of)
    return result.ok ? Response.json(result.value, { status: 201 }) : refuse(statusOf(result.error.code), result.error)
  }

  const sendPhoto = async (hash: string): Promise<Response> => {
    const photo = await store.media.blob(hash)
    if (photo === null || photo.type === '') return refuse(404, { code: 'not_found', message: 'no such photo' })
    return new Response(photo, {
      headers: { 'content-type': photo.type, 'content-length': String(photo.size), 'cache-control': keeping },
    })
  }

  const sendRegion = async (hash: string, query: URLSearchParams): Promise<Response> => {
    const region = readRegion(query.get('region') ?? '')
    const maxWidthPixels = Number(query.get('width') ?? 1024)
    if (!region || !Number.isInteger(maxWidthPixels) || maxWidthPixels < 1 || maxWidthPixels > maxRegionWidthPixels) {
      return refuse(400, { code: 'invalid_input', message: 'use region=x,y,width,height and width=1 to 4096' })
    }
    const outputPath = store.media.temporaryPath('.jpg')
    try {
      const result = await imaging.region({ path: store.media.path(hash), region, maxWidthPixels, outputPath })
      if (!result.ok) return refuse(statusOf(result.error.code), result.error)
      return new Response(new Uint8Array(await store.media.read(outputPath)), {
        headers: { 'content-type': 'image/jpeg', 'cache-control': keeping },
      })
    } finally {
      await rm(outputPath, { force: true })
    }
  }

  const sendCertificate = async (sessionId: string, kind: string): Promise<Response> => {
    const session = store.sessions.get(sessionId)
    if (!session) return refuse(404, { code: 'not_found', message: 'no such session' })
    const certificate = ports.certify(session)
    const name = `capstan-${stamp(session.openedAt)}-certificate.${kind}`
    if (kind === 'json') {
      return attachment(name, 'application/json; charset=utf-8', `${JSON.stringify(certificate, null, 2)}\n`)
    }
    // Loaded only here: it is large, and most runs of a station print nothing.
    const { writeCertificate } = await import('#sheets/index.ts')
    return attachment(name, 'application/pdf', await writeCertificate(certificate))
  }

  const sendDrillSheet = async (): Promise<Response> => {
    const report = ports.drillReport()
    if (!report) return refuse(404, { code: 'not_found', message: 'no drill has ended since the start' })
    const { writeDrillSheet } = await import('#sheets/index.ts')
    return attachment(`capstan-drill-${stamp(report.startedAt)}.pdf`, 'application/pdf', await writeDrillSheet(report))
  }

  const sendProducts = async (format: string, words: string): Promise<Response> => {
    const known = productExportFormats.find((each) => each === format)
    if (known === undefined)
      return refuse(404, { code: 'not_found', message: `use ${productExportFormats.join(', ')}` })
    const isAll = await ports.cataloguing.bringUpToDate(words.slice(0, 200))
    const name = `capstan-products-${stamp(clock.now().toISOString())}${isAll ? '' : '-as-known-here'}.${known}`
    return attachment(
      name,
      productExportTypes[known],
      toStream(exportProducts(store.catalogue, words.slice(0, 200), known)),
    )
  }

  const sendExport = (sessionId: string, format: string, only: string | null): Response => {
    if (!isExportFormat(format)) return refuse(404, { code: 'not_found', message: `use ${exportFormats.join(', ')}` })
    const session = store.sessions.get(sessionId)
    if (!session) return refuse(404, { code: 'not_found', message: 'no such session' })
    if (only !== null && only !== 'refused') return refuse(400, { code: 'invalid_input', message: 'use only=refused' })
    const name = `capstan-${stamp(session.openedAt)}${only === null ? '' : `-${only}`}.${format}`
    return attachment(name, exportTypes[format], toStream(exportCaptures(store, sessionId, format, only ?? 'all')))
  }

  const sendOnce = (path: string): Response => {
    const made = ports.once.take(path)
    return made === null
      ? refuse(404, { code: 'not_found', message: 'it was fetched already, or is too old: make it again' })
      : attachment(made.name, made.type, made.bytes)
  }

  return async (request) => {
    const { pathname: path, searchParams: query } = new URL(request.url)
    const media = /^\/media\/([0-9a-f]{64})$/.exec(path)?.[1]
    const [, certified, kind = ''] = /^\/exports\/([0-9a-f-]{36})\.certificate\.(pdf|json)$/.exec(path) ?? []
    const products = /^\/exports\/products\.([a-z]+)$/.exec(path)?.[1]
    const [, exported, format = ''] = /^\/exports\/([0-9a-f-]{36})\.([a-z]+)$/.exec(path) ?? []
    try {
      if (path === '/media/photos') return await takePhoto(request, query)
      if (request.method !== 'GET') return refuse(405, { code: 'invalid_input', message: 'use GET' })
      if (media !== undefined) {
        if (query.has('region')) return await sendRegion(media, query)
        const thumbnail = query.get('size') === 'thumbnail' ? store.photos.thumbnailOf(media) : null
        return await sendPhoto(thumbnail ?? media)
      }
      if (path.startsWith(stationPaths.once(''))) return sendOnce(path)
      if (path === stationPaths.drillSheet) return await sendDrillSheet()
      if (certified !== undefined) return await sendCertificate(certified, kind)
      if (products !== undefined) return await sendProducts(products, query.get('q') ?? '')
      if (exported !== undefined) return sendExport(exported, format, query.get('only'))
      return refuse(404, { code: 'not_found', message: 'no such path' })
    } catch (error) {
      log.error({ path, error: (error as Error).stack }, 'a request failed')
      return refuse(500, { code: 'internal', message: 'an unexpected fault; the log has the details' })
    }
  }
}

/** An instant as a part of a file's name. */
const stamp = (instant: string): string => instant.slice(0, 19).replaceAll(':', '-')

function attachment(name: string, type: string, body: Bytes): Response {
  return new Response(body instanceof Uint8Array ? Uint8Array.from(body) : body, {
    headers: {
      'content-type': type,
      'content-disposition': `attachment; filename="${name}"`,
      'cache-control': 'no-store',
    },
  })
}

function isExportFormat(text: string): text is ExportFormat {
  return (exportFormats as readonly string[]).includes(text)
}

/** Node's web streams and the global ones are the same objects with two type names. */
function toStream(pieces: AsyncIterable<string | Uint8Array>): ReadableStream<Uint8Array> {
  const bytes = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) yield typeof piece === 'string' ? Buffer.from(piece) : piece
  }
  return Readable.toWeb(Readable.from(bytes(), { objectMode: true })) as unknown as ReadableStream<Uint8Array>
}

/** `x,y,width,height` in whole pixels; whether the photo is that large is seen when it is opened. */
function readRegion(text: string): PhotoRegion | null {
  if (!/^\d{1,6}(,\d{1,6}){3}$/.test(text)) return null
  const [x = 0, y = 0, width = 0, height = 0] = text.split(',').map(Number)
  return width > 0 && height > 0 ? { x, y, width, height } : null
}

function refuse(status: number, error: AppError): Response {
  return Response.json(error, { status })
}

function statusOf(code: ErrorCode): number {
  const statuses: Partial<Record<ErrorCode, number>> = {
    invalid_input: 400,
    not_found: 404,
    conflict: 409,
    too_large: 413,
    unreadable_image: 422,
    storage_full: 507,
    photos_full: 507,
  }
  return statuses[code] ?? 500
}
