/**
 * The process of the emulated bus. It runs as root of its own mount and network namespace (see bus.ts), puts a usbfs and
 * a sysfs tree of its own where programs look for them, and obeys one JSON command a line on the socket `--control`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import type { DeviceSpec } from './emulated-device.ts'
import { mountFuse } from './fuse.ts'
import { addToSysfs, propertiesOf, removeFromSysfs, showDriver, writeEmptyBus } from './sysfs.ts'
import { createUdev } from './udev.ts'
import { plugIn, pulls, type Plugged, type Pull } from './usbfs.ts'

const hex = z.string().regex(/^([0-9a-f]{2})*$/)
const number = z.number().int()
const commandSchema = z.discriminatedUnion('command', [
  z.object({
    command: z.literal('plug'),
    device: z.custom<DeviceSpec>(),
    port: number.optional(),
    isTold: z.boolean(),
  }),
  z.object({ command: z.literal('pull'), number, how: z.enum(pulls) }),
  z.object({ command: z.literal('pullAll') }),
  z.object({ command: z.literal('push'), number, endpoint: number, packets: z.array(hex), gapMs: z.number() }),
  z.object({ command: z.literal('stall'), number, endpoint: number }),
  z.object({ command: z.literal('failIn'), number, endpoint: number, code: number }),
  z.object({ command: z.literal('reset'), number }),
  z.object({ command: z.literal('hold'), number, interface: number, isHeld: z.boolean() }),
  z.object({ command: z.literal('fault'), number, openErrno: number.optional(), controlDelayMs: number.optional() }),
  z.object({ command: z.literal('state'), number }),
  z.object({ command: z.literal('openPort'), port: number }),
  z.object({ command: z.literal('announce'), number, action: z.enum(['add', 'remove']) }),
])

const { values: options } = parseArgs({ options: { control: { type: 'string', default: '' } } })

/** The monotonic clock that all processes of a machine share. */
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6

const run = (program: string, ...rest: string[]): void => {
  const result = spawnSync(program, rest, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (result.status !== 0) throw new Error(`${program} ${rest.join(' ')} failed`)
}

/** Replaces a folder by links to what it held, so that ours can stand beside them. */
function makeWritable(folder: string, kept: string, without: readonly string[], copied: readonly string[] = []): void {
  mkdirSync(kept)
  run('mount', '--rbind', folder, kept)
  run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'capstan-usb', folder)
  for (const name of readdirSync(kept)) {
    if (without.includes(name)) continue
    const path = join(folder, name)
    // What names the reader itself, and mounts, must stay what they are.
    if (copied.includes(name)) symlinkSync(readlinkSync(join(kept, name)), path)
    else if (['pts', 'shm', 'mqueue'].includes(name) && lstatSync(join(kept, name)).isDirectory()) {
      mkdirSync(path)
      run('mount', '--bind', join(kept, name), path)
    } else symlinkSync(join(kept, name), path)
  }
}

/** SIOCSIFFLAGS with IFF_UP: a network namespace begins without its loopback. Node cannot, Perl can. */
const raiseLoopback = 'socket(S, 2, 1, 0); $r = pack("a16sx22", "lo", 1); ioctl(S, 0x8914, $r) or die "lo: $!"'

function enter(): void {
  run('perl', '-e', raiseLoopback)
  // Beside the socket: whoever made that folder removes it.
  const place = join(dirname(options.control), 'mounts')
  mkdirSync(place)
  run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'capstan-usb', place)
  for (const folder of ['bus', 'devices']) {
    const without = folder === 'bus' ? ['usb'] : []
    makeWritable(join('/sys', folder), join(place, folder), without)
  }
  if (!existsSync('/dev/bus/usb')) {
    makeWritable('/dev', join(place, 'dev'), ['bus'], ['fd', 'stdin', 'stdout', 'stderr'])
    mkdirSync('/dev/bus/usb', { recursive: true })
  }
}

enter()
writeEmptyBus()
const udev = createUdev()
const devices = new Map<number, Plugged>()
const listeners = new Set<Socket>()
let nextNumber = 2
let sequence = 5_000

const broadcast = (message: object): void => {
  for (const socket of listeners) socket.write(`${JSON.stringify({ ...message, atMs: nowMs() })}\n`)
}
const announce = (plugged: Plugged, action: 'add' | 'remove') => udev.send(propertiesOf(plugged, action, sequence++))

