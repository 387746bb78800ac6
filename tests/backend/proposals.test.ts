import { describe, expect, it } from 'vitest'
import type { ProposalRow } from '#backend/db/tables.ts'
import { newId } from '#backend/ids.ts'
import { productChangePageSchema } from '#contract/backend/products.ts'
import { applyAnswerSchema, proposalListSchema } from '#contract/backend/proposals.ts'
import { databaseOf, marker, products, scanner, startSite, type Site } from './fixture.ts'

/** A completed capture of a product, and a way to write proposals for it as the extraction does. */
async function review(site: Site) {
  const { body: product } = await site.call('POST', products, { gtin: marker, product_name: 'Marker', brand: 'Old' })
  const session = await site.openSession()
  const capture = (await site.submit(session, '4006381333931')).body.id as string
  await site.settled(capture)
  const { write } = await databaseOf(site.dataDir)
  const propose = async (change: Partial<ProposalRow>): Promise<string> => {
    const row: ProposalRow = {
      id: newId(),
      capture_id: capture,
      product_id: product.id,
      photo_id: null,
      field_name: 'brand_name',
      current_value: 'Old',
      proposed_value: 'Stabilo',
      confidence: 0.9,
      reasoning: 'the largest word on the front',
      source: 'test',
      box: '[10,20,300,40]',
      status: 'PENDING',
      withdrawn_reason: '',
      created_at: new Date().toISOString(),
      reviewed_at: null,
      applied_at: null,
      change_id: null,
      ...change,
    }
    await write((db) => db.insertInto('proposals').values(row).execute())
    return row.id
  }
  const at = `${scanner}/captures/${capture}`
  return {
    capture,
    session,
    propose,
    list: async () => proposalListSchema.parse((await site.call('GET', `${at}/proposals`)).body),
    set: (id: string, status: string) => site.call('PATCH', `${scanner}/proposals/${id}`, { status }),
    bulk: (body: object) => site.call('POST', `${at}/proposals/bulk-review`, body),
    apply: () => site.call('POST', `${at}/apply`),
    product: async () => (await site.call('GET', `${products}/${marker}`)).body,
    history: async () =>
      productChangePageSchema.parse((await site.call('GET', `${products}/${marker}/history`)).body).data,
  }
}

