import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Capture } from '#contract/station/capture.ts'
import type { Device } from '#contract/station/status.ts'
import { openBus, whyNoBus, type Bus } from '../devices/bus/bus.ts'
import { readerCases, type Reader, type ReadReport } from '../devices/cases.ts'
import { toSettings } from '../devices/scanners.ts'
import { missing, openKiosk, type Kiosk } from './open-kiosk.ts'

const reason = missing ?? whyNoBus()
if (reason !== null) console.warn(`tests/electron/scanners is skipped: ${reason}.`)

/** The product's own delays: a sweep comes every five seconds. */
const patience = { timeout: 30_000, interval: 100 }

describe.skipIf(reason !== null)('scanners on the USB bus of the kiosk in Electron', () => {
  let bus: Bus
  let kiosk: Kiosk
  let sessionId = ''
  /** What the kiosk's log had before this test, in characters. */
  let seen = 0

  beforeAll(async () => {
    bus = await openBus()
    kiosk = await openKiosk([], bus)
    await ask('settings.change', { scanners: toSettings({ staleMs: 0, claimKeyboards: true }) })
  })
  afterAll(async () => {
    await kiosk?.close()
    await bus?.close()
  })
  beforeEach(async () => {
    await bus.pullAll()
    await vi.waitFor(async () => {
      for (const device of await scannersOf()) expect(device.state).toBe('unplugged')
    }, patience)
    if (sessionId !== '') await ask('session.end', { id: sessionId })
    sessionId = (await ask<{ id: string }>('session.open', { label: 'bus' })).id
    seen = kiosk.output().length
  })

  const ask = async <T>(name: string, input: unknown): Promise<T> => {
    const answer = await kiosk.call(name, input)
    if (!answer.ok) throw new Error(`${name}: ${JSON.stringify(answer.error)}`)
    return answer.value as unknown as T
  }
  const scannersOf = async (): Promise<Device[]> =>
    (await ask<{ devices: Device[] }>('station.status', {})).devices.filter((device) => device.kind === 'scanner')
  /** Every change of state, as the kiosk's log has it: what one asks may have passed already. */
  const reports = (): Omit<ReadReport, 'name'>[] =>
    kiosk
      .output()
      .slice(seen)
      .split('\n')
      .filter((line) => line.includes('"msg":"scanner state"'))
      .map((line) => {
        const { device, state, advice } = JSON.parse(line) as Record<'device' | 'state' | 'advice', string>
        return { id: device, state, advice }
      })
  /** The number of scans that the window shows as committed. */
  const shown = async (): Promise<number> =>
    Number(
      await kiosk.page
        .locator('.figure', { has: kiosk.page.getByText('Scans', { exact: true }) })
        .locator('dd')
        .innerText(),
    )

  const start = async (): Promise<Reader> => {
    let forgotten = 0
    const captures = async (): Promise<Capture[]> => {
      const { captures: newestFirst } = await ask<{ captures: Capture[] }>('capture.list', { sessionId, limit: 500 })
      return newestFirst.toReversed()
    }
    return {
      async scanned(count) {
        const all = await vi.waitFor(async () => {
          // The list is asked for once all are there: over and over it would keep a loaded machine from taking them.
          const drawn = await shown()
          expect(drawn).toBeGreaterThanOrEqual(forgotten + count)
          const rows = await captures()
          expect(rows).toHaveLength(drawn)
          return rows
        }, patience)
        return all.slice(forgotten).map(({ raw, symbologyIdentifier, deviceName }) => ({
          data: raw,
          ...(symbologyIdentifier === null ? {} : { aim: symbologyIdentifier }),
          deviceName,
        }))
      },
      async reported(state, matches = () => true) {
        return await vi.waitFor(async () => {
          const names = new Map((await scannersOf()).map((device) => [device.id, device.name]))
          const found = reports()
            .map((report) => ({ ...report, name: names.get(report.id) ?? '' }))
            .find((report) => report.state === state && matches(report))
          if (!found) throw new Error(`no state ${state}: ${JSON.stringify(reports())}`)
          return found
        }, patience)
      },
      async forget() {
        seen = kiosk.output().length
        forgotten = (await captures()).length
      },
    }
  }

  for (const { name, run } of readerCases) it(name, () => run(bus, start))
})
