import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { ScannerSettings, ScannersSettings } from '#contract/station/scanner-settings.ts'
import { serialFeedback, type FeedbackPlan } from './feedback.ts'
import { createKeyboardDecoder, findKeyboardReports } from './hid/keyboard.ts'
import { createPosDecoder, findPosLayout, posScanner } from './hid/pos.ts'
import { parseReportDescriptor } from './hid/report-descriptor.ts'
import { createSimpleComDecoder } from './hid/simple-com.ts'
import type { DeviceClass, DeviceFacts } from '#contract/station/device.ts'
import { identify } from './makers.ts'
import { roadFor } from './roads.ts'
import type { Decoder } from './decoder.ts'
import type { Delays, FoundScanner, Link, LinkEvents, Opening, Refusal } from './scanner.ts'
import type { Finder } from './scanners.ts'
import { createFraming } from './serial/framing.ts'
import { openTty } from './serial/tty.ts'
import { permissionAdvice } from './udev.ts'

/** What is used of a device of the package `usb` 3; its transfers take a timeout that WebUSB's types lack. */
interface UsbHandle {
  readonly bus: string
  readonly address: number
  open(): Promise<void>
  close(): Promise<void>
  claimInterface(number: number): Promise<void>
  releaseInterface(number: number): Promise<void>
  detachKernelDriver(number: number): Promise<void>
  attachKernelDriver(number: number): Promise<void>
  clearHalt(direction: 'in' | 'out', endpoint: number): Promise<void>
  transferIn(endpoint: number, length: number, timeoutMs: number): Promise<{ readonly data?: DataView }>
  transferOut(endpoint: number, data: Uint8Array, timeoutMs: number): Promise<unknown>
  controlTransferIn(setup: ControlSetup, length: number, timeoutMs: number): Promise<{ readonly data?: DataView }>
  controlTransferOut(setup: ControlSetup, data: Uint8Array, timeoutMs: number): Promise<unknown>
}

interface ControlSetup {
  readonly requestType: 'standard' | 'class'
  readonly recipient: 'interface'
  readonly request: number
  readonly value: number
  readonly index: number
}

interface Endpoint {
  /** Without the direction bit. */
  readonly number: number
  readonly packetSize: number
}

/** An interface as its descriptors have it. */
interface UsbInterface {
  readonly number: number
  readonly class: number
  readonly subclass: number
  readonly protocol: number
  /** Its folder in sysfs. */
  readonly folder: string
  readonly reportLength: number
  readonly in: Endpoint | undefined
  readonly out: Endpoint | undefined
}

/** A device as sysfs shows it: read without a word to the device itself. */
interface UsbDevice {
  readonly port: string
  readonly bus: number
  readonly address: number
  readonly vendorId: number
  readonly productId: number
  readonly product: string
  readonly serial: string
  readonly interfaces: readonly UsbInterface[]
}

/** A way to read a device: its class and the interface with the data. */
interface Way {
  readonly class: DeviceClass
  readonly data: UsbInterface
  /** The control interface of a virtual COM port. */
  readonly control?: UsbInterface
}

const devicesFolder = '/sys/bus/usb/devices'
const controlMs = 1_000
const writeMs = 1_000

/**
 * Finds scanners on Linux's USB bus. What they are is read in sysfs, because the getters of `usb` ask the device while
 * everything waits and fail where a string does; only bytes go through `usb`. What is no scanner is never touched.
 */
