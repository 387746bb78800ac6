import type { AppError } from '#contract/result.ts'
import type { DrillReport, DrillStatus, Rehearsal } from '#contract/station/drill.ts'

/**
 * Rehearses, away from the station: its stores, its server and its processes are its own. Tells of each rehearsal that is
 * over, and how many there are. Rejects when it could not be rehearsed; stops when `signal` says so.
 */
export type RunDrill = (
  tell: (rehearsed: Rehearsal, total: number) => void,
  signal: AbortSignal,
) => Promise<DrillReport>

/** The drill as the window sees it: one at a time. */
export interface DrillService {
  readonly status: DrillStatus
  /** Null when it has begun. */
  start(): AppError | null
  stop(): void
}

/** Creates the service; without `run` the host cannot start drills. */
export function createDrillService(run: RunDrill | undefined, onChange: () => void): DrillService {
  let status: DrillStatus = {
    state: run ? 'idle' : 'unavailable',
    done: [],
    total: 0,
    report: null,
    message: null,
  }
  let stopping: AbortController | null = null
  const change = (fields: Partial<DrillStatus>): void => {
    status = { ...status, ...fields }
    onChange()
  }
  return {
    get status() {
      return status
    },
    start() {
      if (!run) return { code: 'conflict', message: 'this host cannot start a drill: run "capstan drill"' }
      if (stopping) return { code: 'conflict', message: 'a drill is running' }
      const { signal } = (stopping = new AbortController())
      change({ state: 'running', done: [], total: 0, report: null, message: null })
      void run((rehearsed, total) => change({ done: [...status.done, rehearsed], total }), signal)
        .then(
          (report) => ({ state: 'ended' as const, report }),
          (error: Error) =>
            signal.aborted ? { state: 'idle' as const } : { state: 'failed' as const, message: error.message },
        )
        .then((end) => {
          stopping = null
          change(end)
        })
      return null
    },
    stop: () => stopping?.abort(),
  }
}
