import { describe, expect, it } from 'vitest'
import { checkLedgerOf } from '#station/index.ts'
import { errorOf, until, valueOf } from './parts.ts'
import { fetched, startDesk } from './review-site.ts'
import { startStation } from './start-station.ts'

const pen = '04006381333931'

describe('the catalogue at a station', () => {
  it('is searched at the backend by words and by GTIN of any length, and then without it', async () => {
    const { call, ask, proxy } = await startDesk()
    expect(await call('product.search', { text: '', from: 'station' })).toEqual({ products: [], total: 0 })
    const found = await call('product.search', { text: 'stabilo BOSS', from: 'backend' })
    expect(found).toMatchObject({ total: 1, products: [{ gtin: pen, name: 'Marker Boss', netContent: '1 pc' }] })
    expect((await call('product.search', { text: '4006381333931', from: 'backend' })).total).toBe(1)
    proxy.setRates({ cut: 1 })
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
    proxy.setRates({ cut: 1 })
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

describe('a decision about a product', () => {
  const change = [{ field: 'brand' as const, from: 'Stabilo', to: 'STABILO' }]

  it('is seen at once, told to the backend, in its history, and can be taken back there', async () => {
    const { site, call, told, station, dataDir } = await startDesk()
    await call('product.get', { gtin: pen, from: 'backend' })
    const edited = await call('product.edit', { gtin: pen, fields: change })
    expect(edited).toMatchObject({ values: { brand: 'STABILO' }, unsent: ['brand'] })
    expect(edited.history[0]).toMatchObject({ origin: 'station', action: 'edit', delivery: 'waiting', fields: change })
    await told()
    expect(await site.product()).toMatchObject({ brand: 'STABILO' })
    const after = await call('product.get', { gtin: pen, from: 'station' })
    expect(after).toMatchObject({ values: { brand: 'STABILO' }, unsent: [] })
    const [event] = after.history
    expect(event).toMatchObject({ origin: 'backend', action: 'update', canUndo: true })
    await call('product.undo', { gtin: pen, id: event?.id ?? '', origin: 'backend' })
    expect(await call('product.get', { gtin: pen, from: 'station' })).toMatchObject({ values: { brand: 'Stabilo' } })
    await told()
    expect(await site.product()).toMatchObject({ brand: 'Stabilo' })
    expect((await call('product.get', { gtin: pen, from: 'station' })).history[1]).toMatchObject({ isUndone: true })
    await station.close()
    expect(valueOf(checkLedgerOf(dataDir)).problem).toBeNull()
  })

  it('is kept while the backend is away, and what was taken back before it was sent is never sent', async () => {
    const { site, call, proxy, dataDir, station } = await startDesk()
    await call('product.get', { gtin: pen, from: 'backend' })
    proxy.setRates({ cut: 1 })
    const { history } = await call('product.edit', { gtin: pen, fields: change })
    expect((await call('station.status', {})).queue.waiting).toBe(1)
    await call('product.undo', { gtin: pen, id: history[0]?.id ?? '', origin: 'station' })
    await call('product.add', { gtin: '96385074', values: { product_name: 'Gum', brand: 'Minty' } })
    expect(await call('product.search', { text: 'gum', from: 'station' })).toMatchObject({
      products: [{ gtin: '00000096385074', name: 'Gum', waiting: 1 }],
    })
    await station.close()
    const again = await startStation({ url: site.backend.url, apiKey: site.backend.apiKey }, { dataDir })
    await until(async () => (await again.call('station.status', {})).queue.waiting === 0)
    expect((await site.request('GET', '/products/api/v1/products/96385074')).body).toMatchObject({
      product_name: 'Gum',
      brand: 'Minty',
    })
    expect(await site.product()).toMatchObject({ brand: 'Stabilo' })
    await again.station.close()
    expect(valueOf(checkLedgerOf(dataDir)).problem).toBeNull()
  })

  it('on what somebody else has changed is refused, shown with the words, and sent again or given up', async () => {
    const { site, call, ask, told } = await startDesk()
    await call('product.get', { gtin: pen, from: 'backend' })
    await site.request('PATCH', `/products/api/v1/products/${pen}`, { brand: 'Boss' })
    await call('product.edit', { gtin: pen, fields: change })
    await told()
    expect(await site.product()).toMatchObject({ brand: 'Boss' })
    const [refused] = await call('product.refused', {})
    expect(refused).toMatchObject({ gtin: pen, delivery: 'refused', name: 'Marker Boss' })
    expect(refused?.refusal?.message).toContain('it is "Boss" now')
    // The record is the backend's again, and the refused decision stands in the history.
    const shown = await call('product.get', { gtin: pen, from: 'station' })
    expect(shown).toMatchObject({ values: { brand: 'Boss' }, unsent: [] })
    await site.request('PATCH', `/products/api/v1/products/${pen}`, { brand: 'Stabilo' })
    await call('product.retry', { id: refused?.id ?? '' })
    await told()
    expect(await site.product()).toMatchObject({ brand: 'STABILO' })
    expect(await call('product.refused', {})).toEqual([])
    // What was seen is compared here too, before anything is saved.
    expect(errorOf(await ask('product.edit', { gtin: pen, fields: change })).code).toBe('conflict')
    const bad = { gtin: pen, fields: [{ field: 'gross_weight', from: '', to: 'heavy' }] }
    expect(errorOf(await ask('product.edit', bad)).code).toBe('invalid_input')
  })

  it('of a GTIN that is there already is refused as it is created, and can be given up', async () => {
    const { site, call, told } = await startDesk()
    await site.request('POST', '/products/api/v1/products', { gtin: '96385074', product_name: 'Gum', brand: 'Other' })
    await call('product.add', { gtin: '96385074', values: { product_name: 'Chewing gum', brand: 'Minty' } })
    await told()
    const [refused] = await call('product.refused', {})
    expect(refused?.refusal?.message).toContain('already')
    await call('product.giveUp', { id: refused?.id ?? '', reason: 'it was there' })
    expect(await call('product.refused', {})).toEqual([])
    expect(await call('product.get', { gtin: '96385074', from: 'backend' })).toMatchObject({
      values: { product_name: 'Gum', brand: 'Other' },
    })
  })

  it('merges two records field by field, and separates them again', async () => {
    const { site, call, told } = await startDesk()
    const other = '04006381333948'
    await site.request('POST', '/products/api/v1/products', { gtin: other, product_name: 'Marker', brand: 'Stabilo' })
    await call('product.search', { text: 'marker', from: 'backend' })
    const fields = [{ field: 'product_name' as const, from: 'Marker Boss', to: 'Marker' }]
    const merged = await call('product.merge', { gtin: pen, other, fields })
    expect(merged).toMatchObject({ values: { product_name: 'Marker' }, unsent: ['product_name'] })
    expect((await call('product.search', { text: 'marker', from: 'station' })).total).toBe(1)
    expect(await call('product.get', { gtin: other, from: 'station' })).toMatchObject({ mergedInto: pen })
    await told()
    expect((await site.request('GET', `/products/api/v1/products/${other}`)).body).toMatchObject({ gtin: pen })
    const { history } = await call('product.get', { gtin: other, from: 'backend' })
    expect(history[0]).toMatchObject({ action: 'merge', otherGtin: other, canUndo: true })
    await call('product.undo', { gtin: pen, id: history[0]?.id ?? '', origin: 'backend' })
    await told()
    expect(await site.product()).toMatchObject({ product_name: 'Marker Boss' })
    expect((await site.request('GET', `/products/api/v1/products/${other}`)).body).toMatchObject({ gtin: other })
    expect((await call('product.search', { text: 'marker', from: 'backend' })).total).toBe(2)
  })

  it('is written once however often answers are lost', async () => {
    const { site, call, told } = await startDesk({ lost: 0.3, failed: 0.1, error: 0.1 })
    await until(async () => (await site.request('GET', `/products/api/v1/products/${pen}`)).status === 200)
    for (;;) {
      const found = await call('product.get', { gtin: pen, from: 'backend' }).catch(() => null)
      if (found) break
    }
    let brand = 'Stabilo'
    for (const to of ['A', 'B', 'C', 'D']) {
      await call('product.edit', { gtin: pen, fields: [{ field: 'brand', from: brand, to }] })
      brand = to
    }
    await told()
    expect(await call('product.refused', {})).toEqual([])
    const changes = (await site.history()) as { action: string; fields: { to: string }[] }[]
    expect(changes.filter(({ action }) => action === 'update').map(({ fields }) => fields[0]?.to)).toEqual([
      'D',
      'C',
      'B',
      'A',
    ])
  })
})
