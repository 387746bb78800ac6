import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBus, whyNoBus, type Bus } from './bus/bus.ts'
import { cdcAcm, hidPosA, hidPosB } from './bus/models.ts'
import { account, scanSteadily, slowDown, storedCodes } from './load.ts'

const reason = whyNoBus()
if (reason) console.log(`skipped: ${reason}`)

const program = fileURLToPath(new URL('station-process.ts', import.meta.url))

describe.skipIf(reason !== null)('a station with a scanner on the USB bus', () => {
  let bus: Bus
  let folder: string
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'capstan-station-'))
    bus = await openBus()
  })
  afterEach(async () => {
    await bus.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('has on disk, in order and once, every scan that it beeped for, when it is killed at the beep', async () => {
    const device = await bus.plug(hidPosA())
    const beeps = () => bus.events.filter((event) => event.event === 'out' && event['data'] === '0440').length
    const sent: string[] = []
    let heard = 0
    // Without a replug: each station takes the scanner that the killed one had.
    for (let life = 0; life < 4; life++) {
      const reading = device.until('in-pending')
      const station = bus.start(program, [folder])
      const exited = once(station, 'exit')
      await reading
      const target = beeps() + 5 + life * 3
      while (beeps() < target) {
        const before = beeps()
        const code = `scan-${sent.length}`
        sent.push(code)
        const beep = device.until('out')
        await device.scan(code)
        if (beeps() === before) await beep
      }
      station.kill('SIGKILL')
      await exited
      heard = beeps()
      expect((await device.state()).opens).toBe(0)
    }
    expect(heard).toBe(sent.length)
    expect(storedCodes(folder)).toEqual(sent)
  })

  it('loses, doubles and reorders nothing from three scanners at once, on a slow disk', async () => {
    const devices = [await bus.plug(hidPosA()), await bus.plug(hidPosB()), await bus.plug(cdcAcm())]
    const station = bus.start(program, [folder])
    const exited = once(station, 'exit')
    for (const device of devices)
      await expect.poll(async () => (await device.state()).waiting['129'], { timeout: 20_000 }).toBe(1)
    const endSlowness = slowDown(folder, 4)
    const sent = await scanSteadily(devices, { perSecond: 30, durationMs: 12_000 })
    await expect.poll(() => storedCodes(folder).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(sent.length)
    await endSlowness()
    station.send('close')
    await exited
    expect(account(sent, storedCodes(folder))).toEqual({ sent: 360, lost: 0, doubled: 0, disordered: 0 })
  })

  it('ends with its bus', async () => {
    const device = await bus.plug(hidPosA())
    const reading = device.until('in-pending')
    const station = bus.start(program, [folder])
    await reading
    const exited = once(station, 'exit')
    await bus.close()
    expect(await exited).toEqual([null, 'SIGKILL'])
    bus = await openBus()
  })

  it('ends with its test, whatever became of that, and leaves the scanner to the next', async () => {
    const device = await bus.plug(hidPosA())
    const reading = device.until('in-pending')
    const station = bus.start(program, [folder])
    await reading
    const exited = once(station, 'exit')
    // What a test that failed, and a Vitest worker that was killed, leave behind.
    station.disconnect()
    await exited
    await expect.poll(async () => (await device.state()).opens).toBe(0)
  })
})
