import type { Capture, ScanOutcome } from '#contract/station/capture.ts'
import type { Session } from '#contract/station/session.ts'
import type { Settings } from '#contract/station/settings.ts'
import type { StationStatus } from '#contract/station/status.ts'
import type { call, follow } from './station.ts'

/** What the window knows of its station: always what the station last said, never a guess of the window's own. */
export interface StationState {
  /** Whether the window has its station; without it nothing can be saved. */
  readonly connected: boolean
  /** Whether the first answers are in, so that screens do not show "no session" while nobody has asked yet. */
  readonly loaded: boolean
  readonly status: StationStatus | null
  readonly settings: Settings | null
  readonly session: Session | null
  /** The newest scan, its capture kept up to date; it may be that of a session whose opening is told a moment later. */
  readonly last: ScanOutcome | null
  /** The station's clock minus this window's, in milliseconds. */
  readonly clockOffsetMs: number
}

export const emptyState: StationState = {
  connected: false,
  loaded: false,
  status: null,
  settings: null,
  session: null,
  last: null,
  clockOffsetMs: 0,
}

export interface StationFollower {
  /** Asks for everything: at start, and whenever events were missed. */
  load(): Promise<void>
  /** Follows the station's events until the returned function is called. */
  start(): () => void
  /** Puts in a capture that the station has just answered with. */
  take(capture: Capture): void
}

/** The events that came while a question was on its way. */
interface Heard {
  settings: boolean
  status: boolean
  /** An event about the active session, whichever that was. */
  active: boolean
  /** Sessions that ended. */
  readonly ended: Set<string>
  /** Captures as their last event had them. */
  readonly captures: Map<string, Capture>
}

/**
 * Keeps a state true to the station.
 *
 * An answer and an event that crossed it may come in either order. Events carry whole objects, so that after one of them the
 * answer about the same object has nothing to add, and is left out where it may be the older one.
 */
export function createStationFollower(ports: {
  readonly call: typeof call
  readonly follow: typeof follow
  readonly get: () => StationState
  readonly set: (change: Partial<StationState>) => void
}): StationFollower {
  const { get, set } = ports
  const questions = new Set<Heard>()
  const hear = (note: (heard: Heard) => void): void => {
    for (const heard of questions) note(heard)
  }

  const setStatus = (status: StationStatus): void => set({ status, clockOffsetMs: Date.parse(status.now) - Date.now() })

  const take = (capture: Capture): void => {
    const { last } = get()
    if (last?.capture.id === capture.id) set({ last: { ...last, capture } })
  }

  const load = async (): Promise<void> => {
    const heard: Heard = { settings: false, status: false, active: false, ended: new Set(), captures: new Map() }
    questions.add(heard)
    try {
      // Each as soon as it is there: with the settings scanners are listened to, whatever else is still to come and to be drawn.
      const [session] = await Promise.all([
        ports.call('session.current', {}),
        ports.call('settings.get', {}).then((settings) => {
          if (settings.ok && !heard.settings) set({ settings: settings.value })
        }),
        ports.call('station.status', {}).then((status) => {
          if (status.ok && !heard.status) setStatus(status.value)
        }),
      ])
      if (!session.ok) return
      const answered = session.value !== null && heard.ended.has(session.value.id) ? null : session.value
      set({ ...(!heard.active && { session: answered }), loaded: true })
      await loadLast(heard)
    } finally {
      questions.delete(heard)
    }
  }

  /** The newest capture of the active session, for the panel that shows the last scan. */
  const loadLast = async (heard: Heard): Promise<void> => {
    const id = get().session?.id
    if (id === undefined) return
    const newest = await ports.call('capture.list', { sessionId: id, limit: 1 })
    const capture = newest.ok ? newest.value.captures[0] : undefined
    const { session, last } = get()
    if (capture === undefined || session?.id !== id) return
    const known = last?.capture.sessionId === id ? last : null
    const newer = heard.captures.get(capture.id) ?? capture
    if (known === null || known.capture.sequence < newer.sequence)
      set({ last: { outcome: restoredOutcome(newer), capture: newer, previous: null } })
    else take(newer)
  }

  return {
    load,
    take,
    start() {
      const stops = [
        ports.follow('status.changed', (status) => {
          hear((heard) => (heard.status = true))
          setStatus(status)
        }),
        ports.follow('settings.changed', (settings) => {
          hear((heard) => (heard.settings = true))
          set({ settings })
        }),
        ports.follow('session.changed', (changed) => {
          const { session, last } = get()
          if (changed.state === 'ACTIVE') {
            hear((heard) => (heard.active = true))
            // Its first scan may have been told before it.
            set({ session: changed, last: last?.capture.sessionId === changed.id ? last : null })
          } else {
            hear((heard) => heard.ended.add(changed.id))
            if (session?.id === changed.id) set({ session: null })
            if (last?.capture.sessionId === changed.id) set({ last: null })
          }
        }),
        ports.follow('scan.taken', (outcome) => {
          const { capture } = outcome
          hear((heard) => heard.captures.set(capture.id, capture))
          const { last } = get()
          // One more code of an item changes nothing about how it was taken.
          if (outcome.outcome === 'joined' && last?.capture.id === capture.id) take(capture)
          else if (last === null || last.capture.sequence <= capture.sequence) set({ last: outcome })
        }),
        ports.follow('capture.changed', ({ captures }) => {
          hear((heard) => {
            for (const capture of captures) heard.captures.set(capture.id, capture)
          })
          for (const capture of captures) take(capture)
        }),
      ]
      return () => {
        for (const stop of stops) stop()
      }
    },
  }
}

/** What the station must have answered when it took this capture, as far as the row still tells. */
function restoredOutcome(capture: Capture): ScanOutcome['outcome'] {
  if (capture.disposition === 'ignored' || capture.disposition === 'rejected') return capture.disposition
  return capture.repeatOf > 0 ? 'repeated' : 'saved'
}
