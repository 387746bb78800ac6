import { mkdir, readFile, rm } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import { cakeInCatalogue, prepareDesk, takeToRecord } from './desk-steps.ts'
import { pressKey } from './key-events.ts'
import { openKiosk, type Kiosk } from './kiosk.ts'
import { glance, look } from './look.ts'

const pen = '4006381333931'
const catalogue = `gtin,product_name,brand\n${pen},Cocoa cream,Inkwell\n${cakeInCatalogue}`
const found = findChromium(process.env)
const pictures = 'test-results/shoot'

describe.skipIf('missing' in found)('the shooting desk (skipped where no Chromium is found)', () => {
  let folder: string
  let kiosk: Kiosk
  let page: Page

  beforeAll(async () => {
    const desk = await prepareDesk()
    folder = desk.folder
    kiosk = await openKiosk({
      chromiumPath: 'path' in found ? found.path : '',
      catalogue,
      browserArgs: [
        '--use-fake-ui-for-media-stream',
        '--use-fake-device-for-media-stream',
        `--use-file-for-fake-video-capture=${desk.video}`,
      ],
    })
    page = kiosk.page
    await mkdir(pictures, { recursive: true })
  })
  afterAll(async () => {
    await kiosk?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const key = (name: string) => pressKey(page, name)

  it('opens a product by its code, shoots, and says what is missing', async () => {
    await page.getByRole('button', { name: 'Start session' }).waitFor()
    await page.keyboard.press('Alt+Digit8')
    await page.getByRole('heading', { name: 'Photograph products' }).waitFor()
    await look(page, `${pictures}/empty`)
    await kiosk.scan(pen)
    await page.getByRole('heading', { name: 'Cocoa cream' }).waitFor()
    await page.getByRole('button', { name: 'Shoot: Front' }).waitFor()
    await key('PageDown')
    await page.getByRole('button', { name: 'Shoot: Back' }).waitFor()
    await page.getByRole('list', { name: 'Photos of this product' }).getByText('at the server').waitFor()
    await look(page, `${pictures}/open`)
    // One pixel of the photo for one of the screen, and another part of it by a key.
    await key('F3')
    const part = page.getByRole('dialog').getByRole('img')
    await expect
      .poll(() => part.evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth === image.width))
      .toBe(true)
    const before = await part.getAttribute('src')
    await key('ArrowDown')
    await expect.poll(() => part.getAttribute('src')).not.toBe(before)
    await key('Escape')
    await part.waitFor({ state: 'detached' })
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
    const read = async (views: readonly object[]) => {
      const [chooser] = await Promise.all([
        page.waitForEvent('filechooser'),
        page.getByRole('button', { name: 'Read from a file' }).click(),
      ])
      const lists = { format: 'capstan-shot-lists', version: 1, lists: [{ id: 'tea', name: 'Tea', views }] }
      const buffer = Buffer.from(JSON.stringify(lists))
      await chooser.setFiles({ name: 'lists.json', mimeType: 'application/json', buffer })
    }
    await read([{ view: 'bottom of the bag' }])
    await page.getByText('This file is not one of shot lists').waitFor()
    await read([{ view: 'front' }, { view: 'ingredients', expects: ['print'] }])
    await page.getByText('1 list was read.').waitFor()
    await page.getByRole('option', { name: 'Tea' }).waitFor({ state: 'attached' })
    // What is saved can be read again: it holds the list that has just been read.
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as a file' }).click(),
    ])
    expect(JSON.parse(await readFile(await saved.path(), 'utf8'))).toMatchObject({
      format: 'capstan-shot-lists',
      lists: expect.arrayContaining([expect.objectContaining({ id: 'tea', name: 'Tea' })]) as unknown,
    })
    await page.getByRole('button', { name: 'Lists as at the beginning' }).click()
    await page.getByRole('option', { name: 'Tea' }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Learn another key' }).click()
    await key('F3')
    await page.getByText('F3 does something else at the desk already.').waitFor()
    await page.getByRole('button', { name: 'Learn another key' }).click()
    await key('F9')
    await key('Escape')
    await page.getByRole('button', { name: 'Shoot: Front' }).getByText('F9').waitFor()
    // Who wants to scan meanwhile is told where the session is, and can end it.
    await page.keyboard.press('Alt+Digit1')
    await page.getByRole('heading', { name: 'Cocoa cream is being photographed' }).waitFor()
    await glance(page, `${pictures}/being-photographed`)
    await page.getByRole('button', { name: 'Leave the product' }).click()
    await page.getByRole('button', { name: 'Start session' }).waitFor()
    await page.keyboard.press('Alt+Digit8')
    await page.getByRole('listitem').filter({ hasText: 'Cocoa cream' }).getByText('not submitted').waitFor()
    await glance(page, `${pictures}/left`)
    expect(await kiosk.violations()).toEqual([])
  })

  it('takes a product from its code to its record: a camera, two folders, the reading of the labels, and keys alone', async () => {
    await takeToRecord(kiosk, folder, pictures)
    expect(await kiosk.violations()).toEqual([])
  }, 1_200_000)
})
