import { createHash } from 'node:crypto'
import { createReadStream, openAsBlob } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { fail, ok, type Result } from '#contract/result.ts'
import type { PhotoOutcome } from '#contract/station/capture.ts'
import type { FoundFile } from '#station/device/watched-folders.ts'
import type { Store } from '#station/store/store.ts'

/** What became of a photo's file: captured now, or known because its content was captured before. */
export type PhotoFileOutcome =
  | { readonly kind: 'taken'; readonly photo: PhotoOutcome }
  | { readonly kind: 'known'; readonly hash: string }

/**
 * Takes photos from files, each once for its content whatever its name, and remembers the files, which stay as they are.
 * Fails with `not_found` when a file cannot be read, and as `take` does. Several may be taken at once.
 */
export function createPhotoFiles(
  store: Store,
): (
  file: FoundFile,
  take: (bytes: ReadableStream<Uint8Array>) => Promise<Result<PhotoOutcome>>,
) => Promise<Result<PhotoFileOutcome>> {
  /** Contents that are being taken: the same one waits, and is known then. */
  const underWay = new Map<string, Promise<unknown>>()
  /** Files are looked at in the order they come in, so that of two alike the later one waits for the earlier. */
  let looking: Promise<unknown> = Promise.resolve()

  return async (file, take) => {
    const looked = looking.then(() => lookAt(file.path))
    looking = looked
    const found = await looked
    if (!found.ok) return found
    const { hash, content } = found.value
    while (underWay.has(hash)) await underWay.get(hash)
    if (store.photoFiles.isCaptured(hash)) {
      store.photoFiles.remember(file, hash)
      return ok({ kind: 'known', hash })
    }
    const taking = (async (): Promise<Result<PhotoFileOutcome>> => {
      const result = await take(content.stream())
      if (!result.ok) return result
      store.photoFiles.remember(file, result.value.photo)
      return ok({ kind: 'taken', photo: result.value })
    })().finally(() => underWay.delete(hash))
    underWay.set(
      hash,
      taking.catch(() => {}),
    )
    return taking
  }
}

async function lookAt(path: string): Promise<Result<{ readonly hash: string; readonly content: Blob }>> {
  try {
    const hash = createHash('sha256')
    await pipeline(createReadStream(path), hash)
    return ok({ hash: hash.digest('hex'), content: await openAsBlob(path) })
  } catch (error) {
    return fail('not_found', `the file cannot be read: ${(error as Error).message}`)
  }
}
