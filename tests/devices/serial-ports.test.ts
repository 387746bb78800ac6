import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type * as Serialport from 'serialport'
import { ok, type Result } from '#contract/result.ts'
import type { ScanOutcome } from '#contract/station/capture.ts'
import { scannersSettingsSchema } from '#contract/station/scanner-settings.ts'
import type { DeviceReport } from '#station/device/driver.ts'
import { createScanners, type ScannersDriver } from '#station/device/scanners.ts'
import { findUsbPorts } from '#station/device/serial/tty.ts'
import { createKeptLog } from '../unit/station/parts.ts'
import { openPty, whyNoPty, type Pty } from './pty.ts'

type PortInfo = Awaited<ReturnType<typeof Serialport.SerialPort.list>>[number]

/** What the system lists: that is emulated, since no machine here has such ports. Opening and reading are the real thing. */
const listed: PortInfo[] = []
vi.mock('serialport', async (load) => {
  const real = await load<typeof Serialport>()
  return {
    ...real,
    SerialPort: class extends real.SerialPort {
      static override list = () => Promise.resolve([...listed])
    },
  }
})

const reason = whyNoPty()
if (reason) console.log(`skipped: ${reason}`)

const saved: Result<ScanOutcome> = ok({ outcome: 'saved', capture: { disposition: 'counted' } } as ScanOutcome)

describe.skipIf(reason !== null)('virtual COM ports that the system lists (Windows, macOS)', () => {
  let pty: Pty
  let driver: ScannersDriver | null = null
  beforeEach(async () => {
    pty = await openPty()
  })
  afterEach(async () => {
    await driver?.close()
    await pty.close()
    listed.splice(0)
  })

  const port = (values: Partial<PortInfo>): PortInfo => ({
    path: pty.path,
    manufacturer: undefined,
    serialNumber: undefined,
    pnpId: undefined,
    locationId: undefined,
    productId: undefined,
    vendorId: undefined,
    ...values,
  })
  const drive = (settings: object = {}) => {
    const scans: string[] = []
    const reports: DeviceReport[] = []
    driver = createScanners({
      settings: scannersSettingsSchema.parse(settings),
      log: createKeptLog(),
      finders: [findUsbPorts],
      delays: { sweepMs: 100, reopenMs: 20 },
    })
    driver.start(
      (scan) => {
        scans.push(scan.data)
        return Promise.resolve(saved)
      },
      (report) => reports.push(report),
    )
    return { scans, reports }
  }

  it.each([
    // As Windows writes them, and as macOS does, where many scanners have no serial number.
    ['Windows', { vendorId: '05F9', productId: '4204', serialNumber: 'COM-0001' }, 'usb:05f9:4204:com-0001'],
    ['macOS', { vendorId: '05f9', productId: '4204', locationId: '14100000' }, 'usb:05f9:4204:14100000'],
  ])('reads the port of a known maker, as %s lists it', async (_, values, id) => {
    listed.push(port({ manufacturer: 'wch.cn', vendorId: '1234', productId: '0001', path: '/dev/null' }), port(values))
    const { scans, reports } = drive()
    await vi.waitFor(() => expect(reports.at(-1)).toMatchObject({ id, state: 'ready' }), 10_000)
    expect(new Set(reports.map((report) => report.id))).toEqual(new Set([id]))
    pty.send('4006381333931\r\n')
    await vi.waitFor(() => expect(scans).toEqual(['4006381333931']), 10_000)
  })

  it('reads a port of another maker where the settings say that it is a scanner', async () => {
    listed.push(port({ vendorId: '1A86', productId: '7523' }))
    const { scans, reports } = drive({ also: [{ vendorId: 0x1a86, productId: 0x7523 }] })
    await vi.waitFor(() => expect(reports.at(-1)?.state).toBe('ready'), 10_000)
    pty.send('cheap but good\r')
    await vi.waitFor(() => expect(scans).toEqual(['cheap but good']), 10_000)
  })

  it('is unplugged when it leaves the list, and ready when it is back under another name', async () => {
    const values = { vendorId: '05F9', productId: '4204', serialNumber: 'COM-0001' }
    listed.push(port(values))
    const { scans, reports } = drive()
    await vi.waitFor(() => expect(reports.at(-1)?.state).toBe('ready'), 10_000)
    listed.splice(0)
    await vi.waitFor(() => expect(reports.at(-1)?.state).toBe('unplugged'), 10_000)
    await pty.close()
    pty = await openPty()
    listed.push(port(values))
    await vi.waitFor(() => expect(reports.at(-1)?.state).toBe('ready'), 10_000)
    expect(new Set(reports.map((report) => report.id)).size).toBe(1)
    pty.send('back\r')
    await vi.waitFor(() => expect(scans).toEqual(['back']), 10_000)
  })
})
