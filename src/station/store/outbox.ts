import { z } from 'zod'
import type { Clock } from '#contract/ports.ts'
import type { Instant } from '#contract/station/values.ts'
import type { Receipt } from '#contract/station/ledger.ts'
import type { Database, Row, SqlValue } from '#station/store/database.ts'
import type { LedgerFact } from '#station/store/ledger-facts.ts'
import type { Ledger } from '#station/store/ledger.ts'

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
  'product.edit',
  'photo.send',
  'review.decide',
  'review.apply',
  'review.revert',
  'review.photos',
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
  /** Captures and products on their way, those in doubt among them. */
  readonly waiting: number
  /** Everything that only a person can settle. */
  readonly parked: number
  /** Those of the waiting whose answer was lost, until the backend has been read back. */
  readonly inDoubt: number
  /** Those of the parked of which reading back could not tell whether the backend has them. */
  readonly undecided: number
  readonly oldestWaitingAt: Instant | null
  /** Milliseconds since the epoch of the next attempt, or null when nothing waits. */
  readonly nextAttemptMs: number | null
}

/**
 * What a capture was sent with. It is fixed when the item is leased for the first time: a repeat must be the same
 * request to the letter, or a backend that already took it cannot know it again (contracts 1.12, Idempotency-Key).
 */
export const sentCaptureSchema = z.object({
  /** How often the backend has refused it for certain: each time it may be another request, so it has another key. */
  round: z.number().int().default(0),
  /** The backend's id of the session. */
  session: z.string(),
  quantity: z.number().int(),
  /** When it was first sent, in epoch milliseconds of this station's clock. */
  sentMs: z.number().default(0),
  /** The same instant by the backend's clock, to a few seconds; null when that was not known. */
  backendMs: z.number().nullable().default(null),
  /** Of one in doubt: when the last answer was lost, and whether the backend had already said that it succeeded. */
  lostMs: z.number().default(0),
  isTaken: z.number().default(0),
  /** How many further codes of the item were known. */
  marks: z.number().int().default(0),
  /** Of a photo: whether it goes in one request with its capture, or by itself as a product photo; null until it is known. */
  road: z.enum(['form', 'photo']).nullable().default(null),
  /** Of a product photo: the key of its bytes, once the backend has them: from then on it may be registered. */
  uploaded: z.string().nullable().default(null),
  /** Of a product photo whose capture went before it: the backend's id of the session in which that is. */
  of: z.string().nullable().default(null),
})
export type SentCapture = z.infer<typeof sentCaptureSchema>

/** What a review's item is about: a capture at the backend, the row in `reviews`, and the proposal that was decided about. */
export const sentReviewSchema = z.object({ about: z.string(), review: z.string(), proposal: z.string().default('') })
export type SentReview = z.infer<typeof sentReviewSchema>

/** What an item about a product names: the row in `product_edits`, and the products that it changes. */
export const sentEditSchema = z.object({ edit: z.string(), gtin: z.string(), other: z.string().nullable() })
export type SentEdit = z.infer<typeof sentEditSchema>

/** A capture of the backend that may be the one whose answer was lost. */
export const candidateSchema = z.object({
  remoteId: z.string(),
  createdAt: z.string().nullable(),
  raw: z.string(),
  type: z.string(),
})
export type Candidate = z.infer<typeof candidateSchema>

/**
 * The durable queue towards the backend. Items are added inside the caller's transaction, so a capture and
 * its sending are one fact. An item is done (gone, its outcome written where it belongs), waiting, held (waiting
 * for its session to be known at the backend: kept apart, so that nobody looks through them meanwhile), leased,
 * doubtful (its answer was lost: it is not sent again before the backend has been read back), undecided (reading back
 * could not tell) or parked.
 */
