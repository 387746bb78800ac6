import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

/**
 * Looks at a screen in three sizes, light and dark, and leaves a picture of each at `path-SIZE-THEME.png`: axe has nothing
 * to say, and nothing runs out of the window. The window is as large as before afterwards.
 */
export async function look(page: Page, path: string): Promise<void> {
  for (const [size, width, height] of [
    ['1280x800', 1280, 800],
    ['1920x1080', 1920, 1080],
    ['1080x1920', 1080, 1920],
  ] as const) {
    await page.setViewportSize({ width, height })
    for (const theme of ['light', 'dark'] as const) {
      await page.evaluate((to) => (document.documentElement.dataset['theme'] = to), theme)
      await page.waitForTimeout(200)
      await glance(page, `${path}-${size}-${theme}`)
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 })
}

/** Looks at a screen as it is: for one that differs little from another that was looked at in all sizes. */
export async function glance(page: Page, path: string): Promise<void> {
  await page.screenshot({ path: `${path}.png` })
  await expectAccessible(page, path)
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
}

/**
 * Axe has nothing to say of the page, or of what `within` selects there. A page has no frames of elsewhere, so axe need not
 * finish in a page of its own, which takes four times as long as the looking.
 */
export async function expectAccessible(page: Page, name: string, within?: string): Promise<void> {
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] })
  const { violations } = await (within === undefined ? axe : axe.include(within)).analyze()
  expect(violations.map(({ id, nodes }) => `${name}: ${id} ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([])
}
