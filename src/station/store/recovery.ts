import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { join } from 'node:path'
import { isStorageError, type Database, type Row, type SqlValue } from '#station/store/database.ts'
import { opens } from '#station/store/seal.ts'
import { isInTheClear } from '#station/store/sealed-database.ts'
import { sha256 } from '#station/store/ledger.ts'
import { onceOnly, waitingState } from '#station/store/outbox.ts'

/** The name under which a damaged database is set aside. */
export const setAsideName = (instant: string): string => `station-${instant.replaceAll(/[:.]/g, '-')}.sqlite`

/**
 * Moves a damaged database out of the way, with its write-ahead log, and answers its new path.
 * It is evidence and the last copy of what cannot be read: never deleted.
 */
export function setAside(path: string, folder: string, instant: string): string {
  mkdirSync(folder, { recursive: true })
  const target = join(folder, setAsideName(instant))
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix)
  }
  return target
}

/**
 * SQLite opens no file that is shorter than its header says: of one that was cut off this makes a copy, filled up with
 * zeros, and answers its path; any other file is answered as it is. The caller deletes the copy.
 * `key` is that of an encrypted one.
 */
export function makeReadable(path: string, key: Uint8Array | null): string {
  if (key !== null && !isInTheClear(path)) return extendSealed(path, key)
  const header = Buffer.alloc(100)
  const file = openSync(path, 'r')
  try {
    readSync(file, header, 0, header.length, 0)
  } finally {
    closeSync(file)
  }
  // sqlite.org/fileformat.html section 1.3: page size at 16 (1 means 65,536), number of pages at 28.
  const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16)
  const bytes = pageSize * header.readUInt32BE(28)
  const found = statSync(path).size
  // A number of pages that is noise must not fill the disk.
  if (!header.toString('latin1').startsWith('SQLite format 3\0') || found >= bytes || bytes > found * 1_000) return path
  const copy = `${path}.reading`
  for (const suffix of ['', '-wal']) if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix)
  truncateSync(copy, bytes)
  return copy
}

/** How many pages it should have is encrypted too: it is tried. */
function extendSealed(path: string, key: Uint8Array): string {
  if (opens(path, key)) return path
  const copy = `${path}.reading`
  for (const suffix of ['', '-wal']) if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix)
  const found = statSync(path).size
  for (let bytes = 2 * found; bytes > 0 && bytes <= found * 1_024; bytes *= 2) {
    truncateSync(copy, bytes)
    if (opens(copy, key)) break
  }
  return copy
}

/** Columns that the new store's triggers fill again while captures are copied. */
const derivedSessionColumns = [
  'scans',
  'units',
  'unique_items',
  'found',
  'not_found',
  'failed',
  'waiting',
  'parked',
  'duplicates',
  'undone',
]

/**
 * Copies every row that can still be read from a damaged store into a fresh one; answers how many captures
 * were saved, and how many rows could be read but make no sense. A capture whose session is lost gets a placeholder
 * session, linked to the backend's as the ledger tells; one that still waits gets its outbox item again. Whether that had
 * been sent, its row does not say: where the ledger names a sending, or the backend knows its session, it is doubtful since
 * `nowMs` (epoch), and read back first. Where neither can be known any more it is undecided.
 */
