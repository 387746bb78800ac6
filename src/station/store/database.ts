import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { openSealedEngine, type Engine, type EngineStatement } from '#station/store/sealed-database.ts'

export type SqlValue = string | number | Uint8Array | null
export type Row = Record<string, SqlValue>

/**
 * The little of SQLite that the store uses. All calls are synchronous: one writer, no interleaving.
 * Statements are prepared once per text and kept.
 */
export interface Database {
  /** Runs statements without parameters or results. */
  exec(sql: string): void
  /** Runs one statement; answers the number of changed rows and the last inserted rowid. */
  run(sql: string, ...values: SqlValue[]): { readonly changes: number; readonly lastId: number }
  get(sql: string, ...values: SqlValue[]): Row | undefined
  all(sql: string, ...values: SqlValue[]): Row[]
  /** Everything in `work` commits together or not at all; inside another transaction it is part of that one. */
  transaction<T>(work: () => T): T
  isInTransaction(): boolean
  /** `before` writes the last of each transaction, in it; `after` is told how it ended. */
  onCommit(hook: { before(): void; after(isCommitted: boolean): void }): void
  close(): void
}

/**
 * Opens a database file for durable writing.
 *
 * `synchronous=FULL`: with NORMAL a committed scan can be lost at power failure under WAL
 * (sqlite.org/pragma.html#pragma_synchronous). Throws what SQLite throws.
 *
 * `isImmutable`: for reading where nothing can be written, not even the files beside a database that tell of its readers;
 * only for one without a write-ahead log, which nobody writes meanwhile. `key`: the 32 bytes that it is encrypted under; null
 * and nothing for one in the clear.
 */
export function openDatabase(
  path: string,
  options: { readonly readOnly?: boolean; readonly isImmutable?: boolean; readonly key?: Uint8Array | null } = {},
): Database {
  const sqlite = openEngine(path, options)
  try {
    sqlite.exec('PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;')
    if (!options.readOnly) sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
  } catch (error) {
    sqlite.close()
    throw error
  }

  const statements = new Map<string, EngineStatement>()
  const prepare = (sql: string): EngineStatement => {
    const known = statements.get(sql)
    if (known) return known
    const statement = sqlite.prepare(sql)
    statements.set(sql, statement)
    return statement
  }

  let isInside = false
  const hooks: { before(): void; after(isCommitted: boolean): void }[] = []

  return {
    exec: (sql) => sqlite.exec(sql),
    run(sql, ...values) {
      const result = prepare(sql).run(...values)
      return { changes: Number(result.changes), lastId: Number(result.lastInsertRowid) }
    },
    get: (sql, ...values) => prepare(sql).get(...values) as Row | undefined,
    all: (sql, ...values) => prepare(sql).all(...values) as Row[],
    transaction(work) {
      if (isInside) return work()
      sqlite.exec('BEGIN IMMEDIATE')
      isInside = true
      let isCommitted = false
      try {
        const value = work()
        for (const hook of hooks) hook.before()
        sqlite.exec('COMMIT')
        isCommitted = true
        return value
      } catch (error) {
        // A full disk can end the transaction by itself; a second ROLLBACK would hide the first error.
        try {
          sqlite.exec('ROLLBACK')
        } catch {
          // Nothing is open any more: that is what was wanted.
        }
        throw error
      } finally {
        isInside = false
        for (const hook of hooks) hook.after(isCommitted)
      }
    },
    isInTransaction: () => isInside,
    onCommit: (hook) => void hooks.push(hook),
    close() {
      statements.clear()
      sqlite.close()
    },
  }
}

function openEngine(path: string, options: NonNullable<Parameters<typeof openDatabase>[1]>): Engine {
  const { readOnly = false, isImmutable = false, key = null } = options
  if (key !== null) return openSealedEngine(path, key, readOnly)
  return new DatabaseSync(isImmutable ? `${pathToFileURL(path).href}?immutable=1` : path, { readOnly })
}

/** Tells whether an error of SQLite means that nothing can be written now: full, read-only or failing disk. */
export function isStorageError(error: unknown): boolean {
  const code = sqliteCode(error)
  // Primary result codes: 8 READONLY, 10 IOERR, 13 FULL, 14 CANTOPEN (sqlite.org/rescode.html).
  return code === 8 || code === 10 || code === 13 || code === 14
}

/** Tells whether an error of SQLite means that another process holds the file. */
export function isBusyError(error: unknown): boolean {
  return sqliteCode(error) === 5
}

/** Tells whether an error of SQLite means that the file is damaged or no database. */
export function isCorruptionError(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === 11 || code === 26
}

/** Those that are told apart (sqlite.org/rescode.html). */
const codes: Readonly<Record<string, number>> = {
  SQLITE_BUSY: 5,
  SQLITE_READONLY: 8,
  SQLITE_IOERR: 10,
  SQLITE_CORRUPT: 11,
  SQLITE_FULL: 13,
  SQLITE_CANTOPEN: 14,
  SQLITE_NOTADB: 26,
}

function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error)) return null
  const { errcode, code } = error as { errcode?: unknown; code?: unknown }
  if (typeof errcode === 'number') return errcode & 0xff
  // The engine of encrypted stores names the code, of the extended ones too.
  const [name] = /^SQLITE_[A-Z]+/.exec(String(code)) ?? []
  if (name !== undefined) return codes[name] ?? null
  // Drivers without numeric codes name the condition in the message.
  if (/malformed|corrupt/i.test(error.message)) return 11
  if (/not a database/i.test(error.message)) return 26
  if (/disk is full|database or disk is full/i.test(error.message)) return 13
  if (/readonly|read-only/i.test(error.message)) return 8
  if (/locked|busy/i.test(error.message)) return 5
  if (/disk I\/O error/i.test(error.message)) return 10
  return null
}
