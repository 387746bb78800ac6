import { windowDevices, type DeviceDetails, type DeviceFacts } from '#contract/station/device.ts'
import { scannerSettingsSchema, type ScannersSettings } from '#contract/station/scanner-settings.ts'
import type { DriverDetails } from './driver.ts'
import { makers } from './makers.ts'
import type { SeenDevice } from './registry.ts'
import { udevRuleFor, udevRulesPath } from './udev.ts'

const errorLimit = 20

/**
 * Puts together what the registry has seen, what drivers know and what the settings say. Devices with settings are there
 * though nobody has seen them since the start.
 */
export function describeDevices(options: {
  readonly seen: readonly SeenDevice[]
  readonly drivers: ReadonlyMap<string, DriverDetails>
  readonly settings: ScannersSettings
  readonly platform: string
  /** Now, on the wall clock and on the process's monotonic one. */
  readonly now: Date
  readonly nowMs: number
}): DeviceDetails[] {
  const { drivers, settings, platform, now, nowMs } = options
  const known = new Set(options.seen.map(({ id }) => id))
  const absent = Object.keys(settings.byId).filter((id) => !known.has(id))
  return [...options.seen, ...absent.map((id) => absentDevice(id, settings))].map((device): DeviceDetails => {
    const driver = drivers.get(device.id)
    const own = settings.byId[device.id]
    const facts = driver?.facts ?? factsOfId(device.id)
    const told = (driver?.errors ?? []).map(({ timeMs, ...error }) => ({
      ...error,
      at: new Date(now.getTime() - (nowMs - timeMs)).toISOString(),
    }))
    return {
      ...device,
      facts,
      role: own?.role ?? 'scan',
      place: own?.place ?? '',
      isKept: own !== undefined,
      // What only the driver sees, and what the station answered.
      counts: driver
        ? { ...driver.counts, saved: device.counts.saved, notSaved: device.counts.notSaved }
        : device.counts,
      signals: [...(driver?.signals ?? [])],
      errors: [...device.errors, ...told].toSorted((a, b) => (a.at < b.at ? 1 : -1)).slice(0, errorLimit),
      permission:
        device.state === 'refused' &&
        platform === 'linux' &&
        typeof facts?.vendorId === 'number' &&
        facts.productId !== null
          ? { path: udevRulesPath, rule: udevRuleFor(facts.vendorId, facts.productId) }
          : null,
    }
  })
}

function absentDevice(id: string, settings: ScannersSettings): SeenDevice {
  const own = settings.byId[id] ?? scannerSettingsSchema.parse({})
  const isWindows = id === windowDevices.wedge || id === windowDevices.camera
  return {
    id,
    kind: isWindows ? id : 'scanner',
    name: own.name || (factsOfId(id)?.maker ?? id) || id,
    state: 'unplugged',
    advice: own.enabled ? 'Plug the scanner in.' : 'It is switched off in the settings.',
    scans: 0,
    lastScanAt: null,
    counts: { reads: 0, saved: 0, notSaved: 0, stale: 0, strange: 0, torn: 0, ends: 0 },
    perMinute: 0,
    latency: null,
    last: null,
    errors: [],
  }
}

/** What an id says of a device that is not there: `usb:vvvv:pppp:SERIAL` or `usb:vvvv:pppp@PORT`. */
function factsOfId(id: string): DeviceFacts | null {
  const [, vendor, product, mark, rest = ''] = /^usb:([0-9a-f]{4}):([0-9a-f]{4})([:@])(.*)$/s.exec(id) ?? []
  if (vendor === undefined || product === undefined) return null
  const vendorId = Number.parseInt(vendor, 16)
  return {
    vendorId,
    productId: Number.parseInt(product, 16),
    maker: makers.find((one) => one.vendorId === vendorId)?.name ?? '',
    product: '',
    serial: mark === ':' ? rest : '',
    port: mark === '@' ? rest : '',
    class: 'undocumented',
    road: 'none',
  }
}
