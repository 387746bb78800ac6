import type { Clock } from '#contract/ports.ts'
import type { Certificate, CertificateCounts, ClockReading } from '#contract/station/ledger.ts'
import type { Session } from '#contract/station/session.ts'
import type { Database } from '#station/store/database.ts'
import type { ToldCapture } from '#station/store/ledger-facts.ts'
import { readHead } from '#station/store/ledger.ts'

/** Which of the certificate's figures a capture belongs to: one of them, always. */
function figureOf({ disposition, sync }: Pick<ToldCapture, 'disposition' | 'sync'>): keyof CertificateCounts {
  if (sync === 'discarded') return 'discarded'
  if (disposition !== 'counted') return 'notCounted'
  switch (sync) {
    case 'sent':
      return 'accepted'
    case 'parked':
      return 'refused'
    case 'undecided':
      return 'undecided'
    default:
      return 'pending'
  }
}

/** Adds captures up. `scanned` counts them too: whoever counts rows sets it to what the ledger has seen. */
export function countUp(
  captures: Iterable<Pick<ToldCapture, 'disposition' | 'sync'> & { readonly captures?: number }>,
): CertificateCounts {
  const counts = {
    scanned: 0,
    saved: 0,
    accepted: 0,
    refused: 0,
    pending: 0,
    undecided: 0,
    discarded: 0,
    notCounted: 0,
  }
  for (const capture of captures) {
    const number = capture.captures ?? 1
    counts[figureOf(capture)] += number
    counts.saved += number
    counts.scanned += number
  }
  return counts
}

/** Certifies what a session came to up to now. Call outside of a transaction. */
export function certify(
  database: Database,
  clock: Clock,
  station: { readonly id: string; readonly name: string; readonly clock: ClockReading },
  session: Session,
): Certificate {
  // One view of everything: another process may be writing when this one only reads.
  database.exec('BEGIN')
  try {
    const rows = database.all(
      `SELECT c.disposition, count(*) AS captures, iif(EXISTS (SELECT 1 FROM outbox o
         WHERE o.capture_id = c.id AND o.state = 'undecided'), 'undecided', c.sync) AS standing
       FROM captures c WHERE c.session_id = ? GROUP BY 1, 3`,
      session.id,
    )
    const counts = countUp(
      rows.map((row) => ({
        disposition: row['disposition'] as ToldCapture['disposition'],
        sync: row['standing'] as ToldCapture['sync'],
        captures: Number(row['captures']),
      })),
    )
    // Entries are canonical: their text holds just this, and looking for it is much faster than reading each as JSON. Of
    // a capture that was moved the last entry tells the session.
    const scanned = database.get(
      `SELECT count(*) AS scanned FROM (
         SELECT entry ->> 'session' AS session, max(sequence) FROM ledger
         WHERE ((instr(entry, '"kind":"capture.saved"') OR instr(entry, '"kind":"capture.carried"')) AND instr(entry, ?))
           OR instr(entry, '"kind":"capture.moved"')
         GROUP BY entry ->> 'capture') WHERE session = ?`,
      `"session":"${session.id}"`,
      session.id,
    )
    const { sequence, hash } = readHead(database)
    return {
      format: 'capstan-certificate-1',
      station: { id: station.id, name: station.name },
      session: { id: session.id, label: session.label, openedAt: session.openedAt, endedAt: session.endedAt },
      counts: { ...counts, scanned: Number(scanned?.['scanned'] ?? 0) },
      ledger: { sequence, hash },
      issuedAt: clock.now().toISOString(),
      clock: station.clock,
      signature: null,
    }
  } finally {
    database.exec('COMMIT')
  }
}
