/** A whole station that reads the scanners of the bus it sees as any host does, and answers calls of its parent. */
import type { Log } from '#contract/ports.ts'
import { createStation, forkImaging } from '#station/index.ts'

/** What the parent asks. */
export interface DeskCall {
  readonly id: number
  readonly name: string
  readonly input: object
}
/** The answer to a call, or an event of a topic. */
export type DeskMessage =
  | { readonly id: number; readonly result: unknown }
  | { readonly topic: string; readonly payload: unknown }

const nothing = (): void => undefined
const error: Log['error'] = (fields, message) => console.error(message, fields)
const log: Log = { debug: nothing, info: nothing, warn: nothing, error, child: () => log }
const tell = (message: DeskMessage): void => void process.send?.(message)

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
for (const topic of ['device.scan', 'device.changed']) station.subscribe(topic, (payload) => tell({ topic, payload }))
process.on('message', ({ id, name, input }: DeskCall) => {
  if (name === 'readScanners') return void station.readScanners().then(() => tell({ id, result: { ok: true } }))
  if (name === 'close') return void station.close().then(() => process.disconnect())
  return void station.call(name, input).then((result) => tell({ id, result }))
})
process.on('disconnect', () => process.exit())
