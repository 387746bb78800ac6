import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { v7 as uuidv7 } from 'uuid'
import type { Clock, Ids } from '#contract/ports.ts'

/** Node's monotonic clock counts from the start of the process; `hrtime` counts from the start of the machine. */
const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000

/** The system's clocks. */
export const systemClock: Clock = { now: () => new Date(), monotonicMs, bootId: readBootId() }

/** Time-ordered ids (RFC 9562 version 7). */
export const timeOrderedIds: Ids = { next: () => uuidv7() }

/** Linux names each run of the machine; elsewhere each run of the program counts as one. */
function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return randomUUID()
  }
}
