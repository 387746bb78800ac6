import { availableParallelism } from 'node:os'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { PhotoOutcome } from '#contract/station/capture.ts'
import { stationPaths } from '#contract/station/http.ts'
import { writeControlCode } from '#domain/control-code.ts'
import type { StationStatus } from '#contract/station/status.ts'
import { createStation, forkImaging, type Station } from '#station/index.ts'
import type { SpawnImaging } from '#station/imaging/process.ts'
import { drawCode, type DrawnCode } from '../../barcode-image.ts'
import { drawLabel } from '../../label-image.ts'
import { createKeptLog, temporaryFolder, until } from './parts.ts'
import { startStation } from './start-station.ts'

const unknownId = '00000000-0000-7000-8000-000000000000'

const put = (station: Station, photo: Uint8Array): Promise<Response> =>
  station.handle(new Request(`http://station${stationPaths.photos}`, { method: 'PUT', body: new Uint8Array(photo) }))

describe('a station without a backend', () => {
  it('keeps everything and says that none is configured', async () => {
    const { station, call } = await startStation(null)
    await call('session.open', {})
    await call('scan.submit', { data: 'A' })
    expect(await call('station.status', {})).toMatchObject({
      backend: { state: 'unconfigured', url: null },
      queue: { waiting: 1, parked: 0 },
      storage: { recovered: null },
    })
    expect(await station.drained()).toBe('empty')
  })

  it('is known by the same id and settings after a restart', async () => {
    const dataDir = temporaryFolder()
    const first = await startStation(null, { dataDir })
    const { stationId } = await first.call('station.status', {})
    await first.call('settings.change', { stationName: 'Gate 2' })
    await first.station.close()
    const second = await startStation(null, { dataDir })
    expect(await second.call('station.status', {})).toMatchObject({ stationId, stationName: 'Gate 2' })
  })

  it('is alone in its folder, and closing twice is closing once', async () => {
    const dataDir = temporaryFolder()
    const { station } = await startStation(null, { dataDir })
    const second = await createStation({
      dataDir,
      host: 'cli',
      version: '0',
      log: createKeptLog(),
      fetch,
      backend: null,
      spawnImaging: () => {
        throw new Error('not needed')
      },
    })
    expect(second).toMatchObject({ ok: false, error: { code: 'conflict' } })
    await Promise.all([station.close(), station.close()])
  })
})

