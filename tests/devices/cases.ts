import { expect } from 'vitest'
import type { Bus, BusDevice } from './bus/bus.ts'
import { cdcAcm, hidKeyboard, hidPosA, hidPosB, simpleCom, undocumented } from './bus/models.ts'
import type { Delays } from '#station/device/scanner.ts'

/** A scan as every host of the device room has it. */
export interface ReadScan {
  readonly data: string
  readonly aim?: string | undefined
  readonly deviceName: string
}

export interface ReadReport {
  readonly id: string
  readonly name: string
  readonly state: string
  readonly advice: string
}

/** Whoever reads the scanners of a bus: the device room alone, or a kiosk with its window. */
export interface Reader {
  /** The scans since the last `forget`, once there are that many. */
  scanned(count: number): Promise<readonly ReadScan[]>
  /** The first report in that state since the last `forget`. */
  reported(state: string, matches?: (report: ReadReport) => boolean): Promise<ReadReport>
  /** Reports and scans so far do not count any more. */
  forget(): Promise<void>
}

/** One thing that must hold on a real bus, whatever the host. */
export interface ReaderCase {
  readonly name: string
  /** `start` takes delays as wishes, so that no test waits long: a kiosk has those of the product. */
  run(bus: Bus, start: (delays?: Partial<Delays>) => Promise<Reader>): Promise<void>
}

/** Resolves once the host's read waits in the device: then a fault hits it. */
export async function reading(device: BusDevice): Promise<void> {
  const pending = device.until('in-pending')
  const { waiting } = await device.state()
  if (!waiting['129']) await pending
}

const texts = (scans: readonly ReadScan[]): string[] => scans.map((scan) => scan.data)