export function findOnUsbBus(delays: Delays): (settings: ScannersSettings) => Finder {
  return (settings) => ({
    async find() {
      const devices = readDevices()
      const ids = devices.map(idOf)
      return devices.flatMap((device, index) => {
        const ways = waysOf(device, settings)
        const { called, maker } = identify(device.vendorId, device.productId, settings.also)
        if (ways.length === 0 && called === undefined) return []
        const plain = ids[index] ?? ''
        // Some makers give all their scanners one serial number: the port tells those apart.
        const isUnique = ids.filter((other) => other === plain).length === 1
        const id = isUnique ? plain : `${plain}@${device.port}`
        const isClaimed = settings.claimKeyboards || settings.byId[id]?.claim === true
        const found: FoundScanner = {
          id,
          facts: {
            vendorId: device.vendorId,
            productId: device.productId,
            maker: maker?.name ?? '',
            product: device.product,
            serial: isUnique ? device.serial : '',
            port: device.port,
            ...(called === undefined ? readAs(ways, isClaimed) : { class: 'undocumented', road: 'none' }),
          },
          instance: `${device.port} ${device.bus}:${device.address}`,
          name: `${device.product || maker?.name || 'Scanner'} (${isUnique && device.serial ? device.serial : device.port})`,
          open: (own, events) =>
            called === undefined
              ? openFirst(
                  device,
                  isClaimed ? ways : ways.filter((way) => way.class !== 'hid-keyboard'),
                  own,
                  events,
                  delays,
                )
              : Promise.resolve({
                  state: 'failed',
                  isFinal: true,
                  advice: `Its mode "${called}" is not documented. ${maker?.advice ?? ''}`,
                }),
        }
        return [found]
      })
    },
    watch(hint) {
      let isStopped = false
      let stop: () => void = () => undefined
      const listen = async (): Promise<void> => {
        const { usb } = await import('usb')
        // Its listener asks for the devices with nobody to catch a failure, as on a machine without USB: ask before.
        await usb.getDevices()
        if (isStopped) return
        usb.addEventListener('connect', hint)
        usb.addEventListener('disconnect', hint)
        stop = () => {
          usb.removeEventListener('connect', hint)
          usb.removeEventListener('disconnect', hint)
        }
      }
      // Without USB, or without the binary for this machine, the sweep goes on looking.
      listen().catch(() => undefined)
      return () => {
        isStopped = true
        stop()
      }
    },
  })
}

/** The class and road of the best way to read a device; keyboards are the last, and the window's until they are claimed. */
function readAs(ways: readonly Way[], isClaimed: boolean): Pick<DeviceFacts, 'class' | 'road'> {
  const [way] = ways
  if (!way) return { class: 'undocumented', road: 'none' }
  if (way.class === 'hid-keyboard' && !isClaimed) return { class: way.class, road: 'window' }
  const road = roadFor('linux', way.class)
  const hasTty = road !== 'serialport' || ttyOf(way.control ?? way.data) !== undefined
  return { class: way.class, road: hasTty ? road : 'usb' }
}

function idOf({ vendorId, productId, serial, port }: UsbDevice): string {
  const ids = `usb:${hex(vendorId)}:${hex(productId)}`
  return serial === '' ? `${ids}@${port}` : `${ids}:${serial}`
}

const hex = (value: number) => value.toString(16).padStart(4, '0')

// --- What is there ----------------------------------------------------------------------------------

function readDevices(): UsbDevice[] {
  if (!existsSync(devicesFolder)) return []
  return readdirSync(devicesFolder)
    .filter((name) => /^\d+-[\d.]+$/.test(name))
    .toSorted()
    .flatMap((name) => readDevice(join(devicesFolder, name), name) ?? [])
}

/** A device, or undefined when it has gone while it was read. */
function readDevice(folder: string, port: string): UsbDevice | undefined {
  const attribute = (name: string): string => {
    try {
      return readFileSync(join(folder, name), 'utf8').trim()
    } catch {
      // Optional, as a serial number is.
      return ''
    }
  }
  const address = Number(attribute('devnum'))
  const configuration = Number(attribute('bConfigurationValue'))
  if (!address || !configuration) return undefined
  let descriptors: Uint8Array
  try {
    descriptors = readFileSync(join(folder, 'descriptors'))
  } catch {
    return undefined
  }
  return {
    port,
    bus: Number(attribute('busnum')),
    address,
    vendorId: Number.parseInt(attribute('idVendor'), 16),
    productId: Number.parseInt(attribute('idProduct'), 16),
    product: attribute('product').slice(0, 80),
    serial: attribute('serial').slice(0, 80),
    interfaces: readInterfaces(descriptors, configuration, (number) =>
      join(folder, `${port}:${configuration}.${number}`),
    ),
  }
}

