import { z } from 'zod'
import type { Clock, Ids } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { Receipt } from '#contract/station/ledger.ts'
import {
  deliverySchema,
  proposalStateSchema,
  type Delivery,
  type RefusedReview,
  type ProposalState,
  type ReviewDecision,
  type ReviewEntry,
  type ReviewFigures,
  type ReviewProduct,
  type ReviewProposal,
  type UnreadPhoto,
} from '#contract/station/review.ts'
import { canonicalJson } from '#domain/canonical-json.ts'
import { judgeProposal } from '#domain/review/cost.ts'
import { isTooFast } from '#domain/review/pace.ts'
import type { Database, Row } from '#station/store/database.ts'
import { sha256, type Ledger } from '#station/store/ledger.ts'
import type { Outbox, OutboxKind } from '#station/store/outbox.ts'

/** What the backend says of a proposal; kept to the letter, and renewed when it says otherwise. */
const remoteProposalSchema = z.object({
  current: z.string(),
  proposed: z.string(),
  confidence: z.number(),
  reasoning: z.string(),
  source: z.string(),
  photoId: z.string().nullable(),
  imageOf: z.string().nullable(),
  box: z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() }).nullable(),
  status: z.enum(['PENDING', 'ACCEPTED', 'REJECTED', 'unknown']),
  isApplied: z.boolean(),
  withdrawn: z.string(),
})
type RemoteProposal = z.infer<typeof remoteProposalSchema>

/** A proposal as the backend lists it. */
export interface FoundProposal extends RemoteProposal {
  readonly id: string
  readonly captureId: string
  /** Empty where the backend does not say. */
  readonly gtin: string
  readonly productName: string
  readonly field: string
}

/** What the backend is to be told of a proposal. */
export interface Wanted {
  readonly proposal: string
  readonly capture: string
  readonly status: 'ACCEPTED' | 'REJECTED'
  /** Another value than the proposed one. */
  readonly value: string | null
  /** What the backend was told last, or PENDING. */
  readonly known: RemoteProposal['status']
}

const appliedSchema = z.object({
  applied: z.array(z.string()),
  skipped: z.array(z.object({ field: z.string(), reason: z.string() })),
  changeId: z.string().nullable(),
})
export type Application = z.infer<typeof appliedSchema>

/** A product as it is kept: who has it open and what is being read of it is not. */
export type KeptProduct = Omit<ReviewProduct, 'isReading' | 'unread' | 'canReread' | 'heldSince' | 'heldBy'>

/** A person's word about one proposal. */
export interface NewDecision {
  readonly id: string
  readonly version: number
  readonly decision: ReviewDecision
  readonly value: string | null
  readonly tookMs: number
}

/**
 * Proposals, and what people decided about them. A decision is a row, an entry of the ledger and an item of the outbox in
 * one transaction; the item says only what it is about, and sends what is decided by the time it goes.
 */
export interface Reviews {
  /** Takes proposals over as the backend has them. Answers the captures whose proposals changed. */
  keep(found: readonly FoundProposal[]): string[]
  /** Takes the whole list of unread photos over. Answers the captures of which others are unread than before. */
  keepUnread(found: readonly UnreadPhoto[]): string[]
  /** The unread photos of a capture: where each lies here, and what was decided about it and not told yet, or just told. */
  unreadOf(captureId: string): { photo: string | null; reason: string; decided: 'reread' | 'leave' | null }[]
  /** Whether a person has decided about unread photos of a capture, now or before. */
  hasDecidedUnread(captureId: string): boolean
  /** Captures with proposals that are open here and not among these: somebody else has seen to them. */
  capturesWithout(ids: ReadonlySet<string>): string[]
  /** Captures of this station that may have proposals, newest first: for a backend that has no list of all. */
  ownCaptures(limit: number): string[]
  queue(limit: number): Omit<ReviewEntry, 'isHeld'>[]
  product(captureId: string): KeptProduct | null
  /** The backend's id of the session in which this station captured it; null for one of another station. */
  sessionOf(captureId: string): string | null
  /** The photo of this id at the backend, or else the one that is a capture itself, if it was taken here. */
  photoOf(place: Pick<FoundProposal, 'photoId' | 'imageOf'>): string | null
  captureOf(proposalId: string): string | null
  /** The proposal as it would be shown with another value, undecided; null when it is not known. */
  asProbe(
    proposalId: string,
    proposed: string,
  ): { readonly gtin: string; readonly name: string; readonly proposal: ReviewProposal } | null
  /** What a value was read from; null for a proposal that this station never saw. */
  evidenceOf(proposalId: string): { photo: string | null; source: string; confidence: number } | null
  figures(since: string): Omit<ReviewFigures, 'probes' | 'reading' | 'resume' | 'fetchedAt' | 'fetchError'>
  decide(decision: NewDecision): Result<string>
  acceptClear(captureId: string, tookMs: number): Result<string>
  /** Takes the last act back that was not. Answers its capture. */
  undo(): Result<string>
  apply(captureId: string): Result<string>
  /** Has the unread photos of a capture read again, or leaves them at that. */
  decideUnread(captureId: string, decision: 'reread' | 'leave'): Result<string>
  /** What a row of the review is. */
  kindOf(reviewId: string): string | null
  /** The backend knows what was decided about unread photos. */
  photosTold(reviewId: string, receipt?: Receipt): void
  /** What an item of the outbox has to tell; null when the backend knows it already. */
  wanted(proposalId: string): Wanted | null
  /** The backend knows the decisions about a proposal, up to the review of an item. */
  delivered(proposalId: string, reviewId: string, status: 'ACCEPTED' | 'REJECTED' | null, receipt?: Receipt): void
  /** An apply was written, as the backend says. */
  applied(reviewId: string, application: Application, receipt?: Receipt): void
  reverted(reviewId: string, receipt?: Receipt): void
  /** The change that a `revert` takes back, once the apply before it is delivered; null when it wrote nothing. */
  changeToRevert(reviewId: string): { readonly gtin: string; readonly changeId: string } | null
  /** Changes that are known from applies of this capture: another one is new. */
  knownChanges(captureId: string): ReadonlySet<string>
  gtinOf(captureId: string): string
  /** What the backend did not take, newest first. */
  refused(): RefusedReview[]
  refusedCount(): number
  /** Sends a refused one again. Answers its capture. */
  retry(reviewId: string): Result<string>
  giveUp(reviewId: string, reason: string): Result<string>
  /** The backend does not take it: it stays visible, with the backend's words. */
  refuse(reviewId: string, error: { readonly code: string; readonly message: string }): void
}