describe('what a window asks', () => {
  it.each([
    ['session.end', { id: unknownId }, 'not_found'],
    ['session.summary', { id: unknownId }, 'not_found'],
    ['capture.get', { id: unknownId }, 'not_found'],
    ['capture.list', { sessionId: unknownId }, 'not_found'],
    ['capture.undo', { id: unknownId }, 'not_found'],
    ['capture.undoLast', { sessionId: unknownId }, 'not_found'],
    ['capture.retry', { id: unknownId }, 'not_found'],
    ['scan.submit', { data: 'A' }, 'conflict'],
    ['scan.submit', { data: '' }, 'invalid_input'],
    ['scan.submit', { data: 'x'.repeat(9_000) }, 'invalid_input'],
    ['capture.setQuantity', { id: unknownId, quantity: 0 }, 'invalid_input'],
    ['__proto__', {}, 'not_found'],
  ])('%s with %o is answered with %s', async (name, input, code) => {
    const { station } = await startStation(null)
    expect(await station.call(name, input)).toMatchObject({ ok: false, error: { code } })
  })

  it('undoes and counts, and refuses both for what does not count and for a session that is over', async () => {
    const { call, ask, scan } = await startStation(null)
    const session = await call('session.open', { duplicatePolicy: 'reject' })
    expect(await ask('session.open', {})).toMatchObject({ error: { code: 'conflict' } })
    const { capture } = await scan('A')
    const { capture: rejected } = await scan('A')
    expect(await ask('capture.undo', { id: rejected.id })).toMatchObject({ error: { code: 'conflict' } })
    expect(await ask('capture.setQuantity', { id: rejected.id, quantity: 2 })).toMatchObject({
      error: { code: 'conflict' },
    })
    expect(await call('capture.setQuantity', { id: capture.id, quantity: 12 })).toMatchObject({ quantity: 12 })
    expect((await call('session.current', {}))?.totals).toMatchObject({ scans: 1, units: 12, duplicates: 1 })
    expect(await call('capture.undoLast', { sessionId: session.id })).toMatchObject({ disposition: 'undone' })
    expect(await ask('capture.undoLast', { sessionId: session.id })).toMatchObject({ error: { code: 'not_found' } })
    expect(await ask('capture.undo', { id: capture.id })).toMatchObject({ error: { code: 'conflict' } })

    const last = (await scan('B')).capture
    await call('session.end', { id: session.id })
    expect(await ask('capture.undo', { id: last.id })).toMatchObject({ error: { code: 'conflict' } })
    expect(await ask('scan.submit', { data: 'C' })).toMatchObject({ error: { code: 'conflict' } })
  })

  it('serves parts of a photo upright, and says what is wrong with a request for one', async () => {
    const { station, call } = await startStation(null)
    await call('session.open', { captureMode: 'product_photography' })
    // Orientation 6: stored on its side, 400 x 600, and seen upright, 600 x 400.
    const jpeg = await sharp(await drawLabel({ width: 400, height: 600 }).png().toBuffer())
      .jpeg()
      .withMetadata({ orientation: 6 })
      .toBuffer()
    const { photo } = (await (await put(station, jpeg)).json()) as PhotoOutcome
    const get = (path: string) => station.handle(new Request(`http://station${path}`))
    const part = await get(stationPaths.region(photo, { x: 100, y: 50, width: 500, height: 350 }, 250))
    expect([part.status, part.headers.get('content-type')]).toEqual([200, 'image/jpeg'])
    expect(await sharp(await part.arrayBuffer()).metadata()).toMatchObject({ format: 'jpeg', width: 250, height: 175 })
    expect((await get(stationPaths.media(photo))).headers.get('content-type')).toBe('image/jpeg')
    for (const [query, status] of [
      ['region=0,0,601,1', 400],
      ['region=0,0,0,1', 400],
      ['region=0,0,1', 400],
      ['region=-1,0,1,1', 400],
      ['region=0,0,1,1&width=0', 400],
      ['region=0,0,1,1&width=4097', 400],
      ['region=0,0,1,1&width=1e9', 400],
    ] as const) {
      expect([query, (await get(`/media/${photo}?${query}`)).status]).toEqual([query, status])
    }
    expect((await get(`/media/${'0'.repeat(64)}?region=0,0,1,1`)).status).toBe(404)
  })

  it('says that a photo is there already, and which, in its session alone', async () => {
    const { station, call } = await startStation(null)
    const first = await call('session.open', { captureMode: 'product_photography' })
    const picture = await drawLabel({ width: 800, height: 600 }).png().toBuffer()
    const jpeg = (quality: number) => sharp(picture).jpeg({ quality }).toBuffer()
    const take = async (bytes: Uint8Array) => (await (await put(station, bytes)).json()) as PhotoOutcome
    const one = await take(await jpeg(90))
    expect(one.quality).toMatchObject({ repeats: null, verdict: 'good', faults: [] })
    const again = await take(await jpeg(50))
    expect(again.photo).not.toBe(one.photo)
    expect(again.quality).toMatchObject({ verdict: 'check', faults: ['repeated'], repeats: { photo: one.photo } })
    await call('session.end', { id: first.id })
    await call('session.open', { captureMode: 'barcode_scan' })
    expect((await take(await jpeg(70))).quality).toMatchObject({ faults: ['no_code'], repeats: null })
  })

  it.skipIf(availableParallelism() < 2)(
    'takes one of two photos alike that are read at once as the first',
    async () => {
      // Both have been read before either answer arrives.
      const held: (() => void)[] = []
      const spawnImaging: SpawnImaging = () => {
        const started = forkImaging()()
        return {
          ...started,
          onMessage: (listener) =>
            started.onMessage((message) => {
              if (!JSON.stringify(message).includes('derivative')) return listener(message)
              held.push(() => listener(message))
              if (held.length === 2) for (const tell of held) tell()
            }),
        }
      }
      const { station, call } = await startStation(null, { spawnImaging })
      await call('session.open', { captureMode: 'product_photography' })
      const picture = await drawLabel({ width: 800, height: 600 }).png().toBuffer()
      const both = await Promise.all([90, 50].map((quality) => sharp(picture).jpeg({ quality }).toBuffer()))
      const taken = await Promise.all(
        both.map(async (bytes) => (await (await put(station, bytes)).json()) as PhotoOutcome),
      )
      expect(taken.filter(({ quality }) => quality.repeats === null)).toHaveLength(1)
    },
  )

  it('keeps a photo in the session that it was taken in, though that is ended while it is read', async () => {
    const { station, call } = await startStation(null)
    const first = await call('session.open', { captureMode: 'product_photography' })
    const jpeg = await sharp(await drawLabel({ width: 800, height: 600 }).png().toBuffer())
      .jpeg()
      .toBuffer()
    const putting = put(station, jpeg)
    await call('session.end', { id: first.id })
    await call('session.open', { captureMode: 'product_photography' })
    const { outcomes } = (await (await putting).json()) as PhotoOutcome
    expect(outcomes.map(({ capture }) => capture.sessionId)).toEqual([first.id])
    // One that comes only now is no photo of the next session.
    const late = new Request(`http://station/media/photos?session=${first.id}`, {
      method: 'PUT',
      body: Uint8Array.from(jpeg),
    })
    const refused = await station.handle(late)
    expect([refused.status, await refused.json()]).toMatchObject([409, { code: 'conflict' }])
  })

  it('says that a photo shows more than the one before, and that a worse one repeats it', async () => {
    const { station, call } = await startStation(null)
    await call('session.open', { captureMode: 'product_photography' })
    const picture = await drawLabel({ width: 1200, height: 900 }).png().toBuffer()
    const take = async (bytes: Uint8Array) => (await (await put(station, bytes)).json()) as PhotoOutcome
    const blurred = await take(await sharp(picture).blur(9).jpeg().toBuffer())
    expect(blurred.quality).toMatchObject({ verdict: 'retake', repeats: null, improves: null })
    const sharper = await take(await sharp(picture).jpeg().toBuffer())
    expect(sharper.quality).toMatchObject({ verdict: 'good', faults: [], repeats: null })
    expect(sharper.quality.improves).toMatchObject({ photo: blurred.photo })
    const again = await take(await sharp(picture).blur(9).jpeg({ quality: 70 }).toBuffer())
    expect(again.quality.faults).toContain('repeated')
    expect(again.quality.improves).toBeNull()
  })

  it('looks in photos for what its session wants, and takes whatever a scanner sends', async () => {
    const { station, call, scan } = await startStation(null)
    const session = await call('session.open', { formats: 'retail' })
    expect(session).toMatchObject({ formats: 'retail' })
    const take = async (code: DrawnCode) => (await (await put(station, await drawCode(code))).json()) as PhotoOutcome
    expect((await take({ format: 'EAN13', text: '4006381333931' })).codes).toEqual([
      { text: '4006381333931', symbology: 'ean13', addOn: null },
    ])
    expect((await take({ format: 'QRCode', text: 'A shelf' })).codes).toEqual([])
    expect((await scan('A shelf')).capture).toMatchObject({ raw: 'A shelf', disposition: 'counted' })
  })

  it('keeps the digits beside the code of a book, of a photo as of its codes', async () => {
    const { station, call } = await startStation(null)
    const book = await sharp(Buffer.from(await drawCode({ format: 'EAN13', text: '9780201752847+55999' }, 4)))
      .extend({ top: 60, bottom: 60, left: 60, right: 60, background: '#ffffff' })
      .jpeg()
      .toBuffer()
    for (const captureMode of ['barcode_scan', 'product_photography'] as const) {
      const session = await call('session.open', { captureMode })
      const { codes, outcomes } = (await (await put(station, book)).json()) as PhotoOutcome
      expect(codes).toMatchObject([{ text: '9780201752847', addOn: '55999' }])
      expect(outcomes).toMatchObject([
        { capture: { raw: '9780201752847', gtin: '09780201752847', addOn: '55999', marks: [] } },
      ])
      await call('session.end', { id: session.id })
    }
  })

  it('does nothing that a control barcode in a photo asks, and makes no item of it', async () => {
    const { station, call } = await startStation(null)
    const session = await call('session.open', { captureMode: 'barcode_scan' })
    const png = await drawCode({ format: 'Code128', text: writeControlCode({ kind: 'end' }) })
    const response = await put(station, png)
    expect(await response.json()).toMatchObject({ outcomes: [{ capture: { type: 'IMAGE', raw: '' } }] })
    expect((await call('session.current', {}))?.id).toBe(session.id)
  })

  it('makes no product of a GTIN with a wrong check digit, and says so', async () => {
    const { call, ask, scan } = await startStation(null)
    await call('session.open', {})
    const { capture } = await scan('4006381333932')
    expect(await ask('product.create', { captureId: capture.id, gtin: '4006381333932', name: 'Pen' })).toMatchObject({
      error: { code: 'invalid_input' },
    })
  })

  it('ends a session after the scans that were on their way', async () => {
    const { call, ask } = await startStation(null)
    const session = await call('session.open', {})
    const scans = Array.from({ length: 100 }, (_, n) => ask('scan.submit', { data: `CODE-${n}` }))
    const summary = await call('session.end', { id: session.id })
    expect((await Promise.all(scans)).every((scan) => scan.ok)).toBe(true)
    expect(summary.session.totals.scans).toBe(100)
  })
})

