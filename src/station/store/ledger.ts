import { hash } from 'node:crypto'
import type { Clock } from '#contract/ports.ts'
import { canonicalJson } from '#domain/canonical-json.ts'
import type { Database, Row } from '#station/store/database.ts'
import type { LedgerFact } from '#station/store/ledger-facts.ts'

/** The place of an entry in the chain. */
export interface LedgerHead {
  /** 0 before the first entry. */
  readonly sequence: number
  /** SHA-256 of the entry's text, in lower-case hex; 64 zeros before the first entry. */
  readonly hash: string
}

/**
 * The ledger: what became of every capture, entry after entry, each with the hash of the one before
 * (docs/ledger.md). Entries are never changed or deleted.
 */
export interface Ledger {
  /**
   * Records a fact in the transaction that makes it true, so that the ledger and the store cannot disagree; outside of
   * one it throws. Entries are written, together, just before the commit.
   */
  append(fact: LedgerFact): void
  /** The last entry, those of the open transaction included. */
  head(): LedgerHead
}

/** What the first entry follows. */
export const beforeTheFirst: LedgerHead = { sequence: 0, hash: '0'.repeat(64) }

/** SHA-256 of a text's UTF-8 bytes, in lower-case hex. */
export const sha256 = (text: string): string => hash('sha256', text)

/** Keeps the ledger in its table. There may be one for a database: it knows the head. */
export function createLedger(database: Database, clock: Clock): Ledger {
  let committed = readHead(database)
  let head = committed
  let pending: { readonly sequence: number; readonly text: string; readonly hash: string }[] = []

  database.onCommit({
    before() {
      for (const entry of pending) {
        database.run(
          'INSERT INTO ledger (sequence, entry, hash) VALUES (?, ?, ?)',
          entry.sequence,
          entry.text,
          entry.hash,
        )
      }
    },
    after(isCommitted) {
      if (isCommitted) committed = head
      else head = committed
      pending = []
    },
  })

  return {
    append(fact) {
      if (!database.isInTransaction()) throw new Error('a fact is recorded in the transaction that makes it true')
      const sequence = head.sequence + 1
      const text = canonicalJson({
        ...fact,
        sequence,
        previous: head.hash,
        at: clock.now().toISOString(),
        monotonicMs: Math.round(clock.monotonicMs()),
      })
      head = { sequence, hash: sha256(text) }
      pending.push({ sequence, text, hash: head.hash })
    },
    head: () => head,
  }
}

/** The last entry. A number that a lost entry had is not given again: the gap it left stays a gap. */
export function readHead(database: Database): LedgerHead {
  const last = database.get('SELECT hash FROM ledger ORDER BY sequence DESC LIMIT 1')
  const sequence = database.get(`SELECT seq FROM sqlite_sequence WHERE name = 'ledger'`)?.['seq'] ?? 0
  return { sequence: Number(sequence), hash: String(last?.['hash'] ?? beforeTheFirst.hash) }
}

/**
 * Columns of a capture that change: recorded by entries of their own, following from what is recorded, or the backend's
 * findings about the product, for which the station does not answer. Every other column is written once.
 */
const changingColumns: ReadonlySet<string> = new Set([
  'sequence',
  'session_id',
  'quantity',
  'disposition',
  'gtin',
  'state',
  'sync',
  'error_message',
  'remote_id',
  'remote_photo',
  'product_id',
  'product_name',
  'commit_ms',
  'photo_view',
  'item_key',
  'repeat_of',
  'marks',
  'best_mark',
  // Asked for beside the columns.
  'is_undecided',
])

/** What the ledger keeps of a capture's further codes: of none the empty text, then the digest of one after another. */
export const marksOf = (before: string, mark: Row): string => sha256(before + contentOf(mark))

/**
 * What the ledger keeps of a capture's own columns: the SHA-256 of those that never change and are not null, by name,
 * as canonical JSON; bytes as hex. A column that a later schema adds, empty for the old rows, changes no digest.
 */
export function contentOf(row: Row, columns: readonly string[] = contentColumns(row)): string {
  // The columns are sorted and none is a number: an object keeps their order, and JSON.stringify writes it canonically.
  const kept: Record<string, string | number> = {}
  for (const name of columns) {
    const value = row[name]
    // SQLite's texts are UTF-8: of half a surrogate pair it keeps U+FFFD.
    if (typeof value === 'string') kept[name] = value.toWellFormed()
    else if (typeof value === 'number') kept[name] = value
    else if (value instanceof Uint8Array) kept[name] = Buffer.from(value).toString('hex')
  }
  return sha256(JSON.stringify(kept))
}

/** The columns of a row that are in its digest, in the order in which they are. */
export function contentColumns(row: Row): string[] {
  return Object.keys(row)
    .filter((name) => !changingColumns.has(name))
    .toSorted()
}
