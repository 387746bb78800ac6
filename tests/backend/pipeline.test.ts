import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '#backend/db/database.ts'
import { startPipeline } from '#backend/pipeline/pipeline.ts'
import { steps } from '#backend/pipeline/steps.ts'
import { silentLog } from '#backend/log.ts'
import { client, marker, products, startSite, temporaryFolder } from './fixture.ts'
import { startBackendProcess } from './process.ts'

const states = (dataDir: string) => {
  const database = new DatabaseSync(join(dataDir, 'backend.sqlite'))
  try {
    const rows = database.prepare('SELECT status, count(*) AS count FROM captures GROUP BY status').all()
    return Object.fromEntries(rows.map((row) => [row['status'], row['count']]))
  } finally {
    database.close()
  }
}

/** Puts captures and their jobs into a closed site's file, as if it had just accepted them. */
function fill(dataDir: string, session: string, values: readonly string[]): void {
  const database = new DatabaseSync(join(dataDir, 'backend.sqlite'))
  const capture = database.prepare(
    `INSERT INTO captures (id, session_id, status, capture_type, raw_value, gtin, error_message, metadata, gs1_dl_data, created_at)
     VALUES (?, ?, 'PENDING', 'BARCODE', ?, ?, '', '{}', '{}', '2026-11-21T09:00:00.000Z')`,
  )
  const job = database.prepare('INSERT INTO jobs (capture_id) VALUES (?)')
  database.exec('BEGIN')
  for (const [index, value] of values.entries()) {
    capture.run(`capture-${index}`, session, value, value === marker ? marker : '')
    job.run(`capture-${index}`)
  }
  database.exec('COMMIT')
  database.close()
}

const thousands = (count: number) => Array.from({ length: count }, (_, index) => (index % 2 === 0 ? marker : 'text'))

describe('the pipeline', () => {
  it('works off ten thousand captures that an earlier process left', async () => {
    const site = await startSite()
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await site.openSession()
    await site.close()
    fill(site.dataDir, session, thousands(10_000))
    await startSite({ dataDir: site.dataDir })
    await expect
      .poll(() => states(site.dataDir), { timeout: 30_000, interval: 100 })
      .toEqual({ COMPLETED: 5_000, NOT_FOUND: 5_000 })
  })

  it('fails a poisonous capture alone, with its reason', async () => {
    const site = await startSite()
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await site.openSession()
    await site.close()
    fill(site.dataDir, session, [marker, 'poison', 'text'])
    const db = openDatabase(join(site.dataDir, 'backend.sqlite'))
    const pipeline = startPipeline({
      db,
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
    await expect.poll(() => states(site.dataDir)).toEqual({ COMPLETED: 1, FAILED: 1, NOT_FOUND: 1 })
    const failed = await db.selectFrom('captures').selectAll().where('status', '=', 'FAILED').executeTakeFirstOrThrow()
    expect(failed).toMatchObject({
      raw_value: 'poison',
      error_message: 'The capture could not be processed: too bitter',
      processed_at: expect.any(String),
    })
    await pipeline.close()
    await db.destroy()
  })

  it('resumes after SIGKILL in its midst again and again: every capture ends, none is doubled or lost', async () => {
    const dataDir = await temporaryFolder()
    const first = await startBackendProcess(dataDir)
    const { call, openSession } = client(first.url, first.apiKey)
    await call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await openSession()
    first.child.kill('SIGKILL')
    await new Promise((resolve) => first.child.once('close', resolve))
    fill(dataDir, session, thousands(6_000))

    const unfinished = () => {
      const { COMPLETED = 0, NOT_FOUND = 0 } = states(dataDir) as { COMPLETED?: number; NOT_FOUND?: number }
      return 6_000 - COMPLETED - NOT_FOUND
    }
    let killedInMidst = 0
    for (let round = 0; round < 8 && unfinished() > 0; round += 1) {
      const { child } = await startBackendProcess(dataDir)
      const before = unfinished()
      // Wait until it has begun, then end it wherever it is.
      while (unfinished() === before && before > 0) await delay(2)
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('close', resolve))
      if (unfinished() > 0) killedInMidst += 1
    }
    expect(killedInMidst).toBeGreaterThan(0)
    await startBackendProcess(dataDir)
    await expect.poll(() => states(dataDir), { timeout: 30_000 }).toEqual({ COMPLETED: 3_000, NOT_FOUND: 3_000 })
    const database = new DatabaseSync(join(dataDir, 'backend.sqlite'))
    expect(database.prepare('SELECT count(*) AS count FROM jobs').get()).toEqual({ count: 0 })
    expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
    database.close()
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
      const killed = delay(100 + round * 30).then(() => child.kill('SIGKILL'))
      for (let index = 0; ; index += 1) {
        const key = `round-${round}-${index}`
        const reply = await submit(session, key, {}, { 'Idempotency-Key': key }).catch(() => undefined)
        if (reply === undefined) break
        acknowledged.set(key, reply.body)
      }
      await killed
    }
    expect(acknowledged.size).toBeGreaterThan(4)
    const database = new DatabaseSync(join(dataDir, 'backend.sqlite'))
    const rows = database
      .prepare('SELECT raw_value FROM captures')
      .all()
      .map((row) => row['raw_value'] as string)
    database.close()
    expect(new Set(rows).size).toBe(rows.length)
    expect([...acknowledged.keys()].filter((key) => !rows.includes(key))).toEqual([])
    // At most the one request that each kill cut off was stored without being acknowledged.
    expect(rows.length - acknowledged.size).toBeLessThanOrEqual(4)
  })
})