describe('what windows are told', () => {
  it('comes after the commit: the scan, its session and the status', async () => {
    const { station, call } = await startStation(null)
    await call('session.open', {})
    const taken: string[] = []
    const sessions: number[] = []
    let status: StationStatus | null = null
    const stop = station.subscribe('scan.taken', (payload) => {
      taken.push((payload as { capture: { raw: string } }).capture.raw)
    })
    station.subscribe('session.changed', (payload) => {
      sessions.push((payload as { totals: { scans: number } }).totals.scans)
    })
    station.subscribe('status.changed', (payload) => (status = payload as StationStatus))
    await call('scan.submit', { data: 'A' })
    expect(taken).toEqual(['A'])
    await until(() => sessions.includes(1) && status?.queue.waiting === 1)
    stop()
    await call('scan.submit', { data: 'B' })
    expect(taken).toEqual(['A'])
  })
})

describe('a device that is read without a window', () => {
  it('is told that its scan is not saved when no session is open and none is to be opened, and so are the windows', async () => {
    const { station, call } = await startStation(null)
    const { scanners } = await call('settings.get', {})
    await call('settings.change', { scanners: { ...scanners, startsSession: false } })
    const refused: unknown[] = []
    station.subscribe('scan.refused', (payload) => refused.push(payload))
    const answers: boolean[] = []
    let read: (data: string) => Promise<void> = () => Promise.resolve()
    station.drive({
      start(emit, report) {
        report({ id: 'gun', kind: 'scanner', name: 'Gun', state: 'ready', advice: '' })
        read = async (data) => {
          answers.push((await emit({ data, source: 'device', deviceName: 'Gun' })).ok)
        }
      },
      close: () => Promise.resolve(),
    })
    await read('A')
    expect(refused).toMatchObject([{ scan: { data: 'A', deviceName: 'Gun' }, error: { code: 'conflict' } }])
    const session = await call('session.open', {})
    await read('B')
    expect(answers).toEqual([false, true])
    expect(refused).toHaveLength(1)
    expect((await call('capture.list', { sessionId: session.id })).captures.map(({ raw }) => raw)).toEqual(['B'])
    expect((await call('station.status', {})).devices).toMatchObject([{ name: 'Gun', scans: 1 }])
  })
})

