import type { Clock, Log } from '#contract/ports.ts'
import type { UnreadPhoto } from '#contract/station/review.ts'
import type { Instant } from '#contract/station/values.ts'
import { isMissing, type ScannerClient } from '#station/remote/scanner-client.ts'
import type { Store } from '#station/store/store.ts'

/** Has the backend asked for proposals while somebody reviews. */
export interface ProposalFetch {
  /** Somebody looks: asks, unless that was a moment ago or is under way. */
  want(): void
  readonly fetchedAt: Instant | null
  readonly error: string | null
  /** Resolves when what is under way has ended. */
  close(): Promise<void>
}

/** The backend is asked so often at most. */
const everyMs = 10_000
/** A site has no more open than it can ever review; what lies behind comes when the first are done. */
const pageLimit = 200
/** Captures that are asked about one by one. */
const singly = 50

/** Fetches what can be reviewed, a page at a time, so that no scan waits for it. */
export function createProposalFetch(ports: {
  readonly store: Store
  readonly remote: ScannerClient
  readonly clock: Clock
  readonly log: Log
  /** The backend is not to be asked now. */
  readonly isPaused: () => boolean
  readonly onChange: (captureIds: readonly string[]) => void
}): ProposalFetch {
  const { store, remote, clock } = ports
  let lastMs = Number.NEGATIVE_INFINITY
  let running: Promise<void> | null = null
  let isClosed = false
  let fetchedAt: Instant | null = null
  let error: string | null = null

  const keep = (found: Parameters<Store['reviews']['keep']>[0]): void => {
    const changed = store.reviews.keep(found)
    if (changed.length > 0) ports.onChange(changed)
  }

  const askSingly = async (captureIds: readonly string[]): Promise<string | null> => {
    for (const id of captureIds) {
      if (isClosed) return null
      const answer = await remote.captureProposals(id)
      if (answer.ok) keep(answer.value.filter((each) => each.captureId === id))
      else if (answer.failure.status !== 404) return answer.failure.message
    }
    return null
  }

  const fetchAll = async (): Promise<string | null> => {
    const seen = new Set<string>()
    for (let page = 1; page <= pageLimit && !isClosed; page += 1) {
      const answer = await remote.listProposals(page)
      if (!answer.ok) {
        // Not every backend lists them over all captures: then this station's own are asked about.
        const isUnknown = isMissing(answer.failure) && page === 1
        return isUnknown ? askSingly(store.reviews.ownCaptures(singly)) : answer.failure.message
      }
      keep(answer.value.proposals)
      for (const { id } of answer.value.proposals) seen.add(id)
      if (!answer.value.hasNext) return askSingly(store.reviews.capturesWithout(seen).slice(0, singly))
    }
    return null
  }

  /** Those that wait for a person; a backend that has no such list leaves none. */
  const fetchUnread = async (): Promise<string | null> => {
    const found: UnreadPhoto[] = []
    for (let page = 1; page <= pageLimit && !isClosed; page += 1) {
      const answer = await remote.listUnread(page)
      if (!answer.ok && !(isMissing(answer.failure) && page === 1)) return answer.failure.message
      if (answer.ok) found.push(...answer.value.photos)
      if (answer.ok && answer.value.hasNext) continue
      // Only of the whole list can be told what is not in it any more.
      const changed = store.reviews.keepUnread(found)
      if (changed.length > 0) ports.onChange(changed)
      return null
    }
    return null
  }

  return {
    want() {
      if (running !== null || isClosed || ports.isPaused() || clock.monotonicMs() - lastMs < everyMs) return
      lastMs = clock.monotonicMs()
      running = fetchAll()
        .then(async (fault) => fault ?? (await fetchUnread()))
        .then((fault) => {
          error = fault
          if (fault === null) fetchedAt = clock.now().toISOString()
        })
        .catch((cause: unknown) => {
          // Another bug than the backend's: the review goes on with what is here.
          error = 'an unexpected fault; the log has the details'
          ports.log.error({ error: cause instanceof Error ? cause.stack : String(cause) }, 'proposals were not fetched')
        })
        .finally(() => {
          running = null
          if (!isClosed) ports.onChange([])
        })
    },
    get fetchedAt() {
      return fetchedAt
    },
    get error() {
      return error
    },
    async close() {
      isClosed = true
      await running
    },
  }
}
