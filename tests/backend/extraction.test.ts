import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { linkWork } from '#backend/outbound/link-work.ts'
import type { ExtractedField, Vision } from '#backend/vision/vision.ts'
import { qrAnalysisSchema } from '#contract/backend/links.ts'
import { proposalListSchema, unreadPhotoPageSchema } from '#contract/backend/proposals.ts'
import { fail, ok } from '#contract/result.ts'
import { drawCode } from '../barcode-image.ts'
import { databaseOf, jpeg, marker, photoForm, products, scanner, startSite, type Site } from './fixture.ts'

const field = (name: ExtractedField['field'], value: string, confidence = 0.9): ExtractedField => ({
  field: name,
  value,
  data: null,
  confidence,
  box: [1, 2, 3, 4],
  reasoning: 'read',
  source: 'test',
})

/** What stands in for the processes that read photos, at the port's boundary. */
function visionOf(
  read: (photo: Parameters<Vision['extract']>[0]) => readonly ExtractedField[] | 'unreadable',
  text = '',
): Vision {
  return {
    extract(photo) {
      const fields = read(photo)
      return Promise.resolve(
        fields === 'unreadable'
          ? fail('unreadable_image', 'The photo cannot be read.')
          : ok({ fields, text, ms: 1, engine: 'test', fallback: null }),
      )
    },
    close: () => undefined,
  }
}

const upload = async (site: Site, session: string, more: Record<string, string> = {}, content = jpeg()) =>
  (
    await site.call(
      'POST',
      `${scanner}/captures/upload-image`,
      photoForm({ session_short_id: session, ...more }, content),
    )
  ).body.id as string

async function submitted(site: Site, session: string) {
  await site.call('POST', `${scanner}/sessions/${session}/submit`)
  await expect
    .poll(async () => (await site.call('GET', `${scanner}/sessions/${session}/status`)).body.extraction_status, {
      timeout: 15_000,
    })
    .toBe('ready')
}

const proposalsOf = async (site: Site, capture: string) =>
  proposalListSchema.parse((await site.call('GET', `${scanner}/captures/${capture}/proposals`)).body)

