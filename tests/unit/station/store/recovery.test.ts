import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Mark } from '#contract/station/capture.ts'
import { openDatabase } from '#station/store/database.ts'
import { checkLedgerOf, checkStore, type Store } from '#station/store/store.ts'
import { addCapture, createClock, createKeptLog, openTestSession, openTestStore, temporaryFolder } from '../parts.ts'

const captures = 2_000
const file = (dataDir: string): string => join(dataDir, 'station.sqlite')

const raws = Array.from({ length: captures }, (_, index) => `CODE-${String(index).padStart(6, '0')}`)
let content: Buffer | undefined

/** A closed store with many captures: half of them at the backend, half waiting; a refused one; an open session. */
function makeStore(): { dataDir: string } {
  const dataDir = temporaryFolder()
  // The captures of thousands of commits, written once and copied for each test.
  if (content) writeFileSync(file(dataDir), content)
  else {
    fillStore(dataDir)
    content = readFileSync(file(dataDir))
  }
  return { dataDir }
}

function fillStore(dataDir: string): void {
  const store = openTestStore({ dataDir })
  const session = openTestSession(store, { label: 'aisle 4' })
  // Many commits, and not one for each: the disk would take its time.
  const ids: string[] = []
  for (let from = 0; from < captures; from += 20)
    store.transaction(() => {
      for (const raw of raws.slice(from, from + 20)) ids.push(addCapture(store, session.id, { raw }))
    })
  const create = store.outbox.lease(1)[0]
  store.transaction(() => {
    store.sessions.linkRemote(session.id, 'S1')
    store.outbox.done(create?.id ?? 0)
  })
  const items = store.outbox.lease(captures / 2 + 1)
  store.transaction(() => {
    for (const item of items.slice(1)) {
      store.captures.accept(item.captureId ?? '', {
        remoteId: `R-${item.captureId}`,
        state: 'COMPLETED',
        errorMessage: '',
        productId: null,
        productName: 'Pen',
        gtin: null,
      })
      store.outbox.done(item.id)
    }
    store.outbox.park(items[0]?.id ?? 0, { code: 'validation_error', message: 'no' }, true)
  })
  expect(items[0]?.captureId).toBe(ids[0])
  store.facts.set('a fact', 'THE-STATION')
  store.close()
}

/** The page of a table's b-tree that holds the row in its middle. */
function pagesOf(dataDir: string, table: string): { pageSize: number; rootPage: number; pages: number } {
  const database = openDatabase(file(dataDir), { readOnly: true })
  try {
    return {
      pageSize: Number(database.get('PRAGMA page_size')?.['page_size']),
      pages: Number(database.get('PRAGMA page_count')?.['page_count']),
      rootPage: Number(database.get('SELECT rootpage FROM sqlite_schema WHERE name = ?', table)?.['rootpage']),
    }
  } finally {
    database.close()
  }
}

function overwrite(path: string, offset: number, bytes: Buffer): void {
  const content = readFileSync(path)
  bytes.copy(content, offset)
  writeFileSync(path, content)
}

/** Fills the leaves of tables in which a text lies with noise; its traces in indexes and freed pages stay. */
function destroyPageWith(dataDir: string, text: string): void {
  const { pageSize } = pagesOf(dataDir, 'captures')
  const content = readFileSync(file(dataDir))
  for (let at = content.indexOf(text); at >= 0; at = content.indexOf(text, at + 1)) {
    const page = Math.floor(at / pageSize) * pageSize
    // sqlite.org/fileformat.html section 1.6: 13 is a leaf of a table.
    if (content[page] === 13) overwrite(file(dataDir), page, Buffer.alloc(pageSize, 0xa5))
  }
}

/** Fills the first page of tables with noise. */
function destroyTables(dataDir: string, ...tables: readonly string[]): void {
  const places = tables.map((table) => pagesOf(dataDir, table))
  for (const { pageSize, rootPage } of places)
    overwrite(file(dataDir), (rootPage - 1) * pageSize, Buffer.alloc(pageSize, 0xa5))
}

function expectSetAside(store: Store, dataDir: string): string {
  const aside = store.recovered?.setAsideAs ?? ''
  expect(aside.startsWith(join(dataDir, 'set-aside'))).toBe(true)
  expect(existsSync(aside)).toBe(true)
  expect(checkStore(dataDir)).toEqual([])
  // What the ledger has lost it says itself, and what is left agrees with what is left of the captures.
  expect(checkLedgerOf(dataDir)).toMatchObject({ ok: true, value: { problem: null } })
  return aside
}

