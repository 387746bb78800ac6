import type { Clock } from '#contract/ports.ts'
import type { Result } from '#contract/result.ts'
import type { Scan } from '#contract/station/capture.ts'
import type { ScanAnswer } from '#contract/station/control.ts'
import type { DeviceCounts, DeviceDetails, DeviceError, DeviceRead } from '#contract/station/device.ts'
import type { Device, Disagreement } from '#contract/station/status.ts'
import type { DeviceReport, DriverDetails, ScanEvent } from './driver.ts'

/** What is known of a device from its reports and reads. */
export type SeenDevice = Pick<DeviceDetails, keyof Device | 'counts' | 'perMinute' | 'latency' | 'last' | 'errors'>

/** All devices of the station, whoever drives them, and what became of everything they read. */
export interface DeviceRegistry {
  report(device: DeviceReport): void
  /** A read has come; what it answers is called with what became of it, once. */
  follow(scan: Scan, event: ScanEvent): (result: Result<ScanAnswer>) => DeviceRead
  /** A photo of the device of that name was saved. */
  count(deviceName: string): void
  list(): Device[]
  seen(): SeenDevice[]
  forget(id: string): void
  /**
   * Compares what devices sent, as their drivers counted it, with what the station has answered. Answers what has not
   * added up for longer than a read can take, each difference once; to be called about once a second.
   */
  audit(drivers: ReadonlyMap<string, DriverDetails>, nowMs: number): Omit<Disagreement, 'id' | 'at'>[]
}

/** A window may report what it likes; a station with more devices than this has a fault, not devices. */
const deviceLimit = 100
const latencyLimit = 500
const errorLimit = 20
const hexLimit = 512
const minuteMs = 60_000

/** Events and answers may differ for this long: the answer is on its way. */
const settleLimitMs = 2_000
/** A read that has had no answer for this long has none. */
const answerLimitMs = 10_000

interface Entry {
  device: Device
  counts: DeviceCounts
  /** When reads came, newest last, of the last minute. */
  times: number[]
  /** Milliseconds from event to answer, a ring. */
  readonly latencies: number[]
  answers: number
  last: DeviceRead | null
  errors: DeviceError[]
  /** Reads without an answer so far, and when they came. */
  readonly open: Map<object, number>
  /** A difference between events and answers, and since when it has been the same. */
  difference: { readonly amount: number; readonly sinceMs: number } | null
  /** Differences that have been told of. */
  told: number
}

const noCounts: DeviceCounts = { reads: 0, saved: 0, notSaved: 0, stale: 0, strange: 0, torn: 0, ends: 0 }

