import { z } from 'zod'
import { photoRoleSchema } from '#contract/station/camera-settings.ts'
import { dispositionSchema, syncStateSchema } from '#contract/station/capture.ts'
import { verdictCodeSchema, verdictModeSchema } from '#contract/gate/verdict.ts'
import { receiptSchema } from '#contract/station/ledger.ts'
import { purposeSchema, roleSchema } from '#contract/station/staff.ts'

const captureSchema = z.string()
const sessionSchema = z.string()
const digestSchema = z.string().regex(/^[0-9a-f]{64}$/)

/**
 * What the ledger can hold, by kind. To add a kind: a member here, a case in `applyFact`, a line in docs/ledger.md, and
 * `ledger.append` in the transaction of the change. What has been released is never changed.
 */
export const ledgerFactSchema = z.discriminatedUnion('kind', [
  /** The first entry. */
  z.strictObject({ kind: z.literal('ledger.begun'), station: z.string(), format: z.literal(1) }),
  /** A program began to work on the store. `boot` names the machine's run, whose monotonic clock `monotonicMs` is. */
  z.strictObject({ kind: z.literal('station.started'), boot: z.string() }),
  /** From now on certificates are signed with this key (Ed25519, base64url). */
  z.strictObject({ kind: z.literal('station.key'), publicKey: z.string() }),
  /** The machine's clock was set by so many milliseconds while the station ran. */
  z.strictObject({ kind: z.literal('clock.jumped'), byMs: z.number().int() }),
  /** A damaged store was rebuilt: the ledger's entries named here could not be read any more. */
  z.strictObject({
    kind: z.literal('store.recovered'),
    setAsideAs: z.string(),
    lost: z.array(z.strictObject({ from: z.number().int(), to: z.number().int() })),
  }),

  z.strictObject({ kind: z.literal('session.opened'), session: sessionSchema }),
  z.strictObject({ kind: z.literal('session.ended'), session: sessionSchema }),
  /** The backend knows the session. */
  z.strictObject({
    kind: z.literal('session.linked'),
    session: sessionSchema,
    remote: z.string(),
    receipt: receiptSchema.nullable(),
  }),
  /** The backend takes no more captures for it; it goes on there in another. */
  z.strictObject({ kind: z.literal('session.continued'), session: sessionSchema, generation: z.number().int() }),

  /** The backend keeps, with this session, that the ledger's entry `upTo` has this hash: nobody can cut it off unseen any more. */
  z.strictObject({
    kind: z.literal('ledger.anchored'),
    session: sessionSchema,
    upTo: z.number().int(),
    digest: digestSchema,
    receipt: receiptSchema.nullable(),
  }),

  /** A row was added. `number` is the capture's own sequence, `content` the digest of the columns that never change. */
  z.strictObject({
    kind: z.literal('capture.saved'),
    capture: captureSchema,
    number: z.number().int(),
    session: sessionSchema,
    content: digestSchema,
    disposition: dispositionSchema,
    sync: syncStateSchema,
  }),
  /** A row as it was found, not as it came about: by a store from before the ledger, or a rebuilt one. */
  z.strictObject({
    kind: z.literal('capture.carried'),
    capture: captureSchema,
    number: z.number().int(),
    session: sessionSchema,
    content: digestSchema,
    disposition: dispositionSchema,
    sync: syncStateSchema,
    quantity: z.number().int(),
    remote: z.string().nullable(),
    marks: z.string(),
  }),
  /** A row that a damaged store has lost. */
  z.strictObject({ kind: z.literal('capture.lost'), capture: captureSchema }),
  z.strictObject({ kind: z.literal('capture.quantity'), capture: captureSchema, quantity: z.number().int() }),
  /** A person said what its photo shows. */
  z.strictObject({ kind: z.literal('capture.classified'), capture: captureSchema, view: photoRoleSchema }),
  /** Out of the count; with `sync` `none` nothing of it is owed to the backend. */
  z.strictObject({
    kind: z.literal('capture.undone'),
    capture: captureSchema,
    disposition: dispositionSchema,
    sync: syncStateSchema,
  }),
  /** Another code of the same item was read: `marks` is the digest of all its further codes up to this one. */
  z.strictObject({ kind: z.literal('capture.joined'), capture: captureSchema, marks: digestSchema }),
  /** Undone, and the backend has not taken it: nothing is owed any more. */
  z.strictObject({ kind: z.literal('capture.forgotten'), capture: captureSchema }),
  /** About to be sent: the intent, before the request. `to` is the backend's session, `round` counts certain refusals. */
  z.strictObject({
    kind: z.literal('capture.sent'),
    capture: captureSchema,
    to: z.string(),
    round: z.number().int(),
    quantity: z.number().int(),
  }),
  /** It was not sent after all, or has certainly not arrived, or is repeated under its key: it waits for the next try. */
  z.strictObject({ kind: z.literal('capture.delayed'), capture: captureSchema, code: z.string() }),
  /** The answer was lost: whether the backend has it is not known. */
  z.strictObject({ kind: z.literal('capture.doubtful'), capture: captureSchema, code: z.string() }),
  /** The backend was read back and has it not, or knows its key: it is sent again, to the letter as it was. */
  z.strictObject({ kind: z.literal('capture.absent'), capture: captureSchema }),
  /** Reading back could not tell whether one of these of the backend is it: it waits for a person. */
  z.strictObject({ kind: z.literal('capture.undecided'), capture: captureSchema, candidates: z.array(z.string()) }),
  /** The backend has it, under the id `remote`. */
  z.strictObject({
    kind: z.literal('capture.accepted'),
    capture: captureSchema,
    remote: z.string(),
    receipt: receiptSchema.nullable(),
  }),
  /** The backend refused it with these words: it waits for a person. */
  z.strictObject({
    kind: z.literal('capture.refused'),
    capture: captureSchema,
    code: z.string(),
    message: z.string(),
    receipt: receiptSchema.nullable(),
  }),
  /** A person lets a refused one go again. */
  z.strictObject({ kind: z.literal('capture.requeued'), capture: captureSchema }),
  /** A person gave a refused one up, with this reason; it counts no more. `by` is the capture that stands in its place. */
  z.strictObject({
    kind: z.literal('capture.discarded'),
    capture: captureSchema,
    reason: z.string(),
    by: captureSchema.nullable(),
  }),
  /** A person put a refused one into another session. */
  z.strictObject({ kind: z.literal('capture.moved'), capture: captureSchema, session: sessionSchema }),
  /** A person said whether the backend has an undecided one: as `remote`, or not at all. */
  z.strictObject({ kind: z.literal('capture.decided'), capture: captureSchema, remote: z.string().nullable() }),

  /** A pass was judged at the gate. `content` is the digest of what the verdict's row says of it. */
  z.strictObject({
    kind: z.literal('gate.judged'),
    verdict: z.string(),
    code: verdictCodeSchema,
    mode: verdictModeSchema,
    content: digestSchema,
    /** The verdict that somebody of the staff has overridden. */
    overrides: z.string().nullable(),
  }),
  /** An admission was taken back. */
  z.strictObject({ kind: z.literal('gate.undone'), verdict: z.string() }),
  /** The site was told of it, and would have said `code`; null when it only recorded the scan, or refused it. */
  z.strictObject({
    kind: z.literal('gate.settled'),
    verdict: z.string(),
    report: z.enum(['sent', 'refused', 'doubtful']),
    code: verdictCodeSchema.nullable(),
    agrees: z.boolean().nullable(),
  }),
  /** A verdict as it was found, not as it came about, by a rebuilt store; and one that the damaged store has lost. */
  z.strictObject({
    kind: z.literal('gate.carried'),
    verdict: z.string(),
    content: digestSchema,
    isUndone: z.boolean(),
    report: z.enum(['sent', 'refused', 'doubtful']).nullable(),
    agrees: z.boolean().nullable(),
  }),
  z.strictObject({ kind: z.literal('gate.lost'), verdict: z.string() }),

  /**
   * A person decided about a proposal (`proposal`), about all that was accepted of a capture (`apply`, `revert`), or about
   * those of its photos that could not be read (`reread`, `leave`).
   * `content` is the digest of what was seen and decided; `undoes` names the act that it takes back.
   */
  z.strictObject({
    kind: z.literal('review.made'),
    review: z.string(),
    act: z.string(),
    decision: z.enum(['accept', 'reject', 'edit', 'skip', 'apply', 'revert', 'undo', 'reread', 'leave']),
    capture: z.string(),
    proposal: z.string().nullable(),
    content: digestSchema,
    undoes: z.string().nullable(),
  }),
  /** The backend knows it. */
  z.strictObject({ kind: z.literal('review.delivered'), review: z.string(), receipt: receiptSchema.nullable() }),
  /** The backend did not take it, with these words. */
  z.strictObject({
    kind: z.literal('review.refused'),
    review: z.string(),
    code: z.string(),
    message: z.string(),
  }),

  /** Somebody of the staff was let in. */
  z.strictObject({ kind: z.literal('staff.unlocked'), member: z.string(), role: roleSchema, purpose: purposeSchema }),
  /** Somebody was not. `failures` counts the wrong PINs and badges that are not forgiven yet. */
  z.strictObject({
    kind: z.literal('staff.refused'),
    purpose: purposeSchema,
    reason: z.enum(['wrong', 'role']),
    /** Whose PIN it was, when it was somebody's. */
    member: z.string().nullable(),
    failures: z.number().int(),
  }),
  /** What was done by a grant. */
  z.strictObject({
    kind: z.literal('staff.acted'),
    member: z.string(),
    purpose: purposeSchema,
    procedure: z.string(),
  }),
  /** Photos whose time was over were wiped, with what was made of them; each file was looked for afterwards. */
  z.strictObject({ kind: z.literal('photos.wiped'), photos: z.array(digestSchema).max(100) }),
  /** A session whose time was over was wiped from the store, with its captures: so many. */
  z.strictObject({ kind: z.literal('session.wiped'), session: sessionSchema, captures: z.number().int() }),
  /** Verdicts whose time was over were wiped from the store. */
  z.strictObject({ kind: z.literal('gate.wiped'), verdicts: z.array(z.string()).max(100) }),
  /** Who has a PIN or a badge from now on; `by` is null when it was found changed, by the `capstan staff` command. */
  z.strictObject({
    kind: z.literal('staff.changed'),
    by: z.string().nullable(),
    members: z.array(z.strictObject({ member: z.string(), role: roleSchema })),
  }),
  /** It belongs to a site from now on, which `site` is the fingerprint of. */
  z.strictObject({
    kind: z.literal('station.enrolled'),
    site: z.string(),
    url: z.string(),
    label: z.string(),
    group: z.string(),
  }),
  /** And to none any more. */
  z.strictObject({ kind: z.literal('station.left'), site: z.string() }),
  /** A support bundle was made and sent because the site asked for it: the SHA-256 of its bytes. */
  z.strictObject({
    kind: z.literal('support.sent'),
    request: z.string(),
    digest: digestSchema,
    bytes: z.number().int(),
  }),
  /** The site, by its fingerprint, keeps the recovery key of the data key with this fingerprint. */
  z.strictObject({ kind: z.literal('recovery_key.given'), site: z.string(), key: z.string() }),
  /**
   * A layer of the settings says something else; of the site and its groups it has a revision. The values are JSON, of long
   * ones the beginning; null is said no more.
   */
  z.strictObject({
    kind: z.literal('settings.changed'),
    layer: z.enum(['site', 'group', 'station']),
    revision: z.string().nullable(),
    changes: z.array(z.strictObject({ path: z.string(), value: z.string().nullable() })),
  }),
  /** One that was refused is settled: decided anew, sent again, or given up with this reason. */
  z.strictObject({
    kind: z.literal('review.settled'),
    review: z.string(),
    how: z.enum(['decided_anew', 'sent_again', 'given_up']),
    reason: z.string(),
  }),

  /** A value whose truth is known was mixed in among those to review; it is never written to a product. */
  z.strictObject({
    kind: z.literal('probe.planted'),
    probe: z.string(),
    proposal: z.string(),
    isTrue: z.boolean(),
  }),
  /** A reviewer answered it, rightly or not; null when it was skipped. */
  z.strictObject({
    kind: z.literal('probe.answered'),
    probe: z.string(),
    decision: z.enum(['accept', 'reject', 'edit', 'skip']),
    isRight: z.boolean().nullable(),
  }),

  /**
   * A person decided about a product. `content` is the digest of what was decided; `undoes` names the decision here, or the
   * backend's change, that it takes back.
   */
  z.strictObject({
    kind: z.literal('product.decided'),
    edit: z.string(),
    decision: z.enum(['create', 'edit', 'merge', 'undo']),
    gtin: z.string(),
    other: z.string().nullable(),
    content: digestSchema,
    undoes: z.string().nullable(),
  }),
  /** The backend knows it. */
  z.strictObject({ kind: z.literal('product.delivered'), edit: z.string(), receipt: receiptSchema.nullable() }),
  /** The backend did not take it, with these words. */
  z.strictObject({ kind: z.literal('product.refused'), edit: z.string(), code: z.string(), message: z.string() }),
  /** A person has a refused one told again. */
  z.strictObject({ kind: z.literal('product.resent'), edit: z.string() }),
  /** A person gave a refused one up, with this reason. */
  z.strictObject({ kind: z.literal('product.givenUp'), edit: z.string(), reason: z.string() }),
])
export type LedgerFact = z.infer<typeof ledgerFactSchema>

