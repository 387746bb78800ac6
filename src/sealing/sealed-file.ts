import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Transform } from 'node:stream'

/**
 * A sealed file: eight bytes that no JPEG, PNG or WebP begins with, a nonce of 12 random bytes, the content encrypted with
 * AES-256-GCM, and the 16 bytes by which a change is noticed. The first eight count as part of what is sealed.
 */
const algorithm = 'aes-256-gcm'
const magic = Buffer.from('CAPSEAL1', 'latin1')
const nonceBytes = 12
const tagBytes = 16
const headBytes = magic.length + nonceBytes

/** By so many bytes a sealed file is longer than its content. */
export const sealBytes = headBytes + tagBytes

/** A sealed file that was not opened: for want of a key, or since this is not its key or these are not its bytes. */
export class SealError extends Error {
  override readonly name = 'SealError'
  readonly reason: 'no_key' | 'refused'

  constructor(reason: SealError['reason']) {
    super(
      reason === 'no_key'
        ? 'the file is sealed, and there is no key to open it'
        : 'the file is sealed with another key, or was changed',
    )
    this.reason = reason
  }
}

/** Whether a file is sealed, by its first bytes: eight are enough. */
export const isSealed = (head: Uint8Array): boolean => magic.equals(head.subarray(0, magic.length))

/** Seals what passes through, as it comes; `key` has 32 bytes (`keyFor`). What was cut off on its way cannot be opened. */
export function sealing(key: Uint8Array): Transform {
  const { head, cipher } = begin(key)
  return new Transform({
    construct(done) {
      this.push(head)
      done()
    },
    transform: (chunk: Uint8Array, _encoding, next) => next(null, cipher.update(chunk)),
    flush(done) {
      this.push(cipher.final())
      done(null, cipher.getAuthTag())
    },
  })
}

/** Seals bytes that are all there; `key` has 32 bytes (`keyFor`). */
export function seal(plain: Uint8Array, key: Uint8Array): Buffer {
  const { head, cipher } = begin(key)
  return Buffer.concat([head, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/**
 * The content of a file's bytes. What is not sealed is its own content, so that files from before there was a key can be
 * read. Throws a `SealError`, and gives nothing away, unless all of it is as it was sealed with `key`.
 */
export function openSealed(bytes: Uint8Array, key: Uint8Array | null): Uint8Array {
  if (!isSealed(bytes)) return bytes
  if (key === null) throw new SealError('no_key')
  if (bytes.length < sealBytes) throw new SealError('refused')
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(magic.length, headBytes), {
    authTagLength: tagBytes,
  })
  decipher.setAAD(magic)
  decipher.setAuthTag(bytes.subarray(-tagBytes))
  const plain = decipher.update(bytes.subarray(headBytes, -tagBytes))
  try {
    decipher.final()
  } catch {
    throw new SealError('refused')
  }
  return plain
}

/** The content of a file, as `openSealed` gives it; rejects as `readFile` does where it cannot be read. */
export const readSealedFile = async (path: string, key: Uint8Array | null): Promise<Uint8Array> =>
  openSealed(await readFile(path), key)

function begin(key: Uint8Array) {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(magic)
  return { head: Buffer.concat([magic, nonce]), cipher }
}
