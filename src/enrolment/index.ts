import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { isSafeBackendAddress } from '#contract/backend-address.ts'
import { canonicalJson, type CanonicalValue } from '#domain/canonical-json.ts'
import { enrolmentBody, enrolmentLetters as letters, enrolmentPrefix } from '#domain/enrolment-text.ts'

const keyBytes = 32
const signatureBytes = 64

/** What an administrator of a site lets a station do once, until `expiresAt`. */
export interface EnrolmentCode {
  /** The site's address. */
  readonly url: string
  /** The site's key (Ed25519, 32 bytes, base64url). */
  readonly publicKey: string
  readonly id: string
  /** ISO 8601 UTC, whole seconds. */
  readonly expiresAt: string
  readonly label: string
  /** Empty for none. */
  readonly group: string
}

/** What a text is to enrolment. `tampered`: it is a code, and not as any key has signed it. */
export type EnrolmentReading =
  | { readonly kind: 'code'; readonly code: EnrolmentCode }
  | { readonly kind: 'tampered' }
  | { readonly kind: 'none' }

/** A site's own key. */
export interface SiteKey {
  readonly publicKey: string
  /** Writes a code: letters only, some 400 of them, which a QR code holds in its dense mode. */
  writeCode(code: Omit<EnrolmentCode, 'publicKey'>): string
  /** Signs an answer: the value with its signature. */
  signed<T extends { readonly [name: string]: CanonicalValue }>(value: T): T & { readonly signature: string }
}

/** A new secret for `openSiteKey`. */
export function createSiteSecret(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64url')
}

/** The key of a secret. Throws for a text that is none. */
export function openSiteKey(secret: string): SiteKey {
  const privateKey = createPrivateKey({ key: Buffer.from(secret, 'base64url'), format: 'der', type: 'pkcs8' })
  const publicKey = String(createPublicKey(privateKey).export({ format: 'jwk' }).x)
  return {
    publicKey,
    writeCode({ url, id, expiresAt, label, group }) {
      const seconds = Math.floor(Date.parse(expiresAt) / 1_000)
      const body = Buffer.concat([
        Buffer.from(publicKey, 'base64url'),
        Buffer.from(JSON.stringify([url, id, seconds, label, group])),
      ])
      return enrolmentPrefix + spell(Buffer.concat([sign(null, ofCode(body), privateKey), body]))
    },
    signed: (value) => ({
      ...value,
      signature: sign(null, ofAnswer(value), privateKey).toString('base64url'),
    }),
  }
}

/**
 * Reads a code and checks that the key it names has signed it; whether that key is to be believed is the reader's to say.
 *
 * Spaces, line ends, small letters and an AIM identifier in front do not matter.
 */
export function readEnrolmentCode(text: string): EnrolmentReading {
  const written = enrolmentBody(text)
  if (written === null) return { kind: 'none' }
  const bytes = unspell(written)
  if (bytes === null) return { kind: 'tampered' }
  const signature = bytes.subarray(0, signatureBytes)
  const body = bytes.subarray(signatureBytes)
  const publicKey = body.subarray(0, keyBytes).toString('base64url')
  if (!isSigned(ofCode(body), publicKey, signature)) return { kind: 'tampered' }
  const code = readBody(body.subarray(keyBytes).toString('utf8'))
  return code === null ? { kind: 'tampered' } : { kind: 'code', code: { ...code, publicKey } }
}

/** Whether an answer has been signed by this key. */
export function isSignedBy(
  publicKey: string,
  { signature, ...value }: { readonly [name: string]: CanonicalValue } & { readonly signature: string },
): boolean {
  return isSigned(ofAnswer(value), publicKey, Buffer.from(signature, 'base64url'))
}

/** A key for people to compare: 80 bits of its hash, as `KDFT-BOPL-GHNJ-SRCE-EDLK`. */
export function fingerprintOf(publicKey: string): string {
  const hash = createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest()
  return (spell(hash.subarray(0, 10)).match(/.{4}/g) ?? []).join('-')
}

// What is signed begins with what it is, so that no answer is ever taken for a code.
const ofCode = (body: Buffer): Buffer => Buffer.concat([Buffer.from('capstan enrolment code\n'), body])
const ofAnswer = (value: { readonly [name: string]: CanonicalValue }): Buffer =>
  Buffer.from(`capstan site answer\n${canonicalJson(value)}`)

function isSigned(text: Buffer, publicKey: string, signature: Uint8Array): boolean {
  try {
    return verify(
      null,
      text,
      createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' }),
      signature,
    )
  } catch {
    return false
  }
}

/** A newer Capstan's codes may say more; what they say first stays as it is. */
function readBody(json: string): Omit<EnrolmentCode, 'publicKey'> | null {
  let fields: unknown
  try {
    fields = JSON.parse(json)
  } catch {
    return null
  }
  if (!Array.isArray(fields)) return null
  const [url, id, seconds, label, group] = fields as readonly unknown[]
  const isRight =
    typeof url === 'string' &&
    isSafeBackendAddress(url) &&
    typeof id === 'string' &&
    typeof seconds === 'number' &&
    Number.isSafeInteger(seconds) &&
    // What a Date can hold.
    Math.abs(seconds) <= 8.64e12 &&
    typeof label === 'string' &&
    typeof group === 'string'
  return isRight ? { url, id, expiresAt: new Date(seconds * 1_000).toISOString(), label, group } : null
}

function spell(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => letters.charAt(byte >> 4) + letters.charAt(byte & 15)).join('')
}

function unspell(text: string): Buffer | null {
  if (text.length % 2 !== 0 || [...text].some((letter) => !letters.includes(letter))) return null
  return Buffer.from(
    (text.match(/../g) ?? []).map((pair) => letters.indexOf(pair.charAt(0)) * 16 + letters.indexOf(pair.charAt(1))),
  )
}
