import { randomBytes } from 'node:crypto'
import { stationPaths } from '#contract/station/http.ts'

const keptMs = 10 * 60_000

/** A file that a procedure has made for whoever asked. */
interface Made {
  readonly name: string
  readonly type: string
  readonly bytes: Uint8Array
}

/** Files that may be fetched once, by whoever was told their path, within ten minutes; kept in memory only. */
export interface OnceOnly {
  /** Answers the path to fetch it by; what was kept before is gone. */
  keep(made: Made): string
  /** Null for a path that was fetched, or never was. */
  take(path: string): Made | null
}

/** Holds one file at a time. */
export function createOnceOnly(): OnceOnly {
  let kept: { readonly path: string; readonly made: Made; readonly timer: NodeJS.Timeout } | null = null
  const forget = (): void => {
    clearTimeout(kept?.timer)
    kept = null
  }
  return {
    keep(made) {
      forget()
      const path = stationPaths.once(randomBytes(24).toString('base64url'))
      const timer = setTimeout(forget, keptMs)
      timer.unref()
      kept = { path, made, timer }
      return path
    },
    take(path) {
      if (kept?.path !== path) return null
      const { made } = kept
      forget()
      return made
    },
  }
}
