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

/** While it says so, pieces of what was wiped may still lie in the store's file. */
const owed = 'wipe-unsettled'

/**
 * Wipes sessions with their captures and photos, and what was read at the gate, when their time is over: the files first, each looked
 * for afterwards, then the rows, told to the ledger in one transaction, and, once nobody works, what is left of them in the store's
 * file. Nothing goes that something waits for.
 */
export async function wipeOldRows(ports: {
  readonly store: Pick<Store, 'wiping' | 'media' | 'ledger' | 'facts' | 'transaction'>
  /** Nobody scans now. */
  readonly isQuiet: () => boolean
  readonly clock: Clock
  readonly log: Log
  /** 0: never. */
  readonly sessionDays: number
  readonly gateDays: number
}): Promise<void> {
  const { store, clock, log, sessionDays, gateDays } = ports
  const before = (days: number): string => new Date(clock.now().getTime() - days * dayMs).toISOString()
  const wiped = { sessions: 0, captures: 0, verdicts: 0 }
  const sessions = sessionDays === 0 ? [] : store.wiping.dueSessions(before(sessionDays), looked)
  for (const session of sessions) {
    const photos = store.wiping.photosOf(session).filter(({ hash }) => store.media.has(hash))
    const files = photos.flatMap(({ hash, upload, thumbnail }) => [hash, upload, thumbnail])
    const gone = await Promise.all(files.map((one) => store.media.wipe(one)))
    if (!gone.every(Boolean)) {
      log.error({}, 'a photo could not be wiped, and its session stays')
      continue
    }
    const captures = store.transaction(() => {
      store.facts.set(owed, 'yes')
      for (let from = 0; from < photos.length; from += named) {
        const hashes = photos.slice(from, from + named).map(({ hash }) => hash)
        store.ledger.append({ kind: 'photos.wiped', photos: hashes })
      }
      return store.wiping.wipeSession(session)
    })
    if (captures !== null) {
      wiped.sessions += 1
      wiped.captures += captures
    }
    // Scans come first.
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (let count = gateDays === 0 ? 0 : named; count === named;) {
    count = store.transaction(() => {
      const some = store.wiping.wipeVerdicts(before(gateDays), named)
      if (some > 0) store.facts.set(owed, 'yes')
      return some
    })
    wiped.verdicts += count
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (wiped.sessions + wiped.verdicts > 0) log.info({ ...wiped }, 'sessions and reads were wiped, their time was over')
  if (store.facts.get(owed) !== 'yes' || !ports.isQuiet()) return
  store.wiping.settle()
  store.facts.set(owed, 'no')
}
