import { createInterface } from 'node:readline'
import { openStation } from './open-station.ts'

/**
 * A station in a process of its own, to be killed: calls what standard input names, a line of JSON `{name, input}` each, and
 * prints each Result when the station has given it. Arguments: folder, backend, key.
 */
const station = await openStation()
for await (const line of createInterface({ input: process.stdin })) {
  const { name, input } = JSON.parse(line) as { readonly name: string; readonly input: unknown }
  process.stdout.write(`${JSON.stringify(await station.call(name, input))}\n`)
}
await station.close()
