import type { Result } from '#contract/result.ts'
import type { Scan, ScanOutcome } from '#contract/station/capture.ts'
import type { Device } from '#contract/station/status.ts'

/** What a driver tells of its device. */
export type DeviceReport = Pick<Device, 'id' | 'kind' | 'name' | 'state' | 'advice'>

/**
 * Something that reads codes without a window. Drivers push: they get two functions and call them.
 * A driver never throws out of itself; what goes wrong is a state with advice.
 */
export interface DeviceDriver {
  /**
   * Starts reading. `emit` resolves once the scan is durable (or failed): a driver that can hold its
   * device back, waits for it. `report` is called at the start and at each change of state.
   */
  start(emit: (scan: Scan) => Promise<Result<ScanOutcome>>, report: (device: DeviceReport) => void): void
  /** Lets go of the device. */
  close(): Promise<void>
}
