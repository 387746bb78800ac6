import { hash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'

/** What a station's data are encrypted with where they lie: 32 random bytes, in a key store and nowhere beside the data. */
export type DataKey = Uint8Array

const keyBytes = 32
const checkBytes = 3
/** Crockford's, without the letters that are taken for digits. */
const letters = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

export const newDataKey = (): DataKey => new Uint8Array(randomBytes(keyBytes))

/** The key of one kind of data, 32 bytes: the store's tells nothing of that of the photos. */
export const keyFor = (kind: 'store' | 'media', key: DataKey): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key, '', `capstan ${kind}`, keyBytes))

/** What tells a key from another one and nothing more, in lower-case hex. */
export const fingerprintOf = (key: DataKey): string =>
  Buffer.from(hkdfSync('sha256', key, '', 'capstan fingerprint', 16)).toString('hex')

/** The key as people write and print it: 56 letters and digits in groups of four, the last of them a check. */
export function recoveryKeyOf(key: DataKey): string {
  const bytes = Buffer.concat([key, checkOf(key)])
  let text = ''
  let value = 0
  let bits = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += letters[(value >> bits) & 31]
    }
    value &= (1 << bits) - 1
  }
  return text.replaceAll(/(.{4})(?=.)/g, '$1-')
}

/** Reads what `recoveryKeyOf` has written, however it was typed; null for anything else. */
export function readRecoveryKey(text: string): DataKey | null {
  const typed = text.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1')
  const bytes: number[] = []
  let value = 0
  let bits = 0
  for (const letter of typed) {
    const digit = letters.indexOf(letter)
    if (digit < 0) return null
    value = (value << 5) | digit
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((value >> bits) & 255)
      value &= (1 << bits) - 1
    }
  }
  if (bytes.length !== keyBytes + checkBytes || bits !== 0) return null
  const key = Uint8Array.from(bytes.slice(0, keyBytes))
  return timingSafeEqual(checkOf(key), Uint8Array.from(bytes.slice(keyBytes))) ? key : null
}

const checkOf = (key: DataKey): Uint8Array => Buffer.from(hash('sha256', key, 'hex').slice(0, 2 * checkBytes), 'hex')
