/**
 * A station that a drill may kill, as a utility process of Electron: what `capstan station --stdin` is to the command.
 */
import process from 'node:process'
import type { FromDrillStation, ToDrillStation } from '#contract/station/drill-process.ts'
import type { Log } from '#contract/ports.ts'
import type { Result } from '#contract/result.ts'
import { createStation, forkImaging, type Station } from '#station/index.ts'
import { hostPort } from './host-port.ts'

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
}

const host = hostPort<ToDrillStation, FromDrillStation>()
// A file that may not grow is an error to tell, as in plain Node, and not the end.
process.on('SIGXFSZ', () => undefined)

let opening: Promise<{ readonly station: Station; readonly sessionId: string }> | null = null
/** One after another, as a scanner reads. */
let line: Promise<unknown> = Promise.resolve()

async function open({ dataDir, url, apiKey }: Extract<ToDrillStation, { kind: 'open' }>) {
  const opened = await createStation({
    dataDir,
    host: 'cli',
    version: '0.0.0',
    log: silent,
    fetch,
    backend: { url, credential: () => Promise.resolve(apiKey) },
    spawnImaging: forkImaging(),
  })
  if (!opened.ok) throw new Error(opened.error.message)
  const station = opened.value
  const session = (await station.call('session.open', { label: 'drill', marksWindowMs: 0 })) as Result<{ id: string }>
  if (session.ok) return { station, sessionId: session.value.id }
  // One that was killed has left its session open.
  const current = (await station.call('session.current', {})) as Result<{ id: string } | null>
  if (!current.ok || current.value === null) throw new Error(session.error.message)
  return { station, sessionId: current.value.id }
}

async function take(message: ToDrillStation): Promise<void> {
  if (message.kind === 'open') {
    opening = open(message)
    await opening
    return
  }
  if (opening === null) throw new Error('it was not opened')
  const { station, sessionId } = await opening
  if (message.kind === 'read') {
    const scan = { data: message.raw, source: 'stdin', deviceName: 'drill' }
    const answer = (await station.call('scan.submit', scan)) as Result<unknown>
    return host.send({ heard: answer.ok ? 'saved' : 'refused' })
  }
  await station.call('session.end', { id: sessionId })
  await station.drained()
  await station.close()
  process.exit(0)
}

host.listen((message) => {
  line = line.then(() => take(message))
})
