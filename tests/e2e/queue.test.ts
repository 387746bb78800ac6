import { mkdir, readFile } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'
import type { Page } from 'playwright-core'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { createFaultProxy } from '#backend/index.ts'
import { findChromium } from '#cli/browsers.ts'
import { openKiosk } from './kiosk.ts'
import type { Kiosk } from './kiosk.ts'
import { expectAccessible } from './look.ts'

const pen = '4006381333931'
const catalogue = `gtin,product_name,brand,net_content
${pen},Yellow highlighter,Inkwell,1 pc
`
/** No raw value of the Scanner API may be that long: it is refused. */
const tooLong = 'lot-0123456789-'.repeat(34)

const found = findChromium(process.env)
const pictures = 'test-results/queue'

/** The kiosk of the tests that want nothing of it. */
let shared: Kiosk | undefined
afterAll(() => shared?.close())
/** What its backend had before the test. */
let before: ReadonlySet<string> = new Set()

async function open(options?: Partial<Parameters<typeof openKiosk>[0]>): Promise<Kiosk> {
  const start = () => openKiosk({ chromiumPath: 'path' in found ? found.path : '', catalogue, ...options })
  const kiosk = options ? await start() : (shared ??= await start())
  if (options) onTestFinished(() => kiosk.close())
  else await kiosk.reopen()
  before = new Set()
  before = new Set((await captures(kiosk)).map(({ id }) => id))
  await kiosk.page.getByRole('button', { name: 'Start session' }).waitFor()
  return kiosk
}

const show = (page: Page, screen: 'Scan' | 'Queue' | 'Sessions') =>
  page.keyboard.press(`Alt+${{ Scan: 1, Queue: 2, Sessions: 3 }[screen]}`)
const start = async (page: Page) => {
  await page.getByRole('button', { name: 'Start session' }).click()
  await page.getByText('Scan the first code').waitFor()
}
const total = (page: Page, name: string) =>
  page.locator('.figure', { has: page.getByText(name, { exact: true }) }).locator('dd')

/** What the backend has of this test, as it lists it. */
async function captures({ backend }: Kiosk) {
  const response = await fetch(`${backend.url}/scanner/api/v1/captures?page_size=100`, {
    headers: { 'x-api-key': backend.apiKey },
  })
  const { data } = (await response.json()) as {
    readonly data: readonly { readonly id: string; readonly raw_value: string; readonly session_short_id: string }[]
  }
  return data.filter(({ id }) => !before.has(id))
}

/** Types what the backend refuses: no scanner has a code that long. */
async function typeTooLong(page: Page) {
  await page.getByLabel('Type a code').fill(tooLong)
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect.poll(() => total(page, 'Refused').innerText(), { timeout: 20_000 }).toBe('1')
}

/** Saves what the backend refuses, and opens the queue where it is. */
async function refuse(kiosk: Kiosk) {
  const { page } = kiosk
  await typeTooLong(page)
  await show(page, 'Queue')
  const row = page.locator('.queue-row')
  await row.getByText('Refused').waitFor()
  return row
}

