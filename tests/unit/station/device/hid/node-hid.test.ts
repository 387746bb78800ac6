import { EventEmitter } from 'node:events'
import type { Device } from 'node-hid'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { scannerSettingsSchema, scannersSettingsSchema } from '#contract/station/scanner-settings.ts'
import { findHidScanners } from '#station/device/hid/node-hid.ts'
import { defaultDelays, type LinkEvents } from '#station/device/scanner.ts'
import { hidPosA, hidPosB, simpleCom } from '../../../../devices/bus/models.ts'

/** The library's devices, played: node-hid needs a system with HID. */
class FakeHid extends EventEmitter {
  readonly written: number[][] = []
  readonly features: number[][] = []
  isClosed = false
  async write(bytes: Buffer) {
    this.written.push([...bytes])
    return bytes.length
  }
  async sendFeatureReport(bytes: Buffer) {
    this.features.push([...bytes])
    return bytes.length
  }
  async close() {
    this.isClosed = true
  }
}
const system = vi.hoisted(() => ({ devices: [] as unknown[], open: (_path: string): unknown => undefined }))
vi.mock('node-hid', () => ({
  devicesAsync: async () => system.devices,
  HIDAsync: { open: async (path: string) => system.open(path) },
}))

const device = (values: Partial<Device>): Device => ({
  vendorId: 0x0c2e,
  productId: 0x1007,
  path: 'path-1',
  serialNumber: 'S1',
  product: 'Scanner',
  release: 1,
  interface: 0,
  usagePage: 0x8c,
  usage: 2,
  ...values,
})
const find = () => findHidScanners(defaultDelays)(scannersSettingsSchema.parse({})).find()

/** Opens what is there; answers the link and what it tells. */
async function opened() {
  const hid = new FakeHid()
  system.open = () => hid
  const [found] = await find()
  const told: { reports: Buffer[]; ends: string[] } = { reports: [], ends: [] }
  const events: LinkEvents = {
    bytes: (bytes) => told.reports.push(Buffer.from(bytes)),
    end: (reason) => told.ends.push(reason),
  }
  const opening = await found!.open(scannerSettingsSchema.parse({}), events)
  if (!('link' in opening)) throw new Error(opening.advice)
  const read = (packets: readonly Buffer[]) =>
    packets
      .flatMap((packet, at) => opening.link.decoder.push(packet, at))
      .map((one) => Buffer.from(one.bytes).toString())
  return { hid, link: opening.link, told, read }
}

describe('findHidScanners', () => {
  beforeEach(() => {
    system.devices = []
  })

  it('finds HID-POS scanners of any maker, lists keyboard scanners for the window, and no other HID device', async () => {
    system.devices = [
      device({}),
      device({ path: 'path-2', vendorId: 0xdead, serialNumber: '' }),
      // Honeywell's remote management beside the scanner, a mouse, a keyboard, and a keyboard scanner.
      device({ path: 'path-3', usagePage: 0xff8c }),
      device({ path: 'path-4', vendorId: 0x046d, usagePage: 1, usage: 2 }),
      device({ path: 'path-6', vendorId: 0x046d, usagePage: 1, usage: 6 }),
      device({ path: 'path-5', vendorId: 0x05e0, productId: 0x1200, usagePage: 1, usage: 6 }),
    ]
    expect((await find()).map((one) => `${one.id} ${one.facts.road}`)).toEqual([
      'usb:0c2e:1007:S1 node-hid',
      'usb:dead:1007@path-2 node-hid',
      // It types into the window, and is listed as doing so.
      'usb:05e0:1200:S1 window',
    ])
  })

  it('reads layout A, asks the Honeywell family for its codes and beeps', async () => {
    system.devices = [device({})]
    const { hid, link, read } = await opened()
    expect(hid.features).toEqual([[0xfe, 1]])
    expect(read(hidPosA().packets('x'.repeat(70)))).toEqual(['x'.repeat(70)])
    await link.write(link.feedback.good!)
    expect(hid.written).toEqual([[4, 0x40]])
    await link.close()
    expect(hid.isClosed).toBe(true)
  })

  it('reads layout B of Newland and sends it nothing', async () => {
    system.devices = [device({ vendorId: 0x1eab, productId: 0x1d10 })]
    const { hid, link, read } = await opened()
    expect(read(hidPosB().packets('4006381333931'))).toEqual(['4006381333931'])
    expect([hid.features, link.feedback]).toEqual([[], {}])
  })

  it('reads simple COM port emulation', async () => {
    system.devices = [device({ vendorId: 0x05e0, productId: 0x0600, usagePage: 0xff00, usage: 1 })]
    const { read } = await opened()
    expect(read(simpleCom().packets('abc', { suffix: '\r' }))).toEqual(['abc'])
  })

  it('passes on reports and the end of the device', async () => {
    system.devices = [device({})]
    const { hid, told } = await opened()
    hid.emit('data', Buffer.from([2, 1, 65]))
    hid.emit('error', new Error('could not read from HID device'))
    expect([told.reports.length, told.ends]).toEqual([1, ['could not read from HID device']])
  })

  it('says what to do about an undocumented mode', async () => {
    system.devices = [device({ vendorId: 0x05e0, productId: 0x1900, usagePage: 0xff45 })]
    const [found] = await find()
    const opening = await found!.open(scannerSettingsSchema.parse({}), { bytes: () => undefined, end: () => undefined })
    expect(opening).toMatchObject({ state: 'failed', isFinal: true, advice: expect.stringContaining('SNAPI') })
  })

  it('says that another program has it when it cannot be opened', async () => {
    system.devices = [device({})]
    system.open = () => {
      throw new Error('cannot open device')
    }
    const [found] = await find()
    const opening = await found!.open(scannerSettingsSchema.parse({}), { bytes: () => undefined, end: () => undefined })
    expect(opening).toMatchObject({ state: process.platform === 'darwin' ? 'refused' : 'busy' })
  })
})
