import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { FaultRates } from '#backend/faults/fault-proxy.ts'
import { checkLedgerOf } from '#station/index.ts'
import { openDatabase } from '#station/store/database.ts'
import { errorOf, until, valueOf } from './parts.ts'
import { fetched, proposalFor, startDesk } from './review-site.ts'
import { startStation } from './start-station.ts'

const netContent = { field_name: 'net_content', current_value: '1 pc', proposed_value: '12 pc', confidence: 0.7 }

describe('a decision about a proposal', () => {
  it('is told to the backend, applied, and in the product, with who and why', async () => {
    const { site, call, told, station, dataDir } = await startDesk()
    await site.propose({})
    await site.propose(netContent)
    const description = await fetched(call, site.capture, 'description')
    expect(description).toMatchObject({ state: 'open', isClear: true, confidence: 0.97, delivery: 'none' })
    const content = await proposalFor(call, site.capture, 'net_content')
    expect(content).toMatchObject({ isClear: false, doubts: ['low_confidence', 'replaces'] })

    const { id, version } = description
    const answer = await call('review.decide', { id, version, decision: 'accept', tookMs: 900 })
    expect(answer.product.proposals.find((each) => each.id === id)).toMatchObject({ state: 'accepted' })
    expect(answer.figures).toMatchObject({ open: 1, canUndo: true, today: { decisions: 1 } })
    await call('review.decide', { id: content.id, version: content.version, decision: 'edit', value: '10 pc' })
    await told()
    expect(await site.statuses()).toEqual({ description: 'ACCEPTED', net_content: 'ACCEPTED' })
    await call('review.apply', { captureId: site.capture, reviewer: 'test' })
    await told()
    expect(await site.product()).toMatchObject({ description: 'A marker that stays.', net_content: '10 pc' })
    expect((await site.history())[0]).toMatchObject({ action: 'apply', capture_short_id: site.capture })
    expect(await proposalFor(call, site.capture, 'description')).toMatchObject({ state: 'applied' })
    expect((await call('review.queue', { reviewer: 'test' })).entries).toEqual([])
    await station.close()
    expect(valueOf(checkLedgerOf(dataDir)).problem).toBeNull()
  })

  it.each<FaultRates>([{}, { lost: 0.2 }])(
    'about a product that the catalogue lacks has it created, and comes with the apply (faults: %j)',
    async (rates) => {
      const { site, call, told } = await startDesk(rates)
      const gtin = '04012345678901'
      const captureId = await site.submit(gtin, 'NOT_FOUND')
      const lacking = { capture_id: captureId, product_id: null, field_name: 'name' }
      await site.propose({ ...lacking, proposed_value: 'Cocoa cream' })
      await site.propose({ ...lacking, field_name: 'net_content', proposed_value: '250 g' })
      await fetched(call, captureId, 'name')
      const { product } = await call('review.acceptClear', { captureId, reviewer: 'test' })
      expect(product.proposals.map(({ state }) => state)).toEqual(['accepted', 'accepted'])
      await call('review.apply', { captureId, reviewer: 'test' })
      await told()
      const path = `/products/api/v1/products/${gtin}`
      expect((await site.request('GET', path)).body).toMatchObject({
        product_name: 'Cocoa cream',
        net_content: '250 g',
      })
      const { data } = (await site.request('GET', `${path}/history`)).body
      expect(data).toMatchObject([{ action: 'apply', capture_short_id: captureId }, { action: 'create' }])
      const applied = await call('review.product', { captureId, reviewer: 'test' })
      expect(applied.application).toMatchObject({ delivery: 'sent', refusal: null, skipped: [] })
      expect(applied.proposals.map(({ state }) => state)).toEqual(['applied', 'applied'])
      // Taken back, it is a product without values: what somebody else has written to it meanwhile stays.
      await call('review.undo', {})
      await told()
      expect((await site.request('GET', path)).body).toMatchObject({ product_name: '', net_content: '' })
    },
  )

  it('for one of several values answers the others of the field too, and one undo takes all of it back', async () => {
    const { site, call, told } = await startDesk()
    await site.propose({ field_name: 'brand_name', current_value: 'Stabilo', proposed_value: 'STABILO' })
    await site.propose({ field_name: 'brand_name', current_value: 'Stabilo', proposed_value: 'Boss', confidence: 0.5 })
    const first = await fetched(call, site.capture, 'brand_name')
    expect(first).toMatchObject({ proposed: 'STABILO', doubts: ['replaces', 'alternatives'] })
    const states = (product: { proposals: readonly { state: string }[] }) => product.proposals.map(({ state }) => state)
    const { product } = await call('review.decide', { id: first.id, version: first.version, decision: 'accept' })
    expect(states(product).toSorted()).toEqual(['accepted', 'rejected'])
    expect(states((await call('review.undo', {})).product)).toEqual(['open', 'open'])
    await told()
    expect((await call('review.queue', { reviewer: 'test' })).figures).toMatchObject({ open: 2, canUndo: false })
  })

  it('can be taken back before and after it was applied', async () => {
    const { site, call, told } = await startDesk()
    await site.propose(netContent)
    const { id, version } = await fetched(call, site.capture, 'net_content')
    await call('review.decide', { id, version, decision: 'accept' })
    await call('review.apply', { captureId: site.capture, reviewer: 'test' })
    await told()
    expect(await site.product()).toMatchObject({ net_content: '12 pc' })
    await call('review.undo', {})
    await told()
    expect(await site.product()).toMatchObject({ net_content: '1 pc' })
    expect(await proposalFor(call, site.capture, 'net_content')).toMatchObject({ state: 'accepted' })
    await call('review.undo', {})
    await told()
    expect(await site.statuses()).toEqual({ net_content: 'REJECTED' })
    const open = await proposalFor(call, site.capture, 'net_content')
    expect(open).toMatchObject({ state: 'open' })
    // It is decided anew: what was rejected only for want of a better word is accepted now.
    await call('review.decide', { id, version: open.version, decision: 'accept' })
    await told()
    expect(await site.statuses()).toEqual({ net_content: 'ACCEPTED' })
  })

  it('made on what has changed since is not taken, and never overwrites what somebody else decided', async () => {
    const { site, call, ask, told } = await startDesk()
    const remote = await site.propose({})
    const { id, version } = await fetched(call, site.capture, 'description')
    await call('review.decide', { id, version, decision: 'skip' })
    expect(errorOf(await ask('review.decide', { id, version, decision: 'accept' })).code).toBe('conflict')

    await site.request('PATCH', `/scanner/api/v1/proposals/${remote}`, { status: 'REJECTED' })
    await call('review.decide', { id, version: version + 1, decision: 'accept' })
    await told()
    expect(await site.statuses()).toEqual({ description: 'REJECTED' })
    expect(await proposalFor(call, site.capture, 'description')).toMatchObject({
      state: 'taken',
      delivery: 'refused',
      refusal: { code: 'conflict' },
    })
    expect((await call('review.queue', { reviewer: 'test' })).figures.refused).toBe(1)
    expect((await call('station.status', {})).queue.parked).toBe(1)
  })

  it('that was refused is listed with the words until it is sent again or given up, and verified in the ledger', async () => {
    const { site, call, ask, told, station, dataDir } = await startDesk()
    const remote = await site.propose({})
    const { id, version } = await fetched(call, site.capture, 'description')
    await site.request('PATCH', `/scanner/api/v1/proposals/${remote}`, { status: 'REJECTED' })
    await call('review.decide', { id, version, decision: 'accept' })
    await told()
    const [refused] = await call('review.refused', {})
    expect(refused).toMatchObject({
      kind: 'accept',
      captureId: site.capture,
      gtin: '04006381333931',
      name: 'Marker Boss',
      field: 'description',
      value: 'A marker that stays.',
      refusal: { code: 'conflict' },
    })
    await call('review.retry', { id: refused?.id ?? '' })
    await told()
    // It is as it was: nothing of the other's is overwritten.
    expect(await site.statuses()).toEqual({ description: 'REJECTED' })
    expect(await call('review.refused', {})).toHaveLength(1)
    await call('review.giveUp', { id: refused?.id ?? '', reason: 'the colleague is right' })
    expect(await call('review.refused', {})).toEqual([])
    expect(errorOf(await ask('review.retry', { id: refused?.id ?? '' })).code).toBe('conflict')
    expect((await call('review.queue', { reviewer: 'test' })).figures.refused).toBe(0)
    await station.close()
    expect(valueOf(checkLedgerOf(dataDir)).problem).toBeNull()
    const database = openDatabase(join(dataDir, 'station.sqlite'))
    const problemAfter = (sql: string) => {
      database.exec(sql)
      return valueOf(checkLedgerOf(dataDir)).problem
    }
    expect(problemAfter(`UPDATE reviews SET value = 'another'`)).toMatchObject({ kind: 'decision', id: refused?.id })
    expect(problemAfter(`UPDATE reviews SET value = NULL, delivery = 'sent'`)?.message).toContain(
      'the ledger says refused',
    )
    expect(problemAfter(`UPDATE reviews SET delivery = 'refused', kind = 'reject'`)?.kind).toBe('decision')
    expect(problemAfter(`UPDATE reviews SET kind = 'accept'`)).toBeNull()
    expect(problemAfter('DELETE FROM reviews')?.message).toContain('missing from the store')
    database.close()
  })

  it('about a product that changed meanwhile is shown as stale, with the backend\u2019s words', async () => {
    const { site, call, ask, told } = await startDesk()
    await site.propose(netContent)
    const { id, version } = await fetched(call, site.capture, 'net_content')
    await site.request('PATCH', '/products/api/v1/products/04006381333931', { net_content: '6 pc' })
    await call('review.decide', { id, version, decision: 'accept' })
    await told()
    const stale = await proposalFor(call, site.capture, 'net_content')
    expect(stale).toMatchObject({ state: 'stale', delivery: 'refused' })
    expect(stale.note).toContain('has changed since')
    expect(await site.product()).toMatchObject({ net_content: '6 pc' })
    expect(errorOf(await ask('review.decide', { id, version: stale.version, decision: 'accept' })).code).toBe(
      'conflict',
    )
  })

  it('is kept while the backend is away, and what was taken back meanwhile is never sent', async () => {
    const { site, proxy, call, told } = await startDesk()
    await site.propose({})
    await site.propose(netContent)
    const first = await fetched(call, site.capture, 'description')
    const second = await proposalFor(call, site.capture, 'net_content')
    proxy.setRates({ cut: 1 })
    await call('review.decide', { id: first.id, version: first.version, decision: 'accept' })
    await call('review.decide', { id: second.id, version: second.version, decision: 'accept' })
    await call('review.undo', {})
    await call('review.apply', { captureId: site.capture, reviewer: 'test' })
    expect((await call('review.queue', { reviewer: 'test' })).figures.waiting).toBeGreaterThan(0)
    expect(await proposalFor(call, site.capture, 'description')).toMatchObject({ delivery: 'waiting' })
    expect(await site.statuses()).toEqual({ description: 'PENDING', net_content: 'PENDING' })
    proxy.setRates({})
    await told()
    expect(await site.statuses()).toEqual({ description: 'ACCEPTED', net_content: 'PENDING' })
    expect(await site.product()).toMatchObject({ description: 'A marker that stays.', net_content: '1 pc' })
  })

  it('survives the end of the process between decision and apply', async () => {
    const { site, proxy, call, station, dataDir } = await startDesk()
    await site.propose({})
    const { id, version } = await fetched(call, site.capture, 'description')
    proxy.setRates({ cut: 1 })
    await call('review.decide', { id, version, decision: 'accept' })
    await station.close()
    const again = await startStation(site.backend, { dataDir })
    expect(await proposalFor(again.call, site.capture, 'description')).toMatchObject({ state: 'accepted' })
    await again.call('review.apply', { captureId: site.capture, reviewer: 'test' })
    await until(async () => (await site.product()).description === 'A marker that stays.')
  })

  it.each([
    { lost: 0.4 },
    { late: 0.4 },
    { error: 0.4, truncated: 0.2 },
    { echoed: 0.4 },
    { failed: 0.3, delayed: 0.3 },
  ] satisfies FaultRates[])('has its effect once over a network with %j', async (rates) => {
    const { site, proxy, call, told } = await startDesk()
    const fields = ['description', 'ingredients', 'category', 'certifications', 'serving_size']
    for (const field_name of fields) await site.propose({ field_name, proposed_value: `${field_name} as read` })
    await fetched(call, site.capture, 'description')
    proxy.setRates(rates)
    for (const field of fields) {
      const { id, version } = await proposalFor(call, site.capture, field)
      await call('review.decide', { id, version, decision: field === 'category' ? 'reject' : 'accept' })
    }
    await call('review.apply', { captureId: site.capture, reviewer: 'test' })
    await told()
    proxy.setRates({})
    const product = await site.product()
    for (const field of fields) expect(product[field]).toBe(field === 'category' ? '' : `${field} as read`)
    const applies = (await site.history()).filter((change: { action: string }) => change.action === 'apply')
    expect(applies).toHaveLength(1)
    expect((await call('review.queue', { reviewer: 'test' })).figures).toMatchObject({ waiting: 0, refused: 0 })
    // The change is known although its answer was lost: it can be taken back.
    await call('review.undo', {})
    await told()
    expect(await site.product()).toMatchObject({ description: '', ingredients: '' })
  })
})

