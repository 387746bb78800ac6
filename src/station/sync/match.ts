import type { KeptCapture } from '#station/remote/scanner-client.ts'

/** A capture that was sent and whose answer was lost. */
export interface Doubt {
  readonly captureId: string
  readonly raw: string
  readonly type: string
  /** When it was first sent, by the backend's clock; null when that is not known. */
  readonly backendMs: number | null
}

/** `there`: it is this one, and `doubles` are it too. `undecided`: it is one of these, or none. */
export type Verdict =
  | { readonly kind: 'there'; readonly kept: KeptCapture; readonly doubles: readonly KeptCapture[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'undecided'; readonly candidates: readonly KeptCapture[] }

/** The backend's clock is known to a second, and what was sent needs a while to arrive. */
export const slackMs = 5_000

/**
 * Tells which of a session's doubtful captures the backend has, from what it keeps of that session.
 *
 * Our id in a capture's metadata settles it. A backend that keeps no metadata shows none of our ids: there the raw value,
 * the type and the time must fit, and there must be exactly as many captures that nobody else has a claim to
 * (`isClaimed`) as are looked for. Everything else is undecided: nothing is guessed.
 */
export function judge(
  doubts: readonly Doubt[],
  kept: readonly KeptCapture[],
  isClaimed: (remoteId: string) => boolean,
): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>()
  const byOurId = Map.groupBy(
    kept.filter(({ stationCapture }) => stationCapture !== null),
    ({ stationCapture }) => stationCapture,
  )
  const unnamed: Doubt[] = []
  for (const doubt of doubts) {
    const [first, ...doubles] = (byOurId.get(doubt.captureId) ?? []).toSorted(byAge)
    if (first) verdicts.set(doubt.captureId, { kind: 'there', kept: first, doubles })
    else if (byOurId.size > 0) verdicts.set(doubt.captureId, { kind: 'absent' })
    else unnamed.push(doubt)
  }
  for (const alike of Map.groupBy(unnamed, ({ raw, type }) => JSON.stringify([raw, type])).values()) {
    const possible = kept.filter(
      (each) =>
        each.raw === alike[0]?.raw &&
        (each.type === alike[0].type || each.type === 'unknown') &&
        !isClaimed(each.remoteId),
    )
    judgeAlike(alike, possible, verdicts)
  }
  return verdicts
}

function judgeAlike(alike: readonly Doubt[], possible: readonly KeptCapture[], verdicts: Map<string, Verdict>): void {
  const fits = (doubt: Doubt, each: KeptCapture): boolean =>
    doubt.backendMs === null || each.createdMs === null || each.createdMs >= doubt.backendMs - slackMs
  const sought: Doubt[] = []
  for (const doubt of alike) {
    if (possible.some((each) => fits(doubt, each))) sought.push(doubt)
    else verdicts.set(doubt.captureId, { kind: 'absent' })
  }
  const inOrder = sought.toSorted((one, other) => (one.backendMs ?? 0) - (other.backendMs ?? 0))
  const candidates = possible.filter((each) => sought.some((doubt) => fits(doubt, each))).toSorted(byAge)
  const isKnown = (doubt: Doubt, each: KeptCapture | undefined): boolean =>
    each !== undefined && doubt.backendMs !== null && each.createdMs !== null && fits(doubt, each)
  const isCertain =
    candidates.length === inOrder.length && inOrder.every((doubt, index) => isKnown(doubt, candidates[index]))
  for (const [index, doubt] of inOrder.entries()) {
    const own = candidates[index]
    verdicts.set(
      doubt.captureId,
      isCertain && own
        ? { kind: 'there', kept: own, doubles: [] }
        : { kind: 'undecided', candidates: candidates.filter((each) => fits(doubt, each)) },
    )
  }
}

/** Oldest first. */
function byAge(one: KeptCapture, other: KeptCapture): number {
  return (one.createdMs ?? 0) - (other.createdMs ?? 0)
}
