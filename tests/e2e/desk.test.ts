import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import { drawLabel } from '../label-image.ts'
import { makePictureVideo } from './desk-video.ts'
import { openKiosk, type Kiosk } from './kiosk.ts'

const pen = '4006381333931'
const catalogue = `gtin,product_name,brand,net_content
${pen},Cocoa cream,Inkwell,400 g
`
const found = findChromium(process.env)
const pictures = 'test-results/shoot'

describe.skipIf('missing' in found)('the shooting desk (skipped where no Chromium is found)', () => {
  let folder: string
  let kiosk: Kiosk
  let page: Page

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'capstan-desk-'))
    const video = join(folder, 'label.y4m')
    await makePictureVideo(drawLabel({ width: 1280, height: 960 }), video)
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

  /** Looks at the screen in its sizes, light and dark, and has axe look too. */
  const look = async (name: string) => {
    for (const [size, width, height] of [
      ['1280x800', 1280, 800],
      ['1920x1080', 1920, 1080],
      ['1080x1920', 1080, 1920],
    ] as const) {
      await page.setViewportSize({ width, height })
      for (const theme of ['light', 'dark'] as const) {
        await page.evaluate((to) => (document.documentElement.dataset['theme'] = to), theme)
        await page.waitForTimeout(200)
        await page.screenshot({ path: `${pictures}/${name}-${size}-${theme}.png` })
      }
      const { violations } = await new AxeBuilder({ page }).analyze()
      expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    }
    await page.setViewportSize({ width: 1280, height: 800 })
  }
  const key = async (name: string) => {
    await page.waitForTimeout(150)
    await page.keyboard.press(name)
  }

  it('opens a product by its code, shoots, and says what is missing', async () => {
    await page.getByRole('button', { name: 'Start session' }).waitFor()
    await page.keyboard.press('Alt+Digit8')
    await page.getByRole('heading', { name: 'Photograph products' }).waitFor()
    await look('empty')
    await kiosk.scan(pen)
    await page.getByRole('heading', { name: 'Cocoa cream' }).waitFor()
    await page.getByRole('button', { name: 'Shoot: Front' }).waitFor()
    await key('PageDown')
    await page.getByRole('button', { name: 'Shoot: Back' }).waitFor({ timeout: 60_000 })
    await page
      .getByRole('list', { name: 'Photos of this product' })
      .getByText('at the server')
      .waitFor({ timeout: 60_000 })
    await look('open')
    expect(await kiosk.violations()).toEqual([])
  })
})
