import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '#station/store/database.ts'
import { schemaVersion } from '#station/store/migrations.ts'
import { openStore, openStoreForReading } from '#station/store/store.ts'
import {
  addCapture,
  createClock,
  createIds,
  createKeptLog,
  openTestSession,
  openTestStore,
  temporaryFolder,
} from '../parts.ts'

const ports = () => ({ clock: createClock(), ids: createIds(), log: createKeptLog() })

describe('the schema of a store', () => {
  it('is made from nothing and from an empty file alike', () => {
    const dataDir = temporaryFolder()
    writeFileSync(join(dataDir, 'station.sqlite'), '')
    const store = openTestStore({ dataDir })
    addCapture(store, openTestSession(store).id)
    expect(store.recovered).toBeNull()
    store.close()

    const database = openDatabase(join(dataDir, 'station.sqlite'), { readOnly: true })
    expect(database.get('PRAGMA user_version')).toEqual({ user_version: schemaVersion })
    database.close()
  })

  it('keeps everything when it is opened again', () => {
    const dataDir = temporaryFolder()
    const first = openTestStore({ dataDir })
    const session = openTestSession(first)
    const id = addCapture(first, session.id, { raw: '00012' })
    first.close()
    const second = openTestStore({ dataDir })
    expect(second.sessions.current()?.id).toBe(session.id)
    expect(second.captures.get(id)?.raw).toBe('00012')
  })

  it('of the first version is brought up to date with all that is in it', () => {
    const dataDir = temporaryFolder()
    const first = openTestStore({ dataDir })
    const session = openTestSession(first)
    const id = addCapture(first, session.id, { raw: '00012' })
    first.close()
    const old = openDatabase(join(dataDir, 'station.sqlite'))
    old.exec('ALTER TABLE captures DROP COLUMN location; ALTER TABLE sessions DROP COLUMN location')
    for (const name of ['device_id', 'bytes', 'received_ms', 'commit_ms'])
      old.exec(`ALTER TABLE captures DROP COLUMN ${name}`)
    old.exec(`
      DROP TRIGGER outbox_added; DROP TRIGGER outbox_moved; DROP TRIGGER outbox_removed;
      DROP TABLE outbox_figures; DROP TABLE decisions; DROP INDEX captures_by_remote`)
    old.exec('DROP TABLE marks; DROP INDEX captures_of_gtin; DROP TRIGGER capture_known_better')
    old.exec('ALTER TABLE captures DROP COLUMN marks; ALTER TABLE captures DROP COLUMN best_mark')
    old.exec('ALTER TABLE sessions DROP COLUMN marks_window_ms')
    old.exec('PRAGMA user_version = 1')
    old.close()

    const store = openTestStore({ dataDir })
    expect(store.captures.get(id)).toMatchObject({ raw: '00012', location: null, marks: [] })
    store.sessions.change(session.id, { location: 'A-01' })
    // A session that was begun when each code was a capture goes on like that.
    expect(store.sessions.current()).toMatchObject({
      id: session.id,
      location: 'A-01',
      marksWindowMs: 0,
      totals: { scans: 1 },
    })
    // What waited before is counted as waiting now.
    expect(store.outbox.figures()).toMatchObject({ waiting: 1 })
  })

  it('is refused with the two version numbers when a newer Capstan wrote it, and not touched', () => {
    const dataDir = temporaryFolder()
    openTestStore({ dataDir }).close()
    const path = join(dataDir, 'station.sqlite')
    const newer = openDatabase(path)
    newer.exec(`PRAGMA user_version = ${schemaVersion + 1}`)
    newer.close()

    const opened = openStore({ dataDir, ...ports() })
    expect(opened).toMatchObject({ ok: false, error: { code: 'conflict' } })
    expect(opened.ok ? '' : opened.error.message).toContain(`schema ${schemaVersion + 1}`)
    expect(openStoreForReading(dataDir, ports())).toMatchObject({ ok: false, error: { code: 'conflict' } })

    const untouched = openDatabase(path, { readOnly: true })
    expect(untouched.get('PRAGMA user_version')).toEqual({ user_version: schemaVersion + 1 })
    untouched.close()
    // The refusal has let go of the folder too.
    expect(openStore({ dataDir, ...ports() })).toMatchObject({
      error: { message: expect.stringContaining('schema') as string },
    })
  })
})
