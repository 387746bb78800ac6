import { Busboy, type BusboyInstance } from '@fastify/busboy'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { imageByteLimit } from '#contract/backend/scanner.ts'
import type { FieldError } from '#contract/backend/problem.ts'
import { MediaUnavailableError, type Media, type MediaFault, type UploadedImage } from '../media/media.ts'
import { invalid, refuse, type Refusal } from './answer.ts'

/** A multipart body: its texts, and its photo on disk but not yet in its place. */
export interface Form {
  readonly fields: Readonly<Record<string, unknown>>
  readonly image: UploadedImage
}

/** A photo and its texts; what is above is not read at all when the client says its length. */
const bodyByteLimit = imageByteLimit + 1024 * 1024

const imageFaults = {
  empty: invalid({ field: 'image', message: 'is an empty file' }),
  too_large: refuse('payload_too_large', 'The photo is larger than 10 MiB.'),
  too_many_pixels: refuse('payload_too_large', 'The photo has more than 100 megapixels.'),
  unsupported_type: refuse('unsupported_media_type', 'The file is no JPEG, PNG or WebP image, whatever its name says.'),
} as const satisfies Record<MediaFault, Refusal>

/** Reads a multipart body as it comes: the photo goes to disk in pieces and is never whole in memory. */
export async function readForm(request: Request, media: Media, part = 'image'): Promise<Form | Refusal> {
  const type = request.headers.get('content-type') ?? ''
  if (!/^multipart\/form-data\b/i.test(type)) {
    return refuse('unsupported_media_type', 'The body must be multipart/form-data.')
  }
  if (Number(request.headers.get('content-length') ?? 0) > bodyByteLimit) return imageFaults.too_large

  let parser: BusboyInstance
  try {
    parser = new Busboy({
      headers: { 'content-type': type },
      limits: { fields: 100, files: 2, parts: 102, fieldSize: 8_192, headerPairs: 20, headerSize: 8_192 },
    })
  } catch {
    return refuse('bad_request', 'The multipart body has no boundary.')
  }

  const fields = new Map<string, string>()
  const faults: FieldError[] = []
  let file: Readable | undefined
  let received: Promise<UploadedImage | MediaFault> | undefined

  parser.on('field', (name = '', value, _nameCut, cut) => {
    if (fields.has(name)) faults.push({ field: name, message: 'is given twice' })
    if (cut) faults.push({ field: name, message: 'is too long' })
    fields.set(name, value)
  })
  parser.on('file', (name, stream) => {
    stream.on('error', ignoreLateError)
    if (name === part && received === undefined) {
      file = stream
      received = media.receive(stream)
      // It is awaited below; until then a broken body must not count as an unhandled rejection.
      received.catch(() => undefined)
    } else {
      faults.push({ field: name ?? '', message: name === part ? 'is given twice' : 'is not a file of this request' })
      stream.resume()
    }
  })
  const overfull = () => faults.push({ field: '', message: 'the body has too many parts' })
  parser.on('partsLimit', overfull).on('filesLimit', overfull).on('fieldsLimit', overfull)

  const source = request.body === null ? Readable.from([]) : Readable.fromWeb(request.body as never)
  source.on('error', ignoreLateError)
  parser.on('error', ignoreLateError)
  let image: UploadedImage | MediaFault | undefined
  try {
    await pipeline(source, countBytes, parser)
    image = await received
  } catch (error) {
    file?.destroy(error instanceof Error ? error : new Error('The body broke off'))
    await received?.then(discard, () => undefined)
    if (error instanceof BodyTooLarge) return imageFaults.too_large
    if (isStorageFault(error)) throw error
    return refuse('bad_request', 'The multipart body is broken or ends too early.')
  }

  if (image === undefined) faults.push({ field: part, message: 'is required' })
  if (faults.length > 0) {
    if (image !== undefined) await discard(image)
    return invalid(...faults)
  }
  if (image === undefined || typeof image === 'string') return imageFaults[image ?? 'empty']
  return { fields: withMetadata(fields), image }
}

/** Reads a body that is nothing but a photo, as it comes. */
export async function readPhoto(request: Request, media: Media): Promise<Form | Refusal> {
  if (Number(request.headers.get('content-length') ?? 0) > imageByteLimit) return imageFaults.too_large
  if (request.body === null) return imageFaults.empty
  const source = Readable.fromWeb(request.body as never)
  source.on('error', ignoreLateError)
  let image: UploadedImage | MediaFault
  try {
    image = await media.receive(Readable.from(countBytes(source)))
  } catch (error) {
    if (error instanceof BodyTooLarge) return imageFaults.too_large
    if (isStorageFault(error)) throw error
    return refuse('bad_request', 'The photo ends too early.')
  }
  return typeof image === 'string' ? imageFaults[image] : { fields: {}, image }
}

/**
 * What went wrong is told by the pipeline. The parser can report a broken body a second time when the pipeline has
 * let go of it, and an error event that nobody hears would end the process.
 */
function ignoreLateError(): void {}

class BodyTooLarge extends Error {}

async function* countBytes(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    if (bytes > bodyByteLimit) throw new BodyTooLarge('The body is too large')
    yield chunk
  }
}

async function discard(image: UploadedImage | MediaFault): Promise<void> {
  if (typeof image !== 'string') await image.discard()
}

/** A full disk, or a bucket that does not answer, is no fault of the client's. */
function isStorageFault(error: unknown): boolean {
  if (error instanceof MediaUnavailableError) return true
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOSPC' || code === 'EACCES' || code === 'EROFS' || code === 'EIO'
}

/** Gathers the shorthand `metadata[key]=value`; `metadata=` clears, which on creation says nothing. */
function withMetadata(fields: ReadonlyMap<string, string>): Record<string, unknown> {
  const values = new Map<string, unknown>()
  const metadata = new Map<string, string>()
  for (const [name, value] of fields) {
    const key = /^metadata\[([^\]]*)\]$/.exec(name)?.[1]
    if (key !== undefined) metadata.set(key, value)
    else if (name !== 'metadata' || value !== '') values.set(name, value)
  }
  if (metadata.size > 0) values.set('metadata', Object.fromEntries(metadata))
  return Object.fromEntries(values)
}
