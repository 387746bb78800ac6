import type { Certificate, CertificateCounts } from '#contract/station/ledger.ts'
import { countUp } from '#station/store/certificate.ts'
import type { Database, Row } from '#station/store/database.ts'
import { capturesOf, differenceOf, entriesOf, verdictDifference, verdictsOf } from '#station/store/ledger-carry.ts'
import { contentOfEdit, type ChangedField } from '#station/store/catalogue.ts'
import { contentOfReview } from '#station/store/reviews.ts'
import {
  applyFact,
  keptCaptures,
  nothingTold,
  readEntry,
  type LedgerEntry,
  type Told,
  type ToldDecision,
} from '#station/store/ledger-facts.ts'
import { isSignatureRight } from '#station/store/station-key.ts'
import { beforeTheFirst, sha256, type LedgerHead } from '#station/store/ledger.ts'

/** The first thing that is wrong, in the order of the ledger; then of the captures. */
export interface LedgerProblem {
  /**
   * `changed`, `dropped`, `inserted`, `reordered`: what happened to the entry `sequence`. `senseless`: its text cannot
   * follow the others. `capture`, `session`, `verdict`: a row is not as the entries tell it; `sequence` is the last one about it.
   * `decision`: a decision of the review or about a product is not. `certificate`: it was not issued from this ledger.
   */
  readonly kind:
    | 'changed'
    | 'dropped'
    | 'inserted'
    | 'reordered'
    | 'senseless'
    | 'capture'
    | 'session'
    | 'verdict'
    | 'decision'
    | 'certificate'
  readonly sequence: number | null
  readonly id: string | null
  /** An English sentence. */
  readonly message: string
}

