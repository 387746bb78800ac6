import { randomUUID } from 'node:crypto'
import sharp from 'sharp'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ExtractedField, Vision } from '#backend/index.ts'
import type { PhotoOutcome } from '#contract/station/capture.ts'
import { fail, ok } from '#contract/result.ts'
import type { Desk } from '#contract/station/item.ts'
import { checkLedgerOf } from '#station/index.ts'
import { systemClock } from '#station/system-clock.ts'
import { drawCode } from '../../barcode-image.ts'
import { drawLabel } from '../../label-image.ts'
import { temporaryFolder, valueOf } from './parts.ts'
import { startBackend, startStation, type StartedStation } from './start-station.ts'

const pen = '4006381333931'
const other = '5901234123457'
const stranger = '9783161484100'

/** A small photo of a label, with a code on it if that is wanted: small ones are read soon. */
async function photo(seed: number, code: { text: string; degrees?: number } | null = null): Promise<Buffer> {
  const label = await drawLabel({ seed, width: 480, height: 360, letterPixels: 7 }).png().toBuffer()
  if (code === null) return sharp(label).jpeg().toBuffer()
  const drawn = await sharp(await drawCode({ format: 'EAN13', text: code.text }, 2))
    .rotate(code.degrees ?? 0)
    // Paper is not whiter than the label's.
    .linear(0.84)
    .toBuffer()
  return sharp(label)
    .composite([{ input: drawn, left: 100, top: 100 }])
    .jpeg()
    .toBuffer()
}

async function put(started: StartedStation, bytes: Buffer, query = ''): Promise<PhotoOutcome> {
  const request = new Request(`http://station/media/photos?device=Rig${query}`, {
    method: 'PUT',
    body: Uint8Array.from(bytes),
  })
  const response = await started.station.handle(request)
  expect(response.status, await response.clone().text()).toBe(201)
  return (await response.json()) as PhotoOutcome
}

/** A station whose desk somebody looks at. */
async function startDesk(...options: Parameters<typeof startStation>): Promise<StartedStation> {
  const started = await startStation(...options)
  await started.call('item.attend', { window: randomUUID(), on: true })
  return started
}

const itemOf = ({ item }: Desk) => {
  if (item === null) throw new Error('no item is open')
  return item
}
const stateOf = (desk: Desk, view: string) => itemOf(desk).views.find((each) => each.view === view)?.state

