import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openBus, startWithoutUsb, whyNoBus, type Bus, type BusDevice } from './bus/bus.ts'
import { cdcAcm, hidKeyboard, hidPosA, hidPosB, simpleCom, undocumented } from './bus/models.ts'
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
  /** Once the station's read waits in the device, a fault hits it. */
  const reading = async (device: BusDevice): Promise<void> => {
    const { waiting } = await device.state()
    if (!waiting['129']) await device.until('in-pending')
  }

  it('reads HID-POS layout A with its AIM identifier', async () => {
    const device = await bus.plug(hidPosA())
    const room = start()
    expect(await room.reported('ready')).toMatchObject({
      id: 'usb:0c2e:1007:POS-0001',
      name: 'Emulated HID POS (POS-0001)',
    })
    await device.scan('5901234123457', { aim: ']E0' })
    expect(await room.scanned(1)).toMatchObject([
      {
        data: '5901234123457',
        aim: ']E0',
        deviceId: 'usb:0c2e:1007:POS-0001',
        bytes: Buffer.from('5901234123457').toString('hex'),
      },
    ])
  })

  it('reads HID-POS layout B, which has no AIM identifier and its data elsewhere', async () => {
    const device = await bus.plug(hidPosB())
    const room = start()
    await room.reported('ready')
    await device.scan('4006381333931')
    const [scan] = await room.scanned(1)
    expect(scan?.data).toBe('4006381333931')
    expect(scan?.aim).toBeUndefined()
  })

  it.each([
    ['A', hidPosA],
    ['B', hidPosB],
  ])('joins the reports of a long code in layout %s', async (_, model) => {
    const device = await bus.plug(model())
    const room = start()
    await room.reported('ready')
    const long = `${'x'.repeat(56)}${'y'.repeat(56)}z`
    await device.scan(long)
    await device.scan('after')
    expect((await room.scanned(2)).map((scan) => scan.data)).toEqual([long, 'after'])
  })

  it('does not wait for ever for a report that the firmware wrongly announces', async () => {
    const device = await bus.plug(hidPosA({ continuesWhenFull: true }))
    const room = start()
    await room.reported('ready')
    await device.scan('f'.repeat(56))
    expect((await room.scanned(1))[0]?.data).toBe('f'.repeat(56))
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

  it('reads a keyboard scanner raw, group separators included, and takes it from the desktop', async () => {
    const device = await bus.plug(hidKeyboard())
    const room = start()
    await room.reported('ready')
    expect((await device.state()).drivers).toEqual({ 0: 'usbfs' })
    await device.scan('0104012345123456\u001d21Ab-7/x')
    await device.scan('second')
    expect((await room.scanned(2)).map((scan) => scan.data)).toEqual(['0104012345123456\u001d21Ab-7/x', 'second'])
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

  it('never touches what is no scanner', async () => {
    const mouse = await bus.plug(hidKeyboard({ vendorId: 0x046d, productId: 0xc31c, product: 'Keyboard' }))
    await bus.plug(hidPosA())
    const room = start()
    await room.reported('ready')
    expect((await mouse.state()).drivers).toEqual({ 0: 'usbhid' })
    expect(bus.events.filter((event) => event.number === mouse.number)).toEqual([])
  })

  it('reads a HID-POS scanner of a maker that nobody knows, by its usage', async () => {
    const device = await bus.plug(hidPosB({ vendorId: 0xdead, productId: 0xbeef, serial: null }))
    const room = start({ settings: { byId: { 'usb:dead:beef@1-1': { staleMs: 0 } } } })
    expect((await room.reported('ready')).id).toBe('usb:dead:beef@1-1')
    await device.scan('77')
    expect((await room.scanned(1))[0]?.data).toBe('77')
  })

  it('reads a virtual COM port that the kernel has no tty for', async () => {
    const device = await bus.plug(cdcAcm())
    const room = start()
    await room.reported('ready')
    await device.scan('4006381333931')
    await device.scan('two', { suffix: '\r\n' })
    await device.scan('three', { suffix: '' })
    expect((await room.scanned(3)).map((scan) => scan.data)).toEqual(['4006381333931', 'two', 'three'])
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

  it('reads Symbol simple COM port emulation, longer codes by silence', async () => {
    const device = await bus.plug(simpleCom())
    const room = start()
    await room.reported('ready')
    await device.scan('s'.repeat(100))
    expect((await room.scanned(1))[0]?.data).toBe('s'.repeat(100))
    await device.scan('short', { suffix: '\r' })
    expect((await room.scanned(2))[1]?.data).toBe('short')
  })

  it('says of an undocumented mode what to do, and leaves the scanner alone', async () => {
    const device = await bus.plug(undocumented())
    const room = start()
    const report = await room.reported('failed')
    expect(report.advice).toContain('SNAPI')
    expect(report.advice).toContain('HID-POS')
    expect((await device.state()).drivers).toEqual({ 0: 'usbhid' })
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
    const room = start({ settings: { staleMs: 250 } })
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
    room.forget()
    room.configure({ own: { name: 'Till 1' } })
    expect((await room.reported('ready')).name).toBe('Till 1')
    await device.scan('renamed')
    expect((await room.scanned(1))[0]).toMatchObject({ data: 'renamed', deviceName: 'Till 1' })
  })

  describe('faults', () => {
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

    it('is ready again after a plug, a pull and a plug, as the same device', async () => {
      const room = start()
      const first = await bus.plug(hidPosA(), { port: 1 })
      const { id } = await room.reported('ready')
      await first.scan('one')
      await room.scanned(1)
      await first.pull()
      await room.reported('unplugged')
      room.forget()
      // By its serial number it is the same in another port.
      const second = await bus.plug(hidPosA(), { port: 4 })
      expect((await room.reported('ready')).id).toBe(id)
      await second.scan('two')
      expect((await room.scanned(1))[0]).toMatchObject({ data: 'two', deviceId: id })
    })

    it.each(['eproto', 'clean', 'silent'] as const)(
      'ends a pull in mid-report (%s) without half a code',
      async (how) => {
        const device = await bus.plug(hidPosA())
        // What nobody tells is seen by looking.
        const room = start({ delays: { sweepMs: 300, flushMs: 2_000 } })
        await room.reported('ready')
        const [firstHalf] = hidPosA().packets('h'.repeat(100))
        await device.raw(firstHalf ?? [])
        await reading(device)
        await device.pull(how)
        await room.reported('unplugged')
        expect(room.scans).toEqual([])
        expect((await room.counts())['usb:0c2e:1007:POS-0001']?.torn).toBe(1)
        room.forget()
        const again = await bus.plug(hidPosA())
        await room.reported('ready')
        await again.scan('whole')
        expect((await room.scanned(1)).map((scan) => scan.data)).toEqual(['whole'])
      },
    )

    it('recovers from a stall and loses nothing', async () => {
      const device = await bus.plug(hidPosA())
      const room = start()
      await room.reported('ready')
      await reading(device)
      const cleared = device.until('clear-halt')
      await device.stall()
      await device.scan('behind the stall')
      await cleared
      expect((await room.scanned(1))[0]?.data).toBe('behind the stall')
    })

    it('shrugs off single protocol errors', async () => {
      const device = await bus.plug(hidPosA())
      const room = start()
      await room.reported('ready')
      for (let at = 0; at < 3; at++) {
        await reading(device)
        const next = device.until('in-pending')
        await device.failIn(71)
        await next
      }
      await device.scan('still here')
      expect((await room.scanned(1))[0]?.data).toBe('still here')
      expect((await room.counts())['usb:0c2e:1007:POS-0001']?.ends).toBe(0)
    })

    it('takes the device again after a reset', async () => {
      const device = await bus.plug(hidPosA())
      const room = start()
      await room.reported('ready')
      await reading(device)
      room.forget()
      await device.reset()
      await room.reported('ready')
      await device.scan('after the reset')
      expect((await room.scanned(1))[0]?.data).toBe('after the reset')
    })

    it('is busy while another program has the scanner, takes it from nobody, and then reads', async () => {
      const device = await bus.plug(hidPosA())
      await device.hold(true)
      const room = start({ delays: { retryMs: 100 } })
      const report = await room.reported('busy', ({ advice }) => advice.includes('Another program'))
      expect(report.advice).toContain('close that program')
      expect(await device.state()).toMatchObject({ claims: [0] })
      await device.hold(false)
      await room.reported('ready')
      await device.scan('mine now')
      expect((await room.scanned(1))[0]?.data).toBe('mine now')
    })

    it('tells a refused permission from an absent scanner, with the rule to install', async () => {
      const device = await bus.plug(hidPosA(), { isTold: false })
      await device.fault({ openErrno: 13 })
      const room = start({ delays: { retryMs: 100 } })
      const report = await room.reported('refused')
      expect(report.advice).toContain('SUBSYSTEM=="usb", ATTR{idVendor}=="0c2e"')
      expect(report.advice).toContain('/etc/udev/rules.d/')
      await device.fault({ openErrno: 0 })
      await room.reported('ready')
    })

    it('says of a keyboard scanner without permission that it still types into the window', async () => {
      const device = await bus.plug(hidKeyboard(), { isTold: false })
      await device.fault({ openErrno: 13 })
      const room = start()
      expect((await room.reported('refused')).advice).toMatch(/^It types into the window meanwhile/)
      expect((await device.state()).drivers).toEqual({ 0: 'usbhid' })
    })

    it('survives a storm of plugs, pulls and repeated events, and reads afterwards', async () => {
      const room = start({ delays: { retryMs: 100 } })
      for (let round = 0; round < 15; round++) {
        const device = await bus.plug(hidPosA(), { port: 1 + (round % 3) })
        await device.announce('add')
        await device.announce('remove')
        await device.announce('add')
        if (round % 2 === 0) await device.scan('lost in the storm')
        await device.pull((['eproto', 'clean', 'silent'] as const)[round % 3])
      }
      const last = await bus.plug(hidPosA())
      room.forget()
      await last.until('claim', (event) => event['result'] === 0)
      await last.until('in-pending')
      await last.scan('after the storm')
      const scans = await room.scanned(1)
      expect(scans.at(-1)?.data).toBe('after the storm')
      const state = await last.state()
      expect(state).toMatchObject({ opens: 1, claims: [0] })
    })

    it('tells two scanners of one model without serial numbers apart, by their ports', async () => {
      const model = hidPosA({ serial: null })
      const one = await bus.plug(model, { port: 1 })
      const two = await bus.plug(model, { port: 2 })
      const room = start()
      await room.reported('ready', (report) => report.id.endsWith('@1-1'))
      await room.reported('ready', (report) => report.id.endsWith('@1-2'))
      await Promise.all([one.scan('from one'), two.scan('from two')])
      const scans = await room.scanned(2)
      expect(new Map(scans.map((scan) => [scan.data, scan.deviceId]))).toEqual(
        new Map([
          ['from one', 'usb:0c2e:1007@1-1'],
          ['from two', 'usb:0c2e:1007@1-2'],
        ]),
      )
      expect(new Set(scans.map((scan) => scan.deviceName)).size).toBe(2)
    })

    it('reads 500 scans in order, also where the end of a read meets a report', async () => {
      const device = await bus.plug(hidPosA())
      const room = start({ delays: { pollMs: 5 } })
      await room.reported('ready')
      const sent = Array.from({ length: 500 }, (_, at) => `code-${at}`)
      for (const code of sent) await device.scan(code)
      expect((await room.scanned(500)).map((scan) => scan.data)).toEqual(sent)
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
