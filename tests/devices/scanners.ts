import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { DeviceReport, Signal } from '#station/device/driver.ts'
import type { DeviceCounts } from '#contract/station/device.ts'
import type { Delays } from '#station/device/scanner.ts'
import type { Bus } from './bus/bus.ts'

export interface ScannersStart {
  readonly settings?: object
  readonly delays?: Partial<Delays>
  /** What becomes of scans; `held` ones wait for `answer`. */
  readonly answer?: 'saved' | 'failed' | 'held'
}

export interface SeenScan {
  readonly data: string
  readonly aim?: string | undefined
  readonly deviceName: string
  readonly deviceId: string
  /** Hex. */
  readonly bytes: string
}

export type ToScanners =
  | { readonly command: 'answer'; readonly isSaved: boolean }
  | { readonly command: 'configure'; readonly settings: object }
  | { readonly command: 'counts' }
  | { readonly command: 'feedback'; readonly id: string; readonly signal: Signal }
  | { readonly command: 'close' }

export type FromScanners =
  | ({ readonly kind: 'scan' } & SeenScan)
  | ({ readonly kind: 'report' } & Omit<DeviceReport, 'kind'>)
  | { readonly kind: 'log'; readonly message: string; readonly fields: object }
  | { readonly kind: 'counts'; readonly counts: Record<string, DeviceCounts> }
  | { readonly kind: 'feedback'; readonly isOk: boolean }
  | { readonly kind: 'closed' }

export type SeenReport = Extract<FromScanners, { kind: 'report' }>

/** The device room in a process on the bus, as a test sees it. */
export interface Scanners {
  readonly pid: number
  readonly scans: readonly SeenScan[]
  readonly reports: readonly SeenReport[]
  /** The scans once there are that many. */
  scanned(count: number): Promise<readonly SeenScan[]>
  /** The first report in that state after the last `forget`. */
  reported(state: string, matches?: (report: SeenReport) => boolean): Promise<SeenReport>
  /** Reports and scans so far do not count any more. */
  forget(): Promise<void>
  answer(isSaved: boolean): void
  configure(settings: object): void
  counts(): Promise<Record<string, DeviceCounts>>
  feedback(id: string, signal: Signal): Promise<boolean>
  close(): Promise<void>
  kill(): Promise<void>
}

const program = fileURLToPath(new URL('scanner-process.ts', import.meta.url))

/** Starts the device room on the bus. */
export function startScanners(bus: Pick<Bus, 'start'>, start: ScannersStart = {}): Scanners {
  // No test waits for stale reports that it did not send.
  const settled = { staleMs: 0, claimKeyboards: true, ...start.settings }
  const child = bus.start(program, [JSON.stringify({ ...start, settings: toSettings(settled) })])
  const exited = once(child, 'exit')
  let scans: SeenScan[] = []
  let reports: SeenReport[] = []
  const logs: string[] = []
  const watchers = new Set<(message: FromScanners) => void>()
  child.on('message', (message: FromScanners) => {
    if (message.kind === 'scan') scans.push(message)
    if (message.kind === 'report') reports.push(message)
    if (message.kind === 'log') logs.push(`${message.message} ${JSON.stringify(message.fields)}`)
    for (const watch of watchers) watch(message)
  })

  /** Resolves when `test` answers something; tried now and after each message. */
  const until = <T>(what: string, test: (message?: FromScanners) => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer)
        watchers.delete(watch)
      }
      const watch = (message?: FromScanners): void => {
        const value = test(message)
        if (value === undefined) return
        finish()
        resolve(value)
      }
      // Not a measurement: without it a failure would be a silent time-out of the whole test.
      const timer = setTimeout(() => {
        finish()
        const seen = reports.map((report) => `${report.name}: ${report.state} ${report.advice}`)
        reject(new Error(`no ${what}; ${scans.length} scans; ${[...seen, ...logs].join('; ')}`))
      }, 15_000)
      watchers.add(watch)
      watch()
    })
  const send = (message: ToScanners): void => void child.send(message)

  return {
    pid: child.pid ?? 0,
    get scans() {
      return scans
    },
    get reports() {
      return reports
    },
    scanned: (count) => until(`${count} scans`, () => (scans.length >= count ? scans : undefined)),
    reported: (state, matches = () => true) =>
      until(`state ${state}`, () => reports.find((report) => report.state === state && matches(report))),
    async forget() {
      scans = []
      reports = []
    },
    answer: (isSaved) => send({ command: 'answer', isSaved }),
    configure: (settings) =>
      send({ command: 'configure', settings: toSettings({ staleMs: 0, claimKeyboards: true, ...settings }) }),
    counts() {
      const counted = until('counts', (message) => (message?.kind === 'counts' ? message.counts : undefined))
      send({ command: 'counts' })
      return counted
    },
    feedback(id, signal) {
      const told = until('feedback', (message) => (message?.kind === 'feedback' ? message.isOk : undefined))
      send({ command: 'feedback', id, signal })
      return told
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      send({ command: 'close' })
      await exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Settings of the room; `staleMs` and `own` values here stand for every scanner that tests plug in. */
export function toSettings({
  staleMs,
  own = {},
  ...rest
}: { staleMs?: number; own?: object; claimKeyboards?: boolean } & object): object {
  const ids = [
    'usb:0c2e:1007:POS-0001',
    'usb:0c2e:1007:POS-0002',
    'usb:0c2e:1007@1-1',
    'usb:0c2e:1007@1-2',
    'usb:1eab:1d10:POSB-0001',
    'usb:05e0:1200@1-1',
    'usb:05f9:4204:COM-0001',
    'usb:05e0:0600:SYM-0001',
  ]
  return { byId: Object.fromEntries(ids.map((id) => [id, { staleMs, ...own }])), ...rest }
}