describe('the extraction', () => {
  it('proposes what a photo says and the product does not, with its evidence, and is then reviewed', async () => {
    const asked: unknown[] = []
    const vision = visionOf((photo) => {
      asked.push([photo.type, photo.brands])
      return [
        field('product_name', 'MARKER '),
        field('product_name', 'Other', 0.2),
        field('brand', 'Stabilo', 0.876),
        field('brand', 'Stabil', 0.3),
        field('net_content', '12 g'),
        field('ingredients', ''),
      ]
    })
    const site = await startSite({ vision })
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    // Brands that the reader may know: of the same company prefix, and of the others.
    await site.call('POST', products, { gtin: '4006381333948', product_name: 'Pen', brand: 'Stabilo' })
    await site.call('POST', products, { gtin: '4004764000012', product_name: 'Ink', brand: 'Edding' })
    const session = await site.openSession()
    const capture = await upload(site, session, { gtin: marker })
    await site.settled(capture)
    await submitted(site, session)
    expect(asked).toEqual([[null, { known: ['Edding', 'Stabilo'], ofCompany: ['Stabilo'] }]])
    const found = await proposalsOf(site, capture)
    expect(found.map((one) => [one.field_name, one.proposed_value, one.confidence])).toEqual([
      ['brand_name', 'Stabilo', '0.88'],
      ['brand_name', 'Stabil', '0.30'],
      ['net_content', '12 g', '0.90'],
    ])
    expect(found[0]?.evidence).toEqual({
      photo_id: null,
      capture_id: capture,
      box: { x: 1, y: 2, width: 3, height: 4 },
    })
    const review = (how: string) => site.call('POST', `${scanner}/sessions/${session}/extraction/${how}`)
    expect((await review('accept')).body.extraction_status).toBe('accepted')
    expect((await review('reject')).status).toBe(409)
    expect((await proposalsOf(site, capture)).every(({ status }) => status === 'ACCEPTED')).toBe(true)
    expect((await site.call('POST', `${scanner}/sessions/${session}/submit`)).status).toBe(409)
  })

  it('reads registered photos as what they show, and knows the product of one without a capture if there is but one', async () => {
    const types: unknown[] = []
    const vision = visionOf(({ type }) => {
      types.push(type)
      return type === 'front' ? [field('brand', 'Stabilo')] : 'unreadable'
    })
    const site = await startSite({ vision })
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await site.openSession({ capture_mode: 'both' })
    const capture = (await site.submit(session, marker)).body.id as string
    await site.settled(capture)
    for (const photo_type of ['front', 'back']) {
      const { upload_url, s3_key } = (await site.call('GET', `${scanner}/sessions/${session}/presigned-upload-url`))
        .body
      await fetch(upload_url, { method: 'PUT', body: jpeg() })
      await site.call('POST', `${scanner}/sessions/${session}/photos`, { s3_key, photo_type })
    }
    await submitted(site, session)
    expect(types.toSorted()).toEqual(['back', 'front'])
    const [proposal] = await proposalsOf(site, capture)
    const [front] = (await site.call('GET', `${scanner}/sessions/${session}/photos`)).body
    expect(proposal).toMatchObject({ field_name: 'brand_name', evidence: { photo_id: front.id, capture_id: null } })
  })

  it('warns of a front whose words are not those of its product, and is sure of nothing on it', async () => {
    const words = 'ACME\nOAT BISCUITS\nwith honey and almonds\nbaked with care\n250 g'
    const read = async (product: object, photo_type: string) => {
      const site = await startSite({ vision: visionOf(() => [field('net_content', '250 g', 0.97)], words) })
      await site.call('POST', products, { gtin: marker, ...product })
      const session = await site.openSession({ capture_mode: 'both' })
      const capture = (await site.submit(session, marker)).body.id as string
      await site.settled(capture)
      const { upload_url, s3_key } = (await site.call('GET', `${scanner}/sessions/${session}/presigned-upload-url`))
        .body
      await fetch(upload_url, { method: 'PUT', body: jpeg() })
      await site.call('POST', `${scanner}/sessions/${session}/photos`, { s3_key, photo_type })
      await submitted(site, session)
      const [{ confidence, reasoning } = { confidence: '', reasoning: '' }] = await proposalsOf(site, capture)
      return [confidence, reasoning]
    }
    const strange = { product_name: 'Marker Boss', brand: 'Stabilo' }
    expect(await read(strange, 'front')).toEqual([
      '0.50',
      'The front says nothing of "Stabilo Marker Boss": it may be another product. Compare the photo first. read',
    ])
    // Other sides need not name their product.
    expect(await read(strange, 'ingredients')).toEqual(['0.97', 'read'])
    expect(await read({ product_name: 'Oat biscuits', brand: 'Acme' }, 'front')).toEqual(['0.97', 'read'])
  })

  it('of a capture that is enriched again proposes nothing twice, and nothing that was rejected', async () => {
    const site = await startSite({ vision: visionOf(() => [field('brand', 'Stabilo'), field('net_content', '12 g')]) })
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await site.openSession()
    const capture = await upload(site, session, { gtin: marker })
    await site.settled(capture)
    const enrich = async () => {
      const { status, body } = await site.call('POST', `${scanner}/captures/${capture}/enrich`)
      expect([status, body.status]).toEqual([202, 'ENRICHING'])
      await site.settled(capture)
    }
    await enrich()
    await expect.poll(async () => (await proposalsOf(site, capture)).length, { timeout: 15_000 }).toBe(2)
    const [first] = await proposalsOf(site, capture)
    await site.call('PATCH', `${scanner}/proposals/${first?.id}`, { status: 'REJECTED' })
    await enrich()
    await submitted(site, session)
    expect(await proposalsOf(site, capture)).toHaveLength(2)
  })

  it('without vision ends too, and says nothing', async () => {
    const site = await startSite()
    const session = await site.openSession()
    const capture = await upload(site, session)
    await submitted(site, session)
    expect(await proposalsOf(site, capture)).toEqual([])
    // Nothing is wrong with the photo, and nobody could have it read here.
    expect(await unreadOf(site)).toEqual([])
  })

  it('is no more for a photo that is being read already than for any other', async () => {
    let finish: () => void = () => undefined
    const isFree = new Promise<void>((resolve) => (finish = resolve))
    let reads = 0
    const vision: Vision = {
      async extract() {
        reads += 1
        await isFree
        return ok({ fields: [field('brand', 'Stabilo')], text: '', ms: 1, engine: 'test', fallback: null })
      },
      close: () => undefined,
    }
    const site = await startSite({ vision })
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await site.openSession()
    const capture = await upload(site, session, { gtin: marker })
    await site.settled(capture)
    const enrich = () => site.call('POST', `${scanner}/captures/${capture}/enrich`)
    await enrich()
    await expect.poll(() => reads, { timeout: 15_000 }).toBe(1)
    await site.settled(capture)
    await enrich()
    await site.settled(capture)
    await site.call('POST', `${scanner}/sessions/${session}/submit`)
    finish()
    const state = async () => (await site.call('GET', `${scanner}/sessions/${session}/status`)).body.extraction_status
    await expect.poll(state, { timeout: 15_000 }).toBe('ready')
    expect((await proposalsOf(site, capture)).map(({ proposed_value }) => proposed_value)).toEqual(['Stabilo'])
    expect(reads).toBe(1)
  })
})

