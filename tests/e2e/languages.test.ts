import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import { openKiosk } from './kiosk.ts'
import type { Kiosk } from './kiosk.ts'
import { expectAccessible } from './look.ts'

const found = findChromium(process.env)
const pictures = 'test-results/languages'

/** What the rail, the settings and a plural say in each language. */
const languages = [
  ['fr', 'Français', 'Réglages', 'Lecture'],
  ['de', 'Deutsch', 'Einstellungen', 'Scannen'],
  ['es', 'Español', 'Ajustes', 'Lectura'],
  ['it', 'Italiano', 'Impostazioni', 'Lettura'],
  ['nl', 'Nederlands', 'Instellingen', 'Scannen'],
  ['en', 'English', 'Settings', 'Scan'],
] as const

describe.skipIf('missing' in found)('the language of the window (skipped where no Chromium is found)', () => {
  let kiosk: Kiosk
  let page: Page

  beforeAll(async () => {
    kiosk = await openKiosk({ chromiumPath: 'path' in found ? found.path : '', catalogue: 'gtin,product_name,brand\n' })
    page = kiosk.page
    await page.getByText('Ready to start').waitFor()
    await mkdir(pictures, { recursive: true })
  })
  afterAll(() => kiosk.close())

  it.each(languages)('speaks %s as soon as it is chosen, on every screen', async (code, own, settings, scan) => {
    await page.keyboard.press('Alt+5')
    await page.locator('select:has(option[value="en"])').selectOption({ label: own })
    await page.getByRole('heading', { level: 1, name: settings }).waitFor()
    expect(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir])).toEqual([
      code,
      'ltr',
    ])
    for (const [size, viewport] of [
      ['wide', { width: 1280, height: 800 }],
      ['portrait', { width: 1080, height: 1920 }],
    ] as const) {
      await page.setViewportSize(viewport)
      for (const [key, screen, place] of [
        ['Alt+5', settings, page.getByRole('heading', { level: 1, name: settings })],
        ['Alt+1', scan, page.getByRole('navigation').getByText(scan, { exact: true })],
      ] as const) {
        await page.keyboard.press(key)
        await place.waitFor()
        await page.screenshot({ path: join(pictures, `${code}-${screen}-${size}.png`) })
        const beyond = await page.evaluate(() => [
          document.documentElement.scrollWidth - window.innerWidth,
          document.documentElement.scrollHeight - window.innerHeight,
        ])
        expect(Math.max(...beyond), `${screen} runs out of the ${size} window`).toBeLessThanOrEqual(0)
      }
    }
    await expectAccessible(page, 'right to left')
  })
})