export interface Outbox {
  add(item: {
    kind: OutboxKind
    sessionId: string | null
    captureId: string | null
    payload: Record<string, unknown>
    /** Not before so long from now; 0 when left out. */
    holdMs?: number
  }): void
  /** From now on what waits already is a backlog, and what is added goes before it. */
  fallBehind(): void
  /**
   * Leases up to `limit` items that may be sent now, those behind the backlog first, each part oldest first: due, and with what they depend on already
   * at the backend (its session, for later facts about a capture the capture itself, for a photo of an item the code that
   * says whose it is; a session's end waits for everything of the session). `no photos` leaves those waiting. `offsetMs` is how far the backend's clock is before ours, when that is known.
   */
  lease(limit: number, offsetMs?: number | null, which?: 'all' | 'no photos'): OutboxItem[]
  /** The item's outcome is recorded; called inside the transaction that writes the outcome. */
  done(id: number): void
  /** Not sent: try again at `dueMs` (epoch milliseconds). */
  retryAt(id: number, dueMs: number, error: { code: string; message: string }): void
  /** Leased but not sent after all: as it was before. */
  release(id: number): void
  /** The backend has certainly not taken it: it is sent anew, as a new request, when its session is known. */
  restart(id: number, error: { code: string; message: string }): void
  /** How far a photo has come: what it was sent with is not asked for again. */
  note(id: number, progress: Partial<Pick<SentCapture, 'road' | 'uploaded'>>): void
  /** Its answer was lost: read the backend back at `dueMs`. Call inside a transaction, as all outcomes. */
  doubt(id: number, dueMs: number, error: { code: string; message: string }, isTaken: boolean): void
  /** Doubtful captures whose time has come, oldest first. */
  doubtful(limit: number): OutboxItem[]
  /** Reading back did not come to an end: again at `dueMs`. */
  doubtAgain(id: number, dueMs: number): void
  /** The backend has it not: it is sent again, to the letter as it was. */
  resend(id: number): void
  /** Nobody but a person can tell whether one of these is it. */
  undecide(id: number, candidates: readonly Candidate[]): void
  /** The backend's captures that an undecided one may be, and when it was sent; null when it is not undecided. */
  candidates(captureId: string): { sentMs: number; candidates: Candidate[] } | null
  /**
   * Not sent until a person decides. `isUntaken` when the backend has certainly not taken it. Call inside a
   * transaction, as the outcome's other writes.
   */
  park(
    id: number,
    error: { code: string; message: string; receipt?: Receipt | null | undefined },
    isUntaken: boolean,
  ): void
  /** Back to waiting and due at once; clears the attempts. Answers whether there was something parked. Call inside a transaction. */
  unpark(captureId: string): boolean
  /** Makes everything that waits due now, and gives a session or review that the backend failed on another try. */
  hurry(): void
  /** Whether anything is being sent or could be sent at some time without a person's help. */
  isPending(): boolean
  /** When the next item falls due that is not due yet, in epoch milliseconds; null when none. */
  nextDueMs(): number | null
  /** Takes a capture's items out that are not leased. Answers how many. */
  cancel(captureId: string, kinds: readonly OutboxKind[]): number
  /** Takes the sending of a capture's photo out, unless its bytes are there: then it may be registered. */
  cancelPhoto(captureId: string): void
  /** Takes the sending of a capture out when the backend cannot have it; answers whether it did. */
  cancelSending(captureId: string): boolean
  /** At start: what a dead process had leased waits again; of its captures nobody knows whether they had been sent. */
  releaseLeases(): number
  figures(): QueueFigures
  /**
   * What only the present backend can be told, as it is about what that has: of sessions that it knows, their ends
   * included, and of its proposals. What waits for a person is not counted.
   */
  bound(): number
}

const undecidedSchema = z.object({ sentMs: z.number().default(0), candidates: z.array(candidateSchema) })

/** Kinds that name the backend's id of a session. */
export const needsSession = `('capture.submit', 'capture.upload', 'photo.send', 'session.end')`

/** Kinds that would make a capture double when they are repeated to a backend that ignores their key. */
const sending = `('capture.submit', 'capture.upload')`

/** What people decided in the review: those about one capture (`about` in the payload) go one after another. */
export const reviewKinds = `('review.decide', 'review.apply', 'review.revert', 'review.photos')`

