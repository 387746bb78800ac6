import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Plugged } from './usbfs.ts'

const root = '/sys/devices/capstan-usb'
const hub = join(root, 'usb1')
const busFolder = '/sys/bus/usb/devices'

/** The place of a device in sysfs, as `1-2`. */
export const nameOf = (plugged: Plugged): string => `1-${plugged.port}`

/** Its udev properties. */
export function propertiesOf(plugged: Plugged, action: 'add' | 'remove', sequence: number): Record<string, string> {
  const bytes = plugged.device.descriptors
  const number = String(plugged.number).padStart(3, '0')
  const word = (at: number) => bytes.readUInt16LE(at).toString(16)
  return {
    ACTION: action,
    DEVPATH: `/devices/capstan-usb/usb1/${nameOf(plugged)}`,
    SUBSYSTEM: 'usb',
    DEVTYPE: 'usb_device',
    DEVNAME: `/dev/bus/usb/001/${number}`,
    PRODUCT: `${word(8)}/${word(10)}/${word(12)}`,
    TYPE: `${bytes[4]}/${bytes[5]}/${bytes[6]}`,
    BUSNUM: '001',
    DEVNUM: number,
    MAJOR: '189',
    MINOR: String(plugged.number - 1),
    SEQNUM: String(sequence),
    USEC_INITIALIZED: '1',
  }
}

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')

function writeAttributes(folder: string, attributes: Record<string, string | number | undefined>): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) writeFileSync(join(folder, name), `${value}\n`)
}

function link(target: string, path: string): void {
  rmSync(path, { force: true })
  symlinkSync(relative(dirname(path), target), path)
}

/** Writes the tree of an empty bus: its root hub. */
export function writeEmptyBus(): void {
  mkdirSync(busFolder, { recursive: true })
  for (const driver of ['usb', 'usbhid', 'cdc_acm', 'usbfs'])
    mkdirSync(`/sys/bus/usb/drivers/${driver}`, { recursive: true })
  writeAttributes(hub, {
    busnum: 1,
    devnum: 1,
    devpath: '0',
    idVendor: '1d6b',
    idProduct: '0002',
    bcdDevice: '0601',
    version: ' 2.00',
    bDeviceClass: '09',
    bDeviceSubClass: '00',
    bDeviceProtocol: '01',
    bNumConfigurations: 1,
    bNumInterfaces: ' 1',
    bConfigurationValue: 1,
    bMaxPacketSize0: 64,
    speed: 480,
    maxchild: 8,
    manufacturer: 'Emulated',
    product: 'Emulated root hub',
  })
  link(hub, join(busFolder, 'usb1'))
}

/** Shows a device, its interfaces and their drivers. */
export function addToSysfs(plugged: Plugged): void {
  const { descriptors, spec, configurationValue } = plugged.device
  const byte = (at: number) => descriptors[at] ?? 0
  const folder = join(hub, nameOf(plugged))
  const interfaces = plugged.device.interfaces()
  writeAttributes(folder, {
    busnum: 1,
    devnum: plugged.number,
    devpath: plugged.port,
    idVendor: hex(descriptors.readUInt16LE(8), 4),
    idProduct: hex(descriptors.readUInt16LE(10), 4),
    bcdDevice: hex(descriptors.readUInt16LE(12), 4),
    version: ' 2.00',
    bDeviceClass: hex(byte(4), 2),
    bDeviceSubClass: hex(byte(5), 2),
    bDeviceProtocol: hex(byte(6), 2),
    bNumConfigurations: byte(17),
    bNumInterfaces: String(interfaces.length).padStart(2, ' '),
    bConfigurationValue: configurationValue,
    bMaxPacketSize0: byte(7),
    speed: 12,
    maxchild: 0,
    manufacturer: spec.strings[byte(14)],
    product: spec.strings[byte(15)],
    serial: spec.strings[byte(16)],
  })
  writeFileSync(join(folder, 'descriptors'), descriptors)
  link('/sys/bus/usb', join(folder, 'subsystem'))
  for (const one of interfaces) {
    const own = join(folder, `${nameOf(plugged)}:${configurationValue}.${one.number}`)
    writeAttributes(own, {
      bInterfaceNumber: hex(one.number, 2),
      bAlternateSetting: ' 0',
      bNumEndpoints: hex(one.endpoints.length, 2),
      bInterfaceClass: hex(one.class, 2),
      bInterfaceSubClass: hex(one.subclass, 2),
      bInterfaceProtocol: hex(one.protocol, 2),
    })
    showDriver(plugged, one.number)
    link(own, join(busFolder, `${nameOf(plugged)}:${configurationValue}.${one.number}`))
  }
  link(folder, join(busFolder, nameOf(plugged)))
}

/** The link to the driver, and what a bound usbhid adds: a folder with the report descriptor. */
export function showDriver(plugged: Plugged, interfaceNumber: number): void {
  const { configurationValue, spec, descriptors } = plugged.device
  const own = join(hub, nameOf(plugged), `${nameOf(plugged)}:${configurationValue}.${interfaceNumber}`)
  const path = join(own, 'driver')
  const ids = `${hex(descriptors.readUInt16LE(8), 4)}:${hex(descriptors.readUInt16LE(10), 4)}`.toUpperCase()
  const hid = join(own, `0003:${ids}.${hex(plugged.number, 4)}`)
  const driver = plugged.driverOf(interfaceNumber)
  const report = spec.hidReports?.[interfaceNumber]
  rmSync(path, { force: true })
  rmSync(hid, { recursive: true, force: true })
  if (driver === undefined) return
  link(`/sys/bus/usb/drivers/${driver}`, path)
  if (driver !== 'usbhid' || report === undefined) return
  mkdirSync(hid)
  writeFileSync(join(hid, 'report_descriptor'), Buffer.from(report, 'hex'))
}

/** Takes a device away. */
export function removeFromSysfs(plugged: Plugged): void {
  rmSync(join(busFolder, nameOf(plugged)), { force: true })
  for (const one of plugged.device.interfaces())
    rmSync(join(busFolder, `${nameOf(plugged)}:${plugged.device.configurationValue}.${one.number}`), { force: true })
  rmSync(join(hub, nameOf(plugged)), { recursive: true, force: true })
}
