import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '#station/store/database.ts'
import { checkLedger } from '#station/store/ledger-check.ts'
import { migrate, schemaVersion } from '#station/store/migrations.ts'
import { checkLedgerOf, openStore, openStoreForReading } from '#station/store/store.ts'
import {
  addCapture,
  createClock,
  createIds,
  createKeptLog,
  openTestSession,
  openTestStore,
  temporaryFolder,
  valueOf,
} from '../parts.ts'

/** A store as a station with that schema left it: a session, a capture that was sent and one that was refused. */
function writeOldStore(dataDir: string, version: number): [session: string, sent: string, refused: string] {
  const database = openDatabase(join(dataDir, 'station.sqlite'))
  migrate(database, version)
  const [session, sent, refused] = ['1', '2', '3'].map((end) => `00000000-0000-7000-8000-00000000000${end}`)
  database.run(
    `INSERT INTO sessions (id, label, capture_mode, duplicate_policy, duplicate_window_ms, state, opened_at, remote_id)
     VALUES (?, '', 'both', 'count', 3000, 'ACTIVE', '2026-11-01T09:00:00.000Z', 'S1')`,
    session ?? '',
  )
  for (const [id, sync, remote] of [
    [sent, 'sent', 'R1'],
    [refused, 'parked', null],
  ] as const) {
    database.run(
      `INSERT INTO captures (id, session_id, type, source, device_name, raw, symbology, item_key, elements, warnings,
         quantity, disposition, repeat_of, captured_at, state, sync, error_message, remote_id)
       VALUES (?, ?, 'BARCODE', 'stdin', '', '00012', 'unknown', 'raw:00012', '[]', '[]', 3, 'counted', 0,
         '2026-11-01T09:00:00.000Z', 'PENDING', ?, '', ?)`,
      id ?? '',
      session ?? '',
      sync,
      remote,
    )
  }
  database.run(
    `INSERT INTO outbox (kind, session_id, capture_id, payload, state, due_at, created_at)
     VALUES ('capture.submit', ?, ?, '{}', 'parked', 0, '2026-11-01T09:00:00.000Z')`,
    session ?? '',
    refused ?? '',
  )
  database.close()
  return [session ?? '', sent ?? '', refused ?? '']
}

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

  it.each(Array.from({ length: schemaVersion - 1 }, (_, index) => index + 1))(
    'of version %i is brought up to date with all that is in it, and its ledger tells it',
    (version) => {
      const dataDir = temporaryFolder()
      const [session, id, refused] = writeOldStore(dataDir, version)
      const store = openTestStore({ dataDir })
      // What waited before is counted as waiting now.
      expect(store.outbox.figures()).toMatchObject({ waiting: 0, parked: 1 })
      expect(store.captures.get(id)).toMatchObject({ raw: '00012', location: null, quantity: 3, marks: [] })
      store.sessions.change(session, { location: 'A-01' })
      expect(store.sessions.current()).toMatchObject({
        id: session,
        location: 'A-01',
        marksWindowMs: 0,
        formats: 'all',
        totals: { scans: 2 },
      })
      store.transaction(() => store.captures.retry(refused))
      store.captures.undo(id)
      addCapture(store, session, { raw: 'NEW' })
      store.close()

      const database = openDatabase(join(dataDir, 'station.sqlite'), { readOnly: true })
      expect(checkLedger(database)).toMatchObject({ problem: null, captures: 3 })
      const kinds = database.all(`SELECT entry ->> 'kind' AS kind FROM ledger ORDER BY sequence`)
      expect(kinds.filter(({ kind }) => kind === 'capture.carried')).toHaveLength(2)
      database.close()
    },
  )

  it('of a time when thumbnails were facts knows them as photos', () => {
    const dataDir = temporaryFolder()
    writeOldStore(dataDir, 1)
    const old = openDatabase(join(dataDir, 'station.sqlite'))
    old.run(`INSERT INTO facts (key, value) VALUES ('thumbnail:abc', 'def')`)
    old.close()
    const store = openTestStore({ dataDir })
    expect([store.photos.thumbnailOf('abc'), store.facts.get('thumbnail:abc')]).toEqual(['def', null])
  })

  it('of a time when a kept photo was a product found counts it no more', () => {
    const dataDir = temporaryFolder()
    const [, id] = writeOldStore(dataDir, 10)
    const old = openDatabase(join(dataDir, 'station.sqlite'))
    old.run(`UPDATE captures SET state = 'COMPLETED'`)
    // `raw` is in no trigger: as a photo, it was counted like a code.
    old.run(`UPDATE captures SET raw = '' WHERE id = ?`, id)
    expect(old.get('SELECT found FROM sessions')).toEqual({ found: 2 })
    old.close()
    const store = openTestStore({ dataDir })
    expect(store.sessions.current()?.totals.found).toBe(1)
    store.captures.undo(id)
    expect(store.sessions.current()?.totals.found).toBe(1)
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

  it('is kept as a copy before it is migrated, and of such copies the last two', () => {
    const dataDir = temporaryFolder()
    const [session] = writeOldStore(dataDir, 3)
    const aside = join(dataDir, 'set-aside')
    mkdirSync(aside)
    for (const [index, name] of [
      'before-schema-2-of-1.sqlite',
      'before-schema-3-of-2.sqlite',
      'other.sqlite',
    ].entries()) {
      writeFileSync(join(aside, name), '')
      utimesSync(join(aside, name), index, index)
    }
    valueOf(openStore({ dataDir, ...ports() })).close()
    const copy = `before-schema-${schemaVersion}-of-3.sqlite`
    expect(readdirSync(aside).toSorted()).toEqual(['before-schema-3-of-2.sqlite', copy, 'other.sqlite'].toSorted())
    const kept = openDatabase(join(aside, copy), { readOnly: true })
    expect(kept.get('PRAGMA user_version')).toEqual({ user_version: 3 })
    expect(kept.get('SELECT id FROM sessions')).toEqual({ id: session })
    expect(kept.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
    kept.close()
    // The next start has nothing to migrate.
    valueOf(openStore({ dataDir, ...ports() })).close()
    expect(readdirSync(aside)).toHaveLength(3)
  })

  it('of a newer Capstan that was taken back is carried over whole, with what was saved meanwhile', () => {
    const dataDir = temporaryFolder()
    const store = openTestStore({ dataDir })
    const session = openTestSession(store, { label: 'before' })
    const ids = ['A', 'B', 'C'].map((raw) => addCapture(store, session.id, { raw }))
    store.captures.setQuantity(ids[1] ?? '', 7)
    store.captures.undo(ids[2] ?? '')
    store.close()
    const newer = openDatabase(join(dataDir, 'station.sqlite'))
    newer.exec(`ALTER TABLE captures ADD COLUMN mood TEXT; CREATE TABLE moods (id TEXT) STRICT;
      UPDATE captures SET mood = 'fine'; PRAGMA user_version = ${schemaVersion + 3}`)
    newer.close()

    const back = valueOf(openStore({ dataDir, ...ports(), takesNewerStore: true }))
    expect(back.recovered).toBeNull()
    expect(back.sessions.current()).toMatchObject({ id: session.id, label: 'before', totals: { scans: 2, units: 8 } })
    expect(ids.map((id) => back.captures.get(id)?.raw)).toEqual(['A', 'B', 'C'])
    expect(back.captures.get(ids[1] ?? '')).toMatchObject({ quantity: 7, sync: 'waiting' })
    expect(back.captures.get(ids[2] ?? '')).toMatchObject({ disposition: 'undone' })
    expect(back.outbox.figures().waiting).toBe(2)
    addCapture(back, session.id, { raw: 'D' })
    back.close()
    expect(valueOf(checkLedgerOf(dataDir)).problem).toBeNull()
    // What only the newer one understands is where it was set aside.
    const [aside] = readdirSync(join(dataDir, 'set-aside'))
    const whole = openDatabase(join(dataDir, 'set-aside', aside ?? ''), { readOnly: true })
    expect(whole.all('SELECT DISTINCT mood FROM captures')).toEqual([{ mood: 'fine' }])
    whole.close()
  })
})
