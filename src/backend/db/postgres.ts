import { Kysely, PostgresAdapter, PostgresDriver, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely'
import { Client, Pool, types, type CustomTypesConfig } from 'pg'
import type { Log } from '../log.ts'
import { OvertakenError, type Database } from './database.ts'
import { migrationsFor } from './migrations.ts'
import type { Tables } from './tables.ts'

const oldestVersion = 150_000
/** Connections of one process: enough to keep a server's cores busy, few enough for several processes. */
const poolSize = 10

/**
 * Connects to PostgreSQL 15 or newer, brings its tables up to date and gives it to Kysely.
 *
 * Several processes may do so at once: they migrate one after the other. Throws what the server throws.
 */
export async function openPostgres(url: string, log: Log): Promise<Database> {
  await migrate(url)
  const pool = new Pool({
    Client: PreparingClient,
    connectionString: url,
    max: poolSize,
    application_name: 'capstan',
    keepAlive: true,
    types: asInSqlite,
    // A process that hangs in a transaction must not hold its rows for ever.
    idle_in_transaction_session_timeout: 60_000,
    connectionTimeoutMillis: 10_000,
  })
  // A connection that breaks is replaced at the next query; unheard, it would end the process. Of one that is in use the
  // pool does not tell, and its user learns of it by a query's failure.
  pool.on('connect', (client) =>
    client.on('error', (error) => log.warn({ err: error }, 'connection to PostgreSQL lost')),
  )
  pool.on('error', () => undefined)
  const db = new Kysely<Tables>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new PostgresDriver({ pool }),
      createIntrospector: (kysely) => new PostgresIntrospector(kysely),
      createQueryCompiler: () => new EscapingCompiler(),
    },
  })
  const write: Database['write'] = (work) => retried(() => db.transaction().execute(work))
  const turns = new Map<string, Promise<unknown>>()
  return {
    engine: 'postgres',
    location: url,
    db,
    write,
    writeInTurn(name, work) {
      const turn = (turns.get(name) ?? Promise.resolve()).then(() => write(work))
      // Whatever became of it, the next one follows; the last one leaves nothing behind.
      const over = turn.then(
        () => undefined,
        () => undefined,
      )
      turns.set(name, over)
      void over.then(() => turns.get(name) === over && turns.delete(name))
      return turn
    },
    writeAlone: (name, work) =>
      write(async (transaction) => {
        await sql`select pg_advisory_xact_lock(hashtext(${`capstan ${name}`}))`.execute(transaction)
        return work(transaction)
      }),
    isAway,
    async close() {
      await db.destroy()
      // Kysely ends only what it has used.
      if (!pool.ending) await pool.end()
    },
  }
}

async function migrate(url: string): Promise<void> {
  const migrations = migrationsFor('postgres')
  const client = new Client({ connectionString: url, application_name: 'capstan migration' })
  await client.connect()
  try {
    const { rows: settings } = await client.query<{ version: number; encoding: string }>(
      `SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding`,
    )
    const { version: server = 0, encoding = '' } = settings[0] ?? {}
    if (server < oldestVersion) throw new Error(`PostgreSQL 15 or newer is needed, this one is ${server / 10_000}`)
    if (encoding !== 'UTF8') throw new Error(`The database has the encoding ${encoding}; it must be UTF8`)
    // A table is made or none: all of it is one transaction, and the lock goes with its end, however it ends.
    await client.query('BEGIN')
    await client.query(`SELECT pg_advisory_xact_lock(hashtext('capstan migrations'))`)
    await client.query(
      'CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY, done_at TIMESTAMPTZ NOT NULL DEFAULT now())',
    )
    const { rows } = await client.query<{ version: string }>('SELECT max(version) AS version FROM schema_versions')
    const version = Number(rows[0]?.version ?? 0)
    if (version > migrations.length) {
      throw new Error(`The database has version ${version}, this program knows ${migrations.length}: it is too old`)
    }
    for (const [index, text] of migrations.entries()) {
      if (index < version) continue
      await client.query(text)
      await client.query('INSERT INTO schema_versions (version) VALUES ($1)', [index + 1])
    }
    await client.query('COMMIT')
  } finally {
    await client.end()
  }
}

/** The names of statements by their text. Texts vary with the length of IN lists; the map is kept from growing. */
const names = new Map<string, string>()
const namesLimit = 500
const preparedParameters = 64

/** Has statements with parameters parsed and planned once for each connection: the same few run all the time. */
class PreparingClient extends Client {
  // The overloads of pg's own query cannot be followed, only handed on.
  override query(...given: readonly unknown[]): never {
    const query = super.query.bind(this) as (...values: readonly unknown[]) => never
    const [text, values, ...rest] = given
    if (typeof text !== 'string' || !Array.isArray(values) || values.length > preparedParameters || rest.length > 0) {
      return query(...given)
    }
    let name = names.get(text)
    if (name === undefined && names.size < namesLimit) names.set(text, (name = `capstan_${names.size}`))
    return query({ text, values, ...(name === undefined ? {} : { name }) })
  }
}

/** Nobody listens, the server starts or stops, has no connection left, or takes none for this database. */
const away: ReadonlySet<unknown> = new Set(
  (
    'ECONNREFUSED ECONNRESET ENOENT ENOTFOUND EPIPE ETIMEDOUT EHOSTUNREACH ' +
    '08001 08003 08006 53300 55000 57P01 57P02 57P03'
  ).split(' '),
)

function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // pg and its pool say so in words only.
  if (/^(?:timeout exceeded when trying to connect|Connection terminated|Client has encountered)/.test(error.message)) {
    return true
  }
  return away.has((error as { readonly code?: unknown }).code)
}

/** Another process was in the way: serialisation, deadlock, or a row with the same key that was committed first. */
const passing: ReadonlySet<unknown> = new Set(['40001', '40P01', '23505'])
const attempts = 4

async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = attempts; ; left -= 1) {
    try {
      return await attempt()
    } catch (error) {
      const isPassing = error instanceof OvertakenError || passing.has((error as { readonly code?: unknown }).code)
      if (left <= 1 || !isPassing) throw error
    }
  }
}

/*
 * PostgreSQL's texts hold every character but NUL, and a raw value may have one. It is written as a character of the
 * private use area and a digit; that character itself is written as a pair too, so nothing changes on its way.
 */
const escape = '\uE000'

function escaped(value: unknown): unknown {
  if (typeof value !== 'string' || !(value.includes('\0') || value.includes(escape))) return value
  return value.replaceAll(escape, `${escape}1`).replaceAll('\0', `${escape}0`)
}

function unescaped(text: string): string {
  if (!text.includes(escape)) return text
  return text.replaceAll(/\uE000([01])/g, (_pair, digit) => (digit === '0' ? '\0' : escape))
}

class EscapingCompiler extends PostgresQueryCompiler {
  protected override addParameter(parameter: unknown): void {
    super.addParameter(escaped(parameter))
  }
}

const { TEXT, INT8, NUMERIC } = types.builtins

/** Values come as from SQLite: texts as they were, counts and sums as numbers. */
const asInSqlite: CustomTypesConfig = {
  getTypeParser(type: number, format?: 'text' | 'binary') {
    if (format !== 'binary') {
      if (type === TEXT) return unescaped
      if (type === INT8 || type === NUMERIC) return Number
    }
    return types.getTypeParser(type, format)
  },
} as CustomTypesConfig
