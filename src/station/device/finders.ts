import type { ScannersSettings } from '#contract/station/scanner-settings.ts'
import { findChipReaders } from './chip-readers.ts'
import { findHidScanners } from './hid/node-hid.ts'
import { roadFor } from './roads.ts'
import { defaultDelays, type Delays } from './scanner.ts'
import type { Finder } from './scanners.ts'
import { findNamedPorts, findUsbPorts } from './serial/tty.ts'
import { findOnUsbBus } from './usb-bus.ts'

/** The finders of a platform (`process.platform`), by the table in `roads.ts`. */
export function findersFor(
  platform: string,
  delays: Delays = defaultDelays,
): readonly ((settings: ScannersSettings) => Finder)[] {
  // Linux's bus knows the ttys of its devices itself.
  const chips = roadFor(platform, 'pcsc') === 'pcsc' ? [findChipReaders()] : []
  return roadFor(platform, 'hid-pos') === 'usb'
    ? [findOnUsbBus(delays), findNamedPorts, ...chips]
    : [findHidScanners(delays), findUsbPorts, findNamedPorts, ...chips]
}
