import { arch, release, type } from 'node:os'
import type { About } from '#contract/station/upkeep.ts'
import { schemaVersion } from '#station/store/migrations.ts'

/** Programs of this process that a fault may be one of. */
const told = ['electron', 'chrome', 'node', 'v8', 'sqlite', 'openssl'] as const

/** What this station is and stands on. */
export function describeStation(
  of: Pick<About, 'version' | 'host' | 'stationId' | 'dataDir' | 'secrets' | 'dataKey'>,
): About {
  const versions = process.versions as Readonly<Record<string, string | undefined>>
  return {
    ...of,
    versions: Object.fromEntries(
      told.flatMap((name) => (versions[name] === undefined ? [] : [[name, versions[name]]])),
    ),
    system: `${type()} ${release()} ${arch()}`,
    schemaVersion,
  }
}
