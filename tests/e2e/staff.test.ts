import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAdministration } from '#backend/index.ts'
import { findChromium } from '#cli/browsers.ts'
import { recoveryKeyOf } from '#sealing/index.ts'
import { openStaffFile } from '#station/index.ts'
import { openKiosk } from './kiosk.ts'
import type { Kiosk } from './kiosk.ts'
import { expectAccessible, glance, look } from './look.ts'

const found = findChromium(process.env)
const pictures = 'test-results/staff'
const recoveryKey = recoveryKeyOf(Uint8Array.from({ length: 32 }, (_, index) => 7 * index))

describe.skipIf('missing' in found)('the door for staff (skipped where no Chromium is found)', () => {
  let kiosk: Kiosk
  let page: Page

  beforeAll(async () => {
    kiosk = await openKiosk({
      chromiumPath: 'path' in found ? found.path : '',
      catalogue: 'gtin,product_name,brand\n',
      recoveryKey,
    })
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
    await expectAccessible(page, 'the first PIN', 'dialog')
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

  it('enrols the station by a code that a keyboard scanner types: the site is shown, and its PIN asked for, first', async () => {
    const administration = await openAdministration({ dataDir: join(kiosk.folder, 'backend') })
    const wish = { label: 'Dock 6', group: 'north', validMs: 3_600_000, url: kiosk.backend.url }
    const made = await administration.createCode(wish)
    if (!made.ok) throw new Error(made.error.message)
    const { code, fingerprint } = made.value
    const site = page.getByRole('region', { name: 'Site' })
    await kiosk.scan(code.replace(/.$/, (letter) => (letter === 'B' ? 'C' : 'B')))
    await site.getByText('This code is damaged, or somebody has changed it.').waitFor()
    expect(await site.getByRole('button', { name: 'Yes, enrol here' }).count()).toBe(0)
    await kiosk.scan(code)
    await site.getByText(fingerprint).waitFor()
    await site.scrollIntoViewIfNeeded()
    await page.screenshot({ path: join(pictures, 'enrol.png') })
    await expectAccessible(page, 'enrolment', '.site')
    await site.getByRole('button', { name: 'Yes, enrol here' }).click()
    await pad().waitFor()
    expect(await administration.listStations()).toEqual([])
    await touch('739184')
    await pad().getByRole('button', { name: 'Enter' }).click()
    await site.getByText('Organisation').waitFor()
    expect(await page.content()).not.toContain(code)

    const [station] = await administration.listStations()
    // The site asks for a support bundle, which the station's staff are told of (below), and gets it.
    expect((await administration.askForSupport(String(station?.id))).ok).toBe(true)
    await site.getByRole('button', { name: 'Tell the site now' }).click()
    await expect
      .poll(async () => (await administration.listStations())[0]?.support?.is_here, { timeout: 30_000 })
      .toBe(true)
    // And it was given what opens the station's data.
    await expect
      .poll(() => administration.showRecoveryKeys(String(station?.id)), { timeout: 30_000 })
      .toMatchObject({ ok: true, value: [{ recovery_key: recoveryKey }] })
    expect((await administration.revokeStation(String(station?.id))).ok).toBe(true)
    await site.getByRole('button', { name: 'Tell the site now' }).click()
    await site.getByText('it was revoked').waitFor()
    await administration.close()
    // Who was let in is not any more.
    await page.reload()
    await page.keyboard.press('Alt+5')
    await name().waitFor()
  })

  const tab = (label: string) => page.getByRole('tab', { name: label })

  it('shows an administrator who is staff, by keys alone: added, given a badge, removed; the last one stays', async () => {
    await page.setViewportSize({ width: 1280, height: 800 })
    // Texts get larger at once, and nothing runs out of the window.
    for (const [label, pixels] of [
      ['Largest', '21px'],
      ['Normal', '16px'],
    ] as const) {
      await page.getByRole('radio', { name: label }).click({ force: true })
      await page.waitForFunction((size) => getComputedStyle(document.documentElement).fontSize === size, pixels)
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    }
    await tab('Settings').focus()
    await page.keyboard.press('ArrowRight')
    await page.getByRole('button', { name: 'Show the staff' }).focus()
    await page.keyboard.press('Enter')
    await pad().getByText('Type your PIN').waitFor()
    await page.keyboard.type('739184', { delay: 120 })
    await page.keyboard.press('Enter')
    const kim = page.getByRole('button', { name: /^Kim/ })
    await kim.waitFor()
    await page.getByRole('button', { name: 'Add somebody' }).focus()
    await page.keyboard.press('Enter')
    await pad().getByLabel('Name').waitFor()
    await page.keyboard.type('Alex', { delay: 120 })
    await pad().getByRole('button', { name: 'Next: choose a PIN' }).press('Enter')
    await pad().getByText('At least four digits').waitFor()
    await page.keyboard.type('1234', { delay: 120 })
    await page.keyboard.press('Enter')
    await pad().getByText('Choose another PIN').waitFor()
    await page.keyboard.type('8305', { delay: 120 })
    await page.keyboard.press('Enter')
    const alex = page.getByRole('button', { name: /^Alex/ })
    await alex.waitFor()
    await look(page, join(pictures, 'members'))
    await alex.press('Enter')
    await pad().getByRole('button', { name: 'Give a badge' }).press('Enter')
    const saving = page.waitForEvent('download')
    await pad().getByRole('link', { name: 'Save the card' }).press('Enter')
    expect((await saving).suggestedFilename()).toBe('capstan-badge.pdf')
    await pad().getByRole('button', { name: 'Remove' }).press('Enter')
    await pad().getByRole('button', { name: 'Remove Alex' }).press('Enter')
    await alex.waitFor({ state: 'detached' })
    await kim.press('Enter')
    await pad().getByRole('button', { name: 'Remove' }).press('Enter')
    await pad().getByRole('button', { name: 'Remove Kim' }).press('Enter')
    await pad().getByText('an administrator with a PIN has to stay').waitFor()
    await page.keyboard.press('Escape')
    await kim.waitFor()
  })

  it('tells what takes room, what was logged, what this is, and saves for support only what it has listed', async () => {
    // Who was let in before is not any more.
    await page.reload()
    for (const [label, title] of [
      ['Storage', 'Storage'],
      ['Log', 'Log'],
      ['About and support', 'Capstan 0.1.0'],
    ] as const) {
      await tab(label).click()
      await page.getByRole('heading', { name: title, level: 1 }).waitFor()
      if (label === 'Log') {
        await pad().getByText('Type your PIN').waitFor()
        await touch('739184')
        await pad().getByRole('button', { name: 'Enter' }).click()
        await page.getByText('a wrong PIN or badge').first().waitFor()
      }
      if (label === 'Storage') await page.getByText('Scans and sessions').waitFor()
      if (label === 'About and support') {
        await page.getByRole('button', { name: 'Make a bundle' }).press('Enter')
        await touch('739184')
        await pad().getByRole('button', { name: 'Enter' }).click()
        await page.getByText('log.ndjson').waitFor()
        await page.getByText('The site asked for a bundle and got it').waitFor()
        await page.getByText('unprotected, in a file for this account only').waitFor()
        await page.getByText(/^Licences of \d+ packages/).click()
        await page.getByRole('rowheader', { name: 'react', exact: true }).waitFor()
        await page.getByText(/^Licences of \d+ packages/).click()
      }
      if (label === 'About and support') await look(page, join(pictures, 'about'))
    }
    const saving = page.waitForEvent('download')
    await page.getByRole('link', { name: /^Save it/ }).press('Enter')
    const saved = await saving
    expect(saved.suggestedFilename()).toMatch(/^capstan-support-.*\.zip$/)
    expect((await readFile(await saved.path())).subarray(0, 2).toString()).toBe('PK')
    expect(await kiosk.violations()).toEqual([])
  })

  it('shows the recovery key to an administrator who asks for it, and hides it after a minute or when it is closed', async () => {
    await page.getByText('encrypted; its key is in a file, which must not lie with the data').waitFor()
    expect(await page.getByText(recoveryKey.slice(0, 4), { exact: true }).count()).toBe(0)
    // The window's clock can be put forward from now on.
    await page.clock.install()
    const groups = pad().getByRole('listitem')
    const show = async () => {
      await page.getByRole('button', { name: 'Show the recovery key' }).press('Enter')
      await pad().getByText('Type your PIN').waitFor()
      await touch('739184')
      await pad().getByRole('button', { name: 'Enter' }).press('Enter')
      await groups.first().waitFor()
      expect((await groups.allTextContents()).join('-')).toBe(recoveryKey)
    }
    await show()
    await glance(page, join(pictures, 'recovery-key'))
    await page.keyboard.press('Escape')
    await pad().waitFor({ state: 'detached' })
    await show()
    await page.clock.fastForward(60_000)
    await pad().waitFor({ state: 'detached' })
    expect(await page.getByText(recoveryKey.slice(0, 4), { exact: true }).count()).toBe(0)
  })
})
