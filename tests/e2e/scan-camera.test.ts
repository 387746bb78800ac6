import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import { makeFakeVideo } from './fake-video.ts'
import { openKiosk } from './kiosk.ts'
import type { Kiosk } from './kiosk.ts'

const ean = { format: 'EAN13', text: '4006381333931' } as const
const link = { format: 'QRCode', text: 'https://id.gs1.org/01/09506000134352/10/ABC123?17=271231' } as const
const catalogue = `gtin,product_name,brand
${ean.text},Yellow highlighter,Inkwell
09506000134352,Dark chocolate,Quai
`

const found = findChromium(process.env)

describe.skipIf('missing' in found)('scanning by camera (skipped where no Chromium is found)', () => {
  let folder: string
  let kiosk: Kiosk

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'capstan-video-'))
    const video = join(folder, 'codes.y4m')
    await makeFakeVideo({ codes: [ean, link], path: video })
    kiosk = await openKiosk({
      chromiumPath: 'path' in found ? found.path : '',
      catalogue,
      browserArgs: [
        '--use-fake-ui-for-media-stream',
        '--use-fake-device-for-media-stream',
        `--use-file-for-fake-video-capture=${video}`,
      ],
    })
  })
  afterAll(async () => {
    await kiosk?.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('saves both codes in view once, sends them, looks them up, and takes a photo of them', async () => {
    const { page } = kiosk
    await page.getByText('Both', { exact: true }).click()
    await page.getByRole('button', { name: 'Start session' }).click()
    await page.getByRole('button', { name: /^Camera/ }).click()
    const rows = page.getByRole('region', { name: 'Scans' }).getByRole('listitem')
    await rows.getByText('Yellow highlighter').waitFor()
    await rows.getByText('Dark chocolate').waitFor()
    await expect.poll(async () => (await rows.allInnerTexts()).filter((text) => text.includes('Found')).length).toBe(2)
    // Dozens of frames later they are still the same two.
    await page.waitForTimeout(3_000)
    expect(await rows.count()).toBe(2)
    await page.screenshot({ path: 'test-results/scan/camera.png' })
    await page.getByRole('button', { name: 'Take photo' }).click()
    await expect.poll(() => rows.locator('img').count(), { timeout: 60_000 }).toBeGreaterThan(0)
    await page.getByRole('banner').getByText('Camera').waitFor()
    expect(await kiosk.violations()).toEqual([])
  })

  it('stops taking photos, and says why and what to do, when their room is used up; scans go on', async () => {
    const { page } = kiosk
    const allow = async (megabytes: string) => {
      await page.keyboard.press('Alt+5')
      await page.getByLabel('Most space for photos, in megabytes; 0 for no limit').fill(megabytes)
      await page.keyboard.press('Alt+1')
      // It is off when one comes back.
      await page.getByRole('button', { name: /^Camera/ }).click()
    }
    const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const
    const photo = await sharp({ create: { width: 1_600, height: 1_200, channels: 3, background: '#888', noise } })
      .jpeg({ quality: 95 })
      .toBuffer()
    expect(photo.length).toBeGreaterThan(1_000_000)
    const shutter = page.getByRole('button', { name: 'Take photo' })
    const files = page.locator('.photo-intake button.button')
    const sentences = page.getByText('No photos now: the room for them is used up.')
    await expect.poll(() => shutter.isEnabled(), { timeout: 30_000 }).toBe(true)
    await page
      .locator('.photo-intake input[type=file]')
      .setInputFiles({ name: 'large.jpg', mimeType: 'image/jpeg', buffer: photo })
    await page.locator('.photo-verdict').first().waitFor()
    // The verdict may be of the photo before: this one is there when it is in the list.
    await page.getByRole('region', { name: 'Scans' }).getByText('Photo', { exact: true }).waitFor()
    expect(await sentences.count()).toBe(0)

    await allow('1')
    // At the shutter and where files are dropped.
    await expect.poll(() => sentences.count(), { timeout: 30_000 }).toBe(2)
    expect([await shutter.isEnabled(), await files.isEnabled()]).toEqual([false, false])
    await page.screenshot({ path: 'test-results/scan/no-photos.png' })
    await kiosk.scan('STILL-SAVED')
    await page.getByRole('region', { name: 'Scans' }).getByText('STILL-SAVED').first().waitFor()

    await allow('0')
    await expect.poll(() => sentences.count(), { timeout: 30_000 }).toBe(0)
    await expect.poll(() => shutter.isEnabled(), { timeout: 30_000 }).toBe(true)
    expect(await kiosk.violations()).toEqual([])
  })

  it('reads only what its session looks for', async () => {
    const { page } = kiosk
    await page.getByRole('button', { name: 'End session' }).click()
    await page.getByRole('button', { name: 'End it' }).click()
    await page.getByRole('button', { name: 'New session' }).click()
    await page.getByLabel('Cameras and photos read').selectOption({ label: 'Retail only: EAN, UPC' })
    await page.screenshot({ path: 'test-results/scan/formats.png' })
    await page.getByRole('button', { name: 'Start session' }).click()
    await page.getByRole('button', { name: /^Camera/ }).click()
    const rows = page.getByRole('region', { name: 'Scans' }).getByRole('listitem')
    await rows.getByText('Yellow highlighter').waitFor()
    // Both codes are in each of the dozens of frames that follow.
    await page.waitForTimeout(3_000)
    expect(await rows.allInnerTexts()).toEqual([expect.stringContaining('Yellow highlighter')])
  })
})