/** What every entry has besides its fact. */
const ledgerFrameSchema = z.strictObject({
  sequence: z.number().int(),
  previous: digestSchema,
  /** The wall clock. */
  at: z.iso.datetime({ precision: 3 }),
  /** The monotonic clock of the boot that the last `station.started` names, in milliseconds. */
  monotonicMs: z.number().int(),
})

/** An entry as its text says. */
export interface LedgerEntry extends z.infer<typeof ledgerFrameSchema> {
  readonly fact: LedgerFact
}

/** Reads an entry's text; null when it is none that this Capstan knows. */
export function readEntry(text: string): LedgerEntry | null {
  try {
    const { sequence, previous, at, monotonicMs, ...rest } = JSON.parse(text) as Record<string, unknown>
    const frame = ledgerFrameSchema.safeParse({ sequence, previous, at, monotonicMs })
    const fact = ledgerFactSchema.safeParse(rest)
    return frame.success && fact.success ? { ...frame.data, fact: fact.data } : null
  } catch {
    return null
  }
}

/** A capture as the entries up to now tell it. The members are those of its row. */
export interface ToldCapture {
  readonly number: number
  readonly session: string
  readonly content: string
  readonly quantity: number
  readonly disposition: z.infer<typeof dispositionSchema>
  readonly sync: z.infer<typeof syncStateSchema>
  readonly remote: string | null
  readonly marks: string
}

