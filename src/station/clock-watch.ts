import { uptime } from 'node:os'
import type { Clock, Log } from '#contract/ports.ts'
import type { ClockReading } from '#contract/station/ledger.ts'
import type { StationStatus } from '#contract/station/status.ts'
import { narrow, widen, type ClockBounds } from '#domain/clock-bounds.ts'

/** Watches the wall clock: against the monotonic one for jumps, against servers for being right. */
export interface ClockWatch {
  readonly status: StationStatus['clock']
  /** How far the right time may be from the wall clock now; null before any server has told. */
  reading(): ClockReading
  /** Wraps `fetch`: every answer's `Date` header bounds the clock's error. */
  watching(fetch: Fetch): Fetch
  close(): void
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** A wall clock that differs so much from the elapsed time was set; NTP moves it by less in so short a time. */
const jumpMs = 750
/** How often the two clocks are compared. */
const lookMs = 5_000
/** The clock is wrong when it is surely so far from the servers'. */
const toleratedMs = 60_000

/**
 * Milliseconds that count while the machine sleeps too: Linux stops its monotonic clock then, and the wall clock that
 * goes on has not jumped.
 */
export const elapsedMs = (): number =>
  process.platform === 'linux' ? uptime() * 1_000 : Number(process.hrtime.bigint() / 1_000_000n)

/** Starts to watch. `onJump` is told of a clock that was set, by how much; `onChange` of a changed status. */
export function watchClock(ports: {
  readonly clock: Clock
  readonly elapsedMs: () => number
  readonly log: Log
  readonly onJump: (byMs: number) => void
  readonly onChange: () => void
}): ClockWatch {
  const { clock } = ports
  const wallMs = (): number => clock.now().getTime()
  let anchor = { wallMs: wallMs(), elapsedMs: ports.elapsedMs() }
  let bounds: ClockBounds | null = null
  let jumped: { at: string; byMs: number } | null = null
  let told = ''

  const look = (): void => {
    const now = { wallMs: wallMs(), elapsedMs: ports.elapsedMs() }
    const byMs = now.wallMs - anchor.wallMs - (now.elapsedMs - anchor.elapsedMs)
    anchor = now
    if (Math.abs(byMs) >= jumpMs) {
      const rounded = Math.round(byMs)
      jumped = { at: clock.now().toISOString(), byMs: rounded }
      // How far it is from the right time has changed by just that.
      if (bounds) bounds = { ...bounds, leastMs: bounds.leastMs - byMs, mostMs: bounds.mostMs - byMs }
      ports.log.warn({ byMs: rounded }, 'the clock of this machine was set')
      ports.onJump(rounded)
    }
    const { state } = status()
    const telling = `${state} ${jumped?.at}`
    if (telling !== told) {
      told = telling
      ports.onChange()
    }
  }

  const reading = (): ClockReading => {
    if (bounds === null) return null
    const { leastMs, mostMs } = widen(bounds, clock.monotonicMs())
    return { leastMs: Math.floor(leastMs), mostMs: Math.ceil(mostMs) }
  }

  const status = (): StationStatus['clock'] => {
    const error = reading()
    const isWrong = error !== null && (error.leastMs > toleratedMs || error.mostMs < -toleratedMs)
    return { state: error === null ? 'unchecked' : isWrong ? 'wrong' : 'right', error, jumped }
  }

  const timer = setInterval(look, lookMs)
  timer.unref()

  return {
    get status() {
      return status()
    },
    reading,
    watching: (fetch) => async (url, init) => {
      look()
      const sentMs = clock.monotonicMs()
      const response = await fetch(url, init)
      const dateMs = Date.parse(response.headers.get('date') ?? '')
      // A clock that is set meanwhile must not be taken for the server's doing.
      look()
      if (Number.isFinite(dateMs)) {
        bounds = narrow(bounds, { dateMs, sentMs, receivedMs: clock.monotonicMs(), wallMs: wallMs() })
        look()
      }
      return response
    },
    close: () => clearInterval(timer),
  }
}
