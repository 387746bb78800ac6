import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import { drawLabel } from '../label-image.ts'
import { openKiosk } from './kiosk.ts'
import type { Kiosk } from './kiosk.ts'

const found = findChromium(process.env)

describe.skipIf('missing' in found)('photos from files (skipped where no Chromium is found)', () => {
  let kiosk: Kiosk

  beforeAll(async () => {
    kiosk = await openKiosk({
      chromiumPath: 'path' in found ? found.path : '',
      catalogue: 'gtin,product_name,brand\n',
    })
  })
  afterAll(() => kiosk?.close())

  it('says of a blurred photo that it is saved, cannot be read, and what to do about it, and not so of a good one', async () => {
    const { page } = kiosk
    const label = await drawLabel({ letterPixels: 28 }).png().toBuffer()
    const hand = async (name: string, buffer: Buffer) =>
      page.locator('.photo-intake input[type=file]').setInputFiles({ name, mimeType: 'image/jpeg', buffer })
    await page.getByText('Photos', { exact: true }).click()
    await page.getByRole('button', { name: 'Start session' }).click()

    await hand('blurred.jpg', await sharp(label).blur(7).jpeg().toBuffer())
    const verdict = page.locator('.photo-verdict')
    await verdict.waitFor()
    await expect.poll(() => verdict.textContent()).toContain('Saved, but it cannot be read. Take it again.')
    expect(await verdict.getByRole('listitem').allTextContents()).toContain(
      "Blurred: hold still, and wait until the camera's picture is sharp.",
    )

    await hand('good.jpg', await sharp(label).jpeg().toBuffer())
    await expect.poll(() => verdict.textContent(), { timeout: 60_000 }).toContain('100 % of the print is legible')
    expect(await verdict.textContent()).not.toContain('Blurred')
    expect(await kiosk.violations()).toEqual([])
  })
})
