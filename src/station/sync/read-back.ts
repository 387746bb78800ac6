import type { CaptureList, KeptCapture, RemoteResult, ScannerClient } from '#station/remote/scanner-client.ts'

/** Above so many captures a session is read in pages, newest first, instead of as a whole. */
const wholeSession = 1_000
/** How often a list that shrinks while it is read is begun anew. */
const readings = 3
/** How often a page is asked for: of hundreds some fail on a bad line, and reading must come to an end all the same. */
const tries = 5

/** What is looked for: by the ids of our captures, no further back than that (epoch, the backend's clock). */
export interface Wanted {
  readonly captureIds: ReadonlySet<string>
  /** Null when nothing is known of the backend's clock: then all there is is read. */
  readonly notBeforeMs: number | null
}

/**
 * Reads which captures a session has at the backend, as far as they can be those wanted.
 *
 * A session's detail is one answer at one moment; that of a large session is long, so there the list is tried first.
 */
export async function readBack(
  remote: ScannerClient,
  sessionId: string,
  capturesHere: number,
  wanted: Wanted,
): Promise<RemoteResult<KeptCapture[]>> {
  if (capturesHere > wholeSession) {
    for (let reading = 0; reading < readings; reading += 1) {
      const listed = await readPages(remote, sessionId, wanted)
      if (listed === 'no list') break
      if (listed === 'shifted') continue
      return listed
    }
  }
  const detail = await remote.sessionCaptures(sessionId)
  return detail.ok ? { ok: true, value: [...detail.value.values()] } : detail
}

/**
 * Reads pages until everything wanted was seen or can no longer come. New captures push others on to later pages, where
 * they are seen twice; a deletion pulls them on to pages that have been read already, so the reading begins anew.
 */
async function readPages(
  remote: ScannerClient,
  sessionId: string,
  wanted: Wanted,
): Promise<RemoteResult<KeptCapture[]> | 'no list' | 'shifted'> {
  const found = new Map<string, KeptCapture>()
  const missing = new Set(wanted.captureIds)
  let total = 0
  let lastMs = Number.POSITIVE_INFINITY
  let isNewestFirst = true
  for (let page = 1; ; page += 1) {
    const answer = await readPage(remote, sessionId, page)
    if (!answer.ok) return answer.failure.kind === 'refused' && page === 1 ? 'no list' : answer
    const { captures, hasNext } = answer.value
    if (answer.value.total === null) return 'no list'
    if (answer.value.total < total) return 'shifted'
    total = answer.value.total
    for (const capture of captures) {
      found.set(capture.remoteId, capture)
      if (capture.stationCapture !== null) missing.delete(capture.stationCapture)
      isNewestFirst &&= capture.createdMs !== null && capture.createdMs <= lastMs
      lastMs = capture.createdMs ?? lastMs
    }
    const isPast = isNewestFirst && wanted.notBeforeMs !== null && lastMs < wanted.notBeforeMs
    if (missing.size === 0 || isPast || !hasNext || captures.length === 0) {
      return { ok: true, value: [...found.values()] }
    }
  }
}

/** Asks again at once where only this answer was lost; what says to wait, or that nobody is there, is left to the caller. */
async function readPage(remote: ScannerClient, sessionId: string, page: number): Promise<RemoteResult<CaptureList>> {
  for (let left = tries - 1; ; left -= 1) {
    const answer = await remote.listCaptures(sessionId, page)
    if (answer.ok || left === 0) return answer
    const { kind, taken, retryAfterMs } = answer.failure
    const isSingle = kind === 'unreachable' ? taken !== 'no' : kind === 'busy' && retryAfterMs === null
    if (!isSingle) return answer
  }
}
