import type { Log } from '#contract/ports.ts'
import { createStation, forkImaging, type Station, type StationPorts } from '#station/index.ts'

/** Says only what went wrong. */
export const benchLog: Log = { debug() {}, info() {}, warn() {}, error: console.error, child: () => benchLog }

/** A station without a host, and without a backend unless one is given. Throws when it cannot be opened. */
export async function openBenchStation(ports: Pick<StationPorts, 'dataDir'> & Partial<StationPorts>): Promise<Station> {
  const opened = await createStation({
    host: 'cli',
    version: 'bench',
    log: benchLog,
    fetch: (address, init) => fetch(address, init),
    backend: null,
    spawnImaging: forkImaging(),
    ...ports,
  })
  if (!opened.ok) throw new Error(opened.error.message)
  return opened.value
}
