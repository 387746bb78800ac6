import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream, existsSync, mkdirSync, openAsBlob } from 'node:fs'
import { open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { imageTypeOf, signatureBytes } from '#domain/image-type.ts'
import { isSealed, readSealedFile, seal, SealError, sealing } from '#sealing/index.ts'

/**
 * Files addressed by the SHA-256 of their content; written once, never changed. With a key all of them are sealed
 * (`src/sealing`), and so is what arrives; hashes are of their content all the same.
 */
export interface Media {
  /** There is a key: what is read here may lie nowhere else in the clear. */
  readonly isSealed: boolean
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
  /** Takes over a finished file (made by `temporaryPath`), durably; where there is a key, one that is sealed. */
  adopt(path: string): Promise<string>
  /** Where a file lies, whether or not it exists. */
  path(hash: string): string
  has(hash: string): boolean
  /** What a file at `path` or `temporaryPath` holds; rejects with a `SealError` where it is sealed and cannot be opened. */
  read(path: string): Promise<Uint8Array>
  /**
   * A file's content as a Blob; its type is what its first bytes say, and empty for what is no photo. Null where it is gone,
   * or is sealed and cannot be opened. It is read from disk only as it is sent; where there is a key it is in memory, since
   * nothing of it may be used before all of it is found to be as it was.
   */
  blob(hash: string): Promise<Blob | null>
  /** Removes a file, and says whether it is gone; one that was not there is. */
  wipe(hash: string): Promise<boolean>
  /** Bytes of all files; counted once, then kept. */
  usedBytes(): Promise<number>
  /** A name in the same file system for a file that is to be adopted. */
  temporaryPath(extension: string): string
  /** The files that are not sealed although there is a key, as they lie there now: those from before there was one. */
  unsealed(): AsyncIterable<string>
  /** Seals such a file, durably; what it was stays in its place until then. One that is gone meanwhile stays gone. */
  seal(hash: string): Promise<void>
}

/** Where files lie while they arrive. */
export const incomingFolder = 'incoming'

/** Keeps media under `folder`, two characters of the hash a subfolder; sealed with `key` (32 bytes), where there is one. */
export function createMedia(folder: string, key: Uint8Array | null): Media {
  const temporaryFolder = join(folder, incomingFolder)
  mkdirSync(temporaryFolder, { recursive: true })

  const path = (hash: string): string => join(folder, hash.slice(0, 2), hash)
  const temporaryPath = (extension: string): string => join(temporaryFolder, `${randomUUID()}${extension}`)
  const sizeOf = async (file: string): Promise<number> => (await stat(file).catch(() => null))?.size ?? 0
  const list = async function* (): AsyncGenerator<string> {
    for (const part of await readdir(folder, { withFileTypes: true })) {
      if (part.isDirectory() && part.name !== incomingFolder) yield* await readdir(join(folder, part.name))
    }
  }

  let used: Promise<number> | null = null
  const count = async (): Promise<number> => {
    let bytes = 0
    for await (const hash of list()) bytes += await sizeOf(path(hash))
    return bytes
  }

  const settle = async (temporary: string, hash: string): Promise<void> => {
    const target = path(hash)
    const more = used === null ? 0 : (await sizeOf(temporary)) - (await sizeOf(target))
    mkdirSync(dirname(target), { recursive: true })
    await syncToDisk(temporary)
    await rename(temporary, target)
    used = used?.then((bytes) => bytes + more) ?? null
    await syncToDisk(dirname(target))
  }

  let last: Promise<unknown> = Promise.resolve()
  /** Sealing and wiping go one after the other: what is wiped must not come back sealed. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }

  return {
    isSealed: key !== null,
    path,
    temporaryPath,
    usedBytes: () => (used ??= count()),
    has: (hash) => existsSync(path(hash)),
    wipe: (hash) =>
      inTurn(async () => {
        const size = await sizeOf(path(hash))
        await rm(path(hash), { force: true })
        if (size > 0) await syncToDisk(dirname(path(hash)))
        used = used?.then((bytes) => bytes - size) ?? null
        return !existsSync(path(hash))
      }),
    read: (file) => readSealedFile(file, key),
    async blob(hash) {
      const file = path(hash)
      try {
        if (key === null) {
          const head = await headOf(file)
          if (!isSealed(head)) return await openAsBlob(file, { type: imageTypeOf(head) ?? '' })
        }
        const content = new Uint8Array(await readSealedFile(file, key))
        return new Blob([content], { type: imageTypeOf(content) ?? '' })
      } catch (error) {
        if (error instanceof SealError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null
        throw error
      }
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
        const arriving = Readable.fromWeb(bytes as Parameters<typeof Readable.fromWeb>[0])
        const file = createWriteStream(temporary, { flags: 'wx' })
        await (key === null ? pipeline(arriving, measure, file) : pipeline(arriving, measure, sealing(key), file))
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
      const digest = createHash('sha256')
        .update(await readSealedFile(temporary, key))
        .digest('hex')
      await settle(temporary, digest)
      return digest
    },
    async *unsealed() {
      if (key === null) return
      for await (const hash of list()) {
        const head = await headOf(path(hash)).catch(() => null)
        if (head !== null && !isSealed(head)) yield hash
      }
    },
    async seal(hash) {
      if (key === null) return
      await inTurn(async () => {
        if (!existsSync(path(hash))) return
        const temporary = temporaryPath('')
        try {
          await writeFile(temporary, seal(await readSealedFile(path(hash), key), key), { flag: 'wx' })
          await settle(temporary, hash)
        } catch (error) {
          await rm(temporary, { force: true })
          throw error
        }
      })
    },
  }
}

/** The first bytes of a file: enough to say whether it is sealed, and what image it is. */
async function headOf(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(signatureBytes), 0, signatureBytes, 0)
    return buffer.subarray(0, bytesRead)
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
