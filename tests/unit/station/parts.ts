import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Clock, Ids, Log } from '#contract/ports.ts'
import type { AppError, Result } from '#contract/result.ts'
import type { Session } from '#contract/station/session.ts'
import type { NewCapture } from '#station/store/captures.ts'
import { openStore, type Store } from '#station/store/store.ts'
import { newCapture } from './capture-row.ts'

export { newCapture } from './capture-row.ts'

/** A folder of the test's own, gone when it ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A clock that stands still until it is told to go on. */
export interface ManualClock extends Clock {
  advance(ms: number): void
  /** Sets the wall clock only. */
  set(instant: string): void
}

export function createClock(instant = '2026-11-21T09:00:00.000Z'): ManualClock {
  let nowMs = Date.parse(instant)
  let monotonicMs = 0
  return {
    now: () => new Date(nowMs),
    monotonicMs: () => monotonicMs,
    bootId: 'boot',
    advance(ms) {
      nowMs += ms
      monotonicMs += ms
    },
    set(to) {
      nowMs = Date.parse(to)
    },
  }
}

/** Ids in the form of UUIDv7 that can be told apart by eye. */
export function createIds(): Ids {
  let last = 0
  return { next: () => `00000000-0000-7000-8000-${String((last += 1)).padStart(12, '0')}` }
}

/** A log that keeps what it is told. */
export interface KeptLog extends Log {
  readonly lines: { readonly level: string; readonly message: string; readonly fields: object }[]
  text(): string
}

export function createKeptLog(): KeptLog {
  const lines: { level: string; message: string; fields: object }[] = []
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, message, fields })
  const log: KeptLog = {
    lines,
    text: () => JSON.stringify(lines),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  }
  return log
}

/** The error of a failure; the test fails otherwise. */
export function errorOf(result: Result<unknown>): AppError {
  if (result.ok) throw new Error('it should have failed')
  return result.error
}

/** The value of a success; the test fails with the error otherwise. */
export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`)
  return result.value
}

export interface OpenParts {
  readonly dataDir?: string
  readonly clock?: Clock
  readonly ids?: Ids
  readonly log?: Log
  readonly dataKey?: Uint8Array
  readonly checkLaterFromBytes?: number
}

/** A real store in a folder of its own, closed when the test ends. */
export function openTestStore(parts: OpenParts = {}): Store {
  const store = valueOf(
    openStore({
      dataDir: parts.dataDir ?? temporaryFolder(),
      clock: parts.clock ?? createClock(),
      ids: parts.ids ?? createIds(),
      log: parts.log ?? createKeptLog(),
      ...(parts.dataKey && { dataKey: parts.dataKey }),
      ...(parts.checkLaterFromBytes !== undefined && { checkLaterFromBytes: parts.checkLaterFromBytes }),
    }),
  )
  onTestFinished(() => {
    try {
      store.close()
    } catch {
      // The test has closed it.
    }
  })
  return store
}

type Options = Parameters<Store['sessions']['open']>[0]

export function openTestSession(store: Store, options: Partial<Options> = {}): Session {
  const session = store.sessions.open({
    label: '',
    captureMode: 'barcode_scan',
    duplicatePolicy: 'count',
    duplicateWindowMs: 3_000,
    marksWindowMs: 0,
    formats: 'all',
    ...options,
  })
  if (!session) throw new Error('another session is active')
  return session
}

/** Adds a capture and answers its id. */
export function addCapture(store: Store, sessionId: string, fields: Partial<NewCapture> = {}): string {
  const capture = newCapture(sessionId, fields)
  store.transaction(() => store.captures.add(capture))
  return capture.id
}

/** Waits until `isSo` holds. The test's own time-out is the only limit. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5))
}
