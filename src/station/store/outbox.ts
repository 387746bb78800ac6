import { z } from 'zod'
import type { Clock } from '#contract/ports.ts'
import type { Instant } from '#contract/station/values.ts'
import type { Database, Row, SqlValue } from '#station/store/database.ts'

/** Everything the station owes the backend. Each item names the session or capture it is about. */
export const outboxKindSchema = z.enum([
  'session.create',
  'session.end',
  'capture.submit',
  'capture.upload',
  'capture.update',
  'capture.remove',
  'capture.retry',
  'product.create',
])
export type OutboxKind = z.infer<typeof outboxKindSchema>

const outboxItemSchema = z.object({
  id: z.number().int(),
  kind: outboxKindSchema,
  sessionId: z.string().nullable(),
  captureId: z.string().nullable(),
  payload: z.record(z.string(), z.unknown()),
  attempts: z.number().int(),
})
export type OutboxItem = z.infer<typeof outboxItemSchema>

/** What waits and what is parked. */
export interface QueueFigures {
  readonly waiting: number
  readonly parked: number
  readonly oldestWaitingAt: Instant | null
  /** Milliseconds since the epoch of the next attempt, or null when nothing waits. */
  readonly nextAttemptMs: number | null
}

/**
 * The durable queue towards the backend. Items are added inside the caller's transaction, so a capture and
 * its sending are one fact. An item is done (gone, its outcome written where it belongs), waiting, leased or parked.
 */
export interface Outbox {
  add(item: {
    kind: OutboxKind
    sessionId: string | null
    captureId: string | null
    payload: Record<string, unknown>
  }): void
  /**
   * Leases up to `limit` items that may be sent now, oldest first: due, and with what they depend on already
   * at the backend (its session, and for later facts about a capture the capture itself; a session's end waits
   * for everything of the session).
   */
  lease(limit: number): OutboxItem[]
  /** The item's outcome is recorded; called inside the transaction that writes the outcome. */
  done(id: number): void
  /** Not sent: try again at `dueMs` (epoch milliseconds). */
  retryAt(id: number, dueMs: number, error: { code: string; message: string }): void
  /** Refused: kept until a person decides. Call inside a transaction, as the outcome's other writes. */
  park(id: number, error: { code: string; message: string }): void
  /** Back to waiting and due at once; clears the attempts. Answers whether there was something parked. Call inside a transaction. */
  unpark(captureId: string): boolean
  /** Makes everything that waits due now, and gives a session that the backend refused another try. */
  hurry(): void
  /** How many items are being sent or could be sent at some time without a person's help. */
  pending(): number
  /** Takes a capture's items out that are neither leased nor done. Answers how many. */
  cancel(captureId: string, kinds: readonly OutboxKind[]): number
  /** At start: what a dead process had leased waits again. */
  releaseLeases(): number
  figures(): QueueFigures
}

const ready = `
  (o.kind = 'session.create')
  OR (o.kind = 'product.create')
  OR (o.kind IN ('capture.submit', 'capture.upload') AND s.remote_id IS NOT NULL)
  OR (o.kind IN ('capture.update', 'capture.remove', 'capture.retry')
      AND (SELECT remote_id FROM captures c WHERE c.id = o.capture_id) IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.capture_id = o.capture_id AND e.id < o.id AND e.state <> 'parked'))
  OR (o.kind = 'session.end' AND s.remote_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.session_id = o.session_id AND e.state IN ('waiting', 'leased')
                      AND e.kind IN ('session.create', 'capture.submit', 'capture.upload')))`

const leaseQuery = `
  SELECT o.id, o.kind, o.session_id, o.capture_id, o.payload, o.attempts
  FROM outbox o LEFT JOIN sessions s ON s.id = o.session_id
  WHERE o.state = 'waiting' AND o.due_at <= ? AND (${ready})
  ORDER BY o.id LIMIT ?`

function toItem(row: Row): OutboxItem {
  return outboxItemSchema.parse({
    id: row['id'],
    kind: row['kind'],
    sessionId: row['session_id'],
    captureId: row['capture_id'],
    payload: JSON.parse(String(row['payload'])),
    attempts: row['attempts'],
  })
}

