import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import type { Log } from '../log.ts'
import { MediaUnavailableError, openWaiting, receiveInto, type Media, type WaitingImage } from './media.ts'
import { batchSize, graceMs, namedOf } from './sweep.ts'

/** A place in an S3 bucket, or in one of a server that speaks like it. */
export interface BucketSettings {
  readonly bucket: string
  /** Before every key: empty, or with a slash at its end. It belongs to one backend's database alone. */
  readonly prefix: string
  readonly region: string
  /** Of another server than Amazon's, e.g. `https://minio.example.org:9000`. */
  readonly endpoint?: string
  /** Whether the bucket is in the path of an address and not in its host name, as most other servers want it. */
  readonly usesPathStyle: boolean
  readonly credentials: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
}

const nothing = (): void => undefined
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing }

const attempts = 3
/** The longest photo over a bad line; a connection that is silent for shorter is given up too. */
const attemptMs = 60_000
const connectMs = 5_000
const silenceMs = 15_000

const contentTypes: Readonly<Record<string, string>> = { jpg: 'image/jpeg', png: 'image/png', webp: 'image/webp' }

/** What this backend writes, and what a media folder that was copied into the bucket holds; all else is another's. */
const ownKey = /^(?:(?<day>\d{4}-\d{2}-\d{2})|[0-9a-f]{2})\/(?<hash>[0-9a-f]{64})\.(?:jpg|png|webp)$/

/**
 * Keeps photos in a bucket. They come and go through the waiting folder on disk, a stream each way: what they are is known
 * only when they are whole, and readers of photos want files.
 *
 * A photo is in the bucket before its row is written, and never within a transaction: a slow bucket holds up nobody
 * else. Its key is the day and its hash. A bucket cannot rename, nor delete only what is still old, so a sweep could
 * take a photo that is being uploaded again; a day that has passed gets no more uploads, and is swept without a doubt.
 *
 * Rejects when the bucket refuses; one that does not answer may come back, and is waited for.
 */
export async function openBucket(
  folder: string,
  settings: BucketSettings,
  log: Log,
  now: () => Date,
): Promise<Media & { readonly close: () => Promise<void> }> {
  const { bucket, prefix, endpoint } = settings
  const waiting = await openWaiting(folder, now())
  const client = new S3Client({
    region: settings.region,
    credentials: settings.credentials,
    forcePathStyle: settings.usesPathStyle,
    ...(endpoint === undefined ? {} : { endpoint }),
    // A stream is read once: what is tried again is tried here.
    maxAttempts: 1,
    // Bytes are held against their hash both ways; other servers do not know S3's newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Told by what this rejects with; without one, some of it goes to the console.
    logger: silent,
    requestHandler: { connectionTimeout: connectMs, socketTimeout: silenceMs },
  })

  async function put({ path, hash, name, bytes }: WaitingImage, key: string): Promise<void> {
    await ask(`the photo was not put into the bucket ${bucket}`, async (abortSignal) => {
      const body = createReadStream(path)
      try {
        const command = new PutObjectCommand({
          Bucket: bucket,
          Key: prefix + key,
          Body: body,
          ContentLength: bytes,
          ContentType: contentTypes[name.split('.')[1] ?? ''],
        })
        // Signed with the request, so that the bucket refuses bytes that are not these.
        command.middlewareStack.add(
          (next) => (args) => {
            const { headers } = args.request as { headers: Record<string, string> }
            headers['x-amz-content-sha256'] = hash
            return next(args)
          },
          { step: 'build' },
        )
        await client.send(command, { abortSignal })
      } finally {
        body.destroy()
      }
    })
  }

  async function get(key: string, path: string): Promise<void> {
    await ask(`the photo ${key} was not got from the bucket ${bucket}`, async (abortSignal) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: prefix + key }), { abortSignal })
      const hash = createHash('sha256')
      const hashed = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
        for await (const chunk of source) {
          hash.update(chunk)
          yield chunk
        }
      }
      await pipeline(Body as Readable, hashed, createWriteStream(path), { signal: abortSignal })
      if (hash.digest('hex') !== ownKey.exec(key)?.groups?.['hash'])
        throw new Error('its bytes are not those of its hash')
    })
  }

  const list = (most: number, after: string | undefined) =>
    ask(`the bucket ${bucket} was not listed`, (abortSignal) =>
      client.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: most, ContinuationToken: after }),
        { abortSignal },
      ),
    )

  try {
    await list(1, undefined)
  } catch (error) {
    if (!(error instanceof MediaUnavailableError) || error.isFinal) {
      client.destroy()
      throw error
    }
    log.warn({ err: error }, 'the bucket does not answer; photos are refused until it does')
  }

  return {
    async receive(stream) {
      const image = await receiveInto(waiting, stream)
      if (typeof image === 'string') return image
      const key = `${now().toISOString().slice(0, 10)}/${image.name}`
      try {
        await put(image, key)
      } finally {
        await rm(image.path, { force: true })
      }
      // Another upload of the day may have the same photo: what no row names is left to the sweep.
      const settled = () => Promise.resolve()
      return { hash: image.hash, key, bytes: image.bytes, keep: settled, discard: settled }
    },
    async withFile(key, work) {
      const path = join(waiting, randomUUID())
      try {
        await get(key, path)
        return await work(path)
      } finally {
        await rm(path, { force: true })
      }
    },
    async sweep(db, at) {
      let swept = 0
      let after: string | undefined
      do {
        const page = await list(batchSize, after)
        const old = (page.Contents ?? [])
          .map(({ Key = '', LastModified }) => ({ key: Key.slice(prefix.length), changed: LastModified ?? at }))
          .filter(({ key, changed }) => at.getTime() - changed.getTime() > graceMs && isPast(key, at))
          .map(({ key }) => key)
        const named = old.length === 0 ? new Set<string>() : await namedOf(db, old)
        for (const key of old) {
          if (named.has(key)) continue
          await ask(`the photo ${key} was not deleted from the bucket ${bucket}`, (abortSignal) =>
            client.send(new DeleteObjectCommand({ Bucket: bucket, Key: prefix + key }), { abortSignal }),
          )
          swept += 1
        }
        after = page.NextContinuationToken
      } while (after !== undefined)
      return swept
    },
    close: async () => client.destroy(),
  }
}

/** Whether a key is one of ours that no upload writes any more: its day ended a day ago, or it has none. */
function isPast(key: string, at: Date): boolean {
  const own = ownKey.exec(key)?.groups
  if (own === undefined) return false
  const day = own['day']
  return day === undefined || at.getTime() - Date.parse(day) > 2 * graceMs
}

/** Does it, a few times when it might help. What it rejects with has no request in it, and so no key. */
async function ask<Value>(failure: string, work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(AbortSignal.timeout(attemptMs))
    } catch (error) {
      const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
      const status = $metadata?.httpStatusCode
      // After a wrong clock the client has set its own right.
      const mayPass = status === undefined || status === 429 || status >= 500 || name === 'RequestTimeTooSkewed'
      if (!mayPass || attempt === attempts) {
        const reason = status === undefined ? message : `it answered ${status} ${name}`
        throw new MediaUnavailableError(`${failure}: ${reason}`, !mayPass)
      }
      await pause(100 * 4 ** attempt * (0.5 + Math.random() / 2))
    }
  }
}
