import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '#backend/db/database.ts'
import type { ProposalRow } from '#backend/db/tables.ts'
import { newId } from '#backend/ids.ts'
import { silentLog } from '#backend/log.ts'
import { findChromium } from '#cli/browsers.ts'
import { drawLabel } from '../label-image.ts'
import { callAsAnotherWindow } from './another-window.ts'
import { pressKey, pressOn } from './key-events.ts'
import { openKiosk, type Kiosk } from './kiosk.ts'
import { glance, look } from './look.ts'

const pen = '4006381333931'
const catalogue = `gtin,product_name,brand,net_content,ingredients
${pen},Cocoa cream,Inkwell,1 pc,"water, sugar, cocoa butter, milk powder"
`
const found = findChromium(process.env)
const pictures = 'test-results/review'

const proposals: readonly Partial<ProposalRow>[] = [
  { field_name: 'name', current_value: 'Cocoa cream', proposed_value: 'Cocoa spread', confidence: 0.93 },
  { field_name: 'brand_name', current_value: 'Inkwell', proposed_value: 'INKWELL', confidence: 0.62 },
  { field_name: 'brand_name', current_value: 'Inkwell', proposed_value: 'Ink & Well', confidence: 0.41 },
  {
    field_name: 'ingredients',
    current_value: 'water, sugar, cocoa butter, milk powder',
    proposed_value: 'water, sugar, wheat flour, cocoa butter, palm oil, soya lecithin 5 g',
    confidence: 0.88,
    reasoning: 'Everything between "WATER" and the energy line; one word was hard to read.',
  },
  {
    field_name: 'nutrition_per_100',
    proposed_value:
      'energy 1240 kJ, energy 540 kcal, fat 31 g, saturates 10.6 g, carbohydrate 57 g, sugars 56 g, protein 6 g',
    confidence: 0.95,
  },
  { field_name: 'description', proposed_value: 'A spread of cocoa and nuts.', confidence: 0.97 },
  { field_name: 'certifications', proposed_value: 'organic, fairtrade', confidence: 0.96 },
]

