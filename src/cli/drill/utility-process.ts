/**
 * The drill as a utility process of Electron. A packaged program cannot run as Node, and a utility process starts no other:
 * the server and the stations that are killed are started by the host, and spoken with through it.
 */
import process from 'node:process'
import type { FromEmbedded, ToEmbedded } from '#backend/index.ts'
import type { FromDrill, FromDrillStation, ToDrill, ToDrillStation } from '#contract/station/drill-process.ts'
import type { Heard } from './account.ts'
import { hostPort } from './host-port.ts'
import type { StartServer, StartStation } from './processes.ts'
import { runDrill } from './run.ts'
import { scenarios } from './scenarios.ts'

const host = hostPort<ToDrill, FromDrill>()

interface Relayed {
  readonly take: (message: unknown) => void
  readonly started: (pid: number) => void
  readonly ended: (reason: string) => void
}
const running = new Map<number, Relayed>()
let last = 0

/** Has the host start one of its processes; what is sent before it runs is kept for it there. */
function start<Sent>(name: 'backend' | 'drill-station', relayed: Relayed) {
  const id = (last += 1)
  running.set(id, relayed)
  host.send({ kind: 'start', id, process: name })
  return {
    send: (message: Sent) => host.send({ kind: 'send', id, message }),
    kill: () => host.send({ kind: 'kill', id }),
  }
}

const startServer: StartServer = (dataDir, port) =>
  new Promise((resolve, reject) => {
    const closed = Promise.withResolvers<void>()
    const child = start<ToEmbedded>('backend', {
      started: () => undefined,
      ended(reason) {
        closed.resolve()
        reject(new Error(`the reference backend ended with ${reason}`))
      },
      take(message) {
        const said = message as FromEmbedded
        if (said.kind === 'failed') reject(new Error(`the reference backend did not start: ${said.message}`))
        if (said.kind !== 'listening') return
        const stop = (): Promise<void> => {
          child.send({ kind: 'close' })
          return closed.promise
        }
        resolve({ url: said.url, apiKey: said.apiKey, stop })
      },
    })
    child.send({ kind: 'start', dataDir, port })
  })

const startStation: StartStation = (options) => {
  const unanswered: ((heard: Heard) => void)[] = []
  const closed = Promise.withResolvers<void>()
  let pid = 0
  let isOver = false
  let isAsked = false
  let ownEnd: string | null = null
  const child = start<ToDrillStation>('drill-station', {
    started: (known) => (pid = known),
    take: (message) => unanswered.shift()?.((message as FromDrillStation).heard),
    ended(reason) {
      isOver = true
      if (!isAsked) ownEnd = `the station ended by itself with ${reason}`
      for (const answer of unanswered.splice(0)) answer('silence')
      closed.resolve()
    },
  })
  child.send({ kind: 'open', ...options })
  return {
    get pid() {
      return pid
    },
    get ownEnd() {
      return ownEnd
    },
    read(raw) {
      if (isOver) return Promise.resolve('silence')
      const heard = new Promise<Heard>((resolve) => unanswered.push(resolve))
      child.send({ kind: 'read', raw })
      return heard
    },
    async kill() {
      const wasRunning = !isOver
      isAsked = true
      child.kill()
      await closed.promise
      return wasRunning
    },
    async end(patienceMs) {
      isAsked = true
      child.send({ kind: 'end' })
      const timer = setTimeout(child.kill, patienceMs)
      await closed.promise
      clearTimeout(timer)
    },
  }
}

host.listen((message) => {
  if (message.kind !== 'begin') {
    const relayed = running.get(message.id)
    if (message.kind === 'started') relayed?.started(message.pid)
    else if (message.kind === 'message') relayed?.take(message.message)
    else {
      running.delete(message.id)
      relayed?.ended(message.reason)
    }
    return
  }
  const { folder, version } = message
  const options = { folder, version, rounds: 1, seed: Date.now() % 1_000_000, startServer, startStation }
  runDrill({
    ...options,
    onRehearsal: (rehearsed) => host.send({ kind: 'rehearsed', rehearsed, total: scenarios.length }),
  }).then(
    (report) => host.send({ kind: 'report', report }),
    (error: unknown) => host.send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('uncaughtException', (error) => host.send({ kind: 'failed', message: error.message }))
