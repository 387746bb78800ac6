import { execFile } from 'node:child_process'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Log } from '#contract/ports.ts'
import type { Result } from '#contract/result.ts'
import { windowDevices } from '#contract/station/device.ts'
import type { StationStatus } from '#contract/station/status.ts'
import type { Transport } from '#contract/transport.ts'

/** What the file says, as JSON: whoever watches reads it, and ends a process whose beat is old. */
export interface Beat {
  readonly pid: number
  /** The wall clock, in ISO 8601. */
  readonly at: string
  /** The machine's run, and milliseconds on its monotonic clock: comparable while `boot` is the same. */
  readonly boot: string
  readonly monotonicMs: number
  readonly isReady: boolean
}

export interface Heartbeat {
  /** A window listens to scanners, and the station answered within the last beats. */
  isReady(): boolean
  /** The end is on purpose: nobody is to start it again because the beat stopped. */
  close(): void
}

/** The file in the data folder. */
export const heartbeatFile = 'heartbeat.json'
const beatMs = 5_000
/** Three beats of the service manager fit into what it waits for. */
const share = 3
const notifyMs = 5_000

/**
 * Tells whoever watches this process that its loop runs and that the station answers: by a file, and where systemd waits
 * for it (`NOTIFY_SOCKET`, `WATCHDOG_USEC`) by `systemd-notify`, since Node has no Unix datagrams (docs/adr/0013).
 *
 * The station is asked before each beat; without an answer there is none. It is ready once a window says that it listens to
 * scanners.
 */
export function startHeartbeat(ports: {
  readonly dataDir: string
  readonly clock: Clock
  readonly log: Log
  readonly station: Transport
  readonly env?: NodeJS.ProcessEnv
  /** Runs `systemd-notify`; replaced in tests on machines without it. */
  readonly notify?: (args: readonly string[]) => Promise<void>
}): Heartbeat {
  const { clock, log, station, env = process.env, notify = runNotify } = ports
  const path = join(ports.dataDir, heartbeatFile)
  let isReady = false
  let isOver = false
  let isAsking = false
  let answeredMs = clock.monotonicMs()
  const hasManager = (env['NOTIFY_SOCKET'] ?? '') !== ''
  const watchdogMs = hasManager ? Number(env['WATCHDOG_USEC'] ?? 0) / 1_000 : 0

  const tell = (...args: readonly string[]): void => {
    if (!hasManager) return
    notify(args).catch((error: unknown) =>
      log.error({ error: (error as Error).message }, 'the service manager could not be told'),
    )
  }
  const write = (): void => {
    const beat: Beat = {
      pid: process.pid,
      at: clock.now().toISOString(),
      boot: clock.bootId,
      monotonicMs: Math.round(clock.monotonicMs()),
      isReady,
    }
    try {
      // Whole or not at all: whoever reads it must not find half of one.
      writeFileSync(`${path}.part`, `${JSON.stringify(beat)}\n`)
      renameSync(`${path}.part`, path)
    } catch (error) {
      // A full disk is told elsewhere, and is no reason to be ended.
      log.warn({ error: (error as Error).message }, 'no heartbeat could be written')
    }
  }
  const beat = async (andThen: () => void): Promise<void> => {
    // A station that has not answered the last one yet is asked no more.
    if (isAsking || isOver) return
    isAsking = true
    try {
      const answer = (await station.call('station.status', {})) as Result<unknown>
      if (answer.ok) answeredMs = clock.monotonicMs()
      if (answer.ok && !isOver) andThen()
    } finally {
      isAsking = false
    }
  }

  write()
  const timers = [setInterval(() => void beat(write), beatMs)]
  const ready = (): void => {
    if (isReady || isOver) return
    isReady = true
    stopListening()
    log.info({ sinceStartMs: Math.round(process.uptime() * 1_000) }, 'ready to scan')
    write()
    tell('--ready', '--status=ready to scan')
    if (watchdogMs > 0) timers.push(setInterval(() => void beat(() => tell('WATCHDOG=1')), watchdogMs / share))
  }
  const stopListening = station.subscribe('status.changed', (status) => {
    const { devices } = status as StationStatus
    if (devices.some(({ id, state }) => id === windowDevices.wedge && state === 'ready')) ready()
  })
  return {
    isReady: () => isReady && clock.monotonicMs() - answeredMs < beatMs * share,
    close() {
      isOver = true
      stopListening()
      for (const timer of timers) clearInterval(timer)
      tell('--stopping')
      rmSync(path, { force: true })
    },
  }
}

/** The last beat of the kiosk that runs on a data folder; null where none does, or none that can be read. */
export function readHeartbeat(dataDir: string): Beat | null {
  try {
    const beat = JSON.parse(readFileSync(join(dataDir, heartbeatFile), 'utf8')) as Beat
    return Number.isFinite(Date.parse(beat.at)) ? beat : null
  } catch {
    return null
  }
}

function runNotify(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('systemd-notify', [...args], { timeout: notifyMs }, (error) => (error ? reject(error) : resolve()))
  })
}
