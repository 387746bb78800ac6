import { realpath } from 'node:fs/promises'
import type { ScannerSettings, ScannersSettings } from '#contract/station/scanner-settings.ts'
import { serialFeedback } from '../feedback.ts'
import { identify } from '../makers.ts'
import type { FoundScanner, LinkEvents, Opening, Refusal } from '../scanner.ts'
import type { Finder } from '../scanners.ts'
import { createFraming } from './framing.ts'

/** Opens a serial port through the system's driver and reads codes from it. */
export async function openTty(
  path: string,
  settings: ScannerSettings,
  events: LinkEvents,
  vendorId?: number,
): Promise<Opening> {
  const { SerialPort } = await import('serialport')
  const { baudRate, dataBits, parity, stopBits } = settings.serial
  const port = new SerialPort({ path, baudRate, dataBits, parity, stopBits, autoOpen: false })
  const fault = await new Promise<Error | null>((resolve) => port.open(resolve))
  if (fault) return refusalOf(fault, path)
  // What came before anybody listened may be minutes old.
  await new Promise<void>((resolve) => port.flush(() => resolve()))
  port.on('data', (bytes: Buffer) => events.bytes(bytes, performance.now()))
  port.on('error', (error: Error) => events.end(error.message))
  port.on('close', (error: Error | null) => events.end(error?.message ?? 'closed'))
  return {
    link: {
      decoder: createFraming(settings.serial),
      feedback: serialFeedback(vendorId),
      hasAcknowledge: true,
      write: (bytes) =>
        new Promise((resolve, reject) => {
          port.write(bytes, (failed) => {
            if (failed) return reject(failed)
            port.drain((undrained) => (undrained ? reject(undrained) : resolve()))
          })
        }),
      close: () => new Promise((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve())),
    },
  }
}

/** serialport's errors have no codes: their words are the system's. */
function refusalOf({ message }: Error, path: string): Refusal {
  if (/no such|not found|cannot find/i.test(message))
    return { state: 'unplugged', advice: `There is no ${path}: plug the scanner in, or correct the port's name.` }
  if (/permission denied/i.test(message))
    return { state: 'refused', advice: `This account may not open ${path}: add it to the group that owns the port.` }
  if (/lock|busy|access denied|temporarily unavailable/i.test(message))
    return { state: 'busy', advice: `Another program has ${path} open: close it.` }
  return { state: 'failed', advice: `${path} could not be opened: ${message}` }
}

const sweepMs = 2_000

/** The serial ports that the settings name; they are there when their files are. */
export function findNamedPorts({ serialPorts }: ScannersSettings): Finder {
  return {
    async find() {
      const found: FoundScanner[] = []
      for (const path of serialPorts) {
        // COM ports are no files.
        const target = process.platform === 'win32' ? path : await realpath(path).catch(() => null)
        if (target === null) continue
        found.push({
          id: `serial:${path}`,
          instance: `${path} ${target}`,
          facts: {
            vendorId: null,
            productId: null,
            maker: '',
            product: '',
            serial: '',
            port: path,
            class: 'serial',
            road: 'serialport',
          },
          name: path,
          open: (settings, events) => openTty(path, settings, events),
        })
      }
      return found
    },
    watch(hint) {
      if (serialPorts.length === 0) return () => undefined
      const timer = setInterval(hint, sweepMs)
      return () => clearInterval(timer)
    },
  }
}

/** Virtual COM ports of known scanners, where the system has a driver for them: Windows and macOS. */
export function findUsbPorts({ also }: ScannersSettings): Finder {
  return {
    async find() {
      const { SerialPort } = await import('serialport')
      const ports = await SerialPort.list()
      return ports.flatMap(({ path, vendorId = '', productId = '', serialNumber, locationId, manufacturer }) => {
        const vendor = Number.parseInt(vendorId, 16)
        const product = Number.parseInt(productId, 16)
        const { isScanner, maker } = identify(vendor, product, also)
        if (!isScanner) return []
        const place = serialNumber ?? locationId ?? path
        return [
          {
            id: `usb:${vendorId}:${productId}:${place}`.toLowerCase(),
            instance: `${path} ${place}`,
            facts: {
              vendorId: vendor,
              productId: product,
              maker: maker?.name ?? manufacturer ?? '',
              product: '',
              serial: serialNumber ?? '',
              port: path,
              class: 'cdc' as const,
              road: 'serialport' as const,
            },
            name: `${maker?.name ?? manufacturer ?? 'Serial scanner'} (${place})`,
            open: (settings: ScannerSettings, events: LinkEvents) => openTty(path, settings, events, vendor),
          },
        ]
      })
    },
    watch(hint) {
      const timer = setInterval(hint, sweepMs)
      return () => clearInterval(timer)
    },
  }
}
