import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'
import { findChromium } from '#cli/browsers.ts'
import { callAsAnotherWindow } from './another-window.ts'
import { openKiosk } from './kiosk.ts'
import type { Kiosk } from './kiosk.ts'
import { expectAccessible } from './look.ts'

const pen = '4006381333931'
const found = findChromium(process.env)
const pictures = 'test-results/devices'

const wasm = await readFile(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'))
await prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(wasm).buffer }, fireImmediately: true })

describe.skipIf('missing' in found)('the devices screen (skipped where no Chromium is found)', () => {
  let kiosk: Kiosk
  let page: Page

  beforeAll(async () => {
    kiosk = await openKiosk({
      chromiumPath: 'path' in found ? found.path : '',
      catalogue: `gtin,product_name,brand,net_content\n${pen},Yellow highlighter,Inkwell,1 pc\n`,
    })
    page = kiosk.page
    await mkdir(pictures, { recursive: true })
  })
  beforeEach(async () => {
    await kiosk.reopen()
    await page.getByRole('button', { name: 'Start session' }).waitFor()
  })
  afterAll(() => kiosk?.close())

  const openDevices = async () => {
    await page.getByRole('button', { name: 'Devices' }).click()
    await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor()
  }
  const openScan = () => page.getByRole('button', { name: 'Scan', exact: false }).first().click()
  const strip = () => page.getByRole('banner')
  const lastRead = () => page.locator('.device .read')

  it('shows what is read in test mode, saves none of it, and ends the test when it is left', async () => {
    await openDevices()
    await page.getByRole('button', { name: 'Test scanners' }).click()
    await strip().getByText('Test mode: scans are shown and NOT saved.').waitFor()
    await kiosk.scan(`(01)0${pen}(17)270531(10)LOT7`)
    const reads = page.getByRole('region', { name: 'Test: what is read, NOT saved' })
    await reads.getByText('Good, NOT saved').waitFor()
    await reads.getByText('May 31, 2027').waitFor()
    await page.screenshot({ path: `${pictures}/test.png` })
    // Now it is a reader of chips: what it types is shown as the list of passes has it.
    await page.getByLabel('What it reads').selectOption('Chips (NFC): the number in hex')
    await page.getByText(/^A chip's number becomes capital hex digits/).waitFor()
    await kiosk.scan('04:a2:b3:c4:d5:e6:f0')
    await reads.getByText('04A2B3C4D5E6F0').waitFor()
    await reads.getByText('NFC tag').waitFor()
    await page.screenshot({ path: `${pictures}/chips.png`, fullPage: true })
    await kiosk.scan(pen)
    await reads.getByText('NOT saved', { exact: true }).waitFor()
    await page.getByLabel('What it reads').selectOption('Printed codes')

    await openScan()
    await page.getByRole('button', { name: 'Start session' }).waitFor()
    await strip().getByText('Test mode').waitFor({ state: 'detached' })
    await kiosk.scan(pen)
    await page.getByRole('region', { name: 'Last scan' }).getByText('Yellow highlighter').waitFor()
    await expect.poll(() => page.locator('.figure-strong dd').textContent()).toBe('1')
    await openDevices()
    await lastRead().getByText('Saved', { exact: true }).waitFor()
    expect(await kiosk.violations()).toEqual([])
  })

  it('registers the scanner that reads the code on the screen, under a name and a place', async () => {
    await openDevices()
    await page.getByRole('button', { name: 'Register a scanner' }).click()
    const code = page.getByRole('img', { name: 'Code that registers a scanner' })
    const [read] = await readBarcodes(await code.screenshot(), { formats: ['Code128'] })
    expect(read?.text).toMatch(/^XCTRLENROL[B-X]{8}$/)
    await page.screenshot({ path: `${pictures}/register.png` })
    await kiosk.scan(read?.text ?? '')
    await page.getByText('It is Keyboard scanner. What is it called?').waitFor()
    // A scanner that types into the window says so, with the way to something better.
    await page.getByText('It types into the window like a keyboard').waitFor()
    await page.getByLabel('Name').first().fill('Dock 3')
    await page.getByLabel('Place').first().fill('Gate B')
    await page.getByRole('button', { name: 'Register it' }).click()
    await strip().getByText('Dock 3').waitFor()

    await openScan()
    await kiosk.scan(pen)
    await page.getByRole('region', { name: 'Last scan' }).getByText('Dock 3').waitFor()
    // Not twice: the code holds once.
    await kiosk.scan(read?.text ?? '')
    await page.getByText('Nothing to change').waitFor()
    await expect.poll(() => page.locator('.figure-strong dd').textContent()).toBe('1')
    expect(await kiosk.violations()).toEqual([])
  })

  it('raises the alarm for events without answers on every screen, until somebody has looked', async () => {
    await callAsAnotherWindow(page, 'device.disagree', { id: 'wedge', events: 7, answers: 6 })
    const alarm = strip().getByText('1 read is NOT known to be saved')
    await alarm.waitFor()
    await openDevices()
    await alarm.waitFor()
    await page.screenshot({ path: `${pictures}/alarm.png` })
    await strip().getByRole('button', { name: 'I have looked' }).click()
    await alarm.waitFor({ state: 'detached' })
  })

  it('can be used by everybody, in every shape, light and dark', async () => {
    await kiosk.scan(pen)
    await page.getByRole('region', { name: 'Last scan' }).getByText('Yellow highlighter').waitFor()
    await openDevices()
    await lastRead().waitFor()
    await page.getByRole('button', { name: 'Register a scanner' }).click()
    await page.getByRole('img', { name: 'Code that registers a scanner' }).waitFor()
    for (const [name, width, height] of [
      ['small', 1280, 800],
      ['large', 1920, 1080],
      ['upright', 1080, 1920],
    ] as const) {
      await page.setViewportSize({ width, height })
      await page.screenshot({ path: `${pictures}/${name}.png` })
      const work = await page.locator('main').evaluate((main) => main.scrollWidth - main.clientWidth)
      expect(work, name).toBeLessThanOrEqual(0)
    }
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme })
      await expectAccessible(page, scheme)
    }
  })
})
