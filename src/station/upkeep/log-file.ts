import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** The folder of the log in the data folder. */
export const logFolder = 'log'
const names = { present: 'capstan.ndjson', before: 'capstan.before.ndjson' } as const
const maxFileBytes = 1_000_000

/** Takes the lines of a log, each with its end, as a stream of pino's does. */
export interface LogFile {
  write(line: string): void
}

/**
 * Keeps the last one to two megabytes of the log in the data folder, beside what goes to standard error: for the screen of
 * the log and for support, on machines whose journal nobody reads. A full disk is no reason to fail.
 */
export function openLogFile(dataDir: string): LogFile {
  const folder = join(dataDir, logFolder)
  const path = join(folder, names.present)
  let bytes: number | null = null
  return {
    write(line) {
      try {
        if (bytes === null) {
          mkdirSync(folder, { recursive: true, mode: 0o700 })
          bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0
        }
        if (bytes >= maxFileBytes) {
          renameSync(path, join(folder, names.before))
          bytes = 0
        }
        appendFileSync(path, line, { mode: 0o600 })
        bytes += Buffer.byteLength(line)
      } catch {
        // It has been written to standard error.
      }
    },
  }
}

/** The lines that are kept, the oldest first. */
export function readLogFile(dataDir: string): string[] {
  return [names.before, names.present].flatMap((name) => {
    try {
      return readFileSync(join(dataDir, logFolder, name), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    } catch {
      return []
    }
  })
}
