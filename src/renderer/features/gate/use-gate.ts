import { useEffect, useReducer, useState } from 'react'
import type { GateStatus, GateVerdict } from '#contract/station/gate.ts'
import { onScanTrouble, scanQueue } from '../../client/scans.ts'
import { useStation } from '../../client/state.ts'
import { call, follow, onMissed, subscribe } from '../../client/station.ts'
import { tellStrangeBurst, useStrangeBurst } from '../../client/strange-burst.ts'
import { playSound } from '../../ui/sounds.ts'
import { firstGateState, nextGateState, soundOf, type GateEvent, type GateState } from './gate-view.ts'

const tickMs = 200
/** Attendance per minute and the age of the list go on without an event. */
const renewMs = 5_000
/** A verdict that comes later than this is for the eye only. */
const lateMs = 3_000
const checkMs = 6_000
/** So many verdicts are known again when they are told a second time; older ones are too late for the screen anyway. */
const remembered = 200
/** So long people have to answer, by EN 301 549 and WCAG 2.2.1; a site that is in more haste says so by its `idleMs`. */
const askedMs = 20_000

function putAllAway(): void {
  for (const { key } of scanQueue.store.getState().scans) scanQueue.dismiss(key)
}

/** The station's account of the gate, kept true by its events. */
export function useGateStatus(): GateStatus | null {
  const [status, setStatus] = useState<GateStatus | null>(null)
  useEffect(() => {
    const ask = () => void call('gate.status', {}).then((result) => result.ok && setStatus(result.value))
    ask()
    const timer = setInterval(ask, renewMs)
    const stops = [follow('gate.changed', setStatus), onMissed(ask)]
    return () => {
      clearInterval(timer)
      for (const stop of stops) stop()
    }
  }, [])
  return status
}

/** What the screen shows, and what happens to it. `isSilent`: a display beside the gate's own window. */
export function useGateState(
  status: GateStatus,
  { isSilent = false }: { readonly isSilent?: boolean } = {},
): {
  readonly state: GateState
  readonly dispatch: (event: GateEvent) => void
} {
  const { showMs, idleMs, mode } = status
  // Nobody touches a display, and at a staffed gate no visitor has anything to lose.
  const askMs = isSilent || mode === 'staffed' ? 0 : Math.min(askedMs, idleMs)
  const [state, dispatch] = useReducer(
    (before: GateState, event: GateEvent) =>
      nextGateState(before, event, performance.now(), { showMs, idleMs, askMs, checkMs }),
    undefined,
    () => firstGateState(performance.now()),
  )
  const isConnected = useStation(({ connected }) => connected)
  const isFull = useStation((station) => station.status?.storage.state === 'full')
  const works = isConnected && !isFull && status.door !== 'fault'
  useEffect(() => {
    dispatch({ kind: 'works', works })
    // Whoever showed a pass meanwhile has gone: nobody is let in for it later.
    if (!works) putAllAway()
  }, [works])

  useEffect(() => {
    const seen = new Set<string>()
    const tell = (verdict: GateVerdict) => {
      // Told again when it was taken back or compared: nothing for whoever stands here.
      if (seen.has(verdict.id)) return
      seen.add(verdict.id)
      // A gate is open for months: what was told long ago is not told again.
      if (seen.size > remembered) seen.delete(seen.values().next().value ?? '')
      if (Date.now() + useStation.getState().clockOffsetMs - Date.parse(verdict.at) > lateMs) return
      dispatch({ kind: 'judged', verdict })
      const { settings } = useStation.getState()
      if (!isSilent && settings?.sound.enabled) playSound(soundOf(verdict), settings.sound.volume)
    }
    const touched = () => dispatch({ kind: 'touched' })
    const timer = setInterval(() => dispatch({ kind: 'time' }), tickMs)
    const stops = [
      subscribe('gate.verdict', tell),
      ...(isSilent ? [subscribe('gate.failed', () => dispatch({ kind: 'failed' }))] : []),
      // It is shown again, to this gate or another: nothing of it has to be kept here.
      onScanTrouble(({ key }) => {
        scanQueue.dismiss(key)
        dispatch({ kind: 'failed' })
      }),
      useStrangeBurst.subscribe(({ burst }) => {
        if (burst === null) return
        dispatch({ kind: 'failed' })
        // Staff are told why as well; a visitor shows the pass again.
        if (mode === 'self') tellStrangeBurst(null)
      }),
      scanQueue.store.subscribe(({ scans }) => {
        if (scans.length > 0) dispatch({ kind: 'read' })
      }),
    ]
    window.addEventListener('pointerdown', touched)
    window.addEventListener('keydown', touched)
    return () => {
      clearInterval(timer)
      window.removeEventListener('pointerdown', touched)
      window.removeEventListener('keydown', touched)
      for (const stop of stops) stop()
    }
  }, [isSilent, mode])
  const { view } = state
  useEffect(() => {
    // A display hears of verdicts from the station, but what failed is known in this window alone.
    if (!isSilent && view.name === 'failed') void call('gate.failed', {})
  }, [isSilent, view])
  return { state, dispatch }
}
