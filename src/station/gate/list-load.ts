import type { Log } from '#contract/ports.ts'
import type { ListHead, ListKey } from '#contract/gate/site.ts'
import type { AppError } from '#contract/result.ts'
import type { PassList } from '#station/gate/pass-list.ts'
import type { GateClient } from '#station/remote/gate-client.ts'
import type { RemoteFailure } from '#station/remote/requests.ts'

/** How a load ended: everything is there, it was stopped, or the next one has to go on where this one was. */
export type Loaded =
  | { readonly outcome: 'current' | 'stopped' }
  | { readonly outcome: 'failed'; readonly error: AppError | RemoteFailure }

/**
 * Brings the list up to the site's state, page by page; each page is kept before the next one is asked for, so that a load
 * that was interrupted, by a restart too, goes on where it was.
 *
 * A list that cannot go on (another one has taken its place at the site, or its pages do not follow what is here) is
 * begun anew, once.
 */
export async function loadList(options: {
  readonly client: Pick<GateClient, 'list' | 'listKey'>
  readonly list: PassList
  readonly log: Log
  readonly signal: AbortSignal
  /** The key that pages are checked by; asked for and kept by the caller. */
  readonly key: () => Promise<ListKey | RemoteFailure>
  readonly onProgress: (head: ListHead) => void
}): Promise<Loaded> {
  const { client, list, signal } = options
  const key = await options.key()
  if (!('key' in key)) return { outcome: 'failed', error: key }
  let isAnew = false
  for (;;) {
    if (signal.aborted) return { outcome: 'stopped' }
    const page = await client.list(list.state?.at ?? 0)
    if (signal.aborted) return { outcome: 'stopped' }
    if (!page.ok) {
      // 410: the site has forgotten the changes that would come next.
      if (page.failure.status !== 410 || isAnew) return { outcome: 'failed', error: page.failure }
      isAnew = true
      list.wipe()
      continue
    }
    if (page.value === null) return { outcome: 'current' }
    const taken = list.take(page.value)
    if (!taken.ok) {
      if (taken.error.code !== 'invalid_input' || isAnew) return { outcome: 'failed', error: taken.error }
      options.log.warn({ error: taken.error.message }, 'the list of passes is begun anew')
      isAnew = true
      list.wipe()
      continue
    }
    options.onProgress(taken.value)
    if (taken.value.left === 0) return { outcome: 'current' }
    // Scans come first: a page is the longest that one waits.
    await new Promise((resolve) => setImmediate(resolve))
  }
}
