import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '#contract/ports.ts'
import type { Store } from '#station/store/store.ts'

/** The first minute after a start belongs to whoever waits for it. */
const usualAfterMs = 60_000
/** So long is waited while somebody scans or takes photos. */
const busyMs = 1_000
/** After each photo the disk is left to others for so many times as long as it took. */
const restTimes = 4

/** Says that no photo lies there as it was before the station had a key; it lies in the store that this key opens. */
const sealedFact = 'photos-sealed'

/**
 * Seals the photos from before the station had a key: behind the start, one at a time, never while somebody works. What is not done
 * when it is closed is done after the next start. Only for a store that was opened with a key.
 */
export function sealOldPhotos(ports: {
  readonly store: Pick<Store, 'media' | 'facts'>
  /** Somebody waits for the disk. */
  readonly isBusy: () => boolean
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly afterMs?: number
}): { close(): Promise<void> } {
  const { store, isBusy, log, afterMs = usualAfterMs } = ports
  const stopping = new AbortController()
  const rest = (ms: number): Promise<void> => delay(ms, undefined, { signal: stopping.signal, ref: false })

  const sealAll = async (): Promise<void> => {
    if (store.facts.get(sealedFact) === 'yes') return
    await rest(afterMs)
    let photos = 0
    const refusals: string[] = []
    for await (const hash of store.media.unsealed()) {
      while (isBusy()) await rest(busyMs)
      const startedMs = performance.now()
      try {
        await store.media.seal(hash)
        photos += 1
      } catch (error) {
        refusals.push((error as Error).message)
      }
      await rest((performance.now() - startedMs) * restTimes)
    }
    if (photos > 0) log.info({ photos }, 'photos from before there was a key were sealed')
    if (refusals.length === 0) store.facts.set(sealedFact, 'yes')
    else log.warn({ photos: refusals.length, error: refusals[0] }, 'photos were not sealed: the next start tries again')
  }

  const sealing = sealAll().catch((error: unknown) => {
    if (stopping.signal.aborted) return
    log.warn({ error: (error as Error).message }, 'photos were not sealed: the next start tries again')
  })
  return {
    close() {
      stopping.abort()
      return sealing
    },
  }
}