const unreadOf = async (site: Site) =>
  unreadPhotoPageSchema.parse((await site.call('GET', `${scanner}/unread-photos`)).body).data

describe('a photo that could not be read', () => {
  const addPhoto = async (site: Site, session: string, photo_type: string, capture_short_id?: string) => {
    const { upload_url, s3_key } = (await site.call('GET', `${scanner}/sessions/${session}/presigned-upload-url`)).body
    await fetch(upload_url, { method: 'PUT', body: jpeg() })
    const about = capture_short_id === undefined ? {} : { capture_short_id }
    const { body } = await site.call('POST', `${scanner}/sessions/${session}/photos`, { s3_key, photo_type, ...about })
    return body.id as string
  }

  it('is listed with its product until it is read again and says something', async () => {
    let answer: ReturnType<Parameters<typeof visionOf>[0]> = 'unreadable'
    const site = await startSite({ vision: visionOf(() => answer) })
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await site.openSession({ capture_mode: 'both' })
    const capture = (await site.submit(session, marker)).body.id as string
    await site.settled(capture)
    // Registered without its capture: it is the session's one product that it shows.
    const photo = await addPhoto(site, session, 'front')
    await submitted(site, session)
    const [first, ...more] = await unreadOf(site)
    expect(more).toEqual([])
    expect(first).toMatchObject({
      capture_short_id: capture,
      session_short_id: session,
      photo_short_id: photo,
      error_message: 'The photo cannot be read.',
      gtin: marker,
      product_name: 'Marker',
    })

    const enrich = async () => {
      expect((await site.call('POST', `${scanner}/captures/${capture}/enrich`)).status).toBe(202)
      await site.settled(capture)
    }
    // Again in vain: it is told as another reading.
    await enrich()
    await expect.poll(async () => (await unreadOf(site))[0]?.id, { timeout: 15_000 }).not.toBe(first?.id)
    await expect.poll(async () => (await unreadOf(site)).length, { timeout: 15_000 }).toBe(1)
    answer = [field('brand', 'Stabilo')]
    await enrich()
    await expect.poll(async () => (await proposalsOf(site, capture)).length, { timeout: 15_000 }).toBe(1)
    expect(await unreadOf(site)).toEqual([])
    expect((await site.call('GET', `${scanner}/sessions/${session}/status`)).body.extraction_errors).toEqual([])
  })

  it('of a capture without a product is read again with its retry', async () => {
    let reads = 0
    const site = await startSite({
      vision: visionOf(() => ((reads += 1) === 1 ? 'unreadable' : [field('brand', 'A')])),
    })
    const session = await site.openSession()
    const capture = await upload(site, session, { gtin: marker })
    await site.settled(capture)
    await submitted(site, session)
    expect((await unreadOf(site)).map(({ capture_short_id }) => capture_short_id)).toEqual([capture])
    expect((await site.call('POST', `${scanner}/captures/${capture}/enrich`)).status).toBe(409)
    expect((await site.call('POST', `${scanner}/captures/${capture}/retry`)).status).toBe(200)
    await expect.poll(async () => (await proposalsOf(site, capture)).length, { timeout: 15_000 }).toBe(1)
    expect(await unreadOf(site)).toEqual([])
    // One that said something is not read over again by a retry.
    await site.settled(capture)
    expect((await site.call('POST', `${scanner}/captures/${capture}/retry`)).status).toBe(200)
    await site.settled(capture)
    expect(reads).toBe(2)
  })

  it('is left at that by a person, and is nobody else’s', async () => {
    const site = await startSite({ vision: visionOf(() => 'unreadable') })
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await site.openSession()
    const capture = await upload(site, session, { gtin: marker })
    await site.settled(capture)
    await submitted(site, session)
    const settle = () => site.call('POST', `${scanner}/captures/${capture}/unread-photos/settle`)
    expect([(await settle()).body, (await settle()).body]).toEqual([{ settled: 1 }, { settled: 0 }])
    expect(await unreadOf(site)).toEqual([])
  })

  it('or shows nothing of the record counts only where nothing else says something of its product', async () => {
    const site = await startSite({ vision: visionOf(({ type }) => (type === 'front' ? [field('brand', 'A')] : [])) })
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const told = await site.openSession({ capture_mode: 'both' })
    const one = (await site.submit(told, marker)).body.id as string
    await site.settled(one)
    for (const type of ['front', 'back']) await addPhoto(site, told, type, one)
    await submitted(site, told)
    expect(await unreadOf(site)).toEqual([])
    const silent = await site.openSession({ capture_mode: 'both' })
    const other = (await site.submit(silent, marker)).body.id as string
    await site.settled(other)
    // Of the bars alone nothing is to be read.
    const back = await addPhoto(site, silent, 'back', other)
    await addPhoto(site, silent, 'barcode', other)
    await submitted(site, silent)
    expect((await unreadOf(site)).map(({ photo_short_id, error_message }) => [photo_short_id, error_message])).toEqual([
      [back, expect.stringContaining('Nothing that belongs')],
    ])
    expect((await site.call('GET', `${scanner}/sessions/${told}/status`)).body.extraction_errors).toEqual([])
  })
})

