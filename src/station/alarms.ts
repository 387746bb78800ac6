import type { Clock, Ids, Log } from '#contract/ports.ts'
import { keptDisagreementsSchema, type Disagreement } from '#contract/station/status.ts'
import type { Store } from '#station/store/store.ts'

/** How often events and answers of devices are compared. */
const auditMs = 1_000
const keptLimit = 20

type Found = Omit<Disagreement, 'id' | 'at'>

/** Devices of which not every read had its answer: kept over restarts, until a person has seen it. */
export interface Alarms {
  list(): Disagreement[]
  /** One for each device: a newer one takes the place of an older. */
  raise(found: readonly Found[]): void
  acknowledge(id: string): void
  close(): void
}

/** Asks `audit` once a second. */
export function createAlarms(ports: {
  readonly store: Pick<Store, 'facts'>
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  readonly audit: () => readonly Found[]
  readonly onChange: () => void
}): Alarms {
  const { store, clock, ids, log } = ports
  let kept: readonly Disagreement[] = (store.facts.read('disagreements', keptDisagreementsSchema) ?? []).filter(
    (one) => one !== null,
  )
  const keep = (changed: readonly Disagreement[]): void => {
    kept = changed.slice(-keptLimit)
    try {
      store.facts.set('disagreements', JSON.stringify(kept))
    } catch (error) {
      log.error({ error: (error as Error).message }, 'an alarm could not be kept')
    }
    ports.onChange()
  }
  const raise = (found: readonly Found[]): void => {
    if (found.length === 0) return
    for (const one of found) log.error({ ...one }, 'device events and answers disagree')
    const ofOthers = kept.filter(({ deviceId }) => !found.some((one) => one.deviceId === deviceId))
    keep([...ofOthers, ...found.map((one) => ({ id: ids.next(), at: clock.now().toISOString(), ...one }))])
  }
  const timer = setInterval(() => raise(ports.audit()), auditMs)
  timer.unref()
  return {
    list: () => [...kept],
    raise,
    acknowledge: (id) => keep(kept.filter((one) => one.id !== id)),
    close: () => clearInterval(timer),
  }
}