describe.skipIf('missing' in found)('the review screen (skipped where no Chromium is found)', () => {
  let kiosk: Kiosk
  let page: Page

  beforeEach(async () => {
    kiosk = await openKiosk({ chromiumPath: 'path' in found ? found.path : '', catalogue })
    page = kiosk.page
    await page.getByRole('button', { name: 'Start session' }).waitFor()
  })
  afterEach(async () => {
    await kiosk.close()
  })

  /** A photographed product at the backend, with proposals as the extraction writes them. */
  const photograph = async () => {
    await page.getByText('Both', { exact: true }).click()
    await page.getByRole('button', { name: 'Start session' }).click()
    await page.getByText('Scan the first code').waitFor()
    await kiosk.scan(pen)
    const bytes = await drawLabel().jpeg().toBuffer()
    await page.evaluate(async (base64) => {
      const body = Uint8Array.from(atob(base64), (character) => character.codePointAt(0) ?? 0)
      await fetch('/media/photos?device=camera&role=ingredients', { method: 'PUT', body })
    }, bytes.toString('base64'))
    const database = await openDatabase(join(kiosk.folder, 'backend', 'backend.sqlite'), silentLog)
    try {
      for (;;) {
        const photo = await database.db.selectFrom('photos').selectAll().executeTakeFirst()
        const capture = await database.db
          .selectFrom('captures')
          .selectAll()
          .where('status', '=', 'COMPLETED')
          .executeTakeFirst()
        if (!photo || !capture) {
          await page.waitForTimeout(100)
          continue
        }
        const rows = proposals.map((change, index) => ({
          id: newId(),
          capture_id: capture.id,
          product_id: capture.product_id,
          photo_id: photo.id,
          field_name: '',
          current_value: '',
          proposed_value: '',
          confidence: 0.9,
          reasoning: 'Read from the label.',
          source: 'ppocr-v4+tesseract',
          box: JSON.stringify([120, 100 + index * 120, 900, 90]),
          status: 'PENDING' as const,
          withdrawn_reason: '',
          created_at: new Date().toISOString(),
          reviewed_at: null,
          applied_at: null,
          change_id: null,
          ...change,
        }))
        const unread = { id: newId(), session_id: photo.session_id, photo_id: photo.id, capture_id: null, is_open: 0 }
        const at = new Date().toISOString()
        await database.write(async (db) => {
          await db.insertInto('proposals').values(rows).execute()
          const error = 'the image ends too early'
          await db
            .insertInto('extractions')
            .values({ ...unread, error, created_at: at, done_at: at })
            .execute()
        })
        return
      }
    } finally {
      await database.close()
    }
  }
  const product = async () => {
    const database = await openDatabase(join(kiosk.folder, 'backend', 'backend.sqlite'), silentLog)
    try {
      return await database.db.selectFrom('products').selectAll().executeTakeFirstOrThrow()
    } finally {
      await database.close()
    }
  }
  /** The photo as that of a product of its own, read in vain. */
  const showUnread = async () => {
    const database = await openDatabase(join(kiosk.folder, 'backend', 'backend.sqlite'), silentLog)
    try {
      const capture = await database.db.selectFrom('captures').selectAll().executeTakeFirstOrThrow()
      const photo = await database.db.selectFrom('photos').selectAll().executeTakeFirstOrThrow()
      const [id, at] = [newId(), new Date().toISOString()]
      await database.write(async (db) => {
        await db
          .insertInto('captures')
          .values({ ...capture, id })
          .execute()
        await db.updateTable('photos').set({ capture_id: id }).where('id', '=', photo.id).execute()
        const about = { session_id: photo.session_id, photo_id: photo.id, capture_id: null, is_open: 0 }
        await db
          .insertInto('extractions')
          .values({ ...about, id: newId(), error: 'the print is blurred', created_at: at, done_at: at })
          .execute()
      })
    } finally {
      await database.close()
    }
  }
  const readings = async () => {
    const database = await openDatabase(join(kiosk.folder, 'backend', 'backend.sqlite'), silentLog)
    try {
      return (await database.db.selectFrom('extractions').select('id').execute()).length
    } finally {
      await database.close()
    }
  }
  const field = (name: string) => page.getByRole('heading', { name, level: 2, exact: true })
  const key = (name: string) => pressKey(page, name)

  it('takes a product from proposal to record by keys alone, one key for each clear field', async () => {
    await photograph()
    await page.keyboard.press('Alt+Digit7')
    // What contradicts itself comes first.
    await field('Nutrition per 100 g or ml').waitFor()
    await page.getByText('kJ and kcal contradict each other').waitFor()
    await page.locator('.review-crop').waitFor()
    await page.getByText('Take it again, near and flat').waitFor()
    await page.getByText('the image ends too early').waitFor()
    const shown = page.getByAltText('Photo 1 that could not be read')
    await expect.poll(() => shown.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0)
    await mkdir(pictures, { recursive: true })
    await look(page, `${pictures}/review`)
    // The photo is left as it is; what it was to say is decided below.
    await key('x')
    await page.getByText('Take it again, near and flat').waitFor({ state: 'detached' })
    await key('l')
    await page.getByRole('dialog', { name: 'What waits, the costliest first' }).waitFor()
    await glance(page, `${pictures}/waiting`)
    await key('Escape')
    await key('p')
    await page.getByRole('heading', { name: 'Paused' }).waitFor()
    await glance(page, `${pictures}/paused`)
    await pressOn(page.getByRole('button', { name: 'Go on' }), 'Enter')
    await field('Nutrition per 100 g or ml').waitFor()

    await key('ArrowLeft')
    await field('Brand').waitFor()
    await page.screenshot({ path: `${pictures}/alternatives.png` })
    await key('ArrowRight')
    await field('Ingredients').waitFor()
    await key('Backspace')
    await field('Brand').waitFor()
    await key('Home')
    await key('ArrowRight')
    await field('Ingredients').waitFor()
    await page.screenshot({ path: `${pictures}/ingredients.png` })
    await key('F2')
    await page.getByLabel('Your value instead').fill('water, sugar, wheat flour, cocoa butter')
    await page.keyboard.press('Enter')
    await field('Name').waitFor()
    await key('ArrowRight')
    await field('Certifications').waitFor()
    await key('ArrowRight')
    await field('Description').waitFor()
    await key('PageDown')
    await page.getByText('6 of 6 fields decided').waitFor()
    await key('F3')
    await page.screenshot({ path: `${pictures}/zoom.png` })
    await key('Escape')
    await key('End')
    await page.getByText('in the product').first().waitFor()
    await page.screenshot({ path: `${pictures}/applied.png` })
    expect(await product()).toMatchObject({
      product_name: 'Cocoa spread',
      brand: 'Ink & Well',
      ingredients: 'water, sugar, wheat flour, cocoa butter',
      description: 'A spread of cocoa and nuts.',
      certifications: 'organic, fairtrade',
      nutrition_per_100: '',
    })

    // A value that was confirmed comes back among the others, and the answer to it says so.
    await callAsAnotherWindow(page, 'settings.change', { review: { probeShare: 0.2 } })
    await page.keyboard.press('Alt+Digit1')
    await page.keyboard.press('Alt+Digit7')
    await page.getByText('0 of 1 fields decided').waitFor()
    await page.getByText('1 value in 1 product').waitFor()
    await glance(page, `${pictures}/known-value`)
    await key('ArrowRight')
    await page.getByText('That was a known value, mixed in to check').waitFor()
    await page.getByText(/^Precision: [01] of 1 known value/).waitFor()
    await glance(page, `${pictures}/known-value-answered`)
    expect(await product()).toMatchObject({ product_name: 'Cocoa spread', brand: 'Ink & Well' })

    // A product of which nothing was read is seen too, and its photo is read again at one touch.
    await callAsAnotherWindow(page, 'settings.change', { review: { probeShare: 0 } })
    await showUnread()
    await page.getByRole('heading', { name: 'Nothing was read' }).waitFor()
    const whole = page.getByAltText('Photo 1 that could not be read')
    await expect.poll(() => whole.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0)
    await look(page, `${pictures}/nothing-read`)
    await page.getByRole('button', { name: 'Read again' }).click()
    await page.getByText('Nothing waits for review').waitFor()
    await expect.poll(readings).toBe(3)
    expect(await kiosk.violations()).toEqual([])
  })
})
