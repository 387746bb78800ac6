import { onTestFinished } from 'vitest'
import type { Session } from '#contract/station/session.ts'
import { createScannerClient } from '#station/remote/scanner-client.ts'
import type { Store } from '#station/store/store.ts'
import { createSync, type Sync } from '#station/sync/sync.ts'
import {
  addCapture,
  createClock,
  createKeptLog,
  openTestSession,
  openTestStore,
  temporaryFolder,
  until,
  type KeptLog,
  type ManualClock,
} from '../parts.ts'

export interface SyncParts {
  readonly store: Store
  readonly session: Session
  readonly clock: ManualClock
  readonly log: KeptLog
  readonly sync: Sync
  readonly changed: Set<string>
  scan(raw: string): string
  /** Lets time pass in steps, so that whatever waits for it goes on, until `isSo` holds. */
  pass(isSo: () => boolean, stepMs?: number): Promise<void>
  drained(stepMs?: number): Promise<string>
}

/** A store, an open session and a worker on a real server; time passes only when the test says so. */
export function startSync(
  url: string,
  options: {
    dataDir?: string
    apiKey?: () => string
    clock?: ManualClock
    /** Captures that are there before the worker starts. */
    raws?: readonly string[]
    quietMs?: number
  } = {},
): SyncParts {
  const clock = options.clock ?? createClock()
  const log = createKeptLog()
  const store = openTestStore({ dataDir: options.dataDir ?? temporaryFolder(), clock, log })
  const session = store.sessions.current() ?? openTestSession(store)
  for (const raw of options.raws ?? []) addCapture(store, session.id, { raw })
  const changed = new Set<string>()
  const sync = createSync({
    store,
    remote: createScannerClient({
      fetch,
      url,
      credential: () => Promise.resolve(options.apiKey?.() ?? 'THE-KEY'),
      userAgent: 'Capstan/test',
      now: clock.now,
    }),
    clock,
    random: () => 0.5,
    log,
    stationId: 'STATION',
    onCaptures: (ids) => ids.forEach((id) => changed.add(id)),
    onSession: () => undefined,
    onBackend: () => undefined,
    ...(options.quietMs === undefined ? {} : { quietMs: options.quietMs }),
  })
  onTestFinished(async () => {
    await sync.close()
    try {
      store.close()
    } catch {
      // The test has closed it.
    }
  })
  const pass = async (isSo: () => boolean, stepMs = 250): Promise<void> =>
    until(() => {
      if (isSo()) return true
      clock.advance(stepMs)
      sync.wake()
      return false
    })
  return {
    store,
    session,
    clock,
    log,
    sync,
    changed,
    scan(raw) {
      const id = addCapture(store, session.id, { raw })
      sync.wake()
      return id
    },
    pass,
    async drained(stepMs) {
      let how: string | null = null
      void sync.drained(15_000).then((end) => (how = end))
      await pass(() => how !== null, stepMs)
      return how ?? ''
    },
  }
}
