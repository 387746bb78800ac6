import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const sizes = { small: [1280, 800], large: [1920, 1080], upright: [1080, 1920] } as const

/**
 * Looks at a screen in three sizes, light and dark, and leaves a picture of each at `path-SIZE-THEME.png`: axe has nothing
 * to say, and nothing runs out of the window. The window is as large as before afterwards.
 */
export async function look(page: Page, path: string): Promise<void> {
  for (const size of ['small', 'large', 'upright'] as const)
    for (const theme of ['light', 'dark'] as const) await see(page, path, size, theme)
  await resize(page, 'small')
}

/** Looks at a screen that differs little from another that was looked at in all sizes: in the two least alike of them. */
export async function glance(page: Page, path: string): Promise<void> {
  await see(page, path, 'upright', 'light')
  await see(page, path, 'small', 'dark')
}

async function see(page: Page, path: string, size: keyof typeof sizes, theme: 'light' | 'dark'): Promise<void> {
  const name = `${path}-${sizes[size].join('x')}-${theme}`
  await resize(page, size)
  await page.evaluate((to) => (document.documentElement.dataset['theme'] = to), theme)
  await stands(page)
  await page.screenshot({ path: `${name}.png` })
  await expectAccessible(page, name)
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
}

/** Waits until what moves has come to rest: an axe in the midst of a fade sees colours that nobody reads. */
function stands(page: Page): Promise<void> {
  return page.evaluate(async () => {
    for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame)
    const ending = document
      .getAnimations()
      .filter(({ effect }) => Number(effect?.getComputedTiming().endTime) < Number.POSITIVE_INFINITY)
    await Promise.allSettled(ending.map(({ finished }) => finished))
  })
}

async function resize(page: Page, size: keyof typeof sizes): Promise<void> {
  const [width, height] = sizes[size]
  await page.setViewportSize({ width, height })
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
