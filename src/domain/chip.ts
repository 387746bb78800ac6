import type { ChipSettings } from '#contract/station/scanner-settings.ts'

/** What a reader of chips has sent: a chip's value, what is no chip's at all, or what cannot be understood. */
export type ChipRead =
  | { readonly kind: 'chip'; readonly value: string }
  | { readonly kind: 'code' }
  | { readonly kind: 'unreadable'; readonly reason: string }

const unreadable = (reason: string): ChipRead => ({ kind: 'unreadable', reason })
const chip = (value: string): ChipRead => (value === '' ? unreadable('the chip is empty') : { kind: 'chip', value })

/**
 * Reads what a reader of chips sends, as its settings say that it sends it. Never throws.
 *
 * Readers write a UID in every notation there is, and none says in which: the settings do, and nothing is guessed. However
 * it came, a UID becomes capital hex digits without separators, in the order in which the chip has them. Text goes through to the byte.
 */
export function readChip(data: string, { sends, prefix }: ChipSettings): ChipRead {
  if (!data.startsWith(prefix)) return { kind: 'code' }
  const sent = data.slice(prefix.length)
  switch (sends) {
    case 'text':
      return chip(sent)
    case 'uid_hex':
      return readUid(bytesOfHex(sent))
    case 'uid_hex_reversed':
      return readUid(bytesOfHex(sent)?.toReversed())
    case 'uid_decimal':
      return readUid(bytesOfDecimal(sent))
    case 'uid_decimal_reversed':
      return readUid(bytesOfDecimal(sent)?.toReversed())
    case 'ndef_hex':
      return readNdef(bytesOfHex(sent))
  }
}

/** ISO 14443: 4, 7 or 10 bytes; ISO 15693 and FeliCa: 8; the tags of 125 kHz: 5. */
const uidLengths = [4, 5, 7, 8, 10] as const

function readUid(bytes: readonly number[] | undefined): ChipRead {
  if (bytes === undefined) return unreadable('this is no UID in the notation that is set')
  if (!uidLengths.some((length) => length === bytes.length)) return unreadable(`no UID has ${bytes.length} bytes`)
  return chip(
    bytes
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('')
      .toUpperCase(),
  )
}

/** `04A2B3`, `04:a2:b3`, `04-A2-B3`, `04 A2 B3`, `0x04A2B3`, `0x04 0xA2 0xB3`. */
function bytesOfHex(text: string): number[] | undefined {
  const parts = text.trim().split(/[\s:,;-]+/)
  const digits = parts.map((part) => part.replace(/^0x|h$/i, ''))
  // A separator stands between bytes, not within one.
  if (digits.length > 1 && digits.some(({ length }) => length !== 2)) return undefined
  const hex = digits.join('')
  if (!/^(?:[0-9a-f]{2})+$/i.test(hex)) return undefined
  return Array.from(hex.matchAll(/../g), ([byte]) => Number.parseInt(byte, 16))
}

/** The shortest UID that holds the number: leading zeros say nothing, since readers pad to ten digits. */
function bytesOfDecimal(text: string): number[] | undefined {
  const digits = text.trim()
  if (!/^\d{1,25}$/.test(digits)) return undefined
  const hex = BigInt(digits).toString(16)
  const length = uidLengths.find((bytes) => hex.length <= bytes * 2)
  return length === undefined ? undefined : bytesOfHex(hex.padStart(length * 2, '0'))
}

/** The first text or URI of an NDEF message, bare or as it lies in the chip's memory. */
function readNdef(bytes: readonly number[] | undefined): ChipRead {
  if (bytes === undefined) return unreadable('this is no NDEF message in hex digits')
  return readMessage(messageIn(Uint8Array.from(bytes)))
}

/** In a chip's memory the message lies in a TLV of type 3, behind others that say nothing to us. */
function messageIn(memory: Uint8Array): Uint8Array {
  // The first byte of a message has the bit that says so; no TLV before one has.
  if (((memory[0] ?? 0) & 0x80) !== 0) return memory
  let at = 0
  while (at < memory.length && memory[at] !== 0xfe) {
    if (memory[at] === 0) {
      at += 1
      continue
    }
    const isLong = memory[at + 1] === 0xff
    const length = isLong ? ((memory[at + 2] ?? 0) << 8) | (memory[at + 3] ?? 0) : (memory[at + 1] ?? 0)
    const start = at + (isLong ? 4 : 2)
    if (memory[at] === 3) return memory.subarray(start, start + length)
    at = start + length
  }
  return new Uint8Array()
}

