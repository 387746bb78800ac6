import { z } from 'zod'
import type { Clock, Ids } from '#contract/ports.ts'
import type { Instant } from '#contract/station/values.ts'
import type { Database, Row } from '#station/store/database.ts'

/** A product that is photographed: its code, and the sessions in which that was done. */
export interface ShotItem {
  readonly id: string
  readonly gtin: string | null
  readonly raw: string
  /** The id of its shot list. */
  readonly list: string
  readonly openedAt: Instant
  readonly submittedAt: Instant | null
  /** Captures of its photos in the order that a person gave them; others come behind, in the order of their taking. */
  readonly order: readonly string[]
  /** Its sessions, the newest last. */
  readonly sessions: readonly string[]
}

/**
 * Items as the store keeps them. Each time an item is under the cameras is a session of its own, which the backend is
 * told to read when it ends; whether an item is open is whether its last session is.
 */
export interface ShotItems {
  /** Call inside the transaction that opens the session. */
  add(item: { gtin: string | null; raw: string; list: string; sessionId: string }): string
  /** The item is under the cameras again, in another session. Call inside the transaction that opens that. */
  reopen(id: string, sessionId: string): void
  get(id: string): ShotItem | null
  /** The item that a session is of; null for a session of scans. */
  ofSession(sessionId: string): ShotItem | null
  /** The newest item of that code. */
  withCode(gtin: string | null, raw: string): ShotItem | null
  /** Those that are not submitted first, then the others; each part the newest first. */
  list(limit: number): ShotItem[]
  change(id: string, change: { list?: string; order?: readonly string[] }): void
  /** Its photos are there: the backend may read them. */
  submit(id: string): void
  /** Ids of the captures of its photos, and of the code of its last session, which says whose they are. */
  photos(id: string): string[]
  codeOf(sessionId: string): string | null
  /** What was done since then: the times of submission, oldest first, and how many photos were taken. */
  since(instant: Instant): { submitted: Instant[]; photos: number; left: number }
}

const orderSchema = z.array(z.string())

/** Keeps items in `shot_items` and their sessions in `shot_sessions`. */
export function createShotItems(database: Database, ports: { clock: Clock; ids: Ids }): ShotItems {
  const now = (): Instant => ports.clock.now().toISOString()
  const toItem = (row: Row): ShotItem => ({
    id: String(row['id']),
    gtin: row['gtin'] as string | null,
    raw: String(row['raw']),
    list: String(row['list']),
    openedAt: String(row['opened_at']),
    submittedAt: row['submitted_at'] as string | null,
    order: orderSchema.parse(JSON.parse(String(row['photo_order']))),
    sessions: database
      .all('SELECT session_id FROM shot_sessions WHERE item_id = ? ORDER BY number', row['id'] ?? null)
      .map((each) => String(each['session_id'])),
  })
  const one = (row: Row | undefined): ShotItem | null => (row ? toItem(row) : null)
  const get = (id: string): ShotItem | null => one(database.get('SELECT * FROM shot_items WHERE id = ?', id))
  const join = (id: string, sessionId: string): unknown =>
    database.run('INSERT INTO shot_sessions (session_id, item_id) VALUES (?, ?)', sessionId, id)

  return {
    get,
    add({ gtin, raw, list, sessionId }) {
      const id = ports.ids.next()
      database.run(
        'INSERT INTO shot_items (id, gtin, raw, list, opened_at) VALUES (?, ?, ?, ?, ?)',
        id,
        gtin,
        raw,
        list,
        now(),
      )
      join(id, sessionId)
      return id
    },
    reopen(id, sessionId) {
      database.run('UPDATE shot_items SET submitted_at = NULL WHERE id = ?', id)
      join(id, sessionId)
    },
    ofSession: (sessionId) =>
      one(
        database.get(
          'SELECT i.* FROM shot_items i JOIN shot_sessions s ON s.item_id = i.id WHERE s.session_id = ?',
          sessionId,
        ),
      ),
    withCode: (gtin, raw) =>
      one(
        gtin === null
          ? database.get('SELECT * FROM shot_items WHERE gtin IS NULL AND raw = ? ORDER BY number DESC LIMIT 1', raw)
          : database.get('SELECT * FROM shot_items WHERE gtin = ? ORDER BY number DESC LIMIT 1', gtin),
      ),
    list: (limit) =>
      database
        .all('SELECT * FROM shot_items ORDER BY submitted_at IS NOT NULL, number DESC LIMIT ?', limit)
        .map(toItem),
    change(id, { list, order }) {
      if (list !== undefined) database.run('UPDATE shot_items SET list = ? WHERE id = ?', list, id)
      if (order !== undefined)
        database.run('UPDATE shot_items SET photo_order = ? WHERE id = ?', JSON.stringify(order), id)
    },
    submit: (id) => void database.run('UPDATE shot_items SET submitted_at = ? WHERE id = ?', now(), id),
    photos: (id) =>
      database
        .all(
          `SELECT c.id FROM captures c JOIN shot_sessions s ON s.session_id = c.session_id
           WHERE s.item_id = ? AND c.type = 'IMAGE' AND c.photo IS NOT NULL ORDER BY c.sequence`,
          id,
        )
        .map((row) => String(row['id'])),
    codeOf: (sessionId) =>
      (database.get(
        `SELECT id FROM captures WHERE session_id = ? AND type <> 'IMAGE' AND disposition = 'counted' ORDER BY sequence LIMIT 1`,
        sessionId,
      )?.['id'] as string | undefined) ?? null,
    since(instant) {
      const submitted = database
        .all('SELECT submitted_at FROM shot_items WHERE submitted_at >= ? ORDER BY submitted_at', instant)
        .map((row) => String(row['submitted_at']))
      const photos = database.get(
        `SELECT count(*) AS photos FROM captures c JOIN shot_sessions s ON s.session_id = c.session_id
         JOIN sessions k ON k.id = c.session_id
         WHERE k.opened_at >= ? AND c.type = 'IMAGE' AND c.disposition = 'counted'`,
        instant,
      )
      const left = database.get('SELECT count(*) AS items FROM shot_items WHERE submitted_at IS NULL')
      return { submitted, photos: Number(photos?.['photos'] ?? 0), left: Number(left?.['items'] ?? 0) }
    },
  }
}
