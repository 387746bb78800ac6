import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import {
  Kysely,
  SqliteAdapter,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type SelectModifierNode,
} from 'kysely'
import type { Database, Db } from './database.ts'
import { migrationsFor } from './migrations.ts'
import type { Tables } from './tables.ts'

/**
 * Opens the database file, brings its tables up to date and gives it to Kysely.
 *
 * `synchronous=FULL`: under WAL a commit could be lost at a power failure with NORMAL. Throws what SQLite
 * throws, and when the file is of a newer version.
 */
export function openSqlite(path: string): Database {
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
  const db = new Kysely<Tables>({
    dialect: {
      createAdapter: () => new QueueingAdapter(),
      createDriver: () => new QueueingDriver({ database: adapt(sqlite) }),
      createIntrospector: (kysely) => new SqliteIntrospector(kysely),
      createQueryCompiler: () => new LockFreeCompiler(),
    },
  })
  const write = groupWrites(db)
  return {
    engine: 'sqlite',
    location: path,
    db,
    write,
    // A transaction that writes is alone already.
    writeInTurn: (_name, work) => write(work),
    writeAlone: (_name, work) => write(work),
    isAway: () => false,
    async close() {
      await db.destroy()
      // Kysely closes only what it has used.
      if (sqlite.isOpen) sqlite.close()
    },
  }
}

function migrate(sqlite: DatabaseSync): void {
  const migrations = migrationsFor('sqlite')
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

/** Keeps Kysely from its own lock on the one connection; the driver below has a queue for it. */
class QueueingAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

/**
 * Lends the one connection in the order in which it was asked for, and wakes the next one only. Kysely's lock wakes all
 * that wait each time, which with hundreds of stations costs more than the statement, and lets whoever asks at that
 * moment go before them.
 */
class QueueingDriver extends SqliteDriver {
  #isLent = false
  readonly #waiting: (() => void)[] = []

  override async acquireConnection(): ReturnType<SqliteDriver['acquireConnection']> {
    if (this.#isLent) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#isLent = true
    return super.acquireConnection()
  }

  override releaseConnection(): Promise<void> {
    const next = this.#waiting.shift()
    // Handed on, it is never free in between.
    if (next === undefined) this.#isLent = false
    else next()
    return Promise.resolve()
  }
}

/** SQLite locks no rows, and need not: a transaction that writes has the whole file. */
class LockFreeCompiler extends SqliteQueryCompiler {
  protected override visitSelectModifier(node: SelectModifierNode): void {
    if (node.modifier === 'Distinct' || node.rawModifier !== undefined) super.visitSelectModifier(node)
  }
}

/** At most so many writes share a commit; those after them have waited long enough. */
const groupLimit = 64

/**
 * So often the event loop turns between two groups. It takes one new connection a turn: with a single one, whoever connects
 * to a busy server waits for seconds behind others that do.
 */
const turnsBetween = 16

interface Waiting {
  readonly work: (db: Db) => Promise<unknown>
  readonly settle: (outcome: { readonly value: unknown } | { readonly error: unknown }) => void
}

/**
 * Makes the one road of writes: those that came while the disk was busy are done in one transaction, each behind a
 * savepoint of its own, so that one that fails is undone alone, and all of them wait for one commit.
 */
function groupWrites(db: Kysely<Tables>): Database['write'] {
  let waiting: Waiting[] = []
  let isRunning = false

  async function run(): Promise<void> {
    isRunning = true
    // What else comes in this turn of the event loop is to be in the group.
    await setImmediate()
    while (waiting.length > 0) {
      const group = waiting.slice(0, groupLimit)
      waiting = waiting.slice(groupLimit)
      await commitGroup(db, group)
      for (let turn = 0; turn < turnsBetween; turn += 1) await setImmediate()
    }
    isRunning = false
  }

  return (work) =>
    new Promise<never>((resolve, reject) => {
      waiting.push({
        work,
        settle: (outcome) => ('error' in outcome ? reject(outcome.error) : resolve(outcome.value as never)),
      })
      if (!isRunning) void run()
    })
}

/** Never rejects: each of the group is told its own outcome. */
async function commitGroup(db: Kysely<Tables>, group: readonly Waiting[]): Promise<void> {
  const done: (() => void)[] = []
  try {
    const transaction = await db.startTransaction().execute()
    try {
      for (const { work, settle } of group) {
        const saved = await transaction.savepoint('write').execute()
        try {
          const value = await work(saved)
          await saved.releaseSavepoint('write').execute()
          done.push(() => settle({ value }))
        } catch (error) {
          await saved.rollbackToSavepoint('write').execute()
          done.push(() => settle({ error }))
        }
      }
      await transaction.commit().execute()
    } catch (error) {
      // A full disk has ended the transaction already.
      await transaction
        .rollback()
        .execute()
        .catch(() => undefined)
      throw error
    }
  } catch (error) {
    for (const { settle } of group) settle({ error })
    return
  }
  for (const tell of done) tell()
}

const answersRows = /^\s*(?:select|with|pragma)\b|\breturning\b/i

/** `node:sqlite` as Kysely's SQLite driver wants a database. Statements are prepared once per text and kept. */
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
