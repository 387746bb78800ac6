import { useEffect, useState } from 'react'
import { create } from 'zustand'
import type { Capture, ScanOutcome } from '#contract/station/capture.ts'
import type { Session } from '#contract/station/session.ts'
import type { Settings } from '#contract/station/settings.ts'
import type { StationStatus } from '#contract/station/status.ts'
import { tellControl } from './control.ts'
import { call, connection, follow } from './station.ts'

/** What the window knows of its station: always what the station last said, never a guess of the window's own. */
export interface StationState {
  /** Whether the window has its station; without it nothing can be saved. */
  readonly connected: boolean
  /** Whether the first answers are in, so that screens do not show "no session" while nobody has asked yet. */
  readonly loaded: boolean
  readonly status: StationStatus | null
  readonly settings: Settings | null
  readonly session: Session | null
  /** The newest scan of the active session, its capture kept up to date. */
  readonly last: ScanOutcome | null
  /** The station's clock minus this window's, in milliseconds. */
  readonly clockOffsetMs: number
}

export const useStation = create<StationState>(() => ({
  connected: connection.isOpen(),
  loaded: false,
  status: null,
  settings: null,
  session: null,
  last: null,
  clockOffsetMs: 0,
}))

const set = useStation.setState

function setStatus(status: StationStatus): void {
  set({ status, clockOffsetMs: Date.parse(status.now) - Date.now() })
}

/** Events heard so far: an answer that was on its way while one came is older than the event. */
const heard = { settings: 0, status: 0, session: 0 }

/** Asks for everything anew: at start, and whenever the station is back, since events in between are gone. */
export async function loadStation(): Promise<void> {
  const asked = { ...heard }
  const [settings, status, session] = await Promise.all([
    call('settings.get', {}),
    call('station.status', {}),
    call('session.current', {}),
  ])
  if (settings.ok && heard.settings === asked.settings) set({ settings: settings.value })
  if (status.ok && heard.status === asked.status) setStatus(status.value)
  if (!session.ok) return
  set({ ...(heard.session === asked.session && { session: session.value }), loaded: true })
  const id = useStation.getState().session?.id
  if (id === undefined) return set({ last: null })
  const newest = await call('capture.list', { sessionId: id, limit: 1 })
  const capture = newest.ok ? newest.value.captures[0] : undefined
  if (capture === undefined || useStation.getState().session?.id !== id) return
  set(({ last }) => ({
    last:
      last !== null && last.capture.sequence >= capture.sequence
        ? { ...last, capture: last.capture.id === capture.id ? capture : last.capture }
        : { outcome: restoredOutcome(capture), capture, previous: null },
  }))
}

/** What the station must have answered when it took this capture, as far as the row still tells. */
function restoredOutcome(capture: Capture): ScanOutcome['outcome'] {
  if (capture.disposition === 'ignored' || capture.disposition === 'rejected') return capture.disposition
  return capture.repeatOf > 0 ? 'repeated' : 'saved'
}

/** Keeps `useStation` true to the station's events; returns the function that stops it. */
export function followStation(): () => void {
  const stops = [
    connection.onChange((connected) => {
      set({ connected })
      if (connected) void loadStation()
    }),
    follow('status.changed', (status) => {
      heard.status += 1
      setStatus(status)
    }),
    follow('settings.changed', (settings) => {
      heard.settings += 1
      set({ settings })
    }),
    follow('session.changed', (changed) => {
      heard.session += 1
      const { session } = useStation.getState()
      if (changed.state === 'ACTIVE')
        set(session?.id === changed.id ? { session: changed } : { session: changed, last: null })
      else if (session?.id === changed.id) set({ session: null, last: null })
    }),
    follow('scan.taken', (outcome) => {
      const { last } = useStation.getState()
      // One more code of an item changes nothing about how it was taken.
      if (outcome.outcome === 'joined' && last?.capture.id === outcome.capture.id) updateLast([outcome.capture])
      else if (last === null || last.capture.sequence <= outcome.capture.sequence) set({ last: outcome })
    }),
    follow('scan.taken', () => tellControl(null)),
    follow('control.taken', (outcome) => tellControl({ kind: 'taken', outcome })),
    follow('capture.changed', ({ captures }) => updateLast(captures)),
  ]
  // It may have been opened while nobody listened yet.
  // The station cannot see it, and would go on waiting for a network that is back.
  const networkChanged = () => void call('network.changed', {})
  globalThis.addEventListener('online', networkChanged)
  set({ connected: connection.isOpen() })
  if (connection.isOpen()) void loadStation()
  return () => {
    globalThis.removeEventListener('online', networkChanged)
    for (const stop of stops) stop()
  }
}

function updateLast(captures: readonly Capture[]): void {
  const { last } = useStation.getState()
  const capture = captures.find(({ id }) => id === last?.capture.id)
  if (last !== null && capture !== undefined) set({ last: { ...last, capture } })
}

/** Puts an answer of the station in at once, without waiting for its event. */
export function takeCapture(capture: Capture): void {
  updateLast([capture])
}

/** The station's present time in milliseconds since 1970, renewed every `everyMs`. */
export function useNow(everyMs = 1_000): number {
  const offset = useStation((state) => state.clockOffsetMs)
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now + offset
}
