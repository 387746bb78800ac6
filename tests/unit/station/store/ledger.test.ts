import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canonicalJson } from '#domain/canonical-json.ts'
import { openDatabase, type Database } from '#station/store/database.ts'
import { checkLedger, type LedgerReport } from '#station/store/ledger-check.ts'
import { readEntry } from '#station/store/ledger-facts.ts'
import { sha256 } from '#station/store/ledger.ts'
import { openStore, type Store } from '#station/store/store.ts'
import {
  addCapture,
  createClock,
  createIds,
  createKeptLog,
  newCapture,
  openTestSession,
  openTestStore,
  temporaryFolder,
  valueOf,
} from '../parts.ts'

const file = (dataDir: string): string => join(dataDir, 'station.sqlite')

function check(dataDir: string): LedgerReport {
  const database = openDatabase(file(dataDir), { readOnly: true })
  try {
    return checkLedger(database)
  } finally {
    database.close()
  }
}

/** Everything that can become of captures, in a random order; each step leaves the store as a station would. */
const steps = {
  scan: (store: Store, n: number) =>
    void store.transaction(() => {
      const session = store.sessions.current() ?? openTestSession(store)
      const disposition = n % 5 === 0 ? 'rejected' : 'counted'
      const read = { deviceId: 'd', bytes: new Uint8Array([n, 255]), receivedMs: n / 3 }
      store.captures.add(newCapture(session.id, { raw: `\u001dCODE ${n % 7} \ud800`, disposition, read }))
    }),
  quantity: (store: Store, n: number) => pick(store, n, (id) => store.captures.setQuantity(id, 1 + (n % 9))),
  undo: (store: Store, n: number) =>
    pick(store, n, (id) => store.captures.undo(id, n % 2 === 0 ? 'undone' : 'rejected')),
  retry: (store: Store, n: number) => pick(store, n, (id) => void store.captures.retry(id)),
  join: (store: Store, n: number) =>
    pick(store, n, (id) => {
      const mark = {
        raw: `M${n}`,
        symbologyIdentifier: null,
        symbology: 'qr',
        addOn: null,
        elements: [],
        warnings: [],
      } as const
      const read = { source: 'stdin', deviceName: '', deviceId: null, bytes: n % 2 === 0 ? '00ff' : null } as const
      const all = { ...mark, ...read, elements: [], warnings: [], readAt: '2026-11-21T09:00:00.000Z' }
      store.transaction(() => store.captures.join(id, all, { itemKey: `raw:M${n}`, repeatOf: 0, best: n % 2 }))
    }),
  hurry: (store: Store) => store.outbox.hurry(),
  end: (store: Store) => void store.sessions.end(store.sessions.current()?.id ?? ''),
  sync: (store: Store, n: number) => {
    for (const [index, item] of store.outbox.lease(3).entries()) {
      store.transaction(() => answer(store, item, n + index))
    }
  },
  readBack: (store: Store, n: number) =>
    void store.transaction(() => {
      for (const { id } of store.outbox.doubtful(2)) {
        if (n % 3 === 0) store.outbox.resend(id)
        else if (n % 3 === 1) store.outbox.undecide(id, [{ remoteId: 'R', createdAt: null, raw: '', type: '' }])
        else store.outbox.doubtAgain(id, 0)
      }
    }),
  restart: (store: Store) => void store.outbox.releaseLeases(),
} as const

function pick(store: Store, n: number, change: (id: string) => void): void {
  const counted = [...store.captures.each(null)].filter((capture) => capture.disposition === 'counted')
  const capture = counted[n % Math.max(1, counted.length)]
  if (capture) change(capture.id)
}

