import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { windowDevices } from '#contract/station/device.ts'
import type { Transport } from '#contract/transport.ts'
import { heartbeatFile, startHeartbeat, type Beat } from '#station/heartbeat.ts'
import { createClock, createKeptLog, temporaryFolder } from './parts.ts'

const programs = (process.env['PATH'] ?? '').split(':')
const has = (name: string) => programs.some((folder) => existsSync(join(folder, name)))

/** A station of which only matters whether it answers, and what its window says. */
function createStation(answer: () => Promise<unknown> = () => Promise.resolve({ ok: true })) {
  const listeners = new Set<(payload: unknown) => void>()
  return {
    call: answer as Transport['call'],
    subscribe(_topic: string, listener: (payload: unknown) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    listeners,
    windowIs(state: string) {
      for (const listener of listeners) listener({ devices: [{ id: windowDevices.wedge, state }] })
    },
  }
}

function start(env: NodeJS.ProcessEnv = {}, answer?: () => Promise<unknown>) {
  const dataDir = temporaryFolder()
  const clock = createClock()
  const told: string[] = []
  const station = createStation(answer)
  const heartbeat = startHeartbeat({
    dataDir,
    clock,
    log: createKeptLog(),
    env,
    station,
    notify: (args) => Promise.resolve(void told.push(args.join(' '))),
  })
  onTestFinished(() => heartbeat.close())
  const beat = () => JSON.parse(readFileSync(join(dataDir, heartbeatFile), 'utf8')) as Beat
  return { heartbeat, beat, clock, told, dataDir, station, ready: () => station.windowIs('ready') }
}

describe('the heartbeat', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('is written every five seconds, by this process, on both clocks', async () => {
    const { beat, clock, ready } = start()
    expect(beat()).toEqual({
      pid: process.pid,
      at: '2026-11-21T09:00:00.000Z',
      boot: 'boot',
      monotonicMs: 0,
      isReady: false,
    })
    ready()
    clock.advance(5_000)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(beat()).toMatchObject({ monotonicMs: 5_000, isReady: true })
  })

  it('stops while the station does not answer, and asks it only once', async () => {
    let asked = 0
    const { beat, clock } = start({}, () => {
      asked += 1
      return new Promise(() => undefined)
    })
    clock.advance(60_000)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(beat().monotonicMs).toBe(0)
    expect(asked).toBe(1)
  })

  it('tells systemd when the window is ready, and thrice in the time it waits', async () => {
    const { ready, told, station } = start({ NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '30000000' })
    await vi.advanceTimersByTimeAsync(30_000)
    expect(told).toEqual([])
    station.windowIs('failed')
    expect(told).toEqual([])
    ready()
    ready()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(told).toEqual(['--ready --status=ready to scan', 'WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1'])
  })

  it('tells nobody where nobody waits', async () => {
    const { ready, told } = start({ WATCHDOG_USEC: '30000000' })
    ready()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(told).toEqual([])
  })

  it('is taken away by an end on purpose', () => {
    const { heartbeat, ready, dataDir, told, station } = start({ NOTIFY_SOCKET: '/run/notify' })
    ready()
    heartbeat.close()
    expect(existsSync(join(dataDir, heartbeatFile))).toBe(false)
    expect(told.at(-1)).toBe('--stopping')
    expect(station.listeners.size).toBe(0)
  })
})

/** Receives what services tell their manager, as systemd does: datagrams on a Unix socket. */
const receiver = `
import socket, sys
own = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
own.bind(sys.argv[1])
print('listening', flush=True)
while True:
    print(own.recv(4096).decode().replace(chr(10), ' '), flush=True)
`

describe.skipIf(!has('systemd-notify') || !has('python3'))(
  'the heartbeat to a real socket (skipped without systemd-notify and Python)',
  () => {
    it('arrives as READY=1 and WATCHDOG=1', async () => {
      const dataDir = temporaryFolder()
      const path = join(dataDir, 'notify')
      const child = spawn('python3', ['-c', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] })
      onTestFinished(() => void child.kill())
      const received: string[] = []
      const lines = createInterface({ input: child.stdout })
      await once(lines, 'line')
      lines.on('line', (line) => received.push(line))
      vi.stubEnv('NOTIFY_SOCKET', path)
      onTestFinished(() => void vi.unstubAllEnvs())
      const station = createStation()
      const heartbeat = startHeartbeat({
        dataDir,
        clock: createClock(),
        log: createKeptLog(),
        station,
        env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '600000' },
      })
      onTestFinished(() => heartbeat.close())
      station.windowIs('ready')
      await vi.waitFor(() => expect(received.join(' ')).toMatch(/READY=1.*WATCHDOG=1/), { timeout: 15_000 })
    })
  },
)