async function plug(spec: DeviceSpec, wanted: number | undefined, isTold: boolean): Promise<Plugged> {
  const taken = new Set([...devices.values()].map((one) => one.port))
  let port = wanted ?? 1
  while (wanted === undefined && taken.has(port)) port++
  if (taken.has(port)) throw new Error(`port ${port} is taken`)
  const own = nextNumber++
  if (nextNumber > 127) nextNumber = 2
  const plugged: Plugged = plugIn(
    spec,
    { number: own, port },
    (event) => broadcast({ ...event, number: own }),
    (changed) => {
      if (devices.has(own)) showDriver(plugged, changed)
    },
  )
  addToSysfs(plugged)
  devices.set(own, plugged)
  if (isTold) await announce(plugged, 'add')
  return plugged
}

async function pull(plugged: Plugged, how: Pull): Promise<void> {
  await plugged.remove(how)
  devices.delete(plugged.number)
  removeFromSysfs(plugged)
  if (how !== 'silent') await announce(plugged, 'remove')
}

/** A socket file that leads to a port of this network; a file is seen from every network. */
async function openPort(port: number): Promise<string> {
  const path = join(dirname(options.control), `port-${port}`)
  const server = createServer((outside) => {
    const inside = connect(port, '127.0.0.1')
    outside.on('error', () => inside.destroy()).on('close', () => inside.destroy())
    inside.on('error', () => outside.destroy()).on('close', () => outside.destroy())
    outside.pipe(inside).pipe(outside)
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return path
}

async function obey(input: unknown): Promise<object | string> {
  const command = commandSchema.parse(input)
  if (command.command === 'plug') {
    const plugged = await plug(command.device, command.port, command.isTold)
    return { number: plugged.number, port: plugged.port }
  }
  if (command.command === 'pullAll') {
    for (const one of devices.values()) await pull(one, 'clean')
    return {}
  }
  if (command.command === 'openPort') return openPort(command.port)
  const plugged = devices.get(command.number)
  if (!plugged) throw new Error(`no device ${command.number}`)
  switch (command.command) {
    case 'pull':
      await pull(plugged, command.how)
      return {}
    case 'push':
      plugged.push(
        command.endpoint,
        command.packets.map((packet) => Buffer.from(packet, 'hex')),
        command.gapMs,
      )
      return { atMs: nowMs() }
    case 'stall':
      plugged.stall(command.endpoint)
      return {}
    case 'failIn':
      plugged.failIn(command.endpoint, command.code)
      return {}
    case 'reset':
      plugged.reset()
      return {}
    case 'hold':
      plugged.hold(command.interface, command.isHeld)
      return {}
    case 'fault':
      if (command.openErrno !== undefined) plugged.device.faults.openErrno = command.openErrno
      if (command.controlDelayMs !== undefined) plugged.device.faults.controlDelayMs = command.controlDelayMs
      return {}
    case 'announce':
      await announce(plugged, command.action)
      return {}
    case 'state':
      return plugged.state()
  }
}

/**
 * Ends everything that sees this bus, and the bus: whoever started them may be gone without a word. A thread may sit in
 * read(/dev/fuse): only a kill ends it. The namespace and all its mounts end with us.
 */
function end(): void {
  const own = readlinkSync('/proc/self/ns/mnt')
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    try {
      if (readlinkSync(`/proc/${pid}/ns/mnt`) === own) process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself, or is not ours to look at.
    }
  }
  process.kill(process.pid, 'SIGKILL')
}

mountFuse(
  '/dev/bus/usb',
  {
    folder: '001',
    names: () => [...devices.keys()].map((one) => String(one).padStart(3, '0')),
    stat(name) {
      const plugged = devices.get(Number(name))
      return plugged && /^\d{3}$/.test(name) ? { size: plugged.device.descriptors.length, mode: 0o666 } : null
    },
    open(name, pid) {
      const plugged = devices.get(Number(name))
      if (!plugged) return -19
      if (plugged.device.faults.openErrno) return -plugged.device.faults.openErrno
      broadcast({ event: 'open', number: plugged.number, pid })
      return plugged.openFile()
    },
  },
  end,
)

createServer((socket) => {
  listeners.add(socket)
  socket.on('close', () => listeners.delete(socket)).on('error', () => listeners.delete(socket))
  let text = ''
  socket.setEncoding('utf8').on('data', (part: string) => {
    const lines = (text + part).split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      const { id, ...command } = JSON.parse(line) as { readonly id: number }
      obey(command).then(
        (value) => socket.write(`${JSON.stringify({ id, value })}\n`),
        (error: unknown) => socket.write(`${JSON.stringify({ id, error: String(error) })}\n`),
      )
    }
  })
}).listen(options.control, () => console.log('ready'))
process.stdin.resume().on('end', end)
