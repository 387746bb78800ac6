import { mkdir, readFile } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import { calibrationCodes } from '#domain/calibration.ts'
import { writeControlCode } from '#domain/control-code.ts'
import { drawCode } from '../barcode-image.ts'
import { openKiosk } from './kiosk.ts'
import type { Kiosk } from './kiosk.ts'
import { readXlsx } from './read-xlsx.ts'
import { expectAccessible } from './look.ts'

const cola = '5449000000996'
const pen = '4006381333931'
const unknown = '96385074'
/** Unknown as well, each for one test only: what was looked up once is known afterwards. */
const mints = '96385081'
const offline = '96385098'
const catalogue = `gtin,product_name,brand,net_content
${cola},Sparkling cola,Fizz,330 ml
${pen},Yellow highlighter,Inkwell,1 pc
`

const found = findChromium(process.env)
const pictures = 'test-results/scan'

describe.skipIf('missing' in found)('the scan screen (skipped where no Chromium is found)', () => {
  let kiosk: Kiosk
  let page: Page

  // One after the other at the same kiosk, as in a day of it; each test opens the window anew.
  beforeAll(async () => {
    kiosk = await openKiosk({ chromiumPath: 'path' in found ? found.path : '', catalogue })
    page = kiosk.page
  })
  beforeEach(async () => {
    await kiosk.reopen()
    await startButton().waitFor()
  })
  afterAll(() => kiosk?.close())

  const startButton = () => page.getByRole('button', { name: 'Start session' })
  const last = () => page.getByRole('region', { name: 'Last scan' })
  const rows = () => page.getByRole('region', { name: 'Scans' }).getByRole('listitem')
  const total = (name: string) => page.locator('.figure', { has: page.getByText(name, { exact: true }) }).locator('dd')
  const start = async () => {
    await page.keyboard.press('Enter')
    await page.getByText('Scan the first code').waitFor()
  }
  /** A single key of a person, with silence on both sides. */
  const press = async (key: string) => {
    await page.waitForTimeout(350)
    await page.keyboard.press(key)
    await page.waitForTimeout(350)
  }
  const endSession = async () => {
    await press('e')
    await press('y')
    await page.getByRole('heading', { name: 'Session ended' }).waitFor()
  }

  it('shows a scanned product as found, an unknown code as not found, and counts both', async () => {
    await start()
    await kiosk.scan(cola)
    await last().getByRole('heading', { name: 'Sparkling cola' }).waitFor()
    await last().getByText('Found').first().waitFor()
    await kiosk.scan(unknown)
    await last().getByRole('heading', { name: 'Not in the catalogue' }).waitFor()
    await last().getByText('Press N to create it, or go on: it is kept.').waitFor()
    expect(await rows().count()).toBe(2)
    // The totals follow the scan by an event of their own.
    await expect.poll(() => total('Scans').innerText()).toBe('2')
    await expect.poll(() => total('Not found').innerText()).toBe('1')
    expect(await kiosk.violations()).toEqual([])
  })

  it('obeys control barcodes and says what they did, keeps none of them, and ends with the summary', async () => {
    await kiosk.scan(writeControlCode({ kind: 'quantity', quantity: 4 }))
    // Without a session there is nothing to command, and none is opened for it.
    await page.getByText('Not done: no session is open').waitFor()
    await startButton().click()
    await kiosk.scan(writeControlCode({ kind: 'location', location: 'A-01' }))
    await page.getByText('Location: A-01').waitFor()
    await kiosk.scan(cola)
    await last().getByRole('heading', { name: 'Sparkling cola' }).waitFor()
    await kiosk.scan(writeControlCode({ kind: 'quantity', quantity: 4 }))
    await page.getByText('Quantity 4: Sparkling cola').waitFor()
    await kiosk.scan(writeControlCode({ kind: 'accept' }))
    await page.getByText('Nothing is under review here.').waitFor()
    await page.screenshot({ path: `${pictures}/control-barcode.png` })
    await kiosk.scan('XCTRLUNDOBB')
    await page.getByText('Not done: the control barcode came damaged').waitFor()
    expect(await rows().count()).toBe(1)
    await kiosk.scan(writeControlCode({ kind: 'end' }))
    await page.getByRole('heading', { name: 'Session ended' }).waitFor()
    expect(await kiosk.violations()).toEqual([])
  })

  it('opens a session for a scan that comes on the start screen, and saves it as its first', async () => {
    await kiosk.scan(cola, pen)
    await last().getByRole('heading', { name: 'Yellow highlighter' }).waitFor()
    // Either may be looked up first.
    await expect
      .poll(() => rows().allInnerTexts())
      .toEqual([expect.stringContaining('Yellow highlighter'), expect.stringContaining('Sparkling cola')])
  })

  it('takes bursts in order whatever has the focus, and lets no character into a field', async () => {
    await start()
    const field = page.getByLabel('Type a code')
    await field.focus()
    const codes = Array.from({ length: 20 }, (_, index) => `PALLET-${String(index).padStart(4, '0')}`)
    await kiosk.scan(...codes.slice(0, 10))
    await page.getByRole('button', { name: 'Undo last' }).focus()
    await kiosk.scan(...codes.slice(10))
    await expect.poll(() => total('Scans').innerText(), { timeout: 10_000 }).toBe('20')
    expect(await field.inputValue()).toBe('')
    await expect.poll(() => total('Items').innerText()).toBe('20')
    const shown = (await rows().locator('.capture-name').allInnerTexts()).map((text) => text.replaceAll('\n', ''))
    expect(shown).toEqual(codes.toReversed().slice(0, shown.length))
  })

  it('keeps the control characters of a code and names its elements', async () => {
    await start()
    await kiosk.scan(`]C1010${cola}10AB-7\u001D21S9`)
    const facts = last().locator('.facts')
    await facts.getByText('Batch').waitFor()
    expect(await facts.innerText()).toContain('AB-7')
    expect(await last().locator('.code-control').innerText()).toBe('GS')
    await last().getByRole('heading', { name: 'Sparkling cola' }).waitFor()
  })

  it('counts an item with several codes once, shows the richest and lists the others, each alone where that is chosen', async () => {
    await page.getByText('Both', { exact: true }).click()
    await page.screenshot({ path: `${pictures}/start.png` })
    await startButton().click()
    const link = `https://id.gs1.org/01/0${cola}/10/AB-7/21/S9`
    const image = await sharp({ create: { width: 1_200, height: 700, channels: 3, background: '#ffffff' } })
      .composite([
        { input: Buffer.from(await drawCode({ format: 'EAN13', text: cola }, 4)), left: 60, top: 80 },
        { input: Buffer.from(await drawCode({ format: 'QRCode', text: link }, 6)), left: 700, top: 80 },
      ])
      .png()
      .toBuffer()
    await page.locator('input[type=file]').setInputFiles({ name: 'pack.png', mimeType: 'image/png', buffer: image })
    await page.getByText('Photo saved, 2 codes read.').waitFor()
    await last().getByText('1 more code of this item').waitFor()
    expect(await last().locator('.facts').innerText()).toContain('AB-7')
    expect(await last().locator('.marks li').innerText()).toContain('EAN-13')
    await expect.poll(() => total('Scans').innerText()).toBe('1')
    await rows().first().getByRole('button').first().click()
    await rows().first().getByText('1 more code of this item').waitFor()
    await page.screenshot({ path: `${pictures}/marks.png` })
    await expectAccessible(page, 'marks')
    await press('u')
    await last().getByText('It stays in the list and does not count.').waitFor()
    await expect.poll(() => total('Scans').innerText()).toBe('0')
    await endSession()

    await page.getByRole('button', { name: 'New session' }).click()
    await page.getByText('Several codes of one item count once').click()
    await page.getByText('Every code counts, also the second one on a pack.').waitFor()
    await startButton().click()
    await page.getByText('Take the first photo').or(page.getByText('Scan the first code')).waitFor()
    await kiosk.scan(cola, link)
    const names = () => rows().locator('.capture-name').allInnerTexts()
    await expect.poll(names).toEqual(['Sparkling cola', 'Sparkling cola'])
    await expect.poll(() => total('Scans').innerText()).toBe('2')
    expect(await kiosk.violations()).toEqual([])
  })

  it('undoes the last scan and changes a quantity, by key and by hand', async () => {
    await start()
    await kiosk.scan(cola)
    await last().getByRole('heading', { name: 'Sparkling cola' }).waitFor()
    await press('+')
    const quantity = last().getByLabel('Quantity')
    await expect.poll(() => quantity.inputValue()).toBe('2')
    await quantity.fill('144')
    await quantity.press('Enter')
    await expect.poll(() => rows().first().locator('.capture-quantity').innerText()).toBe('×144')
    await quantity.blur()
    await press('u')
    await last().getByText('It stays in the list and does not count.').waitFor()
    await expect.poll(() => total('Scans').innerText()).toBe('0')
    expect(await rows().count()).toBe(1)
  })

  it('takes a typed code with a hint about its check digit that does not stand in the way', async () => {
    await start()
    await press('m')
    for (const digit of '5449000000995') {
      await page.keyboard.press(digit)
      await page.waitForTimeout(90)
    }
    await page.getByText('Check digit should be 6.').waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await last().getByText('Typed').first().waitFor()
    expect(await last().locator('.code').first().innerText()).toMatch(/5\s*449000\s*000995/)
  })

  it('creates a product from an unknown code while scanning goes on', async () => {
    await start()
    await kiosk.scan(mints)
    await last().getByRole('heading', { name: 'Not in the catalogue' }).waitFor()
    await press('n')
    const name = page.getByLabel('Name')
    await name.fill('Peppermints')
    await kiosk.scan(cola)
    await last().getByRole('heading', { name: 'Sparkling cola' }).waitFor()
    expect(await name.inputValue()).toBe('Peppermints')
    await page.getByLabel('Brand').fill('Cool')
    await page.getByRole('button', { name: 'Save product' }).click()
    await rows().getByText('Peppermints').waitFor()
    await expect.poll(() => rows().nth(1).innerText(), { timeout: 20_000 }).toContain('Found')
  })

  it('ends with a summary whose three downloads hold every scan verbatim', async () => {
    await start()
    await kiosk.scan(cola, cola, '00012', unknown)
    await expect.poll(() => total('Not found').innerText(), { timeout: 20_000 }).toBe('2')
    await endSession()
    expect(await total('Scans').innerText()).toBe('4')
    expect(await page.getByRole('img', { name: /^Bar chart of counted scans/ }).count()).toBe(1)
    const download = async (name: string) => {
      const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name }).click()])
      return readFile(await file.path())
    }
    const codes = [cola, cola, '00012', unknown]
    const csv: readonly Record<string, string>[] = parse(await download('CSV table'), { columns: true, bom: true })
    expect(csv.map(({ raw }) => raw)).toEqual(codes)
    const lines = (await download('NDJSON lines')).toString('utf8').trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { readonly raw: string }).raw)).toEqual(codes)
    const [head = [], ...sheet] = readXlsx(await download('Excel workbook'))
    expect(sheet.map((row) => row[head.indexOf('raw')])).toEqual(codes)
    expect(await kiosk.violations()).toEqual([])
  })

  it('saves photos from files with the codes that are read in them, and says what is no picture', async () => {
    await page.getByText('Both', { exact: true }).click()
    await startButton().click()
    const files = page.locator('input[type=file]')
    const image = Buffer.from(await drawCode({ format: 'EAN13', text: cola }, 6))
    await files.setInputFiles({ name: 'label.png', mimeType: 'image/png', buffer: image })
    await page.getByText('Photo saved, 1 code read.').waitFor()
    await rows().getByText('Sparkling cola').waitFor()
    await expect.poll(() => rows().first().locator('img').count()).toBe(1)
    await files.setInputFiles({ name: 'no.png', mimeType: 'image/png', buffer: Buffer.from('no picture at all') })
    await page.getByRole('alert').filter({ hasText: 'not a picture that can be read' }).waitFor()
    expect(await kiosk.violations()).toEqual([])
  })

  it('shows what a scanner sends, byte by byte, without saving it', async () => {
    await start()
    await page.keyboard.press('Alt+Digit5')
    await page.getByRole('button', { name: 'Test the scanner' }).click()
    await kiosk.scan('01\u001DAB')
    await page.getByText('5 characters').waitFor()
    expect(await page.locator('.character-control').innerText()).toMatch(/GS\s*1D/)
    await page.keyboard.press('Alt+Digit1')
    expect(await total('Scans').innerText()).toBe('0')
  })

  it('has no fault of accessibility on any screen, light or dark, and never scrolls sideways', async () => {
    await mkdir(pictures, { recursive: true })
    const sizes = [
      [1280, 800],
      [1920, 1080],
      [1080, 1920],
    ] as const
    const look = async (screen: string) => {
      for (const [width, height] of sizes) {
        await page.setViewportSize({ width, height })
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
        expect(wide, `${screen} at ${width}x${height}`).toBeLessThanOrEqual(0)
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
          await page.screenshot({ path: `${pictures}/${screen}-${width}x${height}-${colorScheme}.png` })
        }
      }
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
        await expectAccessible(page, `${screen} ${colorScheme}`)
      }
    }
    await look('start')
    await start()
    await look('empty')
    await kiosk.scan(cola)
    await last().getByRole('heading', { name: 'Sparkling cola' }).waitFor()
    await look('found')
    await kiosk.scan(unknown)
    await last().getByRole('heading', { name: 'Not in the catalogue' }).waitFor()
    await press('n')
    await page.getByLabel('Brand').waitFor()
    await look('create')
    for (const [key, heading] of [
      ['2', 'Queue'],
      ['3', 'Sessions'],
      ['4', 'Devices'],
      ['5', 'Settings'],
    ] as const) {
      await page.keyboard.press(`Alt+Digit${key}`)
      await page.getByRole('heading', { name: heading, exact: true }).waitFor()
      await look(heading.toLowerCase())
    }
    await page.keyboard.press('Alt+Digit1')
    await last().waitFor()
    await endSession()
    await look('summary')
    expect(await kiosk.violations()).toEqual([])
  })

  it('says how old its last contact is while the server is away, keeps scans, and sends them afterwards', async () => {
    await start()
    await page.getByText('All synced').waitFor()
    await kiosk.stopBackend()
    await kiosk.scan(cola, offline)
    await page.getByText('2 waiting to sync').waitFor()
    await page.locator('[data-backend="offline"]').waitFor()
    await last().getByRole('heading', { name: 'Kept on this station' }).waitFor()
    expect(await last().getByText('Saved', { exact: true }).count()).toBe(1)
    await page.screenshot({ path: `${pictures}/offline.png` })
    await page.keyboard.press('Alt+Digit2')
    await page.getByRole('heading', { name: 'Queue' }).waitFor()
    await page.getByText('Current session').waitFor()
    await kiosk.startBackend()
    await press('t')
    await page.getByText('All synced').waitFor()
    await page.keyboard.press('Alt+Digit1')
    await last().getByRole('heading', { name: 'Not in the catalogue' }).waitFor()
  })

  it('calibrates a scanner that is set to another country, and repairs what it types from then on', async () => {
    const other = (text: string) =>
      text.replaceAll(/[YZyz]/g, (letter) => ({ Y: 'Z', Z: 'Y', y: 'z', z: 'y' })[letter] ?? '')
    await press('Alt+5')
    await page.getByRole('button', { name: 'Calibrate' }).click()
    for (const [index, { text }] of calibrationCodes.entries()) {
      await page.getByText(`Scan code ${index + 1} of 8`).waitFor()
      await kiosk.scan(other(text))
    }
    await page.getByText("Set the scanner to this computer's keyboard country, or tell Capstan").waitFor()
    await page.screenshot({ path: `${pictures}/calibration.png` })
    await page.getByRole('button', { name: 'Repair its codes like this' }).click()
    await page.getByText('In use: what a keyboard scanner types is repaired').waitFor()
    await press('Alt+1')
    await kiosk.scan(other('Zebra-YES'))
    await last().getByText('Zebra-YES').waitFor()
    expect(await kiosk.violations()).toEqual([])
  })

  // The last: nothing comes after it.
  it('never calls a scan saved when the station has not answered', async () => {
    await start()
    await kiosk.scan(cola)
    await last().getByRole('heading', { name: 'Sparkling cola' }).waitFor()
    await kiosk.stopStation()
    await kiosk.scan(pen)
    await page.getByRole('alert').filter({ hasText: '1 scan is NOT confirmed as saved' }).waitFor()
    await page.getByText('The station does not answer.').waitFor()
    expect(await rows().count()).toBe(1)
    await page.screenshot({ path: `${pictures}/station-lost.png` })
  })
})