describe('a photo without a GTIN', () => {
  it('gets one from the code that it shows; one without a code does not; a damaged one fails alone', async () => {
    const site = await startSite({ readsPhotos: true })
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await site.openSession()
    const png = new Uint8Array(await drawCode({ format: 'EAN13', text: '4006381333931' }))
    const whole = await upload(site, session, {}, png)
    const cut = await upload(site, session, {}, png.slice(0, 300))
    const fake = await upload(site, session)
    expect(await site.settled(whole)).toMatchObject({ status: 'COMPLETED', gtin: marker, raw_value: '' })
    for (const broken of [cut, fake]) {
      const { status, error_message } = await site.settled(broken)
      expect([status, error_message]).toEqual(['FAILED', expect.stringContaining('cannot be unpacked')])
    }
    expect((await site.call('POST', `${scanner}/captures/${cut}/retry`)).body.status).toBe('PENDING')
    expect((await site.settled(cut)).status).toBe('FAILED')
  })
})

describe('a capture that is an address', () => {
  it('is followed when the site allows it, and its analysis is in the answer', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/s') response.writeHead(302, { Location: `/01/${marker}`, 'Set-Cookie': 'a=b' })
      response.end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const outbound = { resolve: () => Promise.resolve(['127.0.0.1']), permits: (_: string, to: number) => to === port }
    const site = await startSite({ followsLinks: true, outbound })
    const session = await site.openSession()
    const capture = (await site.submit(session, `http://go.test:${port}/s`)).body
    expect(capture.qr_analysis).toBeNull()
    const refused = (await site.submit(session, 'http://10.0.0.1/')).body.id
    const plain = (await site.submit(session, marker)).body.id
    const analysis = async (id: string) => (await site.call('GET', `${scanner}/captures/${id}`)).body.qr_analysis
    await expect.poll(() => analysis(capture.id), { timeout: 10_000 }).not.toBeNull()
    expect(qrAnalysisSchema.strict().parse(await analysis(capture.id))).toMatchObject({
      extracted_gtin: marker,
      hop_count: 2,
      resolver_type: 'GS1_DL',
    })
    // What the address led to is said there; the capture's own GTIN is what its code says.
    expect(await site.settled(capture.id)).toMatchObject({ gtin: '', status: 'NOT_FOUND' })
    await expect.poll(async () => (await analysis(refused))?.error_message, { timeout: 10_000 }).toContain('10.0.0.1')
    expect(await analysis(plain)).toBeNull()
    const database = await databaseOf(site.dataDir)
    const parts = { database, now: () => new Date(), closientHosts: [] }
    const work = linkWork({ ...parts, notices: { publish: () => undefined }, send: () => Promise.reject(new Error()) })
    await database.write((db) => work.giveUp(db, capture.id, 'the server ended each time it was tried'))
    expect(qrAnalysisSchema.strict().parse(await analysis(capture.id))).toMatchObject({
      final_url: `http://go.test:${port}/s`,
      error_message: 'The address was not followed: the server ended each time it was tried.',
    })
    const offline = await startSite()
    const there = (await offline.submit(await offline.openSession(), 'http://go.test/')).body.id
    await offline.settled(there)
    expect((await offline.call('GET', `${scanner}/captures/${there}`)).body.qr_analysis).toBeNull()
  })
})