const openStates: ReadonlySet<ProposalState> = new Set(['open', 'skipped'])
/** Rows of a day that the pace is told from. */
const paceRows = 12
/** What is nothing to take back: a photo that was read again stays read. */
const noDecisions = `('undo', 'revert', 'reread', 'leave')`
/** Longer between two products was a pause. */
const pauseMs = 300_000

interface Proposal {
  readonly id: string
  readonly capture: string
  readonly gtin: string
  readonly productName: string
  readonly field: string
  readonly remote: RemoteProposal
  readonly decision: ReviewDecision | null
  readonly value: string | null
  readonly delivered: 'ACCEPTED' | 'REJECTED' | null
  readonly state: ProposalState
  readonly version: number
  readonly cost: number
  readonly doubts: readonly string[]
}

const decisionSchema = z.enum(['accept', 'reject', 'edit', 'skip']).nullable()
const beforeSchema = z.object({ decision: decisionSchema, value: z.string().nullable() })

function toProposal(row: Row): Proposal {
  return {
    id: String(row['id']),
    capture: String(row['capture']),
    gtin: String(row['gtin']),
    productName: String(row['product_name']),
    field: String(row['field']),
    remote: remoteProposalSchema.parse(JSON.parse(String(row['remote']))),
    decision: decisionSchema.parse(row['decision']),
    value: row['value'] as string | null,
    delivered: z.enum(['ACCEPTED', 'REJECTED']).nullable().parse(row['delivered']),
    state: proposalStateSchema.parse(row['state']),
    version: Number(row['version']),
    cost: Number(row['cost']),
    doubts: z.array(z.string()).parse(JSON.parse(String(row['doubts']))),
  }
}

/** Where a proposal stands, from what the backend says, what it was told and what was decided. */
function stateOf({ remote, decision, delivered }: Pick<Proposal, 'remote' | 'decision' | 'delivered'>): ProposalState {
  if (remote.isApplied) return 'applied'
  if (remote.withdrawn !== '') return 'stale'
  // What is not as we told it last was decided by somebody else.
  const isOthers = remote.status !== 'PENDING' && remote.status !== 'unknown' && remote.status !== delivered
  if (isOthers && !(delivered === null && wantedStatus(decision, delivered) === remote.status)) return 'taken'
  switch (decision) {
    case 'accept':
      return 'accepted'
    case 'edit':
      return 'edited'
    case 'reject':
      return 'rejected'
    case 'skip':
      return 'skipped'
    case null:
      return 'open'
  }
}

/** PENDING cannot be set at the backend: what was accepted and is open again is rejected there until it is decided anew. */
function wantedStatus(
  decision: ReviewDecision | null,
  delivered: 'ACCEPTED' | 'REJECTED' | null,
): 'ACCEPTED' | 'REJECTED' | null {
  if (decision === 'accept' || decision === 'edit') return 'ACCEPTED'
  if (decision === 'reject') return 'REJECTED'
  return delivered === null ? null : 'REJECTED'
}

