import type { Clock, Log } from '#contract/ports.ts'
import type { Store } from '#station/store/store.ts'

const dayMs = 86_400_000
/** So many are looked at between two turns of the loop, and so many named by an entry of the ledger. */
const looked = 1_000
const named = 100

/**
 * Wipes the photos whose time is over: the original, what was uploaded, and the small picture. Captures stay, and so do
 * photos that the backend does not have yet, however old. Each batch is looked for afterwards and told to the ledger by its
 * hashes: who has a file can tell whether it was one of them. Answers how many photos were wiped.
 */
export async function wipeOldPhotos(ports: {
  readonly store: Pick<Store, 'photos' | 'media' | 'ledger' | 'transaction'>
  readonly clock: Clock
  readonly log: Log
  /** 0: never. */
  readonly keepDays: number
}): Promise<number> {
  const { store, clock, log, keepDays } = ports
  if (keepDays === 0) return 0
  const before = new Date(clock.now().getTime() - keepDays * dayMs).toISOString()
  let after: Parameters<typeof store.photos.due>[1] = null
  let sum = 0
  for (;;) {
    const due = store.photos.due(before, after, looked)
    after = due.at(-1) ?? after
    const wiped: string[] = []
    for (const { hash, upload, thumbnail } of due) {
      if (![hash, upload, thumbnail].some((one) => store.media.has(one))) continue
      const gone = await Promise.all([hash, upload, thumbnail].map((one) => store.media.wipe(one)))
      if (gone.every(Boolean)) wiped.push(hash)
      else log.error({}, 'a photo could not be wiped')
    }
    for (let from = 0; from < wiped.length; from += named) {
      const photos = wiped.slice(from, from + named)
      store.transaction(() => store.ledger.append({ kind: 'photos.wiped', photos }))
    }
    sum += wiped.length
    if (due.length < looked) break
    // Scans come first.
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (sum > 0) log.info({ photos: sum, keepDays }, 'photos were wiped, their time was over')
  return sum
}
