import type { z } from 'zod'
import type { Clock, Ids } from '#contract/ports.ts'
import { sessionSchema, type openSessionSchema, type Session } from '#contract/station/session.ts'
import type { Receipt } from '#contract/station/ledger.ts'
import type { Database, Row } from '#station/store/database.ts'
import type { Ledger } from '#station/store/ledger.ts'
import { needsSession, type Outbox } from '#station/store/outbox.ts'

/** Sessions as the store keeps them; every change commits before it returns. */
export interface Sessions {
  /** Opens one, or answers null while another is active. */
  open(options: z.output<typeof openSessionSchema>): Session | null
  current(): Session | null
  get(id: string): Session | null
  /** Newest first. */
  list(limit: number): Session[]
  /** Ends it and puts the end on the outbox; a session that has ended stays as it is. Null when unknown. */
  end(id: string): Session | null
  /** Changes what holds for its next captures; those it has stay as they are. */
  change(id: string, change: Partial<Pick<Session, 'captureMode' | 'location'>>): void
  /** The backend knows the session as `remoteId`; captures waiting for that can go. Call inside a transaction. */
  linkRemote(id: string, remoteId: string, receipt?: Receipt | null): void
  /**
   * The backend no longer takes captures for the session it knew: forgets that id and asks for a continuation,
   * which is ended too when the session has ended here. Call inside a transaction.
   */
  continueRemote(id: string): void
  /** How many continuations there were; part of the idempotency key of each. */
  remoteGeneration(id: string): number
}

const columns = `id, label, capture_mode, duplicate_policy, duplicate_window_ms, marks_window_ms, formats, location, state, opened_at, ended_at, remote_id, remote_generation,
  scans, units, unique_items, found, not_found, failed, waiting, parked, duplicates, undone`

function toSession(row: Row): Session {
  return sessionSchema.parse({
    id: row['id'],
    label: row['label'],
    captureMode: row['capture_mode'],
    duplicatePolicy: row['duplicate_policy'],
    duplicateWindowMs: row['duplicate_window_ms'],
    marksWindowMs: row['marks_window_ms'],
    formats: row['formats'],
    location: row['location'],
    state: row['state'],
    openedAt: row['opened_at'],
    endedAt: row['ended_at'],
    remoteId: row['remote_id'],
    continuations: row['remote_generation'],
    totals: {
      scans: row['scans'],
      units: row['units'],
      uniqueItems: row['unique_items'],
      found: row['found'],
      notFound: row['not_found'],
      failed: row['failed'],
      waiting: row['waiting'],
      parked: row['parked'],
      duplicates: row['duplicates'],
      undone: row['undone'],
    },
  })
}

/** Keeps sessions in the `sessions` table; their totals are kept by its triggers. */
export function createSessions(
  database: Database,
  ports: { clock: Clock; ids: Ids },
  outbox: Outbox,
  ledger: Ledger,
): Sessions {
  const one = (row: Row | undefined): Session | null => (row ? toSession(row) : null)
  const get = (id: string): Session | null => one(database.get(`SELECT ${columns} FROM sessions WHERE id = ?`, id))
  const current = (): Session | null => one(database.get(`SELECT ${columns} FROM sessions WHERE state = 'ACTIVE'`))

  const remoteGeneration = (id: string): number =>
    Number(database.get('SELECT remote_generation FROM sessions WHERE id = ?', id)?.['remote_generation'] ?? 0)

  return {
    get,
    current,
    open(options) {
      return database.transaction(() => {
        if (current()) return null
        const id = ports.ids.next()
        database.run(
          `INSERT INTO sessions (id, label, capture_mode, duplicate_policy, duplicate_window_ms, marks_window_ms, formats, state, opened_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, 'ACTIVE', ?)`,
          id,
          options.label,
          options.captureMode,
          options.duplicatePolicy,
          options.duplicateWindowMs,
          options.marksWindowMs,
          options.formats,
          ports.clock.now().toISOString(),
        )
        outbox.add({ kind: 'session.create', sessionId: id, captureId: null, payload: {} })
        ledger.append({ kind: 'session.opened', session: id })
        return get(id)
      })
    },
    list: (limit) => database.all(`SELECT ${columns} FROM sessions ORDER BY number DESC LIMIT ?`, limit).map(toSession),
    end(id) {
      return database.transaction(() => {
        const changed = database.run(
          `UPDATE sessions SET state = 'COMPLETED', ended_at = ? WHERE id = ? AND state = 'ACTIVE'`,
          ports.clock.now().toISOString(),
          id,
        )
        if (changed.changes > 0) {
          outbox.add({ kind: 'session.end', sessionId: id, captureId: null, payload: {} })
          ledger.append({ kind: 'session.ended', session: id })
        }
        return get(id)
      })
    },
    change(id, { captureMode, location }) {
      if (captureMode !== undefined) database.run('UPDATE sessions SET capture_mode = ? WHERE id = ?', captureMode, id)
      if (location !== undefined) database.run('UPDATE sessions SET location = ? WHERE id = ?', location, id)
    },
    linkRemote(id, remoteId, receipt = null) {
      database.run('UPDATE sessions SET remote_id = ? WHERE id = ?', remoteId, id)
      database.run(`UPDATE outbox SET state = 'waiting' WHERE session_id = ? AND state = 'held'`, id)
      ledger.append({ kind: 'session.linked', session: id, remote: remoteId, receipt })
    },
    continueRemote(id) {
      database.run('UPDATE sessions SET remote_id = NULL, remote_generation = remote_generation + 1 WHERE id = ?', id)
      ledger.append({ kind: 'session.continued', session: id, generation: remoteGeneration(id) })
      database.run(
        `UPDATE outbox SET state = 'held' WHERE session_id = ? AND state = 'waiting'
           AND kind IN ${needsSession}`,
        id,
      )
      outbox.add({ kind: 'session.create', sessionId: id, captureId: null, payload: {} })
      const isEndOwed = database.get(
        `SELECT 1 FROM sessions WHERE id = ? AND state <> 'ACTIVE'
           AND NOT EXISTS (SELECT 1 FROM outbox WHERE session_id = sessions.id AND kind = 'session.end')`,
        id,
      )
      if (isEndOwed) outbox.add({ kind: 'session.end', sessionId: id, captureId: null, payload: {} })
    },
    remoteGeneration,
  }
}
