import { useStore } from 'zustand'
import { repair } from '#domain/calibration.ts'
import type { PendingScan, ReadScan } from './scan-queue.ts'
import { createScanQueue, isControl } from './scan-queue.ts'
import { tellControl } from './control.ts'
import { useStation } from './state.ts'
import { call, connection, subscribe } from './station.ts'

/** How long the station may take to answer before the window raises the alarm, in milliseconds. */
export const answerLimitMs = 2_000

type TroubleListener = (scan: PendingScan) => void
const troubleListeners = new Set<TroubleListener>()

/** This window's one queue of scans. */
export const scanQueue = createScanQueue({
  submit: ({ data, aim, source, deviceName }) =>
    call('scan.submit', { data, source, deviceName, ...(aim !== undefined && { aim }) }),
  whenOpen: connection.whenOpen,
  now: () => Date.now(),
  storage: window.sessionStorage,
  onTrouble: (scan) => {
    if (isControl(scan) && scan.error !== null) tellControl({ kind: 'refused', error: scan.error })
    for (const listener of troubleListeners) listener(scan)
  },
})

subscribe('scan.refused', ({ scan: { data, aim, source, deviceName }, error }) =>
  scanQueue.report({ data, source, deviceName, ...(aim !== undefined && { aim }) }, error),
)

/** Listens to scans that were not saved, or may not have been; returns the function that stops it. */
export function onScanTrouble(listener: TroubleListener): () => void {
  troubleListeners.add(listener)
  return () => troubleListeners.delete(listener)
}

/** The scans that the station has not yet confirmed. */
export function usePendingScans(): readonly PendingScan[] {
  return useStore(scanQueue.store, (state) => state.scans)
}

// Whoever opened it: what was read before becomes its first scans.
useStation.subscribe(({ session }, before) => {
  if (session !== null && before.session === null) scanQueue.release()
})

let interceptor: ((scan: ReadScan) => void) | null = null
let starter: ((scan: ReadScan) => void) | null = null

/** Hands every scan to a test field instead of the station, until the returned function is called. */
export function interceptScans(take: (scan: ReadScan) => void): () => void {
  interceptor = take
  return () => {
    if (interceptor === take) interceptor = null
  }
}

/** Names who opens a session for a scan that comes without one; until the returned function is called. */
export function startSessionsWith(start: (scan: ReadScan) => void): () => void {
  starter = start
  return () => {
    if (starter === start) starter = null
  }
}

/** Takes a read from any device of this window; a keyboard scanner's is repaired first, where it has been calibrated. */
export function receiveScan(read: ReadScan): void {
  const { session, loaded, settings } = useStation.getState()
  if (interceptor !== null) return interceptor(read)
  const calibration = read.source === 'wedge' ? (settings?.wedgeCalibration ?? null) : null
  const data = calibration === null ? read.data : repair(read.data, calibration)
  // What is nothing but prefix and suffix is no scan, and the station would say so of an empty one.
  const scan = data === '' ? read : { ...read, data }
  // No session is opened for the sake of a command: the station says that there is none.
  if (session !== null || !loaded || isControl(scan)) scanQueue.push(scan)
  else if (starter !== null) starter(scan)
  else scanQueue.hold(scan, true)
}
