import { fileURLToPath } from 'node:url'
import { backoffMs } from '#domain/backoff.ts'
import type { Log } from '#contract/ports.ts'
import { forkChild, type Child, type SpawnChild } from './child.ts'

/** A process that reads photos: `codes`, or `labels` for what is printed. */
export type PhotoReader = 'codes' | 'labels'

/** What a host tells its backend's process. */
export type ToEmbedded =
  | {
      readonly kind: 'start'
      readonly dataDir: string
      readonly port: number
      /** Who starts the processes that read photos: it does, by forks; or the host those of the list. None unless given. */
      readonly readers?: 'forks' | readonly PhotoReader[]
    }
  | { readonly kind: 'close' }
  | { readonly kind: 'reader-says'; readonly id: number; readonly message: unknown }
  | { readonly kind: 'reader-ended'; readonly id: number; readonly reason: string }

/** What that process tells its host. */
export type FromEmbedded =
  | { readonly kind: 'listening'; readonly url: string; readonly apiKey: string }
  | { readonly kind: 'failed'; readonly code: string | null; readonly message: string }
  | {
      readonly kind: 'log'
      readonly level: 'info' | 'warn' | 'error'
      readonly fields: object
      readonly message: string
    }
  /** To the host that starts readers: start one under this number, send it something, end it at once. */
  | { readonly kind: 'reader-start'; readonly id: number; readonly reader: PhotoReader }
  | { readonly kind: 'reader-send'; readonly id: number; readonly message: unknown }
  | { readonly kind: 'reader-kill'; readonly id: number }

/** The backend's process. */
export type EmbeddedProcess = Child<ToEmbedded>

/** The backend of this machine, in a process of its own. */
export interface EmbeddedBackend {
  /**
   * Starts it and waits for nothing; once the station has its folder, so that no other backend has this one's. What was started
   * is not started again.
   */
  start(): void
  /** Null until it has listened for the first time; while it starts anew, where it was. */
  readonly url: string | null
  /** Its key, null as long as `url` is. */
  credential(): Promise<string | null>
  /** Lets it finish what it does; ends it after a few seconds all the same. */
  close(): Promise<void>
}

/** Before the first retry and at most. */
const backoff = { baseMs: 500, capMs: 30_000 } as const
/** One that has run for so long begins at the shortest wait again. */
const steadyMs = 60_000
const closeGraceMs = 5_000

/**
 * Creates the backend of a host: a process of its own, started anew with back-off whenever it ends. Its commits wait for
 * the disk, and would keep the scans of the host's own thread waiting with them.
 *
 * It keeps one key for its folder, since idempotency is by key: a send that is repeated after a restart comes with the
 * same one. `onListening` is called at each start that succeeds.
 */
export function createEmbedded(ports: {
  readonly dataDir: string
  readonly spawn: () => EmbeddedProcess
  /**
   * The processes that read photos: forks of the backend's own process, where it can fork; else how this host starts
   * them. What is left out is not read, and the backend says so. None unless given.
   */
  readonly readers?: 'forks' | Readonly<Partial<Record<PhotoReader, SpawnChild>>>
  readonly log: Log
  readonly onListening?: () => void
  readonly random?: () => number
}): EmbeddedBackend {
  const log = ports.log.child({ room: 'backend' })
  const random = ports.random ?? Math.random
  let known: { readonly url: string; readonly apiKey: string } | null = null
  /** Where it listened last, so that its address stays; 0 when somebody else has that port now. */
  let port = 0
  let attempts = 0
  let timer: NodeJS.Timeout | undefined
  let child: EmbeddedProcess | null = null
  let closing: PromiseWithResolvers<void> | null = null
  const { readers = {} } = ports
  const spawnReader = readers === 'forks' ? {} : readers
  /** The readers that run for the present process, by the number it gave them. */
  const running = new Map<number, Child>()

  const take = (from: EmbeddedProcess, message: FromEmbedded): void => {
    switch (message.kind) {
      case 'reader-start': {
        const { id, reader } = message
        const started = spawnReader[reader]?.()
        if (started === undefined) return from.send({ kind: 'reader-ended', id, reason: 'it is not here' })
        running.set(id, started)
        started.onMessage((said) => from.send({ kind: 'reader-says', id, message: said }))
        started.onExit((reason) => {
          if (running.get(id) === started) running.delete(id)
          from.send({ kind: 'reader-ended', id, reason })
        })
        return
      }
      case 'reader-send':
        return running.get(message.id)?.send(message.message)
      case 'reader-kill':
        return running.get(message.id)?.kill()
      case 'listening':
        known = { url: message.url, apiKey: message.apiKey }
        port = Number(new URL(message.url).port)
        return ports.onListening?.()
      case 'failed':
        if (message.code === 'EADDRINUSE') port = 0
        return log.error({ error: message.message }, 'the backend cannot start')
      case 'log':
        return log[message.level](message.fields, message.message)
    }
  }

  let isStarted = false
  const start = (): void => {
    const startedMs = performance.now()
    const started = ports.spawn()
    child = started
    started.onMessage((message) => take(started, message as FromEmbedded))
    started.onExit((reason) => {
      child = null
      for (const reader of running.values()) reader.kill()
      running.clear()
      if (closing) return closing.resolve()
      attempts = performance.now() - startedMs > steadyMs ? 1 : attempts + 1
      // Never at once: full jitter could make a loop of it.
      const waitMs = backoff.baseMs + backoffMs(attempts - 1, random(), backoff)
      log.warn({ reason, waitMs }, 'the backend ended; it is started again')
      timer = setTimeout(start, waitMs)
    })
    started.send({
      kind: 'start',
      dataDir: ports.dataDir,
      port,
      readers: readers === 'forks' ? 'forks' : (Object.keys(readers) as PhotoReader[]),
    })
  }

  return {
    start() {
      if (isStarted) return
      isStarted = true
      start()
    },
    get url() {
      return known?.url ?? null
    },
    credential: () => Promise.resolve(known?.apiKey ?? null),
    async close() {
      if (closing) return closing.promise
      closing = Promise.withResolvers()
      clearTimeout(timer)
      if (child === null) return closing.resolve()
      child.send({ kind: 'close' })
      const force = setTimeout(() => child?.kill(), closeGraceMs)
      await closing.promise
      clearTimeout(force)
    },
  }
}

/** The process as a child of plain Node. */
export const forkEmbedded = (): EmbeddedProcess =>
  forkChild(fileURLToPath(new URL('./embedded-process.ts', import.meta.url)))