/** What a check of the whole ledger found. */
export interface LedgerReport {
  readonly station: string | null
  readonly entries: number
  readonly captures: number
  readonly head: LedgerHead
  /** Entries that a rebuilt store has lost, as it has recorded itself. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[]
  readonly problem: LedgerProblem | null
}

/**
 * Goes through the whole ledger and compares what it tells with the store's rows; answers the first problem.
 * `onEntry` sees each entry that stands in its place with the hash of its text, and what is told up to it.
 */
export function checkLedger(
  database: Database,
  onEntry: (entry: LedgerEntry, hash: string, told: Told) => void = () => undefined,
): LedgerReport {
  const told = nothingTold()
  const lastAbout = new Map<string, number>()
  const gaps: { from: number; to: number }[] = []
  const declared: { from: number; to: number }[] = []
  const problem: { first: LedgerProblem | null } = { first: null }
  let head = beforeTheFirst
  let entries = 0
  let isRecovered = false

  for (const row of entriesOf(database)) {
    const sequence = Number(row['sequence'])
    const text = String(row['entry'])
    if (sequence > head.sequence + 1) gaps.push({ from: head.sequence + 1, to: sequence - 1 })
    const follows = sequence > head.sequence + 1 ? null : head
    const entry = readEntry(text)
    const hash = sha256(text)
    const isSound =
      entry !== null &&
      hash === row['hash'] &&
      entry.sequence === sequence &&
      sequence > head.sequence &&
      (follows === null || entry.previous === follows.hash)
    if (!isSound) {
      problem.first = diagnose(database, row, entry, head)
      break
    }
    const refusal = applyFact(told, entry.fact)
    if (refusal !== null && gaps.length === 0) {
      problem.first = { kind: 'senseless', sequence, id: null, message: `entry ${sequence} makes no sense: ${refusal}` }
      break
    }
    if (entry.fact.kind === 'store.recovered') {
      isRecovered = true
      declared.push(...entry.fact.lost)
    }
    if ('capture' in entry.fact) lastAbout.set(entry.fact.capture, sequence)
    else if ('session' in entry.fact) lastAbout.set(entry.fact.session, sequence)
    else if ('verdict' in entry.fact) lastAbout.set(entry.fact.verdict, sequence)
    onEntry(entry, hash, told)
    entries += 1
    head = { sequence, hash }
  }

  const isDeclared = (gap: { from: number; to: number }): boolean =>
    declared.some(({ from, to }) => from <= gap.from && gap.to <= to)
  const written = Number(database.get(`SELECT seq FROM sqlite_sequence WHERE name = 'ledger'`)?.['seq'] ?? 0)
  if (problem.first === null && written > head.sequence) gaps.push({ from: head.sequence + 1, to: written })
  const gap = gaps.find((each) => !isDeclared(each))
  return {
    station: told.station,
    entries,
    captures: keptCaptures(told).size,
    head,
    gaps,
    // A gap lies before whatever stopped the walk after it.
    problem: gap
      ? dropped(database, gap)
      : (problem.first ?? compare(database, told, lastAbout, declared.length > 0 || gaps.length > 0 || isRecovered)),
  }
}

/** A certificate, or what the code on its sheet says of a ledger. */
export type LedgerClaim = Certificate | (Pick<Certificate, 'ledger'> & { readonly station: { readonly id: string } })

/** The same, and that the ledger is the one that a certificate was issued from, and tells what it says. */
export function checkClaim(database: Database, claim: LedgerClaim): LedgerReport {
  const { station, ledger } = claim
  const [session, counts] = 'counts' in claim ? [claim.session, claim.counts] : [null, {}]
  const found: { hash: string | null; counts: CertificateCounts | null; key: string | null } = {
    hash: null,
    counts: null,
    key: null,
  }
  const report = checkLedger(database, (entry, hash, told) => {
    if (entry.sequence !== ledger.sequence) return
    found.hash = hash
    found.key = told.key
    found.counts = countUp([...told.captures.values()].filter((capture) => capture.session === session?.id))
  })
  const problem = (message: string): LedgerReport => ({
    ...report,
    problem: report.problem ?? { kind: 'certificate', sequence: ledger.sequence, id: session?.id ?? null, message },
  })
  // First of all: whose words these are.
  if ('counts' in claim && claim.signature !== null && !isSignatureRight(claim)) {
    return problem('the certificate was changed after it was signed')
  }
  if (report.station !== station.id) return problem(`the certificate is of another station, ${station.id}`)
  if (found.hash === null) return problem(`entry ${ledger.sequence}, which the certificate names, is missing`)
  if (found.hash !== ledger.hash) return problem(`entry ${ledger.sequence} is not the one that was certified`)
  if ('counts' in claim && claim.signature !== null && claim.signature.publicKey !== found.key) {
    return problem(`the certificate is signed with ${claim.signature.publicKey}, which is not the station's key`)
  }
  const figures = Object.entries(counts) as [keyof CertificateCounts, number][]
  const wrong = figures.find(([name, figure]) => found.counts?.[name] !== figure)
  if (wrong) {
    const [name, figure] = wrong
    return problem(`the certificate says ${name} ${figure}, the ledger says ${String(found.counts?.[name])}`)
  }
  return report
}

function dropped(database: Database, gap: { from: number; to: number }): LedgerProblem {
  const place = placeOf(database, gap.from)
  if (place !== null) {
    const message = `entry ${gap.from} is not in its place: it stands at ${place}`
    return { kind: 'reordered', sequence: gap.from, id: null, message }
  }
  const which = gap.from === gap.to ? `entry ${gap.from} is` : `the entries ${gap.from} to ${gap.to} are`
  return { kind: 'dropped', sequence: gap.from, id: null, message: `${which} missing` }
}

/** What happened at the first row that does not follow the one before it, which is `head`. */
function diagnose(database: Database, row: Row, entry: LedgerEntry | null, head: LedgerHead): LedgerProblem {
  const sequence = Number(row['sequence'])
  const text = String(row['entry'])
  const told = (kind: LedgerProblem['kind'], at: number, message: string): LedgerProblem => ({
    kind,
    sequence: at,
    id: null,
    message,
  })
  if (sequence <= head.sequence) return told('inserted', sequence, `entry ${sequence} stands before the first one`)
  if (sha256(text) !== row['hash']) {
    return told('changed', sequence, `entry ${sequence} was changed: its text has not the hash kept beside it`)
  }
  if (entry === null) return told('changed', sequence, `entry ${sequence} is none that this Capstan knows`)
  if (entry.sequence !== sequence) {
    const copies = database.get('SELECT count(*) AS copies FROM ledger WHERE entry = ?', text)?.['copies']
    if (Number(copies) > 1) {
      return told('inserted', sequence, `in the place of entry ${sequence} stands a copy of entry ${entry.sequence}`)
    }
    const intruder = database.get('SELECT entry FROM ledger WHERE sequence = ?', sequence - 1)
    const isPushed =
      entry.sequence === sequence - 1 && readEntry(String(intruder?.['entry']))?.previous === entry.previous
    if (isPushed) {
      return told('inserted', sequence - 1, `entry ${sequence - 1} was inserted: the one behind it has its number`)
    }
    const place = placeOf(database, sequence)
    if (place !== null) {
      return told('reordered', sequence, `entry ${sequence} is not in its place: it stands at ${place}`)
    }
    return told('dropped', sequence, `entry ${sequence} is missing: entry ${entry.sequence} stands in its place`)
  }
  // Whoever rewrites an entry can keep what it follows, not what follows it: a broken link speaks against the former.
  const next = database.get('SELECT entry FROM ledger WHERE sequence = ?', sequence + 1)
  const isLinked = next === undefined || readEntry(String(next['entry']))?.previous === row['hash']
  return isLinked && head.sequence > 0
    ? told('changed', head.sequence, `entry ${head.sequence} was rewritten: entry ${sequence} followed another one`)
    : told('changed', sequence, `entry ${sequence} was rewritten: neither neighbour knows it`)
}

/** Where the entry stands that calls itself by this number. */
function placeOf(database: Database, sequence: number): number | null {
  for (const row of entriesOf(database)) {
    if (readEntry(String(row['entry']))?.sequence === sequence) return Number(row['sequence'])
  }
  return null
}

/** The first row that is not as the entries tell it. */
function compare(
  database: Database,
  told: Told,
  lastAbout: ReadonlyMap<string, number>,
  isRebuilt: boolean,
): LedgerProblem | null {
  const at = (kind: 'capture' | 'session' | 'verdict', id: string, message: string): LedgerProblem => ({
    kind,
    sequence: lastAbout.get(id) ?? null,
    id,
    message,
  })
  const station = database.get(`SELECT value FROM facts WHERE key = 'station_id'`)?.['value'] ?? null
  if (told.station !== station) {
    return { kind: 'changed', sequence: 1, id: null, message: `the store is of station ${station}, the ledger is not` }
  }
  const missing = keptCaptures(told)
  for (const { id, capture } of capturesOf(database)) {
    const known = missing.get(id)
    missing.delete(id)
    if (!known) return at('capture', id, `capture ${capture.number} (${id}) is in no entry`)
    const member = differenceOf(known, capture)
    if (member === null) continue
    const difference =
      member === 'content'
        ? 'its own data were changed'
        : `its ${member} is ${String(capture[member])}, the ledger says ${String(known[member])}`
    return at('capture', id, `capture ${capture.number} (${id}): ${difference}`)
  }
  for (const [id, { number }] of missing)
    return at('capture', id, `capture ${number} (${id}) is missing from the store`)

  const sessions = new Map(told.sessions)
  for (const row of database.all('SELECT id, state FROM sessions ORDER BY number')) {
    const id = String(row['id'])
    const known = sessions.get(id)
    sessions.delete(id)
    if (!known) return at('session', id, `session ${id} is in no entry`)
    if (known.isEnded !== (row['state'] !== 'ACTIVE'))
      return at('session', id, `session ${id} is ${String(row['state'])}, the ledger says otherwise`)
  }
  for (const id of sessions.keys()) return at('session', id, `session ${id} is missing from the store`)

  const verdicts = new Map(told.verdicts)
  for (const { id, number, verdict } of verdictsOf(database)) {
    const known = verdicts.get(id)
    verdicts.delete(id)
    if (!known) return at('verdict', id, `verdict ${number} (${id}) is in no entry`)
    const difference = verdictDifference(known, verdict)
    if (difference !== null) return at('verdict', id, `verdict ${number} (${id}): ${difference}`)
  }
  for (const id of verdicts.keys()) return at('verdict', id, `the verdict ${id} is missing from the store`)
  // A rebuilt store carries the decisions that it could read; of those that it lost, or their entries, nothing can be told.
  return isRebuilt ? null : compareDecisions(database, told)
}

/** The first decision of the review or about a product that is not as the entries tell it. */
function compareDecisions(database: Database, told: Told): LedgerProblem | null {
  const missing = new Map(told.decisions)
  const problem = (id: string, message: string): LedgerProblem => ({ kind: 'decision', sequence: null, id, message })
  for (const row of decisionsOf(database)) {
    const known = missing.get(row.id)
    missing.delete(row.id)
    if (!known) return problem(row.id, `the decision ${row.id} is in no entry`)
    if (known.kind !== row.kind || known.about !== row.about || known.content !== row.content)
      return problem(row.id, `the decision ${row.id} is not what the ledger says: its own data were changed`)
    if (known.delivery !== row.delivery)
      return problem(row.id, `the decision ${row.id} is ${row.delivery}, the ledger says ${known.delivery}`)
  }
  for (const id of missing.keys()) return problem(id, `the decision ${id} is missing from the store`)
  return null
}

function* decisionsOf(database: Database): Generator<ToldDecision & { readonly id: string }> {
  const deliveryOf = (row: Row): ToldDecision['delivery'] => {
    const delivery = String(row['delivery'])
    return delivery === 'sent' || delivery === 'refused' ? delivery : 'made'
  }
  const pages = function* (table: 'reviews' | 'product_edits'): Generator<Row> {
    for (let after = 0; ;) {
      const rows = database.all(`SELECT * FROM ${table} WHERE number > ? ORDER BY number LIMIT 1000`, after)
      yield* rows
      const last = rows.at(-1)
      if (last === undefined) return
      after = Number(last['number'])
    }
  }
  for (const row of pages('reviews')) {
    yield {
      id: String(row['id']),
      kind: String(row['kind']),
      about: String(row['proposal'] ?? row['capture']),
      content: contentOfReview(JSON.parse(String(row['seen'])) as object, row['value'] as string | null),
      delivery: deliveryOf(row),
    }
  }
  for (const row of pages('product_edits')) {
    const [kind, gtin] = [String(row['kind']), String(row['gtin'])]
    const fields = JSON.parse(String(row['fields'])) as ChangedField[]
    const [other, undoes] = [row['other'] as string | null, row['undoes'] as string | null]
    yield {
      id: String(row['id']),
      kind,
      about: gtin,
      content: contentOfEdit({ kind, gtin, other, fields, undoes }),
      delivery: deliveryOf(row),
    }
  }
}
