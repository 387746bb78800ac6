import { describe, expect, it } from 'vitest'
import { productBriefSchema, productClaimAnswerSchema, productSchema } from '#contract/backend/products.ts'
import { administrationOf, databaseOf, marker, products, startSite } from './fixture.ts'

const tradeItems = '/products/api/v1/trade-items'

describe('a product', () => {
  it('is claimed for the own organisation, found as claimed, and given free by a manager', async () => {
    const site = await startSite()
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const claim = () => site.call('POST', `${products}/4006381333931/claim`, {})
    const { body } = await claim()
    expect(productClaimAnswerSchema.strict().parse(body)).toMatchObject({ gtin: marker })
    expect((await claim()).body).toMatchObject({
      claimed_at: body.claimed_at,
      message: expect.stringContaining('already'),
    })
    const found = async (query: string) => (await site.call('GET', `${tradeItems}?${query}`)).body.data.length
    expect([await found('is_claimed=true'), await found('is_claimed=false')]).toEqual([1, 0])
    expect((await site.call('GET', `${products}?organization_id=${body.owner_id}`)).body.data).toHaveLength(1)
    const administration = await administrationOf(site)
    const editor = await administration.createKey({
      name: 'editor',
      kind: 'business',
      role: 'editor',
      rateLimitPerMinute: 0,
      rateLimitPerDay: 0,
      expiresAt: null,
    })
    await administration.close()
    if (!editor.ok) throw new Error(editor.error.message)
    const asEditor = { 'X-API-Key': editor.value.key }
    const refused = await site.call('DELETE', `${products}/${marker}/claim`, undefined, asEditor)
    expect([refused.status, refused.body.error_code]).toEqual([403, 'forbidden'])
    expect((await site.call('DELETE', `${products}/${marker}/claim`)).status).toBe(204)
    expect((await site.call('DELETE', `${products}/${marker}/claim`)).status).toBe(409)
    expect(await found('is_claimed=true')).toBe(0)
    expect(
      (await site.call('POST', `${products}/${marker}/claim`, { organization_id: 'CXc85b4rqinB7s5J52TRYb' })).status,
    ).toBe(404)
  })

  it('is changed by a PATCH that merges metadata and keeps what it does not name', async () => {
    const site = await startSite()
    await site.call('POST', products, { gtin: marker, product_name: 'Marker', metadata: { a: '1', b: '2' } })
    const patch = (body: object) => site.call('PATCH', `${products}/${marker}`, body)
    expect((await patch({ brand: 'Stabilo', metadata: { a: '', c: '3' } })).body).toMatchObject({
      product_name: 'Marker',
      brand: 'Stabilo',
      metadata: { b: '2', c: '3' },
    })
    expect((await patch({ metadata: null })).body.metadata).toEqual({})
    expect(
      (await patch({ metadata: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, 'x'])) }))
        .status,
    ).toBe(422)
    expect((await patch({ country_of_origin: 'Germany' })).status).toBe(422)
    expect((await patch({ gtin: marker })).status).toBe(422)
    const { body } = await patch({ net_content: '12 g' })
    expect(productSchema.strict().parse(body)).toMatchObject({ net_content: '12 g', net_content_value: null })
  })

  it('is listed as a trade item by filters and in the order asked for', async () => {
    const site = await startSite()
    for (const [gtin, product_name, country_of_origin, brand] of [
      ['4006381333931', 'Marker', 'DE', 'Stabilo'],
      ['96385074', 'Água', 'PT', 'Luso'],
      ['036000291452', 'Tissues', 'US', 'Kleenex'],
    ]) {
      await site.call('POST', products, { gtin, product_name, country_of_origin, brand })
    }
    await site.call('PATCH', `${products}/${marker}`, { category: 'Office' })
    const { write } = await databaseOf(site.dataDir)
    await write((db) =>
      db.updateTable('products').set({ data_source: 'imported' }).where('product_name', '=', 'Tissues').execute(),
    )
    const names = async (query: string) =>
      (await site.call('GET', `${tradeItems}?${query}`)).body.data.map(
        (item: { product_name: string }) => item.product_name,
      )
    expect(await names('ordering=-product_name')).toEqual(expect.arrayContaining(['Tissues', 'Marker', 'Água']))
    expect(await names('ordering=gtin')).toEqual(['Água', 'Tissues', 'Marker'])
    expect(await names('country_of_origin=DE')).toEqual(['Marker'])
    expect(await names('brand=Luso')).toEqual(['Água'])
    expect(await names('category_id=Office')).toEqual(['Marker'])
    expect(await names('data_source=imported')).toEqual(['Tissues'])
    expect(await names('data_source=crowd_sourced&ordering=-gtin')).toEqual(['Marker', 'Água'])
    expect(await names('q=MARK')).toEqual(['Marker'])
    expect(await names('q=963850')).toEqual(['Água'])
    expect((await site.call('GET', `${tradeItems}?ordering=price`)).status).toBe(422)
    expect((await site.call('GET', `${tradeItems}/4006-3813-33931`)).body.product_name).toBe('Marker')
    const { id } = (await site.call('GET', `${tradeItems}/${marker}`)).body
    expect(
      productBriefSchema.strict().parse((await site.call('GET', `/products/api/v1/browse/products/${id}`)).body),
    ).toMatchObject({ id, gtin: marker })
  })
})
