/** A whole station with its scanners in a process of its own, on whatever bus that process sees. */
import type { Log } from '#contract/ports.ts'
import { scannersSettingsSchema } from '#contract/station/scanner-settings.ts'
import { findersFor } from '#station/device/finders.ts'
import { createScanners } from '#station/device/scanners.ts'
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
station.drive(
  createScanners({
    settings: scannersSettingsSchema.parse({
      byId: Object.fromEntries(
        ['usb:0c2e:1007:POS-0001', 'usb:1eab:1d10:POSB-0001', 'usb:05f9:4204:COM-0001'].map((id) => [
          id,
          { staleMs: 0 },
        ]),
      ),
    }),
    log,
    finders: findersFor('linux'),
  }),
)
process.on('message', () => void station.close().then(() => process.disconnect()))
// Nobody is left to obey: a scanner that goes on being read would hold the process for ever.
process.on('disconnect', () => process.exit())
