import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBackend, type Backend } from '#backend/index.ts'
import { gateSettingsSchema } from '#contract/station/gate.ts'
import { oddPasses, oddValues } from '../e2e/odd-passes.ts'
import { missing, openKiosk, type Kiosk } from './open-kiosk.ts'

if (missing !== null) console.warn(`tests/electron/gate is skipped: ${missing}.`)

describe.skipIf(missing !== null)('a gate in Electron', () => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-electron-gate-'))
  let site: Backend
  let kiosk: Kiosk

  const ask = async <T>(name: string, input: unknown): Promise<T> => {
    const answer = await kiosk.call(name, input)
    if (!answer.ok) throw new Error(`${name}: ${JSON.stringify(answer.error)}`)
    return answer.value as unknown as T
  }

  beforeAll(async () => {
    writeFileSync(join(folder, 'passes.csv'), oddPasses)
    writeFileSync(join(folder, 'rules.json'), JSON.stringify({ '*': { graceMs: 0, entries: { kind: 'unlimited' } } }))
    writeFileSync(join(folder, 'key'), 'station-key')
    site = await createBackend({
      dataDir: join(folder, 'site'),
      port: 0,
      apiKey: 'station-key',
      tenant: { id: 'acme', passes: join(folder, 'passes.csv'), rules: join(folder, 'rules.json') },
    })
    kiosk = await openKiosk(['--backend', site.url, '--api-key-file', join(folder, 'key'), '--visitor-display'])
  })
  afterAll(async () => {
    await kiosk?.close()
    await site?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('shows visitors the verdict in a window of their own, which may change nothing', async () => {
    await ask('settings.change', { gate: gateSettingsSchema.parse({ isOn: true, name: 'north' }) })
    const display = kiosk.app.windows().find((one) => one !== kiosk.page) ?? (await kiosk.app.waitForEvent('window'))
    await display.locator('.gate-face').waitFor()
    expect(display.url()).toBe('app://kiosk/visitor')
    await ask('gate.scan', { data: oddValues[0], source: 'device' })
    await display.locator('[data-code="admitted"]').waitFor()
    expect(await display.locator('.gate-word').textContent()).toBe('Come in')
    const refused = await display.evaluate(async () => {
      const { capstan } = window as unknown as {
        capstan: { call(name: string, input: unknown): Promise<{ ok: boolean; error?: { code: string } }> }
      }
      return [await capstan.call('gate.close', {}), await capstan.call('gate.scan', { data: '000123' })]
    })
    expect(refused.map(({ error }) => error?.code)).toEqual(['unauthorised', 'unauthorised'])
  })
})
