import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  hash,
  hkdfSync,
  randomBytes,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import { readPassRecord, writePassRecord, type PassRecord } from '#contract/gate/pass-record.ts'
import { listHeadSchema, type ListHead, type ListKey } from '#contract/gate/site.ts'

/** What is derived from the key of a list: one key to look values up, one to seal passes. */
export interface ListKeys {
  readonly lookup: Uint8Array
  readonly seal: Uint8Array
}

/** Bytes of a value's hash: two of a million values are the same with a probability of 10^-27. */
export const hashBytes = 16
const nonceBytes = 12
const tagBytes = 16
const lengthBytes = 2

/** Derives the keys of a list (HKDF, RFC 5869). */
export function deriveKeys({ key }: Pick<ListKey, 'key'>): ListKeys {
  const derive = (purpose: string): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', Buffer.from(key, 'base64url'), '', `capstan pass list: ${purpose}`, 32))
  return { lookup: derive('lookup'), seal: derive('seal') }
}

/**
 * The place of a value in the list: the value's UTF-8 bytes as they are, under the key (HMAC-SHA-256, RFC 2104). Written
 * out, since Node's own takes ten times as long for a text of this length, which a list of a million has to wait for.
 */
export function hashValue({ lookup }: ListKeys, value: string): Uint8Array {
  const inner = hash('sha256', Buffer.concat([pad(lookup, 0x36), Buffer.from(value, 'utf8')]), 'buffer')
  return hash('sha256', Buffer.concat([pad(lookup, 0x5c), inner]), 'buffer').subarray(0, hashBytes)
}

/** A key of 32 bytes, as long as a block of SHA-256, with the inner or the outer pad. */
function pad(key: Uint8Array, by: number): Uint8Array {
  const block = new Uint8Array(64).fill(by)
  for (const [at, byte] of key.entries()) block[at] = byte ^ by
  return block
}

/** Seals a pass for one value (AES-256-GCM): it can be opened with the key, at its own place only. */
export function sealPass({ seal }: ListKeys, place: Uint8Array, record: PassRecord): Uint8Array {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', seal, nonce)
  cipher.setAAD(place)
  return Buffer.concat([nonce, cipher.update(writePassRecord(record), 'utf8'), cipher.final(), cipher.getAuthTag()])
}

/** Opens what `sealPass` has sealed; null when it was changed, moved or sealed under another key. */
export function unsealPass({ seal }: ListKeys, place: Uint8Array, sealed: Uint8Array): PassRecord | null {
  if (sealed.length < nonceBytes + tagBytes) return null
  const decipher = createDecipheriv('aes-256-gcm', seal, sealed.subarray(0, nonceBytes))
  decipher.setAAD(place)
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  try {
    const text = decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes))
    return readPassRecord(Buffer.concat([text, decipher.final()]).toString('utf8'))
  } catch {
    return null
  }
}

/** A value's place and its sealed pass; null when no pass has the value any more. */
export interface SealedValue {
  readonly place: Uint8Array
  readonly sealed: Uint8Array | null
}

/** The body of a page (contract/gate/site.ts). */
export function writePage(values: readonly SealedValue[]): Uint8Array {
  const pieces: Uint8Array[] = []
  for (const { place, sealed } of values) {
    const length = Buffer.alloc(lengthBytes)
    length.writeUInt16BE(sealed?.length ?? 0)
    pieces.push(place, length)
    if (sealed) pieces.push(sealed)
  }
  return Buffer.concat(pieces)
}

/** Reads the body of a page, whose parts are not copied; null when it does not end where a record ends. */
export function readPage(body: Uint8Array): SealedValue[] | null {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const values: SealedValue[] = []
  let at = 0
  while (at < body.length) {
    if (at + hashBytes + lengthBytes > body.length) return null
    const from = at + hashBytes + lengthBytes
    const length = view.getUint16(at + hashBytes)
    if (from + length > body.length) return null
    values.push({
      place: body.subarray(at, at + hashBytes),
      sealed: length === 0 ? null : body.subarray(from, from + length),
    })
    at = from + length
  }
  return values
}

/** Writes the head of a page and its signature, as its two headers carry them. */
export function signPage(
  head: Omit<ListHead, 'format' | 'sha256'>,
  body: Uint8Array,
  privateKey: KeyObject,
): { head: string; signature: string } {
  const whole: ListHead = { format: 1, ...head, sha256: hash('sha256', body) }
  const text = Buffer.from(JSON.stringify(whole)).toString('base64url')
  return { head: text, signature: sign(null, Buffer.from(text), privateKey).toString('base64url') }
}

/** A page as it came. */
export interface SignedPage {
  readonly head: string
  readonly signature: string
  readonly body: Uint8Array
}

/** The head of a page that the site has signed and whose body is whole; null of any other. */
export function openPage(page: SignedPage, { publicKey, list }: ListKey): ListHead | null {
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })
  if (!verify(null, Buffer.from(page.head), key, Buffer.from(page.signature, 'base64url'))) return null
  const head = listHeadSchema.safeParse(parse(Buffer.from(page.head, 'base64url').toString('utf8')))
  if (!head.success || head.data.list !== list || head.data.sha256 !== hash('sha256', page.body)) return null
  return head.data
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
