import { createHash, randomInt, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const documented = /^(?:csb|csu|cpk)_([0-9A-Za-z]{32})_([0-9a-f]{8})$/

/** Whose a key is: an organisation's, a person's, or an organisation's that may be read in a front end. */
export const keyPrefixes = { business: 'csb', user: 'csu', publishable: 'cpk' } as const
export type KeyKind = keyof typeof keyPrefixes

/** Makes a key of the documented format: its prefix, 32 random alphanumerics, CRC-32 (contracts 1.3). */
export function makeKey(kind: KeyKind = 'business'): string {
  let body = ''
  for (let index = 0; index < 32; index += 1) body += alphabet.charAt(randomInt(alphabet.length))
  return `${keyPrefixes[kind]}_${body}_${checksum(body)}`
}

function checksum(body: string): string {
  return crc32(body).toString(16).padStart(8, '0')
}

/** Whether a text is a key whose checksum is right; a key mistyped by a person mostly is not. */
export function isWellFormedKey(key: string): boolean {
  const [, body, sum] = documented.exec(key) ?? []
  return body !== undefined && sum === checksum(body)
}

/** Whether a text has the shape of a key, but not its checksum: it need not be looked up. */
export function isMistypedKey(key: string): boolean {
  return documented.test(key) && !isWellFormedKey(key)
}

/** What is stored of a secret that is itself random: its SHA-256, lower-case hex. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** Compares two texts in a time that tells nothing of where they differ. */
export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(secretHash(one)), Buffer.from(secretHash(other)))
}
