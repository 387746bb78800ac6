import { useStore } from 'zustand'
import { windowDevices } from '#contract/station/device.ts'
import { repair } from '#domain/calibration.ts'
import type { WedgePace } from '#domain/wedge.ts'
import type { PendingScan, ReadScan } from './scan-queue.ts'
import { createAccount } from './account.ts'
import { createScanQueue, isControl } from './scan-queue.ts'
import { tellControl } from './control.ts'
import { useStation } from './state.ts'
import { tellStrangeBurst } from './strange-burst.ts'
import { call, connection, subscribe } from './station.ts'

/** How long the station may take to answer before the window raises the alarm, in milliseconds. */
export const answerLimitMs = 2_000

/**
 * The keyboard scanner's events against what became of them: every burst is answered, put away, or still in line. What
 * does not add up is a fault of this window, and the station keeps the alarm.
 */
const account = createAccount()

function followAccount(): void {
  account.begin(inLine())
  setInterval(() => {
    const difference = account.audit(inLine(), performance.now())
    if (difference !== null) void call('device.disagree', { id: windowDevices.wedge, ...difference })
  }, 1_000)
}

function inLine(): number {
  return scanQueue.store.getState().scans.filter(({ source }) => source === 'wedge').length
}

type TroubleListener = (scan: PendingScan) => void
const troubleListeners = new Set<TroubleListener>()

/**
 * Milliseconds since 1970 on the window's monotonic clock, which is that of key events too: ages are right whenever
 * somebody sets the machine's clock.
 */
export const windowNow = (): number => performance.timeOrigin + performance.now()

/** A scan that waited longer in this window is as old as that to the station. */
const longestAgeMs = 600_000

/** This window's one queue of scans. */
export const scanQueue = createScanQueue({
  submit: ({ data, aim, source, deviceName, deviceId, typed, readAt }) =>
    call('scan.submit', {
      data,
      source,
      deviceName,
      ...(aim !== undefined && { aim }),
      ...(deviceId !== undefined && { deviceId }),
      ...(typed !== undefined && { typed }),
      ageMs: Math.min(longestAgeMs, Math.max(0, windowNow() - readAt)),
    }),
  whenOpen: connection.whenOpen,
  now: windowNow,
  storage: window.sessionStorage,
  onTrouble: (scan) => {
    if (isControl(scan) && scan.error !== null) tellControl({ kind: 'refused', error: scan.error })
    for (const listener of troubleListeners) listener(scan)
  },
  onSettled: (scan) => {
    if (scan.source === 'wedge') account.settled()
  },
})
followAccount()

subscribe('scan.refused', ({ scan: { data, aim, source, deviceName }, error }) =>
  scanQueue.report({ data, source, deviceName, ...(aim !== undefined && { aim }) }, error),
)

subscribe('scan.torn', ({ length }) => tellStrangeBurst({ reason: 'unended', length }))

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

type Interceptor = (scan: ReadScan, pace?: WedgePace) => void
let interceptor: Interceptor | null = null
let starter: ((scan: ReadScan) => void) | null = null

/** Hands every scan to a test field instead of the station, until the returned function is called. */
export function interceptScans(take: Interceptor): () => void {
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

let lastPace: WedgePace | undefined

/** Takes a burst of a keyboard scanner, whose last key was pressed at `timeMs` of the window's monotonic clock. */
export function receiveBurst(data: string, deviceName: string, pace: WedgePace, timeMs: number): void {
  account.event()
  lastPace = pace
  const readAt = performance.timeOrigin + timeMs
  receiveScan({ data, source: 'wedge', deviceName, deviceId: windowDevices.wedge, readAt })
}

/** Takes a read from any device of this window; a keyboard scanner's is repaired first, where it has been calibrated. */
export function receiveScan(read: ReadScan): void {
  const { session, loaded, settings, status } = useStation.getState()
  if (interceptor !== null) {
    if (read.source === 'wedge') account.settled()
    return interceptor(read, read.source === 'wedge' ? lastPace : undefined)
  }
  const calibration = read.source === 'wedge' ? (settings?.wedgeCalibration ?? null) : null
  const data = calibration === null ? read.data : repair(read.data, calibration)
  // What is nothing but prefix and suffix is no scan, and the station would say so of an empty one.
  const scan = data === '' || data === read.data ? read : { ...read, data, typed: read.data }
  // No session is opened for the sake of a command: the station says that there is none.
  // What is only tested needs none, and neither does a pass at a gate.
  const needsNone = isControl(scan) || settings?.gate.isOn === true || Boolean(status?.test)
  if (session !== null || !loaded || needsNone) scanQueue.push(scan)
  else if (starter !== null) starter(scan)
  else scanQueue.hold(scan, true)
}
