import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { backUp } from '#backend/index.ts'
import { silentLog, type Log } from '#backend/log.ts'
import { MediaUnavailableError, type UploadedImage } from '#backend/media/media.ts'
import { openBucket } from '#backend/media/s3.ts'
import { databaseOf, databaseUrl, jpeg, photoForm, readReply, scanner, startSite, temporaryFolder } from './fixture.ts'
import { runBackend } from './process.ts'
import { bucketAt, s3Keys, startS3 } from './s3-server.ts'

const dayMs = 24 * 3_600_000
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex')

/** A store of its own, without a backend around it. */
async function open(more: Partial<ReturnType<typeof bucketAt>> = {}, log: Log = silentLog) {
  const server = await startS3('goods')
  const folder = await temporaryFolder()
  const media = await openBucket(folder, { ...bucketAt(server, 'goods'), ...more }, log, () => new Date())
  onTestFinished(() => media.close())
  const store = async (content: Uint8Array): Promise<UploadedImage> => {
    const image = await media.receive(Readable.from([Buffer.from(content)]))
    if (typeof image === 'string') throw new Error(image)
    return image
  }
  return { server, folder, media, store, waiting: () => readdir(join(folder, 'incoming')) }
}

describe('a bucket', () => {
  it('keeps a photo under its day and hash, signed both for the request and its bytes, and lends it as a file', async () => {
    const { server, media, store, waiting } = await open()
    // Larger than one chunk of any stream.
    const content = jpeg(3_000_000)
    content.set([1, 2, 3], 1_500_000)
    const { key, hash, bytes } = await store(content)
    expect({ hash, bytes }).toEqual({ hash: sha256(content), bytes: 3_000_000 })
    expect(key).toMatch(new RegExp(`^\\d{4}-\\d{2}-\\d{2}/${hash}\\.jpg$`))
    expect([...server.objects.keys()]).toEqual([`north/photos/${key}`])
    expect(server.objects.get(`north/photos/${key}`)?.type).toBe('image/jpeg')
    const lent = await media.withFile(key, async (path) => ({ path, hash: sha256(await readFile(path)) }))
    expect(lent.hash).toBe(hash)
    await expect(readFile(lent.path)).rejects.toThrow('ENOENT')
    expect(await waiting()).toEqual([])
  })

  it('gets nothing that is no photo', async () => {
    const { server, media, waiting } = await open()
    expect(await media.receive(Readable.from([Buffer.from('no photo at all')]))).toBe('unsupported_type')
    expect(server.objects.size).toBe(0)
    expect(await waiting()).toEqual([])
  })

  it('is asked again when it is busy, cuts an answer short or answers damaged bytes', async () => {
    const { server, media, store } = await open()
    server.faults.push({ method: 'PUT', fault: 'busy' }, { method: 'PUT', fault: 'cut' })
    const { key, hash } = await store(jpeg(200_000))
    for (const fault of ['busy', 'cut', 'damaged'] as const) {
      server.faults.push({ method: 'GET', fault })
      expect(await media.withFile(key, async (path) => sha256(await readFile(path)))).toBe(hash)
    }
    expect(server.faults).toEqual([])
  })

  it('that stays busy, or keeps other bytes than its key says, fails, and leaves nothing behind', async () => {
    const { server, media, store, waiting } = await open()
    const { key } = await store(jpeg())
    const busy = (method: string) => ({ method, fault: 'busy' as const })
    server.faults.push(busy('PUT'), busy('PUT'), busy('PUT'))
    await expect(store(jpeg(2_000))).rejects.toThrow('the photo was not put into the bucket goods: it answered 503')
    const object = server.objects.get(`north/photos/${key}`)
    if (object === undefined) throw new Error('no object')
    server.objects.set(`north/photos/${key}`, { ...object, content: Buffer.from(jpeg(999)) })
    const work = () => Promise.reject(new Error('lent all the same'))
    await expect(media.withFile(key, work)).rejects.toThrow('its bytes are not those of its hash')
    server.objects.clear()
    server.served.length = 0
    await expect(media.withFile(key, work)).rejects.toThrow('it answered 404 NoSuchKey')
    // What is not there is not asked for again.
    expect(server.served).toEqual([`GET /goods/north/photos/${key}`])
    expect(await waiting()).toEqual([])
  })

  it('is refused at the start when its key or its name is wrong, and the secret is not told', async () => {
    const wrong = { ...s3Keys, secretAccessKey: 'another-secret' }
    const refused = open({ credentials: wrong }).catch((error: unknown) => error)
    const error = (await refused) as Error
    expect(error).toBeInstanceOf(MediaUnavailableError)
    expect(error.message).toBe('the bucket goods was not listed: it answered 403 SignatureDoesNotMatch')
    expect(JSON.stringify([error, error.stack, error.cause])).not.toMatch(/another-secret|AKIDCAPSTAN|token-1/)
    await expect(open({ bucket: 'other' })).rejects.toThrow('404 NoSuchBucket')
  })

  it('that does not answer at the start is waited for', async () => {
    const server = await startS3('goods')
    for (let count = 0; count < 3; count += 1) server.faults.push({ method: 'GET', fault: 'busy' })
    const warnings: string[] = []
    const log: Log = { ...silentLog, warn: (_about: object, text: string) => void warnings.push(text) }
    const media = await openBucket(await temporaryFolder(), bucketAt(server, 'goods'), log, () => new Date())
    onTestFinished(() => media.close())
    expect(warnings).toEqual(['the bucket does not answer; photos are refused until it does'])
    expect(await media.receive(Readable.from([Buffer.from(jpeg())]))).toMatchObject({ bytes: 1_000 })
  })
})