/** The interfaces (first alternate settings) of a configuration: USB 2.0, section 9.6. */
function readInterfaces(
  bytes: Uint8Array,
  configuration: number,
  folderOf: (number: number) => string,
): UsbInterface[] {
  const found: { -readonly [key in keyof UsbInterface]: UsbInterface[key] }[] = []
  let current: (typeof found)[number] | undefined
  let isOurs = false
  for (let at = 0; at + 1 < bytes.length; at += Math.max(2, bytes[at] ?? 0)) {
    const byte = (offset: number) => bytes[at + offset] ?? 0
    const word = (offset: number) => byte(offset) + byte(offset + 1) * 256
    const type = byte(1)
    if (type === 2) isOurs = byte(5) === configuration
    if (!isOurs) continue
    if (type === 4) {
      current = {
        number: byte(2),
        class: byte(5),
        subclass: byte(6),
        protocol: byte(7),
        folder: folderOf(byte(2)),
        reportLength: 0,
        in: undefined,
        out: undefined,
      }
      if (byte(3) === 0) found.push(current)
    } else if (type === 0x21 && current) current.reportLength = word(7)
    else if (type === 5 && current) {
      const endpoint = { number: byte(2) & 0x0f, packetSize: word(4) & 0x07ff }
      if ((byte(2) & 0x80) !== 0) current.in ??= endpoint
      else current.out ??= endpoint
    }
  }
  return found
}

/** The ways to read a device, best first; none for what is no scanner. */
function waysOf(device: UsbDevice, settings: ScannersSettings): Way[] {
  const { isScanner, mode } = identify(device.vendorId, device.productId, settings.also)
  const hids = device.interfaces.filter((one) => one.class === 3 && one.in)
  const ways: Way[] = []
  for (const data of hids) if (isPosInSysfs(data) === true) ways.push({ class: 'hid-pos', data })
  if (!isScanner) return ways
  const control = device.interfaces.find((one) => one.class === 2 && one.subclass === 2)
  const line = device.interfaces.find((one) => one.class === 10 && one.in && one.out)
  if (control && line) ways.push({ class: 'cdc', control, data: line })
  for (const data of device.interfaces) if (data.class === 255 && ttyOf(data)) ways.push({ class: 'serial', data })
  for (const data of hids) {
    const isKeyboard = data.subclass === 1 && data.protocol === 1
    if (mode === 'simple-com') ways.push({ class: 'simple-com', data })
    // After a crash no kernel driver shows the report descriptor: it is asked for at opening.
    else if (!isKeyboard && isPosInSysfs(data) === undefined) ways.push({ class: 'hid-pos', data })
  }
  for (const data of hids) if (data.subclass === 1 && data.protocol === 1) ways.push({ class: 'hid-keyboard', data })
  return ways
}

/** Whether the report descriptor, as the kernel shows it while usbhid has the interface, is a scanner's. */
function isPosInSysfs({ folder }: UsbInterface): boolean | undefined {
  try {
    const hid = readdirSync(folder).find((name) => /^[0-9A-F]{4}(:[0-9A-F]{4}){2}\./.test(name))
    if (hid === undefined) return undefined
    const descriptor = parseReportDescriptor(readFileSync(join(folder, hid, 'report_descriptor')))
    return descriptor.ok && descriptor.value.applications.includes(posScanner)
  } catch {
    return undefined
  }
}

/** The kernel's tty of an interface, as `/dev/ttyACM0`. */
function ttyOf({ folder }: UsbInterface): string | undefined {
  try {
    // cdc_acm has `tty/ttyACM0`, the drivers of USB-serial chips have `ttyUSB0`.
    const names = [...(existsSync(join(folder, 'tty')) ? readdirSync(join(folder, 'tty')) : []), ...readdirSync(folder)]
    const tty = names.find((name) => /^tty[A-Z]+\d+$/.test(name))
    return tty !== undefined && existsSync(`/dev/${tty}`) ? `/dev/${tty}` : undefined
  } catch {
    return undefined
  }
}

/** The driver that has an interface; `usbfs` is another program. */
function driverOf({ folder }: UsbInterface): string | undefined {
  try {
    return basename(readlinkSync(join(folder, 'driver')))
  } catch {
    return undefined
  }
}

// --- Opening ----------------------------------------------------------------------------------------

async function openFirst(
  device: UsbDevice,
  ways: readonly Way[],
  settings: ScannerSettings,
  events: LinkEvents,
  delays: Delays,
): Promise<Opening> {
  let refusal: Refusal = { state: 'failed', advice: 'No way to read it is known.', isFinal: true }
  for (const way of ways) {
    const opening = await openWay(device, way, settings, events, delays)
    // Only what is not what it seemed to be leaves room for the next way.
    if ('link' in opening || !opening.isFinal) return opening
    refusal = opening
  }
  return refusal
}