export function salvage(damaged: Database, fresh: Database, nowMs: number): { captures: number; unreadable: number } {
  let unreadable = 0
  fresh.transaction(() => {
    unreadable += copy(damaged, fresh, 'facts')
    unreadable += copy(damaged, fresh, 'photo_files')
    unreadable += copy(damaged, fresh, 'photos')
    unreadable += copy(damaged, fresh, 'sessions', (row) => ({
      ...row,
      ...Object.fromEntries(derivedSessionColumns.map((name) => [name, 0])),
    }))
    unreadable += copy(damaged, fresh, 'ledger', (row) => {
      // Of a page that was cut off the rows can be read, with zeros in their texts: such an entry is lost.
      if (sha256(String(row['entry'])) !== row['hash']) throw new Error('an entry is not as it was written')
      return row
    })
    keepSequence(damaged, fresh, 'ledger')
    fresh.exec('CREATE TEMP TABLE lost_sessions (id TEXT PRIMARY KEY)')
    unreadable += copy(damaged, fresh, 'captures', (row) => {
      const { changes } = fresh.run(
        `INSERT OR IGNORE INTO sessions (id, label, capture_mode, duplicate_policy, duplicate_window_ms, state, opened_at, ended_at)
         VALUES (?, '', 'both', 'count', 3000, 'COMPLETED', ?, ?)`,
        row['session_id'] ?? '',
        row['captured_at'] ?? '',
        row['captured_at'] ?? '',
      )
      if (changes > 0) fresh.run('INSERT INTO lost_sessions (id) VALUES (?)', row['session_id'] ?? '')
      return row
    })
    unreadable += copy(damaged, fresh, 'marks')
    unreadable += copy(damaged, fresh, 'outbox')
    unreadable += copy(damaged, fresh, 'decisions')
    unreadable += copy(damaged, fresh, 'verdicts')
    unreadable += copy(damaged, fresh, 'proposals')
    unreadable += copy(damaged, fresh, 'reviews')
    unreadable += copy(damaged, fresh, 'shot_items')
    unreadable += copy(damaged, fresh, 'shot_sessions')
    unreadable += copy(damaged, fresh, 'product_edits')
    unreadable += copy(damaged, fresh, 'probes')
    // What is about a lost capture can no longer be sent.
    fresh.run('DELETE FROM outbox WHERE capture_id IS NOT NULL AND capture_id NOT IN (SELECT id FROM captures)')
    fresh.run(`
      UPDATE outbox SET state = 'doubtful', payload = json_set(payload, '$.lostMs', ${nowMs})
      WHERE state = 'leased' AND kind IN ${onceOnly}`)
    linkByLedger(fresh)
    oweAgain(fresh, nowMs)
    fresh.run(`
      INSERT INTO outbox (kind, session_id, capture_id, payload, state, due_at, created_at)
      SELECT 'session.create', id, NULL, '{}', 'waiting', 0, opened_at
      FROM sessions WHERE remote_id IS NULL
        AND id NOT IN (SELECT session_id FROM outbox WHERE kind = 'session.create' AND session_id IS NOT NULL)
        AND (state = 'ACTIVE' OR id IN (SELECT session_id FROM outbox WHERE kind IN ('capture.submit', 'capture.upload')))`)
    // The sessions may know less than before: what waits for one waits by what is known now.
    fresh.run(`UPDATE outbox SET state = ${waitingState} WHERE state NOT IN ('parked', 'doubtful', 'undecided')`)
    keepSequence(damaged, fresh, 'captures')
  })
  return { captures: Number(fresh.get('SELECT count(*) AS captures FROM captures')?.['captures'] ?? 0), unreadable }
}

/** A placeholder for a lost session is what the ledger's last entries about it say: linked, and how often continued. */
function linkByLedger(fresh: Database): void {
  fresh.run(`
    UPDATE sessions SET remote_id = told.remote, remote_generation = told.generation
    FROM (SELECT entry ->> 'session' AS session, max(sequence), entry ->> 'remote' AS remote,
            (SELECT coalesce(max(c.entry ->> 'generation'), 0) FROM ledger c
             WHERE c.entry ->> 'kind' = 'session.continued' AND c.entry ->> 'session' = l.entry ->> 'session') AS generation
          FROM ledger l WHERE entry ->> 'kind' IN ('session.linked', 'session.continued') GROUP BY 1) AS told
    WHERE told.session = sessions.id AND sessions.id IN (SELECT id FROM lost_sessions)`)
}

/** Captures that wait and have lost their outbox items get them again. */
function oweAgain(fresh: Database, nowMs: number): void {
  // Every sending is told before it happens: where no entry is missing, and none begins in the middle, one that is not told was not.
  const isWhole =
    fresh.get(`
      SELECT coalesce(max(sequence), 0) = count(*) AND count(*) = (SELECT seq FROM sqlite_sequence WHERE name = 'ledger')
        AND NOT EXISTS (SELECT 1 FROM ledger WHERE entry ->> 'kind' = 'capture.carried') AS whole FROM ledger`)?.[
      'whole'
    ] === 1
  fresh.exec(`
    CREATE TEMP TABLE last_sent AS
    SELECT entry ->> 'capture' AS capture, entry ->> 'to' AS session, entry ->> 'round' AS round,
      entry ->> 'quantity' AS quantity, max(sequence) FROM ledger WHERE entry ->> 'kind' = 'capture.sent' GROUP BY 1;
    CREATE INDEX temp.last_sent_of ON last_sent (capture)`)
  fresh.run(`
    INSERT INTO outbox (kind, session_id, capture_id, payload, state, due_at, created_at, error_code, error_message)
    SELECT iif(upload IS NULL, 'capture.submit', 'capture.upload'), session_id, id,
      iif(owed = 'waiting', '{}', json_object('session', coalesce(sent_to, linked_to), 'round', coalesce(sent_round, 0),
        'quantity', coalesce(sent_quantity, quantity), 'marks', marks, 'lostMs', ${nowMs}, 'candidates', json('[]'))),
      owed, 0, captured_at, iif(owed = 'undecided', 'undecided', NULL),
      iif(owed = 'undecided', 'a damaged store has lost whether it was sent', NULL)
    FROM (
      SELECT c.*, s.remote_id AS linked_to, l.session AS sent_to, l.round AS sent_round, l.quantity AS sent_quantity, CASE
          -- By which road a photo went is lost, and with it where to look for it.
          WHEN l.capture IS NOT NULL AND c.upload IS NOT NULL AND c.raw = '' AND s.capture_mode <> 'barcode_scan' THEN 'undecided'
          WHEN l.capture IS NOT NULL OR s.remote_id IS NOT NULL THEN 'doubtful'
          WHEN ${isWhole ? 1 : 0} OR s.id NOT IN (SELECT id FROM lost_sessions) THEN 'waiting'
          ELSE 'undecided' END AS owed
      FROM captures c JOIN sessions s ON s.id = c.session_id LEFT JOIN last_sent l ON l.capture = c.id
      WHERE c.sync = 'waiting' AND c.id NOT IN (SELECT capture_id FROM outbox
        WHERE capture_id IS NOT NULL AND kind IN ('capture.submit', 'capture.upload')))
    ORDER BY sequence`)
  fresh.run(`
    UPDATE captures SET sync = 'parked' WHERE sync = 'waiting'
      AND id IN (SELECT capture_id FROM outbox WHERE state = 'undecided')`)
  fresh.exec('DROP TABLE last_sent; DROP TABLE lost_sessions')
}

