import type { Database, Row } from '#station/store/database.ts'
import {
  applyFact,
  keptCaptures,
  nothingTold,
  readEntry,
  type Told,
  type ToldCapture,
  type ToldVerdict,
} from '#station/store/ledger-facts.ts'
import { contentColumns, contentOf, marksOf, type Ledger } from '#station/store/ledger.ts'
import { verdictContent } from '#station/store/verdicts.ts'

/**
 * Makes sure that the ledger tells what the store holds, at the start. A store from before the ledger gets an entry for
 * each of its rows, marked as carried over; so does a rebuilt one for each row that its entries tell otherwise.
 */
export function carryOver(
  database: Database,
  ledger: Ledger,
  options: { readonly stationId: string; readonly setAsideAs: string | null },
): void {
  if (ledger.head().sequence > 0 && options.setAsideAs === null) return
  database.transaction(() => {
    const { told, lost } = tell(database)
    if (told.station === null && ledger.head().sequence === 0)
      ledger.append({ kind: 'ledger.begun', station: options.stationId, format: 1 })
    if (options.setAsideAs !== null) ledger.append({ kind: 'store.recovered', setAsideAs: options.setAsideAs, lost })
    for (const session of database.all('SELECT id, state FROM sessions ORDER BY number')) {
      const id = String(session['id'])
      const known = told.sessions.get(id)
      if (!known) ledger.append({ kind: 'session.opened', session: id })
      if (session['state'] !== 'ACTIVE' && !known?.isEnded) ledger.append({ kind: 'session.ended', session: id })
    }
    const missing = keptCaptures(told)
    for (const { id, capture } of capturesOf(database)) {
      const known = missing.get(id)
      missing.delete(id)
      if (known && differenceOf(known, capture) === null) continue
      ledger.append({ kind: 'capture.carried', capture: id, ...capture })
    }
    for (const id of missing.keys()) ledger.append({ kind: 'capture.lost', capture: id })
    for (const { id, verdict } of verdictsOf(database)) {
      const known = told.verdicts.get(id)
      told.verdicts.delete(id)
      if (known && verdictDifference(known, verdict) === null) continue
      ledger.append({ kind: 'gate.carried', verdict: id, ...verdict })
    }
    for (const id of told.verdicts.keys()) ledger.append({ kind: 'gate.lost', verdict: id })
  })
}

/** What the readable entries tell, and which are missing between them. */
function tell(database: Database): { told: Told; lost: { from: number; to: number }[] } {
  const told = nothingTold()
  const lost: { from: number; to: number }[] = []
  let last = 0
  for (const row of entriesOf(database)) {
    const entry = readEntry(String(row['entry']))
    const sequence = Number(row['sequence'])
    if (sequence > last + 1) lost.push({ from: last + 1, to: sequence - 1 })
    last = sequence
    if (entry) applyFact(told, entry.fact)
  }
  const written = Number(database.get(`SELECT seq FROM sqlite_sequence WHERE name = 'ledger'`)?.['seq'] ?? 0)
  if (written > last) lost.push({ from: last + 1, to: written })
  return { told, lost }
}

/** The ledger's rows in order; reads in pages, so that memory stays flat. */
export function* entriesOf(database: Database): Generator<Row> {
  let after = -Number.MAX_SAFE_INTEGER
  for (;;) {
    const rows = database.all('SELECT * FROM ledger WHERE sequence > ? ORDER BY sequence LIMIT 1000', after)
    if (rows.length === 0) return
    yield* rows
    after = Number(rows.at(-1)?.['sequence'])
  }
}

/** The captures' rows in order, as the ledger would tell them. */
export function* capturesOf(database: Database): Generator<{ id: string; capture: ToldCapture }> {
  let after = 0
  for (;;) {
    const rows = database.all(
      `SELECT c.*, EXISTS (SELECT 1 FROM outbox o WHERE o.capture_id = c.id AND o.state = 'undecided') AS is_undecided
       FROM captures c WHERE c.sequence > ? ORDER BY c.sequence LIMIT 500`,
      after,
    )
    if (rows.length === 0) return
    const columns = contentColumns(rows[0] ?? {})
    for (const row of rows) {
      const marks = Number(row['marks']) === 0 ? '' : marksDigest(database, String(row['id']))
      yield { id: String(row['id']), capture: { ...toTold(row, columns), marks } }
    }
    after = Number(rows.at(-1)?.['sequence'])
  }
}

/** The verdicts' rows in order, as the ledger would tell them. */
export function* verdictsOf(database: Database): Generator<{ id: string; number: number; verdict: ToldVerdict }> {
  let after = 0
  for (;;) {
    const rows = database.all('SELECT * FROM verdicts WHERE number > ? ORDER BY number LIMIT 500', after)
    if (rows.length === 0) return
    for (const row of rows) {
      // Told with the verdict itself, it has no entry of its own.
      const isSettled = row['compared'] !== null || row['report'] === 'refused' || row['report'] === 'doubtful'
      yield {
        id: String(row['id']),
        number: Number(row['number']),
        verdict: {
          content: verdictContent(row),
          isUndone: row['undone_at'] !== null,
          report: isSettled ? (row['report'] as ToldVerdict['report']) : null,
          agrees: row['agrees'] === null ? null : row['agrees'] === 1,
        },
      }
    }
    after = Number(rows.at(-1)?.['number'])
  }
}

/**
 * What of a verdict's row is not as the ledger tells it; null when they agree. What became of the record of one that was
 * decided while somebody was asked stands in the row alone.
 */
export function verdictDifference(told: ToldVerdict, row: ToldVerdict): string | null {
  if (told.content !== row.content) return 'its own data were changed'
  if (told.isUndone !== row.isUndone)
    return row.isUndone ? 'it was taken back without an entry' : 'it is not taken back'
  if (told.agrees !== row.agrees) return 'the site is said to have told otherwise'
  return told.report !== null && row.report !== null && told.report !== row.report
    ? `its record is ${row.report}, the ledger says ${told.report}`
    : null
}

function toTold(row: Row, columns: readonly string[]): Omit<ToldCapture, 'marks'> {
  return {
    number: Number(row['sequence']),
    session: String(row['session_id']),
    content: contentOf(row, columns),
    quantity: Number(row['quantity']),
    disposition: row['disposition'] as ToldCapture['disposition'],
    sync: row['is_undecided'] === 1 ? 'undecided' : (row['sync'] as ToldCapture['sync']),
    remote: row['remote_id'] as string | null,
  }
}

/** The digest of a capture's further codes. */
export function marksDigest(database: Database, id: string): string {
  return database.all('SELECT * FROM marks WHERE capture_id = ? ORDER BY number', id).reduce(marksOf, '')
}

/** The first member in which a row is not as the ledger tells it; null when they agree. */
export function differenceOf(told: ToldCapture, row: ToldCapture): keyof ToldCapture | null {
  const members = ['number', 'session', 'content', 'quantity', 'disposition', 'sync', 'remote', 'marks'] as const
  return members.find((member) => told[member] !== row[member]) ?? null
}
