import { describe, expect, it, onTestFinished } from 'vitest'
import type { Database } from '#backend/db/database.ts'
import { NotYet, openJobs, type Jobs } from '#backend/jobs/jobs.ts'
import { silentLog } from '#backend/log.ts'
import { databaseOf, engine, temporaryFolder } from './fixture.ts'

async function open(database: Database): Promise<Jobs> {
  const jobs = await openJobs({ database, log: silentLog, now: () => new Date() })
  onTestFinished(() => jobs.close())
  return jobs
}

const organization = (id: string) => ({ id, name: 'Name', created_at: '2026-11-21T09:00:00.000Z' })
const nothing = (): void => undefined

describe('jobs', () => {
  it('are there when the transaction that added them has committed, and not when it has not', async () => {
    const database = await databaseOf(await temporaryFolder())
    const jobs = await open(database)
    await database.write((db) => jobs.add(db, 'link', ['kept']))
    const undone = database.write(async (db) => {
      await jobs.add(db, 'link', ['undone'])
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await jobs.count()).toMatchObject({ link: 1, captures: 0 })
  })

  it('that fail are tried again, and are given up with the reason after the last attempt', async () => {
    const database = await databaseOf(await temporaryFolder())
    const jobs = await open(database)
    const tried: string[] = []
    const ended: string[] = []
    await database.write((db) => jobs.add(db, 'link', ['good', 'late', 'bad']))
    jobs.workSingly('link', {
      concurrency: 2,
      attempts: 3,
      backOffMs: () => 10,
      async handle(id) {
        tried.push(id)
        if (id === 'bad' || (id === 'late' && tried.filter((one) => one === id).length < 2)) throw new Error(`no ${id}`)
        return async (db) => {
          await db.insertInto('organizations').values(organization(id)).execute()
          return nothing
        }
      },
      async giveUp(_db, id, reason) {
        ended.push(`${id}: ${reason}`)
        return nothing
      },
    })
    await expect.poll(async () => (await jobs.count()).link, { timeout: 20_000 }).toBe(0)
    expect(tried.toSorted()).toEqual(['bad', 'bad', 'bad', 'good', 'late', 'late'])
    expect(ended).toEqual(['bad: no bad'])
    const rows = await database.db.selectFrom('organizations').select('id').orderBy('id').execute()
    expect(rows.map(({ id }) => id)).toEqual(['good', 'late'])
  })

  it('that wait for other work are asked again, which is no attempt', async () => {
    const database = await databaseOf(await temporaryFolder())
    const jobs = await open(database)
    let asked = 0
    const ended: string[] = []
    await database.write((db) => jobs.add(db, 'link', ['patient']))
    jobs.workSingly('link', {
      concurrency: 1,
      attempts: 2,
      backOffMs: () => 10,
      async handle() {
        asked += 1
        if (asked < 4) throw new NotYet('somebody else is at it')
        if (asked === 4) throw new Error('the first attempt')
        return async () => {
          ended.push('done')
          return nothing
        }
      },
      async giveUp(_db, _id, reason) {
        ended.push(reason)
        return nothing
      },
    })
    await expect.poll(async () => (await jobs.count()).link, { timeout: 20_000 }).toBe(0)
    expect([asked, ended]).toEqual([5, ['done']])
  })

  it('of a batch that cannot be written fail alone, and what they wrote is undone', async () => {
    const database = await databaseOf(await temporaryFolder())
    const jobs = await open(database)
    const ended: string[] = []
    await database.write((db) => jobs.add(db, 'captures', ['a', 'b', 'poison', 'c']))
    jobs.workBatches('captures', {
      batchSize: 10,
      async handle(db, ids) {
        for (const id of ids) {
          await db.insertInto('organizations').values(organization(id)).execute()
          // The engine itself refuses it, so that the transaction is at an end.
          if (id === 'poison')
            await db
              .insertInto('users')
              .values({ id } as never)
              .execute()
        }
        return nothing
      },
      async giveUp(_db, id) {
        ended.push(id)
        return nothing
      },
    })
    await expect.poll(async () => (await jobs.count()).captures, { timeout: 20_000 }).toBe(0)
    expect(ended).toEqual(['poison'])
    const rows = await database.db.selectFrom('organizations').select('id').orderBy('id').execute()
    expect(rows.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  })

  it('that were in hand when their process stopped are done by the next', async () => {
    const folder = await temporaryFolder()
    const database = await databaseOf(folder)
    const first = await open(database)
    await database.write((db) => first.add(db, 'link', ['slow']))
    let started = false
    first.workSingly('link', {
      concurrency: 1,
      attempts: 2,
      backOffMs: () => 0,
      handle: (_id, signal) =>
        new Promise((_resolve, reject) => {
          started = true
          signal.addEventListener('abort', () => reject(new Error('stopped')))
        }),
      giveUp: () => Promise.reject(new Error('given up')),
    })
    await expect.poll(() => started).toBe(true)
    await first.close()
    const second = await open(engine === 'sqlite' ? database : await databaseOf(folder))
    const done: string[] = []
    second.workSingly('link', {
      concurrency: 1,
      attempts: 2,
      backOffMs: () => 0,
      async handle(id) {
        done.push(id)
        return () => Promise.resolve(nothing)
      },
      giveUp: () => Promise.reject(new Error('given up')),
    })
    await expect.poll(async () => (await second.count()).link).toBe(0)
    expect(done).toEqual(['slow'])
  })
})
