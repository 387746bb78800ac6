import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Result } from '#contract/result.ts'
import type { DeviceDetails, DeviceRead } from '#contract/station/device.ts'
import type { ProcedureInput, ProcedureName, ProcedureOutput } from '#contract/station/procedures.ts'
import { scannerSettingsSchema, type ScannerSettings } from '#contract/station/scanner-settings.ts'
import { openBus, whyNoBus, type Bus } from './bus/bus.ts'
import { hidKeyboard, hidPosA } from './bus/models.ts'
import type { DeskMessage } from './desk-process.ts'

const reason = whyNoBus()
if (reason) console.log(`skipped: ${reason}`)

const program = fileURLToPath(new URL('desk-process.ts', import.meta.url))
const posId = 'usb:0c2e:1007:POS-0001'
const keyboardId = 'usb:05e0:1200@1-1'
const own = (fields: Partial<ScannerSettings> = {}): ScannerSettings =>
  scannerSettingsSchema.parse({ staleMs: 0, ...fields })

describe.skipIf(reason !== null)('the devices of a whole station on the USB bus', () => {
  let bus: Bus
  let folder: string
  let desk: Awaited<ReturnType<typeof openDesk>>
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'capstan-desk-'))
    bus = await openBus()
    desk = await openDesk()
  })
  afterEach(async () => {
    await desk.close()
    await bus.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function openDesk() {
    const child = bus.start(program, [folder])
    const exited = once(child, 'exit')
    const answers = new Map<number, (result: unknown) => void>()
    const reads: DeviceRead[] = []
    const states: string[] = []
    let last = 0
    child.on('message', (message: DeskMessage) => {
      if ('id' in message) answers.get(message.id)?.(message.result)
      else if (message.topic === 'device.scan') reads.push(message.payload as DeviceRead)
      else {
        const { id, state } = message.payload as DeviceDetails
        states.push(`${id} ${state}`)
      }
    })
    const ask = (name: string, input: object): Promise<unknown> =>
      new Promise((resolve) => {
        answers.set((last += 1), resolve)
        child.send({ id: last, name, input })
      })
    const call = async <N extends ProcedureName>(name: N, input: ProcedureInput<N>): Promise<ProcedureOutput<N>> => {
      const result = (await ask(name, input)) as Result<ProcedureOutput<N>>
      if (!result.ok) throw new Error(`${name}: ${result.error.message}`)
      return result.value
    }
    await call('device.configure', { id: posId, settings: own() })
    await ask('readScanners', {})
    const device = async (id: string) => (await call('device.list', {})).devices.find((one) => one.id === id)
    return {
      call,
      reads,
      states,
      device,
      /** The device once it is in that state. */
      until: (id: string, state: DeviceDetails['state']) =>
        expect.poll(async () => (await device(id))?.state, { timeout: 15_000 }).toBe(state),
      read: (count: number) => expect.poll(() => reads.length, { timeout: 15_000 }).toBe(count),
      async close() {
        child.send({ id: 0, name: 'close', input: {} })
        await exited
      },
    }
  }
  const beeps = () => bus.events.filter(({ event }) => event === 'out').map((event) => String(event['data']))

  it('lists a scanner as it comes, reads and goes, with what it rests on, and forgets it when told', async () => {
    const device = await bus.plug(hidPosA())
    await desk.until(posId, 'ready')
    await device.scan('4006381333931', { aim: ']E0' })
    await desk.read(1)
    expect(await desk.device(posId)).toMatchObject({
      name: 'Emulated HID POS (POS-0001)',
      facts: { maker: 'Honeywell', serial: 'POS-0001', port: '1-1', class: 'hid-pos', road: 'usb' },
      counts: { reads: 1, saved: 1, notSaved: 0 },
      last: { text: '4006381333931', aim: ']E0', hex: Buffer.from('4006381333931').toString('hex'), outcome: 'saved' },
      signals: ['good', 'bad'],
      latency: { reads: 1 },
    })
    // Without a session before: the scan has opened one, and its bytes and times are in the row.
    const session = await desk.call('session.current', {})
    const { captures } = await desk.call('capture.list', { sessionId: session?.id ?? '' })
    const { read } = await desk.call('capture.get', { id: captures[0]?.id ?? '' })
    expect(read).toMatchObject({ deviceId: posId, bytes: Buffer.from('4006381333931').toString('hex') })

    await desk.call('device.feedback', { id: posId, signal: 'bad' })
    await expect.poll(() => beeps().length).toBe(2)
    await device.pull()
    await desk.until(posId, 'unplugged')
    await expect.poll(() => desk.states).toContain(`${posId} unplugged`)
    await desk.call('device.forget', { id: posId })
    expect(await desk.device(posId)).toBeUndefined()
    expect((await desk.call('station.status', {})).disagreements).toEqual([])
  })

  it('registers the scanner that reads the code, and knows it again in another port', async () => {
    const first = await bus.plug(hidPosA(), { port: 1 })
    const other = await bus.plug(hidPosA({ serial: 'POS-0002' }), { port: 2 })
    await desk.call('device.configure', { id: 'usb:0c2e:1007:POS-0002', settings: own() })
    await desk.until(posId, 'ready')
    await desk.until('usb:0c2e:1007:POS-0002', 'ready')
    const { pairing } = await desk.call('device.pair', { on: true })
    await first.scan(pairing?.code ?? '')
    await desk.read(1)
    const found = (await desk.call('station.status', {})).pairing?.found
    expect(found).toMatchObject({ deviceId: posId, kind: 'scanner' })
    await desk.call('device.configure', { id: posId, settings: own({ name: 'Dock 3', place: 'Gate B' }) })
    await desk.call('device.pair', { on: false })
    // It was told good, and nothing of it was captured.
    await expect.poll(() => beeps().length).toBe(1)
    expect(await desk.call('session.list', {})).toEqual([])

    await first.pull()
    await desk.until(posId, 'unplugged')
    const again = await bus.plug(hidPosA(), { port: 3 })
    await desk.until(posId, 'ready')
    expect(await desk.device(posId)).toMatchObject({ name: 'Dock 3', place: 'Gate B', facts: { port: '1-3' } })
    await again.scan('A')
    await other.scan('B')
    await desk.read(3)
    const session = await desk.call('session.current', {})
    const { captures } = await desk.call('capture.list', { sessionId: session?.id ?? '' })
    expect(new Map(captures.map(({ raw, location }) => [raw, location]))).toEqual(
      new Map([
        ['A', 'Gate B'],
        ['B', null],
      ]),
    )
  })

  it('answers a scanner in test mode with good and bad, and captures nothing', async () => {
    const device = await bus.plug(hidPosA())
    await desk.until(posId, 'ready')
    await desk.call('device.test', { on: true })
    await device.scan('4006381333931', { aim: ']E0' })
    await device.scan('4006381333932', { aim: ']E0' })
    await desk.read(2)
    expect(desk.reads.map(({ outcome }) => outcome)).toEqual(['sound', 'unsound'])
    await expect.poll(() => beeps().length).toBe(2)
    expect(new Set(beeps()).size).toBe(2)
    expect(await desk.call('session.list', {})).toEqual([])
    await desk.call('device.test', { on: false })
    await device.scan('kept')
    await desk.read(3)
    expect((await desk.call('session.current', {}))?.totals.scans).toBe(1)
  })

  it('shows the rule to install for a scanner that this account may not open', async () => {
    const device = await bus.plug(hidPosA(), { isTold: false })
    await device.fault({ openErrno: 13 })
    await device.announce('add')
    await desk.until(posId, 'refused')
    const shown = await desk.device(posId)
    expect(shown?.permission?.path).toBe('/etc/udev/rules.d/70-capstan-scanners.rules')
    expect(shown?.permission?.rule).toContain('ATTR{idVendor}=="0c2e", ATTR{idProduct}=="1007"')
    expect(shown?.errors[0]).toMatchObject({ code: 'refused' })
    await device.fault({ openErrno: 0 })
    await desk.until(posId, 'ready')
    expect((await desk.device(posId))?.permission).toBeNull()
  })

  it('lists a keyboard scanner as the window has it, and takes it from the desktop when it is claimed', async () => {
    const device = await bus.plug(hidKeyboard())
    await desk.until(keyboardId, 'ready')
    expect((await desk.device(keyboardId))?.facts).toMatchObject({ class: 'hid-keyboard', road: 'window' })
    expect((await device.state()).drivers).toEqual({ 0: 'usbhid' })
    await desk.call('device.configure', { id: keyboardId, settings: own({ claim: true }) })
    await expect.poll(async () => (await device.state()).drivers, { timeout: 15_000 }).toEqual({ 0: 'usbfs' })
    await desk.until(keyboardId, 'ready')
    await device.scan('0104012345123456\u001d21AB')
    await desk.read(1)
    expect(desk.reads[0]).toMatchObject({ text: '0104012345123456\u001d21AB', deviceId: keyboardId })
    await desk.call('device.configure', { id: keyboardId, settings: own() })
    await expect.poll(async () => (await device.state()).drivers, { timeout: 15_000 }).toEqual({ 0: 'usbhid' })
  })
})
