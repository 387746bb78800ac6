import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createBackend, type Backend } from '#backend/index.ts'
import { gateSettingsSchema, type GateStatus } from '#contract/station/gate.ts'
import { typeCode } from '../e2e/key-events.ts'
import { createOddScans, oddPasses, oddValues } from '../e2e/odd-passes.ts'
import { missing, openKiosk, type Kiosk } from './open-kiosk.ts'

const tenantKey = 'key-of-acme'

if (missing !== null) console.warn(`tests/electron/gate is skipped: ${missing}.`)

describe.skipIf(missing !== null)('a gate in Electron', () => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-electron-gate-'))
  let site: Backend
  let kiosk: Kiosk

  const startSite = (port: number) =>
    createBackend({
      dataDir: join(folder, 'site'),
      port,
      apiKey: 'station-key',
      tenant: {
        id: 'acme',
        key: tenantKey,
        passes: join(folder, 'passes.csv'),
        rules: join(folder, 'rules.json'),
      },
    })
  const ask = async <T>(name: string, input: unknown): Promise<T> => {
    const answer = await kiosk.call(name, input)
    if (!answer.ok) throw new Error(`${name}: ${JSON.stringify(answer.error)}`)
    return answer.value as unknown as T
  }

  beforeAll(async () => {
    writeFileSync(join(folder, 'passes.csv'), oddPasses)
    writeFileSync(join(folder, 'rules.json'), JSON.stringify({ '*': { graceMs: 0, entries: { kind: 'unlimited' } } }))
    writeFileSync(join(folder, 'key'), 'station-key')
    site = await startSite(0)
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
    await ask('gate.failed', {})
    await display.locator('[data-view="failed"]').waitFor()
    const refused = await display.evaluate(async () => {
      const { capstan } = window as unknown as {
        capstan: { call(name: string, input: unknown): Promise<{ ok: boolean; error?: { code: string } }> }
      }
      return [await capstan.call('gate.close', {}), await capstan.call('gate.scan', { data: '000123' })]
    })
    expect(refused.map(({ error }) => error?.code)).toEqual(['unauthorised', 'unauthorised'])
  })

  it('carries what a scanner types to the tenant, to the byte: over the relay, directly, by the site, and after being cut off', async () => {
    const keyboard = await kiosk.page.context().newCDPSession(kiosk.page)
    const odd = createOddScans({
      url: () => site.url,
      key: tenantKey,
      async scan(...codes) {
        for (const code of codes) await typeCode(keyboard, code)
      },
    })
    await odd.forget()
    const admits = () => kiosk.page.locator('.gate-self [data-code="admitted"]').waitFor()
    const open = async (road: 'relay' | 'direct' | 'site', isReady: (status: GateStatus) => boolean) => {
      const rules = { entries: { kind: 'unlimited' }, graceMs: 0 }
      const wallet = { url: site.url, tenantId: 'acme' }
      await ask('settings.change', {
        gate: gateSettingsSchema.parse({ isOn: true, name: 'north', road, wallet, rules, waitMs: 10_000 }),
      })
      await vi.waitFor(async () => expect(isReady(await ask<GateStatus>('gate.status', {}))).toBe(true), 30_000)
    }
    await ask('gate.key', { secret: tenantKey })
    for (const road of ['relay', 'direct', 'site'] as const) {
      await open(
        road,
        ({ site: state, list }) =>
          road === 'direct' || (state === 'online' && (road === 'relay' || list?.state === 'current')),
      )
      await odd.scan()
      await admits()
      await odd.arrive()
    }
    const { port } = new URL(site.url)
    await site.close()
    await odd.scan()
    await admits()
    await kiosk.page.getByText(/^Decided at this gate, by a list of /).waitFor()
    site = await startSite(Number(port))
    await odd.arrive()
  })
})
