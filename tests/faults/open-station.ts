import type { Log } from '#contract/ports.ts'
import { createStation, forkImaging, type Station } from '#station/index.ts'

const nothing = (): void => undefined
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => log }

/** The station of a process that is to be killed; its arguments are folder, backend and key. It says nothing to anybody. */
export async function openStation(): Promise<Station> {
  const [, , dataDir = '', url = '', apiKey = ''] = process.argv
  const started = await createStation({
    dataDir,
    host: 'cli',
    version: '0.0.0',
    log,
    fetch,
    backend: { url, credential: () => Promise.resolve(apiKey) },
    spawnImaging: forkImaging(),
    quietMs: 200,
  })
  if (!started.ok) throw new Error(started.error.message)
  return started.value
}
