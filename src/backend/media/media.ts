import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { imageByteLimit, imagePixelLimit as pixelLimit } from '#contract/backend/scanner.ts'
import type { Db } from '../db/database.ts'
import { pixelsOf } from './pixels.ts'
import { sweepMedia } from './sweep.ts'

/** A photo that has been received whole and is durable; nothing answers for it until it is kept. */
export interface UploadedImage {
  /** SHA-256 of its bytes, lower-case hex. */
  readonly hash: string
  /** Where it will lie: `ab/ab12….jpg` below the media folder, `2026-11-21/ab12….jpg` in a bucket. */
  readonly key: string
  readonly bytes: number
  /** Moves it to its place; to be called before the row that names it commits. */
  readonly keep: () => Promise<void>
  /** Deletes it, unless it has been kept. */
  readonly discard: () => Promise<void>
}

export type MediaFault = 'empty' | 'too_large' | 'too_many_pixels' | 'unsupported_type'

/** Photos, addressed by content: the same photo uploaded twice is kept once. On disk, or in a bucket (`s3.ts`). */
export interface Media {
  /**
   * Writes a stream to disk as it comes; always reads it to its end. Rejects when the stream breaks, and with
   * `MediaUnavailableError` when the photo cannot be put where it is to be.
   */
  readonly receive: (stream: Readable) => Promise<UploadedImage | MediaFault>
  /** Lends a kept photo as a file, to be read only, until `work` is done. */
  readonly withFile: <Value>(key: string, work: (path: string) => Promise<Value>) => Promise<Value>
  /** Deletes the photos that no row names and that are a day old. Answers how many. */
  readonly sweep: (db: Db, at: Date) => Promise<number>
}

/** The place of the photos does not do what it must; the photo may be sent, or read, again. */
export class MediaUnavailableError extends Error {
  override readonly name = 'MediaUnavailableError'
  /** Whether it refused, and will again. */
  readonly isFinal: boolean

  constructor(message: string, isFinal: boolean) {
    super(message)
    this.isFinal = isFinal
  }
}

/** The image types that are taken, told by their first bytes and never by what the client says. */
function extensionOf(head: Buffer): 'jpg' | 'png' | 'webp' | undefined {
  if (head.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))) return 'jpg'
  if (head.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]))) return 'png'
  if (head.subarray(0, 4).toString('latin1') === 'RIFF' && head.subarray(8, 12).toString('latin1') === 'WEBP') {
    return 'webp'
  }
  return undefined
}

/** No upload takes so long: what is older in the waiting folder was interrupted. */
const uploadMs = 24 * 3_600_000

/** Makes the waiting folder below a media folder; what interrupted uploads have left in it is deleted. */
export async function openWaiting(folder: string, at: Date): Promise<string> {
  const waiting = join(folder, 'incoming')
  await mkdir(waiting, { recursive: true })
  for (const name of await readdir(waiting)) {
    const left = join(waiting, name)
    const file = await stat(left).catch(() => undefined)
    if (file !== undefined && at.getTime() - file.mtimeMs > uploadMs) await rm(left, { recursive: true, force: true })
  }
  return waiting
}

/** A photo in the waiting folder, whole and durable. */
export interface WaitingImage {
  readonly path: string
  /** SHA-256 of its bytes, lower-case hex. */
  readonly hash: string
  /** `<hash>.jpg` and the like. */
  readonly name: string
  readonly bytes: number
}

/** Writes a stream into the waiting folder and judges it; leaves nothing there when it is refused or breaks. */
export async function receiveInto(waiting: string, stream: Readable): Promise<WaitingImage | MediaFault> {
  const path = join(waiting, randomUUID())
  const file = await open(path, 'wx')
  const hash = createHash('sha256')
  let head = Buffer.alloc(0)
  let bytes = 0
  let fault: MediaFault | undefined
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (head.length < 12) head = Buffer.concat([head, chunk.subarray(0, 12)])
      if (head.length >= 12 && extensionOf(head) === undefined) fault = 'unsupported_type'
      if (bytes > imageByteLimit) fault = 'too_large'
      // A refused photo is still read to its end, so that the client gets to read why.
      if (fault !== undefined) continue
      hash.update(chunk)
      await file.writeFile(chunk)
    }
    await file.sync()
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
  const extension = extensionOf(head)
  if (bytes === 0) fault = 'empty'
  else if (extension === undefined) fault ??= 'unsupported_type'
  else if ((await pixelsOf(path)) > pixelLimit) fault ??= 'too_many_pixels'
  if (fault !== undefined || extension === undefined) {
    await rm(path, { force: true })
    return fault ?? 'unsupported_type'
  }
  const digest = hash.digest('hex')
  return { path, hash: digest, name: `${digest}.${extension}`, bytes }
}

/**
 * Opens the media folder; what interrupted uploads have left in the waiting folder is deleted.
 *
 * Several processes may use the folder at once.
 */
export async function openMedia(folder: string, at: Date): Promise<Media> {
  const waiting = await openWaiting(folder, at)
  return {
    withFile: (key, work) => work(join(folder, key)),
    sweep: (db, instant) => sweepMedia(folder, db, instant),
    async receive(stream) {
      const image = await receiveInto(waiting, stream)
      if (typeof image === 'string') return image
      const { path, hash, name, bytes } = image
      const shelf = hash.slice(0, 2)
      // A write may be run again, and keeps its photo again.
      let isKept = false
      return {
        hash,
        key: `${shelf}/${name}`,
        bytes,
        async keep() {
          if (isKept) return
          const made = await mkdir(join(folder, shelf), { recursive: true })
          if (made !== undefined) await syncFolder(folder)
          await rename(path, join(folder, shelf, name))
          await syncFolder(join(folder, shelf))
          isKept = true
        },
        discard: () => rm(path, { force: true }),
      }
    },
  }
}

/** Makes a rename durable. Windows cannot open a folder and does not need to. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
