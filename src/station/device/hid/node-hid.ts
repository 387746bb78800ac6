import type { HIDAsync } from 'node-hid'
import type { ScannersSettings } from '#contract/station/scanner-settings.ts'
import { identify } from '../makers.ts'
import { roadFor } from '../roads.ts'
import type { Delays, FoundScanner, LinkEvents, Opening } from '../scanner.ts'
import type { Finder } from '../scanners.ts'
import { createPosDecoder, knownPosLayout } from './pos.ts'
import { createSimpleComDecoder } from './simple-com.ts'

/** hidapi tells of no changes. */
const sweepMs = 1_500

/**
 * Finds HID scanners through the system's HID driver: Windows and macOS. hidapi shows no report descriptor there, so
 * the layout goes by the maker: Newland's for Newland, the other for all others.
 */
export function findHidScanners(delays: Delays): (settings: ScannersSettings) => Finder {
  return ({ also }) => ({
    async find() {
      const { devicesAsync } = await import('node-hid')
      const found: FoundScanner[] = []
      for (const device of await devicesAsync()) {
        const { vendorId, productId, path, serialNumber = '', product = '', usagePage, usage } = device
        if (path === undefined) continue
        const { isScanner, mode, called, maker } = identify(vendorId, productId, also)
        const isPos = usagePage === 0x8c && usage === 0x02
        const isSimpleCom = isScanner && mode === 'simple-com'
        // Windows and macOS keep keyboards for themselves: it types into the window, and is listed.
        const isKeyboard = isScanner && mode === 'hid-keyboard' && usagePage === 0x01 && usage === 0x06
        if (!isPos && !isSimpleCom && !isKeyboard && called === undefined) continue
        const deviceClass = isPos
          ? 'hid-pos'
          : isSimpleCom
            ? 'simple-com'
            : isKeyboard
              ? 'hid-keyboard'
              : 'undocumented'
        const ids = `usb:${hex(vendorId)}:${hex(productId)}`
        found.push({
          // The path stands for the port: the system keeps it over a replug into the same one.
          id: (serialNumber === '' ? `${ids}@${path}` : `${ids}:${serialNumber}`).slice(0, 200),
          instance: path,
          facts: {
            vendorId,
            productId,
            maker: maker?.name ?? '',
            product: product.slice(0, 200),
            serial: serialNumber.slice(0, 200),
            port: path.slice(0, 500),
            class: deviceClass,
            road: roadFor(process.platform === 'linux' ? 'win32' : process.platform, deviceClass),
          },
          name: `${product || maker?.name || 'Scanner'} (${serialNumber || hex(productId)})`.slice(0, 100),
          async open(settings, events): Promise<Opening> {
            if (called !== undefined)
              return {
                state: 'failed',
                isFinal: true,
                advice: `Its mode "${called}" is not documented. ${maker?.advice ?? ''}`,
              }
            if (isSimpleCom) return openHid(path, events, createSimpleComDecoder(settings.serial), {})
            const layout = knownPosLayout(vendorId)
            return openHid(path, events, createPosDecoder(layout, delays.flushMs), layout.beeps, layout.enable)
          },
        })
      }
      return found
    },
    watch(hint) {
      const timer = setInterval(hint, sweepMs)
      return () => clearInterval(timer)
    },
  })
}

const hex = (value: number) => value.toString(16).padStart(4, '0')

async function openHid(
  path: string,
  events: LinkEvents,
  decoder: ReturnType<typeof createPosDecoder>,
  feedback: ReturnType<typeof knownPosLayout>['beeps'],
  enable?: Uint8Array,
): Promise<Opening> {
  const { HIDAsync: hid } = await import('node-hid')
  let device: HIDAsync
  try {
    device = await hid.open(path)
  } catch (error) {
    const message = String(error)
    // hidapi gives no reasons: on macOS it is the permission to watch input, on Windows another program.
    return process.platform === 'darwin'
      ? {
          state: 'refused',
          advice: `macOS did not let it be opened: allow Capstan under Privacy, Input Monitoring. ${message}`,
        }
      : { state: 'busy', advice: `It could not be opened: close the program that reads it. ${message}` }
  }
  device.on('data', (report: Buffer) => events.bytes(report, performance.now()))
  device.on('error', (error: Error) => events.end(error.message))
  if (enable) await device.sendFeatureReport(Buffer.from(enable)).catch(() => undefined)
  return {
    link: {
      decoder,
      feedback,
      hasAcknowledge: false,
      write: async (bytes) => void (await device.write(Buffer.from(bytes))),
      close: () => device.close().catch(() => undefined),
    },
  }
}
