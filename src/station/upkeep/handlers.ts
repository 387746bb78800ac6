import { fail, ok } from '#contract/result.ts'
import type { HandlersOf } from '#contract/station/procedures.ts'
import type { Clock } from '#contract/ports.ts'
import { logLevelSchema, type About, type LogEntry } from '#contract/station/upkeep.ts'
import type { OnceOnly } from './once-only.ts'
import { readLogFile } from './log-file.ts'
import { redactLine } from './redact.ts'
import { measureStorage } from './storage.ts'
import { namesIn, type Support } from './support.ts'

/** What staff ask of a station to look after it: what it is, its disk, its log and its support bundle. */
export function upkeepHandlers(ports: {
  readonly dataDir: string
  readonly clock: Clock
  readonly once: OnceOnly
  readonly about: () => Promise<About>
  /** Null where nothing is encrypted. */
  readonly recoveryKey: () => string | null
  /** Whatever holds names that somebody has given something here. */
  readonly named: () => unknown
  readonly make: () => Promise<Support>
}): HandlersOf<'about.get' | 'recoveryKey.show' | 'storage.measure' | 'log.list' | 'support.make'> {
  const { dataDir, clock, once } = ports
  return {
    'about.get': async () => ok(await ports.about()),
    'recoveryKey.show': () => {
      const recoveryKey = ports.recoveryKey()
      return recoveryKey === null ? fail('not_found', 'the data folder is not encrypted') : ok({ recoveryKey })
    },
    'storage.measure': async () => ok(await measureStorage(dataDir)),
    'log.list': ({ least, words, limit }) => {
      const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
      const levels = logLevelSchema.options.slice(logLevelSchema.options.indexOf(least))
      const lines = readLogFile(dataDir).toReversed()
      const names = namesIn(ports.named())
      const found: LogEntry[] = []
      for (const line of lines) {
        const entry = redactLine(line, names)
        if (entry === null || !levels.includes(entry.level)) continue
        // In what is shown, not in what was taken out of it.
        const text = `${entry.room} ${entry.message} ${Object.entries(entry.facts).flat().join(' ')}`.toLowerCase()
        if (wanted.every((word) => text.includes(word)) && found.push(entry) >= limit) break
      }
      return ok(found)
    },
    'support.make': async () => {
      const { files, zip } = await ports.make()
      const name = `capstan-support-${clock.now().toISOString().slice(0, 19).replaceAll(':', '-')}.zip`
      return ok({ path: once.keep({ name, type: 'application/zip', bytes: zip }), bytes: zip.length, files })
    },
  }
}
