import { createStore } from 'zustand/vanilla'
import type { AppError } from '#contract/result.ts'
import type { Result } from '#contract/result.ts'
import type { ScanSource } from '#contract/station/capture.ts'
import type { ScanAnswer } from '#contract/station/control.ts'
import { readControlCode } from '#domain/control-code.ts'
import { enrolmentBody } from '#domain/enrolment-text.ts'

/** One read on its way from a device to the station's disk. */
export interface PendingScan {
  readonly key: string
  readonly data: string
  /** The AIM identifier, when the reader gave it apart. */
  readonly aim?: string
  readonly source: ScanSource
  readonly deviceName: string
  readonly deviceId?: string
  /** What the keys typed, when that was repaired to become `data`. */
  readonly typed?: string
  /** When its last key was pressed or its picture taken, in milliseconds since 1970 on the queue's clock. */
  readonly readAt: number
  /**
   * `held`: no session is open, nothing was asked yet. `waiting`: in line or asked, no answer yet.
   * `unknown`: asked, and the connection broke before the answer. `refused`: the station said that it is not saved.
   */
  readonly state: 'held' | 'waiting' | 'unknown' | 'refused'
  readonly error: AppError | null
}

export interface ScanQueueState {
  /** In the order they were read; what the station has saved is gone from here. */
  readonly scans: readonly PendingScan[]
}

/** A read; without `readAt` it was read when it came to the queue. */
export type ReadScan = Pick<PendingScan, 'data' | 'aim' | 'source' | 'deviceName' | 'deviceId' | 'typed'> & {
  readonly readAt?: number
}

export interface ScanQueuePorts {
  readonly submit: (scan: PendingScan) => Promise<Result<ScanAnswer>>
  /** Resolves once the station can be asked. */
  readonly whenOpen: () => Promise<void>
  /** Milliseconds since 1970 on a clock that nobody sets while the window is open. */
  readonly now: () => number
  /** Where scans survive a reload of the window; the values are this queue's own. */
  readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  /** Told of each scan that the station did not save, or may not have. */
  readonly onTrouble: (scan: PendingScan) => void
  /** Told of each scan that leaves the line: it was answered, or a person has put it away. */
  readonly onSettled?: (scan: PendingScan) => void
}

/** Whether a read is a control barcode, or was one before it was damaged, or enrols the station: no capture in any case. */
export function isControl({ data }: Pick<PendingScan, 'data'>): boolean {
  return readControlCode(data).kind !== 'none' || enrolmentBody(data) !== null
}

const storageKey = 'capstan.scans'

/**
 * The one line from every device of this window to `scan.submit`: first in, first asked, one at a time.
 *
 * A scan leaves it when the station has saved it or a person has put it away, and for no other reason.
 */
export function createScanQueue({ submit, whenOpen, now, storage, onTrouble, onSettled }: ScanQueuePorts) {
  const store = createStore<ScanQueueState>(() => ({ scans: readBack(storage) }))
  let lastKey = 0
  let running = false

  const change = (edit: (scans: readonly PendingScan[]) => readonly PendingScan[]) => {
    const scans = edit(store.getState().scans)
    store.setState({ scans })
    if (scans.length === 0) storage.removeItem(storageKey)
    else storage.setItem(storageKey, JSON.stringify(scans))
  }
  const replace = (key: string, fields: Partial<PendingScan>) =>
    change((scans) => scans.map((scan) => (scan.key === key ? { ...scan, ...fields } : scan)))
  const remove = (key: string) => {
    const gone = store.getState().scans.find((scan) => scan.key === key)
    change((scans) => scans.filter((scan) => scan.key !== key))
    if (gone) onSettled?.(gone)
  }

  const run = async () => {
    if (running) return
    running = true
    for (;;) {
      const next = store.getState().scans.find(({ state }) => state === 'waiting' || state === 'held')
      // What was read before a session was open comes first once there is one.
      if (next?.state !== 'waiting') break
      await whenOpen()
      // A person may have put it away meanwhile.
      if (!store.getState().scans.some(({ key }) => key === next.key)) continue
      const result = await submit(next)
      if (result.ok) {
        remove(next.key)
        continue
      }
      const state = result.error.code === 'disconnected' ? 'unknown' : 'refused'
      // There is nothing to save of a control barcode, and asking again could multiply a quantity twice.
      if (isControl(next)) remove(next.key)
      else replace(next.key, { state, error: result.error })
      onTrouble({ ...next, state, error: result.error })
    }
    running = false
  }

  const add = (scan: ReadScan, state: 'held' | 'waiting') => {
    lastKey += 1
    const readAt = scan.readAt ?? now()
    const pending: PendingScan = { ...scan, key: `${now()}-${lastKey}`, readAt, state, error: null }
    change((scans) => [...scans, pending])
    if (state === 'waiting') void run()
    return pending
  }

  return {
    store,
    /** Puts a scan in line. */
    push: (scan: ReadScan) => add(scan, 'waiting'),
    /** Keeps a scan that cannot be saved yet, because no session is open; `trouble` unless one is being opened for it. */
    hold(scan: ReadScan, trouble: boolean) {
      const held = add(scan, 'held')
      if (trouble) onTrouble(held)
    },
    /** Keeps a scan that the station read itself and could not save: a person sees to it. */
    report(scan: ReadScan, error: AppError) {
      const refused: PendingScan = { ...add(scan, 'held'), state: 'refused', error }
      replace(refused.key, { state: 'refused', error })
      onTrouble(refused)
    },
    /** Puts every held scan in line: a session is open now. */
    release() {
      change((scans) => scans.map((scan) => (scan.state === 'held' ? { ...scan, state: 'waiting' } : scan)))
      void run()
    },
    /** Asks again for one that was refused or whose fate is not known. */
    again(key: string) {
      // It was read when it was read: the station tells by that what belongs together.
      replace(key, { state: 'waiting', error: null })
      void run()
    },
    /** A person has seen to it. */
    dismiss: remove,
    /** Goes on with what an earlier window left in line. */
    resume: () => void run(),
  }
}

export type ScanQueue = ReturnType<typeof createScanQueue>

/** Scans of a window that was reloaded. One that had been asked may be saved or not: it comes back as `unknown`. */
function readBack(storage: ScanQueuePorts['storage']): readonly PendingScan[] {
  try {
    const kept: unknown = JSON.parse(storage.getItem(storageKey) ?? '[]')
    if (!Array.isArray(kept)) return []
    const scans = kept as PendingScan[]
    const first = scans.findIndex(({ state }) => state === 'waiting')
    return scans.map((scan, index) => (index === first ? { ...scan, state: 'unknown' } : scan))
  } catch {
    return []
  }
}