describe('what is asked by HTTP', () => {
  it('is an export as a download, and clear refusals for everything else', async () => {
    const { station, call } = await startStation(null)
    const session = await call('session.open', {})
    await call('scan.submit', { data: '00012' })
    const get = (path: string, init?: RequestInit) => station.handle(new Request(`http://station${path}`, init))

    const csv = await get(`/exports/${session.id}.csv`)
    expect(csv.headers.get('content-disposition')).toMatch(/^attachment; filename="capstan-[\w-]+T[\w-]+\.csv"$/)
    expect(await csv.text()).toContain(',00012,')
    for (const [path, status, init] of [
      [`/exports/${session.id}.exe`, 404],
      [`/exports/${unknownId}.csv`, 404],
      [`/media/${'0'.repeat(64)}`, 404],
      ['/media/../station.sqlite', 404],
      ['/', 404],
      [`/exports/${session.id}.csv`, 405, { method: 'POST' }],
      ['/media/photos', 405, { method: 'GET' }],
      ['/media/photos', 400, { method: 'PUT' }],
      ['/media/photos', 422, { method: 'PUT', body: 'no image' }],
    ] as const) {
      const response = await get(path, init)
      expect([path, response.status]).toEqual([path, status])
      expect(await response.json()).toHaveProperty('code')
    }
  })
})
