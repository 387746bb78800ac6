import { pino } from 'pino'
import type { Log } from '#contract/ports.ts'
import { openLogFile } from '#station/index.ts'

/** The kiosk's log: JSON lines on standard error, where systemd and `capstan kiosk` read them, and in the data folder. */
export function createLog(dataDir: string): Log {
  const level = process.env['CAPSTAN_LOG'] ?? 'info'
  return pino(
    { level: level in pino.levels.values ? level : 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime },
    // Synchronous: the last line before a crash is the one that matters.
    pino.multistream([
      { level: 'trace', stream: pino.destination({ dest: 2, sync: true }) },
      { level: 'trace', stream: openLogFile(dataDir) },
    ]),
  )
}