describe('a proposal', () => {
  it('is answered as documented, with a UUID, a decimal text, and its evidence', async () => {
    const site = await startSite()
    const { propose, list, capture } = await review(site)
    await propose({})
    const [proposal] = await list()
    expect(proposal).toMatchObject({
      field_name: 'brand_name',
      current_value: 'Old',
      proposed_value: 'Stabilo',
      confidence: '0.90',
      status: 'PENDING',
      reviewed_at: null,
      evidence: { photo_id: null, capture_id: capture, box: { x: 10, y: 20, width: 300, height: 40 } },
    })
    expect(proposal?.id).toMatch(/^[0-9a-f]{8}-/)
    expect((await site.call('GET', `${scanner}/sessions`)).status).toBe(200)
    const poll = await site.call(
      'GET',
      `${scanner}/sessions/${(await site.call('GET', `${scanner}/captures/${capture}`)).body.session_short_id}/status`,
    )
    expect(poll.body.captures[0].proposal_count).toBe(1)
  })

  it('may be reviewed by UUID or shortuuid and again until it is applied, and never set to PENDING', async () => {
    const site = await startSite()
    const { propose, set, list, apply } = await review(site)
    const id = await propose({})
    expect((await set(id, 'PENDING')).status).toBe(422)
    expect((await set(id, 'REJECTED')).body).toMatchObject({ status: 'REJECTED' })
    const [proposal] = await list()
    expect((await set(proposal?.id ?? '', 'ACCEPTED')).body).toMatchObject({ status: 'ACCEPTED' })
    expect((await apply()).body.applied).toEqual(['brand_name'])
    expect((await set(id, 'REJECTED')).status).toBe(409)
    expect((await set('CXc85b4rqinB7s5J52TRYb', 'ACCEPTED')).status).toBe(404)
  })

  it('is listed with its product among all that can be reviewed, until it is reviewed', async () => {
    const site = await startSite()
    const { propose, set, capture } = await review(site)
    const first = await propose({})
    await propose({ field_name: 'net_content', current_value: '', proposed_value: '12 g' })
    const list = async () => (await site.call('GET', `${scanner}/proposals?page_size=1`)).body
    expect(await list()).toMatchObject({
      data: [{ capture_short_id: capture, gtin: marker, product_name: 'Marker', field_name: 'brand_name' }],
      pagination: { total_count: 2, has_next: true },
    })
    await set(first, 'REJECTED')
    expect(await list()).toMatchObject({ data: [{ field_name: 'net_content' }], pagination: { total_count: 1 } })
  })

  it("is accepted with a reviewer's own value, which is what is written, and keeps what was read", async () => {
    const site = await startSite()
    const { propose, list, apply, product } = await review(site)
    const id = await propose({})
    const set = (body: object) => site.call('PATCH', `${scanner}/proposals/${id}`, body)
    expect((await set({ status: 'ACCEPTED', value: 'STABILO' })).body).toMatchObject({ proposed_value: 'STABILO' })
    expect((await list())[0]?.reasoning).toContain('read was: Stabilo')
    expect((await apply()).body.applied).toEqual(['brand_name'])
    expect(await product()).toMatchObject({ brand: 'STABILO' })
  })

  it('is not reviewed over the head of somebody who has reviewed it meanwhile', async () => {
    const site = await startSite()
    const { propose, set, list } = await review(site)
    const id = await propose({})
    await set(id, 'REJECTED')
    const late = await site.call('PATCH', `${scanner}/proposals/${id}`, { status: 'ACCEPTED', if_status: 'PENDING' })
    expect(late.status).toBe(409)
    expect((await list())[0]).toMatchObject({ status: 'REJECTED' })
  })

  it('tells a second reviewer who reviews it, until that one has left or said nothing for a minute', async () => {
    const site = await startSite()
    const { capture } = await review(site)
    const hold = async (reviewer: string, more: object = {}) =>
      (await site.call('POST', `${scanner}/captures/${capture}/review-hold`, { reviewer, name: reviewer, ...more }))
        .body
    site.clock.at = new Date('2026-11-21T09:00:00.000Z')
    expect(await hold('Desk 1')).toMatchObject({ is_held_by_other: false })
    expect(await hold('Desk 2')).toMatchObject({ is_held_by_other: true, name: 'Desk 1' })
    await hold('Desk 2', { is_left: true })
    expect(await hold('Desk 2')).toMatchObject({ is_held_by_other: true })
    await hold('Desk 1', { is_left: true })
    expect(await hold('Desk 2')).toMatchObject({ is_held_by_other: false, since: '2026-11-21T09:00:00.000Z' })
    site.clock.at = new Date('2026-11-21T09:01:01.000Z')
    expect(await hold('Desk 1')).toMatchObject({ is_held_by_other: false, since: '2026-11-21T09:01:01.000Z' })
  })

  it('is reviewed with many at once: all of them or none', async () => {
    const site = await startSite()
    const { propose, bulk, list } = await review(site)
    const [a, b, c] = [await propose({}), await propose({ field_name: 'name' }), await propose({ field_name: 'x' })]
    expect((await bulk({ accept: [a, b], reject: [b] })).status).toBe(422)
    expect((await bulk({ accept: [a, 'CXc85b4rqinB7s5J52TRYb'] })).status).toBe(422)
    expect((await list()).every(({ status }) => status === 'PENDING')).toBe(true)
    const reply = await bulk({ accept: [a, b], reject: [c] })
    expect(reply.body.map(({ status }: { status: string }) => status)).toEqual(['ACCEPTED', 'ACCEPTED', 'REJECTED'])
  })
})

