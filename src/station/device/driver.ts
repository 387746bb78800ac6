import type { Result } from '#contract/result.ts'
import type { Scan } from '#contract/station/capture.ts'
import type { ScanAnswer } from '#contract/station/control.ts'
import type { DeviceCounts, DeviceError, DeviceFacts } from '#contract/station/device.ts'
import type { Device } from '#contract/station/status.ts'

/** What a driver tells of its device. */
export type DeviceReport = Pick<Device, 'id' | 'kind' | 'name' | 'state' | 'advice'>

/** What a scan was before it became text. */
export interface RawScan {
  /** Who read it, as its reports name it. */
  readonly deviceId: string
  /** The code as it came, without what framed it. */
  readonly bytes: Uint8Array
  /** When its last byte came, on the monotonic clock of the process (`performance.now`). */
  readonly receivedMs: number
  /** It is half a code: to be counted and refused, and never to be kept or judged. */
  readonly isHalf?: boolean
}

/** What is known of a read beside its text, whoever read it. */
export interface ScanEvent {
  readonly deviceId: string
  /** The code as it came; null where keys or a picture were taken as they are. */
  readonly bytes: Uint8Array | null
  /** When its last byte came, on this process's monotonic clock. */
  readonly receivedMs: number
  /** Where the device is, as its settings say; empty when they say nothing. */
  readonly place: string
}

/**
 * Keeps one read: resolves once the scan is durable, or failed. Drivers call it in the order of the reads and without
 * waiting for the one before; who holds its device back until then waits for the promise.
 */
export type Emit = (scan: Scan, raw?: RawScan) => Promise<Result<ScanAnswer>>

/** What a scanner is told about a read: it was saved, or it was not (or does not count). */
export type Signal = 'good' | 'bad'

/** What a driver knows of one of its devices beyond its state. */
export interface DriverDetails {
  /** Null before it was ever there. */
  readonly facts: DeviceFacts | null
  /** Signals that `feedback` can give now. */
  readonly signals: readonly Signal[]
  readonly counts: DeviceCounts
  /** What went wrong with it, oldest first, a few; times as in `RawScan`. */
  readonly errors: readonly (Pick<DeviceError, 'code' | 'detail'> & { readonly timeMs: number })[]
}

/**
 * Something that reads codes without a window. Drivers push: they get two functions and call them.
 * A driver never throws out of itself; what goes wrong is a state with advice.
 */
export interface DeviceDriver {
  /** Starts reading. `report` is called at the start and at each change of state. */
  start(emit: Emit, report: (device: DeviceReport) => void): void
  /** Sounds a device's own beeper, where its commands are known; `device_unavailable` otherwise. */
  feedback?(deviceId: string, signal: Signal): Promise<Result<void>>
  /** What is known of each device, by id. */
  details?(): ReadonlyMap<string, DriverDetails>
  /** Forgets a device that is not there; one that is stays. */
  forget?(deviceId: string): void
  /** Ends reading and lets go of every device; resolves after the last has been given back. */
  close(): Promise<void>
}
