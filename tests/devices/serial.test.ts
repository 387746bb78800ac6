import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Log } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { ScanOutcome } from '#contract/station/capture.ts'
import { scannersSettingsSchema } from '#contract/station/scanner-settings.ts'
import type { DeviceReport, Emit } from '#station/device/driver.ts'
import { createScanners, type ScannersDriver } from '#station/device/scanners.ts'
import { findNamedPorts } from '#station/device/serial/tty.ts'
import { openPty, whyNoPty, type Pty } from './pty.ts'

const reason = whyNoPty()
if (reason) console.log(`skipped: ${reason}`)

const nothing = () => undefined
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => log }
const saved: Result<ScanOutcome> = ok({ outcome: 'saved', capture: { disposition: 'counted' } } as ScanOutcome)

describe.skipIf(reason !== null)('a scanner on a serial line', () => {
  let folder: string
  let path: string
  let pty: Pty
  const drivers: ScannersDriver[] = []
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'capstan-serial-'))
    path = join(folder, 'scanner')
    pty = await openPty()
    symlinkSync(pty.path, path)
  })
  afterEach(async () => {
    for (const driver of drivers.splice(0)) await driver.close()
    await pty.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Drives the port; `own` are its settings. */
  const drive = (own: object = {}, emit?: Emit) => {
    const scans: string[] = []
    const reports: DeviceReport[] = []
    const driver = createScanners({
      settings: scannersSettingsSchema.parse({ serialPorts: [path], byId: { [`serial:${path}`]: own } }),
      log,
      finders: [findNamedPorts],
      delays: { retryMs: 100, reopenMs: 20, sweepMs: 200, answerMs: 300 },
    })
    drivers.push(driver)
    driver.start(
      (scan, raw) => {
        scans.push(scan.data)
        return emit ? emit(scan, raw) : Promise.resolve(saved)
      },
      (report) => reports.push(report),
    )
    const ready = (count = 1) =>
      vi.waitFor(() => expect(reports.filter((report) => report.state === 'ready')).toHaveLength(count), 10_000)
    return { driver, scans, reports, ready }
  }
  const reads = (scans: readonly string[], expected: readonly string[]) =>
    vi.waitFor(() => expect(scans).toEqual(expected), 10_000)

  it.each([
    ['CR', '\r', {}],
    ['LF', '\n', {}],
    ['CR LF', '\r\n', {}],
    ['Tab', '\t', { serial: { terminator: 'tab' } }],
    ['STX and ETX', '\u0003', { serial: { terminator: 'etx', hasStx: true } }],
    ['CR LF where only CR is expected', '\r\n', { serial: { terminator: 'cr' } }],
    ['CR where only LF is expected', '\r', { serial: { terminator: 'lf', silenceMs: 20 } }],
  ])('reads codes that end with %s', async (name, suffix, own) => {
    const { scans, ready } = drive(own)
    await ready()
    const prefix = name.startsWith('STX') ? '\u0002' : ''
    for (const [at, code] of ['4006381333931', '0104012345\u001d21A', 'three'].entries()) {
      pty.send(`${prefix}${code}${suffix}`)
      await reads(scans, ['4006381333931', '0104012345\u001d21A', 'three'].slice(0, at + 1))
    }
  })

  it('reads codes without any end, by silence', async () => {
    const { scans, ready } = drive({ serial: { terminator: 'none', silenceMs: 30 } })
    await ready()
    pty.send('one')
    await reads(scans, ['one'])
    pty.send('two')
    await reads(scans, ['one', 'two'])
  })

  it('takes speed, parity and stop bits as they are set', async () => {
    const { scans, ready } = drive({ serial: { baudRate: 115_200, dataBits: 7, parity: 'even', stopBits: 2 } })
    await ready()
    pty.send('7E2\r')
    await reads(scans, ['7E2'])
  })

  it('holds ACK back until the commit', async () => {
    const commits: ((result: Result<ScanOutcome>) => void)[] = []
    const { scans, ready } = drive({ acknowledge: true }, () => new Promise((resolve) => void commits.push(resolve)))
    await ready()
    pty.send('one\r')
    await reads(scans, ['one'])
    // The second code goes the whole way, and still nobody has said a word about the first.
    pty.send('two\r')
    await reads(scans, ['one', 'two'])
    expect(pty.heard()).toBe('')
    commits[0]?.(saved)
    await pty.hears('06')
    commits[1]?.(fail('storage_full', 'the disk is full'))
    await pty.hears('0615')
  })

  it('does not wait for ever, when it closes, for an answer that never comes', async () => {
    const { driver, scans, ready } = drive({ acknowledge: true }, () => new Promise(nothing))
    await ready()
    pty.send('one\r')
    await reads(scans, ['one'])
    await driver.close()
    expect(pty.heard()).toBe('')
  })

  it('says NAK when the disk is full, and ACK again when it is not', async () => {
    let isFull = true
    const { ready } = drive({ acknowledge: true }, () =>
      Promise.resolve(isFull ? fail('storage_full', 'the disk is full') : saved),
    )
    await ready()
    pty.send('one\r')
    await pty.hears('15')
    isFull = false
    pty.send('one\r')
    await pty.hears('1506')
  })

  it('says NAK when keeping the scan throws', async () => {
    const { ready } = drive({ acknowledge: true }, () => Promise.reject(new Error('a bug')))
    await ready()
    pty.send('one\r')
    await pty.hears('15')
  })

  it('answers every scan before it lets go of the port', async () => {
    let commit: (result: Result<ScanOutcome>) => void = nothing
    const { driver, scans, ready } = drive({ acknowledge: true }, () => new Promise((resolve) => (commit = resolve)))
    await ready()
    pty.send('last\r')
    await reads(scans, ['last'])
    const closed = driver.close()
    commit(saved)
    await closed
    await pty.hears('06')
  })

  it('reads 500 codes in order, whatever pieces they come in', async () => {
    const { scans, ready } = drive()
    await ready()
    const codes = Array.from({ length: 500 }, (_, at) => `code-${at}`)
    const line = codes.map((code) => `${code}\r\n`).join('')
    for (let at = 0; at < line.length; at += 777) pty.send(line.slice(at, at + 777))
    await reads(scans, codes)
  })

  it('is unplugged with its cable, and the same device when it comes back under its name', async () => {
    const { scans, reports, ready } = drive()
    await ready()
    // Its name goes first: the terminal behind it may soon be somebody else's.
    rmSync(path)
    await pty.close()
    await vi.waitFor(() => expect(reports.at(-1)?.state).toBe('unplugged'), 10_000)
    pty = await openPty()
    symlinkSync(pty.path, path)
    await ready(2)
    expect(new Set(reports.map((report) => report.id)).size).toBe(1)
    pty.send('back\r')
    await reads(scans, ['back'])
  })

  it('is busy while another program has the port', async () => {
    const first = drive()
    await first.ready()
    const second = drive()
    await vi.waitFor(
      () => expect(second.reports.at(-1)).toMatchObject({ state: 'busy', advice: expect.stringContaining('close it') }),
      10_000,
    )
    await first.driver.close()
    await second.ready()
    pty.send('mine\r')
    await reads(second.scans, ['mine'])
  })
})
