import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chmodSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Model, ScanOptions } from './models.ts'
import type { Pull } from './usbfs.ts'

/** Something that happened on the bus: `open`, `claim`, `out`, `set-report`, `in-pending`, ... */
export interface BusEvent {
  readonly event: string
  readonly number: number
  /** On the clock of `process.hrtime`. */
  readonly atMs: number
  readonly [key: string]: unknown
}

export interface BusDeviceState {
  readonly opens: number
  readonly claims: readonly number[]
  readonly drivers: Readonly<Record<string, string | null>>
  readonly waiting: Readonly<Record<string, number>>
  readonly queued: Readonly<Record<string, number>>
}

/** An emulated scanner in its port. */
export interface BusDevice {
  readonly number: number
  readonly port: number
  /**
   * Reads a code; `gapMs` paces the packets. Answers when the device had it, ready for the host to fetch, on the clock of
   * `process.hrtime` in milliseconds: without a gap that is the time of the last byte.
   */
  scan(text: string | Buffer, options?: ScanOptions & { readonly gapMs?: number }): Promise<number>
  raw(...packets: readonly (readonly number[] | Buffer)[]): Promise<void>
  pull(how?: Pull): Promise<void>
  stall(): Promise<void>
  failIn(code: number): Promise<void>
  reset(): Promise<void>
  hold(isHeld: boolean): Promise<void>
  fault(values: { readonly openErrno?: number; readonly controlDelayMs?: number }): Promise<void>
  /** Sends the udev event once more. */
  announce(action: 'add' | 'remove'): Promise<void>
  state(): Promise<BusDeviceState>
  /** The next matching event of this device. */
  until(event: string, matches?: (event: BusEvent) => boolean): Promise<BusEvent>
}

/** The emulated bus. */
export interface Bus {
  readonly events: readonly BusEvent[]
  plug(model: Model, options?: { readonly port?: number; readonly isTold?: boolean }): Promise<BusDevice>
  pullAll(): Promise<void>
  /** Starts a Node program that sees this bus and no other, with a channel for messages. */
  start(program: string, args?: readonly string[]): ChildProcess
  /** A program to be started by others, as by Playwright, that runs `executable` on this bus in the same folder. */
  wrap(executable: string): string
  /** A port of this machine's loopback that leads to the same port of the bus's own network. */
  openPort(): Promise<number>
  /** Ends the bus and everything that was started on it and still runs. */
  close(): Promise<void>
}

/** The longest that an answer of the emulator is waited for; the longest scan is typed within it. */
const patienceMs = 60_000

const isRoot = process.getuid?.() === 0
const unshareFlags = ['--mount', '--propagation', 'private', '--net', ...(isRoot ? [] : ['--user', '--map-root-user'])]

/** Why there can be no emulated bus on this machine; null when there can. */
export function whyNoBus(): string | null {
  if (process.platform !== 'linux') return 'the emulated USB bus needs Linux'
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK)
  } catch {
    return 'the emulated USB bus needs /dev/fuse'
  }
  for (const program of ['unshare', 'nsenter', 'mount', 'perl'])
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) return `the emulated USB bus needs ${program}`
  const trial = spawnSync('unshare', [...unshareFlags, 'mount', '-t', 'tmpfs', 'none', '/sys/bus'])
  return trial.status === 0 ? null : 'the emulated USB bus needs namespaces (root, or user namespaces)'
}

/** Starts a Node program that sees a machine without USB. */
export function startWithoutUsb(program: string, args: readonly string[] = []): ChildProcess {
  const go = ['sh', '-c', 'mount -t tmpfs none /sys/bus && exec "$@"', 'sh', process.execPath, program, ...args]
  return spawnTold('unshare', [...unshareFlags, '--', ...go])
}

/**
 * Starts a program with a channel for messages. What it prints comes through pipes of its own: a program that held
 * Vitest's own pipes and outlived its test would keep Vitest waiting for their end for ever.
 */
export function spawnTold(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  child.stdout?.on('data', (data: Buffer) => process.stdout.write(data))
  child.stderr?.on('data', (data: Buffer) => process.stderr.write(data))
  return child
}