/** Kinds whose effect is looked for at the backend when their answer was lost. */
export const onceOnly = `('capture.submit', 'capture.upload', 'photo.send')`

/** As SQL over a row of `outbox`: the state of an item that is not leased, done or parked. */
export const waitingState = `
  iif(kind IN ${needsSession} AND (SELECT remote_id FROM sessions WHERE sessions.id = session_id) IS NULL,
    'held', 'waiting')`

/** Nothing of the last request is kept but that it was made; `json_patch` takes away what is null. */
const nextRound = `json_patch('{}', json_object('round', coalesce(payload ->> 'round', 0) + 1, 'of', payload ->> 'of'))`

/** What a waiting item still waits for, besides its time. */
const ready = `
  (o.kind IN ('session.create', 'product.create', 'capture.submit'))
  OR (o.kind = 'capture.upload'
      AND NOT EXISTS (SELECT 1 FROM captures c JOIN outbox e ON e.capture_id = c.of_capture
                      WHERE c.id = o.capture_id AND e.kind IN ${sending}
                      AND e.state IN ('waiting', 'held', 'leased', 'doubtful')))
  OR (o.kind IN ('capture.update', 'capture.remove', 'capture.retry', 'photo.send')
      AND (SELECT remote_id FROM captures c WHERE c.id = o.capture_id) IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.capture_id = o.capture_id AND e.id < o.id AND e.state <> 'parked'))
  OR (o.kind IN ${reviewKinds}
      AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.kind IN ${reviewKinds}
                      AND e.payload ->> 'about' = o.payload ->> 'about' AND e.id < o.id AND e.state <> 'parked'))
  OR (o.kind = 'product.edit'
      AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.kind = 'product.edit' AND e.id < o.id AND e.state <> 'parked'
                      AND (e.payload ->> 'gtin' IN (o.payload ->> 'gtin', o.payload ->> 'other')
                        OR e.payload ->> 'other' IN (o.payload ->> 'gtin', o.payload ->> 'other'))))
  OR (o.kind = 'session.end'
      AND NOT EXISTS (SELECT 1 FROM outbox e
                      WHERE e.session_id = o.session_id AND e.state IN ('waiting', 'held', 'leased', 'doubtful')
                      AND e.kind IN ('session.create', 'capture.submit', 'capture.upload', 'capture.update', 'capture.remove',
                                     'photo.send')))`

/**
 * No wait is that long (Retry-After is cut at an hour): what is due later was written before the clock was set back,
 * and is due now.
 */
const longestWaitMs = 3_700_000

