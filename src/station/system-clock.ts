import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Clock } from '#contract/ports.ts'

/** Node's monotonic clock counts from the start of the process; `hrtime` counts from the start of the machine. */
const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000

/** The system's clocks. */
export const systemClock: Clock = { now: () => new Date(), monotonicMs, bootId: readBootId() }

/** Linux names each run of the machine; elsewhere each run of the program counts as one. */
function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return randomUUID()
  }
}