/** Starts the bus in namespaces of its own. */
export async function openBus(): Promise<Bus> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-usb-'))
  const control = join(folder, 'control')
  const emulator = fileURLToPath(new URL('emulator.ts', import.meta.url))
  const child = spawn('unshare', [...unshareFlags, '--', process.execPath, emulator, '--control', control], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const started = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    once(child, 'exit').then(() => false),
  ])
  if (!started) {
    rmSync(folder, { recursive: true, force: true })
    throw new Error('the emulated USB bus did not start')
  }
  const socket = connect(control)
  await once(socket, 'connect')

  const events: BusEvent[] = []
  const watchers = new Set<(event: BusEvent) => void>()
  const answers = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let nextId = 1
  let text = ''
  socket.setEncoding('utf8').on('data', (part: string) => {
    const lines = (text + part).split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      const message = JSON.parse(line) as BusEvent & { id?: number; value?: unknown; error?: string }
      if (message.id === undefined) {
        events.push(message)
        for (const watch of watchers) watch(message)
        continue
      }
      const answer = answers.get(message.id)
      answers.delete(message.id)
      if (message.error === undefined) answer?.resolve(message.value)
      else answer?.reject(new Error(message.error))
    }
  })
  const call = (command: string, values: object = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = nextId++
      const late = setTimeout(() => reject(new Error(`the emulated USB bus has not answered ${command}`)), patienceMs)
      answers.set(id, {
        resolve(value) {
          clearTimeout(late)
          resolve(value)
        },
        reject(error) {
          clearTimeout(late)
          reject(error)
        },
      })
      socket.write(`${JSON.stringify({ id, command, ...values })}\n`)
    })

  const deviceOf = (model: Model, number: number, port: number): BusDevice => {
    const endpoint = model.inEndpoint
    const tell = async (command: string, values: object = {}) => void (await call(command, { number, ...values }))
    const push = async (packets: readonly Buffer[], gapMs: number): Promise<number> => {
      const hex = packets.map((packet) => packet.toString('hex'))
      return ((await call('push', { number, endpoint, gapMs, packets: hex })) as { atMs: number }).atMs
    }
    return {
      number,
      port,
      scan: (code, { gapMs = 0, ...options } = {}) => push(model.packets(code, options), gapMs),
      async raw(...packets) {
        await push(
          packets.map((packet) => Buffer.from(packet as number[])),
          0,
        )
      },
      pull: (how = 'eproto') => tell('pull', { how }),
      stall: () => tell('stall', { endpoint }),
      failIn: (code) => tell('failIn', { endpoint, code }),
      reset: () => tell('reset'),
      hold: (isHeld) => tell('hold', { interface: 0, isHeld }),
      fault: (values) => tell('fault', values),
      announce: (action) => tell('announce', { action }),
      state: async () => (await call('state', { number })) as BusDeviceState,
      until: (event, matches = () => true) =>
        new Promise((resolve) => {
          const watch = (seen: BusEvent) => {
            if (seen.event !== event || seen.number !== number || !matches(seen)) return
            watchers.delete(watch)
            resolve(seen)
          }
          watchers.add(watch)
        }),
    }
  }

  const programs = new Set<ChildProcess>()
  const servers = new Set<Server>()
  const enter = [
    '--target',
    String(child.pid),
    '--mount',
    '--net',
    ...(isRoot ? [] : ['--user', '--preserve-credentials']),
    '--',
    // Entering a mount namespace moves to its root.
    'sh',
    '-c',
    'cd "$1" && shift && exec "$@"',
    'sh',
  ]

  return {
    events,
    async plug(model, { port, isTold = true } = {}) {
      const place = (await call('plug', { device: model.spec, port, isTold })) as { number: number; port: number }
      return deviceOf(model, place.number, place.port)
    },
    pullAll: async () => void (await call('pullAll')),
    start(program, args = []) {
      const started = spawnTold('nsenter', [...enter, dirname(program), process.execPath, program, ...args])
      programs.add(started)
      started.once('exit', () => programs.delete(started))
      return started
    },
    wrap(executable) {
      const quoted = [...enter].map((word) => `'${word}'`).join(' ')
      const path = join(folder, `on-the-bus-${basename(executable)}`)
      writeFileSync(path, `#!/bin/sh\nexec nsenter ${quoted} "$PWD" '${executable}' "$@"\n`)
      chmodSync(path, 0o755)
      return path
    },
    async openPort() {
      let inner = ''
      const server = createServer((outside) => {
        const inside = connect(inner)
        outside.on('error', () => inside.destroy()).on('close', () => inside.destroy())
        inside.on('error', () => outside.destroy()).on('close', () => outside.destroy())
        outside.pipe(inside).pipe(outside)
      })
      servers.add(server)
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      inner = String(await call('openPort', { port }))
      return port
    },
    async close() {
      for (const server of servers) server.close()
      socket.destroy()
      const exited = [child, ...programs].map((program) => once(program, 'exit'))
      child.stdin.end()
      await Promise.all(exited)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
