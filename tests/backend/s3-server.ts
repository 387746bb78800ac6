import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** What the next request meets, instead of being served. */
export type S3Fault = 'busy' | 'cut' | 'damaged'

export interface S3Server {
  readonly url: string
  readonly objects: Map<string, { readonly content: Buffer; readonly type: string; changedAt: Date }>
  /** One line a request that was signed well: `PUT /bucket/key`. */
  readonly served: string[]
  /** Meets the next requests of the method, one each. */
  readonly faults: { readonly method: string; readonly fault: S3Fault }[]
  /** Everything that came over the wire, without bodies. */
  readonly heads: string[]
}

const region = 'eu-test-1'
export const s3Keys = { accessKeyId: 'AKIDCAPSTAN', secretAccessKey: 'secret+of/the=bucket', sessionToken: 'token-1' }

/**
 * The wire of S3 as its reference tells it (GET, PUT, DELETE of an object, ListObjectsV2; path style), over real HTTP. Every
 * signature is computed anew by Signature Version 4 from what came, and every body held against the hash that was signed.
 */
export async function startS3(bucket: string): Promise<S3Server> {
  const objects: S3Server['objects'] = new Map()
  const served: string[] = []
  const heads: string[] = []
  const faults: { method: string; fault: S3Fault }[] = []

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = Buffer.concat(parts)
    heads.push(JSON.stringify([request.method, request.url, request.rawHeaders]))
    const url = new URL(request.url ?? '/', 'http://s3')
    const answer = (status: number, xml = '', headers: Record<string, string> = {}) =>
      response.writeHead(status, { 'Content-Type': 'application/xml', ...headers }).end(xml)
    const refuse = (status: number, code: string) =>
      answer(status, `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`)

    const wrong = faultOfSignature(request, url, body)
    if (wrong !== undefined) return void refuse(wrong === 'XAmzContentSHA256Mismatch' ? 400 : 403, wrong)
    const at = faults.findIndex(({ method }) => method === request.method)
    const fault = at < 0 ? undefined : faults.splice(at, 1)[0]?.fault
    if (fault === 'busy') return void refuse(503, 'SlowDown')
    const [, name = '', ...rest] = decodeURIComponent(url.pathname).split('/')
    const key = rest.join('/')
    served.push(`${request.method} ${decodeURIComponent(url.pathname)}`)
    if (name !== bucket) return void refuse(404, 'NoSuchBucket')

    if (request.method === 'GET' && key === '') return void answer(200, listing(url.searchParams))
    if (request.method === 'PUT') {
      if (fault === 'cut') return void request.socket.destroy()
      objects.set(key, { content: body, type: request.headers['content-type'] ?? '', changedAt: new Date() })
      return void answer(200, '', { ETag: `"${createHash('md5').update(body).digest('hex')}"` })
    }
    if (request.method === 'DELETE') {
      objects.delete(key)
      return void answer(204)
    }
    const object = objects.get(key)
    if (request.method !== 'GET') return void refuse(405, 'MethodNotAllowed')
    if (object === undefined) return void refuse(404, 'NoSuchKey')
    const content = Buffer.from(object.content)
    if (fault === 'damaged') content.writeUInt8(content.readUInt8(20) ^ 1, 20)
    response.writeHead(200, { 'Content-Type': object.type, 'Content-Length': String(content.length) })
    if (fault !== 'cut') return void response.end(content)
    response.write(content.subarray(0, content.length / 2), () => request.socket.destroy())
  }

  function listing(query: URLSearchParams): string {
    const prefix = query.get('prefix') ?? ''
    const after = query.get('continuation-token') ?? ''
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).toSorted()
    // Smaller pages than asked for, as S3 may: there is always a next one to be asked for.
    const page = keys.slice(0, Math.min(2, Number(query.get('max-keys'))))
    const contents = page.map((key) => {
      const object = objects.get(key)
      return `<Contents><Key>${key}</Key><LastModified>${object?.changedAt.toISOString()}</LastModified><Size>${object?.content.length}</Size></Contents>`
    })
    const next = keys.length > page.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
    return `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>${next !== ''}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`
  }

  const server = createServer(
    (request, response) => void serve(request, response).catch(() => request.socket.destroy()),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, objects, served, faults, heads }
}

/** Amazon's code for what is wrong with a signature, or undefined when it is as it should be. */
function faultOfSignature({ method, headers }: IncomingMessage, url: URL, body: Buffer): string | undefined {
  const match =
    /^AWS4-HMAC-SHA256 Credential=(?<id>[^/]+)\/(?<day>\d{8})\/(?<region>[^/]+)\/s3\/aws4_request, SignedHeaders=(?<signed>[^,]+), Signature=(?<signature>[0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    )?.groups
  if (match === undefined) return 'AccessDenied'
  const { id, day = '', signed = '', signature } = match
  if (id !== s3Keys.accessKeyId || headers['x-amz-security-token'] !== s3Keys.sessionToken) return 'InvalidAccessKeyId'
  if (match['region'] !== region) return 'AuthorizationHeaderMalformed'
  const names = signed.split(';')
  if (!['host', 'x-amz-content-sha256', 'x-amz-date'].every((name) => names.includes(name))) return 'AccessDenied'
  const contentHash = String(headers['x-amz-content-sha256'])
  const encode = (text: string) =>
    encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
  const query = [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .toSorted()
    .join('&')
  const canonical = [
    method,
    url.pathname,
    query,
    ...names.map((name) => `${name}:${String(headers[name]).trim().replaceAll(/ +/g, ' ')}`),
    '',
    signed,
    contentHash,
  ].join('\n')
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const date = String(headers['x-amz-date'])
  if (!date.startsWith(day)) return 'AccessDenied'
  const key = hmac(hmac(hmac(hmac(`AWS4${s3Keys.secretAccessKey}`, day), region), 's3'), 'aws4_request')
  const toSign = ['AWS4-HMAC-SHA256', date, `${day}/${region}/s3/aws4_request`, sha256(canonical)].join('\n')
  if (hmac(key, toSign).toString('hex') !== signature) return 'SignatureDoesNotMatch'
  return contentHash === sha256(body) ? undefined : 'XAmzContentSHA256Mismatch'
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

/** The settings of a backend whose photos lie there. */
export function bucketAt(server: S3Server, bucket: string) {
  return {
    bucket,
    prefix: 'north/photos/',
    region,
    endpoint: server.url,
    usesPathStyle: true,
    credentials: s3Keys,
  }
}
