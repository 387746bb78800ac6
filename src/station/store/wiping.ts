import type { Instant } from '#contract/station/values.ts'
import type { Database } from '#station/store/database.ts'
import type { Ledger } from '#station/store/ledger.ts'
import type { PhotoRecord } from '#station/store/photos.ts'

/** The files of a photo, by their media hashes. */
export type PhotoMedia = Pick<PhotoRecord, 'hash' | 'upload' | 'thumbnail'>

/**
 * Takes rows out of the store whose time is over. It is the only place where captures, sessions and verdicts are ever deleted,
 * and the ledger has an entry of each.
 */
export interface Wiping {
  /**
   * Sessions that ended before an instant, the oldest first, of which nothing waits: the backend has everything that it is to have, and
   * nobody has anything of it to review.
   */
  dueSessions(before: Instant, limit: number): string[]
  /** The photos that no other session has. Their files are to be wiped before the session is. */
  photosOf(sessionId: string): PhotoMedia[]
  /** Answers how many captures went with the session; null when something has come to wait for it meanwhile. */
  wipeSession(sessionId: string): number | null
  /** Wipes verdicts of the gate from before an instant, of which the site need not be told any more; answers how many. */
  wipeVerdicts(before: Instant, limit: number): number
  /**
   * Writes the whole store anew: pages that were split keep pieces of what they held, and the write-ahead log pages as they were.
   * Nothing else can be saved meanwhile, about a second for each hundred megabytes.
   */
  settle(): void
}

/** Nothing of the session `s` waits for anybody. */
const isSettled = `s.state <> 'ACTIVE'
  AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.session_id = s.id)
  AND NOT EXISTS (SELECT 1 FROM shot_sessions t JOIN shot_items i ON i.id = t.item_id
    WHERE t.session_id = s.id AND i.submitted_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM captures c WHERE c.session_id = s.id AND (
    c.sync NOT IN ('sent', 'discarded', 'none')
    OR EXISTS (SELECT 1 FROM outbox o WHERE o.capture_id = c.id)
    OR EXISTS (SELECT 1 FROM proposals p WHERE p.capture = c.remote_id AND p.state IN ('open', 'skipped'))
    OR EXISTS (SELECT 1 FROM reviews r WHERE r.capture = c.remote_id AND r.delivery IN ('waiting', 'refused'))))`

/** Overwrites what is deleted, also where a whole page is given free. */
const shred = (database: Database): void => database.exec('PRAGMA secure_delete = ON')

export function createWiping(database: Database, ledger: Ledger): Wiping {
  return {
    dueSessions: (before, limit) =>
      database
        .all(`SELECT id FROM sessions s WHERE ended_at < ? AND ${isSettled} ORDER BY number LIMIT ?`, before, limit)
        .map(({ id }) => String(id)),
    photosOf: (sessionId) =>
      database
        .all(
          `SELECT p.hash, p.upload, p.thumbnail FROM photos p
           WHERE p.hash IN (SELECT photo FROM captures WHERE session_id = ?)
             AND NOT EXISTS (SELECT 1 FROM captures c WHERE c.photo = p.hash AND c.session_id <> ?)`,
          sessionId,
          sessionId,
        )
        .map((row) => ({
          hash: String(row['hash']),
          upload: String(row['upload'] ?? row['hash']),
          thumbnail: String(row['thumbnail']),
        })),
    wipeSession(sessionId) {
      shred(database)
      return database.transaction(() => {
        if (!database.get(`SELECT 1 FROM sessions s WHERE id = ? AND ${isSettled}`, sessionId)) return null
        const own = '(SELECT id FROM captures WHERE session_id = ?)'
        database.run(`DELETE FROM marks WHERE capture_id IN ${own}`, sessionId)
        database.run(`DELETE FROM decisions WHERE capture_id IN ${own}`, sessionId)
        database.run(
          `DELETE FROM photos WHERE hash IN (SELECT photo FROM captures WHERE session_id = ?)
             AND NOT EXISTS (SELECT 1 FROM captures c WHERE c.photo = photos.hash AND c.session_id <> ?)`,
          sessionId,
          sessionId,
        )
        database.run('DELETE FROM items WHERE session_id = ?', sessionId)
        database.run('DELETE FROM shot_sessions WHERE session_id = ?', sessionId)
        database.run('DELETE FROM shot_items WHERE id NOT IN (SELECT item_id FROM shot_sessions)')
        const { changes } = database.run('DELETE FROM captures WHERE session_id = ?', sessionId)
        database.run('DELETE FROM sessions WHERE id = ?', sessionId)
        ledger.append({ kind: 'session.wiped', session: sessionId, captures: changes })
        return changes
      })
    },
    wipeVerdicts(before, limit) {
      shred(database)
      return database.transaction(() => {
        const due = database
          .all(
            `SELECT id FROM verdicts WHERE at < ? AND report <> 'waiting' AND undo_report <> 'waiting' ORDER BY at LIMIT ?`,
            before,
            limit,
          )
          .map(({ id }) => String(id))
        for (const id of due) database.run('DELETE FROM verdicts WHERE id = ?', id)
        if (due.length > 0) ledger.append({ kind: 'gate.wiped', verdicts: due })
        return due.length
      })
    },
    settle: () => database.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)'),
  }
}
