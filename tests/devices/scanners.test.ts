import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openBus, startWithoutUsb, whyNoBus, type Bus } from './bus/bus.ts'
import { cdcAcm, hidKeyboard, hidPosA, hidPosB } from './bus/models.ts'
import { readerCases, reading } from './cases.ts'
import { startScanners, type Scanners, type ScannersStart } from './scanners.ts'

const reason = whyNoBus()
if (reason) console.log(`skipped: ${reason}`)

describe.skipIf(reason !== null)('scanners on the USB bus', () => {
  let bus: Bus
  let scanners: Scanners | null = null
  beforeAll(async () => {
    bus = await openBus()
  })
  afterAll(() => bus.close())
  beforeEach(() => bus.pullAll())
  afterEach(async () => {
    await scanners?.close()
    scanners = null
  })
  const start = (options: ScannersStart = {}): Scanners => {
    scanners = startScanners(bus, options)
    return scanners
  }
  describe('whatever the host', () => {
    for (const { name, run } of readerCases) it(name, () => run(bus, async (delays = {}) => start({ delays })))
  })

  it('asks the Honeywell family for its codes, and takes no answer to a command for a code', async () => {
    const device = await bus.plug(hidPosA())
    const enabled = device.until('set-report')
    const room = start()
    expect(await enabled).toMatchObject({ reportType: 3, reportId: 0xfe, data: 'fe01' })
    await room.reported('ready')
    const echo = Buffer.alloc(64)
    echo.set([2, 3, ...Buffer.from(']Z6'), ...Buffer.from('OK\u0006', 'latin1')])
    echo[61] = '6'.charCodeAt(0)
    await device.raw(echo)
    await device.scan('real')
    expect((await room.scanned(1))[0]?.data).toBe('real')
  })

  it('leaves a keyboard scanner to the window when told so', async () => {
    const keyboard = await bus.plug(hidKeyboard())
    const other = await bus.plug(hidPosA())
    const room = start({ settings: { claimKeyboards: false } })
    await room.reported('ready', (report) => report.id.includes('0c2e'))
    expect((await keyboard.state()).drivers).toEqual({ 0: 'usbhid' })
    await other.scan('1')
    await room.scanned(1)
    // It is listed all the same, as the window's.
    expect(room.reports.filter((report) => report.id.includes('05e0'))).toMatchObject([
      { state: 'detected' },
      { state: 'ready' },
    ])
    expect(bus.events.filter((event) => event.number === keyboard.number)).toEqual([])
  })

  it('never touches what is no scanner: a keyboard and a foot pedal type into the window, whatever is claimed', async () => {
    const others = [
      await bus.plug(hidKeyboard({ vendorId: 0x046d, productId: 0xc31c, product: 'Keyboard' })),
      await bus.plug(hidKeyboard({ vendorId: 0x3553, productId: 0xb001, product: 'FootSwitch' })),
    ]
    await bus.plug(hidPosA())
    const room = start()
    await room.reported('ready')
    for (const { number, state } of others) {
      expect((await state()).drivers).toEqual({ 0: 'usbhid' })
      expect(bus.events.filter((event) => event.number === number)).toEqual([])
    }
  })

  it('reads a HID-POS scanner of a maker that nobody knows, by its usage', async () => {
    const device = await bus.plug(hidPosB({ vendorId: 0xdead, productId: 0xbeef, serial: null }))
    const room = start({ settings: { byId: { 'usb:dead:beef@1-1': { staleMs: 0 } } } })
    expect((await room.reported('ready')).id).toBe('usb:dead:beef@1-1')
    await device.scan('77')
    expect((await room.scanned(1))[0]?.data).toBe('77')
  })

  it('acknowledges on a line only after the commit, and says NAK when it was not saved', async () => {
    const device = await bus.plug(cdcAcm())
    const room = start({ answer: 'held', settings: { own: { acknowledge: true } } })
    await room.reported('ready')
    const outs = () => bus.events.filter((event) => event.event === 'out' && event.number === device.number)
    await device.scan('one')
    await room.scanned(1)
    // A round trip through both processes: an early ACK would have come by then.
    await room.counts()
    expect(outs()).toEqual([])
    const acknowledged = device.until('out')
    room.answer(true)
    expect((await acknowledged)['data']).toBe('06')
    await device.scan('two')
    await room.scanned(2)
    const refused = device.until('out')
    room.answer(false)
    expect((await refused)['data']).toBe('15')
  })

  it('beeps good after the commit and bad when it was not saved, where the descriptor names the beeps', async () => {
    const device = await bus.plug(hidPosA())
    const room = start({ answer: 'held' })
    await room.reported('ready')
    await device.scan('one')
    await room.scanned(1)
    const good = device.until('out')
    room.answer(true)
    expect((await good)['data']).toBe('0440')
    await device.scan('two')
    await room.scanned(2)
    const bad = device.until('out')
    room.answer(false)
    expect((await bad)['data']).toBe('0420')
    const test = device.until('out')
    expect(await room.feedback('usb:0c2e:1007:POS-0001', 'good')).toBe(true)
    expect((await test)['data']).toBe('0440')
  })

  it('sends nothing to a layout whose commands it does not know', async () => {
    const device = await bus.plug(hidPosB())
    const room = start()
    await room.reported('ready')
    await device.scan('one')
    await room.scanned(1)
    expect(await room.feedback('usb:1eab:1d10:POSB-0001', 'good')).toBe(false)
    expect(bus.events.filter((event) => event.event === 'out' && event.number === device.number)).toEqual([])
  })

  it('keeps text that is no UTF-8, with the bytes beside it', async () => {
    const device = await bus.plug(hidPosA())
    const room = start()
    await room.reported('ready')
    await device.scan(Buffer.from([0x47, 0x72, 0xfc, 0xdf, 0x65]))
    await device.scan(Buffer.from('Grüße', 'utf8'))
    expect((await room.scanned(2)).map((scan) => [scan.data, scan.bytes])).toEqual([
      ['Grüße', '4772fcdf65'],
      ['Grüße', '4772c3bcc39f65'],
    ])
  })

  it('drops what a scanner had kept for itself before it was opened', async () => {
    const device = await bus.plug(hidPosA())
    await device.scan('old')
    // Longer than a busy machine takes from opening to reading.
    const room = start({ settings: { staleMs: 1_500 } })
    await room.reported('ready')
    let fresh = 0
    // Until one comes later than the stale time.
    while (room.scans.length === 0) {
      await device.scan(`fresh-${fresh++}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(room.scans[0]?.data).toMatch(/^fresh-/)
    expect(room.scans.map((scan) => scan.data)).not.toContain('old')
    expect((await room.counts())['usb:0c2e:1007:POS-0001']?.stale).toBeGreaterThan(0)
  })

  it('gives a scanner back when it is switched off, and takes it again with its new name', async () => {
    const device = await bus.plug(hidPosA())
    const room = start()
    await room.reported('ready')
    room.configure({ own: { enabled: false } })
    expect((await room.reported('unplugged')).advice).toContain('switched off')
    await expect.poll(async () => (await device.state()).drivers).toEqual({ 0: 'usbhid' })
    await room.forget()
    room.configure({ own: { name: 'Till 1' } })
    expect((await room.reported('ready')).name).toBe('Till 1')
    await device.scan('renamed')
    expect((await room.scanned(1))[0]).toMatchObject({ data: 'renamed', deviceName: 'Till 1' })
  })

  describe('faults', () => {
    it('counts the code that was under way when the scanner was pulled out', async () => {
      const device = await bus.plug(hidPosA())
      const room = start({ delays: { flushMs: 2_000 } })
      await room.reported('ready')
      const [firstHalf] = hidPosA().packets('h'.repeat(100))
      await device.raw(firstHalf ?? [])
      await reading(device)
      await device.pull()
      await room.reported('unplugged')
      expect(room.scans).toEqual([])
      expect((await room.counts())['usb:0c2e:1007:POS-0001']?.torn).toBe(1)
    })

    it('goes on on a machine that has no USB at all', async () => {
      scanners = startScanners({ start: startWithoutUsb }, { delays: { sweepMs: 20 } })
      // Several looks at nothing.
      for (let look = 0; look < 5; look++) {
        await new Promise((resolve) => setTimeout(resolve, 50))
        expect(await scanners.counts()).toEqual({})
      }
    })

    it('reads a scanner that does not even tell its name', async () => {
      const model = hidPosA()
      const device = await bus.plug({ ...model, spec: { ...model.spec, strings: {}, deafStrings: [1, 2, 3] } })
      const room = start()
      expect((await room.reported('ready')).name).toBe('Honeywell (1-1)')
      await device.scan('nameless')
      expect((await room.scanned(1))[0]?.data).toBe('nameless')
    })

    it('gives the scanner back to the kernel when it closes', async () => {
      const pos = await bus.plug(hidPosA())
      const cdc = await bus.plug(cdcAcm())
      const room = start()
      await room.reported('ready', (report) => report.id.includes('0c2e'))
      await room.reported('ready', (report) => report.id.includes('05f9'))
      await room.close()
      expect(await pos.state()).toMatchObject({ opens: 0, claims: [], drivers: { 0: 'usbhid' } })
      expect(await cdc.state()).toMatchObject({ opens: 0, claims: [], drivers: { 0: 'cdc_acm', 1: 'cdc_acm' } })
    })

    it('takes the scanners without a replug after it was killed', async () => {
      const pos = await bus.plug(hidPosA())
      const keyboard = await bus.plug(hidKeyboard())
      const killed = startScanners(bus)
      await killed.reported('ready', (report) => report.id.includes('0c2e'))
      await killed.reported('ready', (report) => report.id.includes('05e0'))
      await killed.kill()
      // The kernel lets go of a dead process's files a little after its end.
      await expect.poll(async () => (await pos.state()).drivers).toEqual({ 0: null })
      const room = start({
        settings: { byId: { 'usb:05e0:1200@1-2': { staleMs: 0 }, 'usb:0c2e:1007:POS-0001': { staleMs: 0 } } },
      })
      await room.reported('ready', (report) => report.id.includes('0c2e'))
      await room.reported('ready', (report) => report.id.includes('05e0'))
      await pos.scan('first')
      await room.scanned(1)
      await keyboard.scan('second')
      expect((await room.scanned(2)).map((scan) => scan.data)).toEqual(['first', 'second'])
      // And what it took over from nobody it gives to the kernel in the end.
      await room.close()
      expect((await pos.state()).drivers).toEqual({ 0: 'usbhid' })
    })
  })
})
