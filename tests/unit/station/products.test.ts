import { describe, expect, it, onTestFinished } from 'vitest'
import { createFaultProxy } from '#backend/faults/fault-proxy.ts'
import { errorOf, temporaryFolder, until } from './parts.ts'
import { fetched, startReviewSite } from './review-site.ts'
import { startStation } from './start-station.ts'

const pen = '04006381333931'

/** A site with one product behind a network that may go away, and a station. */
async function startDesk() {
  const site = await startReviewSite()
  const proxy = await createFaultProxy({ target: site.backend.url, seed: 7, rates: {}, maxDelayMs: 50 })
  onTestFinished(() => proxy.close())
  const dataDir = temporaryFolder()
  const started = await startStation({ url: proxy.url, apiKey: site.backend.apiKey }, { dataDir, quietMs: 200 })
  return { site, proxy, dataDir, ...started }
}

describe('the catalogue at a station', () => {
  it('is searched at the backend by words and by GTIN of any length, and then without it', async () => {
    const { call, ask, proxy } = await startDesk()
    expect(await call('product.search', { text: '', from: 'station' })).toEqual({ products: [], total: 0 })
    const found = await call('product.search', { text: 'stabilo BOSS', from: 'backend' })
    expect(found).toMatchObject({ total: 1, products: [{ gtin: pen, name: 'Marker Boss', netContent: '1 pc' }] })
    expect((await call('product.search', { text: '4006381333931', from: 'backend' })).total).toBe(1)
    await proxy.close()
    expect(errorOf(await ask('product.search', { text: 'boss', from: 'backend' })).code).toBe('offline')
    for (const text of ['BoSS', 'marker stab', '4006381', ''])
      expect((await call('product.search', { text, from: 'station' })).total).toBe(1)
    for (const text of ['%', '_arker', 'marker pelikan'])
      expect((await call('product.search', { text, from: 'station' })).total).toBe(0)
  })

  it('shows a record whole, with captures here, and keeps it for when the backend is away', async () => {
    const { call, ask, scan, proxy } = await startDesk()
    await call('session.open', { label: 'Desk' })
    await scan('4006381333931')
    await until(async () => (await call('station.status', {})).queue.waiting === 0)
    await until(async () => (await ask('product.get', { gtin: pen, from: 'station' })).ok)
    expect(await call('product.get', { gtin: pen, from: 'station' })).toMatchObject({ known: 'brief', fetchedAt: null })
    const record = await call('product.get', { gtin: '4006381333931', from: 'backend' })
    expect(record).toMatchObject({
      gtin: pen,
      known: 'whole',
      values: { product_name: 'Marker Boss', brand: 'Stabilo', net_content: '1 pc', gross_weight: '' },
      dataSource: 'imported',
      capturesTotal: 1,
      captures: [{ session: 'Desk', raw: '4006381333931', quantity: 1 }],
      photos: [],
      photosElsewhere: 0,
      unsent: [],
    })
    await proxy.close()
    expect(errorOf(await ask('product.get', { gtin: pen, from: 'backend' })).code).toBe('offline')
    expect(await call('product.get', { gtin: pen, from: 'station' })).toMatchObject({ known: 'whole' })
    expect(errorOf(await ask('product.get', { gtin: '4006381333948', from: 'station' })).code).toBe('not_found')
  })

  it('tells in its history who accepted what, and from what it was read', async () => {
    const { site, call } = await startDesk()
    await site.propose({})
    const { id, version } = await fetched(call, site.capture, 'description')
    expect(await call('product.get', { gtin: pen, from: 'backend' })).toMatchObject({ toReview: [site.capture] })
    await call('review.decide', { id, version, decision: 'accept' })
    await call('review.apply', { captureId: site.capture, reviewer: 'test' })
    await until(async () => (await call('review.queue', { reviewer: 'test' })).figures.waiting === 0)
    const { history, values, toReview } = await call('product.get', { gtin: pen, from: 'backend' })
    expect(values.description).toBe('A marker that stays.')
    expect(toReview).toEqual([])
    expect(history[0]).toMatchObject({
      origin: 'backend',
      action: 'apply',
      captureId: site.capture,
      isUndone: false,
      canUndo: true,
      fields: [
        {
          field: 'description',
          from: '',
          to: 'A marker that stays.',
          evidence: { photo: null, source: 'test', confidence: 0.97 },
        },
      ],
    })
  })
})