describe.skipIf('missing' in found)('the queue (skipped where no Chromium is found)', () => {
  it('says that the server had ended the session, and that it goes on there in a continuation', async () => {
    const kiosk = await open({ backendArgs: ['--session-ttl', '2'] })
    const { page } = kiosk
    await start(page)
    await kiosk.scan(pen)
    await expect.poll(async () => (await captures(kiosk)).length, { timeout: 20_000 }).toBe(1)
    // Idle for longer than the server has patience for.
    await page.waitForTimeout(4_000)
    await kiosk.scan('AFTER-THE-END')
    await page.getByText('The server had ended this session').waitFor()
    await expect.poll(async () => (await captures(kiosk)).length, { timeout: 20_000 }).toBe(2)
    const sessions = (await captures(kiosk)).map((capture) => capture.session_short_id)
    expect(new Set(sessions).size).toBe(2)
    await mkdir(pictures, { recursive: true })
    await page.screenshot({ path: `${pictures}/continued.png` })
    await typeTooLong(page)
    await show(page, 'Queue')
    await page.getByText('The server had ended this session').waitFor()
    await expectAccessible(page, 'the queue')
    await page.screenshot({ path: `${pictures}/continued-queue.png` })
  }, 120_000)

  it('says how old the data are, what waits and for how long, and how long saving and sending take', async () => {
    const kiosk = await open()
    const { page } = kiosk
    await start(page)
    await kiosk.scan(pen)
    const strip = page.getByRole('banner')
    await show(page, 'Queue')
    await page.getByText('Nothing waits. Every scan is with the server.').waitFor()
    // Of saving and of sending.
    const level = /half within [\d.,]+ ms, 95 % within [\d.,]+ ms, 99 % within [\d.,]+ ms/
    await expect.poll(() => page.getByText(level).count(), { timeout: 20_000 }).toBe(2)
    await strip.getByText(/answered .*(now|ago)/).waitFor()

    await kiosk.stopBackend()
    await show(page, 'Scan')
    await kiosk.scan('WAITS-1', 'WAITS-2')
    await show(page, 'Queue')
    await expect.poll(() => page.locator('.queue-row').count(), { timeout: 20_000 }).toBe(2)
    await page.getByText(/^Oldest waits since .*ago/).waitFor()
    await strip.getByText(/last answer .*(now|ago)/).waitFor()
    await page.screenshot({ path: `${pictures}/queue-waits.png` })
    await kiosk.startBackend()
    await page.getByText('Nothing waits. Every scan is with the server.').waitFor()
    expect((await captures(kiosk)).map((capture) => capture.raw_value).toSorted()).toEqual(
      [pen, 'WAITS-1', 'WAITS-2'].toSorted(),
    )
  }, 180_000)

  it('sends a refused scan with another value, and keeps the one that was scanned', async () => {
    const kiosk = await open()
    const { page } = kiosk
    await start(page)
    const row = await refuse(kiosk)
    await row.getByRole('button', { name: 'Correct' }).click()
    await page.getByLabel('The right value').fill(pen)
    await page.getByRole('button', { name: 'Send it corrected' }).click()
    await page.getByText('Nothing waits. Every scan is with the server.').waitFor()
    expect((await captures(kiosk)).map((capture) => capture.raw_value)).toEqual([pen])
    await show(page, 'Scan')
    await page.getByRole('region', { name: 'Scans' }).getByText('Given up').waitFor()
  }, 120_000)

  it('moves a refused scan into another session, gives it up with a reason, and saves what was refused as a file', async () => {
    const kiosk = await open()
    const { page } = kiosk
    await start(page)
    await kiosk.scan(pen)
    await refuse(kiosk)
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Save the refused ones as a file' }).click()
    const file = await download
    const rows = parse(await readFile(await file.path()), { columns: true }) as { raw: string; sync: string }[]
    expect(rows).toMatchObject([{ raw: tooLong, sync: 'parked' }])

    // Another session to move it into.
    await show(page, 'Scan')
    await page.getByRole('button', { name: 'End session' }).click()
    await page.getByRole('button', { name: 'End it' }).click()
    await page.getByRole('heading', { name: 'Session ended' }).waitFor()
    await page.getByRole('button', { name: 'New session' }).click()
    await start(page)
    await kiosk.scan('ANOTHER')
    await show(page, 'Queue')
    const row = page.locator('.queue-row')
    await row.getByRole('button', { name: 'Move' }).click()
    await page.getByRole('button', { name: 'Move and send' }).click()
    // There it is refused again, for the same reason.
    const current = page.locator('.panel', { has: page.getByRole('heading', { name: 'Current session' }) })
    await current.locator('.queue-row').getByText('Refused').waitFor()

    await row.getByRole('button', { name: 'Give up' }).click()
    expect(await page.getByRole('button', { name: 'Give it up for good' }).isDisabled()).toBe(true)
    await page.getByLabel('Why it is given up').fill('a torn label')
    await page.getByRole('button', { name: 'Give it up for good' }).click()
    await page.getByText('Nothing waits. Every scan is with the server.').waitFor()
    expect((await captures(kiosk)).map((capture) => capture.raw_value).toSorted()).toEqual([pen, 'ANOTHER'].toSorted())
  }, 120_000)

  it('shows both sides of a scan whose answer was lost and which the server does not list, and sends it when told to', async () => {
    let proxy: Awaited<ReturnType<typeof createFaultProxy>> | undefined
    const kiosk = await open({
      async between(backendUrl) {
        proxy = await createFaultProxy({ target: backendUrl, seed: 1, rates: {}, ignoresKeys: true })
        return proxy.url
      },
    })
    onTestFinished(() => proxy?.close())
    const { page } = kiosk
    await start(page)
    await kiosk.scan(pen)
    await expect.poll(async () => (await captures(kiosk)).length, { timeout: 20_000 }).toBe(1)
    // The server says success, and its answer is torn off; then somebody deletes it there.
    proxy?.setRates({ truncated: 1 })
    await kiosk.scan('TORN-OFF')
    await expect.poll(async () => (await captures(kiosk)).length, { timeout: 20_000 }).toBe(2)
    const id = (await captures(kiosk)).find((capture) => capture.raw_value === 'TORN-OFF')?.id ?? ''
    const headers = { 'x-api-key': kiosk.backend.apiKey }
    const url = `${kiosk.backend.url}/scanner/api/v1/captures/${id}`
    await expect.poll(async () => (await fetch(url, { method: 'DELETE', headers })).status).toBe(204)
    proxy?.setRates({})

    await show(page, 'Queue')
    const row = page.locator('.queue-row')
    await row.getByText('Undecided').waitFor()
    await row.getByText('The server said that it has it, but does not list it.').waitFor()
    await mkdir(pictures, { recursive: true })
    await page.screenshot({ path: `${pictures}/undecided.png` })
    await expectAccessible(page, 'the queue')
    await row.getByRole('button', { name: 'It is not there: send it again' }).click()
    await page.getByText('Nothing waits. Every scan is with the server.').waitFor()
    expect((await captures(kiosk)).map((capture) => capture.raw_value).toSorted()).toEqual([pen, 'TORN-OFF'].toSorted())
  }, 120_000)
})

describe.skipIf('missing' in found)('the drill (skipped where no Chromium is found)', () => {
  it('is begun under Settings, shows each rehearsal as it ends, and can be stopped', async () => {
    const { page } = await open()
    await page.keyboard.press('Alt+5')
    await page.getByRole('heading', { name: 'For the operator' }).waitFor()
    await page.getByRole('button', { name: 'Rehearse now' }).click()
    await page.getByText(/^2 of \d+ rehearsed$/).waitFor({ timeout: 100_000 })
    expect(await page.locator('.drill-rows').getByRole('listitem').count()).toBeGreaterThanOrEqual(2)
    await page.locator('.drill').scrollIntoViewIfNeeded()
    await mkdir(pictures, { recursive: true })
    await page.screenshot({ path: `${pictures}/drill.png` })
    await expectAccessible(page, 'the queue')
    await page.getByRole('button', { name: 'Stop the drill' }).click()
    await page.getByRole('button', { name: 'Rehearse now' }).waitFor()
  }, 150_000)
})
