import { describe, expect, it } from 'vitest'
import { addCapture, openTestSession, openTestStore, temporaryFolder, until } from '../parts.ts'
import { startServer, type Arrived, type Said } from '../scripted-server.ts'
import { problem, startScriptedBackend } from './scripted-backend.ts'
import { startSync } from './start-sync.ts'

const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, ...Array<number>(5_000).fill(7)])

/** A data folder with a photo that waits: of the side `role`, and with a code when `raw` is one. */
async function folderWithPhoto(
  captureMode: 'both' | 'barcode_scan',
  raw = '',
): Promise<{ dataDir: string; id: string }> {
  const dataDir = temporaryFolder()
  const store = openTestStore({ dataDir })
  const session = openTestSession(store, { captureMode })
  const { hash } = await store.media.put(new Blob([jpeg]).stream(), 10_000)
  const photo = {
    type: 'IMAGE',
    raw,
    photo: hash,
    upload: hash,
    photoRole: 'nutrition',
    itemKey: `photo:${raw}`,
  } as const
  const id = addCapture(store, session.id, photo)
  store.close()
  return { dataDir, id }
}

const isUpload = ({ path }: Arrived): boolean => path.includes('/bucket/')
const isRegistration = ({ method, path }: Arrived): boolean => method === 'POST' && path.endsWith('/photos')
const once = (matches: (request: Arrived) => boolean): ((request: Arrived) => boolean) => {
  let isOver = false
  return (request) => !isOver && matches(request) && (isOver = true)
}

