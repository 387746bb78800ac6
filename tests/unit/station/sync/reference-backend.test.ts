import { readdirSync, readFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { PhotoOutcome } from '#contract/station/capture.ts'
import { writeControlCode } from '#domain/control-code.ts'
import { imageTypeOf } from '#domain/image-type.ts'
import { newDataKey } from '#sealing/index.ts'
import { drawCode } from '../../../barcode-image.ts'
import { temporaryFolder, until } from '../parts.ts'
import { startBackend, startStation } from '../start-station.ts'
import { startSync } from './start-sync.ts'

const known = '4006381333931'
const unknown = '5012345678900'

/** Everything the backend has, as it lists it. */
async function listCaptures(backend: { url: string; apiKey: string }) {
  const response = await fetch(`${backend.url}/scanner/api/v1/captures?page_size=100`, {
    headers: { 'x-api-key': backend.apiKey },
  })
  const page = (await response.json()) as {
    data: { id: string; status: string; raw_value: string; capture_type: string; metadata: Record<string, string> }[]
  }
  return page.data
}

/** The product photos of a session, as the backend lists them. */
async function listPhotos(backend: { url: string; apiKey: string }, sessionId: string) {
  const response = await fetch(`${backend.url}/scanner/api/v1/sessions/${sessionId}/photos`, {
    headers: { 'x-api-key': backend.apiKey },
  })
  return (await response.json()) as { photo_type: string; capture_short_id: string | null; metadata: object }[]
}

/** The files of a folder that are images by their first bytes, whatever they are called. */
const imagesIn = (folder: string): Buffer[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => readFileSync(join(one.parentPath, one.name)))
    .filter((bytes) => imageTypeOf(bytes) !== undefined)

describe('a station and the reference backend', () => {
  it('find what the catalogue has and do not find what it has not', async () => {
    const backend = await startBackend()
    const { station, call, log, scan } = await startStation(backend)
    const session = await call('session.open', { label: 'aisle 4' })
    const pen = (await scan(`]E0${known}`)).capture
    const other = (await scan(unknown)).capture
    expect(await station.drained()).toBe('empty')

    expect(await call('capture.get', { id: pen.id })).toMatchObject({
      state: 'COMPLETED',
      sync: 'sent',
      product: { gtin: `0${known}`, name: 'Marker Boss', brand: 'Stabilo', netContent: '1 pc' },
    })
    expect(await call('capture.get', { id: other.id })).toMatchObject({ state: 'NOT_FOUND', product: null })
    const { session: ended } = await call('session.end', { id: session.id })
    expect(ended.totals).toMatchObject({ scans: 2, found: 1, notFound: 1, waiting: 0 })
    expect(await station.drained()).toBe('empty')
    expect(log.text()).not.toContain(backend.apiKey)
    expect(log.text()).not.toContain(known)
  })

  it('have a lookup at once, as the backend tells of it: no time has to pass', async () => {
    const backend = await startBackend()
    const { store, scan } = startSync(backend.url, { apiKey: () => backend.apiKey })
    const ids = [scan(known), scan(unknown)]
    // The station's clock stands still, so that it never comes to ask by itself.
    await until(() => ids.every((id) => ['COMPLETED', 'NOT_FOUND'].includes(store.captures.get(id)?.state ?? '')))
    expect(ids.map((id) => store.captures.get(id)?.state)).toEqual(['COMPLETED', 'NOT_FOUND'])
  })

  it('keep where things are: the location is in the metadata of the capture', async () => {
    const backend = await startBackend()
    const { station, call, scan } = await startStation(backend)
    const told: unknown[] = []
    station.subscribe('control.taken', (outcome) => void told.push(outcome))
    await call('session.open', {})
    await scan('A')
    await call('scan.submit', { data: writeControlCode({ kind: 'location', location: 'A-01' }) })
    expect(told).toMatchObject([{ outcome: 'control', command: { kind: 'location', location: 'A-01' } }])
    await scan('B')
    expect(await station.drained()).toBe('empty')
    const kept = await listCaptures(backend)
    const metadataOf = (raw: string) => kept.find((each) => each.raw_value === raw)?.metadata
    expect(metadataOf('B')).toMatchObject({ location: 'A-01' })
    expect(metadataOf('A')).not.toHaveProperty('location')
  })

  it('find a code after a person has made a product of it, everywhere it was scanned', async () => {
    const backend = await startBackend()
    const { station, call, scan } = await startStation(backend)
    await call('session.open', {})
    const ids = await Promise.all([1, 2].map(async () => (await scan(unknown)).capture.id))
    expect(await station.drained()).toBe('empty')
    await call('product.create', {
      captureId: ids[0] ?? '',
      gtin: unknown,
      name: 'Tea',
      brand: 'Leaf',
      netContent: '80 g',
    })
    expect(await station.drained()).toBe('empty')
    for (const id of ids) {
      expect(await call('capture.get', { id })).toMatchObject({
        state: 'COMPLETED',
        product: { name: 'Tea', brand: 'Leaf', netContent: '80 g' },
      })
    }
  })

  it('look a missing code up again when asked to', async () => {
    const backend = await startBackend()
    const { station, call, scan } = await startStation(backend)
    await call('session.open', {})
    const { capture } = await scan(unknown)
    expect(await station.drained()).toBe('empty')
    // Somebody else makes the product meanwhile.
    const made = await fetch(`${backend.url}/products/api/v1/products`, {
      method: 'POST',
      headers: { 'x-api-key': backend.apiKey, 'content-type': 'application/json' },
      body: JSON.stringify({ gtin: unknown, product_name: 'Tea' }),
    })
    expect(made.status).toBe(201)
    expect(await call('capture.retry', { id: capture.id })).toMatchObject({ state: 'PENDING' })
    expect(await station.drained()).toBe('empty')
    expect(await call('capture.get', { id: capture.id })).toMatchObject({
      state: 'COMPLETED',
      product: { name: 'Tea' },
    })
  })

  it.each([
    ['as it is', null],
    ['sealed', { key: newDataKey(), from: 'file' }],
  ] as const)('take a photo over, and its original stays on the station, %s', async (_how, dataKey) => {
    const [dataDir, siteDir] = [temporaryFolder(), temporaryFolder()]
    const backend = await startBackend({ dataDir: siteDir })
    const { station, call } = await startStation(backend, { dataDir, dataKey })
    await call('session.open', { captureMode: 'product_photography' })
    const take = async (jpeg: Uint8Array): Promise<PhotoOutcome> => {
      const body = new Uint8Array(jpeg)
      const path = 'http://station/media/photos?device=camera&role=nutrition'
      const response = await station.handle(new Request(path, { method: 'PUT', body }))
      expect(response.status).toBe(201)
      return (await response.json()) as PhotoOutcome
    }
    const get = async (path: string): Promise<Buffer> => {
      const answer = await station.handle(new Request(`http://station${path}`))
      // The window's own cache lies on the disk too.
      expect(answer.headers.get('cache-control')).toMatch(dataKey === null ? /immutable/ : /^no-store$/)
      return Buffer.from(await answer.arrayBuffer())
    }
    const jpeg = await sharp({ create: { width: 320, height: 240, channels: 3, background: '#c0ffee' } })
      .jpeg()
      .toBuffer()
    const { photo, outcomes } = await take(jpeg)
    expect(outcomes).toMatchObject([{ outcome: 'saved', capture: { type: 'IMAGE', photo } }])
    expect(await station.drained()).toBe('empty')
    const id = outcomes[0]?.capture.id ?? ''
    const { remoteId } = (await call('session.current', {})) ?? {}
    expect(await listPhotos(backend, remoteId ?? '')).toMatchObject([
      { photo_type: 'nutrition', capture_short_id: null, metadata: { station_capture: id } },
    ])
    expect(await listCaptures(backend)).toEqual([])
    expect(await call('capture.get', { id })).toMatchObject({ sync: 'sent', state: 'COMPLETED' })
    expect((await get(`/media/${photo}`)).equals(jpeg)).toBe(true)

    // What arrived is what imaging makes of the photo, byte for byte, however it lay in between.
    const derivative = await sharp(jpeg).jpeg({ quality: 85 }).toBuffer()
    expect(imagesIn(siteDir).map((one) => one.equals(derivative))).toEqual([true])
    expect(await sharp(await get(`/media/${photo}?size=thumbnail`)).metadata()).toMatchObject({ format: 'webp' })
    expect(await sharp(await get(`/media/${photo}?region=10,10,100,50`)).metadata()).toMatchObject({ width: 100 })
    const { codes } = await take(await drawCode({ format: 'EAN13', text: known }))
    expect(codes).toMatchObject([{ text: known }])
    // The original, what is uploaded and the small picture, of either photo.
    expect(imagesIn(dataDir)).toHaveLength(dataKey === null ? 6 : 0)
  })

  it('take a photo of a code over as its capture and its photo, once, although the first answers are lost, and both back', async () => {
    const backend = await startBackend()
    const proxy = await startForgetfulProxy(backend.url)
    const { station, call } = await startStation({ url: proxy.url, apiKey: backend.apiKey })
    const session = await call('session.open', { captureMode: 'both' })
    const jpeg = await drawCode({ format: 'EAN13', text: known })
    const response = await station.handle(
      new Request('http://station/media/photos?role=front', { method: 'PUT', body: new Uint8Array(jpeg) }),
    )
    const { outcomes } = (await response.json()) as PhotoOutcome
    expect(outcomes).toMatchObject([{ capture: { type: 'IMAGE', raw: known } }])
    const drained = async () => {
      for (let n = 0; n < 400; n += 1) {
        await call('station.syncNow', {})
        if ((await call('station.status', {})).queue.waiting === 0) break
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      expect(await station.drained()).toBe('empty')
    }
    await drained()
    const [capture, ...others] = await listCaptures(backend)
    expect(others).toEqual([])
    const { remoteId } = await call('session.current', {}).then((current) => current ?? session)
    expect(await listPhotos(backend, remoteId ?? '')).toMatchObject([
      { photo_type: 'front', capture_short_id: capture?.id, metadata: { station_capture: outcomes[0]?.capture.id } },
    ])
    await call('capture.undo', { id: outcomes[0]?.capture.id ?? '' })
    await drained()
    expect(await listCaptures(backend)).toEqual([])
    expect(await listPhotos(backend, remoteId ?? '')).toEqual([])
  })

  it('have each capture once although every answer is lost the first time', async () => {
    const backend = await startBackend()
    const proxy = await startForgetfulProxy(backend.url)
    const { station, call, scan } = await startStation({ url: proxy.url, apiKey: backend.apiKey })
    const session = await call('session.open', {})
    const scanned = await Promise.all(Array.from({ length: 30 }, async (_, n) => (await scan(`CODE-${n}`)).capture.id))
    const changed = scanned[7] ?? ''
    await until(() => proxy.lost() > 0)
    await call('capture.setQuantity', { id: changed, quantity: 5 })
    const undone = scanned[9] ?? ''
    await call('capture.undo', { id: undone })
    for (let n = 0; n < 400; n += 1) {
      await call('station.syncNow', {})
      if ((await call('station.status', {})).queue.waiting === 0) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(await station.drained()).toBe('empty')
    expect(proxy.lost()).toBeGreaterThan(10)

    const at = await listCaptures(backend)
    const wanted = scanned.filter((id) => id !== undone)
    expect(at.map((capture) => capture.metadata['station_capture']).toSorted()).toEqual(wanted.toSorted())
    expect(at.find((capture) => capture.metadata['station_capture'] === changed)?.metadata['quantity']).toBe('5')
    expect((await call('session.summary', { id: session.id })).session.totals).toMatchObject({
      scans: 29,
      waiting: 0,
      parked: 0,
      undone: 1,
    })
  })

  it('go on in a continuation when the backend lets the session expire', async () => {
    let offsetMs = 0
    const backend = await startBackend({ now: () => new Date(Date.now() + offsetMs), sessionTtlSeconds: 60 })
    const { station, call } = await startStation(backend)
    await call('session.open', {})
    await call('scan.submit', { data: 'BEFORE' })
    expect(await station.drained()).toBe('empty')
    offsetMs = 120_000
    for (const data of ['AFTER 1', 'AFTER 2', 'AFTER 3']) await call('scan.submit', { data })
    expect(await station.drained()).toBe('empty')
    expect((await listCaptures(backend)).map((capture) => capture.raw_value).toSorted()).toEqual([
      'AFTER 1',
      'AFTER 2',
      'AFTER 3',
      'BEFORE',
    ])
    expect(await call('session.current', {})).toMatchObject({
      continuations: 1,
      totals: { waiting: 0, parked: 0, scans: 4 },
    })
  })

  it("take 500 characters and park 501 with the backend's words", async () => {
    const backend = await startBackend()
    const { station, call, scan } = await startStation(backend)
    await call('session.open', {})
    const fits = (await scan('x'.repeat(500))).capture
    const tooLong = (await scan('x'.repeat(501))).capture
    expect(await station.drained()).toBe('empty')
    expect(await call('capture.get', { id: fits.id })).toMatchObject({ sync: 'sent' })
    const parked = await call('capture.get', { id: tooLong.id })
    expect(parked).toMatchObject({ sync: 'parked', raw: 'x'.repeat(501), syncError: { code: 'validation_error' } })
    expect(parked.syncError?.message).toContain('500')
  })
})

/** Passes requests on and closes the connection after the backend has answered, the first time for each POST. */
async function startForgetfulProxy(target: string): Promise<{ url: string; lost: () => number }> {
  const forgotten = new Set<string>()
  const server = createServer((incoming, outgoing) => {
    const key = String(incoming.headers['idempotency-key'] ?? '')
    const passed = httpRequest(
      target + (incoming.url ?? ''),
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        const isFirst = incoming.method === 'POST' && key !== '' && !forgotten.has(key)
        if (isFirst) {
          forgotten.add(key)
          answer.resume()
          answer.on('end', () => outgoing.destroy())
          return
        }
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(outgoing)
      },
    )
    passed.on('error', () => outgoing.destroy())
    incoming.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, lost: () => forgotten.size }
}
