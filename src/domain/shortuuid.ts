/** 57 characters, without `0 1 I O l`: the alphabet of Closient's identifiers. */
const alphabet = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const base = BigInt(alphabet.length)
const digits = 22
const largest = (1n << 128n) - 1n

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Whether this is a UUID in its canonical form of 8-4-4-4-12 hexadecimal digits. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text)
}

/** The 22 characters of a canonical UUID, or null when it is none. */
export function toShortUuid(uuid: string): string | null {
  if (!isUuid(uuid)) return null
  let value = BigInt(`0x${uuid.replaceAll('-', '')}`)
  let text = ''
  for (let index = 0; index < digits; index++) {
    text = alphabet.charAt(Number(value % base)) + text
    value /= base
  }
  return text
}

/**
 * The canonical lower-case UUID of a short one, or null.
 *
 * 22 characters can say more than 128 bits: such a text has the right pattern and is still no identifier.
 */
export function fromShortUuid(short: string): string | null {
  if (short.length !== digits) return null
  let value = 0n
  for (const character of short) {
    const digit = alphabet.indexOf(character)
    if (digit === -1) return null
    value = value * base + BigInt(digit)
  }
  if (value > largest) return null
  const hex = value.toString(16).padStart(32, '0')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** Whether this is a short UUID that stands for a UUID. */
export function isShortUuid(text: string): boolean {
  return fromShortUuid(text) !== null
}
