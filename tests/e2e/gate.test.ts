import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import { openKiosk } from './kiosk.ts'
import type { Kiosk } from './kiosk.ts'
import { allOdd, oddPasses, oddValues, scansOfTenant } from './odd-passes.ts'

const found = findChromium(process.env)
const pictures = 'test-results/gate'
const tenantKey = 'key-of-acme'
const passes = [
  'passId,value,status,entries',
  'good,0007-good,active,once',
  'barred,0008-barred,blocked,',
  'other,  0010 other ,active,once',
  ...oddPasses
    .split('\n')
    .slice(1)
    .map((row) => `${row},active,unlimited`),
].join('\n')

describe.skipIf('missing' in found)("the gate's screen (skipped where no Chromium is found)", () => {
  let kiosk: Kiosk
  let page: Page
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'capstan-gate-'))
    await writeFile(join(folder, 'passes.csv'), passes)
    await writeFile(join(folder, 'rules.json'), JSON.stringify({ '*': { graceMs: 0 } }))
    kiosk = await openKiosk({
      chromiumPath: 'path' in found ? found.path : '',
      catalogue: 'gtin,product_name,brand\n',
      backendArgs: [
        '--tenant',
        'acme',
        '--tenant-key',
        tenantKey,
        '--passes',
        join(folder, 'passes.csv'),
        '--gate-rules',
        join(folder, 'rules.json'),
      ],
    })
    page = kiosk.page
    await mkdir(pictures, { recursive: true })
    await page.getByRole('button', { name: 'Start session' }).waitFor()
  })
  afterEach(async () => {
    await kiosk.close()
    await rm(folder, { recursive: true, force: true })
  })

  const openGate = async (mode: 'Visitors alone' | 'Staff with visitors', asksFirst = true) => {
    await page.keyboard.press('Alt+6')
    await page.getByLabel('Name of the gate').fill('north')
    await page.getByRole('radio', { name: mode }).press('Space')
    await page.getByRole('button', { name: 'Open the gate' }).press('Enter')
    await face().waitFor()
    // Until the station has the list, it has nothing to decide by while it is cut off.
    if (asksFirst) await page.locator('[data-site="online"]').waitFor()
  }
  const face = () => page.locator('.gate-face')
  const shows = async (word: string, code: string) => {
    await page.locator(`[data-code="${code}"]`).waitFor()
    expect(await page.locator('.gate-word').textContent()).toBe(word)
  }
  /** In both shapes of a screen: a picture, no fault of accessibility, nothing wider than the screen. */
  const look = async (name: string) => {
    const shapes = [
      [1080, 1920],
      [1280, 800],
    ] as const
    // The pictures first: a verdict does not wait for what is checked.
    for (const [width, height] of shapes) {
      await page.setViewportSize({ width, height })
      await page.screenshot({ path: `${pictures}/${name}-${width}.png` })
      expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
    }
    const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21aa']).analyze()
    expect(violations.map(({ id, nodes }) => `${name}: ${id} ${nodes[0]?.html ?? ''}`)).toEqual([])
  }
  const scansAtTheTenant = async () => {
    const response = await fetch(`${kiosk.backend.url}/api/acme/scans`, { headers: { 'x-api-key': tenantKey } })
    return ((await response.json()) as { passId: string; data: string }[]).map(({ passId, data }) => [passId, data])
  }

  it('tells a visitor one word: in, used before with when and where, not in; and forgets it', async () => {
    await openGate('Visitors alone')
    await look('attract')
    expect(await page.getByRole('navigation').count()).toBe(0)
    await kiosk.scan('0007-good')
    await shows('Come in', 'admitted')
    await look('admitted')
    await kiosk.scan('0007-good')
    await shows('Used before', 'used')
    expect(await page.locator('.gate-before').textContent()).toMatch(/^Used at .+ at the gate north, by code\.$/)
    await look('used')
    await kiosk.scan('0008-barred')
    await shows('Blocked', 'blocked')
    await look('blocked')
    expect(await scansAtTheTenant()).toEqual([
      ['barred', '0008-barred'],
      ['good', '0007-good'],
      ['good', '0007-good'],
    ])
    await page.locator('[data-view="ready"]').waitFor()
    expect(await page.content()).not.toContain('0008')
    await look('ready')
    expect(await kiosk.violations()).toEqual([])
  })

  it('goes on without the site, marks it, and tells the site afterwards; without the station it is closed', async () => {
    await openGate('Visitors alone')
    await expect.poll(() => page.locator('.gate-site').textContent(), { timeout: 10_000 }).toBe('Online')
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    await kiosk.stopBackend()
    await page.getByLabel('Number on the pass').fill('  0010 other ')
    await page.keyboard.press('Enter')
    await shows('Come in', 'admitted')
    expect(await page.locator('.gate-site').textContent()).toMatch(/^Decided at this gate, by a list of /)
    await look('offline-admitted')
    await kiosk.scan('nobody-has-it')
    await shows('Ask our staff', 'offline_unknown')
    await look('refer')
    await kiosk.startBackend()
    await expect.poll(scansAtTheTenant, { timeout: 30_000 }).toEqual([['other', '  0010 other ']])
    await kiosk.stopStation()
    await page.locator('[data-view="out_of_order"]').waitFor()
    await look('out-of-order')
  })

  it('carries every character of a pass to the tenant: over the relay, by the site, and after being cut off', async () => {
    const setUp = async (road: RegExp, asksFirst: boolean) => {
      await page.keyboard.press('Alt+5')
      const panel = page.getByRole('region', { name: 'Gate' })
      await panel.getByRole('radio', { name: road }).press('Space')
      await panel.getByLabel('A pass lets in').selectOption('Any number of times')
      await panel.getByRole('button', { name: 'Save' }).press('Enter')
      await panel.getByRole('button', { name: 'Save', disabled: true }).waitFor()
      // Over the relay nobody is asked before the first read.
      await openGate('Visitors alone', asksFirst)
    }
    const scans = () => scansOfTenant(kiosk.backend.url, tenantKey)
    await setUp(/^This station, recorded over the site/, false)
    await kiosk.scan(...oddValues)
    await expect.poll(scans, { timeout: 30_000 }).toEqual(allOdd)
    await shows('Come in', 'admitted')
    // Not by Enter: right behind a scan it is taken for the scanner's second terminator.
    await page.getByRole('button', { name: 'Staff' }).click()
    await page.getByRole('button', { name: 'Close this gate' }).click()
    await setUp(/^The site/, true)
    await kiosk.scan(...oddValues)
    await expect.poll(scans, { timeout: 30_000 }).toEqual([...allOdd, ...allOdd])
    await expect.poll(() => page.locator('.gate-site').textContent(), { timeout: 20_000 }).toBe('Online')
    await kiosk.stopBackend()
    await kiosk.scan(...oddValues)
    await shows('Come in', 'admitted')
    expect(await page.locator('.gate-site').textContent()).toMatch(/^Decided at this gate/)
    await kiosk.startBackend()
    await expect.poll(scans, { timeout: 60_000 }).toEqual([...allOdd, ...allOdd, ...allOdd])
  })

  it('speaks the language that a visitor chooses until nobody is there, and shows the same on a display of its own', async () => {
    await openGate('Visitors alone')
    const display = await page.context().newPage()
    await display.goto(new URL('/visitor', page.url()).href)
    await display.locator('.gate-face').waitFor()
    expect(await display.getByRole('navigation').count()).toBe(0)
    await page.bringToFront()
    for (const [language, word] of [
      ['Deutsch', 'Herein'],
      ['Français', 'Déjà utilisé'],
      ['Español', 'Ya usada'],
      ['Italiano', 'Già usato'],
      ['Nederlands', 'Al gebruikt'],
    ] as const) {
      await page.getByRole('button', { name: language }).press('Enter')
      await page.locator('[data-view="ready"]').waitFor()
      await kiosk.scan('0007-good')
      await shows(word, word === 'Herein' ? 'admitted' : 'used')
      if (language === 'Français') await look('used-french')
      if (language === 'Deutsch') {
        await display.locator('[data-code="admitted"]').waitFor()
        expect(await display.locator('.gate-word').textContent()).toBe('Come in')
        await display.screenshot({ path: `${pictures}/visitor-display.png` })
      }
      await page.locator('[data-view="ready"]').waitFor()
    }
    await page.locator('[data-view="attract"]').waitFor({ timeout: 40_000 })
    expect(await page.locator('.gate-word').textContent()).toBe('Welcome')
  })

  it('is set up on screen, and what cannot be is not saved', async () => {
    await page.keyboard.press('Alt+5')
    const panel = page.getByRole('region', { name: 'Gate' })
    await panel.getByLabel('Name of the gate').fill('south')
    await panel.getByRole('radio', { name: 'Controller on the network' }).press('Space')
    expect(await panel.getByRole('alert').textContent()).toMatch(/^This cannot be saved/)
    expect(await panel.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
    await panel.getByLabel('Address that opens it').fill('http://127.0.0.1:9/open')
    await panel.getByRole('radio', { name: 'This station, recorded over the site' }).press('Space')
    await panel.getByLabel('Most people inside').fill('250')
    await panel.getByLabel('Kinds of passes that this gate takes').fill('day, season')
    await panel.scrollIntoViewIfNeeded()
    await look('settings')
    await panel.getByRole('button', { name: 'Save' }).press('Enter')
    await panel.getByRole('button', { name: 'Save', disabled: true }).waitFor()
    await page.reload()
    await page.getByRole('navigation').waitFor()
    await page.keyboard.press('Alt+5')
    expect(await panel.getByLabel('Name of the gate').inputValue()).toBe('south')
    expect(await panel.getByLabel('Most people inside').inputValue()).toBe('250')
    expect(await panel.getByLabel('Kinds of passes that this gate takes').inputValue()).toBe('day, season')
    expect(await panel.getByLabel('Address that opens it').inputValue()).toBe('http://127.0.0.1:9/open')
  })

  it('gives the staff attendance, letting in and taking back with a reason, by the keyboard alone', async () => {
    await openGate('Staff with visitors')
    await kiosk.scan('0008-barred')
    await shows('Blocked', 'blocked')
    await page.getByRole('button', { name: /^Let in/ }).press('Enter')
    await page.getByLabel('Reason, which is kept').pressSequentially('Knows the band', { delay: 120 })
    await look('override')
    await page.keyboard.press('Enter')
    await shows('Come in', 'overridden')
    await page.getByRole('button', { name: /^Take back/ }).press('Enter')
    await page.getByLabel('Reason, which is kept').pressSequentially('Went home', { delay: 120 })
    await page.keyboard.press('Enter')
    await page.getByText('Taken back').waitFor()
    await kiosk.scan('0007-good')
    await shows('Come in', 'admitted')
    await expect.poll(() => page.locator('.figure-strong dd').textContent()).toBe('1')
    await look('staffed')
    await page.getByRole('button', { name: 'Stop being a gate' }).press('Enter')
    await page.getByRole('button', { name: 'Close this gate' }).press('Enter')
    await page.getByRole('heading', { name: 'Make this station a gate' }).waitFor()
    await look('start')
    expect(await kiosk.violations()).toEqual([])
  })
})