/** Keeps the outbox in its table. */
export function createOutbox(database: Database, clock: Clock): Outbox {
  const nowMs = (): number => clock.now().getTime()
  const setSync = (id: number, sync: string): void => {
    database.run(
      `UPDATE captures SET sync = ? WHERE id = (SELECT capture_id FROM outbox WHERE id = ?
         AND kind IN ('capture.submit', 'capture.upload')) AND sync <> ?`,
      sync,
      id,
      sync,
    )
  }

  return {
    add(item) {
      database.run(
        `INSERT INTO outbox (kind, session_id, capture_id, payload, state, due_at, created_at)
         VALUES (?, ?, ?, ?, 'waiting', ?, ?)`,
        item.kind,
        item.sessionId,
        item.captureId,
        JSON.stringify(item.payload),
        nowMs(),
        clock.now().toISOString(),
      )
    },
    lease(limit) {
      return database.transaction(() => {
        const items = database.all(leaseQuery, nowMs(), limit).map(toItem)
        for (const item of items) {
          database.run(`UPDATE outbox SET state = 'leased', attempts = attempts + 1 WHERE id = ?`, item.id)
        }
        return items.map((item) => ({ ...item, attempts: item.attempts + 1 }))
      })
    },
    done(id) {
      database.run('DELETE FROM outbox WHERE id = ?', id)
    },
    retryAt(id, dueMs, error) {
      database.run(
        `UPDATE outbox SET state = 'waiting', due_at = ?, error_code = ?, error_message = ? WHERE id = ?`,
        dueMs,
        error.code,
        error.message,
        id,
      )
    },
    park(id, error) {
      database.run(
        `UPDATE outbox SET state = 'parked', error_code = ?, error_message = ? WHERE id = ?`,
        error.code,
        error.message,
        id,
      )
      setSync(id, 'parked')
    },
    unpark(captureId) {
      const parked = database.all(`SELECT id FROM outbox WHERE capture_id = ? AND state = 'parked'`, captureId)
      for (const row of parked) {
        const id = Number(row['id'])
        database.run(`UPDATE outbox SET state = 'waiting', attempts = 0, due_at = ? WHERE id = ?`, nowMs(), id)
        setSync(id, 'waiting')
      }
      return parked.length > 0
    },
    hurry() {
      const now = nowMs()
      database.run(`UPDATE outbox SET due_at = ? WHERE state = 'waiting' AND due_at > ?`, now, now)
      database.run(
        `UPDATE outbox SET state = 'waiting', due_at = ? WHERE state = 'parked' AND kind LIKE 'session.%'`,
        now,
      )
    },
    pending() {
      const row = database.get(
        `SELECT count(*) AS pending FROM outbox o LEFT JOIN sessions s ON s.id = o.session_id
         WHERE o.state = 'leased' OR (o.state = 'waiting' AND (${ready} OR (o.kind LIKE 'capture.%' AND EXISTS (
           SELECT 1 FROM outbox c WHERE c.session_id = o.session_id AND c.kind = 'session.create' AND c.state <> 'parked'))))`,
      )
      return Number(row?.['pending'] ?? 0)
    },
    cancel(captureId, kinds) {
      const marks = kinds.map(() => '?').join(', ')
      return database.run(
        `DELETE FROM outbox WHERE capture_id = ? AND state IN ('waiting', 'parked') AND kind IN (${marks})`,
        captureId,
        ...(kinds as readonly SqlValue[]),
      ).changes
    },
    releaseLeases() {
      return database.run(`UPDATE outbox SET state = 'waiting', due_at = ? WHERE state = 'leased'`, nowMs()).changes
    },
    figures() {
      const row = database.get(
        `SELECT coalesce(sum(state IN ('waiting', 'leased')), 0) AS waiting, coalesce(sum(state = 'parked'), 0) AS parked,
                min(iif(state = 'parked', NULL, created_at)) AS oldest, min(iif(state = 'waiting', due_at, NULL)) AS next
         FROM outbox`,
      )
      return {
        waiting: Number(row?.['waiting'] ?? 0),
        parked: Number(row?.['parked'] ?? 0),
        oldestWaitingAt: (row?.['oldest'] as string | null | undefined) ?? null,
        nextAttemptMs: (row?.['next'] as number | null | undefined) ?? null,
      }
    },
  }
}
