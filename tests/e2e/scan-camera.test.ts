import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
    await rows.getByText('Yellow highlighter').waitFor({ timeout: 60_000 })
    await rows.getByText('Dark chocolate').waitFor({ timeout: 60_000 })
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
    await rows.getByText('Yellow highlighter').waitFor({ timeout: 60_000 })
    // Both codes are in each of the dozens of frames that follow.
    await page.waitForTimeout(3_000)
    expect(await rows.count()).toBe(1)
  })
})