/** Numbers that lost rows had are not given again. */
function keepSequence(damaged: Database, fresh: Database, table: 'captures' | 'ledger'): void {
  try {
    const last = damaged.get('SELECT seq FROM sqlite_sequence WHERE name = ?', table)?.['seq'] ?? 0
    fresh.run('UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?', last, table)
  } catch {
    // That page is damaged too; the highest number found stands.
  }
}

/** Reads that fail for one table at most: whole gigabytes of damage must not keep the station from starting. */
const damageLimit = 20_000

/**
 * Copies what can be read of a table: upwards until the damage, downwards from the end until the damage, and then the
 * same for both halves of what lies between, until only the damage is left.
 * Answers how many rows were read that the fresh store does not take.
 */
function copy(damaged: Database, fresh: Database, table: string, prepare: (row: Row) => Row = (row) => row): number {
  const known = new Set(fresh.all(`SELECT name FROM pragma_table_info('${table}')`).map((row) => String(row['name'])))
  // When not even the list of tables can be read, this throws: then nothing can.
  if (!damaged.get('SELECT 1 FROM sqlite_schema WHERE name = ?', table)) return 0
  let unreadable = 0
  const insert = (source: Row): void => {
    try {
      const row = prepare(source)
      const names = Object.keys(row).filter((name) => known.has(name))
      fresh.run(
        `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
        ...names.map((name) => row[name] as SqlValue),
      )
    } catch (error) {
      // One senseless row must not cost the others; a full disk must.
      if (isStorageError(error)) throw error
      unreadable += 1
    }
  }
  let failures = 0
  const read = (order: '' | 'DESC', above: number, upTo: number): Row | undefined | 'damage' => {
    try {
      const row = damaged.get(
        `SELECT rowid AS row_number, * FROM ${table} WHERE rowid > ? AND rowid <= ? ORDER BY rowid ${order} LIMIT 1`,
        above,
        upTo,
      )
      // Pages that are linked wrongly lead round in circles: a row out of its place is damage too.
      const number = Number(row?.['row_number'] ?? upTo)
      if (number > above && number <= upTo) return row
    } catch {
      // Counted below.
    }
    failures += 1
    return 'damage'
  }
  const copyRange = (above: number, upTo: number): void => {
    let low = above
    let high = upTo
    for (;;) {
      const row = read('', low, high)
      if (row === undefined) return
      if (row === 'damage') break
      low = Number(row['row_number'])
      insert(row)
    }
    for (;;) {
      const row = read('DESC', low, high)
      if (row === undefined) return
      if (row === 'damage') break
      high = Number(row['row_number']) - 1
      insert(row)
    }
    if (high - low <= 1 || failures >= damageLimit) return
    const middle = Math.floor((low + high) / 2)
    copyRange(low, middle)
    copyRange(middle, high)
  }
  copyRange(-1, lastRow(damaged, table))
  return unreadable
}

/** The highest row number a table can have, as far as that can still be known. */
function lastRow(damaged: Database, table: string): number {
  const tried = [
    `SELECT max(rowid) AS last FROM ${table}`,
    `SELECT seq AS last FROM sqlite_sequence WHERE name = '${table}'`,
  ]
  for (const sql of tried) {
    try {
      const last = damaged.get(sql)?.['last']
      if (typeof last === 'number') return last
    } catch {
      // Damaged there too.
    }
  }
  return 1_000_000
}
