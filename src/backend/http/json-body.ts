import { refuse, type Refusal } from './answer.ts'

/** The largest JSON body that is read. */
const byteLimit = 1024 * 1024
/** No documented body is nested deeper than three; what is far deeper would overflow the stack when written out. */
const depthLimit = 32

const tooLarge = refuse('payload_too_large', 'The body is larger than 1 MiB.')

/** Reads a JSON body. An empty one is an empty object, since every field of some requests may be left out. */
export async function readJson(
  request: Request,
): Promise<{ readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly refusal: Refusal }> {
  try {
    const bytes = await readBytes(request)
    if (bytes === undefined) return { ok: false, refusal: tooLarge }
    if (bytes.length === 0) return { ok: true, value: {} }
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (isDeeperThan(value, depthLimit)) {
      return { ok: false, refusal: refuse('bad_request', `The body is nested deeper than ${depthLimit} levels.`) }
    }
    return { ok: true, value }
  } catch {
    return { ok: false, refusal: refuse('bad_request', 'The body is no JSON in UTF-8.') }
  }
}

/** A body of text, or undefined when it is too large. */
export async function readText(request: Request): Promise<string | undefined> {
  const bytes = await readBytes(request)
  return bytes && new TextDecoder().decode(bytes)
}

/** The body, or undefined when it is too large. */
async function readBytes(request: Request): Promise<Uint8Array | undefined> {
  const announced = request.headers.get('content-length')
  if (announced !== null) {
    if (Number(announced) > byteLimit) return undefined
    // Node's HTTP parser never hands on more than was announced.
    return new Uint8Array(await request.arrayBuffer())
  }
  if (request.body === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let bytes = 0
  const reader = request.body.getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    bytes += next.value.length
    if (bytes > byteLimit) {
      await reader.cancel()
      return undefined
    }
    chunks.push(next.value)
  }
  return Buffer.concat(chunks)
}

function isDeeperThan(value: unknown, limit: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return true
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
  return false
}
