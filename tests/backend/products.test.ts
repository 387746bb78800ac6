import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { productSchema } from '#contract/backend/products.ts'
import { checkDigit } from '#domain/gtin.ts'
import { marker, products, startSite, temporaryFolder } from './fixture.ts'

async function csv(content: string): Promise<string> {
  const file = join(await temporaryFolder(), 'products.csv')
  await writeFile(file, content)
  return file
}

describe('products', () => {
  it('are created once for a GTIN, in any of its lengths', async () => {
    const site = await startSite()
    const made = await site.call('POST', products, {
      gtin: '400-6381-333931',
      product_name: 'Marker',
      brand: 'Stabilo',
      country_of_origin: 'DE',
      metadata: { shelf: '3', none: '' },
    })
    expect(made.status).toBe(201)
    expect(productSchema.strict().parse(made.body)).toMatchObject({
      gtin: marker,
      brand: 'Stabilo',
      data_source: 'crowd_sourced',
      claim_verification_status: 'unverified',
      owner_id: null,
      net_content_value: null,
      metadata: { shelf: '3' },
    })
    const again = await site.call('POST', products, { gtin: marker })
    expect([again.status, again.body.error.code]).toEqual([409, 'CONFLICT'])
  })

  it('are refused with a field that says what is wrong', async () => {
    const site = await startSite()
    const fault = async (body: object) => (await site.call('POST', products, body)).body.errors[0]
    expect(await fault({})).toMatchObject({ field: 'gtin' })
    expect(await fault({ gtin: '123' })).toEqual({ field: 'gtin', message: 'must be 8, 12, 13, or 14 digits' })
    expect(await fault({ gtin: '1234567890' })).toEqual({ field: 'gtin', message: 'must be 8, 12, 13, or 14 digits' })
    expect((await fault({ gtin: '4006381333932' })).message).toContain('should end in 1')
    expect(await fault({ gtin: marker, country_of_origin: 'Germany' })).toMatchObject({ field: 'country_of_origin' })
    expect(await fault({ gtin: marker, product_name: 'x'.repeat(256) })).toMatchObject({ field: 'product_name' })
    expect(await fault({ gtin: marker, price: 1 })).toMatchObject({ field: 'price' })
  })

  it('are got by a GTIN of any length, separators allowed', async () => {
    const site = await startSite()
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    for (const gtin of ['4006381333931', marker, '4-006381-333931', '4006381%20333931']) {
      expect((await site.call('GET', `${products}/${gtin}`)).body.product_name, gtin).toBe('Marker')
    }
    expect((await site.call('GET', `${products}/96385074`)).status).toBe(404)
    expect((await site.call('GET', `${products}/4006381333932`)).status).toBe(422)
    expect((await site.call('GET', `${products}/%zz`)).status).toBe(422)
  })

  it('are listed by GTIN and by words, which are taken literally', async () => {
    const site = await startSite()
    await site.call('POST', products, { gtin: marker, product_name: 'Marker 100% blue', brand: 'Stabilo' })
    await site.call('POST', products, { gtin: '96385074', product_name: 'Pencil', brand: 'Stabilo' })
    const find = async (query: string) =>
      (await site.call('GET', `${products}?${query}`)).body.data.map((found: { gtin: string }) => found.gtin)
    expect(await find('gtin=4006381333931')).toEqual([marker])
    expect(await find('gtin=00012345600012')).toEqual([])
    expect(await find('q=stabilo')).toEqual(['00000096385074', marker])
    expect(await find('q=blue+stabilo')).toEqual([marker])
    expect(await find('q=100%25')).toEqual([marker])
    expect(await find('q=_encil')).toEqual([])
    expect(await find('q=400638')).toEqual([marker])
    expect((await site.call('GET', `${products}?gtin=12`)).status).toBe(422)
  })
})

describe('the import of a product file', () => {
  it('reads BOM, CRLF, quotes and line breaks, skips bad rows with their line, and updates when it is read again', async () => {
    const warnings: object[] = []
    const log = { info: () => undefined, warn: (fields: object) => warnings.push(fields), error: () => undefined }
    const file = await csv(
      '\uFEFFgtin,Product_Name,brand,net_content_value,colour\r\n' +
        '4006381333931,"Marker, ""blue""",Stabilo,1.5,x\r\n' +
        '4006381333932,Wrong digit,B,,\r\n' +
        'short row\r\n' +
        '\r\n' +
        '96385074,"Two\nlines",B,,\r\n' +
        '00012345600012,Not a measure,B,much,\r\n',
    )
    const site = await startSite({ productsCsv: file, log })
    expect((await site.call('GET', `${products}/${marker}`)).body).toMatchObject({
      product_name: 'Marker, "blue"',
      net_content_value: 1.5,
      data_source: 'imported',
    })
    expect((await site.call('GET', `${products}/96385074`)).body.product_name).toBe('Two\nlines')
    expect((await site.call('GET', products)).body.pagination.total_count).toBe(2)
    expect(warnings).toContainEqual({ columns: ['colour'] })
    expect(warnings).toContainEqual({ line: 3, reason: expect.stringContaining('should end in 1') })
    expect(warnings).toContainEqual({ line: 4, reason: expect.stringContaining('columns length') })
    expect(warnings).toContainEqual({ line: 8, reason: 'net_content_value: is no measure' })

    const before = (await site.call('GET', `${products}/${marker}`)).body
    await site.close()
    const update = await csv('gtin,product_name,brand\n4006381333931,Marker blue,Stabilo\n')
    const next = await startSite({ dataDir: site.dataDir, productsCsv: update })
    const after = (await next.call('GET', `${products}/${marker}`)).body
    // Columns that the new file does not have are left as they are, and so is the id.
    expect(after).toEqual({ ...before, product_name: 'Marker blue' })
  })

  it('takes many thousand rows', async () => {
    const rows = Array.from({ length: 5_000 }, (_, index) => {
      const digits = String(200_000_000_000 + index)
      return `${digits}${checkDigit(digits)},Product ${index},Brand`
    })
    const site = await startSite({ productsCsv: await csv(`gtin,product_name,brand\n${rows.join('\n')}`) })
    expect((await site.call('GET', `${products}?page_size=1`)).body.pagination.total_count).toBe(5_000)
  })

  it('refuses to start with a file that is missing or has another header', async () => {
    await expect(startSite({ productsCsv: '/nowhere/products.csv' })).rejects.toThrow('ENOENT')
    const file = await csv('ean,name\n4006381333931,Marker\n')
    await expect(startSite({ productsCsv: file })).rejects.toThrow('lacks gtin, product_name, brand')
  })
})
