import { deviceClassSchema, type DeviceClass, type DeviceList, type DeviceRoad } from '#contract/station/device.ts'

type Roads = Readonly<Record<DeviceClass, DeviceRoad>>

/**
 * Windows gives HID devices to everyone but `usb` (that would need the WinUSB driver) and keeps keyboards for itself,
 * macOS lets nobody detach its drivers: there HID goes through hidapi, and keyboards type into the window.
 */
const withSystemDrivers: Roads = {
  'hid-pos': 'node-hid',
  'hid-keyboard': 'window',
  'simple-com': 'node-hid',
  cdc: 'serialport',
  serial: 'serialport',
  pcsc: 'pcsc',
  undocumented: 'none',
}

const roads: Readonly<Record<string, Roads>> = {
  // A virtual COM port without a tty (no cdc_acm in the kernel) is read through usb too.
  linux: {
    'hid-pos': 'usb',
    'hid-keyboard': 'usb',
    'simple-com': 'usb',
    cdc: 'serialport',
    serial: 'serialport',
    pcsc: 'pcsc',
    undocumented: 'none',
  },
  win32: withSystemDrivers,
  // Its native part is in the registry, and not in the lock file.
  darwin: { ...withSystemDrivers, pcsc: 'none' },
}

/** The road for a device class on a platform (`process.platform`). */
export function roadFor(platform: string, deviceClass: DeviceClass): DeviceRoad {
  return (roads[platform] ?? withSystemDrivers)[deviceClass]
}

/** The whole table, for people to see. */
export function listRoads(): DeviceList['roads'] {
  return Object.keys(roads).flatMap((platform) =>
    deviceClassSchema.options.map((one) => ({ platform, class: one, road: roadFor(platform, one) })),
  )
}