const nothing = unreadable('the chip has no text and no address')

function readMessage(message: Uint8Array): ChipRead {
  let at = 0
  while (at < message.length) {
    const record = recordAt(message, at)
    if (record === null) return unreadable('the NDEF message is cut off or damaged')
    const read = readRecord(record)
    if (read !== null) return read
    if (record.isLast) break
    at = record.end
  }
  return nothing
}

interface NdefRecord {
  /** Its name among the types of the NFC Forum; empty for any other. */
  readonly type: string
  readonly payload: Uint8Array
  readonly isLast: boolean
  readonly end: number
}

function recordAt(message: Uint8Array, at: number): NdefRecord | null {
  const header = message[at] ?? 0
  const [isLast, isChunk, isShort, hasId] = [0x40, 0x20, 0x10, 0x08].map((bit) => (header & bit) !== 0)
  const typeLength = message[at + 1]
  const lengthBytes = message.subarray(at + 2, at + (isShort ? 3 : 6))
  const payloadLength = lengthBytes.reduce((length, byte) => length * 256 + byte, 0)
  let start = at + (isShort ? 3 : 6)
  const idLength = hasId ? (message[start++] ?? 0) : 0
  if (typeLength === undefined || isChunk) return null
  const type = message.subarray(start, start + typeLength)
  start += typeLength + idLength
  const end = start + payloadLength
  if (end > message.length) return null
  const isWellKnown = (header & 0x07) === 1
  const payload = message.subarray(start, end)
  return { type: isWellKnown ? String.fromCharCode(...type) : '', payload, isLast: isLast === true, end }
}

function readRecord({ type, payload }: NdefRecord): ChipRead | null {
  const [first = 0] = payload
  if (type === 'T') {
    // How it is written, and how long the language's name is that stands before the text.
    const text = payload.subarray(1 + (first & 0x3f))
    return chipOf((first & 0x80) === 0 ? textOfUtf8(text) : textOfUtf16(text))
  }
  if (type === 'U') return chipOf(textOfUtf8(payload.subarray(1)), uriStarts[first] ?? '')
  // A smart poster: a message within the message.
  if (type !== 'Sp') return null
  const inner = readMessage(payload)
  return inner === nothing ? null : inner
}

function chipOf(text: string | null, start = ''): ChipRead {
  const isWhole = text !== null && !/\p{Surrogate}/u.test(text)
  return isWhole ? chip(start + text) : unreadable('the text of the chip is damaged')
}

function textOfUtf8(bytes: Uint8Array): string | null {
  try {
    return decodeURIComponent(Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''))
  } catch {
    return null
  }
}

/** Big-endian, unless a byte order mark says otherwise. */
function textOfUtf16(bytes: Uint8Array): string | null {
  if (bytes.length % 2 !== 0) return null
  const isLittle = bytes[0] === 0xff && bytes[1] === 0xfe
  const hasMark = isLittle || (bytes[0] === 0xfe && bytes[1] === 0xff)
  let text = ''
  for (let at = hasMark ? 2 : 0; at < bytes.length; at += 2) {
    const [low = 0, high = 0] = isLittle ? bytes.subarray(at, at + 2) : bytes.slice(at, at + 2).reverse()
    text += String.fromCharCode(high * 256 + low)
  }
  return text
}

/** What the first byte of a URI record stands for (NFC Forum, URI Record Type Definition). */
const uriStarts: readonly string[] = [
  '',
  'http://www.',
  'https://www.',
  'http://',
  'https://',
  'tel:',
  'mailto:',
  'ftp://anonymous:anonymous@',
  'ftp://ftp.',
  'ftps://',
  'sftp://',
  'smb://',
  'nfs://',
  'ftp://',
  'dav://',
  'news:',
  'telnet://',
  'imap:',
  'rtsp://',
  'urn:',
  'pop:',
  'sip:',
  'sips:',
  'tftp:',
  'btspp://',
  'btl2cap://',
  'btgoep://',
  'tcpobex://',
  'irdaobex://',
  'file://',
  'urn:epc:id:',
  'urn:epc:tag:',
  'urn:epc:pat:',
  'urn:epc:raw:',
  'urn:epc:',
  'urn:nfc:',
]