describe('apply', () => {
  it('writes what was accepted as one change with who, what and from where, and leaves the rest', async () => {
    const site = await startSite()
    const { propose, set, apply, product, history, capture } = await review(site)
    await set(await propose({}), 'ACCEPTED')
    await set(await propose({ field_name: 'net_content', current_value: '', proposed_value: '12 g' }), 'ACCEPTED')
    await propose({ field_name: 'name', current_value: 'Marker', proposed_value: 'Point 88' })
    const reply = await apply()
    expect(reply.status).toBe(200)
    const answer = applyAnswerSchema.strict().parse(reply.body)
    expect([answer.applied.toSorted(), answer.skipped]).toEqual([['brand_name', 'net_content'], []])
    expect(await product()).toMatchObject({ brand: 'Stabilo', net_content: '12 g', product_name: 'Marker' })
    const [change] = await history()
    expect(change).toMatchObject({ id: answer.change_id, action: 'apply', actor: 'host', capture_short_id: capture })
    expect(change?.fields.map(({ field, from, to }) => [field, from, to])).toContainEqual(['brand', 'Old', 'Stabilo'])
    expect((await apply()).body).toMatchObject({ applied: [], skipped: [], change_id: null })
  })

  it('withdraws what is stale, equal or too long, and says why', async () => {
    const site = await startSite()
    const { propose, set, apply, product, list } = await review(site)
    await set(await propose({ field_name: 'name', current_value: 'Another', proposed_value: 'New' }), 'ACCEPTED')
    await set(await propose({ proposed_value: 'Old' }), 'ACCEPTED')
    await set(
      await propose({ field_name: 'country_of_origin', current_value: '', proposed_value: 'China' }),
      'ACCEPTED',
    )
    await set(
      await propose({ field_name: 'net_content', current_value: '', proposed_value: 'x'.repeat(101) }),
      'ACCEPTED',
    )
    const { body } = await apply()
    expect(body.applied).toEqual([])
    expect(Object.fromEntries(body.skipped.map(({ field_name, reason }: never) => [field_name, reason]))).toEqual({
      name: "The product's value has changed since this was proposed.",
      brand_name: 'The product has this value already.',
      country_of_origin: 'The value is no country in two capital letters, ISO 3166.',
      net_content: 'The value has more than 100 characters.',
    })
    expect((await list()).every(({ status, withdrawn_reason }) => status === 'REJECTED' && withdrawn_reason)).toBe(true)
    expect((await product()).brand).toBe('Old')
  })

  it('writes what was read before the capture had a product, where the product says nothing else', async () => {
    const site = await startSite()
    const { propose, set, apply, product } = await review(site)
    const read = { product_id: null, current_value: '' }
    await set(await propose({ ...read, field_name: 'net_content', proposed_value: '4 pcs' }), 'ACCEPTED')
    await set(await propose({ ...read, proposed_value: 'New' }), 'ACCEPTED')
    const { body } = await apply()
    expect([body.applied, body.skipped.length]).toEqual([['net_content'], 1])
    expect(await product()).toMatchObject({ net_content: '4 pcs', brand: 'Old' })
  })

  it('writes what was read before the product was created from the scan, beside what it says by then', async () => {
    const site = await startSite()
    const { propose, set, session } = await review(site)
    const gtin = '96385074'
    const capture = (await site.submit(session, gtin)).body.id as string
    expect((await site.settled(capture)).status).toBe('NOT_FOUND')
    const read = { capture_id: capture, product_id: null, current_value: '' }
    const brand = await propose({ ...read, proposed_value: 'New' })
    await propose({ ...read, field_name: 'name', proposed_value: 'Cocoa cream' })
    await site.call('POST', products, { gtin, product_name: 'Cocoa Cream', brand: 'Old' })
    expect((await site.call('POST', `${scanner}/captures/${capture}/retry`)).status).toBe(200)
    expect((await site.settled(capture)).status).toBe('COMPLETED')
    const { body: listed } = await site.call('GET', `${scanner}/captures/${capture}/proposals`)
    expect(listed).toHaveLength(2)
    expect(listed).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ field_name: 'brand_name', current_value: 'Old', status: 'PENDING' }),
        expect.objectContaining({ field_name: 'name', current_value: 'Cocoa Cream', status: 'REJECTED' }),
      ]),
    )
    await set(brand, 'ACCEPTED')
    const { body } = await site.call('POST', `${scanner}/captures/${capture}/apply`)
    expect(body).toMatchObject({ applied: ['brand_name'], skipped: [] })
    expect((await site.call('GET', `${products}/${gtin}`)).body.brand).toBe('New')
  })

  it('takes of two accepted values the one that was accepted last', async () => {
    const site = await startSite()
    const { propose, set, apply, product } = await review(site)
    const [one, two] = [await propose({ proposed_value: 'One' }), await propose({ proposed_value: 'Two' })]
    await set(two, 'ACCEPTED')
    await new Promise((resolve) => setTimeout(resolve, 2))
    await set(one, 'ACCEPTED')
    const { body } = await apply()
    expect([body.applied, body.skipped.length, (await product()).brand]).toEqual([['brand_name'], 1, 'One'])
  })

  it('can be undone once, as long as nobody has changed the fields since; what it wrote waits again', async () => {
    const site = await startSite()
    const { propose, set, apply, product, history, list } = await review(site)
    await set(await propose({}), 'ACCEPTED')
    const { change_id } = (await apply()).body
    const undo = (id: string) => site.call('POST', `${products}/${marker}/history/${id}/undo`)
    expect((await undo(change_id)).body.undone_by).toBe((await history())[0]?.id)
    expect((await product()).brand).toBe('Old')
    expect((await undo(change_id)).status).toBe(409)
    expect((await list())[0]).toMatchObject({ status: 'ACCEPTED', applied_at: null })
    const again = (await apply()).body
    expect(again.applied).toEqual(['brand_name'])
    await site.call('PATCH', `${products}/${marker}`, { brand: 'Typed' })
    expect((await undo(again.change_id)).status).toBe(409)
    expect((await history()).map(({ action }) => action)).toEqual(['update', 'apply', 'undo', 'apply', 'create'])
    expect((await undo((await history()).at(-1)?.id ?? '')).status).toBe(409)
  })

  it('answers 409 without a product, and 403 for one that another organisation has claimed', async () => {
    const site = await startSite()
    const session = await site.openSession()
    const other = (await site.submit(session, 'no product')).body.id as string
    await site.settled(other)
    expect((await site.call('POST', `${scanner}/captures/${other}/apply`)).status).toBe(409)
    const { propose, set, apply } = await review(site)
    await set(await propose({}), 'ACCEPTED')
    const { write } = await databaseOf(site.dataDir)
    await write(async (db) => {
      const owner_id = newId()
      await db.insertInto('organizations').values({ id: owner_id, name: 'Other', created_at: '2026' }).execute()
      await db.updateTable('products').set({ owner_id, is_claimed: 1 }).execute()
    })
    expect((await apply()).status).toBe(403)
    expect((await site.call('PATCH', `${products}/${marker}`, { brand: 'x' })).status).toBe(403)
    expect((await site.call('POST', `${products}/${marker}/claim`, {})).status).toBe(409)
  })
})

describe('a change of the product', () => {
  it('withdraws what was proposed for another value of the field, and nothing else', async () => {
    const site = await startSite()
    const { propose, list, set } = await review(site)
    const stale = await propose({})
    await propose({ field_name: 'name', current_value: 'Marker', proposed_value: 'Point 88' })
    await site.call('PATCH', `${products}/${marker}`, { brand: 'Typed' })
    expect((await list()).map(({ status }) => status)).toEqual(['REJECTED', 'PENDING'])
    expect((await set(stale, 'ACCEPTED')).status).toBe(409)
  })
})
