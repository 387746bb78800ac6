import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import { runCapstan } from '../unit/cli/run-capstan.ts'
import { temporaryFolder } from '../unit/station/parts.ts'
import { startStation } from '../unit/station/start-station.ts'
import { plugCameraIn, unplugCamera } from './camera-faults.ts'
import { shootKey } from './desk-steps.ts'
import { pressKey } from './key-events.ts'
import { openKiosk } from './kiosk.ts'
import type { Kiosk } from './kiosk.ts'

const found = findChromium(process.env)
const path = 'path' in found ? found.path : ''
const gum = '96385074'
const twoCameras = ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=device-count=2']

const rig = (['front', 'back'] as const).map((role, index) => ({
  id: role,
  label: `fake_device_${index}`,
  deviceId: 'of another day',
  role,
  shoots: true,
}))

/** In the window: chooses what a camera sees and has it take part in each shot, within one turn of the loop. */
const setAtOnce = async (card: Element, role: string): Promise<void> => {
  const select = card.querySelector('select')
  if (select) select.value = role
  select?.dispatchEvent(new Event('change', { bubbles: true }))
  await Promise.resolve()
  const labels = [...card.querySelectorAll('label')]
  const shoots = labels.find(({ textContent }) => textContent?.includes('Takes a photo with each shot'))
  shoots?.querySelector('input')?.click()
}

describe.skipIf('missing' in found)('capstan shoot (skipped where no Chromium is found)', () => {
  let kiosk: Kiosk | undefined
  const open = () =>
    openKiosk({ chromiumPath: path, catalogue: `gtin,product_name,brand\n${gum},Gum,\n`, browserArgs: twoCameras })
  afterAll(() => kiosk?.close())

  it('opens the cameras of a rig by itself, has them shoot at once, and keeps a photo of each with its role', async () => {
    const data = temporaryFolder()
    const before = await startStation(null, { dataDir: data })
    await before.call('settings.change', { cameras: rig })
    await before.station.close()
    // As the machine's Chromium, with two cameras.
    const chromium = join(temporaryFolder(), 'chromium')
    await writeFile(chromium, `#!/bin/sh\nexec ${path} ${twoCameras[1]} "$@"\n`)
    await chmod(chromium, 0o755)

    const { code, lines, stderr } = await runCapstan(['shoot', '--data', data], '', { CAPSTAN_CHROMIUM: chromium })
    expect({ code, lines }, stderr).toEqual({
      code: 0,
      lines: ['Front', 'Back'].map((camera) => ({ camera, photo: expect.stringMatching(/^[0-9a-f]{64}$/) as string })),
    })
    const { lines: rows } = await runCapstan(['export', '--data', data, '--format', 'ndjson'])
    expect(rows.map(({ type, photoRole, device }) => [type, photoRole, device]).toSorted()).toEqual([
      ['IMAGE', 'back', 'Back'],
      ['IMAGE', 'front', 'Front'],
    ])
  })

  it('has the window of a running kiosk shoot into its session', async () => {
    kiosk ??= await open()
    const { page, address } = kiosk
    await page.getByText('Photos', { exact: true }).click()
    await page.getByRole('button', { name: 'Start session' }).click()
    const { code, lines, stderr } = await runCapstan(['shoot', '--station', address])
    expect({ code, lines }, stderr).toMatchObject({ code: 0, lines: [{ camera: 'Camera' }] })
    const rows = page.getByRole('region', { name: 'Scans' }).getByRole('listitem')
    await expect.poll(() => rows.locator('img').count(), { timeout: 60_000 }).toBe(1)
    await page.getByRole('button', { name: 'End session' }).click()
    await page.getByRole('button', { name: 'End it' }).click()
    await page.getByRole('button', { name: 'New session' }).waitFor()
    expect(await kiosk.violations()).toEqual([])
  })

  it('shoots with two cameras at once, goes on with one that is left, without the server, and says what to do', async () => {
    kiosk ??= await open()
    const { page, scan, stopBackend, startBackend, violations } = kiosk
    await page.getByRole('navigation', { name: 'Screens' }).waitFor()
    await page.keyboard.press('Alt+Digit8')
    await page.getByRole('heading', { name: 'Photograph products' }).waitFor()
    await scan(gum)
    await page.getByRole('heading', { name: 'Gum' }).waitFor()
    await page.getByRole('button', { name: 'Shoot: Front' }).waitFor()
    await page.keyboard.press('Alt+Digit5')
    for (const [index, role] of ['front', 'back'].entries()) {
      // Faster than the station can answer: what is set next keeps what was set a moment ago.
      await page.locator('.camera-card').nth(index).evaluate(setAtOnce, role)
    }
    await page.keyboard.press('Alt+Digit8')
    const photos = page.getByRole('list', { name: 'Photos of this product' }).getByRole('listitem')
    const shot = (count: number) => expect.poll(() => photos.count(), { timeout: 60_000 }).toBe(count)
    const atServer = (count: number) =>
      expect.poll(() => photos.getByText('at the server').count(), { timeout: 60_000 }).toBe(count)

    // A pedal is a key, and one that is stood on repeats it.
    await page.getByRole('button', { name: 'Shoot: Front + Back' }).waitFor()
    const pedal = await shootKey(page)
    for (let held = 0; held < 5; held += 1) await page.keyboard.down(pedal)
    await page.keyboard.up(pedal)
    await atServer(2)
    await shot(2)

    await page.evaluate(unplugCamera)
    await page.getByText('Plug it in again. It starts by itself.').waitFor()
    await page.getByRole('button', { name: 'Shoot: Nutrition' }).waitFor()
    await page.screenshot({ path: 'test-results/shoot/camera-lost.png' })
    await stopBackend()
    await pressKey(page, pedal)
    await shot(3)
    await page.getByText('The server cannot be reached. Go on: everything is kept here').waitFor()
    await page.screenshot({ path: 'test-results/shoot/offline.png' })
    await page.evaluate(plugCameraIn)
    await page.getByText('Plug it in again. It starts by itself.').waitFor({ state: 'detached' })
    await startBackend()
    await atServer(3)

    const room = async (megabytes: string) => {
      await page.keyboard.press('Alt+Digit5')
      await page.getByLabel('Disk space kept free for scans, in megabytes').fill(megabytes)
      await page.keyboard.press('Alt+Digit8')
    }
    await room('999999')
    await page.getByText('No more photos: their space is used up.').waitFor()
    expect(await page.locator('.shoot-cameras').getByRole('button', { name: 'Shoot' }).isDisabled()).toBe(true)
    await page.screenshot({ path: 'test-results/shoot/no-room.png' })
    await room('300')
    await page.getByRole('button', { name: /^Shoot: / }).waitFor()
    await pressKey(page, pedal)
    await expect.poll(() => photos.count(), { timeout: 60_000 }).toBeGreaterThan(3)
    expect(await violations()).toEqual([])
  }, 300_000)

  it('says why nothing can be asked', async () => {
    const answers = await Promise.all([
      runCapstan(['shoot']),
      runCapstan(['shoot', '--station', 'http://127.0.0.1:9/?token=x']),
      runCapstan(['shoot', '--data', temporaryFolder()], '', { CAPSTAN_CHROMIUM: '/nowhere' }),
    ])
    expect(answers.map(({ code }) => code)).toEqual([2, 2, 2])
    expect(answers[1]?.stderr).toContain('no kiosk answers')
  })
})
