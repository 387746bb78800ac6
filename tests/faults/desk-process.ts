import { createInterface } from 'node:readline'
import type { Log } from '#contract/ports.ts'
import { createStation, forkImaging } from '#station/index.ts'

/**
 * A station in a process of its own, to be killed: calls what standard input names, a line of JSON `{name, input}` each, and
 * prints each Result when the station has given it. Arguments: folder, backend, key.
 */
const [, , dataDir = '', url = '', apiKey = ''] = process.argv
const nothing = (): void => undefined
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => log }
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
const station = started.value
for await (const line of createInterface({ input: process.stdin })) {
  const { name, input } = JSON.parse(line) as { readonly name: string; readonly input: unknown }
  process.stdout.write(`${JSON.stringify(await station.call(name, input))}\n`)
}
await station.close()
