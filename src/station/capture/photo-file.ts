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
 * Takes a photo from a file, once for its content whatever its name, and remembers the file. The file stays as it is.
 * Fails with `not_found` when it cannot be read, and as `take` does.
 */
export async function takePhotoFile(
  store: Store,
  file: FoundFile,
  take: (bytes: ReadableStream<Uint8Array>) => Promise<Result<PhotoOutcome>>,
): Promise<Result<PhotoFileOutcome>> {
  let hash: string
  let content: Blob
  try {
    hash = await hashOf(file.path)
    content = await openAsBlob(file.path)
  } catch (error) {
    return fail('not_found', `the file cannot be read: ${(error as Error).message}`)
  }
  if (store.photoFiles.isCaptured(hash)) {
    store.photoFiles.remember(file, hash)
    return ok({ kind: 'known', hash })
  }
  const result = await take(content.stream())
  if (!result.ok) return result
  store.photoFiles.remember(file, result.value.photo)
  return ok({ kind: 'taken', photo: result.value })
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
