import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import sharp from 'sharp'
import { drawText } from '../label-image.ts'
import { makePictureVideo } from './desk-video.ts'
import { openKiosk, type Kiosk } from './kiosk.ts'
import { look } from './look.ts'

const pen = '4006381333931'
const cake = '5901234123457'
const catalogue = `gtin,product_name,brand
${pen},Cocoa cream,Inkwell
${cake},Ice cream,
`
/** A photograph of a real label, where the shared pictures are: its ingredients and nutrition are printed on it. */
const real = fileURLToPath(new URL('../../../shared/vision/data/el_01.jpg', import.meta.url))
const printed = ['INGREDIENTS', 'WATER SUGAR', 'WHEAT FLOUR COCOA', 'MADE IN SPAIN', '250 G']
const catalogueApi = '/products/api/v1/products'
const found = findChromium(process.env)
const pictures = 'test-results/shoot'

describe.skipIf('missing' in found)('the shooting desk (skipped where no Chromium is found)', () => {
  let folder: string
  let kiosk: Kiosk
  let page: Page

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'capstan-desk-'))
    const video = join(folder, 'label.y4m')
    const label = existsSync(real) ? sharp(real) : await drawText(printed, 28)
    await makePictureVideo(label, video)
    await Promise.all(['tethered', 'scanner'].map((name) => mkdir(join(folder, name))))
    kiosk = await openKiosk({
      chromiumPath: 'path' in found ? found.path : '',
      catalogue,
      browserArgs: [
        '--use-fake-ui-for-media-stream',
        '--use-fake-device-for-media-stream',
        `--use-file-for-fake-video-capture=${video}`,
      ],
    })
    page = kiosk.page
    await mkdir(pictures, { recursive: true })
  })
  afterAll(async () => {
    await kiosk?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const key = async (name: string) => {
    // A bare key is a person's only after the silence of `ui/quiet-keys.ts`.
    await page.waitForTimeout(350)
    await page.keyboard.press(name)
  }

  it('opens a product by its code, shoots, and says what is missing', async () => {
    await page.getByRole('button', { name: 'Start session' }).waitFor()
    await page.keyboard.press('Alt+Digit8')
    await page.getByRole('heading', { name: 'Photograph products' }).waitFor()
    await look(page, `${pictures}/empty`)
    await kiosk.scan(pen)
    await page.getByRole('heading', { name: 'Cocoa cream' }).waitFor()
    await page.getByRole('button', { name: 'Shoot: Front' }).waitFor()
    await key('PageDown')
    await page.getByRole('button', { name: 'Shoot: Back' }).waitFor({ timeout: 60_000 })
    await page
      .getByRole('list', { name: 'Photos of this product' })
      .getByText('at the server')
      .waitFor({ timeout: 60_000 })
    await look(page, `${pictures}/open`)
    // Deleted, brought back by one key, and deleted again: what is left without a photo is nothing to review.
    const views = page.getByRole('navigation', { name: 'Views of this product' })
    await key('Delete')
    await views.getByRole('button', { name: /^Front.*missing/ }).waitFor()
    await key('Backspace')
    await views.getByRole('button', { name: /^Front.*(there|look at it)/ }).waitFor()
    await key('Delete')
    await views.getByRole('button', { name: /^Front.*missing/ }).waitFor()
    await key('F4')
    await page.getByRole('heading', { name: 'Shot lists and keys' }).waitFor()
    await look(page, `${pictures}/lists`)
    await page.getByRole('button', { name: 'Learn another key' }).click()
    await key('F9')
    await key('Escape')
    await page.getByRole('button', { name: 'Shoot: Front' }).getByText('F9').waitFor()
    expect(await kiosk.violations()).toEqual([])
  })

  it('takes a product from its code to its record: a camera, two folders, the reading of the labels, and keys alone', async () => {
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
    await kiosk.scan(cake)
    await page.getByRole('heading', { name: 'Ice cream' }).waitFor()
    const views = page.getByRole('navigation', { name: 'Views of this product' })
    const there = (view: string) => views.getByRole('button', { name: new RegExp(`^${view}.*(there|look at it)`) })

    const cap = await page.getByRole('button', { name: 'Shoot: Front' }).locator('kbd').textContent()
    await key(cap === 'PgDn' ? 'PageDown' : (cap ?? ''))
    await there('Front').waitFor({ timeout: 90_000 })
    const jpeg = async (lines: readonly string[], to: string) => {
      const drawn = await (await drawText(lines, 28)).jpeg().toBuffer()
      await sharp(drawn).toFile(join(folder, `${to}.part`))
      await copyFile(join(folder, `${to}.part`), join(folder, to))
    }
    await jpeg(['BEST BEFORE SEE LID', 'KEEP COLD', 'MADE IN SPAIN'], 'tethered/one.jpg')
    await jpeg(printed, 'scanner/one.jpg')
    await there('Back').waitFor({ timeout: 90_000 })
    await there('Ingredients').waitFor({ timeout: 90_000 })
    await page.screenshot({ path: `${pictures}/three-roads.png` })

    await key('End')
    await page.getByText('Press End again to submit all the same').waitFor()
    await key('End')
    await page.getByText('Ice cream is submitted').waitFor()
    await page.screenshot({ path: `${pictures}/submitted.png` })

    await page.keyboard.press('Alt+Digit7')
    await page.getByRole('heading', { name: 'Ice cream' }).waitFor({ timeout: 240_000 })
    // Photos are read one after another; the content stands on the last one.
    const fields = page.getByRole('navigation', { name: 'Fields of this product' })
    await fields.getByText('Net content').waitFor({ timeout: 240_000 })
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
    await key('End')
    await page.getByText('in the product').first().waitFor({ timeout: 60_000 })
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
    expect(await kiosk.violations()).toEqual([])
  }, 600_000)
})