/** A verdict as the entries up to now tell it; `report` is null as long as the site had not been told later. */
export interface ToldVerdict {
  readonly content: string
  readonly isUndone: boolean
  readonly report: 'sent' | 'refused' | 'doubtful' | null
  readonly agrees: boolean | null
}

/** A decision in the review or about a product, as the entries up to now tell it. */
export interface ToldDecision {
  readonly kind: string
  /** The proposal, the capture or the product. */
  readonly about: string
  readonly content: string
  /** `made`: not delivered, or never to be. */
  readonly delivery: 'made' | 'sent' | 'refused'
}

/** What the entries up to now tell. */
export interface Told {
  station: string | null
  /** The key that certificates are signed with; null before there was one. */
  key: string | null
  readonly verdicts: Map<string, ToldVerdict>
  readonly captures: Map<string, ToldCapture>
  readonly decisions: Map<string, ToldDecision>
  readonly sessions: Map<string, { readonly isEnded: boolean }>
  /** Sessions that were wiped: their captures, which stay told, are in the store no more. */
  readonly wiped: Set<string>
}

/** The captures that the store should have. */
export function keptCaptures({ captures, wiped }: Told): Map<string, ToldCapture> {
  return wiped.size === 0 ? new Map(captures) : new Map([...captures].filter(([, { session }]) => !wiped.has(session)))
}

