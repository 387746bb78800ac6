import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { Kysely, SqliteDialect, type Transaction } from 'kysely'
import { migrations } from './migrations.ts'
import type { Tables } from './tables.ts'

/** The database, or a transaction on it: queries do not care. */
export type Db = Kysely<Tables> | Transaction<Tables>

/**
 * Opens the database file, brings its tables up to date and gives it to Kysely.
 *
 * `synchronous=FULL`: under WAL a commit could be lost at a power failure with NORMAL. Throws what SQLite
 * throws, and when the file is of a newer version.
 */
export function openDatabase(path: string): Kysely<Tables> {
  const sqlite = new DatabaseSync(path)
  try {
    sqlite.exec(`
      PRAGMA busy_timeout = 5000;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = 4000;
      PRAGMA foreign_keys = ON;
      PRAGMA trusted_schema = OFF;
    `)
    migrate(sqlite)
  } catch (error) {
    sqlite.close()
    throw error
  }
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: adapt(sqlite) }) })
}

function migrate(sqlite: DatabaseSync): void {
  const version = Number(sqlite.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > migrations.length) {
    throw new Error(`The database has version ${version}, this program knows ${migrations.length}: it is too old`)
  }
  for (const [index, sql] of migrations.entries()) {
    if (index < version) continue
    sqlite.exec('BEGIN IMMEDIATE')
    try {
      sqlite.exec(sql)
      sqlite.exec(`PRAGMA user_version = ${index + 1}`)
      sqlite.exec('COMMIT')
    } catch (error) {
      sqlite.exec('ROLLBACK')
      throw error
    }
  }
}

const answersRows = /^\s*(?:select|with|pragma)\b|\breturning\b/i

/** `node:sqlite` as Kysely's SQLite dialect wants a database. Statements are prepared once per text and kept. */
function adapt(sqlite: DatabaseSync) {
  const statements = new Map<string, ReturnType<typeof wrap>>()
  return {
    close: () => {
      statements.clear()
      sqlite.close()
    },
    prepare(sql: string) {
      const known = statements.get(sql)
      if (known) return known
      // Texts vary with the length of IN lists; the map is kept from growing without end.
      if (statements.size >= 1_000) statements.clear()
      // Transactions take the write lock at once: a later upgrade could fail with SQLITE_BUSY.
      const statement = wrap(sqlite.prepare(sql === 'begin' ? 'begin immediate' : sql), answersRows.test(sql))
      statements.set(sql, statement)
      return statement
    },
  }
}

function wrap(statement: StatementSync, reader: boolean) {
  const all = (parameters: readonly unknown[]) => statement.all(...(parameters as SQLInputValue[]))
  return {
    reader,
    all,
    run: (parameters: readonly unknown[]) => statement.run(...(parameters as SQLInputValue[])),
    iterate: (parameters: readonly unknown[]) => all(parameters)[Symbol.iterator](),
  }
}