describe('a photo where products are photographed', () => {
  it('is uploaded to the address that the backend names, without the key, and registered as what it shows', async () => {
    const backend = await startScriptedBackend({ takesPhotos: true })
    const { dataDir, id } = await folderWithPhoto('both')
    const { store, session, drained } = startSync(backend.url, { dataDir })
    expect(await drained()).toBe('empty')
    expect(backend.writes()).toEqual(['POST /sessions', 'POST /bucket/1?signature=1', 'POST /sessions/S1/photos'])
    const upload = backend.requests.find(isUpload)
    expect(upload?.headers).not.toHaveProperty('x-api-key')
    // The file is the last of the form: what comes behind it is not read by S3.
    expect(upload?.body).toMatch(/name="key"[^]+name="policy"[^]+name="file"; filename="[^"]+\.jpg"/)
    expect([...backend.photos.values()]).toMatchObject([
      { s3_key: 'uploads/S1/1', photo_type: 'nutrition', capture_short_id: null, file_size: jpeg.length },
    ])
    expect(store.captures.get(id)).toMatchObject({ sync: 'sent', state: 'COMPLETED', remoteId: 'P1' })
    expect(store.captures.photoPlace(id)).toBe('S1/photos/P1')
    // Kept there, and no product was found by it.
    expect(store.sessions.get(session.id)?.totals).toMatchObject({ scans: 1, found: 0, waiting: 0 })
    const found = { sessionId: session.id, filter: 'found', search: '', offset: 0, limit: 9 } as const
    expect(store.captures.list(found).total).toBe(0)
  })

  it('goes behind the capture of the code that is read off it, and the session ends after both', async () => {
    const backend = await startScriptedBackend({ takesPhotos: true })
    const { dataDir, id } = await folderWithPhoto('both', '4006381333931')
    const { store, session, drained } = startSync(backend.url, { dataDir })
    store.sessions.end(session.id)
    expect(await drained()).toBe('empty')
    expect(backend.writes()).toEqual([
      'POST /sessions',
      'POST /captures',
      'POST /bucket/1?signature=1',
      'POST /sessions/S1/photos',
      'PATCH /sessions/S1',
      'POST /sessions/S1/submit',
    ])
    expect([...backend.captures.values()]).toMatchObject([{ capture_type: 'BARCODE', raw: '4006381333931' }])
    expect([...backend.photos.values()]).toMatchObject([{ capture_short_id: 'C1', photo_type: 'nutrition' }])
    expect(store.captures.get(id)).toMatchObject({ sync: 'sent', remoteId: 'C1' })
  })

  it('goes in one request with its capture where the backend offers no such address, and for a code nobody could read', async () => {
    for (const [takesPhotos, mode] of [
      [false, 'both'],
      [true, 'barcode_scan'],
    ] as const) {
      const backend = await startScriptedBackend({ takesPhotos })
      const { dataDir } = await folderWithPhoto(mode)
      const { sync } = startSync(backend.url, { dataDir })
      await until(() => backend.writes().includes('POST /captures/upload-image'))
      await sync.close()
      expect(backend.photos.size).toBe(0)
    }
  })

  it('tells how far it is while its bytes go', async () => {
    let answer: (said: Said) => void = () => undefined
    const bucket = await startServer(() => new Promise((resolve) => (answer = resolve)))
    const backend = await startScriptedBackend({ takesPhotos: true, uploadTo: () => `${bucket.url}/here?X-Amz=1` })
    const { dataDir, id } = await folderWithPhoto('both')
    const { sync, drained } = startSync(backend.url, { dataDir })
    await until(() => bucket.requests.length > 0)
    expect(sync.progress.uploads).toEqual([{ captureId: id, sentBytes: jpeg.length, totalBytes: jpeg.length }])
    answer({ status: 204 })
    expect(await drained()).toBe('empty')
    expect(sync.progress.uploads).toEqual([])
  })

  it.each([
    ['is cut off', () => 'cut' as const],
    ['finds an address that has expired', () => problem(403, 'AccessDenied', 'Request has expired')],
    ['finds a bucket that is down', () => problem(503, 'SlowDown', 'Reduce your request rate')],
  ])('is uploaded again, to a new address, when its upload %s; the backend counts as online', async (_, said) => {
    const isFirst = once(isUpload)
    const backend = await startScriptedBackend({
      takesPhotos: true,
      fault: (request) => (isFirst(request) ? said() : undefined),
    })
    const { dataDir } = await folderWithPhoto('both')
    const { sync, drained } = startSync(backend.url, { dataDir })
    expect(await drained()).toBe('empty')
    expect(sync.backend.state).toBe('online')
    expect([...backend.photos.values()]).toMatchObject([{ s3_key: 'uploads/S1/2' }])
  })

  it.each([
    ['knows keys', false],
    ['ignores keys', true],
  ])(
    'is registered once when the answer to that is lost, by a backend that %s; its bytes go once',
    async (_, ignoresKeys) => {
      for (const raw of ['', '4006381333931']) {
        const backend = await startScriptedBackend({ takesPhotos: true, ignoresKeys, lose: once(isRegistration) })
        const { dataDir, id } = await folderWithPhoto('both', raw)
        const { store, drained } = startSync(backend.url, { dataDir })
        expect(await drained()).toBe('empty')
        expect(backend.photos.size).toBe(1)
        expect(backend.requests.filter(isUpload)).toHaveLength(1)
        expect(backend.requests.filter(isRegistration)).toHaveLength(ignoresKeys ? 1 : 2)
        expect(store.captures.photoPlace(id)).toBe('S1/photos/P1')
      }
    },
  )

  it('is registered again, its bytes not sent again, when the registration never arrived', async () => {
    const isFirst = once(isRegistration)
    const backend = await startScriptedBackend({
      takesPhotos: true,
      ignoresKeys: true,
      fault: (request) => (isFirst(request) ? 'cut' : undefined),
    })
    const { dataDir } = await folderWithPhoto('both')
    const { drained } = startSync(backend.url, { dataDir })
    expect(await drained()).toBe('empty')
    expect(backend.photos.size).toBe(1)
    expect(backend.requests.filter(isUpload)).toHaveLength(1)
    expect(backend.requests.filter(isRegistration)).toHaveLength(2)
  })

  it('is registered once by a station that died between the registration and its answer', async () => {
    const backend = await startScriptedBackend({ takesPhotos: true, ignoresKeys: true })
    const { dataDir, id } = await folderWithPhoto('both')
    // What such a station leaves: leased, and with the key of the bytes that had arrived.
    const store = openTestStore({ dataDir })
    const [create] = store.outbox.lease(1)
    backend.sessions.set('S1', { id: 'S1', status: 'ACTIVE', key: '' })
    store.transaction(() => {
      store.sessions.linkRemote(store.sessions.current()?.id ?? '', 'S1')
      store.outbox.done(create?.id ?? 0)
    })
    const [item] = store.outbox.lease(1)
    store.outbox.note(item?.id ?? 0, { road: 'photo', uploaded: 'uploads/S1/1' })
    store.close()
    backend.photos.set('P9', {
      id: 'P9',
      session: 'S1',
      s3_key: 'uploads/S1/1',
      photo_type: 'nutrition',
      capture_short_id: null,
      file_size: jpeg.length,
      metadata: {},
    })

    const { store: after, drained } = startSync(backend.url, { dataDir })
    expect(await drained()).toBe('empty')
    expect(backend.writes()).toEqual([])
    expect(after.captures.get(id)).toMatchObject({ sync: 'sent', remoteId: 'P9' })
  })

  it("is parked with the backend's words when the bucket refuses it, and another goes on", async () => {
    const backend = await startScriptedBackend({
      takesPhotos: true,
      fault: (request) =>
        isUpload(request) ? problem(413, 'EntityTooLarge', 'Your proposed upload exceeds') : undefined,
    })
    const { dataDir, id } = await folderWithPhoto('both')
    const { store, scan, drained } = startSync(backend.url, { dataDir })
    scan('R1')
    expect(await drained()).toBe('empty')
    expect(store.captures.get(id)).toMatchObject({
      sync: 'parked',
      syncError: { message: "the photo's upload: Your proposed upload exceeds" },
    })
    expect(backend.captures.size).toBe(1)
  })

  it('that is refused behind its capture is shown with it, can be sent again, and keeps nothing else back', async () => {
    let isForbidden = true
    const backend = await startScriptedBackend({
      takesPhotos: true,
      fault: (request) =>
        isForbidden && isRegistration(request) ? problem(403, 'forbidden', 'This key takes no photos.') : undefined,
    })
    const { dataDir, id } = await folderWithPhoto('both', '4006381333931')
    const { store, sync, session, drained } = startSync(backend.url, { dataDir })
    expect(await drained()).toBe('empty')
    expect(sync.backend.state).toBe('online')
    expect(store.captures.get(id)).toMatchObject({ sync: 'sent', syncError: { message: 'This key takes no photos.' } })
    const { captures } = store.captures.list({
      sessionId: session.id,
      filter: 'problem',
      search: '',
      offset: 0,
      limit: 9,
    })
    expect(captures.map((capture) => capture.id)).toEqual([id])
    isForbidden = false
    expect(store.captures.retry(id)).toBe(true)
    sync.wake()
    expect(await drained()).toBe('empty')
    expect(backend.photos.size).toBe(1)
    expect(store.captures.get(id)).toMatchObject({ sync: 'sent', syncError: null })
  })

  it('is never sent to an address in the clear, nor with a password', async () => {
    for (const address of ['http://203.0.113.9/bucket', 'https://user:word@127.0.0.1/bucket', 'file:///etc/passwd']) {
      const backend = await startScriptedBackend({ takesPhotos: true, uploadTo: () => address })
      const { dataDir, id } = await folderWithPhoto('both')
      const { store, drained } = startSync(backend.url, { dataDir })
      expect(await drained()).toBe('empty')
      expect(store.captures.get(id)).toMatchObject({ sync: 'parked', syncError: { code: 'unsafe_upload' } })
    }
  })

  it('goes into the continuation when the backend has ended the session before it came', async () => {
    let isEnded = false
    const backend = await startScriptedBackend({
      takesPhotos: true,
      fault: (request) => {
        const session = backend.sessions.get('S1')
        if (!isEnded && isRegistration(request) && session) {
          isEnded = true
          session.status = 'EXPIRED'
        }
        return undefined
      },
    })
    const { dataDir } = await folderWithPhoto('both', '4006381333931')
    const { drained } = startSync(backend.url, { dataDir })
    expect(await drained()).toBe('empty')
    expect(backend.captures.size).toBe(1)
    expect([...backend.photos.values()]).toMatchObject([{ session: 'S2', capture_short_id: null }])
  })

  it('is of the same product in the continuation: its code is submitted there once more, once for all its photos', async () => {
    const backend = await startScriptedBackend({ takesPhotos: true })
    const dataDir = temporaryFolder()
    const before = openTestStore({ dataDir })
    const session = openTestSession(before, { captureMode: 'product_photography' })
    const { hash } = await before.media.put(new Blob([jpeg]).stream(), 10_000)
    const ofCapture = addCapture(before, session.id, { raw: '4006381333931' })
    const photoOf = (store: typeof before, role: 'front' | 'back' | 'nutrition') =>
      addCapture(store, session.id, {
        type: 'IMAGE',
        raw: '',
        photo: hash,
        upload: hash,
        photoRole: role,
        ofCapture,
        itemKey: `photo:${role}`,
      })
    photoOf(before, 'front')
    before.close()
    const { store, sync, drained } = startSync(backend.url, { dataDir })
    expect(await drained()).toBe('empty')
    Object.assign(backend.sessions.get('S1') ?? {}, { status: 'EXPIRED' })
    for (const role of ['back', 'nutrition'] as const) photoOf(store, role)
    sync.wake()
    expect(await drained()).toBe('empty')
    const captures = [...backend.captures.entries()]
    expect(captures.map(([, capture]) => capture)).toMatchObject([{ session: 'S1' }, { session: 'S2' }])
    const there = captures[1]?.[0]
    const photos = [...backend.photos.values()].map((photo) => [
      photo.session,
      photo.photo_type,
      photo.capture_short_id,
    ])
    expect(photos.toSorted()).toEqual([
      ['S1', 'front', captures[0]?.[0]],
      ['S2', 'back', there],
      ['S2', 'nutrition', there],
    ])
  })

  it('is taken back at the backend when its capture is undone', async () => {
    for (const raw of ['', '4006381333931']) {
      const backend = await startScriptedBackend({ takesPhotos: true })
      const { dataDir, id } = await folderWithPhoto('both', raw)
      const { store, sync, drained } = startSync(backend.url, { dataDir })
      expect(await drained()).toBe('empty')
      store.captures.undo(id)
      sync.wake()
      expect(await drained()).toBe('empty')
      expect(backend.photos.size + backend.captures.size).toBe(0)
    }
  })

  it('does not hold up scans, however many photos there are and however slowly they go', async () => {
    const bucket = await startServer(() => 'silence')
    const backend = await startScriptedBackend({ takesPhotos: true, uploadTo: () => bucket.url })
    const dataDir = temporaryFolder()
    const store = openTestStore({ dataDir })
    const session = openTestSession(store, { captureMode: 'both' })
    const { hash } = await store.media.put(new Blob([jpeg]).stream(), 10_000)
    for (let index = 0; index < 20; index += 1) {
      addCapture(store, session.id, { type: 'IMAGE', raw: '', photo: hash, upload: hash, itemKey: `photo:${index}` })
    }
    store.close()
    const { scan, sync } = startSync(backend.url, { dataDir })
    await until(() => bucket.requests.length === 6)
    for (const raw of ['R1', 'R2', 'R3']) scan(raw)
    await until(() => backend.captures.size === 3)
    expect(bucket.requests).toHaveLength(6)
    await bucket.close()
    await sync.close()
  })
})
