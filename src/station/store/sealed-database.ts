import { closeSync, openSync, readSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { SqlValue } from '#station/store/database.ts'

/** What `Database` needs of SQLite; `node:sqlite` has it as it is. */
export interface Engine {
  exec(sql: string): void
  prepare(sql: string): EngineStatement
  close(): void
}

export interface EngineStatement {
  run(...values: SqlValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint }
  get(...values: SqlValue[]): unknown
  all(...values: SqlValue[]): unknown[]
}

/** What is used of the engine, whose own types its package does not export. */
interface Native {
  exec(sql: string): unknown
  prepare(sql: string): NativeStatement
  close(): unknown
}
interface NativeStatement {
  readonly reader: boolean
  run(...values: Bound): ReturnType<EngineStatement['run']>
  get(...values: Bound): unknown
  all(...values: Bound): unknown[]
}
/** Values in their order, or one object of them by the numbers that a statement has for them. */
type Bound = readonly SqlValue[] | readonly [Readonly<Record<string, SqlValue>>]
type NativeClass = new (path: string, options: { readonly readonly: boolean }) => Native

/** Loaded where a store is encrypted and nowhere else; by this name, since a bundle leaves native code outside. */
const load = createRequire(import.meta.url)
const engineName = 'better-sqlite3-multiple-ciphers'

/** Whether this runtime can load the engine: an older one than Node-API 10 ends with a fault at once (Node 22.14, Electron 36). */
export const canEncrypt = (): boolean => Number(process.versions['napi']) >= 10

/** What a thread needs that opens an encrypted database by itself: the engine's module, and the statement that gives the key. */
export const sealedParts = (key: Uint8Array) => ({ engine: load.resolve(engineName), keyed: keyed('key', key) })

/**
 * Each page is encrypted and authenticated, ChaCha20 and Poly1305 (SQLite3 Multiple Ciphers): one that was changed is found
 * damaged, and never read. The 32 bytes are the key itself, no password that would first be made one.
 */
const keyed = (verb: 'key' | 'rekey', key: Uint8Array): string =>
  `cipher = 'chacha20'; PRAGMA ${verb} = 'raw:${Buffer.from(key).toString('hex')}'`

/** Opens a database file that is encrypted under `key` (32 bytes). A wrong key is SQLITE_NOTADB, at the first statement. */
export function openSealedEngine(path: string, key: Uint8Array, readOnly = false): Engine {
  const sqlite = open(path, readOnly)
  sqlite.exec(`PRAGMA ${keyed('key', key)}`)
  return {
    exec: (sql) => void sqlite.exec(sql),
    prepare(sql) {
      const statement = sqlite.prepare(sql)
      const bound = /\?\d/.test(sql) ? byNumber : (values: readonly SqlValue[]): Bound => values
      if (!statement.reader) {
        return { run: (...values) => statement.run(...bound(values)), get: () => undefined, all: () => [] }
      }
      const all = (...values: SqlValue[]): unknown[] => statement.all(...bound(values)).map(withPlainBytes)
      return {
        run(...values) {
          all(...values)
          return sqlite.prepare('SELECT changes() AS changes, last_insert_rowid() AS lastInsertRowid').get() as never
        },
        get: (...values) => withPlainBytes(statement.get(...bound(values))),
        all,
      }
    },
    close: () => void sqlite.close(),
  }
}

/** Encrypts a database in the clear that nobody has open, in its place: a kill leaves neither. Throws what SQLite throws. */
export function encryptInPlace(path: string, key: Uint8Array): void {
  const sqlite = open(path)
  try {
    // Pages cannot be written anew through a log.
    sqlite.exec('PRAGMA journal_mode = DELETE')
    sqlite.exec(`PRAGMA ${keyed('rekey', key)}`)
  } finally {
    sqlite.close()
  }
}

function open(path: string, readOnly = false): Native {
  const Database = load(engineName) as NativeClass
  return new Database(path, { readonly: readOnly })
}

/** The values of `?1`, `?2`, ..., which the engine takes for names. */
const byNumber = (values: readonly SqlValue[]): Bound => [
  Object.fromEntries(values.map((value, index) => [index + 1, value])),
]

/** The bytes of a row as `node:sqlite` gives them. */
function withPlainBytes(found: unknown): unknown {
  const row = found as Record<string, SqlValue> | undefined
  for (const name in row) {
    const value = row[name]
    if (value instanceof Uint8Array) row[name] = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  }
  return row
}

/** Whether a file begins as SQLite's do in the clear; nothing else is told apart. */
export const isInTheClear = (path: string): boolean => beginOf(path).toString('latin1', 0, 16) === 'SQLite format 3\0'

/**
 * Whether a file begins as an encrypted database does: what says how its pages are read is in the clear (sqlite.org/fileformat.html
 * section 1.3, from 18 on), with 32 bytes of each page for its authentication. Noise hardly ever does.
 */
export function looksEncrypted(path: string): boolean {
  const [write = 0, read = 0, ...rest] = beginOf(path).subarray(18, 24)
  return [1, 2].includes(write) && write === read && rest.join() === '32,64,32,32' && !isInTheClear(path)
}

/** The first 24 bytes; zeros where there are none. */
function beginOf(path: string): Buffer {
  const begin = Buffer.alloc(24)
  const file = openSync(path, 'r')
  try {
    readSync(file, begin, 0, begin.length, 0)
  } finally {
    closeSync(file)
  }
  return begin
}
