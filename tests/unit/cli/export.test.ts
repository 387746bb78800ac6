import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import { addCapture, openTestSession, openTestStore, temporaryFolder } from '../station/parts.ts'
import { readCells } from '../station/export/xlsx-cells.ts'
import { runCapstan, toLines } from './run-capstan.ts'

const raws = ['00012', '1e5', '0104006381333931\u001D10LOT', '📦', 'a,"b"\r\nc']

function makeFolder(): { data: string; session: string } {
  const data = temporaryFolder()
  const store = openTestStore({ dataDir: data })
  const session = openTestSession(store)
  for (const raw of raws) addCapture(store, session.id, { raw })
  store.close()
  return { data, session: session.id }
}

describe('capstan export', () => {
  it('prints NDJSON, CSV and a workbook with the same codes, verbatim', async () => {
    const { data } = makeFolder()
    const run = async (format: string) => {
      const { code, stdout, stderr } = await runCapstan(['export', '--data', data, '--format', format])
      expect({ format, code, stderr }).toEqual({ format, code: 0, stderr: '' })
      return stdout
    }
    expect(toLines((await run('ndjson')).toString()).map((row) => row['raw'])).toEqual(raws)
    const rows = parse(await run('csv'), { columns: true }) as Record<string, string>[]
    expect(rows.map((row) => row['raw'])).toEqual(raws)
    const cells = readCells(await run('xlsx'))
    const column = cells[0]?.findIndex((cell) => cell.text === 'raw') ?? -1
    const texts = cells.slice(1).map((row) => row[column]?.text)
    expect(texts.slice(0, 4)).toEqual(['00012', '1e5', '0104006381333931_x001D_10LOT', '📦'])
    expect(cells.slice(1).every((row) => row[column]?.isNumber === false)).toBe(true)
  })

  it('reads beside a running station', async () => {
    const data = temporaryFolder()
    const store = openTestStore({ dataDir: data })
    const session = openTestSession(store)
    addCapture(store, session.id, { raw: 'A' })
    const { code, lines } = await runCapstan(['export', '--data', data, '--format', 'ndjson'])
    expect({ code, rows: lines.length }).toEqual({ code: 0, rows: 1 })
    // And has left no lock on it.
    addCapture(store, session.id, { raw: 'B' })
  })

  it('prints one session when asked for it', async () => {
    const { data, session } = makeFolder()
    expect((await runCapstan(['export', '--data', data, '--session', session])).lines).toHaveLength(raws.length)
    const other = await runCapstan(['export', '--data', data, '--session', '00000000-0000-7000-8000-00000000dead'])
    expect(other.code).toBe(2)
    expect(toLines(other.stderr)).toMatchObject([{ error: { code: 'not_found' } }])
  })

  it.each([
    ['a folder without a store', ['--data', '/nonexistent'], 'not_found'],
    ['no folder', [], 'invalid_input'],
    ['a format nobody knows', ['--data', '/nonexistent', '--format', 'pdf'], 'invalid_input'],
  ])('says why it cannot with %s', async (_, args, error) => {
    const { code, stderr, stdout } = await runCapstan(['export', ...args])
    expect({ code, printed: stdout.length }).toEqual({ code: 2, printed: 0 })
    expect(toLines(stderr)).toMatchObject([{ error: { code: error } }])
  })
})

describe('capstan export --products', () => {
  const spread = {
    id: 'one',
    gtin: '04006381333931',
    ownerId: '',
    dataSource: 'imported',
    values: {
      product_name: 'Cocoa "spread"',
      brand: 'Ink & Well',
      net_content: '400 g',
      net_content_value: '400',
      net_content_uom: 'g',
      country_of_origin: 'DE',
      ingredients: 'sugar,\nhazelnuts 13 %',
      nutrition_per_100: 'energy 2240 kJ, energy 540 kcal, fat 31 g, saturates <0.1 g, salt 120 mg',
      gross_weight: '0.512',
      gross_weight_uom: 'kg',
    },
  }
  const gum = { ...spread, id: 'two', gtin: '00000096385074', values: { product_name: 'Gum', brand: 'Minty' } }

  function makeCatalogue(): string {
    const data = temporaryFolder()
    const store = openTestStore({ dataDir: data })
    store.catalogue.keep([spread, gum])
    store.catalogue.decide({
      kind: 'edit',
      gtin: gum.gtin,
      fields: [{ field: 'brand', from: 'Minty', to: 'MINTY' }],
    })
    store.close()
    return data
  }
  const run = async (data: string, ...more: string[]) => {
    const { code, stdout, stderr } = await runCapstan(['export', '--data', data, '--products', ...more])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
  }

  it('prints every product under the names of GS1, with units and nutrients of their own', async () => {
    const data = makeCatalogue()
    const rows = parse(await run(data), { columns: true }) as Record<string, string>[]
    expect(rows.map((row) => row['gtin'])).toEqual([gum.gtin, spread.gtin])
    expect(rows[0]).toMatchObject({ 'brand.brandName': 'MINTY', 'capstan:notToldYet': 'brand' })
    expect(rows[1]).toMatchObject({
      productName: 'Cocoa "spread"',
      'netContent.value': '400',
      'netContent.unitCode': 'GRM',
      countryOfOrigin: 'DE',
      ingredientStatement: 'sugar,\nhazelnuts 13 %',
      nutrientBasisQuantity: '100',
      'energyPerNutrientBasis.KJO': '2240',
      'energyPerNutrientBasis.E14': '540',
      'fatPerNutrientBasis.GRM': '31',
      'saturatedFatPerNutrientBasis.GRM': '<0.1',
      'saltPerNutrientBasis.GRM': '0.12',
      'proteinPerNutrientBasis.GRM': '',
      'grossWeight.value': '0.512',
      'grossWeight.unitCode': 'KGM',
      'capstan:dataSource': 'imported',
    })
    const found = parse(await run(data, '--search', 'gum'), { columns: true }) as Record<string, string>[]
    expect(found.map((row) => row['gtin'])).toEqual([gum.gtin])
  })

  it('prints the same as a workbook of texts and as JSON-LD, without what is empty', async () => {
    const data = makeCatalogue()
    const cells = readCells(await run(data, '--format', 'xlsx'))
    expect(cells.slice(1).map((row) => [row[0]?.text, row[0]?.isNumber])).toEqual([
      [gum.gtin, false],
      [spread.gtin, false],
    ])
    const graph = JSON.parse((await run(data, '--format', 'json')).toString()) as { '@graph': object[] }
    expect(graph['@graph'][1]).toMatchObject({
      '@type': 'Product',
      gtin: spread.gtin,
      brand: { brandName: 'Ink & Well' },
      grossWeight: { value: '0.512', unitCode: 'KGM' },
      energyPerNutrientBasis: [
        { value: '2240', unitCode: 'KJO' },
        { value: '540', unitCode: 'E14' },
      ],
    })
    expect(graph['@graph'][0]).not.toHaveProperty('ingredientStatement')
    const wrong = await runCapstan(['export', '--data', data, '--products', '--format', 'ndjson'])
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('csv, xlsx, json')])
  })
})
