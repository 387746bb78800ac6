import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, inject, it } from 'vitest'
import { openDatabase, type Database, type Db } from '#backend/db/database.ts'
import { migrationsFor } from '#backend/db/migrations.ts'
import { silentLog } from '#backend/log.ts'
import { databaseOf, engine, temporaryFolder } from './fixture.ts'
import { createDatabase, dropDatabase } from './postgres.ts'

const postgres = inject('postgres')
const organization = (id: string) => ({ id, name: 'Name', created_at: '2026-11-21T09:00:00.000Z' })
const ids = async (db: Db) =>
  (await db.selectFrom('organizations').select('id').orderBy('id').execute()).map(({ id }) => id)

describe('a database', () => {
  it.runIf(engine === 'postgres')(
    'is made once when several processes open an empty one at the same time',
    async () => {
      if (postgres === undefined || 'missing' in postgres) throw new Error('No PostgreSQL')
      const url = await createDatabase(postgres.template)
      const opened = await Promise.all(Array.from({ length: 5 }, () => openDatabase(url, silentLog)))
      for (const { db } of opened) expect(await ids(db)).toEqual([])
      for (const { close } of opened) await close()
      await dropDatabase(url)
    },
  )

  // Vitest fails a run in which an error went unheard: outside of it, such a one ends the process.
  it.runIf(engine === 'postgres')(
    'outlives a connection that breaks between two queries of a transaction',
    async () => {
      const { db, write, isAway, close } = await databaseOf(await temporaryFolder())
      const broken = write(async (transaction) => {
        const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(transaction)
        await sql`SELECT pg_terminate_backend(${rows[0]?.pid}, 10000)`.execute(db)
        await transaction.insertInto('organizations').values(organization('lost')).execute()
      })
      const failure: unknown = await broken.catch((error: unknown) => error)
      expect(failure).toSatisfy(isAway)
      await write((transaction) => transaction.insertInto('organizations').values(organization('kept')).execute())
      expect(await ids(db)).toEqual(['kept'])
      await close()
    },
  )

  it.runIf(engine === 'sqlite')('of the first version is brought up to date and keeps its rows', async () => {
    const path = join(await temporaryFolder(), 'backend.sqlite')
    const old = new DatabaseSync(path)
    old.exec(`${migrationsFor('sqlite')[0]}; PRAGMA user_version = 1`)
    old.exec(`INSERT INTO organizations VALUES ('first', 'Site', '2026')`)
    old.close()
    const { db, close } = await openDatabase(path, silentLog)
    expect(await ids(db)).toEqual(['first'])
    await close()
    const file = new DatabaseSync(path)
    expect(file.prepare('PRAGMA user_version').get()).toEqual({ user_version: migrationsFor('sqlite').length })
    file.close()
  })

  it('of a newer version is refused', async () => {
    const folder = await temporaryFolder()
    const { db, close } = await databaseOf(folder)
    if (engine === 'postgres')
      await db
        .insertInto('schema_versions' as never)
        .values({ version: 9_999 } as never)
        .execute()
    await close()
    if (engine === 'sqlite') {
      const file = new DatabaseSync(join(folder, 'backend.sqlite'))
      file.exec('PRAGMA user_version = 9999')
      file.close()
    }
    await expect(databaseOf(folder)).rejects.toThrow('version 9999')
  })

  it.runIf(engine === 'sqlite')(
    'serves those that wait in their order, one at a time, whoever asks meanwhile',
    async () => {
      const { db } = await databaseOf(await temporaryFolder())
      const order: string[] = []
      let isBusy = false
      const ask = (name: string, fails = false) =>
        db.connection().execute(async (connection) => {
          expect(isBusy).toBe(false)
          isBusy = true
          order.push(name)
          await ids(connection)
          isBusy = false
          if (fails) throw new Error(name)
        })
      const held = Promise.withResolvers<void>()
      const holder = db.connection().execute(() => held.promise)
      const turn = () => new Promise((resolve) => setImmediate(resolve))
      await turn()
      const early = ['a', 'b', 'c', 'd', 'e'].map((name) => ask(name, name === 'b'))
      await turn()
      held.resolve()
      // Some of these ask in the very moment in which the connection changes hands.
      const late: Promise<unknown>[] = []
      const names = Array.from({ length: 40 }, (_, index) => `late ${index}`)
      for (const name of names) {
        await Promise.resolve()
        late.push(ask(name))
      }
      const outcomes = await Promise.allSettled([holder, ...early, ...late])
      expect(order).toEqual(['a', 'b', 'c', 'd', 'e', ...names])
      expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    },
  )

  it('keeps every text as it is: NUL, private use, control characters, and orders by bytes', async () => {
    const { db } = await databaseOf(await temporaryFolder())
    const texts = ['a\0b', '\uE000', '\uE0000', '\0\uE000\0', '\u001d01', 'Z', 'a', 'é', '😀']
    for (const [index, name] of texts.entries()) {
      await db
        .insertInto('organizations')
        .values({ ...organization(String(index)), name })
        .execute()
    }
    const rows = await db.selectFrom('organizations').select('name').orderBy('id').execute()
    expect(rows.map(({ name }) => name)).toEqual(texts)
    const found = await db.selectFrom('organizations').select('id').where('name', '=', 'a\0b').execute()
    expect(found).toEqual([{ id: '0' }])
    const ordered = await db
      .selectFrom('organizations')
      .select('name')
      .where('name', 'in', ['a', 'Z', 'é'])
      .orderBy('name')
      .execute()
    expect(ordered.map(({ name }) => name)).toEqual(['Z', 'a', 'é'])
  })
})