describe('the shooting desk', () => {
  it('opens an item by its code, and leaves scans to the others while nobody looks at it', async () => {
    const started = await startStation(null)
    expect(await started.ask('scan.submit', { data: pen })).toMatchObject({ ok: false, error: { code: 'conflict' } })
    const window = randomUUID()
    expect(await started.call('item.attend', { window, on: true })).toMatchObject({ item: null, isTaken: false })
    expect(await started.scan(pen)).toMatchObject({ outcome: 'saved', capture: { gtin: `0${pen}` } })
    const item = itemOf(await started.call('item.desk', {}))
    expect(item).toMatchObject({ gtin: `0${pen}`, state: 'open', next: 'front', product: { state: 'unknown_here' } })
    // The same code is the same item; another is the next one, and the first can be come back to.
    expect(await started.call('scan.submit', { data: pen })).toEqual({ outcome: 'checked', isSound: true })
    await started.scan(other)
    expect(itemOf(await started.call('item.desk', {})).gtin).toBe(`0${other}`)
    await started.scan(pen)
    expect(itemOf(await started.call('item.desk', {})).id).toBe(item.id)
    await started.call('item.leave', {})
    await started.call('item.attend', { window, on: false })
    expect(await started.ask('scan.submit', { data: pen })).toMatchObject({ ok: false })
    expect((await started.call('item.list', {})).map(({ gtin, state }) => [gtin, state])).toEqual([
      [`0${other}`, 'left'],
      [`0${pen}`, 'left'],
    ])
  })

  it('opens one item for each of the codes that come in one burst, in their order', async () => {
    const started = await startDesk(null)
    await Promise.all([pen, other, stranger].map((data) => started.call('scan.submit', { data })))
    expect((await started.call('item.list', {})).map(({ gtin }) => gtin)).toEqual(
      [stranger, other, pen].map((gtin) => `0${gtin}`),
    )
    expect(itemOf(await started.call('item.desk', {})).gtin).toBe(`0${stranger}`)
  })

  it('does not take the session of somebody who counts', async () => {
    const started = await startDesk(null)
    await started.call('session.open', {})
    await started.scan(pen)
    expect(await started.call('item.desk', {})).toMatchObject({ item: null, isTaken: true })
    expect(await started.call('item.list', {})).toEqual([])
  })

  it('gives each photo the view of its camera, or the one that is wanted next', async () => {
    const started = await startDesk(null)
    await started.scan(pen)
    await started.call('item.setList', {
      itemId: itemOf(await started.call('item.desk', {})).id,
      listId: 'all-sides',
    })
    await put(started, await photo(1), '&role=back')
    await Promise.all([put(started, await photo(2)), put(started, await photo(3))])
    const desk = await started.call('item.desk', {})
    expect(
      itemOf(desk)
        .photos.map(({ view }) => view)
        .toSorted(),
    ).toEqual(['back', 'front', 'left'])
    expect(itemOf(desk).next).toBe('right')
  })

  it('tells the verdict on the picture before the photo is read and captured, and tells it no more afterwards', async () => {
    const started = await startDesk(null)
    await started.scan(pen)
    const told: Desk[] = []
    started.station.subscribe('item.changed', (desk) => told.push(desk as Desk))
    const blurred = await sharp(await photo(1, { text: stranger }))
      .blur(4)
      .jpeg()
      .toBuffer()
    const { photo: hash, quality } = await put(started, blurred, '&role=back')
    const seen = told.map((desk) => itemOf(desk)).find(({ coming }) => coming.length > 0)
    expect(seen).toMatchObject({ photos: [], coming: [{ photo: hash, view: 'back', quality: { verdict: 'retake' } }] })
    expect(quality.faults).toEqual(expect.arrayContaining(seen?.coming[0]?.quality.faults ?? ['none']))
    const after = itemOf(await started.call('item.desk', {}))
    expect([after.coming, after.photos.map(({ photo: one }) => one)]).toEqual([[], [hash]])

    // So are a panel that cannot be read and a photo that was taken already, to the byte or not; a code is not missed yet.
    const early = async (bytes: Buffer, role: string) => {
      told.length = 0
      await put(started, bytes, `&role=${role}`)
      return told.map((desk) => itemOf(desk)).find(({ coming }) => coming.length > 0)?.coming[0]?.quality.faults
    }
    expect(await early(blurred, 'left')).toContain('repeated')
    expect(await early(await sharp(blurred).jpeg({ quality: 60 }).toBuffer(), 'right')).toContain('repeated')
    expect(await early(await photo(5), 'nutrition')).toContain('not_legible')
    expect(await early(await photo(6), 'barcode')).not.toContain('no_code')
  })

  it('says at once what is wrong with a photo: of another product, upside down, without a code, twice', async () => {
    const started = await startDesk(null)
    await started.scan(pen)
    const faults = async (bytes: Buffer, role: string) => (await put(started, bytes, `&role=${role}`)).quality.faults
    expect(await faults(await photo(1, { text: pen }), 'front')).not.toContain('other_product')
    expect(await faults(await photo(2, { text: stranger }), 'back')).toContain('other_product')
    expect(await faults(await photo(3, { text: pen, degrees: 180 }), 'left')).toContain('upside_down')
    expect(await faults(await photo(4), 'barcode')).toContain('no_code')
    expect(await faults(await photo(1, { text: pen }), 'right')).toContain('repeated')
    expect(await faults(await photo(5), 'nutrition')).toContain('not_legible')
    const desk = await started.call('item.desk', {})
    expect(stateOf(desk, 'back')).toBe('retake')
    expect(stateOf(desk, 'nutrition')).toBe('retake')
    // Of another kind of product less is asked.
    const easier = await started.call('item.setList', { itemId: itemOf(desk).id, listId: 'all-sides' })
    expect(itemOf(easier).photos.find(({ view }) => view === 'nutrition')?.quality?.faults).not.toContain('not_legible')
  })

  it('takes a photo again, deletes one and brings it back, in another order and as another view, and loses no row', async () => {
    const dataDir = temporaryFolder()
    const started = await startDesk(null, { dataDir })
    await started.scan(pen)
    await put(started, await photo(1), '&role=front')
    await put(started, await photo(2), '&role=back')
    const views = ({ item }: Desk) =>
      (item?.photos ?? []).map(({ view, disposition }) => (disposition === 'counted' ? view : `-${view}`))
    const first = itemOf(await started.call('item.desk', {})).photos[0]!
    await put(started, await photo(3), `&replaces=${first.captureId}`)
    let desk = await started.call('item.desk', {})
    expect(views(desk)).toEqual(['front', 'back', '-front'])
    const [front, back] = itemOf(desk).photos
    desk = await started.call('item.remove', { captureId: front!.captureId })
    expect(views(desk)).toEqual(['back', '-front', '-front'])
    desk = await started.call('item.restore', { captureId: front!.captureId })
    expect(views(desk).slice(0, 2).toSorted()).toEqual(['back', 'front'])
    desk = await started.call('item.move', { captureId: back!.captureId, place: 0 })
    expect(views(desk).slice(0, 2)).toEqual(['back', 'front'])
    desk = await started.call('item.classify', { captureId: back!.captureId, view: 'left' })
    expect(views(desk)).toEqual(['left', 'front', '-front', '-front'])
    const session = (await started.call('session.current', {}))!
    const { total } = await started.call('capture.list', { sessionId: session.id })
    expect(total).toBe(5)
    await started.call('item.submit', {})
    expect(await started.ask('item.remove', { captureId: back!.captureId })).toMatchObject({
      error: { code: 'conflict' },
    })
    await started.station.close()
    expect(valueOf(checkLedgerOf(dataDir)).problem).toBeNull()
  })

  it('keeps a photo with the item that it was taken of, whatever is opened or submitted while its codes are read', async () => {
    const started = await startDesk(null)
    /** Begins to save a photo; what it answers with has not been read yet, and says when it is. */
    const shoot = async (seed: number) => {
      const seen = Promise.withResolvers<void>()
      started.station.subscribe('item.changed', (desk) => (desk as Desk).item?.coming.length && seen.resolve())
      const saving = put(started, await photo(seed))
      await Promise.race([seen.promise, saving])
      return { saving }
    }
    await started.scan(pen)
    const { id } = itemOf(await started.call('item.desk', {}))
    const first = await shoot(1)
    await started.scan(other)
    const second = await shoot(2)
    await started.call('item.submit', {})
    await Promise.all([first.saving, second.saving])
    const entries = await started.call('item.list', {})
    expect(entries.map(({ gtin, photos, state }) => [gtin, photos, state])).toEqual([
      [`0${pen}`, 1, 'left'],
      [`0${other}`, 1, 'submitted'],
    ])
    // One that comes when its item is not open any more is refused, and is no photo of the next one.
    await started.scan(stranger)
    const body = Uint8Array.from(await photo(3))
    const late = new Request(`http://station/media/photos?item=${id}`, { method: 'PUT', body })
    expect((await started.station.handle(late)).status).toBe(409)
    expect(itemOf(await started.call('item.desk', {}))).toMatchObject({ photos: [], coming: [] })
  })

  it('submits no item without a photo, and tells the pace of those that were submitted', async () => {
    const started = await startDesk(null)
    await started.scan(pen)
    expect(await started.ask('item.submit', {})).toMatchObject({ ok: false, error: { code: 'conflict' } })
    for (const code of [pen, other]) {
      await started.call('scan.submit', { data: code })
      await put(started, await photo(code === pen ? 1 : 2), '&role=front')
      await started.call('item.submit', {})
    }
    const { figures, item } = await started.call('item.desk', {})
    expect(item).toBeNull()
    expect(figures).toMatchObject({ items: 2, photos: 2, left: 0, msPerItem: expect.any(Number) as number })
  })

  it('finds the product at the backend, and says of one that is not there that it is new', async () => {
    const backend = await startBackend()
    const started = await startDesk(backend)
    const product = async () => itemOf(await started.call('item.desk', {})).product
    await started.scan(pen)
    await expect.poll(product, { timeout: 10_000 }).toMatchObject({ state: 'known', product: { name: 'Marker Boss' } })
    await started.scan(stranger)
    await expect.poll(product, { timeout: 10_000 }).toMatchObject({ state: 'new', product: null })
  })

  it('sends the photos of an item with the capture of its code, as what they were said to show, and has them read', async () => {
    const backend = await startBackend()
    const started = await startDesk(backend)
    await started.scan(stranger)
    await put(started, await photo(1), '&role=front')
    await put(started, await photo(2), '&role=nutrition')
    const desk = await started.call('item.desk', {})
    const last = itemOf(desk).photos.at(-1)!
    await started.call('item.classify', { captureId: last.captureId, view: 'ingredients' })
    await started.call('item.submit', {})
    expect(await started.station.drained()).toBe('empty')
    const get = async (path: string) => {
      const response = await fetch(`${backend.url}/scanner/api/v1${path}`, { headers: { 'x-api-key': backend.apiKey } })
      return (await response.json()) as never
    }
    const session = (await started.call('session.list', {}))[0]!
    const kept = (await get(`/sessions/${session.remoteId}`)) as {
      readonly extraction_status: string
      readonly captures: readonly { readonly short_id: string }[]
      readonly product_photos: readonly { readonly photo_type: string; readonly capture_short_id: string | null }[]
    }
    expect(kept.captures).toHaveLength(1)
    expect(kept.product_photos.map(({ photo_type }) => photo_type)).toEqual(['front', 'ingredients'])
    expect(kept.extraction_status).not.toBe('pending')
  })
})