function answer(store: Store, item: ReturnType<Store['outbox']['lease']>[number], n: number): void {
  const refusal = { code: 'invalid', message: 'no', receipt: { status: 400, date: null } }
  const id = item.captureId ?? ''
  if (item.kind === 'session.create') store.sessions.linkRemote(item.sessionId ?? '', `S${n}`)
  else if (n % 13 === 0) return
  else if (n % 6 === 5 && item.kind === 'capture.submit') return store.outbox.doubt(item.id, 0, refusal, false)
  else if (n % 4 === 0) return store.outbox.retryAt(item.id, 0, refusal)
  else if (n % 4 === 1) return store.outbox.park(item.id, refusal, n % 3 === 0)
  else if (item.kind === 'capture.submit' && n % 11 === 0) {
    store.sessions.continueRemote(item.sessionId ?? '')
    return store.outbox.restart(item.id, refusal)
  } else if (item.kind === 'capture.submit' && n % 7 === 0) store.captures.forget(id)
  else if (item.kind === 'capture.submit') {
    const remote = { state: 'PENDING', errorMessage: '', productId: null, productName: null, gtin: null } as const
    store.captures.accept(id, { ...remote, remoteId: `R-${id}` }, { status: 201, date: null })
  }
  store.outbox.done(item.id)
}

describe('the ledger', () => {
  it('tells whatever happens to captures as their rows do', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...(Object.keys(steps) as (keyof typeof steps)[])), fc.nat(99)), {
          minLength: 1,
          maxLength: 60,
        }),
        (script) => {
          const dataDir = temporaryFolder()
          const store = openTestStore({ dataDir })
          for (const [step, n] of script) steps[step](store, n)
          store.close()
          expect(check(dataDir)).toMatchObject({ problem: null, gaps: [] })
        },
      ),
      { numRuns: 25 },
    )
  })

  it('has nothing of a transaction that did not commit, and goes on from where it was', () => {
    const dataDir = temporaryFolder()
    const store = openTestStore({ dataDir })
    const session = openTestSession(store)
    const head = store.ledger.head()
    expect(() =>
      store.transaction(() => {
        store.captures.add(newCapture(session.id))
        expect(store.ledger.head().sequence).toBe(head.sequence + 1)
        throw new Error('the disk went away')
      }),
    ).toThrow('the disk went away')
    expect(store.ledger.head()).toEqual(head)
    addCapture(store, session.id)
    expect(() => store.ledger.append({ kind: 'session.ended', session: session.id })).toThrow('transaction')
    store.close()
    expect(check(dataDir)).toMatchObject({ problem: null, captures: 1 })
  })

  it('can be checked with nothing but SHA-256 and JSON', () => {
    const dataDir = temporaryFolder()
    const store = openTestStore({ dataDir, clock: createClock('2026-11-21T09:00:00.000Z') })
    addCapture(store, openTestSession(store).id)
    store.close()
    const database = openDatabase(file(dataDir), { readOnly: true })
    let previous = '0'.repeat(64)
    for (const [index, row] of database.all('SELECT * FROM ledger ORDER BY sequence').entries()) {
      const entry = JSON.parse(String(row['entry'])) as Record<string, never>
      expect(entry).toMatchObject({ sequence: index + 1, previous, at: '2026-11-21T09:00:00.000Z' })
      expect(canonicalJson(entry)).toBe(row['entry'])
      previous = sha256(String(row['entry']))
      expect(row['hash']).toBe(previous)
    }
    // The digest of a capture: its columns that never change, those without a value left out.
    const saved = database.get(`SELECT entry ->> 'content' AS content FROM ledger WHERE entry ->> 'number' = 1`)
    const capture = database.get(
      `SELECT json_object('boot_id', boot_id, 'captured_at', captured_at, 'device_name', device_name, 'elements', elements,
         'id', id, 'monotonic_ms', monotonic_ms, 'raw', raw, 'source', source, 'symbology', symbology, 'type', type,
         'warnings', warnings) AS content FROM captures`,
    )
    expect(saved?.['content']).toBe(sha256(String(capture?.['content'])))
    database.close()
  })

  it('refuses to be changed by accident', () => {
    const dataDir = temporaryFolder()
    openTestStore({ dataDir }).close()
    const database = openDatabase(file(dataDir))
    expect(() => database.run('DELETE FROM ledger')).toThrow('never deleted')
    expect(() => database.run('UPDATE ledger SET sequence = 7')).toThrow('never changed')
    database.close()
  })
})