describe('a write', () => {
  const write = (database: Database, id: string, fails = false) =>
    database.write(async (db) => {
      await db.insertInto('organizations').values(organization(id)).execute()
      if (fails) throw new Error(`no ${id}`)
      return id
    })

  it('that fails is undone alone, among many at once', async () => {
    const database = await databaseOf(await temporaryFolder())
    const outcomes = await Promise.allSettled(
      Array.from({ length: 300 }, (_, index) => write(database, `w${String(index).padStart(3, '0')}`, index % 7 === 0)),
    )
    const kept = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const reasons = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [(outcome.reason as Error).message] : [],
    )
    expect(kept).toHaveLength(257)
    expect(reasons).toHaveLength(43)
    expect(reasons).toContain('no w007')
    expect(await ids(database.db)).toEqual(kept)
  })

  it.skipIf(engine === 'postgres')(
    'leaves the loop its turns between two groups: it takes one connection a turn',
    async () => {
      const database = await databaseOf(await temporaryFolder())
      let turns = 0
      let isOver = false
      const turn = (): void => {
        turns += 1
        if (!isOver) setImmediate(turn)
      }
      setImmediate(turn)
      // Ten groups of 64.
      await Promise.all(Array.from({ length: 640 }, (_, index) => write(database, `turn-${index}`)))
      isOver = true
      expect(turns).toBeGreaterThan(9 * 16)
    },
  )

  it('that meets a row of another with the same key is run again and sees it', async () => {
    const folder = await temporaryFolder()
    const processes = [await databaseOf(folder), await databaseOf(folder)]
    const outcomes = await Promise.all(
      processes.map(({ write: run }) =>
        run(async (db) => {
          const known = await db.selectFrom('organizations').select('id').where('id', '=', 'same').executeTakeFirst()
          if (known) return 'found'
          await db.insertInto('organizations').values(organization('same')).execute()
          return 'made'
        }),
      ),
    )
    expect(outcomes.toSorted()).toEqual(['found', 'made'])
  })

  it('alone under a name waits for the same of another process', async () => {
    const folder = await temporaryFolder()
    const processes = [await databaseOf(folder), await databaseOf(folder), await databaseOf(folder)]
    await Promise.all(
      processes.map(({ writeAlone }, index) =>
        writeAlone('first', async (db) => {
          if ((await ids(db)).length === 0)
            await db
              .insertInto('organizations')
              .values(organization(`by ${index}`))
              .execute()
        }),
      ),
    )
    const [first] = processes
    expect(first && (await ids(first.db))).toHaveLength(1)
  })
})
