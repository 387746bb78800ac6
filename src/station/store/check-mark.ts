import { readFileSync, rmSync, statSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import type { Clock } from '#contract/ports.ts'
import { instantSchema } from '#contract/station/values.ts'
import { writeDurably } from '#station/store/durable-file.ts'
import { sealedParts } from '#station/store/sealed-database.ts'

/** What the last run left beside its store: how far the store may be trusted at the next start. */
const markSchema = z.strictObject({
  /** When the whole store was last checked. */
  checkedAt: instantSchema,
  /** The run of the machine in which it was opened. */
  boot: z.string(),
  /** The store as it was closed; null while it is open, and for ever when its station was killed. */
  closed: z.strictObject({ bytes: z.number(), modifiedMs: z.number() }).nullable(),
  /** It was opened after such a kill, and has been neither checked nor closed since. */
  isAfterKill: z.boolean(),
})
export type CheckMark = z.infer<typeof markSchema>

/** A store that nobody has checked for so long is checked before it is used, whatever its mark says. */
const trustMs = 7 * 86_400_000

/** Null when there is none, or none that makes sense. */
export function readCheckMark(path: string): CheckMark | null {
  try {
    return markSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null
  }
}

/** Whole or not at all, and durable: a mark that is older than what it speaks of would be a lie. */
export function writeCheckMark(path: string, mark: CheckMark): void {
  writeDurably(path, `${JSON.stringify(mark)}\n`)
}

export function removeCheckMark(path: string): void {
  rmSync(path, { force: true })
}

/** How a store lies there that nobody has open; null when it has a log that was not taken over. */
export function closedStore(store: string): CheckMark['closed'] {
  if ((statSync(`${store}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return null
  const found = statSync(store, { throwIfNoEntry: false })
  return found ? { bytes: found.size, modifiedMs: found.mtimeMs } : null
}

/**
 * Whether the store is as a sound one was left: closed and not touched since, or open in a process that was killed. What a
 * process has written outlives it; only the end of the machine itself can tear it, and has another `bootId`. A second
 * kill in a row is no reason for trust: a damaged store may be what ends the process.
 */
export function isAsItWasLeft(mark: CheckMark, store: string, clock: Clock): boolean {
  const ageMs = clock.now().getTime() - Date.parse(mark.checkedAt)
  if (ageMs < 0 || ageMs >= trustMs) return false
  if (mark.closed === null) return mark.boot === clock.bootId && !mark.isAfterKill
  const { bytes, modifiedMs } = mark.closed
  const found = closedStore(store)
  return found !== null && found.bytes === bytes && found.modifiedMs === modifiedMs
}

/** In a thread: the check takes seconds for a large store, and whoever scans must not wait for it. As text, so that no host needs a file for it. */
const check = `
const { parentPort, workerData: { store, engine, keyed } } = require('node:worker_threads')
try {
  const database = engine === null
    ? new (require('node:sqlite').DatabaseSync)(store, { readOnly: true })
    : new (require(engine))(store, { readonly: true })
  if (engine !== null) database.exec('PRAGMA ' + keyed)
  const lines = database.prepare('PRAGMA quick_check').all().map((row) => String(Object.values(row)[0]))
  database.close()
  parentPort.postMessage(lines.length === 1 && lines[0] === 'ok' ? [] : lines)
} catch (error) {
  // 11 CORRUPT, 26 NOTADB (sqlite.org/rescode.html); anything else says nothing of the store.
  const isDamage = [11, 26].includes(error.errcode & 255) || /^SQLITE_(CORRUPT|NOTADB)/.test(error.code)
  parentPort.postMessage(isDamage ? [error.message] : null)
}`

/**
 * Checks a store beside whoever writes it; `key` (32 bytes) is that of an encrypted one. Resolves to its complaints, or to null
 * when it could not be read or was stopped.
 */
export function checkBeside(
  store: string,
  key: Uint8Array | null,
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  const worker = new Worker(check, {
    eval: true,
    workerData: key === null ? { store, engine: null } : { store, ...sealedParts(key) },
  })
  // A station that ends does not wait for it.
  worker.unref()
  signal.addEventListener('abort', () => void worker.terminate())
  return new Promise((resolve) => {
    worker.once('message', (lines: readonly string[] | null) => resolve(lines))
    worker.once('error', () => resolve(null))
    worker.once('exit', () => resolve(null))
  })
}
