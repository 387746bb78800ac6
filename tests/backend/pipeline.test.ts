import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import type { Database } from '#backend/db/database.ts'
import { openNotices } from '#backend/notices.ts'
import { openJobs } from '#backend/jobs/jobs.ts'
import { startPipeline } from '#backend/pipeline/pipeline.ts'
import { steps } from '#backend/pipeline/steps.ts'
import { silentLog } from '#backend/log.ts'
import { client, databaseOf, engine, marker, products, startSite, temporaryFolder } from './fixture.ts'
import { startBackendProcess } from './process.ts'

const states = async ({ db }: Database): Promise<Record<string, number>> => {
  const rows = await db
    .selectFrom('captures')
    .select((all) => ['status', all.fn.countAll<number>().as('count')])
    .groupBy('status')
    .execute()
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]))
}

/** Puts captures and their jobs into a site's database, as if it had just accepted them. */
async function fill(database: Database, session: string, values: readonly string[]): Promise<void> {
  const jobs = await openJobs({ database, log: silentLog, now: () => new Date() })
  const rows = values.map((value, index) => ({
    id: `capture-${index}`,
    session_id: session,
    status: 'PENDING' as const,
    capture_type: 'BARCODE' as const,
    raw_value: value,
    gtin: value === marker ? marker : '',
    error_message: '',
    metadata: '{}',
    gs1_dl_data: '{}',
    created_at: '2026-11-21T09:00:00.000Z',
  }))
  await database.write(async (db) => {
    for (let start = 0; start < rows.length; start += 500) {
      const some = rows.slice(start, start + 500)
      await db.insertInto('captures').values(some).execute()
      await jobs.add(
        db,
        'captures',
        some.map(({ id }) => id),
      )
    }
  })
  await jobs.close()
}

const thousands = (count: number) => Array.from({ length: count }, (_, index) => (index % 2 === 0 ? marker : 'text'))

describe('the pipeline', () => {
  it('works off ten thousand captures that an earlier process left', async () => {
    const site = await startSite()
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await site.openSession()
    await site.close()
    const database = await databaseOf(site.dataDir)
    await fill(database, session, thousands(10_000))
    await startSite({ dataDir: site.dataDir })
    await expect
      .poll(() => states(database), { timeout: 30_000, interval: 100 })
      .toEqual({ COMPLETED: 5_000, NOT_FOUND: 5_000 })
  })

  it('fails a poisonous capture alone, with its reason', async () => {
    const site = await startSite()
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await site.openSession()
    await site.close()
    const database = await databaseOf(site.dataDir)
    await fill(database, session, [marker, 'poison', 'text'])
    const jobs = await openJobs({ database, log: silentLog, now: () => new Date() })
    startPipeline({
      database,
      jobs,
      notices: await openNotices(database, silentLog),
      count: () => undefined,
      log: silentLog,
      now: () => new Date(),
      steps: {
        ...steps,
        LOOKING_UP(capture, context) {
          if (capture.raw_value === 'poison') throw new Error('too bitter')
          return steps.LOOKING_UP(capture, context)
        },
      },
    })
    await expect.poll(() => states(database)).toEqual({ COMPLETED: 1, FAILED: 1, NOT_FOUND: 1 })
    const failed = await database.db
      .selectFrom('captures')
      .selectAll()
      .where('status', '=', 'FAILED')
      .executeTakeFirstOrThrow()
    expect(failed).toMatchObject({
      raw_value: 'poison',
      error_message: 'The capture could not be processed: too bitter',
      processed_at: expect.any(String),
    })
    await jobs.close()
  })

  it('resumes after SIGKILL in its midst again and again: every capture ends, none is doubled or lost', async () => {
    const dataDir = await temporaryFolder()
    const first = await startBackendProcess(dataDir)
    const { call, openSession } = client(first.url, first.apiKey)
    await call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await openSession()
    first.child.kill('SIGKILL')
    await new Promise((resolve) => first.child.once('close', resolve))
    const database = await databaseOf(dataDir)
    await fill(database, session, thousands(6_000))

    const unfinished = async () => {
      const { COMPLETED = 0, NOT_FOUND = 0 } = await states(database)
      return 6_000 - COMPLETED - NOT_FOUND
    }
    let killedInMidst = 0
    for (let round = 0; round < 8 && (await unfinished()) > 0; round += 1) {
      const { child } = await startBackendProcess(dataDir)
      const before = await unfinished()
      // Wait until it has begun, then end it wherever it is.
      while ((await unfinished()) === before && before > 0) await delay(2)
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('close', resolve))
      if ((await unfinished()) > 0) killedInMidst += 1
    }
    expect(killedInMidst).toBeGreaterThan(0)
    await startBackendProcess(dataDir)
    await expect.poll(() => states(database), { timeout: 30_000 }).toEqual({ COMPLETED: 3_000, NOT_FOUND: 3_000 })
    const jobs = await openJobs({ database, log: silentLog, now: () => new Date() })
    expect(await jobs.count()).toMatchObject({ captures: 0 })
    await jobs.close()
    if (engine === 'postgres') return
    const { rows } = await sql`PRAGMA integrity_check`.execute(database.db)
    expect(rows).toEqual([{ integrity_check: 'ok' }])
  })
})

describe('an acknowledged capture', () => {
  it('is there once after SIGKILL, and its Idempotency-Key is still known', async () => {
    const dataDir = await temporaryFolder()
    const acknowledged = new Map<string, unknown>()
    let session = ''
    for (let round = 0; round < 4; round += 1) {
      const { child, url, apiKey } = await startBackendProcess(dataDir)
      const { openSession, submit } = client(url, apiKey)
      if (session === '') session = await openSession()
      // What was acknowledged before the kill is replayed, never made again.
      for (const [key, body] of acknowledged) {
        const again = await submit(session, key, {}, { 'Idempotency-Key': key })
        expect(again.headers.get('idempotent-replayed')).toBe('true')
        expect(again.body).toEqual(body)
      }
      for (let index = 0; ; index += 1) {
        const key = `round-${round}-${index}`
        // Some are acknowledged; then it is killed wherever it is.
        if (index === 5 + round) void delay(round * 3).then(() => child.kill('SIGKILL'))
        const reply = await submit(session, key, {}, { 'Idempotency-Key': key }).catch(() => undefined)
        if (reply === undefined) break
        acknowledged.set(key, reply.body)
      }
    }
    expect(acknowledged.size).toBeGreaterThanOrEqual(4 * 5)
    const { db } = await databaseOf(dataDir)
    const captures = await db.selectFrom('captures').select('raw_value').execute()
    const rows = captures.map(({ raw_value }) => raw_value)
    expect(new Set(rows).size).toBe(rows.length)
    expect([...acknowledged.keys()].filter((key) => !rows.includes(key))).toEqual([])
    // At most the one request that each kill cut off was stored without being acknowledged.
    expect(rows.length - acknowledged.size).toBeLessThanOrEqual(4)
  })
})