/** Everything that scanners do to their host, from reading to pulled cables. */
export const readerCases: readonly ReaderCase[] = [
  {
    name: 'reads HID-POS layout A with its AIM identifier',
    async run(bus, start) {
      const device = await bus.plug(hidPosA())
      const reader = await start()
      expect(await reader.reported('ready')).toMatchObject({
        id: 'usb:0c2e:1007:POS-0001',
        name: 'Emulated HID POS (POS-0001)',
      })
      await device.scan('5901234123457', { aim: ']E0' })
      expect(await reader.scanned(1)).toMatchObject([
        { data: '5901234123457', aim: ']E0', deviceName: 'Emulated HID POS (POS-0001)' },
      ])
    },
  },
  {
    name: 'reads HID-POS layout B, which has no AIM identifier and its data elsewhere',
    async run(bus, start) {
      const device = await bus.plug(hidPosB())
      const reader = await start()
      await reader.reported('ready')
      await device.scan('4006381333931')
      const [scan] = await reader.scanned(1)
      expect(scan?.data).toBe('4006381333931')
      expect(scan?.aim).toBeUndefined()
    },
  },
  ...(
    [
      ['A', hidPosA],
      ['B', hidPosB],
    ] as const
  ).map(([layout, model]) => ({
    name: `joins the reports of a long code in layout ${layout}`,
    async run(bus: Bus, start: () => Promise<Reader>) {
      const device = await bus.plug(model())
      const reader = await start()
      await reader.reported('ready')
      const long = `${'x'.repeat(56)}${'y'.repeat(56)}z`
      await device.scan(long)
      await device.scan('after')
      expect(texts(await reader.scanned(2))).toEqual([long, 'after'])
    },
  })),
  {
    name: 'does not wait for ever for a report that the firmware wrongly announces',
    async run(bus, start) {
      const device = await bus.plug(hidPosA({ continuesWhenFull: true }))
      const reader = await start()
      await reader.reported('ready')
      await device.scan('f'.repeat(56))
      expect(texts(await reader.scanned(1))).toEqual(['f'.repeat(56)])
    },
  },
  {
    name: 'reads a keyboard scanner raw, group separators included, and takes it from the desktop',
    async run(bus, start) {
      const device = await bus.plug(hidKeyboard())
      const reader = await start()
      await reader.reported('ready')
      expect((await device.state()).drivers).toEqual({ 0: 'usbfs' })
      await device.scan('0104012345123456\u001d21Ab-7/x')
      await device.scan('second')
      expect(texts(await reader.scanned(2))).toEqual(['0104012345123456\u001d21Ab-7/x', 'second'])
    },
  },
  {
    name: 'reads a virtual COM port that the kernel has no tty for',
    async run(bus, start) {
      const device = await bus.plug(cdcAcm())
      const reader = await start()
      await reader.reported('ready')
      await device.scan('4006381333931')
      await device.scan('two', { suffix: '\r\n' })
      await device.scan('three', { suffix: '' })
      expect(texts(await reader.scanned(3))).toEqual(['4006381333931', 'two', 'three'])
    },
  },
  {
    name: 'reads Symbol simple COM port emulation, longer codes by silence',
    async run(bus, start) {
      const device = await bus.plug(simpleCom())
      const reader = await start()
      await reader.reported('ready')
      await device.scan('s'.repeat(100))
      await reader.scanned(1)
      await device.scan('short', { suffix: '\r' })
      expect(texts(await reader.scanned(2))).toEqual(['s'.repeat(100), 'short'])
    },
  },
  {
    name: 'says of an undocumented mode what to do, and leaves the scanner alone',
    async run(bus, start) {
      const device = await bus.plug(undocumented())
      const reader = await start()
      const report = await reader.reported('failed')
      expect(report.advice).toContain('SNAPI')
      expect(report.advice).toContain('HID-POS')
      expect((await device.state()).drivers).toEqual({ 0: 'usbhid' })
    },
  },
  {
    name: 'beeps good for each scan that was saved',
    async run(bus, start) {
      const device = await bus.plug(hidPosA())
      const reader = await start()
      await reader.reported('ready')
      for (const [at, code] of ['one', 'two'].entries()) {
        const beep = device.until('out')
        await device.scan(code)
        expect((await beep)['data']).toBe('0440')
        expect(texts(await reader.scanned(at + 1)).at(-1)).toBe(code)
      }
    },
  },
  {
    name: 'is ready again after a plug, a pull and a plug, as the same device',
    async run(bus, start) {
      const reader = await start()
      const first = await bus.plug(hidPosA(), { port: 1 })
      const { id } = await reader.reported('ready')
      await first.scan('one')
      const [before] = await reader.scanned(1)
      await first.pull()
      await reader.reported('unplugged')
      await reader.forget()
      // By its serial number it is the same in another port.
      const second = await bus.plug(hidPosA(), { port: 4 })
      expect((await reader.reported('ready')).id).toBe(id)
      await second.scan('two')
      expect(await reader.scanned(1)).toMatchObject([{ data: 'two', deviceName: before?.deviceName }])
    },
  },
  ...(['eproto', 'clean', 'silent'] as const).map((how) => ({
    name: `ends a pull in mid-report (${how}) without half a code`,
    async run(bus: Bus, start: (delays?: Partial<Delays>) => Promise<Reader>) {
      const device = await bus.plug(hidPosA())
      // What nobody tells is seen by looking.
      const reader = await start({ sweepMs: 300, flushMs: 2_000 })
      await reader.reported('ready')
      const [firstHalf] = hidPosA().packets('h'.repeat(100))
      await device.raw(firstHalf ?? [])
      await reading(device)
      await device.pull(how)
      await reader.reported('unplugged')
      await reader.forget()
      const again = await bus.plug(hidPosA())
      await reader.reported('ready')
      await again.scan('whole')
      expect(texts(await reader.scanned(1))).toEqual(['whole'])
    },
  })),
  {
    name: 'recovers from a stall and loses nothing',
    async run(bus, start) {
      const device = await bus.plug(hidPosA())
      const reader = await start()
      await reader.reported('ready')
      await reading(device)
      const cleared = device.until('clear-halt')
      await device.stall()
      await device.scan('behind the stall')
      await cleared
      expect(texts(await reader.scanned(1))).toEqual(['behind the stall'])
    },
  },
  {
    name: 'shrugs off single protocol errors',
    async run(bus, start) {
      const device = await bus.plug(hidPosA())
      const reader = await start()
      await reader.reported('ready')
      for (let at = 0; at < 3; at++) {
        await reading(device)
        const next = device.until('in-pending')
        await device.failIn(71)
        await next
      }
      await device.scan('still here')
      expect(texts(await reader.scanned(1))).toEqual(['still here'])
      // It was never opened a second time.
      expect(bus.events.filter(({ event, number }) => event === 'open' && number === device.number)).toHaveLength(1)
    },
  },
  {
    name: 'takes the device again after a reset',
    async run(bus, start) {
      const device = await bus.plug(hidPosA())
      const reader = await start()
      await reader.reported('ready')
      await reading(device)
      await reader.forget()
      await device.reset()
      await reader.reported('ready')
      await device.scan('after the reset')
      expect(texts(await reader.scanned(1))).toEqual(['after the reset'])
    },
  },
  {
    name: 'is busy while another program has the scanner, takes it from nobody, and then reads',
    async run(bus, start) {
      const device = await bus.plug(hidPosA(), { isTold: false })
      await device.hold(true)
      await device.announce('add')
      const reader = await start({ retryMs: 100 })
      const report = await reader.reported('busy', ({ advice }) => advice.includes('Another program'))
      expect(report.advice).toContain('close that program')
      expect(await device.state()).toMatchObject({ claims: [0] })
      await device.hold(false)
      await reader.reported('ready')
      await device.scan('mine now')
      expect(texts(await reader.scanned(1))).toEqual(['mine now'])
    },
  },
  {
    name: 'tells a refused permission from an absent scanner, with the rule to install',
    async run(bus, start) {
      const device = await bus.plug(hidPosA(), { isTold: false })
      await device.fault({ openErrno: 13 })
      await device.announce('add')
      const reader = await start({ retryMs: 100 })
      const report = await reader.reported('refused')
      expect(report.advice).toContain('SUBSYSTEM=="usb", ATTR{idVendor}=="0c2e"')
      expect(report.advice).toContain('/etc/udev/rules.d/')
      await device.fault({ openErrno: 0 })
      await reader.reported('ready')
      await device.scan('permitted')
      expect(texts(await reader.scanned(1))).toEqual(['permitted'])
    },
  },
  {
    name: 'says of a keyboard scanner without permission that it still types into the window',
    async run(bus, start) {
      const device = await bus.plug(hidKeyboard(), { isTold: false })
      await device.fault({ openErrno: 13 })
      await device.announce('add')
      const reader = await start()
      expect((await reader.reported('refused')).advice).toMatch(/^It types into the window meanwhile/)
      expect((await device.state()).drivers).toEqual({ 0: 'usbhid' })
    },
  },
  {
    name: 'survives a storm of plugs, pulls and repeated events, and reads afterwards',
    async run(bus, start) {
      const reader = await start({ retryMs: 100 })
      for (let round = 0; round < 15; round++) {
        const device = await bus.plug(hidPosA(), { port: 1 + (round % 3) })
        await device.announce('add')
        await device.announce('remove')
        await device.announce('add')
        if (round % 2 === 0) await device.scan('lost in the storm')
        await device.pull((['eproto', 'clean', 'silent'] as const)[round % 3])
      }
      const last = await bus.plug(hidPosA())
      await reader.forget()
      await expect
        .poll(() => last.state(), { timeout: 15_000 })
        .toMatchObject({ opens: 1, claims: [0], waiting: { 129: 1 } })
      await last.scan('after the storm')
      await expect.poll(async () => texts(await reader.scanned(1)).at(-1), { timeout: 20_000 }).toBe('after the storm')
      expect(await last.state()).toMatchObject({ opens: 1, claims: [0] })
    },
  },
  {
    name: 'tells two scanners of one model without serial numbers apart, by their ports',
    async run(bus, start) {
      const model = hidPosA({ serial: null })
      const one = await bus.plug(model, { port: 1 })
      const two = await bus.plug(model, { port: 2 })
      const reader = await start()
      const first = await reader.reported('ready', (report) => report.id === 'usb:0c2e:1007@1-1')
      const second = await reader.reported('ready', (report) => report.id === 'usb:0c2e:1007@1-2')
      await Promise.all([one.scan('from one'), two.scan('from two')])
      const scans = await reader.scanned(2)
      expect(new Map(scans.map((scan) => [scan.data, scan.deviceName]))).toEqual(
        new Map([
          ['from one', first.name],
          ['from two', second.name],
        ]),
      )
      expect(first.name).not.toBe(second.name)
    },
  },
  {
    name: 'reads 500 scans in order, also where the end of a read meets a report',
    async run(bus, start) {
      const device = await bus.plug(hidPosA())
      const reader = await start({ pollMs: 5 })
      await reader.reported('ready')
      const sent = Array.from({ length: 500 }, (_, at) => `code-${at}`)
      for (const code of sent) await device.scan(code)
      expect(texts(await reader.scanned(500))).toEqual(sent)
    },
  },
]
