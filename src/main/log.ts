import { pino } from 'pino'
import type { Log } from '#contract/ports.ts'

/** The kiosk's log: JSON lines on standard error, where systemd and `capstan kiosk` read them. */
export function createLog(): Log {
  const level = process.env['CAPSTAN_LOG'] ?? 'info'
  return pino(
    { level: level in pino.levels.values ? level : 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime },
    // Synchronous: the last line before a crash is the one that matters.
    pino.destination({ dest: 2, sync: true }),
  )
}
