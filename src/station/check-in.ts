import type { Alarm, CheckInAnswer, Health } from '#contract/backend/fleet.ts'
import type { Log } from '#contract/ports.ts'
import type { StationStatus } from '#contract/station/status.ts'
import type { UpdateStatus } from '#contract/station/update.ts'
import type { SiteClient } from '#station/remote/site-client.ts'

/** Tells the site how the station is, and has told what is set for it, now and then. */
export interface CheckIn {
  /** Something changed that the site should know soon, or the station has just come to it. */
  hurry(): void
  /** When the site was last told; null when never since the start. */
  readonly toldAt: string | null
  close(): Promise<void>
}

const usualMs = 60_000
/** Two hundred stations that start together do not ask together. */
const spread = 0.2

/** Starts it; nothing is asked while the station is of no site. */
export function startCheckIn(ports: {
  readonly client: SiteClient
  readonly isEnrolled: () => boolean
  readonly health: () => Health
  readonly onAnswer: (answer: CheckInAnswer) => void
  /** The site does not take the key; its words. */
  readonly onRefused: (words: string) => void
  readonly now: () => Date
  readonly random: () => number
  readonly log: Log
}): CheckIn {
  let toldAt: string | null = null
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | null = null
  let isClosed = false
  /** Asked for while it was under way. */
  let isAgain = false

  const tell = async (): Promise<void> => {
    if (!ports.isEnrolled()) return
    const answer = await ports.client.checkIn(ports.health())
    if (isClosed) return
    if (!answer.ok) {
      // Whether the site is there is for the sync to say.
      // 403 is a key that is good for all else: a person's, perhaps.
      if (answer.failure.status === 401) ports.onRefused(answer.failure.message)
      ports.log.debug({ reason: answer.failure.message }, 'the site was not told how the station is')
      return
    }
    toldAt = ports.now().toISOString()
    ports.onAnswer(answer.value)
  }
  const run = (): void => {
    clearTimeout(timer)
    // What was told a moment ago may not be so any more.
    if (running !== null) {
      isAgain = true
      return
    }
    isAgain = false
    running = tell()
      .catch((error: unknown) => ports.log.error({ err: error }, 'the check-in failed'))
      .finally(() => {
        running = null
        plan(isAgain ? 0 : usualMs * (1 + spread * (ports.random() - 0.5)))
      })
  }
  const plan = (ms: number): void => {
    if (isClosed) return
    clearTimeout(timer)
    timer = setTimeout(run, ms)
    timer.unref()
  }
  run()

  return {
    hurry: run,
    get toldAt() {
      return toldAt
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await running
    },
  }
}

/** What the site is told: figures of the station, nothing of what was captured. */
export function healthOf(
  status: StationStatus,
  layers: Health['layers'],
  lastCapturedAt: string | null,
  update: UpdateStatus,
): Health {
  const { queue, devices, storage, clock } = status
  const failing = devices.filter(({ state }) => ['busy', 'refused', 'failed', 'unplugged'].includes(state))
  const { error } = clock
  const alarms: readonly Alarm[] = [
    ...(queue.parked > queue.undecided ? (['queue_parked'] as const) : []),
    ...(queue.undecided > 0 ? (['queue_undecided'] as const) : []),
    ...(failing.some(({ state }) => state !== 'unplugged') ? (['device'] as const) : []),
    ...(status.disagreements.length > 0 ? (['disagreement'] as const) : []),
    ...(storage.state !== 'ok' || storage.arePhotosStopped || storage.isDamaged ? (['disk'] as const) : []),
    ...(clock.state === 'wrong' ? (['clock'] as const) : []),
    ...(storage.recovered === null ? [] : (['recovered'] as const)),
    ...(layers.refused === null ? [] : (['layer'] as const)),
    ...(['failed', 'unsigned', 'taken_back'].includes(update.state) ? (['update'] as const) : []),
  ]
  return {
    version: status.version.slice(0, 50),
    host: status.host,
    name: status.stationName,
    queue: {
      waiting: queue.waiting,
      parked: queue.parked,
      undecided: queue.undecided,
      oldestMs:
        queue.oldestWaitingAt === null ? null : Math.max(0, Date.parse(status.now) - Date.parse(queue.oldestWaitingAt)),
    },
    lastScanAt: [lastCapturedAt, ...devices.map((device) => device.lastScanAt)].reduce(
      (latest, at) => (at !== null && (latest === null || at > latest) ? at : latest),
      null,
    ),
    devices: {
      ready: devices.filter(({ state }) => state === 'ready').length,
      failing: failing.slice(0, 20).map(({ name }) => name),
    },
    disk: { state: storage.state, freeBytes: storage.freeBytes },
    // The least that it is wrong by: 0 lies within the bounds of a clock that may be right.
    clockErrorMs: error === null ? null : error.leastMs > 0 ? error.leastMs : error.mostMs < 0 ? error.mostMs : 0,
    alarms: [...alarms],
    layers,
    update:
      update.state === 'unavailable'
        ? null
        : {
            state: update.state,
            version: update.version?.slice(0, 50) ?? null,
            waitsFor: update.waitsFor,
            failed: update.failed.slice(-20).map((version) => version.slice(0, 50)),
          },
  }
}