describe('a ledger that somebody has worked on', () => {
  let original: string
  let last: number
  beforeAll(() => {
    original = mkdtempSync(join(tmpdir(), 'capstan-test-'))
    const store = valueOf(
      openStore({ dataDir: original, clock: createClock(), ids: createIds(), log: createKeptLog() }),
    )
    for (let n = 0; n < 40; n += 1) {
      steps.scan(store, n)
      if (n % 3 === 0) steps.sync(store, n)
      if (n % 4 === 0) steps.quantity(store, n)
      if (n % 9 === 0) steps.undo(store, n)
      if (n % 10 === 0) steps.join(store, n)
    }
    last = store.ledger.head().sequence
    store.close()
  })
  afterAll(() => rmSync(original, { recursive: true, force: true }))

  /** A copy with its triggers gone, worked on by `work`; answers what a check says of it. */
  function after(work: (database: Database) => void): LedgerReport {
    const dataDir = temporaryFolder()
    copyFileSync(file(original), file(dataDir))
    const database = openDatabase(file(dataDir))
    try {
      database.exec('PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF')
      database.exec('DROP TRIGGER ledger_entry_kept; DROP TRIGGER ledger_entry_unchanged')
      database.transaction(() => work(database))
      return checkLedger(database)
    } finally {
      database.close()
    }
  }
  const places = () => fc.integer({ min: 1, max: last })
  const entryAt = (database: Database, sequence: number): string =>
    String(database.get('SELECT entry FROM ledger WHERE sequence = ?', sequence)?.['entry'])
  const write = (database: Database, sequence: number, text: string, hash: string): void =>
    void database.run('UPDATE ledger SET entry = ?, hash = ? WHERE sequence = ?', text, hash, sequence)

  it('is whole before', () => {
    expect(last).toBeGreaterThan(80)
    expect(after(() => undefined)).toMatchObject({ problem: null, entries: last })
  })

  it('is named by the entry of which a character was changed, in whatever column', () => {
    fc.assert(
      fc.property(places(), fc.constantFrom('entry', 'hash'), fc.nat(), fc.nat(93), (at, column, where, offset) => {
        const report = after((database) => {
          const text = String(database.get(`SELECT ${column} FROM ledger WHERE sequence = ?`, at)?.[column])
          const place = where % text.length
          const code = 33 + ((text.charCodeAt(place) - 33 + 1 + offset) % 94)
          const changed = text.slice(0, place) + String.fromCharCode(code) + text.slice(place + 1)
          fc.pre(changed !== text)
          database.run(`UPDATE ledger SET ${column} = ? WHERE sequence = ?`, changed, at)
        })
        expect(report.problem).toMatchObject({ kind: 'changed', sequence: at })
      }),
      { numRuns: 120 },
    )
  })

  it('is named by the entry that was rewritten with its hash', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: last - 1 }), (at) => {
        const report = after((database) => {
          const entry = JSON.parse(entryAt(database, at)) as Record<string, never>
          const text = canonicalJson({ ...entry, at: '2026-01-01T00:00:00.000Z' })
          write(database, at, text, sha256(text))
        })
        expect(report.problem).toMatchObject({ kind: 'changed', sequence: at })
      }),
      { numRuns: 60 },
    )
  })

  it('is named by the first entry that was dropped, the last one too, the rest renumbered or not', () => {
    fc.assert(
      fc.property(places(), fc.integer({ min: 1, max: 5 }), fc.boolean(), (at, count, isRenumbered) => {
        const report = after((database) => {
          database.run('DELETE FROM ledger WHERE sequence >= ? AND sequence < ?', at, at + count)
          if (!isRenumbered) return
          for (let sequence = at + count; sequence <= last; sequence += 1)
            database.run('UPDATE ledger SET sequence = ? WHERE sequence = ?', sequence - count, sequence)
        })
        expect(report.problem).toMatchObject({ kind: 'dropped', sequence: at })
      }),
      { numRuns: 80 },
    )
  })

  it('is named by the place of two entries that changed it, with their texts, hashes or numbers', () => {
    fc.assert(
      fc.property(places(), places(), fc.constantFrom('rows', 'texts', 'numbers'), (one, other, what) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)]
        fc.pre(low !== high)
        const report = after((database) => {
          const [a, b] = [entryAt(database, low), entryAt(database, high)]
          if (what === 'numbers') {
            database.run('UPDATE ledger SET sequence = -1 WHERE sequence = ?', low)
            database.run('UPDATE ledger SET sequence = ? WHERE sequence = ?', low, high)
            database.run('UPDATE ledger SET sequence = ? WHERE sequence = -1', high)
          } else {
            write(database, low, b, sha256(what === 'rows' ? b : a))
            write(database, high, a, sha256(what === 'rows' ? a : b))
          }
        })
        expect(report.problem).toMatchObject({ kind: what === 'texts' ? 'changed' : 'reordered', sequence: low })
      }),
      { numRuns: 80 },
    )
  })

  it('is named by the place of an entry that was inserted, be it a copy or one made to fit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: last }), places(), fc.boolean(), (at, of, isMade) => {
        const report = after((database) => {
          for (let sequence = last; sequence >= at; sequence -= 1)
            database.run('UPDATE ledger SET sequence = ? WHERE sequence = ?', sequence + 1, sequence)
          const previous = readEntry(entryAt(database, at + 1))?.previous ?? ''
          const model = JSON.parse(entryAt(database, of < at ? of : of + 1)) as Record<string, never>
          const text = isMade
            ? canonicalJson({
                kind: 'station.started',
                boot: 'b',
                sequence: at,
                previous,
                at: model['at'],
                monotonicMs: 1,
              })
            : canonicalJson(model)
          database.run('INSERT INTO ledger (sequence, entry, hash) VALUES (?, ?, ?)', at, text, sha256(text))
        })
        // A copy of the entry that was there stands in its place: the one behind it is the second.
        expect(report.problem).toMatchObject({ kind: 'inserted', sequence: isMade || of !== at ? at : at + 1 })
      }),
      { numRuns: 80 },
    )
  })

  it('is not hidden by going on: what was cut off before stays missing', () => {
    const dataDir = temporaryFolder()
    copyFileSync(file(original), file(dataDir))
    const database = openDatabase(file(dataDir))
    database.exec('DROP TRIGGER ledger_entry_kept')
    database.run('DELETE FROM ledger WHERE sequence > ?', last - 3)
    database.close()
    openTestStore({ dataDir }).close()
    expect(check(dataDir).problem).toMatchObject({ kind: 'dropped', sequence: last - 2 })
  })

  it.each([
    ['a capture was deleted', 'DELETE FROM captures WHERE sequence = 7', 'capture', /^capture 7 .* is missing/],
    ['its code was changed', `UPDATE captures SET raw = 'X' WHERE sequence = 7`, 'capture', /^capture 7 .* own data/],
    ['its quantity was', 'UPDATE captures SET quantity = 77 WHERE sequence = 7', 'capture', /quantity is 77, .* says/],
    ['it was not counted', `UPDATE captures SET disposition = 'ignored' WHERE sequence = 7`, 'capture', /^capture 7 /],
    ['it was called sent', `UPDATE captures SET sync = 'none' WHERE sequence = 7`, 'capture', /sync is none/],
    [
      'its time was set back',
      `UPDATE captures SET captured_at = '2020-01-01T00:00:00.000Z' WHERE sequence = 7`,
      'capture',
      /own/,
    ],
    [
      'one was added',
      `CREATE TEMP TABLE forged AS SELECT * FROM captures WHERE sequence = 7;
       UPDATE forged SET sequence = 9999, id = 'new', remote_id = NULL; INSERT INTO captures SELECT * FROM forged`,
      'capture',
      /^capture 9999 \(new\) is in no entry/,
    ],
    ['one of its further codes was changed', `UPDATE marks SET raw = 'X'`, 'capture', /its marks is/],
    ['a session was ended', `UPDATE sessions SET state = 'COMPLETED'`, 'session', /says otherwise/],
    ['a session was deleted', 'DELETE FROM sessions', 'session', /is missing/],
    [
      'the station was renamed',
      `UPDATE facts SET value = 'other' WHERE key = 'station_id'`,
      'changed',
      /station other/,
    ],
  ])('does not agree with the store when %s behind its back', (_, sql, kind, message) => {
    const { problem } = after((database) => database.exec(sql))
    expect(problem?.kind).toBe(kind)
    expect(problem?.message).toMatch(message)
  })
})