/** Keeps proposals and reviews in their tables. */
export function createReviews(
  database: Database,
  ports: { readonly clock: Clock; readonly ids: Ids; readonly ledger: Ledger; readonly outbox: Outbox },
): Reviews {
  const { clock, ids, ledger, outbox } = ports
  const get = (id: string): Proposal | null => {
    const row = database.get('SELECT * FROM proposals WHERE id = ?', id)
    return row ? toProposal(row) : null
  }
  const ofCapture = (captureId: string): Proposal[] =>
    database.all('SELECT * FROM proposals WHERE capture = ? ORDER BY number', captureId).map(toProposal)

  /** Judges a capture's proposals anew: each by itself, and beside those for the same field. */
  const settle = (captureId: string): void => {
    const all = ofCapture(captureId).map((each) => ({ ...each, state: stateOf(each) }))
    for (const proposal of all) {
      const judged = ({ field, remote }: Proposal) => ({ field, ...remote })
      const others = all.filter(
        (other) => other.id !== proposal.id && other.field === proposal.field && openStates.has(other.state),
      )
      const { cost, doubts } = judgeProposal(judged(proposal), others.map(judged))
      database.run(
        `UPDATE proposals SET state = ?, cost = ?, doubts = ? WHERE id = ?`,
        proposal.state,
        cost,
        JSON.stringify(doubts),
        proposal.id,
      )
    }
  }

  const latest = (proposalId: string): Row | undefined =>
    database.get('SELECT * FROM reviews WHERE proposal = ? ORDER BY number DESC LIMIT 1', proposalId)

  /** Where the photo of an evidence lies here, if it was taken here. */
  const photoOf: Reviews['photoOf'] = ({ photoId, imageOf }) => {
    const row =
      photoId !== null
        ? database.get(
            `SELECT photo FROM captures WHERE remote_photo IS NOT NULL
               AND substr(remote_photo, instr(remote_photo, '/photos/') + 8) = ? AND photo IS NOT NULL LIMIT 1`,
            encodeURIComponent(photoId),
          )
        : imageOf === null
          ? undefined
          : database.get('SELECT photo FROM captures WHERE remote_id = ? AND photo IS NOT NULL LIMIT 1', imageOf)
    return (row?.['photo'] as string | undefined) ?? null
  }

  const show = (proposal: Proposal): ReviewProposal => {
    const review = proposal.decision === null ? undefined : latest(proposal.id)
    const message = review?.['message']
    const delivery: Delivery = review === undefined ? 'none' : deliveryOf(review)
    const { current, proposed, confidence, reasoning, source, box, withdrawn } = proposal.remote
    return {
      id: proposal.id,
      field: proposal.field,
      current,
      proposed,
      confidence,
      reasoning,
      source,
      evidence: { photo: photoOf(proposal.remote), box },
      doubts: [...proposal.doubts],
      isClear: proposal.doubts.length === 0,
      state: proposal.state,
      value: proposal.value,
      note: withdrawn,
      delivery,
      refusal:
        delivery === 'refused' && typeof message === 'string' ? { code: String(review?.['code']), message } : null,
      version: proposal.version,
    }
  }

  const lastApplication = (captureId: string): ReviewProduct['application'] => {
    const row = database.get(
      `SELECT * FROM reviews WHERE capture = ? AND kind = 'apply' AND undone_by IS NULL ORDER BY number DESC LIMIT 1`,
      captureId,
    )
    if (!row) return null
    const answer = row['answer'] === null ? null : appliedSchema.parse(JSON.parse(String(row['answer'])))
    const delivery = deliveryOf(row)
    return {
      at: String(row['at']),
      delivery,
      refusal: delivery === 'refused' ? { code: String(row['code']), message: String(row['message']) } : null,
      applied: answer?.applied ?? [],
      skipped: answer?.skipped ?? [],
    }
  }

  /** What was refused before is settled by what is decided now. */
  const settleRefused = (where: string, value: string): void => {
    const settled = database.all(
      `UPDATE reviews SET settled = 'decided anew' WHERE ${where} AND delivery = 'refused' AND settled IS NULL RETURNING id`,
      value,
    )
    for (const { id } of settled)
      ledger.append({ kind: 'review.settled', review: String(id), how: 'decided_anew', reason: '' })
  }

  /** Writes what a person decided: the row and its entry of the ledger. Answers its id. */
  const add = (review: {
    readonly act: string
    readonly kind: ReviewDecision | 'apply' | 'revert' | 'undo' | 'reread' | 'leave'
    readonly capture: string
    readonly proposal: Proposal | null
    readonly value?: string | null
    readonly undoes?: string
    readonly tookMs?: number
    readonly delivery: 'none' | 'waiting'
  }): string => {
    const id = ids.next()
    const { proposal, value = null, undoes = null } = review
    const seen = proposal === null ? {} : { current: proposal.remote.current, proposed: proposal.remote.proposed }
    const before = proposal === null ? { decision: null, value: null } : beforeSchema.parse(proposal)
    database.run(
      `INSERT INTO reviews (id, act, at, kind, capture, proposal, value, seen, before, undoes, took_ms, delivery)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      review.act,
      clock.now().toISOString(),
      review.kind,
      review.capture,
      proposal?.id ?? null,
      value,
      JSON.stringify(seen),
      JSON.stringify(before),
      undoes,
      review.tookMs ?? 0,
      review.delivery,
    )
    ledger.append({
      kind: 'review.made',
      review: id,
      act: review.act,
      decision: review.kind,
      capture: review.capture,
      proposal: proposal?.id ?? null,
      content: contentOfReview(seen, value),
      undoes,
    })
    return id
  }

  const owe = (kind: OutboxKind & `review.${string}`, payload: Record<string, string>): void =>
    outbox.add({ kind, sessionId: null, captureId: null, payload })

  /** Sets a proposal's decision and owes it to the backend, unless that knows nothing of it and need not. */
  const set = (
    act: string,
    proposal: Proposal,
    kind: ReviewDecision | 'undo',
    to: z.infer<typeof beforeSchema>,
    more: { readonly undoes?: string; readonly tookMs?: number } = {},
  ): void => {
    const wanted = wantedStatus(to.decision, proposal.delivered)
    // Something may be under way still: then there is something to tell after it.
    const isOwed = wanted !== null || outboxHas(proposal.id)
    settleRefused('proposal = ?', proposal.id)
    const review = add({
      act,
      kind,
      capture: proposal.capture,
      proposal,
      value: to.value,
      delivery: isOwed ? 'waiting' : 'none',
      ...more,
    })
    database.run(
      'UPDATE proposals SET decision = ?, value = ?, version = version + 1 WHERE id = ?',
      to.decision,
      to.value,
      proposal.id,
    )
    if (isOwed) owe('review.decide', { about: proposal.capture, proposal: proposal.id, review })
  }
  const outboxHas = (proposalId: string): boolean =>
    database.get(`SELECT 1 FROM reviews WHERE proposal = ? AND delivery = 'waiting' LIMIT 1`, proposalId) !== undefined

  /** Takes an apply out of the outbox that was never sent; answers whether it did. */
  const takeOut = (act: string): boolean => {
    const { changes } = database.run(
      `DELETE FROM outbox WHERE kind = 'review.apply' AND attempts = 0
         AND payload ->> 'review' = (SELECT id FROM reviews WHERE act = ?)`,
      act,
    )
    if (changes > 0) database.run(`UPDATE reviews SET delivery = 'none' WHERE act = ?`, act)
    return changes > 0
  }

  const lastAct = (): Row | undefined =>
    database.get(
      `SELECT act, capture, kind FROM reviews WHERE undone_by IS NULL AND kind NOT IN ${noDecisions}
       ORDER BY number DESC LIMIT 1`,
    )

  const finish = (reviewId: string, receipt: Receipt | undefined, answer: Application | null): void => {
    database.run(
      `UPDATE reviews SET delivery = 'sent', answer = ? WHERE id = ?`,
      answer === null ? null : JSON.stringify(answer),
      reviewId,
    )
    ledger.append({ kind: 'review.delivered', review: reviewId, receipt: receipt ?? null })
  }

  return {
    keep(found) {
      const changed = new Set<string>()
      database.transaction(() => {
        for (const { id, captureId, gtin, productName, field, ...remote } of found) {
          const text = JSON.stringify(remoteProposalSchema.parse(remote))
          const { changes } = database.run(
            `INSERT INTO proposals (id, capture, gtin, product_name, field, remote, state, version, cost, doubts)
             VALUES (?, ?, ?, ?, ?, ?, 'open', 1, 0, '[]')
             ON CONFLICT (id) DO UPDATE SET remote = excluded.remote, version = version + 1,
               gtin = iif(excluded.gtin = '', gtin, excluded.gtin),
               product_name = iif(excluded.product_name = '', product_name, excluded.product_name)
             WHERE remote <> excluded.remote OR (gtin <> excluded.gtin AND excluded.gtin <> '')
               OR (product_name <> excluded.product_name AND excluded.product_name <> '')`,
            id,
            captureId,
            gtin,
            productName,
            field,
            text,
          )
          if (changes > 0) changed.add(captureId)
        }
        for (const captureId of changed) settle(captureId)
      })
      return [...changed]
    },
    keepUnread(found) {
      return database.transaction(() => {
        const known = new Map(database.all('SELECT * FROM unread_photos').map((row) => [String(row['reading']), row]))
        const changed = new Set<string>()
        for (const { id, captureId, photoId, reason, gtin, productName } of found) {
          const row = known.get(id)
          known.delete(id)
          if (row?.['gtin'] === gtin && row['product_name'] === productName && row['capture'] === captureId) continue
          database.run(
            `INSERT INTO unread_photos (reading, capture, gtin, product_name, photo_id, reason) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (reading) DO UPDATE SET capture = excluded.capture, gtin = excluded.gtin,
               product_name = excluded.product_name`,
            id,
            captureId,
            gtin,
            productName,
            photoId,
            reason,
          )
          changed.add(captureId)
        }
        for (const [reading, row] of known) {
          database.run('DELETE FROM unread_photos WHERE reading = ?', reading)
          changed.add(String(row['capture']))
        }
        return [...changed]
      })
    },
    unreadOf: (captureId) =>
      database
        .all(
          `SELECT u.photo_id, u.reason, r.kind FROM unread_photos u LEFT JOIN reviews r ON r.id = u.review
           WHERE u.capture = ? ORDER BY u.reading`,
          captureId,
        )
        .map((row) => ({
          photo: photoOf({ photoId: row['photo_id'] as string | null, imageOf: captureId }),
          reason: String(row['reason']),
          decided: z.enum(['reread', 'leave']).nullable().parse(row['kind']),
        })),
    hasDecidedUnread: (captureId) =>
      database.get(`SELECT 1 FROM reviews WHERE capture = ? AND kind IN ('reread', 'leave')`, captureId) !== undefined,
    capturesWithout(known) {
      const rows = database.all(`SELECT id, capture FROM proposals WHERE state IN ('open', 'skipped')`)
      return [...new Set(rows.filter((row) => !known.has(String(row['id']))).map((row) => String(row['capture'])))]
    },
    ownCaptures: (limit) =>
      database
        .all(
          `SELECT remote_id FROM captures WHERE remote_id IS NOT NULL AND state = 'COMPLETED' AND disposition = 'counted'
             AND session_id IN (SELECT id FROM sessions WHERE capture_mode <> 'barcode_scan')
           ORDER BY sequence DESC LIMIT ?`,
          limit,
        )
        .map((row) => String(row['remote_id'])),
    queue: (limit) =>
      database
        .all(
          // What was not read can wait for what may be wrong, and goes before what somebody has put off.
          `SELECT capture, max(gtin) AS gtin, max(name) AS name, sum(is_open) AS open, sum(1 - is_open) AS unread,
             sum(cost) AS cost
           FROM (SELECT capture, gtin, product_name AS name, 1 AS is_open, cost, state = 'skipped' AS is_skipped
                 FROM proposals WHERE state IN ('open', 'skipped')
                 UNION ALL
                 SELECT capture, gtin, product_name, 0, 0, NULL FROM unread_photos WHERE review IS NULL)
           GROUP BY capture
           ORDER BY iif(sum(is_open) = 0, 1, 2 * min(is_skipped)), cost DESC, capture LIMIT ?`,
          limit,
        )
        .map((row) => ({
          captureId: String(row['capture']),
          gtin: String(row['gtin']),
          name: String(row['name']),
          open: Number(row['open']),
          unread: Number(row['unread']),
        })),
    product(captureId) {
      const all = ofCapture(captureId)
      const unread = database.get(
        'SELECT max(gtin) AS gtin, max(product_name) AS name FROM unread_photos WHERE capture = ?',
        captureId,
      )
      if (all.length === 0 && typeof unread?.['gtin'] !== 'string') return null
      const costOf = (field: string): number =>
        Math.max(...all.filter((each) => each.field === field).map(({ cost }) => cost))
      const proposals = all.toSorted(
        (one, other) =>
          costOf(other.field) - costOf(one.field) ||
          one.field.localeCompare(other.field) ||
          other.remote.confidence - one.remote.confidence,
      )
      return {
        captureId,
        gtin: all.find(({ gtin }) => gtin !== '')?.gtin ?? String(unread?.['gtin'] ?? ''),
        name: all.find(({ productName }) => productName !== '')?.productName ?? String(unread?.['name'] ?? ''),
        proposals: proposals.map(show),
        application: lastApplication(captureId),
      }
    },
    sessionOf: (captureId) =>
      (database.get(
        'SELECT s.remote_id FROM captures c JOIN sessions s ON s.id = c.session_id WHERE c.remote_id = ?',
        captureId,
      )?.['remote_id'] as string | null | undefined) ?? null,
    photoOf,
    captureOf: (proposalId) => get(proposalId)?.capture ?? null,
    asProbe(proposalId, proposed) {
      const proposal = get(proposalId)
      if (!proposal) return null
      const remote = { ...proposal.remote, proposed, isApplied: false, withdrawn: '', status: 'PENDING' as const }
      const { doubts } = judgeProposal({ field: proposal.field, ...remote })
      const shown = show({ ...proposal, remote, decision: null, value: null, state: 'open', doubts, version: 1 })
      return { gtin: proposal.gtin, name: proposal.productName, proposal: shown }
    },
    evidenceOf(proposalId) {
      const remote = get(proposalId)?.remote
      return remote ? { photo: photoOf(remote), source: remote.source, confidence: remote.confidence } : null
    },
    figures(since) {
      const open = database.get(
        `SELECT (SELECT count(*) FROM proposals WHERE state IN ('open', 'skipped')) AS open,
           (SELECT count(*) FROM (SELECT capture FROM proposals WHERE state IN ('open', 'skipped')
                                  UNION SELECT capture FROM unread_photos WHERE review IS NULL)) AS products`,
      )
      const deliveries = database.get(
        `SELECT count(*) FILTER (WHERE delivery = 'waiting') AS waiting, count(*) FILTER (WHERE delivery = 'refused' AND settled IS NULL) AS refused
         FROM reviews WHERE delivery IN ('waiting', 'refused')`,
      )
      const today = database.all(
        `SELECT at, kind, capture FROM reviews WHERE at >= ? AND undone_by IS NULL AND kind NOT IN ${noDecisions}
         ORDER BY number`,
        since,
      )
      const applies = today.filter((row) => row['kind'] === 'apply')
      const between = applies
        .map((row, index) => Date.parse(String(row['at'])) - Date.parse(String(applies[index - 1]?.['at'])))
        .filter((ms) => Number.isFinite(ms) && ms < pauseMs)
      const pace = database.all(
        `SELECT took_ms, length(p.remote ->> 'proposed') + length(p.remote ->> 'current') AS characters
         FROM (SELECT number, proposal, took_ms FROM reviews WHERE at >= ? AND kind IN ('accept', 'reject') AND took_ms > 0
               ORDER BY number DESC LIMIT ${paceRows}) r JOIN proposals p ON p.id = r.proposal ORDER BY r.number`,
        since,
      )
      return {
        open: Number(open?.['open'] ?? 0),
        products: Number(open?.['products'] ?? 0),
        waiting: Number(deliveries?.['waiting'] ?? 0),
        refused: Number(deliveries?.['refused'] ?? 0),
        today: {
          products: new Set(applies.map((row) => row['capture'])).size,
          decisions: today.length - applies.length,
          msPerProduct: between.length === 0 ? null : between.reduce((sum, ms) => sum + ms, 0) / between.length,
        },
        isTooFast: isTooFast(
          pace.map((row) => ({ tookMs: Number(row['took_ms']), characters: Number(row['characters']) })),
        ),
        canUndo: lastAct() !== undefined,
      }
    },
    decide({ id, version, decision, value, tookMs }) {
      return database.transaction(() => {
        const proposal = get(id)
        if (!proposal) return fail('not_found', 'no such proposal')
        if (proposal.version !== version) return fail('conflict', 'it has changed since it was shown')
        if (proposal.state === 'applied')
          return fail('conflict', 'it is in the product already: take the apply back first')
        if (proposal.state === 'stale' || proposal.state === 'taken')
          return fail('conflict', proposal.remote.withdrawn || 'somebody else has decided about it')
        if (decision === 'edit' && value === null) return fail('invalid_input', 'an edited value is missing')
        const act = ids.next()
        const isSame = decision === 'edit' && value === proposal.remote.proposed
        const kind = isSame ? 'accept' : decision
        set(act, proposal, kind, { decision: kind, value: kind === 'edit' ? value : null }, { tookMs })
        if (kind === 'accept' || kind === 'edit') {
          // One field has one value: what was proposed beside it is answered too.
          for (const other of ofCapture(proposal.capture)) {
            if (other.id === id || other.field !== proposal.field) continue
            if (openStates.has(other.state) || other.state === 'accepted' || other.state === 'edited')
              set(act, other, 'reject', { decision: 'reject', value: null })
          }
        }
        settle(proposal.capture)
        return ok(proposal.capture)
      })
    },
    acceptClear(captureId, tookMs) {
      return database.transaction(() => {
        const clear = ofCapture(captureId).filter(({ state, doubts }) => openStates.has(state) && doubts.length === 0)
        if (clear.length === 0) return fail('conflict', 'nothing that is open is clear')
        const act = ids.next()
        const taken = new Set<string>()
        for (const proposal of clear) {
          // Two that propose the same are one.
          const kind = taken.has(proposal.field) ? 'reject' : 'accept'
          taken.add(proposal.field)
          set(act, proposal, kind, { decision: kind, value: null }, { tookMs: tookMs / clear.length })
        }
        settle(captureId)
        return ok(captureId)
      })
    },
    undo() {
      return database.transaction(() => {
        const last = lastAct()
        if (!last) return fail('not_found', 'there is nothing to take back')
        const undoes = String(last['act'])
        const captureId = String(last['capture'])
        const act = ids.next()
        if (last['kind'] === 'apply') {
          const isUnsent = takeOut(undoes)
          const delivery = isUnsent ? 'none' : 'waiting'
          const review = add({ act, kind: 'revert', capture: captureId, proposal: null, undoes, delivery })
          if (!isUnsent) owe('review.revert', { about: captureId, review })
        } else {
          const rows = database.all('SELECT proposal, before FROM reviews WHERE act = ? ORDER BY number DESC', undoes)
          for (const row of rows) {
            const proposal = get(String(row['proposal']))
            if (proposal) set(act, proposal, 'undo', beforeSchema.parse(JSON.parse(String(row['before']))), { undoes })
          }
        }
        database.run('UPDATE reviews SET undone_by = ? WHERE act = ?', act, undoes)
        settle(captureId)
        return ok(captureId)
      })
    },
    apply(captureId) {
      return database.transaction(() => {
        const isAny = ofCapture(captureId).some(({ state }) => state === 'accepted' || state === 'edited')
        if (!isAny) return fail('conflict', 'nothing was accepted yet')
        const waiting = database.get(
          `SELECT 1 FROM reviews WHERE capture = ? AND kind = 'apply' AND delivery = 'waiting' AND undone_by IS NULL`,
          captureId,
        )
        if (waiting) return fail('conflict', 'it is on its way already')
        settleRefused(`kind = 'apply' AND capture = ?`, captureId)
        const review = add({ act: ids.next(), kind: 'apply', capture: captureId, proposal: null, delivery: 'waiting' })
        owe('review.apply', { about: captureId, review })
        return ok(captureId)
      })
    },
    decideUnread(captureId, decision) {
      return database.transaction((): Result<string> => {
        const waits = database.get('SELECT 1 FROM unread_photos WHERE capture = ? AND review IS NULL', captureId)
        if (!waits) return fail('conflict', 'no photo of this product waits any more')
        settleRefused(`kind IN ('reread', 'leave') AND capture = ?`, captureId)
        const review = add({
          act: ids.next(),
          kind: decision,
          capture: captureId,
          proposal: null,
          delivery: 'waiting',
        })
        database.run('UPDATE unread_photos SET review = ? WHERE capture = ? AND review IS NULL', review, captureId)
        owe('review.photos', { about: captureId, review })
        return ok(captureId)
      })
    },
    kindOf: (reviewId) =>
      (database.get('SELECT kind FROM reviews WHERE id = ?', reviewId)?.['kind'] as string | undefined) ?? null,
    photosTold(reviewId, receipt) {
      finish(reviewId, receipt, null)
    },
    wanted(proposalId) {
      const proposal = get(proposalId)
      if (!proposal) return null
      const { decision, delivered, remote, value, capture } = proposal
      const status = wantedStatus(decision, delivered)
      // What was accepted may have been told with another value before.
      if (status === null || (status === 'REJECTED' && delivered === 'REJECTED')) return null
      const own = decision === 'edit' ? value : decision === 'accept' && delivered !== null ? remote.proposed : null
      return { proposal: proposalId, capture, status, value: own, known: delivered ?? 'PENDING' }
    },
    delivered(proposalId, reviewId, status, receipt) {
      const proposal = get(proposalId)
      if (status !== null && proposal) {
        database.run(
          'UPDATE proposals SET delivered = ?, remote = ? WHERE id = ?',
          status,
          JSON.stringify({ ...proposal.remote, status }),
          proposalId,
        )
        settle(proposal.capture)
      }
      const told = database.all(
        `UPDATE reviews SET delivery = 'sent' WHERE proposal = ? AND delivery = 'waiting'
           AND number <= (SELECT number FROM reviews WHERE id = ?) RETURNING id`,
        proposalId,
        reviewId,
      )
      for (const row of told)
        ledger.append({ kind: 'review.delivered', review: String(row['id']), receipt: receipt ?? null })
    },
    applied(reviewId, application, receipt) {
      finish(reviewId, receipt, application)
    },
    reverted(reviewId, receipt) {
      finish(reviewId, receipt, null)
    },
    changeToRevert(reviewId) {
      const revert = database.get('SELECT capture, undoes FROM reviews WHERE id = ?', reviewId)
      const apply = database.get(`SELECT answer FROM reviews WHERE act = ?`, String(revert?.['undoes'] ?? ''))
      const answer = apply?.['answer']
      const changeId = typeof answer === 'string' ? appliedSchema.parse(JSON.parse(answer)).changeId : null
      return changeId === null ? null : { gtin: gtinOf(String(revert?.['capture'])), changeId }
    },
    knownChanges(captureId) {
      const rows = database.all(
        `SELECT answer FROM reviews WHERE capture = ? AND kind = 'apply' AND answer IS NOT NULL`,
        captureId,
      )
      const changes = rows.map((row) => appliedSchema.parse(JSON.parse(String(row['answer']))).changeId)
      return new Set(changes.filter((change) => change !== null))
    },
    gtinOf: (captureId) => gtinOf(captureId),
    refused: () =>
      database
        .all(
          `SELECT r.id, r.at, r.kind, r.capture, r.value, r.code, r.message, p.field, p.remote ->> 'proposed' AS proposed,
             coalesce((SELECT max(gtin) FROM proposals WHERE capture = r.capture),
               (SELECT max(gtin) FROM unread_photos WHERE capture = r.capture)) AS gtin,
             coalesce((SELECT max(product_name) FROM proposals WHERE capture = r.capture),
               (SELECT max(product_name) FROM unread_photos WHERE capture = r.capture)) AS name
           FROM reviews r LEFT JOIN proposals p ON p.id = r.proposal
           WHERE r.delivery = 'refused' AND r.settled IS NULL ORDER BY r.number DESC LIMIT 200`,
        )
        .map((row) => ({
          id: String(row['id']),
          at: String(row['at']),
          kind: String(row['kind']),
          captureId: String(row['capture']),
          gtin: String(row['gtin'] ?? ''),
          name: String(row['name'] ?? ''),
          field: String(row['field'] ?? ''),
          value: String(row['value'] ?? row['proposed'] ?? ''),
          refusal: { code: String(row['code']), message: String(row['message']) },
        })),
    refusedCount: () =>
      Number(
        database.get(`SELECT count(*) AS n FROM reviews WHERE delivery = 'refused' AND settled IS NULL`)?.['n'] ?? 0,
      ),
    retry(reviewId) {
      return database.transaction((): Result<string> => {
        const row = refusedRow(reviewId)
        if (!row) return fail('conflict', 'it was not refused, or is settled')
        const [kind, about] = [String(row['kind']), String(row['capture'])]
        database.run(`UPDATE reviews SET delivery = 'waiting' WHERE id = ?`, reviewId)
        ledger.append({ kind: 'review.settled', review: reviewId, how: 'sent_again', reason: '' })
        if (kind === 'reread' || kind === 'leave') {
          database.run('UPDATE unread_photos SET review = ? WHERE capture = ? AND review IS NULL', reviewId, about)
          owe('review.photos', { about, review: reviewId })
        } else if (kind === 'apply' || kind === 'revert') owe(`review.${kind}`, { about, review: reviewId })
        else owe('review.decide', { about, proposal: String(row['proposal']), review: reviewId })
        settle(about)
        return ok(about)
      })
    },
    giveUp(reviewId, reason) {
      return database.transaction((): Result<string> => {
        const row = refusedRow(reviewId)
        if (!row) return fail('conflict', 'it was not refused, or is settled')
        database.run('UPDATE reviews SET settled = ? WHERE id = ?', reason, reviewId)
        ledger.append({ kind: 'review.settled', review: reviewId, how: 'given_up', reason })
        return ok(String(row['capture']))
      })
    },
    refuse(reviewId, { code, message }) {
      const row = database.get(
        `UPDATE reviews SET delivery = 'refused', code = ?, message = ? WHERE id = ? RETURNING capture`,
        code,
        message,
        reviewId,
      )
      if (!row) return
      ledger.append({ kind: 'review.refused', review: reviewId, code, message })
      // Its photos wait again.
      database.run('UPDATE unread_photos SET review = NULL WHERE review = ?', reviewId)
      settle(String(row['capture']))
    },
  }

  function refusedRow(reviewId: string): Row | undefined {
    return database.get(
      `SELECT kind, capture, proposal FROM reviews WHERE id = ? AND delivery = 'refused' AND settled IS NULL`,
      reviewId,
    )
  }

  function gtinOf(captureId: string): string {
    return String(database.get('SELECT max(gtin) AS gtin FROM proposals WHERE capture = ?', captureId)?.['gtin'] ?? '')
  }
}

const deliveryOf = (row: Row): Delivery => deliverySchema.parse(row['delivery'])

/** What the ledger keeps of a decision: the digest of what was seen and what was decided. */
export function contentOfReview(seen: object, value: string | null): string {
  return sha256(canonicalJson({ ...(seen as { current?: string; proposed?: string }), value }))
}
