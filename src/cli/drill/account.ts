import type { DrillCounts } from '#contract/station/drill.ts'
import type { SyncState } from '#contract/station/capture.ts'

/**
 * What the scanner heard of a read. `silence`: it or its station was gone before the answer. `late`: both are there, and
 * there is no answer.
 */
export type Heard = 'saved' | 'refused' | 'silence' | 'late'

/** A code that was handed in; no other read has its text. */
export interface Reading {
  readonly raw: string
  readonly heard: Heard
}

/** A capture as the station's store has it, in the order of the sequence. */
export interface StoredCapture {
  readonly id: string
  readonly raw: string
  readonly sync: SyncState
}

/** A capture as the server has it; `stationCapture` is the station's id. */
export interface ServedCapture {
  readonly id: string
  readonly stationCapture: string
  readonly raw: string
}

export interface Account {
  readonly counts: DrillCounts
  /** Sentences about what must not be, beyond what the counts say. */
  readonly faults: readonly string[]
}

/**
 * Compares what was handed in, in its order, with what the store and the server have. The station's own words are taken
 * for nothing but what they are checked against.
 */
export function takeAccount(
  readings: readonly Reading[],
  stored: readonly StoredCapture[],
  served: readonly ServedCapture[],
): Account {
  const rowsOf = Map.groupBy(stored, ({ raw }) => raw)
  const copiesOf = Map.groupBy(served, ({ stationCapture }) => stationCapture)
  const at = (state: (sync: SyncState) => boolean): number => stored.filter(({ sync }) => state(sync)).length
  const isThere = ({ id, raw }: StoredCapture): boolean => (copiesOf.get(id) ?? []).some((copy) => copy.raw === raw)

  let lost = stored.filter((row) => row.sync === 'sent' && !isThere(row)).length
  let doubled = 0
  let unsaved = 0
  let unheard = 0
  for (const { raw, heard } of readings) {
    const rows = rowsOf.get(raw)?.length ?? 0
    if (rows === 0) unsaved += 1
    if (rows === 0 && heard === 'saved') lost += 1
    if (rows > 0 && (heard === 'silence' || heard === 'late')) unheard += 1
    // Whoever is told that a read was not saved reads it again.
    doubled += heard === 'refused' ? rows : Math.max(0, rows - 1)
  }
  for (const copies of copiesOf.values()) doubled += copies.length - 1
  const known = new Set(stored.map(({ id }) => id))
  for (const stationCapture of copiesOf.keys()) if (!known.has(stationCapture)) doubled += 1

  const place = new Map(readings.map(({ raw }, index) => [raw, index]))
  const places = stored.map(({ raw }) => place.get(raw))
  const faults: string[] = []
  const strangers = places.filter((index) => index === undefined).length
  if (strangers > 0) faults.push(`${strangers} rows hold what was never scanned`)
  else if (places.some((index, row) => row > 0 && Number(index) < Number(places[row - 1])))
    faults.push('the captures are not in the order in which they were scanned')
  const late = readings.filter(({ heard }) => heard === 'late').length
  if (late > 0) faults.push(`${late} scans were never answered`)

  return {
    counts: {
      scanned: readings.length,
      saved: stored.length,
      unsaved,
      unheard,
      accepted: at((sync) => sync === 'sent'),
      refused: at((sync) => sync === 'parked'),
      pending: at((sync) => !isSettled(sync)),
      undecided: at((sync) => sync === 'undecided'),
      lost,
      doubled,
    },
    faults,
  }
}

/** Whether nothing more becomes of a capture by itself. */
export const isSettled = (sync: SyncState): boolean => sync === 'sent' || sync === 'parked' || sync === 'undecided'

/** Why the figures are no go, a sentence each; none when they are. */
export function judge(counts: DrillCounts): string[] {
  const { scanned, saved, unsaved, accepted, refused, pending, undecided, lost, doubled } = counts
  const reasons: string[] = []
  if (lost > 0) reasons.push(`${lost} of ${scanned} scans were lost`)
  if (doubled > 0) reasons.push(`${doubled} scans are there twice`)
  if (pending > 0) reasons.push(`${pending} captures were still waiting when patience ended`)
  if (refused > 0) reasons.push(`the server refused ${refused} captures that were in order`)
  if (scanned !== saved + unsaved || saved !== accepted + refused + pending + undecided)
    reasons.push('the account does not add up')
  return reasons
}

export const nothingCounted: DrillCounts = {
  scanned: 0,
  saved: 0,
  unsaved: 0,
  unheard: 0,
  accepted: 0,
  refused: 0,
  pending: 0,
  undecided: 0,
  lost: 0,
  doubled: 0,
}

export function addCounts(a: DrillCounts, b: DrillCounts): DrillCounts {
  const names = Object.keys(nothingCounted) as (keyof DrillCounts)[]
  return { ...nothingCounted, ...Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) }
}