async function openWay(
  device: UsbDevice,
  way: Way,
  settings: ScannerSettings,
  events: LinkEvents,
  delays: Delays,
): Promise<Opening> {
  const tty = roadFor('linux', way.class) === 'serialport' ? ttyOf(way.control ?? way.data) : undefined
  if (tty !== undefined) return openTty(tty, settings, events, device.vendorId)

  const { usb } = await import('usb')
  const handles = (await usb.getDevices()) as unknown as UsbHandle[]
  const handle = handles.find((one) => Number(one.bus) === device.bus && one.address === device.address)
  if (!handle) return { state: 'unplugged', advice: 'Plug the scanner in.' }
  try {
    await handle.open()
  } catch (error) {
    const refusal = refusalOf(error, device)
    const isTyping = way.class === 'hid-keyboard' && refusal.state === 'refused'
    return isTyping ? { ...refusal, advice: `It types into the window meanwhile. ${refusal.advice}` } : refusal
  }

  const interfaces = way.control ? [way.control, way.data] : [way.data]
  const claimed: UsbInterface[] = []
  /** Release before close, or the claim outlives it; then the kernel's driver may come back. */
  const giveBack = async (): Promise<void> => {
    for (const one of claimed) await handle.releaseInterface(one.number).catch(() => undefined)
    for (const one of claimed) await handle.attachKernelDriver(one.number).catch(() => undefined)
    await handle.close().catch(() => undefined)
  }
  try {
    for (const one of interfaces) {
      if (!(await claim(handle, one))) {
        await giveBack()
        return { state: 'busy', advice: 'Another program reads it: close that program.' }
      }
      claimed.push(one)
    }
    const protocol = await begin(handle, device, way, settings, delays)
    if (!('decoder' in protocol)) {
      await giveBack()
      return protocol
    }
    return { link: startReading(handle, way, protocol, events, delays, giveBack) }
  } catch (error) {
    await giveBack()
    return refusalOf(error, device)
  }
}

/** Claims an interface, taking it from the kernel's driver but from no other program; false when one has it. */
async function claim(handle: UsbHandle, one: UsbInterface): Promise<boolean> {
  const driver = driverOf(one)
  if (driver === 'usbfs') return false
  if (driver !== undefined)
    // cdc_acm lets go of both its interfaces at once: the second has no driver any more.
    await handle.detachKernelDriver(one.number).catch((error: unknown) => {
      if (!/no kernel driver|errno 61/.test(String(error))) throw error
    })
  try {
    await handle.claimInterface(one.number)
    return true
  } catch (error) {
    if (/busy|errno 16/.test(String(error))) return false
    throw error
  }
}

function refusalOf(error: unknown, { vendorId }: UsbDevice): Refusal {
  const message = error instanceof Error ? error.message : String(error)
  if (/permission denied|errno 13|errno 1\)/i.test(message))
    return { state: 'refused', advice: permissionAdvice(vendorId) }
  if (/not found|disconnected|errno 19|errno 2\)/i.test(message))
    return { state: 'unplugged', advice: 'Plug the scanner in.' }
  if (/busy|errno 16/i.test(message)) return { state: 'busy', advice: 'Another program reads it: close that program.' }
  return { state: 'failed', advice: `It could not be opened: ${message}. Plug it in again.` }
}

interface Protocol {
  readonly decoder: Decoder
  readonly feedback: FeedbackPlan
  readonly hasAcknowledge: boolean
}

/** Prepares the device for its class and says how to read it. */
async function begin(
  handle: UsbHandle,
  device: UsbDevice,
  way: Way,
  settings: ScannerSettings,
  delays: Delays,
): Promise<Protocol | Refusal> {
  const { number } = way.data
  switch (way.class) {
    case 'hid-pos': {
      const descriptor = parseReportDescriptor(await readReportDescriptor(handle, way.data))
      const layout = descriptor.ok ? findPosLayout(descriptor.value) : descriptor
      if (!layout.ok) {
        const { maker } = identify(device.vendorId, device.productId, [])
        return { state: 'failed', isFinal: true, advice: `It is not in HID-POS mode. ${maker?.advice ?? ''}` }
      }
      const { enable, beeps } = layout.value
      // Honeywell's family delivers nothing before; a scanner that does not know the report stalls, and reads all the same.
      if (enable) await setReport(handle, number, 3, enable).catch(() => undefined)
      return { decoder: createPosDecoder(layout.value, delays.flushMs), feedback: beeps, hasAcknowledge: false }
    }
    case 'hid-keyboard': {
      const descriptor = parseReportDescriptor(await readReportDescriptor(handle, way.data))
      const reports = descriptor.ok ? findKeyboardReports(descriptor.value) : undefined
      if (!reports) return { state: 'failed', isFinal: true, advice: 'It says that it is a keyboard and is none.' }
      // Reports only at changes: SET_IDLE 0; optional for the device.
      const idle = { requestType: 'class', recipient: 'interface', request: 0x0a, value: 0, index: number } as const
      await handle.controlTransferOut(idle, new Uint8Array(), controlMs).catch(() => undefined)
      return { decoder: createKeyboardDecoder(reports, settings.keyboard), feedback: {}, hasAcknowledge: false }
    }
    case 'simple-com':
      return { decoder: createSimpleComDecoder(settings.serial), feedback: {}, hasAcknowledge: false }
    default:
      await setLine(handle, way.control?.number ?? number, settings.serial)
      return {
        decoder: createFraming(settings.serial),
        feedback: serialFeedback(device.vendorId),
        hasAcknowledge: true,
      }
  }
}

