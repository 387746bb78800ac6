import type { Log } from '#contract/ports.ts'
import { ok, type Result } from '#contract/result.ts'
import type { Settings } from '#contract/station/settings.ts'
import { openSettings, type StationSettings } from '#station/settings.ts'
import { openSiteLink, type SiteLink } from '#station/site.ts'
import { openStore, openStoreForReading, type Store } from '#station/store/store.ts'
import { systemClock, timeOrderedIds } from '#station/system-clock.ts'

/** For commands, which say what there is to say themselves. */
const noLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => noLog,
}

/** What holds at a station, by its store alone. */
export const settingsOf = (store: Store): Settings => openSettings(store, noLog).current()

/** The settings of a data folder without its station: to change them, no station may run on it. */
export function openStationSettings(
  dataDir: string,
  toChange: boolean,
  dataKey: Uint8Array | null = null,
): Result<{ readonly settings: StationSettings; readonly close: () => void }> {
  const ports = { clock: systemClock, ids: timeOrderedIds, dataKey }
  const opened = toChange ? openStore({ dataDir, ...ports, log: noLog }) : openStoreForReading(dataDir, ports)
  if (!opened.ok) return opened
  return ok({ settings: openSettings(opened.value, noLog), close: () => opened.value.close() })
}

/**
 * Its link to a site, likewise; the key stays in a file that its owner alone may read, until a host that keeps secrets starts
 * and takes it over.
 */
export async function openStationSite(
  dataDir: string,
  version: string,
  dataKey: Uint8Array | null = null,
): Promise<Result<{ readonly site: SiteLink; readonly close: () => void }>> {
  const opened = openStore({ dataDir, clock: systemClock, ids: timeOrderedIds, log: noLog, dataKey })
  if (!opened.ok) return opened
  const store = opened.value
  const site = await openSiteLink({
    dataDir,
    store,
    secrets: undefined,
    hostUrl: () => null,
    fetch,
    clock: systemClock,
    log: noLog,
    version,
    stationName: () => settingsOf(store).stationName,
  })
  return ok({ site, close: () => store.close() })
}
