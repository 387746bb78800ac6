import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Database, Row, SqlValue } from '#station/store/database.ts'

/**
 * Moves a damaged database out of the way, with its write-ahead log, and answers its new path.
 * It is evidence and the last copy of what cannot be read: never deleted.
 */
export function setAside(path: string, folder: string, instant: string): string {
  mkdirSync(folder, { recursive: true })
  const target = join(folder, `station-${instant.replaceAll(/[:.]/g, '-')}.sqlite`)
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix)
  }
  return target
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
 * were saved. A capture whose session is lost gets a placeholder session; one that still waits gets its
 * outbox item again.
 */
export function salvage(damaged: Database, fresh: Database): number {
  fresh.transaction(() => {
    copy(damaged, fresh, 'facts')
    copy(damaged, fresh, 'sessions', (row) => ({
      ...row,
      ...Object.fromEntries(derivedSessionColumns.map((name) => [name, 0])),
    }))
    copy(damaged, fresh, 'captures', (row) => {
      fresh.run(
        `INSERT OR IGNORE INTO sessions (id, label, capture_mode, duplicate_policy, duplicate_window_ms, state, opened_at, ended_at)
         VALUES (?, '', 'both', 'count', 3000, 'COMPLETED', ?, ?)`,
        row['session_id'] ?? '',
        row['captured_at'] ?? '',
        row['captured_at'] ?? '',
      )
      return row
    })
    copy(damaged, fresh, 'outbox')
    fresh.run(`
      INSERT INTO outbox (kind, session_id, capture_id, payload, state, due_at, created_at)
      SELECT iif(upload IS NULL, 'capture.submit', 'capture.upload'), session_id, id, '{}', 'waiting', 0, captured_at
      FROM captures WHERE sync = 'waiting' AND id NOT IN (SELECT capture_id FROM outbox WHERE capture_id IS NOT NULL)`)
    fresh.run(`
      INSERT INTO outbox (kind, session_id, capture_id, payload, state, due_at, created_at)
      SELECT 'session.create', id, NULL, '{}', 'waiting', 0, opened_at
      FROM sessions WHERE remote_id IS NULL
        AND id NOT IN (SELECT session_id FROM outbox WHERE kind = 'session.create' AND session_id IS NOT NULL)
        AND id IN (SELECT session_id FROM captures)`)
  })
  return Number(fresh.get('SELECT count(*) AS captures FROM captures')?.['captures'] ?? 0)
}

/** Reads upwards until the damage, then downwards from the end until the damage: what lies between is lost. */
function copy(damaged: Database, fresh: Database, table: string, prepare: (row: Row) => Row = (row) => row): void {
  const known = new Set(fresh.all(`SELECT name FROM pragma_table_info('${table}')`).map((row) => String(row['name'])))
  const insert = (source: Row): void => {
    const row = prepare(source)
    const names = Object.keys(row).filter((name) => known.has(name))
    fresh.run(
      `INSERT OR IGNORE INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      ...names.map((name) => row[name] as SqlValue),
    )
  }
  const read = (sql: string, bound: number): Row | undefined | 'damage' => {
    try {
      return damaged.get(sql, bound)
    } catch {
      return 'damage'
    }
  }

  let last = -1
  for (;;) {
    const row = read(`SELECT rowid AS row_number, * FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT 1`, last)
    if (row === undefined) return
    if (row === 'damage') break
    last = Number(row['row_number'])
    insert(row)
  }
  let first = Number.MAX_SAFE_INTEGER
  for (;;) {
    const row = read(`SELECT rowid AS row_number, * FROM ${table} WHERE rowid < ? ORDER BY rowid DESC LIMIT 1`, first)
    if (row === undefined || row === 'damage') return
    first = Number(row['row_number'])
    if (first <= last) return
    insert(row)
  }
}
