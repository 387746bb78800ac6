import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import { openStaffFile } from '#station/index.ts'
import { openKiosk } from './kiosk.ts'
import type { Kiosk } from './kiosk.ts'

const found = findChromium(process.env)
const pictures = 'test-results/staff'

describe.skipIf('missing' in found)('the door for staff (skipped where no Chromium is found)', () => {
  let kiosk: Kiosk
  let page: Page

  beforeAll(async () => {
    kiosk = await openKiosk({ chromiumPath: 'path' in found ? found.path : '', catalogue: 'gtin,product_name,brand\n' })
    page = kiosk.page
    await mkdir(pictures, { recursive: true })
  })
  afterAll(() => kiosk.close())

  const pad = () => page.getByRole('dialog')
  const touch = async (pin: string) => {
    for (const digit of pin) await pad().getByRole('button', { name: digit, exact: true }).click()
  }
  const name = () => page.getByLabel('Name of this station')

  it('asks for the first PIN, twice, and works without it until then', async () => {
    await page.getByText('No PIN is set').waitFor()
    await page.screenshot({ path: join(pictures, 'first-use.png') })
    await page.getByRole('button', { name: 'Set a PIN' }).click()
    await pad().getByLabel('Your name').fill('Kim')
    await touch('739184')
    await page.screenshot({ path: join(pictures, 'first-pin.png') })
    const { violations } = await new AxeBuilder({ page }).include('dialog').analyze()
    expect(violations.map(({ id }) => id)).toEqual([])
    await pad().getByRole('button', { name: 'Next' }).click()
    await touch('739185')
    await pad().getByRole('button', { name: 'Set it' }).click()
    await pad().getByText('not the same').waitFor()
    for (const label of ['Next', 'Set it']) {
      await touch('739184')
      await pad().getByRole('button', { name: label }).click()
    }
    await page.getByText('No PIN is set').waitFor({ state: 'detached' })
  })

  it('asks when something is for staff, counts what is wrong and goes on with what was begun', async () => {
    await page.keyboard.press('Alt+5')
    await name().fill('Dock 3')
    await name().press('Enter')
    await pad().getByText('Change settings').waitFor()
    await page.keyboard.type('111222', { delay: 120 })
    await page.keyboard.press('Enter')
    await pad().getByText('Nobody has this PIN').waitFor()
    await page.screenshot({ path: join(pictures, 'wrong.png') })
    await touch('739184')
    await pad().getByRole('button', { name: 'Enter' }).click()
    await pad().waitFor({ state: 'detached' })
    await page.getByRole('banner').or(page.locator('body')).getByText('Dock 3').first().waitFor()
    // The grant lasts: nothing is asked for the next change.
    await name().fill('Dock 4')
    await name().press('Enter')
    await page.getByText('Dock 4').first().waitFor()
    expect(await pad().count()).toBe(0)
  })

  it('has keys of at least 64 pixels, in the lower half of a portrait kiosk', async () => {
    await page.reload()
    await page.setViewportSize({ width: 1080, height: 1920 })
    await page.keyboard.press('Alt+5')
    await name().fill('Dock 5')
    await name().press('Enter')
    await pad().waitFor()
    await page.screenshot({ path: join(pictures, 'portrait.png') })
    const boxes = await Promise.all(
      ['1', '5', '9', '0', 'Clear', 'Enter'].map((label) =>
        pad().getByRole('button', { name: label, exact: true }).boundingBox(),
      ),
    )
    for (const box of boxes) {
      expect(Math.min(Number(box?.width), Number(box?.height))).toBeGreaterThanOrEqual(64)
      expect(Number(box?.y)).toBeGreaterThan(960)
    }
  })

  it('opens by a badge that a keyboard scanner types, which nobody sees', async () => {
    const file = openStaffFile(join(kiosk.folder, 'station'))
    const [kim] = ((members) => (members.ok ? members.value : []))(file.members())
    const badge = await file.giveBadge(String(kim?.id))
    if (!badge.ok) throw new Error(badge.error.message)
    await kiosk.scan(badge.value)
    await pad().waitFor({ state: 'detached' })
    await page.getByText('Dock 5').first().waitFor()
    expect(await page.content()).not.toContain(badge.value)
    expect(await kiosk.violations()).toEqual([])
  })

  it('is left by Escape; what was begun is not done', async () => {
    await page.reload()
    await page.keyboard.press('Alt+5')
    await name().fill('Dock 6')
    await name().press('Enter')
    await pad().waitFor()
    await page.keyboard.press('Escape')
    await pad().waitFor({ state: 'detached' })
    await page.getByText('This is for staff').waitFor()
  })
})
