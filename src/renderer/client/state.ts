import { useEffect, useState } from 'react'
import { create } from 'zustand'
import type { Capture } from '#contract/station/capture.ts'
import { tellControl } from './control.ts'
import { createStationFollower, emptyState, type StationState } from './station-follower.ts'
import { call, connection, follow, onMissed } from './station.ts'

export const useStation = create<StationState>(() => ({ ...emptyState, connected: connection.isOpen() }))

const follower = createStationFollower({ call, follow, get: useStation.getState, set: useStation.setState })

/** Keeps `useStation` true to the station's events; returns the function that stops it. */
export function followStation(): () => void {
  const stops = [
    connection.onChange((connected) => useStation.setState({ connected })),
    onMissed(() => void follower.load()),
    follower.start(),
    follow('scan.taken', () => tellControl(null)),
    follow('control.taken', (outcome) => tellControl({ kind: 'taken', outcome })),
  ]
  // The station cannot see it, and would go on waiting for a network that is back.
  const networkChanged = () => void call('network.changed', {})
  globalThis.addEventListener('online', networkChanged)
  // It may have been opened while nobody listened yet.
  useStation.setState({ connected: connection.isOpen() })
  if (connection.isOpen()) void follower.load()
  return () => {
    globalThis.removeEventListener('online', networkChanged)
    for (const stop of stops) stop()
  }
}

/** Puts an answer of the station in at once, without waiting for its event. */
export function takeCapture(capture: Capture): void {
  follower.take(capture)
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
