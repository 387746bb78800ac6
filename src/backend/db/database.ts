import type { Kysely, Transaction } from 'kysely'
import type { Log } from '../log.ts'
import { openSqlite } from './sqlite.ts'
import type { Tables } from './tables.ts'

/** The database, or a transaction on it: queries do not care. */
export type Db = Kysely<Tables> | Transaction<Tables>

export type Engine = 'sqlite' | 'postgres'

/** An open database. Which engine it is, only this folder and what is made of engines (jobs, notices) may ask. */
export interface Database {
  readonly engine: Engine
  /** As it was opened: the path of the file, or the URL. */
  readonly location: string
  /** For reading, and for single statements. */
  readonly db: Kysely<Tables>
  /**
   * Runs work in a transaction; what it wrote is durable when this resolves, and gone when this rejects.
   *
   * Work may be run a second time when another process was in its way, so what it does beside the database must bear
   * that. On SQLite those that wait share a commit; on PostgreSQL rows that are read to be written are read
   * `forNoKeyUpdate()`, as other processes write too.
   */
  readonly write: <T>(work: (db: Db) => Promise<T>) => Promise<T>
  /**
   * As `write`, for works that all hold the same row: those of one name are done one after the other, and what waits for
   * its turn in this process waits without a connection, which others need meanwhile.
   */
  readonly writeInTurn: <T>(name: string, work: (db: Db) => Promise<T>) => Promise<T>
  /** As `write`, but no other process does work of the same name meanwhile. */
  readonly writeAlone: <T>(name: string, work: (db: Db) => Promise<T>) => Promise<T>
  /** Whether an error says that the database cannot be asked now, and perhaps can later. */
  readonly isAway: (error: unknown) => boolean
  readonly close: () => Promise<void>
}

/** Thrown in a write that finds what another process has written meanwhile: it is undone and run again. */
export class OvertakenError extends Error {
  override readonly name = 'OvertakenError'

  constructor(table: string) {
    super(`Another process wrote the same row of ${table}`)
  }
}

/** Whether a location is a PostgreSQL address and not the path of a file. */
export function isPostgresUrl(location: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(location)
}

/**
 * Opens a database, an SQLite file by its path or PostgreSQL by its URL, and brings its tables up to date.
 *
 * Throws what the engine throws, and when the tables are of a newer version or the server is too old.
 */
export async function openDatabase(location: string, log: Log): Promise<Database> {
  if (!isPostgresUrl(location)) return openSqlite(location)
  // Loaded when needed only: a kiosk with its own small backend never does.
  const { openPostgres } = await import('./postgres.ts')
  return openPostgres(location, log)
}
