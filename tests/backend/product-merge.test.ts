import { describe, expect, it } from 'vitest'
import { newId } from '#backend/ids.ts'
import { databaseOf, marker, products, scanner, startSite, type Site } from './fixture.ts'

const double = '04006381333948'

/** Two records of one thing, and a capture of each code. */
async function startTwins(): Promise<{ site: Site; session: string; captures: string[] }> {
  const site = await startSite()
  await site.call('POST', products, { gtin: marker, product_name: 'Marker', brand: 'Stabilo' })
  await site.call('POST', products, {
    gtin: double,
    product_name: 'Marker Boss',
    brand: 'Stabilo',
    net_content: '1 pc',
  })
  const session = await site.openSession()
  const captures: string[] = []
  for (const code of [marker, double]) {
    const { id } = (await site.submit(session, code)).body
    await site.settled(id)
    captures.push(id)
  }
  return { site, session, captures }
}

const get = async (site: Site, gtin: string) => (await site.call('GET', `${products}/${gtin}`)).body
const history = async (site: Site, gtin: string) => (await site.call('GET', `${products}/${gtin}/history`)).body.data
const merge = (site: Site, body: object, into = marker) => site.call('POST', `${products}/${into}/merge`, body)

describe('a change of a record', () => {
  it('writes any field, measures as numbers, and is undone with them', async () => {
    const { site } = await startTwins()
    const patched = await site.call('PATCH', `${products}/${marker}`, {
      manufacturer: 'Schwan',
      gross_weight: 12.5,
      gross_weight_uom: 'g',
      nutrition_per_100: '',
    })
    expect(patched.body).toMatchObject({ manufacturer: 'Schwan', gross_weight: 12.5, gross_weight_uom: 'g' })
    const [change] = await history(site, marker)
    expect(change.fields).toContainEqual({ field: 'gross_weight', from: '', to: '12.5', proposal_id: null })
    expect((await site.call('POST', `${products}/${marker}/history/${change.id}/undo`)).status).toBe(200)
    expect(await get(site, marker)).toMatchObject({ manufacturer: '', gross_weight: null, gross_weight_uom: '' })
    expect((await site.call('PATCH', `${products}/${marker}`, { gross_weight: -1 })).status).toBe(422)
    expect((await site.call('PATCH', `${products}/${marker}`, { owner_id: 'x' })).status).toBe(422)
  })

  it('made on a value that is not there any more is refused with the one that is, and writes nothing', async () => {
    const { site } = await startTwins()
    const write = (brand: string, seen: string) =>
      site.call('PATCH', `${products}/${marker}`, { brand, description: 'x', if_values: { brand: seen } })
    expect((await write('STABILO', 'Stabilo')).status).toBe(200)
    const late = await write('Boss', 'Stabilo')
    expect([late.status, late.body.detail]).toEqual([409, 'brand has been changed meanwhile: it is "STABILO" now.'])
    expect((await get(site, marker)).brand).toBe('STABILO')
    expect((await site.call('PATCH', `${products}/${marker}`, { if_values: { price: '1' } })).status).toBe(422)
  })
})

