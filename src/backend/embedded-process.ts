/**
 * The process of an embedded backend: starts one when it is told to, closes it in order, and ends with its parent.
 *
 * It speaks over whichever carrier it was started with: Electron's `parentPort` in a `utilityProcess`, Node's IPC
 * channel in a fork.
 */
import { constants, setPriority } from 'node:os'
import process from 'node:process'
import type { Child } from './child.ts'
import type { FromEmbedded, PhotoReader, ToEmbedded } from './embedded.ts'
import { createBackend, type Backend } from './index.ts'

/** What Electron adds to `process` in a utility process. */
interface ParentPort {
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void
  postMessage(message: unknown): void
}

const parentPort = (process as { parentPort?: ParentPort }).parentPort

/** `after` is called once it is on its way, as far as the carrier tells. */
function send(message: FromEmbedded, after: () => void = () => undefined): void {
  if (parentPort) {
    parentPort.postMessage(message)
    setImmediate(after)
  } else if (process.send) process.send(message, after)
  else after()
}

const log = (level: 'info' | 'warn' | 'error') => (fields: object, message: string) =>
  send({ kind: 'log', level, fields: toPlain(fields), message })

/** Errors are nothing by themselves once they are JSON. */
function toPlain(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? value.stack : value]),
  )
}

try {
  // Whatever a catalogue is asked meanwhile, a person who scans goes first.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
} catch {
  // Some containers forbid even that.
}

const exitGraceMs = 4_000
let backend: Promise<Backend> | null = null
let isEnding = false

interface HostedReader {
  say: (message: unknown) => void
  ended: (reason: string) => void
}

/** Readers that the host runs for this process, by the number that they have here. */
const hosted = new Map<number, HostedReader>()
let lastReader = 0

/** A reader that the host starts and whose messages it passes on, since this process cannot fork. */
const spawnAtHost = (reader: PhotoReader) => (): Child => {
  const id = (lastReader += 1)
  const own: HostedReader = { say: () => undefined, ended: () => undefined }
  hosted.set(id, own)
  send({ kind: 'reader-start', id, reader })
  return {
    send: (message) => send({ kind: 'reader-send', id, message }),
    onMessage: (listener) => void (own.say = listener),
    onExit: (listener) => void (own.ended = listener),
    kill: () => send({ kind: 'reader-kill', id }),
  }
}

function start({ dataDir, port, readers = [] }: Extract<ToEmbedded, { kind: 'start' }>): void {
  backend ??= createBackend({
    dataDir,
    port,
    readsPhotos:
      readers === 'forks' || Object.fromEntries(readers.map((reader) => [reader, spawnAtHost(reader)] as const)),
    log: { info: log('info'), warn: log('warn'), error: log('error') },
  })
  backend.then(
    ({ url, apiKey }) => send({ kind: 'listening', url, apiKey }),
    (error: NodeJS.ErrnoException) =>
      send({ kind: 'failed', code: error.code ?? null, message: error.message }, () => process.exit(1)),
  )
}

/** Ends in order, and ends at all. */
function end(): void {
  if (isEnding) return
  isEnding = true
  setTimeout(() => process.exit(1), exitGraceMs)
  void (backend ?? Promise.resolve(null))
    .then((running) => running?.close())
    .then(
      () => process.exit(0),
      () => process.exit(1),
    )
}

function take(message: unknown): void {
  const told = message as ToEmbedded
  switch (told.kind) {
    case 'start':
      return start(told)
    case 'close':
      return end()
    case 'reader-says':
      return hosted.get(told.id)?.say(told.message)
    case 'reader-ended':
      hosted.get(told.id)?.ended(told.reason)
      hosted.delete(told.id)
  }
}

if (parentPort) parentPort.on('message', (event) => take(event.data))
else {
  process.on('message', take)
  // The parent has died: nobody asks any more, and the next one wants the folder.
  process.on('disconnect', () => process.exit())
}
// Ctrl+C reaches the whole foreground group; the parent says when, after its station.
process.on('SIGINT', () => {})
process.on('SIGTERM', end)
