import type { Log } from '#contract/ports.ts'
import { scannersSettingsSchema } from '#contract/station/scanner-settings.ts'
import type { DeviceDriver, Signal } from './driver.ts'
import { acknowledgement } from './feedback.ts'
import type { FoundScanner, LinkEvents } from './scanner.ts'
import { createScanners } from './scanners.ts'
import { createFraming } from './serial/framing.ts'

/**
 * A serial scanner in host-acknowledge mode without its hardware, for rehearsals: what finds, opens, frames, answers and
 * finds again is the station's own; only the wire is made up.
 */
export interface EmulatedScanner {
  readonly driver: DeviceDriver
  plug(): void
  /** In the middle of a code, too. */
  pull(): void
  /** Whether the station has it open. */
  isOpen(): boolean
  /** What the scanner sends; while it is not open, nobody hears it. Answers whether somebody did. */
  send(text: string): boolean
}

/** Creates it plugged in. `hear` gets each ACK and NAK, in the order of the codes; after a pull there are none. */
export function createEmulatedScanner(name: string, log: Log, hear: (signal: Signal) => void): EmulatedScanner {
  const id = `emulated:${name}`
  let plugs = 1
  let isPlugged = true
  let events: LinkEvents | null = null
  let hint: () => void = () => undefined

  const found = (): FoundScanner => ({
    id,
    instance: `${id} ${plugs}`,
    name,
    facts: {
      vendorId: null,
      productId: null,
      maker: '',
      product: 'Emulated scanner',
      serial: name,
      port: '',
      class: 'serial',
      road: 'serialport',
    },
    async open(settings, heard) {
      const instance = plugs
      events = heard
      return {
        link: {
          decoder: createFraming(settings.serial),
          feedback: {},
          hasAcknowledge: true,
          async write(bytes) {
            if (!isPlugged || instance !== plugs) throw new Error('the scanner is gone')
            hear(bytes[0] === acknowledgement.good[0] ? 'good' : 'bad')
          },
          async close() {
            if (events === heard) events = null
          },
        },
      }
    },
  })

  return {
    driver: createScanners({
      settings: scannersSettingsSchema.parse({ byId: { [id]: { acknowledge: true } } }),
      log,
      finders: [
        () => ({
          find: async () => (isPlugged ? [found()] : []),
          watch(changed) {
            hint = changed
            return () => undefined
          },
        }),
      ],
    }),
    plug() {
      isPlugged = true
      plugs += 1
      hint()
    },
    pull() {
      isPlugged = false
      events?.end('unplugged')
      events = null
      hint()
    },
    isOpen: () => events !== null,
    send(text) {
      if (!events) return false
      events.bytes(Buffer.from(text, 'utf8'), performance.now())
      return true
    },
  }
}