describe('a merge of two records', () => {
  it('makes one a further name of the other, with its captures, and says so in both histories', async () => {
    const { site, session, captures } = await startTwins()
    const values = { product_name: 'Marker Boss', net_content: '1 pc' }
    const merged = await merge(site, { other_gtin: double, values, if_values: { product_name: 'Marker' } })
    expect(merged.body).toMatchObject({ gtin: marker, brand: 'Stabilo', ...values })
    expect(await get(site, double)).toMatchObject({ gtin: marker, product_name: 'Marker Boss' })
    const listed = (await site.call('GET', `${products}?q=marker`)).body
    expect(listed.data.map(({ gtin }: { gtin: string }) => gtin)).toEqual([marker])
    expect((await site.call('GET', `${products}?gtin=${double}`)).body.data[0].gtin).toBe(marker)
    const { id } = (await site.submit(session, double)).body
    expect((await site.settled(id)).product_name).toBe('Marker Boss')
    expect((await site.settled(captures[1] ?? '')).product_short_id).toBe(merged.body.id)
    expect((await history(site, marker))[0]).toMatchObject({ action: 'merge', other_gtin: double })
    expect((await site.call('POST', products, { gtin: double })).status).toBe(409)
  })

  it('is undone as any change: both are as they were, and each has the captures of its code', async () => {
    const { site, session, captures } = await startTwins()
    const before = [await get(site, marker), await get(site, double)]
    await merge(site, { other_gtin: double, values: { product_name: 'Marker Boss' } })
    const later = (await site.submit(session, double)).body.id as string
    await site.settled(later)
    const [change] = await history(site, marker)
    const undo = () => site.call('POST', `${products}/${double}/history/${change.id}/undo`)
    expect((await undo()).status).toBe(200)
    expect([await get(site, marker), await get(site, double)]).toEqual(before)
    for (const capture of [captures[1] ?? '', later])
      expect((await site.settled(capture)).product_short_id).toBe(before[1].id)
    expect((await site.settled(captures[0] ?? '')).product_short_id).toBe(before[0].id)
    const actions = (await history(site, double)).map(({ action }: { action: string }) => action)
    expect(actions).toEqual(['undo', 'merge', 'create'])
    expect((await undo()).status).not.toBe(200)
    expect((await merge(site, { other_gtin: double })).status).toBe(200)
  })

  it('without values is undone too, and is refused with itself, twice, in a chain, or on what was not seen', async () => {
    const { site } = await startTwins()
    const third = '05901234123457'
    await site.call('POST', products, { gtin: third, product_name: 'Third' })
    expect((await merge(site, { other_gtin: marker })).status).toBe(409)
    expect((await merge(site, { other_gtin: '96385074' })).status).toBe(404)
    expect((await merge(site, { other_gtin: double, if_values: { brand: 'Pelikan' } })).status).toBe(409)
    expect((await get(site, double)).gtin).toBe(double)
    expect((await merge(site, { other_gtin: double })).status).toBe(200)
    expect((await merge(site, { other_gtin: double })).status).toBe(409)
    expect((await merge(site, { other_gtin: marker }, third)).body.detail).toContain(double)
    const [change] = await history(site, marker)
    expect((await site.call('POST', `${products}/${marker}/history/${change.id}/undo`)).status).toBe(200)
    expect((await merge(site, { other_gtin: marker }, third)).status).toBe(200)
  })

  it('withdraws what was proposed for the other record, and has it wait again once that is itself again', async () => {
    const { site, captures } = await startTwins()
    const { write } = await databaseOf(site.dataDir)
    const product_id = (await get(site, double)).id as string
    await write((db) =>
      db
        .insertInto('proposals')
        .values({
          id: newId(),
          capture_id: captures[1] ?? '',
          product_id,
          photo_id: null,
          field_name: 'description',
          current_value: '',
          proposed_value: 'A marker.',
          confidence: 0.9,
          reasoning: '',
          source: 'test',
          box: null,
          status: 'PENDING',
          withdrawn_reason: '',
          created_at: new Date().toISOString(),
          reviewed_at: null,
          applied_at: null,
          change_id: null,
        })
        .execute(),
    )
    const proposal = async () => (await site.call('GET', `${scanner}/captures/${captures[1]}/proposals`)).body[0]
    await merge(site, { other_gtin: double })
    expect(await proposal()).toMatchObject({
      status: 'REJECTED',
      withdrawn_reason: 'The product was merged into another one.',
    })
    const [change] = await history(site, marker)
    await site.call('POST', `${products}/${marker}/history/${change.id}/undo`)
    expect(await proposal()).toMatchObject({ status: 'PENDING', withdrawn_reason: '' })
  })
})
