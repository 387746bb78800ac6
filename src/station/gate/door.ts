import type { Result } from '#contract/result.ts'
import { fail, ok } from '#contract/result.ts'
import type { DoorSettings } from '#contract/station/gate.ts'
import type { Fetch } from '#station/remote/requests.ts'

/** How an opening ended: somebody passed, nobody did in time, or the door cannot tell. */
export type Passage = 'passed' | 'nobody' | 'unknown'

/** A turnstile or a door. */
export interface Door {
  /** Opens for one person, for `passMs` at most, and closes again; `device_unavailable` when it does not obey. */
  admit(passMs: number): Promise<Result<Passage>>
  close(): Promise<void>
}

/** A serial line as a door uses it. */
export interface Line {
  write(bytes: Uint8Array): Promise<void>
  /** Whatever comes, in pieces. */
  onBytes(listener: (bytes: Uint8Array) => void): void
  close(): Promise<void>
}

export type OpenLine = (path: string, baudRate: number) => Promise<Line>

const requestMs = 2_000
const pollMs = 200

/** The door that the settings name; null for none. */
export function createDoor(
  settings: DoorSettings,
  ports: { readonly fetch: Fetch; readonly openLine: OpenLine },
): Door | null {
  switch (settings.kind) {
    case 'none':
      return null
    case 'serial':
      return createSerialDoor(settings, ports.openLine)
    case 'http':
      return createHttpDoor(settings, ports.fetch)
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const unavailable = (error: unknown): Result<never> =>
  fail('device_unavailable', `the door does not obey: ${error instanceof Error ? error.message : String(error)}`)

function createSerialDoor(settings: Extract<DoorSettings, { kind: 'serial' }>, openLine: OpenLine): Door {
  const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex')
  const passed = bytesOf(settings.passed)
  let line: Promise<Line> | null = null
  let heard = Buffer.alloc(0)
  let onPassed: (() => void) | null = null

  const connect = async (): Promise<Line> => {
    const opened = await openLine(settings.path, settings.baudRate)
    opened.onBytes((bytes) => {
      // Only the newest matter: a frame that came in pieces is put together, noise is forgotten.
      heard = Buffer.concat([heard, bytes]).subarray(-256)
      if (passed.length === 0 || !heard.includes(passed)) return
      heard = Buffer.alloc(0)
      onPassed?.()
    })
    return opened
  }
  /** A board that was unplugged is opened anew, once for each order. */
  const order = async (bytes: Uint8Array): Promise<void> => {
    if (bytes.length === 0) return
    try {
      line ??= connect()
      await (await line).write(bytes)
    } catch {
      line = connect()
      try {
        await (await line).write(bytes)
      } catch (error) {
        line = null
        throw error
      }
    }
  }

  return {
    async admit(passMs) {
      let timer: NodeJS.Timeout | undefined
      try {
        heard = Buffer.alloc(0)
        const passing = new Promise<Passage>((resolve) => {
          onPassed = () => resolve('passed')
          timer = setTimeout(() => resolve(passed.length === 0 ? 'unknown' : 'nobody'), passMs)
        })
        await order(bytesOf(settings.open))
        const passage = await passing
        await order(bytesOf(settings.close))
        return ok(passage)
      } catch (error) {
        return unavailable(error)
      } finally {
        clearTimeout(timer)
        onPassed = null
      }
    },
    async close() {
      const open = await line?.catch(() => null)
      await open?.close()
    },
  }
}

function createHttpDoor(settings: Extract<DoorSettings, { kind: 'http' }>, fetch: Fetch): Door {
  const ask = async (method: 'GET' | 'POST', url: string): Promise<unknown> => {
    const response = await fetch(url, { method, redirect: 'error', signal: AbortSignal.timeout(requestMs) })
    if (!response.ok) {
      await response.body?.cancel()
      throw new Error(`the controller answers ${response.status}`)
    }
    const text = await response.text()
    try {
      return JSON.parse(text)
    } catch {
      return null
    }
  }
  return {
    async admit(passMs) {
      try {
        await ask('POST', settings.openUrl)
        let passage: Passage = settings.passedUrl === null ? 'unknown' : 'nobody'
        const untilMs = performance.now() + passMs
        while (performance.now() < untilMs) {
          await sleep(Math.min(pollMs, Math.max(0, untilMs - performance.now())))
          if (settings.passedUrl === null) continue
          const answer = (await ask('GET', settings.passedUrl)) as { passed?: unknown } | null
          if (answer?.passed !== true) continue
          passage = 'passed'
          break
        }
        if (settings.closeUrl !== null) await ask('POST', settings.closeUrl)
        return ok(passage)
      } catch (error) {
        return unavailable(error)
      }
    },
    close: () => Promise.resolve(),
  }
}
