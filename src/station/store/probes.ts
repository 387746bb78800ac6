import type { Clock, Ids } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import { reviewDecisionSchema, type ReviewDecision, type ReviewFigures } from '#contract/station/review.ts'
import { plantWrong } from '#domain/review/probe.ts'
import type { Database, Row } from '#station/store/database.ts'
import type { Ledger } from '#station/store/ledger.ts'

/** A value whose truth is known, shown to a reviewer as any other. */
export interface Probe {
  /** Begins with `probe-`: nothing takes it for a capture's or a proposal's. */
  readonly id: string
  /** The proposal that a person has confirmed, whose evidence is shown. */
  readonly proposal: string
  readonly proposed: string
  /** Null until it is answered. */
  readonly answer: ReviewDecision | null
}

/** Whether an id is a probe's. */
export const isProbe = (id: string): boolean => id.startsWith('probe-')

/**
 * Known values among those to review, so that a reviewer's precision can be told: values that were applied, as they are or
 * with a planted fault. They are no proposals: nothing of them is told to the backend or written to a product.
 */
export interface Probes {
  /** Plants one when it is time: so seldom that a share of `share` of what is decided are probes, and at no fixed step. */
  plantWhenDue(share: number, random: () => number): void
  /** The probe that waits for an answer. */
  open(): Probe | null
  get(id: string): Probe | null
  /** Answers whether the reviewer was right; null when it was skipped. `conflict` for one that was answered. */
  answer(id: string, decision: ReviewDecision, value: string | null): Result<boolean | null>
  /** Whether the last that was answered was a probe, and nothing was decided since. */
  isLast(): boolean
  /** Of the last fifty. */
  figures(): NonNullable<ReviewFigures['probes']>
}

/** The precision is told from so many answers, so that it is this reviewer's and not last year's. */
const toldFrom = 50
/** Probes are made of so many values, the newest that were applied. */
const chosenFrom = 100

/** Keeps them in the table `probes`, and names them in the ledger as what they are. */
export function createProbes(
  database: Database,
  ports: { readonly clock: Clock; readonly ids: Ids; readonly ledger: Ledger },
): Probes {
  const { clock, ids, ledger } = ports
  /** After how many decisions since an instant the next one is due. */
  let due: { readonly since: string; readonly share: number; readonly decisions: number } | null = null
  const toProbe = (row: Row | undefined): Probe | null =>
    row
      ? {
          id: String(row['id']),
          proposal: String(row['proposal']),
          proposed: String(row['proposed']),
          answer: reviewDecisionSchema.nullable().parse(row['answer']),
        }
      : null
  const open = (): Probe | null =>
    toProbe(database.get('SELECT * FROM probes WHERE answer IS NULL ORDER BY number LIMIT 1'))
  const isDue = (share: number, random: () => number): boolean => {
    const since = String(database.get('SELECT at FROM probes ORDER BY number DESC LIMIT 1')?.['at'] ?? '')
    if (due?.since !== since || due.share !== share)
      due = { since, share, decisions: Math.ceil((0.5 + random()) / share) }
    const made = database.all(
      `SELECT 1 FROM reviews WHERE at > ? AND kind IN ('accept', 'reject', 'edit') LIMIT ?`,
      since,
      due.decisions,
    )
    return made.length === due.decisions
  }

  return {
    plantWhenDue(share, random) {
      if (share <= 0 || open() !== null || !isDue(share, random)) return
      const known = database.all(
        `SELECT id, coalesce(value, remote ->> 'proposed') AS value FROM proposals
         WHERE state = 'applied' AND id NOT IN (SELECT proposal FROM probes) ORDER BY number DESC LIMIT ${chosenFrom}`,
      )
      const chosen = known[Math.floor(random() * known.length)]
      if (chosen === undefined) return
      const value = String(chosen['value'])
      const wrong = random() < 0.5 ? plantWrong(value, random) : null
      const id = `probe-${ids.next()}`
      const proposal = String(chosen['id'])
      const isTrue = wrong === null
      database.transaction(() => {
        database.run(
          'INSERT INTO probes (id, at, proposal, proposed, is_true) VALUES (?, ?, ?, ?, ?)',
          id,
          clock.now().toISOString(),
          proposal,
          wrong ?? value,
          Number(isTrue),
        )
        ledger.append({ kind: 'probe.planted', probe: id, proposal, isTrue })
      })
    },
    open,
    get: (id) => toProbe(database.get('SELECT * FROM probes WHERE id = ?', id)),
    answer(id, decision, value) {
      return database.transaction((): Result<boolean | null> => {
        const row = database.get('SELECT proposed, is_true, answer FROM probes WHERE id = ?', id)
        if (!row) return fail('not_found', 'no such proposal')
        if (row['answer'] !== null) return fail('conflict', 'it was answered already')
        // Another value in the place of a wrong one has seen the fault; in the place of a true one it makes one.
        const isKept = decision === 'accept' || (decision === 'edit' && value === row['proposed'])
        const isRight = decision === 'skip' ? null : isKept === (row['is_true'] === 1)
        database.run(
          'UPDATE probes SET answer = ?, is_right = ?, answered_at = ? WHERE id = ?',
          decision,
          isRight === null ? null : Number(isRight),
          clock.now().toISOString(),
          id,
        )
        ledger.append({ kind: 'probe.answered', probe: id, decision, isRight })
        return ok(isRight)
      })
    },
    isLast: () =>
      database.get(
        `SELECT 1 FROM probes WHERE answered_at >= coalesce((SELECT at FROM reviews ORDER BY number DESC LIMIT 1), '') LIMIT 1`,
      ) !== undefined,
    figures() {
      const row = database.get(
        `SELECT count(*) AS answered, coalesce(sum(is_right), 0) AS correct
         FROM (SELECT is_right FROM probes WHERE is_right IS NOT NULL ORDER BY number DESC LIMIT ${toldFrom})`,
      )
      return { answered: Number(row?.['answered'] ?? 0), right: Number(row?.['correct'] ?? 0) }
    },
  }
}