async function readReportDescriptor(handle: UsbHandle, one: UsbInterface): Promise<Uint8Array> {
  const setup = {
    requestType: 'standard',
    recipient: 'interface',
    request: 6,
    value: 0x2200,
    index: one.number,
  } as const
  const { data } = await handle.controlTransferIn(setup, one.reportLength || 4_096, controlMs)
  return data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array()
}

/** SET_REPORT of HID 1.11, section 7.2.2; type 2 is output, 3 feature. The report's first byte is its id. */
async function setReport(handle: UsbHandle, number: number, type: 2 | 3, report: Uint8Array): Promise<void> {
  const value = type * 256 + (report[0] ?? 0)
  const setup = { requestType: 'class', recipient: 'interface', request: 9, value, index: number } as const
  await handle.controlTransferOut(setup, report, controlMs)
}

/** SET_LINE_CODING, then DTR and RTS: CDC PSTN 1.2, section 6.3. */
async function setLine(handle: UsbHandle, index: number, serial: ScannerSettings['serial']): Promise<void> {
  const coding = new Uint8Array(7)
  const view = new DataView(coding.buffer)
  view.setUint32(0, serial.baudRate, true)
  coding[4] = serial.stopBits === 2 ? 2 : 0
  coding[5] = { none: 0, odd: 1, even: 2 }[serial.parity]
  coding[6] = serial.dataBits
  const setup = { requestType: 'class', recipient: 'interface', index } as const
  // A scanner without a real line may stall on its speed: it has none.
  await handle.controlTransferOut({ ...setup, request: 0x20, value: 0 }, coding, controlMs).catch(() => undefined)
  await handle.controlTransferOut({ ...setup, request: 0x22, value: 3 }, new Uint8Array(), controlMs)
}

// --- Reading ----------------------------------------------------------------------------------------

/**
 * Reads until it is closed or the device is gone. There is one read at a time, as long as a packet, with a timeout,
 * because `usb` has no cancel; while one is pending nothing but writes may be asked of the handle.
 */
function startReading(
  handle: UsbHandle,
  way: Way,
  protocol: Protocol,
  events: LinkEvents,
  delays: Delays,
  giveBack: () => Promise<void>,
): Link {
  const source = way.data.in ?? { number: 1, packetSize: 64 }
  let isClosing = false

  const read = async (): Promise<string> => {
    let faults = 0
    while (!isClosing) {
      try {
        const { data } = await handle.transferIn(source.number, source.packetSize, delays.pollMs)
        faults = 0
        // Empty packets end transfers; they are no reports.
        if (data && data.byteLength > 0)
          events.bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), performance.now())
      } catch (error) {
        const message = String(error)
        if (message.includes('Cancelled')) continue
        faults += 1
        const isPassing = /Stall|Fault/.test(message) && faults < delays.faultLimit
        if (!isPassing) return message
        if (message.includes('Stall')) await handle.clearHalt('in', source.number).catch(() => undefined)
        // A glitch or a pulled cable: the next read tells.
        else await new Promise((resolve) => setTimeout(resolve, delays.faultMs))
      }
    }
    return ''
  }
  const ended = read().then((reason) => {
    if (reason !== '') events.end(reason)
  })

  return {
    ...protocol,
    async write(bytes) {
      const { out } = way.data
      if (out) await handle.transferOut(out.number, bytes, writeMs)
      else await setReport(handle, way.data.number, 2, bytes)
    },
    async close() {
      isClosing = true
      await ended
      await giveBack()
    },
  }
}