describe('a photo that could not be read', () => {
  /** The queue, once it names a capture. */
  const waiting = async (call: Parameters<typeof fetched>[0], captureId: string) => {
    for (;;) {
      const queue = await call('review.queue', { reviewer: 'test' })
      if (queue.entries.some((entry) => entry.captureId === captureId)) return queue
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  it('brings its product to the review without any proposal, with the reason, and is read again when a person says so', async () => {
    const { site, call, ask, told, station, dataDir } = await startDesk()
    await site.fail()
    const { entries, figures } = await waiting(call, site.capture)
    expect(entries).toEqual([
      { captureId: site.capture, gtin: '04006381333931', name: 'Marker Boss', open: 0, unread: 1, isHeld: false },
    ])
    expect(figures).toMatchObject({ open: 0, products: 1 })
    const about = { captureId: site.capture, reviewer: 'test' }
    expect(await call('review.product', about)).toMatchObject({
      name: 'Marker Boss',
      proposals: [],
      unread: [{ photo: null, reason: 'too blurred' }],
      canReread: true,
      isReading: false,
    })

    const { product } = await call('review.reread', about)
    expect(product).toMatchObject({ unread: [], canReread: false, isReading: true })
    expect(errorOf(await ask('review.reread', about)).code).toBe('conflict')
    expect((await call('review.queue', { reviewer: 'test' })).entries).toEqual([])
    await told()
    expect(await site.readings()).toMatchObject({ count: 2 })
    // Nothing was written that could be taken back.
    expect((await call('review.queue', { reviewer: 'test' })).figures).toMatchObject({ canUndo: false, waiting: 0 })
    await station.close()
    expect(valueOf(checkLedgerOf(dataDir)).problem).toBeNull()
  })

  it('is left at that for every station, and the word is kept while the backend is away and the station ends', async () => {
    const { site, proxy, call, station, dataDir } = await startDesk()
    await site.fail()
    await waiting(call, site.capture)
    proxy.setRates({ cut: 1 })
    await call('review.leaveUnread', { captureId: site.capture, reviewer: 'test' })
    await station.close()
    expect(await site.readings()).toEqual({ count: 1, isSettled: false })
    const again = await startStation(site.backend, { dataDir })
    await until(async () => (await site.readings()).isSettled)
    expect((await again.call('review.queue', { reviewer: 'test' })).entries).toEqual([])
    expect(await site.readings()).toMatchObject({ count: 1 })
  })

  it('comes after what may be wrong and before what was put off', async () => {
    const { site, call } = await startDesk()
    await site.propose({})
    const [unread, later] = [await site.submit(), await site.submit()]
    await site.fail({ capture_id: unread })
    await site.propose({ capture_id: later, field_name: 'category', proposed_value: 'Office' })
    await waiting(call, unread)
    const { id, version } = await proposalFor(call, later, 'category')
    await call('review.decide', { id, version, decision: 'skip' })
    const { entries, figures } = await call('review.queue', { reviewer: 'test' })
    expect(entries.map(({ captureId }) => captureId)).toEqual([site.capture, unread, later])
    expect(figures).toMatchObject({ open: 2, products: 3 })
  })

  it('whose capture is gone is told with the words of the backend, and given up', async () => {
    const { site, call, told } = await startDesk()
    await site.fail()
    await waiting(call, site.capture)
    await site.remove()
    await call('review.reread', { captureId: site.capture, reviewer: 'test' })
    await told()
    const [refused] = await call('review.refused', {})
    expect(refused).toMatchObject({ kind: 'reread', gtin: '04006381333931', name: 'Marker Boss', field: '' })
    await call('review.giveUp', { id: refused?.id ?? '', reason: 'it was deleted' })
    expect(await call('review.refused', {})).toEqual([])
  })

  it.each([{ lost: 0.4 }, { error: 0.4, truncated: 0.2 }, { echoed: 0.4 }] satisfies FaultRates[])(
    'is read again over a network with %j',
    async (rates) => {
      const { site, proxy, call, told } = await startDesk()
      await site.fail()
      await waiting(call, site.capture)
      proxy.setRates(rates)
      await call('review.reread', { captureId: site.capture, reviewer: 'test' })
      await told()
      proxy.setRates({})
      expect((await site.readings()).count).toBeGreaterThan(1)
      expect((await call('review.queue', { reviewer: 'test' })).figures).toMatchObject({ waiting: 0, refused: 0 })
    },
  )
})

describe('the queue of a review', () => {
  it('has the product first whose errors would cost the most, and opens where one was', async () => {
    const { site, call } = await startDesk()
    await site.propose({})
    const other = await site.submit()
    await site.propose({
      capture_id: other,
      field_name: 'nutrition_per_100',
      proposed_value: 'energy 100 kJ, energy 900 kcal',
      confidence: 0.99,
    })
    await fetched(call, other, 'nutrition_per_100')
    const { entries, figures } = await call('review.queue', { reviewer: 'test' })
    expect(entries).toMatchObject([
      { captureId: other, gtin: '04006381333931', name: 'Marker Boss', open: 1 },
      { captureId: site.capture },
    ])
    expect(figures).toMatchObject({ open: 2, products: 2, resume: other })
    expect(await proposalFor(call, other, 'nutrition_per_100')).toMatchObject({ doubts: ['energy_units'] })
  })

  it('tells a second window that a product is open in another, and lets it in when that has left', async () => {
    const { site, call, ask } = await startDesk()
    await site.propose({})
    await fetched(call, site.capture, 'description')
    const { captureId } = { captureId: site.capture }
    const late = await call('review.product', { captureId, reviewer: 'second' })
    expect(late.heldSince).not.toBeNull()
    expect(errorOf(await ask('review.acceptClear', { captureId, reviewer: 'second' })).code).toBe('conflict')
    expect((await call('review.queue', { reviewer: 'second' })).entries).toMatchObject([{ isHeld: true }])
    await call('review.leave', { captureId, reviewer: 'test' })
    expect((await call('review.product', { captureId, reviewer: 'second' })).heldSince).toBeNull()
    await call('review.acceptClear', { captureId, reviewer: 'second' })
  })

  it('tells a window of another station that a product is open, and by whom', async () => {
    const { site, call, proxy } = await startDesk()
    await site.propose({})
    await fetched(call, site.capture, 'description')
    await call('settings.change', { stationName: 'Desk 1' })
    const captureId = site.capture
    await call('review.leave', { captureId, reviewer: 'test' })
    await call('review.product', { captureId, reviewer: 'one' })
    const other = await startStation({ url: proxy.url, apiKey: site.backend.apiKey })
    await fetched(other.call, captureId, 'description')
    const seen = () => other.call('review.product', { captureId, reviewer: 'test' })
    await until(async () => (await seen()).heldSince !== null)
    expect(await seen()).toMatchObject({ heldBy: 'Desk 1' })
    expect(errorOf(await other.ask('review.acceptClear', { captureId, reviewer: 'test' })).code).toBe('conflict')
  })

  it('accepts all that is clear at once, and nothing else', async () => {
    const { site, call } = await startDesk()
    await site.propose({})
    await site.propose({ field_name: 'ingredients', proposed_value: 'ink' })
    await site.propose(netContent)
    await fetched(call, site.capture, 'description')
    const { product } = await call('review.acceptClear', { captureId: site.capture, reviewer: 'test' })
    expect(Object.fromEntries(product.proposals.map(({ field, state }) => [field, state]))).toEqual({
      description: 'accepted',
      ingredients: 'accepted',
      net_content: 'open',
    })
  })

  it('says when decisions come faster than anybody reads', async () => {
    const { site, call } = await startDesk()
    for (let n = 0; n < 6; n += 1) await site.propose({ field_name: `x${n}`, proposed_value: 'a'.repeat(200) })
    await fetched(call, site.capture, 'x0')
    let isTooFast = false
    for (let n = 0; n < 6; n += 1) {
      const { id, version } = await proposalFor(call, site.capture, `x${n}`)
      isTooFast = (await call('review.decide', { id, version, decision: 'accept', tookMs: 300 })).figures.isTooFast
    }
    expect(isTooFast).toBe(true)
  })

  it('says so of what is accepted at one stroke, too', async () => {
    const { site, call } = await startDesk()
    for (let n = 0; n < 6; n += 1) await site.propose({ field_name: `x${n}`, proposed_value: 'a'.repeat(200) })
    await fetched(call, site.capture, 'x0')
    const all = { captureId: site.capture, reviewer: 'test' }
    expect((await call('review.acceptClear', { ...all, tookMs: 60_000 })).figures.isTooFast).toBe(false)
    await call('review.undo', {})
    expect((await call('review.acceptClear', { ...all, tookMs: 1_500 })).figures.isTooFast).toBe(true)
  })
})

describe('a known value among those to review', () => {
  const fields = ['description', 'ingredients', 'category', 'certifications', 'serving_size', 'nutrition_per_serving']

  /** A station with six proposals, which plants wrong values while `roll` is below 0.5, and what it told the backend. */
  const startProbing = async (roll: number, review: object) => {
    const sent: string[] = []
    const record: typeof fetch = (input, init) => {
      sent.push(`${input instanceof Request ? input.url : input} ${typeof init?.body === 'string' ? init.body : ''}`)
      return fetch(input, init)
    }
    const desk = await startDesk({}, { random: () => roll, fetch: record })
    const { site, call, told } = desk
    await call('settings.change', { review })
    for (const field_name of fields) await site.propose({ field_name, proposed_value: 'oats, 45 g' })
    await fetched(call, site.capture, 'description')
    const queue = () => call('review.queue', { reviewer: 'test' })
    return {
      ...desk,
      sent,
      queue,
      /** Accepts and applies so many of the fields. */
      async review(count: number) {
        const { proposals } = await call('review.product', { captureId: site.capture, reviewer: 'test' })
        const open = proposals.filter(({ state }) => state === 'open').slice(0, count)
        for (const { id, version } of open)
          await call('review.decide', { id, version, decision: 'accept', tookMs: 5_000 })
        await call('review.apply', { captureId: site.capture, reviewer: 'test' })
        await told()
      },
      /** The one field of the known value, once there is one: what was written is known when the backend has said so. */
      async known() {
        for (;;) {
          const { captureId = '' } = (await queue()).entries.find(({ open }) => open === 1) ?? {}
          if (captureId === '') continue
          const { proposals, ...product } = await call('review.product', { captureId, reviewer: 'test' })
          const [proposal] = proposals
          if (proposal && proposals.length === 1) return { product, proposal }
        }
      },
    }
  }

  it('is there for nobody who has not asked for it', async () => {
    const { review, queue } = await startProbing(0, {})
    await review(6)
    expect(await queue()).toMatchObject({ entries: [], figures: { probes: null } })
  })

  it('looks as any other, tells whether the reviewer was right, and reaches neither the backend nor a product', async () => {
    const { site, sent, review, queue, known, call, ask, told, station, dataDir } = await startProbing(0, {
      probeShare: 0.2,
    })
    await review(3)
    const history = await site.history()
    const { product, proposal } = await known()
    expect(product).toMatchObject({ gtin: '04006381333931', name: 'Marker Boss' })
    expect(proposal).toMatchObject({ proposed: 'oats, 55 g', state: 'open', delivery: 'none', source: 'test' })
    const captureId = proposal.id
    expect((await call('review.product', { captureId, reviewer: 'second' })).heldSince).not.toBeNull()

    const probe = { id: proposal.id, version: proposal.version }
    const seen = await call('review.decide', { ...probe, decision: 'reject', tookMs: 5_000 })
    expect(seen).toMatchObject({ probe: { isRight: true }, figures: { probes: { answered: 1, right: 1 } } })
    expect(errorOf(await ask('review.decide', { ...probe, decision: 'accept' })).code).toBe('conflict')
    // What can be taken back is what was decided, and of this nothing was.
    expect(seen.figures.canUndo).toBe(false)
    expect(errorOf(await ask('review.undo', {})).code).toBe('conflict')
    expect((await queue()).entries.map((entry) => entry.captureId)).toEqual([site.capture])
    await told()
    expect(await site.history()).toEqual(history)

    await review(3)
    const missed = (await known()).proposal.id
    const accepted = await call('review.acceptClear', { captureId: missed, reviewer: 'test' })
    expect(accepted).toMatchObject({ probe: { isRight: false }, figures: { probes: { answered: 2, right: 1 } } })
    await told()
    for (const field of fields) expect((await site.product())[field]).toBe('oats, 45 g')
    expect(sent.some((request) => request.includes('/apply'))).toBe(true)
    expect(sent.filter((request) => request.includes('probe-'))).toEqual([])
    await station.close()
    expect(valueOf(checkLedgerOf(dataDir)).problem).toBeNull()
  })

  it('may be right, too, and is kept by the same value typed', async () => {
    const { review, known, call } = await startProbing(0.5, { probeShare: 0.2 })
    await review(6)
    const { id, version, proposed } = (await known()).proposal
    expect(proposed).toBe('oats, 45 g')
    const answer = await call('review.decide', { id, version, decision: 'edit', value: proposed })
    expect(answer.probe).toEqual({ isRight: true })
  })
})