const leaseQuery = `
  SELECT o.id, o.kind, o.session_id, o.capture_id, o.payload, o.attempts
  FROM outbox o WHERE o.state = 'waiting' AND o.id > ? AND o.id <= ? AND (? = 'all' OR o.kind NOT IN ('capture.upload', 'photo.send'))
    AND (o.due_at <= ? OR o.due_at > ?) AND (${ready})
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
export function createOutbox(database: Database, clock: Clock, ledger: Ledger): Outbox {
  const nowMs = (): number => clock.now().getTime()
  const lastId = (): number =>
    Number(database.get(`SELECT seq FROM sqlite_sequence WHERE name = 'outbox'`)?.['seq'] ?? 0)
  /** The items up to this one are a backlog: those behind it go first. */
  let backlogUpTo = lastId()
  const due = (now: number, limit: number, which: string): Row[] => {
    const between = (above: number, upTo: number, atMost: number): Row[] =>
      database.all(leaseQuery, above, upTo, which, now, now + longestWaitMs, atMost)
    const fresh = between(backlogUpTo, Number.MAX_SAFE_INTEGER, limit)
    return fresh.length < limit ? [...fresh, ...between(0, backlogUpTo, limit - fresh.length)] : fresh
  }
  /** The sending of a capture stands differently; answers the capture's id when it is one that did not stand so. */
  const setSync = (id: number, sync: string): string | null => {
    const capture = database.get(
      `UPDATE captures SET sync = ? WHERE id = (SELECT capture_id FROM outbox WHERE id = ?
         AND kind IN ('capture.submit', 'capture.upload')) AND sync <> ? RETURNING id`,
      sync,
      id,
      sync,
    )
    return (capture?.['id'] as string | undefined) ?? null
  }

  /** Records a fact about the capture that an item sends; other items are no matter of the ledger. */
  const tell = (id: number, fact: (capture: string) => LedgerFact): void => {
    const capture = database.get(`SELECT capture_id FROM outbox WHERE id = ? AND kind IN ${sending}`, id)?.[
      'capture_id'
    ]
    if (typeof capture === 'string') ledger.append(fact(capture))
  }

  return {
    add(item) {
      database.run(
        `INSERT INTO outbox (kind, session_id, capture_id, payload, state, due_at, created_at)
         SELECT kind, session_id, capture_id, payload, ${waitingState}, due_at, created_at
         FROM (SELECT ? AS kind, ? AS session_id, ? AS capture_id, ? AS payload, ? AS due_at, ? AS created_at)`,
        item.kind,
        item.sessionId,
        item.captureId,
        JSON.stringify(item.payload),
        nowMs() + (item.holdMs ?? 0),
        clock.now().toISOString(),
      )
    },
    fallBehind() {
      backlogUpTo = lastId()
    },
    lease(limit, offsetMs = null, which = 'all') {
      return database.transaction(() => {
        const now = nowMs()
        return due(now, limit, which).map((row) => {
          const id = Number(row['id'])
          const leased = database.get(
            `UPDATE outbox SET state = 'leased', attempts = attempts + 1, payload = iif(
               kind NOT IN ${onceOnly} OR payload ->> 'session' IS NOT NULL, payload,
               json_set(payload, '$.session', (SELECT remote_id FROM sessions WHERE sessions.id = session_id),
                 '$.quantity', (SELECT quantity FROM captures WHERE captures.id = capture_id),
                 '$.sentMs', ?, '$.backendMs', ?,
                 '$.marks', (SELECT marks FROM captures WHERE captures.id = capture_id)))
             WHERE id = ? RETURNING payload, attempts`,
            now,
            offsetMs === null ? null : now + offsetMs,
            id,
          )
          const item = toItem({ ...row, ...leased })
          if (item.captureId !== null && (item.kind === 'capture.submit' || item.kind === 'capture.upload')) {
            const { session, round, quantity } = sentCaptureSchema.parse(item.payload)
            ledger.append({ kind: 'capture.sent', capture: item.captureId, to: session, round, quantity })
          }
          return item
        })
      })
    },
    done(id) {
      database.run('DELETE FROM outbox WHERE id = ?', id)
    },
    retryAt(id, dueMs, error) {
      database.transaction(() => {
        database.run(
          `UPDATE outbox SET state = ${waitingState}, due_at = ?, error_code = ?, error_message = ? WHERE id = ?`,
          dueMs,
          error.code,
          error.message,
          id,
        )
        tell(id, (capture) => ({ kind: 'capture.delayed', capture, code: error.code }))
      })
    },
    release(id) {
      database.transaction(() => {
        database.run(`UPDATE outbox SET state = ${waitingState}, attempts = attempts - 1 WHERE id = ?`, id)
        tell(id, (capture) => ({ kind: 'capture.delayed', capture, code: 'not_sent' }))
      })
    },
    restart(id, error) {
      database.transaction(() => {
        database.run(
          `UPDATE outbox SET state = ${waitingState}, due_at = ?, payload = ${nextRound}, error_code = ?, error_message = ?
           WHERE id = ?`,
          nowMs(),
          error.code,
          error.message,
          id,
        )
        tell(id, (capture) => ({ kind: 'capture.delayed', capture, code: error.code }))
      })
    },
    note(id, progress) {
      for (const [name, value] of Object.entries(progress)) {
        database.run('UPDATE outbox SET payload = json_set(payload, ?, ?) WHERE id = ?', `$.${name}`, value, id)
      }
    },
    doubt(id, dueMs, error, isTaken) {
      database.run(
        `UPDATE outbox SET state = 'doubtful', due_at = ?, error_code = ?, error_message = ?,
           payload = json_set(payload, '$.lostMs', ?, '$.isTaken', max(coalesce(payload ->> 'isTaken', 0), ?)) WHERE id = ?`,
        dueMs,
        error.code,
        error.message,
        nowMs(),
        isTaken ? 1 : 0,
        id,
      )
      tell(id, (capture) => ({ kind: 'capture.doubtful', capture, code: error.code }))
    },
    doubtful(limit) {
      const now = nowMs()
      return database
        .all(
          `SELECT id, kind, session_id, capture_id, payload, attempts FROM outbox
           WHERE state = 'doubtful' AND (due_at <= ? OR due_at > ?) ORDER BY id LIMIT ?`,
          now,
          now + longestWaitMs,
          limit,
        )
        .map(toItem)
    },
    doubtAgain(id, dueMs) {
      database.run('UPDATE outbox SET due_at = ? WHERE id = ?', dueMs, id)
    },
    resend(id) {
      database.run(`UPDATE outbox SET state = ${waitingState}, due_at = ? WHERE id = ?`, nowMs(), id)
      setSync(id, 'waiting')
      tell(id, (capture) => ({ kind: 'capture.absent', capture }))
    },
    undecide(id, candidates) {
      database.run(
        `UPDATE outbox SET state = 'undecided', error_code = 'undecided', error_message = ?,
           payload = json_set(payload, '$.candidates', json(?)) WHERE id = ?`,
        candidates.length === 0
          ? 'the backend said that it has it, and does not list it'
          : 'the backend has captures that may be this one',
        JSON.stringify(candidates),
        id,
      )
      setSync(id, 'parked')
      const remotes = candidates.map(({ remoteId }) => remoteId)
      tell(id, (capture) => ({ kind: 'capture.undecided', capture, candidates: remotes }))
    },
    candidates(captureId) {
      const row = database.get(`SELECT payload FROM outbox WHERE capture_id = ? AND state = 'undecided'`, captureId)
      return row ? undecidedSchema.parse(JSON.parse(String(row['payload']))) : null
    },
    park(id, error, isUntaken) {
      database.run(
        `UPDATE outbox SET state = 'parked', error_code = ?, error_message = ?,
           payload = iif(? AND kind IN ${onceOnly}, ${nextRound}, payload) WHERE id = ?`,
        error.code,
        error.message,
        isUntaken ? 1 : 0,
        id,
      )
      const capture = setSync(id, 'parked')
      if (capture === null) return
      ledger.append({
        kind: 'capture.refused',
        capture,
        code: error.code,
        message: error.message,
        receipt: error.receipt ?? null,
      })
    },
    unpark(captureId) {
      const parked = database.all(`SELECT id FROM outbox WHERE capture_id = ? AND state = 'parked'`, captureId)
      for (const row of parked) {
        const id = Number(row['id'])
        database.run(`UPDATE outbox SET state = ${waitingState}, attempts = 0, due_at = ? WHERE id = ?`, nowMs(), id)
        const capture = setSync(id, 'waiting')
        if (capture !== null) ledger.append({ kind: 'capture.requeued', capture })
      }
      return parked.length > 0
    },
    hurry() {
      const now = nowMs()
      for (const state of ['waiting', 'doubtful', 'held']) {
        database.run(`UPDATE outbox SET due_at = ? WHERE state = '${state}' AND due_at > ?`, now, now)
      }
      database.run(
        `UPDATE outbox SET state = ${waitingState}, due_at = ? WHERE state = 'parked' AND (kind LIKE 'session.%' OR kind LIKE 'review.%' OR kind = 'product.edit')`,
        now,
      )
    },
    isPending() {
      const row = database.get(
        `SELECT EXISTS (SELECT 1 FROM outbox WHERE state IN ('leased', 'doubtful'))
           OR EXISTS (SELECT 1 FROM outbox o WHERE o.state = 'waiting' AND (${ready})) AS pending`,
      )
      return row?.['pending'] === 1
    },
    nextDueMs() {
      const row = database.get(
        `SELECT min(next) AS next FROM (
           SELECT min(due_at) AS next FROM outbox WHERE state = 'waiting' AND due_at > ?
           UNION ALL SELECT min(due_at) FROM outbox WHERE state = 'doubtful')`,
        nowMs(),
      )
      return (row?.['next'] as number | null | undefined) ?? null
    },
    cancel(captureId, kinds) {
      const marks = kinds.map(() => '?').join(', ')
      return database.run(
        `DELETE FROM outbox WHERE capture_id = ? AND state <> 'leased' AND kind IN (${marks})`,
        captureId,
        ...(kinds as readonly SqlValue[]),
      ).changes
    },
    cancelPhoto(captureId) {
      database.run(
        `DELETE FROM outbox WHERE capture_id = ? AND kind = 'photo.send' AND state <> 'leased'
           AND payload ->> 'uploaded' IS NULL`,
        captureId,
      )
    },
    cancelSending(captureId) {
      const { changes } = database.run(
        `DELETE FROM outbox WHERE capture_id = ? AND kind IN ('capture.submit', 'capture.upload')
           AND state NOT IN ('leased', 'doubtful', 'undecided') AND payload ->> 'session' IS NULL`,
        captureId,
      )
      return changes > 0
    },
    releaseLeases() {
      return database.transaction(() => {
        const released = database.all(
          `UPDATE outbox SET due_at = ?1, payload = iif(kind IN ${onceOnly}, json_set(payload, '$.lostMs', ?1), payload),
             state = iif(kind IN ${onceOnly}, 'doubtful', ${waitingState}) WHERE state = 'leased' RETURNING id`,
          nowMs(),
        )
        for (const { id } of released) {
          tell(Number(id), (capture) => ({ kind: 'capture.doubtful', capture, code: 'ended_while_sending' }))
        }
        return released.length
      })
    },
    bound: () =>
      Number(
        database.get(
          `SELECT count(*) AS items FROM outbox WHERE state NOT IN ('parked', 'undecided')
             AND (session_id IS NULL OR (SELECT remote_id FROM sessions WHERE sessions.id = session_id) IS NOT NULL)`,
        )?.['items'],
      ),
    figures() {
      const counts = new Map(
        database.all('SELECT state, items FROM outbox_figures').map((row) => [row['state'], Number(row['items'])]),
      )
      const count = (state: string): number => counts.get(state) ?? 0
      // Opening and ending a session is our bookkeeping: what people wait for are their captures and products.
      const bookkeeping = database.get(
        `SELECT count(*) AS items FROM outbox WHERE kind IN ('session.create', 'session.end') AND state <> 'parked'`,
      )
      const oldest = database.get(
        `SELECT min(created_at) AS oldest FROM outbox WHERE id IN (
           SELECT min(id) FROM outbox WHERE state = 'waiting' UNION ALL
           SELECT min(id) FROM outbox WHERE state = 'held' UNION ALL
           SELECT min(id) FROM outbox WHERE state = 'doubtful' UNION ALL
           SELECT min(id) FROM outbox WHERE state = 'leased')`,
      )
      const next = database.get(`SELECT min(due_at) AS next FROM outbox WHERE state = 'waiting'`)
      return {
        waiting:
          count('waiting') + count('held') + count('leased') + count('doubtful') - Number(bookkeeping?.['items'] ?? 0),
        parked: count('parked') + count('undecided'),
        inDoubt: count('doubtful'),
        undecided: count('undecided'),
        oldestWaitingAt: (oldest?.['oldest'] as string | null | undefined) ?? null,
        nextAttemptMs: (next?.['next'] as number | null | undefined) ?? null,
      }
    },
  }
}