export const nothingTold = (): Told => ({
  station: null,
  key: null,
  captures: new Map(),
  sessions: new Map(),
  wiped: new Set(),
  decisions: new Map(),
  verdicts: new Map(),
})

/** Takes one more fact into account; answers why it cannot follow what was told before, or null. */
export function applyFact(told: Told, fact: LedgerFact): string | null {
  const change = (id: string, members: Partial<ToldCapture>): string | null => {
    const capture = told.captures.get(id)
    if (!capture) return `it is about the capture ${id}, which no entry before it has saved`
    told.captures.set(id, { ...capture, ...members })
    return null
  }
  const changeVerdict = (id: string, members: Partial<ToldVerdict>): string | null => {
    const verdict = told.verdicts.get(id)
    if (!verdict) return `it is about the verdict ${id}, which no entry before it has told`
    told.verdicts.set(id, { ...verdict, ...members })
    return null
  }
  const deliver = (id: string, delivery: ToldDecision['delivery']): string | null => {
    const decision = told.decisions.get(id)
    if (!decision) return `it is about the decision ${id}, which no entry before it has made`
    told.decisions.set(id, { ...decision, delivery })
    return null
  }
  switch (fact.kind) {
    case 'ledger.begun':
      if (told.station !== null) return 'a ledger begins once'
      told.station = fact.station
      return null
    case 'station.key':
      told.key = fact.publicKey
      return null
    case 'ledger.anchored':
    case 'station.started':
    case 'clock.jumped':
    case 'store.recovered':
    case 'session.linked':
    case 'session.continued':
    case 'probe.planted':
    case 'probe.answered':
    case 'staff.unlocked':
    case 'staff.refused':
    case 'staff.acted':
    case 'photos.wiped':
    case 'staff.changed':
    case 'station.enrolled':
    case 'station.left':
    case 'support.sent':
    case 'recovery_key.given':
    case 'settings.changed':
      return null
    case 'session.wiped':
      if (told.sessions.get(fact.session)?.isEnded !== true) return `the session ${fact.session} has not ended before`
      told.sessions.delete(fact.session)
      told.wiped.add(fact.session)
      return null
    case 'gate.wiped': {
      const unknown = fact.verdicts.find((id) => !told.verdicts.delete(id))
      return unknown === undefined ? null : `the verdict ${unknown} was never there`
    }
    case 'gate.judged':
      if (told.verdicts.has(fact.verdict)) return `${fact.verdict} was judged before`
      told.verdicts.set(fact.verdict, { content: fact.content, isUndone: false, report: null, agrees: null })
      return null
    case 'gate.undone':
      return changeVerdict(fact.verdict, { isUndone: true })
    case 'gate.settled':
      return changeVerdict(fact.verdict, { report: fact.report, agrees: fact.agrees })
    case 'gate.carried': {
      const { content, isUndone, report, agrees } = fact
      told.verdicts.set(fact.verdict, { content, isUndone, report, agrees })
      return null
    }
    case 'gate.lost':
      return told.verdicts.delete(fact.verdict) ? null : `the verdict ${fact.verdict} was never there`
    case 'review.made': {
      const { review, content, decision, capture, proposal } = fact
      if (told.decisions.has(review)) return `the decision ${review} was made before`
      told.decisions.set(review, { kind: decision, about: proposal ?? capture, content, delivery: 'made' })
      return null
    }
    case 'product.decided': {
      const { edit, content, decision, gtin } = fact
      if (told.decisions.has(edit)) return `the decision ${edit} was made before`
      told.decisions.set(edit, { kind: decision, about: gtin, content, delivery: 'made' })
      return null
    }
    case 'review.delivered':
      return deliver(fact.review, 'sent')
    case 'review.refused':
      return deliver(fact.review, 'refused')
    case 'review.settled':
      return deliver(fact.review, fact.how === 'sent_again' ? 'made' : 'refused')
    case 'product.delivered':
      return deliver(fact.edit, 'sent')
    case 'product.refused':
    case 'product.givenUp':
      return deliver(fact.edit, 'refused')
    case 'product.resent':
      return deliver(fact.edit, 'made')
    case 'session.opened':
    case 'session.ended':
      told.sessions.set(fact.session, { isEnded: fact.kind === 'session.ended' })
      return null
    case 'capture.saved':
    case 'capture.carried': {
      if (fact.kind === 'capture.saved' && told.captures.has(fact.capture)) return `${fact.capture} was saved before`
      const { number, session, content, disposition, sync } = fact
      const more =
        fact.kind === 'capture.carried'
          ? { quantity: fact.quantity, remote: fact.remote, marks: fact.marks }
          : { quantity: 1, remote: null, marks: '' }
      told.captures.set(fact.capture, { number, session, content, disposition, sync, ...more })
      return null
    }
    case 'capture.lost':
      return told.captures.delete(fact.capture) ? null : `the capture ${fact.capture} was never there`
    case 'capture.quantity':
      return change(fact.capture, { quantity: fact.quantity })
    case 'capture.undone':
      return change(fact.capture, { disposition: fact.disposition, sync: fact.sync })
    case 'capture.joined':
      return change(fact.capture, { marks: fact.marks })
    case 'capture.forgotten':
      return change(fact.capture, { sync: 'none' })
    case 'capture.sent':
    case 'capture.delayed':
    case 'capture.doubtful':
    case 'capture.classified':
      return change(fact.capture, {})
    case 'capture.undecided':
      return change(fact.capture, { sync: 'undecided' })
    case 'capture.accepted':
      return change(fact.capture, { sync: 'sent', remote: fact.remote })
    case 'capture.refused':
      return change(fact.capture, { sync: 'parked' })
    case 'capture.discarded':
      return change(fact.capture, { disposition: 'undone', sync: 'discarded' })
    case 'capture.moved':
      return change(fact.capture, { session: fact.session })
    case 'capture.decided':
      return change(fact.capture, {})
    case 'capture.requeued':
    case 'capture.absent':
      return change(fact.capture, { sync: 'waiting' })
  }
}