describe('a damaged store', () => {
  it('with a ruined page in the middle is set aside, and all its other rows live on', () => {
    const { dataDir } = makeStore()
    destroyPageWith(dataDir, 'CODE-001500')
    destroyPageWith(dataDir, '"number":700,')
    expect(checkStore(dataDir)).not.toEqual([])
    const before = readFileSync(file(dataDir))

    const log = createKeptLog()
    const store = openTestStore({ dataDir, log })
    expect(readFileSync(expectSetAside(store, dataDir)).equals(before)).toBe(true)
    const saved = [...store.captures.each(null)].map((capture) => capture.raw)
    expect(store.recovered?.captures).toBe(saved.length)
    // A page holds a few rows.
    expect(saved.length).toBeGreaterThan(captures - 60)
    expect(saved.length).toBeLessThan(captures)
    expect(saved).not.toContain('CODE-001500')
    expect(saved).toEqual(raws.filter((raw) => saved.includes(raw)))
    expect(store.facts.get('a fact')).toBe('THE-STATION')
    expect(log.text()).toContain('set aside')

    // What was sent is not sent again, what waited waits, what was refused is still refused.
    const session = store.sessions.current()
    expect(session).toMatchObject({ label: 'aisle 4', remoteId: 'S1' })
    const all = [...store.captures.each(null)]
    expect(all[0]).toMatchObject({ sync: 'parked', syncError: { message: 'no' } })
    const waiting = all.filter((capture) => capture.sync === 'waiting')
    expect(session?.totals).toMatchObject({ scans: all.length, waiting: waiting.length, parked: 1 })
    const leased = store.outbox.lease(captures)
    expect(new Set(leased.map((item) => item.captureId))).toEqual(new Set(waiting.map((capture) => capture.id)))
    expect(leased).toHaveLength(waiting.length)
    // New scans go on with numbers nobody had.
    const next = addCapture(store, session?.id ?? '')
    expect(store.captures.get(next)?.sequence).toBe(captures + 1)
    const checked = checkLedgerOf(dataDir)
    expect(checked).toMatchObject({ value: { problem: null, captures: saved.length + 1 } })
    expect(checked.ok && checked.value.gaps).toHaveLength(1)
  })

  it('with ruined pages in many places keeps the rows between them', () => {
    const { dataDir } = makeStore()
    const ruined = ['CODE-000010', 'CODE-000500', 'CODE-000900', 'CODE-001999']
    for (const raw of ruined) destroyPageWith(dataDir, raw)
    const store = openTestStore({ dataDir })
    expectSetAside(store, dataDir)
    const saved = [...store.captures.each(null)].map((capture) => capture.raw)
    expect(saved.length).toBeGreaterThan(captures - 200)
    expect(saved).toEqual(saved.toSorted())
    for (const raw of ruined) expect(saved).not.toContain(raw)
    // The last row is lost, its number is not given again.
    const next = addCapture(store, store.sessions.current()?.id ?? '')
    expect(store.captures.get(next)?.sequence).toBe(captures + 1)
  })

  it('whose queue is lost reads back what the captures may still owe: it may have been sent', () => {
    const { dataDir } = makeStore()
    destroyTables(dataDir, 'outbox')
    const store = openTestStore({ dataDir })
    expectSetAside(store, dataDir)
    expect(store.recovered?.captures).toBe(captures)
    const owed = [...store.captures.each(null)].filter((capture) => capture.sync === 'checking')
    expect(owed.length).toBe(captures / 2 - 1)
    expect(store.outbox.lease(captures)).toEqual([])
    const doubtful = store.outbox.doubtful(captures)
    expect(doubtful.map((item) => item.captureId)).toEqual(owed.map((capture) => capture.id))
    expect(doubtful[0]?.payload).toMatchObject({ session: 'S1', quantity: 1 })
    expect(checkLedgerOf(dataDir)).toMatchObject({ value: { problem: null } })
  })

  it('whose sessions are lost keeps the captures, in a session that is linked as the ledger tells', () => {
    const { dataDir } = makeStore()
    destroyTables(dataDir, 'sessions')
    const store = openTestStore({ dataDir })
    expectSetAside(store, dataDir)
    expect(store.recovered?.captures).toBe(captures)
    expect(store.sessions.list(10)).toMatchObject([{ state: 'COMPLETED', remoteId: 'S1', totals: { scans: captures } }])
    const leased = store.outbox.lease(captures)
    expect(leased).toHaveLength(captures / 2 - 1)
    expect(new Set(leased.map((item) => item.kind))).toEqual(new Set(['capture.submit']))
    expect(leased[0]?.payload).toMatchObject({ session: 'S1' })
  })

  it('whose sessions and queue are lost sends nothing anew that the ledger says was sent', () => {
    const { dataDir } = makeStore()
    const before = openTestStore({ dataDir })
    // One whose session the backend ended: its captures were sent to that one, and none to the next.
    const [item] = before.outbox.lease(1)
    const id = item?.captureId ?? ''
    const sessionId = before.sessions.current()?.id ?? ''
    before.transaction(() => {
      before.outbox.doubt(item?.id ?? 0, 0, { code: 'x', message: '' }, false)
      before.sessions.continueRemote(sessionId)
    })
    before.close()
    destroyTables(dataDir, 'sessions', 'outbox')
    const store = openTestStore({ dataDir })
    expectSetAside(store, dataDir)
    expect(store.sessions.get(sessionId)).toMatchObject({ remoteId: null, continuations: 1 })
    expect(store.captures.get(id)).toMatchObject({ sync: 'checking' })
    expect(store.outbox.doubtful(captures)).toMatchObject([{ captureId: id, payload: { session: 'S1', round: 0 } }])
    // The others were never sent: they go with the session.
    expect(store.outbox.lease(captures).map(({ kind }) => kind)).toEqual(['session.create'])
    expect(store.outbox.figures()).toMatchObject({ waiting: captures / 2 - 1, undecided: 0 })
  })

  it('that has lost the ledger too asks a person about what may have been sent', () => {
    const { dataDir } = makeStore()
    destroyTables(dataDir, 'sessions', 'outbox', 'ledger')
    const store = openTestStore({ dataDir })
    expectSetAside(store, dataDir)
    expect(store.outbox.figures()).toMatchObject({ waiting: 0, undecided: captures / 2 - 1 })
    const asked = [...store.captures.each(null)].find((capture) => capture.sync === 'undecided')
    expect(asked).toMatchObject({ syncError: { code: 'undecided' } })
    expect(store.outbox.candidates(asked?.id ?? '')).toMatchObject({ candidates: [] })
    // Said not to be there, it goes like any other, with the session that is asked for.
    expect(store.captures.decide(asked?.id ?? '', null)).toBe(true)
    const [create] = store.outbox.lease(9)
    expect(create?.kind).toBe('session.create')
    store.transaction(() => {
      store.sessions.linkRemote(create?.sessionId ?? '', 'S9')
      store.outbox.done(create?.id ?? 0)
    })
    expect(store.outbox.lease(9)).toMatchObject([{ captureId: asked?.id, payload: { session: 'S9' } }])
  })

  it('that was cut off is set aside, and what is before the cut lives on', () => {
    const { dataDir } = makeStore()
    truncateSync(file(dataDir), Math.floor(statSync(file(dataDir)).size / 2))
    const store = openTestStore({ dataDir })
    expectSetAside(store, dataDir)
    const saved = [...store.captures.each(null)]
    expect(store.recovered?.captures).toBe(saved.length)
    // Rows are written in their order, and indexes lie between them: the first ones are before the cut.
    expect(saved.length).toBeGreaterThan(captures / 4)
    expect(saved[0]?.raw).toBe('CODE-000000')
    expect(readdirSync(dataDir).filter((name) => name.includes('reading'))).toEqual([])
  })

  it.each([
    ['text', Buffer.from('This is no database. '.repeat(1_000))],
    ['noise behind a good name', Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(50_000, 0xa5)])],
  ])('that is no database at all but %s is set aside untouched, and a new one begun', (_, bytes) => {
    const dataDir = temporaryFolder()
    writeFileSync(file(dataDir), bytes)
    const store = openTestStore({ dataDir })
    expect(readFileSync(expectSetAside(store, dataDir)).equals(bytes)).toBe(true)
    expect(store.recovered?.captures).toBe(0)
    addCapture(store, openTestSession(store).id)
  })

  it('takes its write-ahead log along', () => {
    const { dataDir } = makeStore()
    const store = openTestStore({ dataDir })
    const copy = temporaryFolder()
    addCapture(store, store.sessions.current()?.id ?? '', { raw: 'IN THE LOG' })
    // As a power failure leaves it: the last commits are in the log only.
    for (const suffix of ['', '-wal']) copyFileSync(file(dataDir) + suffix, file(copy) + suffix)
    expect(statSync(`${file(copy)}-wal`).size).toBeGreaterThan(0)
    const { pageSize, rootPage } = pagesOf(dataDir, 'outbox')
    overwrite(file(copy), (rootPage - 1) * pageSize, Buffer.alloc(pageSize, 0xa5))

    const recovered = openTestStore({ dataDir: copy })
    expect([...recovered.captures.each(null)].at(-1)?.raw).toBe('IN THE LOG')
  })

  it('costs no other rows for one row that makes no sense', () => {
    const { dataDir } = makeStore()
    // As bit rot in a cell: a value that the schema forbids, put there while the schema says otherwise.
    const strict = 'captured_at TEXT NOT NULL,'
    const replaceAll = (from: string, to: string): void =>
      writeFileSync(file(dataDir), readFileSync(file(dataDir), 'latin1').replaceAll(from, to), 'latin1')
    const loosened = 'captured_at TEXT         ,'
    replaceAll(strict, loosened)
    const loose = openDatabase(file(dataDir))
    loose.exec('UPDATE captures SET captured_at = NULL WHERE sequence = 7')
    loose.close()
    replaceAll(loosened, strict)
    expect(checkStore(dataDir)).toEqual([expect.stringContaining('NULL value')])

    const log = createKeptLog()
    const store = openTestStore({ dataDir, log })
    expect(store.recovered?.captures).toBe(captures - 1)
    expect(log.text()).toContain('"unreadable":1')
  })

  it('is rebuilt at the next start when the process died while rebuilding, before or after the exchange', () => {
    const before = makeStore()
    destroyPageWith(before.dataDir, 'CODE-001500')
    writeFileSync(`${file(before.dataDir)}.rebuilding`, 'half a store')
    const store = openTestStore({ dataDir: before.dataDir })
    expectSetAside(store, before.dataDir)
    expect(store.recovered?.captures).toBeGreaterThan(captures - 60)

    const after = makeStore()
    renameSync(file(after.dataDir), `${file(after.dataDir)}.rebuilding`)
    expect([...openTestStore({ dataDir: after.dataDir }).captures.each(null)]).toHaveLength(captures)
    for (const { dataDir } of [before, after])
      expect(readdirSync(dataDir).filter((name) => name.includes('rebuilding'))).toEqual([])
  })

  it('keeps the codes that joined an item', () => {
    const { dataDir } = makeStore()
    const before = openTestStore({ dataDir })
    const [capture] = before.captures.each(null)
    const id = capture?.id ?? ''
    const mark: Mark = {
      raw: 'ONE MORE',
      symbologyIdentifier: null,
      symbology: 'unknown',
      addOn: null,
      elements: [],
      warnings: [],
      source: 'device',
      deviceName: '',
      deviceId: null,
      bytes: null,
      readAt: '2026-11-21T09:00:00.100Z',
    }
    before.transaction(() => before.captures.join(id, mark, { itemKey: 'raw:X', repeatOf: 0, best: 1 }))
    const expected = before.captures.get(id)
    expect(expected?.raw).toBe('ONE MORE')
    before.close()
    destroyPageWith(dataDir, 'CODE-001500')
    const store = openTestStore({ dataDir })
    expectSetAside(store, dataDir)
    expect(store.captures.get(id)).toEqual(expected)
  })

  it('that is damaged twice is set aside twice', () => {
    const { dataDir } = makeStore()
    for (const instant of ['2026-11-21T09:00:00.000Z', '2026-11-21T09:00:01.000Z']) {
      writeFileSync(file(dataDir), 'no database')
      openTestStore({ dataDir, clock: createClock(instant) }).close()
    }
    expect(readdirSync(join(dataDir, 'set-aside')).filter((name) => name.endsWith('.sqlite'))).toHaveLength(2)
  })
})
