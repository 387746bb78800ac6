/**
 * A whole station with its scanners in a process of its own, on whatever bus that process sees: `DIR [SETTINGS]`. With
 * settings it reads the serial ports that they name and nothing else, least of all a scanner of the machine it runs on.
 */
import type { Log } from '#contract/ports.ts'
import type { StationStatus } from '#contract/station/status.ts'
import { scannersSettingsSchema } from '#contract/station/scanner-settings.ts'
import { findersFor } from '#station/device/finders.ts'
import { createScanners } from '#station/device/scanners.ts'
import { findNamedPorts } from '#station/device/serial/tty.ts'
import { createStation, forkImaging } from '#station/index.ts'

const nothing = (): void => undefined
const error: Log['error'] = (fields, message) => console.error(message, fields)
const log: Log = { debug: nothing, info: nothing, warn: nothing, error, child: () => log }

const opened = await createStation({
  dataDir: process.argv[2] ?? '',
  host: 'cli',
  version: '0.0.0',
  log,
  fetch,
  backend: null,
  spawnImaging: forkImaging(),
})
if (!opened.ok) throw new Error(opened.error.message)
const station = opened.value
const session = await station.call('session.open', { label: 'scanners' })
// The one before was killed: its session is still active.
if (!session.ok && session.error.code !== 'conflict') throw new Error(session.error.message)
// What the parent waits for: the devices that are ready now.
station.subscribe('status.changed', (status) =>
  process.send?.((status as StationStatus).devices.filter(({ state }) => state === 'ready').map(({ id }) => id)),
)
const usbIds = ['usb:0c2e:1007:POS-0001', 'usb:1eab:1d10:POSB-0001', 'usb:05f9:4204:COM-0001']
const [, , , serial] = process.argv
station.drive(
  createScanners({
    settings: scannersSettingsSchema.parse(
      serial === undefined
        ? { byId: Object.fromEntries(usbIds.map((id) => [id, { staleMs: 0 }])) }
        : JSON.parse(serial),
    ),
    log,
    finders: serial === undefined ? findersFor('linux') : [findNamedPorts],
  }),
)
process.on('message', () => void station.close().then(() => process.disconnect()))
// Nobody is left to obey: a scanner that goes on being read would hold the process for ever.
process.on('disconnect', () => process.exit())