describe('a backend with a bucket', () => {
  async function start() {
    const server = await startS3('goods')
    const site = await startSite({ bucket: bucketAt(server, 'goods') })
    const session = await site.openSession()
    const upload = (bytes: number) =>
      site.call('POST', `${scanner}/captures/upload-image`, photoForm({ session_short_id: session }, jpeg(bytes)))
    return { server, site, session, upload }
  }

  it('takes photos by form and by its own presigned address, and needs no key of the bucket for it', async () => {
    const { server, site, session, upload } = await start()
    const capture = (await upload(2_000)).body
    expect(server.objects.has(`north/photos/${capture.uploaded_image_key}`)).toBe(true)
    const presigned = (await site.call('GET', `${scanner}/sessions/${session}/presigned-upload-url`)).body
    expect(presigned.upload_url.startsWith(site.url)).toBe(true)
    const put = await readReply(await fetch(presigned.upload_url, { method: 'PUT', body: jpeg(3_000) }))
    expect(put.status).toBe(204)
    const { s3_key } = presigned
    expect((await site.call('POST', `${scanner}/sessions/${session}/photos`, { s3_key })).status).toBe(201)
    const hashes = [...server.objects.keys()].map((key) => /([0-9a-f]{64})\.jpg$/.exec(key)?.[1])
    expect(hashes.toSorted()).toEqual([sha256(jpeg(2_000)), sha256(jpeg(3_000))].toSorted())
    expect(await readdir(join(site.dataDir, 'media'))).toEqual(['incoming'])
  })

  it('answers 503 while the bucket is busy, goes on taking codes, and takes the photo when it is sent again', async () => {
    const { server, site, session, upload } = await start()
    for (let count = 0; count < 3; count += 1) server.faults.push({ method: 'PUT', fault: 'busy' })
    const [photo, code] = await Promise.all([upload(2_000), site.submit(session, '4006381333931')])
    expect([photo.status, code.status]).toEqual([503, 201])
    expect((await upload(2_000)).status).toBe(201)
    expect((await site.call('GET', `${scanner}/sessions/${session}`)).body.captures).toHaveLength(2)
  })

  it('sweeps what no row names once its day is past, and nothing that is named, new or not its own', async () => {
    const { server, site, upload } = await start()
    const { db } = await databaseOf(site.dataDir)
    const media = await openBucket(await temporaryFolder(), bucketAt(server, 'goods'), silentLog, () => new Date())
    onTestFinished(() => media.close())
    const kept = (await upload(2_000)).body
    const deleted = (await upload(3_000)).body
    await site.settled(deleted.id)
    expect((await site.call('DELETE', `${scanner}/captures/${deleted.id}`)).status).toBe(204)
    const place = { content: Buffer.from(jpeg()), type: 'image/jpeg', changedAt: new Date() }
    const copied = `north/photos/ab/${sha256(jpeg())}.jpg`
    const foreign = ['north/photos/readme.txt', 'north/photos-of-others/x.jpg', `south/ab/${sha256(jpeg())}.jpg`]
    for (const key of [copied, ...foreign]) server.objects.set(key, { ...place })
    expect(await media.sweep(db, new Date())).toBe(0)
    // Old for the bucket, but a photo of this day may be sent again at this moment.
    for (const object of server.objects.values()) object.changedAt = new Date(Date.now() - 3 * dayMs)
    expect(await media.sweep(db, new Date())).toBe(1)
    expect(server.objects.has(copied)).toBe(false)
    expect(await media.sweep(db, new Date(Date.now() + 3 * dayMs))).toBe(1)
    expect([...server.objects.keys()].toSorted()).toEqual(
      [`north/photos/${kept.uploaded_image_key}`, ...foreign].toSorted(),
    )
  })

  it('has a backup that says how many photos are in the bucket and not in its file', async () => {
    const { site, upload } = await start()
    await upload(2_000)
    const url = await databaseUrl(site.dataDir)
    const file = join(await temporaryFolder(), 'backup.tar')
    const on = url === undefined ? {} : { databaseUrl: url }
    expect(await backUp({ dataDir: site.dataDir, ...on, file })).toEqual({
      ok: true,
      value: { captures: 1, photos: 1, photosInBucket: 1 },
    })
  })
})

describe('capstan backend --media', () => {
  const run = async (args: readonly string[], environment: Record<string, string>) =>
    runBackend(['--data', await temporaryFolder(), '--port', '0', ...args], environment).ended

  it('takes the key from the environment, and tells it to nobody', async () => {
    const server = await startS3('goods')
    const { url } = server
    const environment = {
      CAPSTAN_LOG: 'info',
      AWS_ACCESS_KEY_ID: s3Keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: 'another-secret',
      AWS_SESSION_TOKEN: s3Keys.sessionToken,
      AWS_REGION: 'eu-test-1',
      AWS_ENDPOINT_URL_S3: url,
    }
    const { code, stdout, stderr } = await run(['--media', 's3://goods/north', '--media-path-style'], environment)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('the bucket goods was not listed: it answered 403 SignatureDoesNotMatch')
    expect(stderr).not.toMatch(/another-secret|AKIDCAPSTAN|token-1/)
    expect(server.heads).toHaveLength(1)
  })

  it('says what is missing', async () => {
    const none = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }
    expect((await run(['--media', 's3://goods/north'], none)).stderr).toContain('AWS_ACCESS_KEY_ID')
    expect((await run(['--media', '/srv/photos'], none)).stderr).toContain('--media takes s3://BUCKET/PREFIX')
    expect((await run(['--media-region', 'eu-1'], none)).stderr).toContain('--media-region needs --media')
  })
})
