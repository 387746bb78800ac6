import { mkdir } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import { drawLabel } from '../label-image.ts'
import { pressKey } from './key-events.ts'
import { openKiosk, type Kiosk } from './kiosk.ts'
import { look } from './look.ts'

const spread = '4006381333931'
const nutrition =
  'energy 2240 kJ, energy 540 kcal, fat 31 g, saturates 10.6 g, carbohydrate 57 g, sugars 56 g, protein 6 g'
const catalogue = `gtin,product_name,brand,net_content,ingredients,nutrition_per_100,country_of_origin,gross_weight,gross_weight_uom
${spread},Cocoa spread,Ink & Well,400 g,"sugar, palm oil, hazelnuts 13 %, cocoa, milk powder, soya lecithin","${nutrition}",DE,512,g
4006381333948,Cocoa spread,Ink and Well,0.4 kg,"sugar, hazelnuts",,DE,,
5901234123457,Oat biscuits,Hearth,250 g,"oats, butter",,PL,,
`
const found = findChromium(process.env)
const pictures = 'test-results/products'

describe.skipIf('missing' in found)('the product screen (skipped where no Chromium is found)', () => {
  let kiosk: Kiosk
  let page: Page

  beforeEach(async () => {
    kiosk = await openKiosk({ chromiumPath: 'path' in found ? found.path : '', catalogue })
    page = kiosk.page
    await page.getByRole('button', { name: 'Start session' }).waitFor()
    await mkdir(pictures, { recursive: true })
  })
  afterEach(async () => {
    await kiosk.close()
  })

  const key = (name: string) => pressKey(page, name)

  it('finds a product by words or GTIN, shows all of it, and goes on without the server', async () => {
    await page.getByText('Both', { exact: true }).click()
    await page.getByRole('button', { name: 'Start session' }).click()
    await page.getByText('Scan the first code').waitFor()
    await kiosk.scan(spread)
    const bytes = await drawLabel().jpeg().toBuffer()
    await page.evaluate(async (base64) => {
      const body = Uint8Array.from(atob(base64), (character) => character.codePointAt(0) ?? 0)
      await fetch('/media/photos?device=camera&role=ingredients', { method: 'PUT', body })
    }, bytes.toString('base64'))
    await key('Alt+Digit9')
    await page.getByText('3 products, as the server tells').waitFor()
    await key('s')
    await page.waitForFunction(() => document.activeElement instanceof HTMLInputElement)
    await page.keyboard.type('cocoa ink', { delay: 120 })
    await page.getByText('2 products, as the server tells').waitFor()
    await page.keyboard.press('ArrowDown')
    await page.getByRole('heading', { name: 'Cocoa spread', level: 2 }).waitFor()
    await page.getByLabel('Name, brand or GTIN').fill(spread)
    await page.getByText('1 product, as the server tells').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('rowheader', { name: 'saturates' }).waitFor()
    await look(page, `${pictures}/record`)
    await kiosk.stopBackend()
    await page.getByLabel('Name, brand or GTIN').fill('hearth')
    await page.getByText('The server cannot be asked now. These are the products').waitFor()
    await page.getByRole('button', { name: 'Oat biscuits' }).click()
    await page.getByText('As the server told').waitFor()
    await look(page, `${pictures}/offline`)
    expect(await kiosk.violations()).toEqual([])
  })

  it('changes, creates and merges products by keys alone, and takes a change back', async () => {
    await key('Alt+Digit9')
    await page.getByRole('button', { name: 'Oat biscuits' }).click()
    await page.getByText('As the server told').waitFor()
    await key('e')
    await page.getByLabel('Country of origin').fill('Poland')
    await page.getByText('Two capital letters, such as DE').waitFor()
    await page.getByLabel('Country of origin').fill('CZ')
    await page.getByLabel('Gross weight', { exact: true }).fill('260.5')
    await look(page, `${pictures}/edit`)
    await page.getByLabel('Gross weight', { exact: true }).press('Enter')
    await page.getByText('260.5').first().waitFor()
    await page.getByRole('button', { name: 'Take back' }).first().waitFor()
    await page.getByRole('button', { name: 'Take back' }).first().click()
    await page.getByText('Taken back').first().waitFor()

    await key('n')
    await page.getByLabel('GTIN', { exact: true }).fill('96385075')
    await page.getByText('These digits are no GTIN').waitFor()
    await page.getByLabel('GTIN', { exact: true }).fill('96385074')
    await page.getByLabel('Name', { exact: true }).fill('Gum')
    await look(page, `${pictures}/create`)
    await page.getByLabel('Name', { exact: true }).press('Enter')
    await page.getByRole('heading', { name: 'Gum', level: 2 }).waitFor()
    await page.getByText('Created').waitFor()

    await page.getByRole('button', { name: 'Cocoa spread' }).first().click()
    await page.getByText('Ink & Well').first().waitFor()
    await key('m')
    await page.getByRole('list', { name: 'The other record' }).getByRole('button').first().click()
    await page.getByText('becomes another name of it').waitFor()
    await look(page, `${pictures}/merge`)
    await page.getByRole('button', { name: 'Merge into' }).click()
    await page.getByText('Merged', { exact: true }).waitFor()
    await look(page, `${pictures}/merged`)
    const answer = await page.evaluate(async () => {
      const response = await fetch('/exports/products.csv?q=cocoa')
      return { name: response.headers.get('content-disposition'), text: await response.text() }
    })
    expect(answer.name).toMatch(/capstan-products-[-\dT]+\.csv/)
    expect(answer.text).toContain('04006381333931,Cocoa spread')
    expect(answer.text).not.toContain('04006381333948')
    expect(await kiosk.violations()).toEqual([])
  })
})
