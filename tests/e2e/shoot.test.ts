import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import { runCapstan } from '../unit/cli/run-capstan.ts'
import { temporaryFolder } from '../unit/station/parts.ts'
import { startStation } from '../unit/station/start-station.ts'
import { openKiosk } from './kiosk.ts'
import type { Kiosk } from './kiosk.ts'

const found = findChromium(process.env)
const path = 'path' in found ? found.path : ''
const twoCameras = ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=device-count=2']

const rig = (['front', 'back'] as const).map((role, index) => ({
  id: role,
  label: `fake_device_${index}`,
  deviceId: 'of another day',
  role,
  shoots: true,
}))

describe.skipIf('missing' in found)('capstan shoot (skipped where no Chromium is found)', () => {
  let kiosk: Kiosk | undefined
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
    kiosk = await openKiosk({ chromiumPath: path, catalogue: 'gtin,product_name,brand\n', browserArgs: twoCameras })
    const { page, address } = kiosk
    await page.getByText('Photos', { exact: true }).click()
    await page.getByRole('button', { name: 'Start session' }).click()
    const { code, lines, stderr } = await runCapstan(['shoot', '--station', address])
    expect({ code, lines }, stderr).toMatchObject({ code: 0, lines: [{ camera: 'Camera' }] })
    const rows = page.getByRole('region', { name: 'Scans' }).getByRole('listitem')
    await expect.poll(() => rows.locator('img').count(), { timeout: 60_000 }).toBe(1)
    expect(await kiosk.violations()).toEqual([])
  })

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
