/** The process of an embedded backend: starts one when it is told to, closes it in order, and ends with its parent. */
import process from 'node:process'
import type { Child } from './child.ts'
import type { FromEmbedded, PhotoReader, ToEmbedded } from './embedded.ts'
import { createBackend, type Backend } from './index.ts'
import { openParent } from './parent.ts'

const parent = openParent<FromEmbedded>()

const log = (level: 'info' | 'warn' | 'error') => (fields: object, message: string) =>
  parent.send({ kind: 'log', level, fields: toPlain(fields), message })

/** Errors are nothing by themselves once they are JSON. */
function toPlain(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? value.stack : value]),
  )
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
  parent.send({ kind: 'reader-start', id, reader })
  return {
    send: (message) => parent.send({ kind: 'reader-send', id, message }),
    onMessage: (listener) => void (own.say = listener),
    onExit: (listener) => void (own.ended = listener),
    kill: () => parent.send({ kind: 'reader-kill', id }),
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
    ({ url, apiKey }) => parent.send({ kind: 'listening', url, apiKey }),
    (error: NodeJS.ErrnoException) =>
      parent.send({ kind: 'failed', code: error.code ?? null, message: error.message }, () => process.exit(1)),
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

parent.onMessage(take)
process.on('SIGTERM', end)