describe('the review of a product whose photos are read one after another', () => {
  it('says so until the last of them is read, and then which could not be, and why', async () => {
    const turn = Promise.withResolvers<undefined>()
    let photos = 0
    const vision: Vision = {
      async extract() {
        photos += 1
        const field = photos === 1 ? ('brand' as const) : ('net_content' as const)
        if (photos > 1) await turn.promise
        if (photos === 3) return fail('unreadable_image', 'the image ends too early')
        const read = { field, value: '12 g', data: null, confidence: 0.9, reasoning: '', source: 'test' }
        const fields: readonly ExtractedField[] = [{ ...read, box: [1, 2, 3, 4] }]
        return ok({ fields, text: '', ms: 1, engine: 'test', fallback: null })
      },
      close: () => turn.resolve(undefined),
    }
    const backend = await startBackend({ vision })
    onTestFinished(() => turn.resolve(undefined))
    // The backend is asked every few seconds, which need not pass here.
    let skippedMs = 0
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skippedMs }
    const started = await startDesk(backend, { clock })
    const { call } = started
    await started.scan(pen)
    await put(started, await photo(1), '&role=front')
    await put(started, await photo(2), '&role=back')
    const { photo: last } = await put(started, await photo(3), '&role=ingredients')
    await call('item.submit', {})
    const ask = async () => {
      skippedMs += 10_000
      return (await call('review.queue', { reviewer: 'test' })).entries[0]?.captureId
    }
    await expect.poll(ask, { timeout: 20_000, interval: 100 }).toBeTypeOf('string')
    const figure = async () => {
      skippedMs += 10_000
      return (await call('review.queue', { reviewer: 'test' })).figures.reading
    }
    await expect.poll(figure, { timeout: 20_000, interval: 100 }).toBe(1)
    const captureId = (await ask()) ?? ''
    const reading = async () => {
      skippedMs += 10_000
      const { isReading, unread } = await call('review.product', { captureId, reviewer: 'test' })
      return { isReading, unread }
    }
    await expect.poll(reading, { timeout: 20_000, interval: 100 }).toEqual({ isReading: true, unread: [] })
    turn.resolve(undefined)
    const unread = [{ photo: last, reason: 'the image ends too early' }]
    await expect.poll(reading, { timeout: 20_000, interval: 100 }).toEqual({ isReading: false, unread })
    expect(await figure()).toBe(0)
  }, 60_000)
})
