import type { Clock } from '#contract/ports.ts'
import type { Device } from '#contract/station/status.ts'
import type { DeviceReport } from '#station/device/driver.ts'

/** All devices of the station, whoever drives them, as the status strip shows them. */
export interface DeviceRegistry {
  report(device: DeviceReport): void
  /** A scan came from the device of that name. */
  count(deviceName: string): void
  list(): Device[]
}

/** A window may report what it likes; a station with more devices than this has a fault, not devices. */
const deviceLimit = 100

/** Creates the registry; `onChange` is called when a device appears or changes its state. */
export function createDeviceRegistry(clock: Clock, onChange: () => void): DeviceRegistry {
  const devices = new Map<string, Device>()
  return {
    report(report) {
      const known = devices.get(report.id)
      if (!known && devices.size >= deviceLimit) return
      devices.set(report.id, { scans: 0, lastScanAt: null, ...known, ...report })
      if (known?.state !== report.state || known.advice !== report.advice || known.name !== report.name) onChange()
    },
    count(deviceName) {
      for (const device of devices.values()) {
        if (device.name !== deviceName) continue
        devices.set(device.id, { ...device, scans: device.scans + 1, lastScanAt: clock.now().toISOString() })
        return
      }
    },
    list: () => [...devices.values()],
  }
}
