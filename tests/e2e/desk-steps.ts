import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { expect } from 'vitest'
import { drawText } from '../label-image.ts'
import { makePictureVideo } from './desk-video.ts'
import { pressKey } from './key-events.ts'

const cake = '5901234123457'
/** What the backend's catalogue has of the product; what is missing is read from its photos. */
export const cakeInCatalogue = `${cake},Ice cream,\n`
/** A photograph of a real label, where the shared pictures are: its ingredients and nutrition are printed on it. */
const real = fileURLToPath(new URL('../../../shared/vision/data/el_01.jpg', import.meta.url))
const printed = ['INGREDIENTS', 'WATER SUGAR', 'WHEAT FLOUR COCOA', 'MADE IN SPAIN', '250 G']
const catalogueApi = '/products/api/v1/products'

/** A desk as either host has it. */
export interface DeskKiosk {
  readonly page: Page
  readonly scan: (...codes: readonly string[]) => Promise<void>
  readonly backend: { readonly url: string; readonly apiKey: string }
}

/** What stands before the desk: the label in front of its camera (`video`, for Chromium), and two folders to watch. */
export async function prepareDesk(): Promise<{ readonly folder: string; readonly video: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'capstan-desk-'))
  const video = join(folder, 'label.y4m')
  await makePictureVideo(existsSync(real) ? sharp(real) : await drawText(printed, 28), video)
  await Promise.all(['tethered', 'scanner'].map((name) => mkdir(join(folder, name))))
  return { folder, video }
}

/** The key that shoots now, by its cap. */
export async function shootKey(page: Page): Promise<string> {
  const cap = await page
    .getByRole('button', { name: /^Shoot: / })
    .locator('kbd')
    .textContent()
  return cap === 'PgDn' ? 'PageDown' : (cap ?? '')
}

/**
 * Takes a product from its code to its record: one photo by the camera, one by each of the two folders in `folder`, the
 * reading of the labels, and a review by keys alone. Afterwards its record is right, and its history says why.
 */
export async function takeToRecord(kiosk: DeskKiosk, folder: string, pictures: string): Promise<void> {
  const { page } = kiosk
  const watch = async (name: string, role: string) => {
    const path = join(folder, name)
    await page.getByLabel('Folder to watch').fill(path)
    await page.getByRole('button', { name: 'Watch it', exact: true }).click()
    await page.getByRole('listitem', { name: path }).getByLabel('What it sees').selectOption(role)
  }
  await page.getByRole('navigation', { name: 'Screens' }).waitFor()
  await page.keyboard.press('Alt+Digit5')
  await watch('tethered', 'back')
  await watch('scanner', 'ingredients')
  await page.keyboard.press('Alt+Digit8')
  // Another product may be open there still: a scan opens the next one.
  await page.locator('.shoot').waitFor()
  await kiosk.scan(cake)
  await page.getByRole('heading', { name: 'Ice cream' }).waitFor()
  const views = page.getByRole('navigation', { name: 'Views of this product' })
  const there = (view: string) => views.getByRole('button', { name: new RegExp(`^${view}.*(there|look at it)`) })

  await pressKey(page, await shootKey(page))
  await there('Front').waitFor({ timeout: 240_000 })
  const jpeg = async (lines: readonly string[], to: string) => {
    const drawn = await (await drawText(lines, 28)).jpeg().toBuffer()
    await sharp(drawn).toFile(join(folder, `${to}.part`))
    await copyFile(join(folder, `${to}.part`), join(folder, to))
  }
  await jpeg(['BEST BEFORE SEE LID', 'KEEP COLD', 'MADE IN SPAIN'], 'tethered/one.jpg')
  await jpeg(printed, 'scanner/one.jpg')
  await there('Back').waitFor({ timeout: 240_000 })
  await there('Ingredients').waitFor({ timeout: 240_000 })
  await page.screenshot({ path: `${pictures}/three-roads.png` })

  await pressKey(page, 'End')
  await page.getByText('Press End again to submit all the same').waitFor()
  await pressKey(page, 'End')
  await page.getByText('Ice cream is submitted').waitFor()
  await page.screenshot({ path: `${pictures}/submitted.png` })

  await page.keyboard.press('Alt+Digit7')
  await page.getByRole('heading', { name: 'Ice cream' }).waitFor({ timeout: 900_000 })
  // Photos are read one after another; the content stands on the last one.
  const fields = page.getByRole('navigation', { name: 'Fields of this product' })
  await fields.getByText('Net content').waitFor({ timeout: 900_000 })
  const decided = page.getByText(/^\d+ of \d+ fields decided$/)
  await expect
    .poll(
      async () => {
        const [done, total] = ((await decided.textContent()) ?? '').match(/\d+/g) ?? []
        if (done !== total) await page.keyboard.press('ArrowRight')
        return done === total
      },
      { timeout: 60_000, interval: 400 },
    )
    .toBe(true)
  await pressKey(page, 'End')
  await page.getByText('in the product').first().waitFor()
  await page.screenshot({ path: `${pictures}/applied.png` })

  const get = async (path: string) => {
    const { url, apiKey } = kiosk.backend
    return (await (await fetch(url + path, { headers: { 'x-api-key': apiKey } })).json()) as {
      readonly data: readonly Record<string, unknown>[]
    }
  }
  const { data: products } = await get(`${catalogueApi}?gtin=0${cake}`)
  expect(products[0]).toMatchObject({ net_content: '250 g', ingredients: expect.stringMatching(/SUGAR/i) as string })
  const { data: changes } = await get(`${catalogueApi}/0${cake}/history`)
  const applied = changes.find(({ action }) => action === 'apply')
  // Who, from which capture, and by which proposal, which has its photo and its reasoning.
  expect(applied).toMatchObject({
    actor: expect.stringMatching(/./) as string,
    capture_short_id: expect.any(String) as string,
    fields: expect.arrayContaining([
      expect.objectContaining({ field: 'net_content', to: '250 g', proposal_id: expect.any(String) as string }),
    ]) as unknown,
  })
}