/** Creates the registry; `onChange` is called with the id when what the status shows changes, `onSeen` at each read. */
export function createDeviceRegistry(
  clock: Clock,
  onChange: (id: string) => void,
  onSeen: (id: string) => void = () => undefined,
): DeviceRegistry {
  const entries = new Map<string, Entry>()

  const keepError = (entry: Entry, code: DeviceError['code'], detail: string): void => {
    entry.errors = [{ at: clock.now().toISOString(), code, detail: detail.slice(0, 500) }, ...entry.errors].slice(
      0,
      errorLimit,
    )
  }
  const create = (device: Device): Entry => {
    const entry: Entry = {
      device,
      counts: { ...noCounts },
      times: [],
      latencies: [],
      answers: 0,
      last: null,
      errors: [],
      open: new Map(),
      difference: null,
      told: 0,
    }
    entries.set(device.id, entry)
    return entry
  }
  /** By its id, else by its name: an old window knows no ids. */
  const find = (id: string, name: string): Entry | undefined =>
    entries.get(id) ?? [...entries.values()].find(({ device }) => device.name === name)
  const saved = (entry: Entry): void => {
    entry.device = { ...entry.device, scans: entry.device.scans + 1, lastScanAt: clock.now().toISOString() }
  }

  const readOf = (scan: Scan, { bytes, deviceId }: ScanEvent, result: Result<ScanAnswer>, ms: number | null) => ({
    at: clock.now().toISOString(),
    deviceId,
    deviceName: scan.deviceName,
    text: scan.data,
    aim: scan.aim ?? null,
    ...(scan.symbology !== undefined && { symbology: scan.symbology }),
    hex: bytes === null ? null : Buffer.from(bytes.subarray(0, hexLimit)).toString('hex'),
    byteCount: bytes?.length ?? null,
    outcome: outcomeOf(result),
    answeredMs: ms,
  })

  return {
    report(report) {
      const known = entries.get(report.id)
      if (!known && entries.size >= deviceLimit) return
      const before = known?.device
      const entry = known ?? create({ scans: 0, lastScanAt: null, ...report })
      entry.device = { ...entry.device, ...report }
      if (before?.state !== report.state || before.advice !== report.advice || before.name !== report.name)
        onChange(report.id)
    },
    follow(scan, event) {
      const entry = find(event.deviceId, scan.deviceName)
      const mark = {}
      if (entry) {
        entry.counts.reads += 1
        entry.open.set(mark, event.receivedMs)
        const nowMs = performance.now()
        entry.times = [...entry.times.filter((timeMs) => timeMs > nowMs - minuteMs), nowMs]
      }
      return (result) => {
        const ms = Math.max(0, performance.now() - event.receivedMs)
        const read = readOf(scan, event, result, Math.round(ms * 100) / 100)
        if (!entry) return read
        entry.open.delete(mark)
        entry.answers += 1
        entry.last = read
        if (result.ok) {
          entry.counts.saved += 1
          saved(entry)
          if (entry.latencies.push(ms) > latencyLimit) entry.latencies.shift()
        } else {
          entry.counts.notSaved += 1
          keepError(entry, 'not_saved', `${result.error.code}: ${result.error.message}`)
        }
        onSeen(entry.device.id)
        return read
      }
    },
    count(deviceName) {
      const entry = find('', deviceName)
      if (entry) saved(entry)
    },
    list: () => [...entries.values()].map(({ device }) => device),
    seen() {
      const nowMs = performance.now()
      return [...entries.values()].map(({ device, counts, times, latencies, last, errors }) => ({
        ...device,
        counts: { ...counts },
        perMinute: times.filter((timeMs) => timeMs > nowMs - minuteMs).length,
        latency: latencyOf(latencies),
        last,
        errors,
      }))
    },
    forget: (id) => void entries.delete(id),
    audit(drivers, nowMs) {
      return [...entries.values()].flatMap((entry) => {
        const driver = drivers.get(entry.device.id)?.counts
        const late = [...entry.open.values()].filter((timeMs) => nowMs - timeMs > answerLimitMs).length
        const events = driver ? driver.reads - driver.strange : entry.counts.reads
        // What is under way is in order; what has been under way for too long is not.
        const amount = events - entry.answers - (entry.open.size - late) - entry.told
        if (amount !== entry.difference?.amount) entry.difference = amount === 0 ? null : { amount, sinceMs: nowMs }
        if (!entry.difference || nowMs - entry.difference.sinceMs < settleLimitMs) return []
        entry.told += amount
        entry.difference = null
        const { id, name } = entry.device
        return [{ deviceId: id, deviceName: name, events, answers: entry.answers }]
      })
    },
  }
}

function outcomeOf(result: Result<ScanAnswer>): DeviceRead['outcome'] {
  if (!result.ok) return 'not_saved'
  if (result.value.outcome === 'checked') return result.value.isSound ? 'sound' : 'unsound'
  return result.value.outcome
}

function latencyOf(latencies: readonly number[]): DeviceDetails['latency'] {
  if (latencies.length === 0) return null
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (part: number) => Math.round((sorted[Math.ceil(part * sorted.length) - 1] ?? 0) * 10) / 10
  return { reads: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) }
}
