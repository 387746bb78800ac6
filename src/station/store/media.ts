import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, mkdirSync, openAsBlob } from 'node:fs'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { imageTypeOf, signatureBytes, type ImageType } from '#domain/image-type.ts'

/** Files addressed by the SHA-256 of their content; written once, never changed. */
export interface Media {
  /**
   * Streams bytes in: durable when it resolves. Throws a RangeError once `maxBytes` is exceeded; nothing is kept then.
   * `written` is told where they lie when all are there and not durable yet: who cannot wait may look at them already. They
   * are in `incoming` until they are in `path`, which may be any time after.
   */
  put(
    bytes: ReadableStream<Uint8Array>,
    maxBytes: number,
    written?: (file: { readonly incoming: string; readonly path: string }) => void,
  ): Promise<{ hash: string; bytes: number }>
  /** Takes over a finished file (made by `temporaryPath`), durably. */
  adopt(path: string): Promise<string>
  /** Where a file lies, whether or not it exists. */
  path(hash: string): string
  has(hash: string): boolean
  /** The file as a Blob that is read from disk only as it is sent; its type is what its first bytes say. */
  blob(hash: string): Promise<Blob>
  /** Removes a file, and says whether it is gone; one that was not there is. */
  wipe(hash: string): Promise<boolean>
  /** Bytes of all files; counted once, then kept. */
  usedBytes(): Promise<number>
  /** A name in the same file system for a file that is to be adopted. */
  temporaryPath(extension: string): string
}

/** Where files lie while they arrive. */
export const incomingFolder = 'incoming'

/** Keeps media under `folder`, two characters of the hash a subfolder. */
export function createMedia(folder: string, _mediaKey: Uint8Array | null): Media {
  const temporaryFolder = join(folder, incomingFolder)
  mkdirSync(temporaryFolder, { recursive: true })

  const path = (hash: string): string => join(folder, hash.slice(0, 2), hash)
  const temporaryPath = (extension: string): string => join(temporaryFolder, `${randomUUID()}${extension}`)

  let used: Promise<number> | null = null
  const count = async (): Promise<number> => {
    let bytes = 0
    for (const part of await readdir(folder, { withFileTypes: true })) {
      if (!part.isDirectory() || part.name === incomingFolder) continue
      for (const name of await readdir(join(folder, part.name))) {
        bytes += (await stat(join(folder, part.name, name)).catch(() => null))?.size ?? 0
      }
    }
    return bytes
  }

  const settle = async (temporary: string, hash: string): Promise<void> => {
    const target = path(hash)
    if (used !== null && !existsSync(target)) {
      const [before, { size }] = await Promise.all([used, stat(temporary)])
      used = Promise.resolve(before + size)
    }
    mkdirSync(dirname(target), { recursive: true })
    await syncToDisk(temporary)
    await rename(temporary, target)
    await syncToDisk(dirname(target))
  }

  return {
    path,
    temporaryPath,
    usedBytes: () => (used ??= count()),
    has: (hash) => existsSync(path(hash)),
    async wipe(hash) {
      const size = (await stat(path(hash)).catch(() => null))?.size ?? 0
      await rm(path(hash), { force: true })
      if (size > 0) await syncToDisk(dirname(path(hash)))
      if (used !== null) used = used.then((bytes) => bytes - size)
      return !existsSync(path(hash))
    },
    async blob(hash) {
      const type = await typeOfFile(path(hash))
      return openAsBlob(path(hash), type === null ? {} : { type })
    },
    async put(bytes, maxBytes, written) {
      const temporary = temporaryPath('')
      const hash = createHash('sha256')
      let size = 0
      const measure = new Transform({
        transform(chunk: Buffer, _encoding, next) {
          size += chunk.length
          if (size > maxBytes) return next(new RangeError(`more than ${maxBytes} bytes`))
          hash.update(chunk)
          next(null, chunk)
        },
      })
      try {
        await pipeline(
          Readable.fromWeb(bytes as Parameters<typeof Readable.fromWeb>[0]),
          measure,
          createWriteStream(temporary, { flags: 'wx' }),
        )
        const digest = hash.digest('hex')
        written?.({ incoming: temporary, path: path(digest) })
        await settle(temporary, digest)
        return { hash: digest, bytes: size }
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
    },
    async adopt(temporary) {
      const hash = createHash('sha256')
      await pipeline(createReadStream(temporary), hash)
      const digest = hash.digest('hex')
      await settle(temporary, digest)
      return digest
    },
  }
}

/** The image type of a file by its first bytes; null for what is no photo. */
export async function typeOfFile(path: string): Promise<ImageType | null> {
  const handle = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(signatureBytes), 0, signatureBytes, 0)
    return imageTypeOf(buffer.subarray(0, bytesRead)) ?? null
  } finally {
    await handle.close()
  }
}

/** A rename is durable once the folder is on disk too; Windows has no such call and needs none. */
async function syncToDisk(path: string): Promise<void> {
  if (process.platform === 'win32' && (await stat(path)).isDirectory()) return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
