import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { drillStatusSchema, type DrillStatus } from '#contract/station/drill.ts'
import { isRunning, type Kiosk, missing, openKiosk, processTree } from './open-kiosk.ts'

if (missing !== null) console.warn(`tests/electron is skipped: ${missing}.`)

describe.skipIf(missing !== null)('the drill in Electron', { timeout: 600_000 }, () => {
  let kiosk: Kiosk
  const drill = async (name: 'status' | 'start' | 'stop'): Promise<DrillStatus> =>
    drillStatusSchema.parse((await kiosk.call(`drill.${name}`)).value)
  const folder = () => join(kiosk.dataDir, 'drill')

  beforeAll(async () => {
    kiosk = await openKiosk()
  })
  afterAll(() => kiosk?.close())

  it('is begun in the window, rehearses every fault with processes of its own, and ends in a go', async () => {
    expect((await drill('status')).state).toBe('idle')
    expect((await drill('start')).state).toBe('running')
    const ended = await vi.waitFor(
      async () => {
        const status = await drill('status')
        expect(status.state).not.toBe('running')
        return status
      },
      { timeout: 400_000, interval: 1_000 },
    )
    expect(ended.message).toBeNull()
    const { report } = ended
    for (const { name, verdict, reasons } of report?.rehearsals ?? [])
      expect({ name, verdict, reasons }).toEqual({ name, verdict: 'go', reasons: [] })
    expect(report).toMatchObject({ verdict: 'go', totals: { lost: 0, doubled: 0 } })
    expect(report?.rehearsals.map(({ name }) => name)).toContain('KILLED')
    expect(readdirSync(folder())).toEqual([])
  })

  it('ends with everything that it has started when it is stopped', async () => {
    const pid = kiosk.app.process().pid ?? 0
    const before = processTree(pid)
    expect((await drill('start')).state).toBe('running')
    await vi.waitFor(
      () => expect(existsSync(join(folder(), readdirSync(folder())[0] ?? '', 'server'))).toBe(true),
      60_000,
    )
    await vi.waitFor(async () => expect((await drill('status')).done.length).toBeGreaterThan(0), 120_000)
    await drill('stop')
    await vi.waitFor(async () => expect((await drill('status')).state).toBe('idle'), 30_000)
    expect(readdirSync(folder())).toEqual([])
    expect(processTree(pid).filter((each) => !before.includes(each) && isRunning(each))).toEqual([])
  })
})
