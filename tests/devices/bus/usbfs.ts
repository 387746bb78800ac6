import { openClientMemory, type ClientMemory } from './client-memory.ts'
import { createEmulatedDevice, type DeviceEvent, type DeviceSpec, type EmulatedDevice } from './emulated-device.ts'
import type { OpenFile } from './fuse.ts'

const errno = {
  noEntry: 2,
  again: 11,
  fault: 14,
  busy: 16,
  noDevice: 19,
  invalid: 22,
  notTty: 25,
  pipe: 32,
  noData: 61,
  protocol: 71,
  shutdown: 108,
} as const

/** How a cable is pulled. */
export const pulls = [
  /** The controller reports errors before the hub sees the port empty: what dummy_hcd and real cables do. */
  'eproto',
  /** Transfers end with ESHUTDOWN as the hub driver tears down. */
  'clean',
  /** As clean, and nobody is told by udev. */
  'silent',
] as const
export type Pull = (typeof pulls)[number]

/** A device in its port, as the kernel's usbfs (drivers/usb/core/devio.c) treats it. */
export interface Plugged {
  readonly device: EmulatedDevice
  readonly number: number
  readonly port: number
  /** The driver of an interface as sysfs shows it; `usbfs` while a client has claimed it. */
  driverOf(interfaceNumber: number): string | undefined
  openFile(): OpenFile
  push(endpoint: number, packets: readonly Buffer[], gapMs: number): void
  /** Halts an endpoint until the client clears it. */
  stall(endpoint: number): void
  /** Ends the request that waits on the endpoint with an errno. */
  failIn(endpoint: number, code: number): void
  /** A port reset by somebody else: claims and requests die, the kernel's drivers come back. */
  reset(): void
  /** Another program takes the interface, or gives it back. */
  hold(interfaceNumber: number, isHeld: boolean): void
  /** Ends what waits, as `how` says, and lets every later call fail. */
  remove(how: Pull): Promise<void>
  state(): object
}

interface Urb {
  readonly address: bigint
  readonly dataAddress: bigint
  readonly endpoint: number
  readonly isIn: boolean
  readonly length: number
  data: Buffer
  status: number
  actual: number
  isOver: boolean
  complete(status: number, actual?: number): void
}

interface File extends OpenFile {
  readonly pending: Map<bigint, Urb>
  readonly completed: Urb[]
  wake(): void
}

const otherProgram = Symbol('another program')
type Owner = File | typeof otherProgram

/** Plugs a device in. `tell` hears what clients do with it, `onDriver` when an interface changes its driver. */
export function plugIn(
  spec: DeviceSpec,
  place: { readonly number: number; readonly port: number },
  tell: (event: DeviceEvent) => void,
  onDriver: (interfaceNumber: number) => void,
): Plugged {
  const device = createEmulatedDevice(spec, tell, pump)
  const files = new Set<File>()
  const claims = new Map<number, Owner>()
  const kernel = new Map<number, string>()
  for (const one of device.interfaces()) if (one.kernelDriver) kernel.set(one.number, one.kernelDriver)
  const waiting = new Map<number, Urb[]>()
  const halted = new Set<number>()
  let isGone = false

  const has = (number: number) => device.interfaces().some((one) => one.number === number)
  const queueOf = (endpoint: number): Urb[] => {
    const queue = waiting.get(endpoint) ?? []
    waiting.set(endpoint, queue)
    return queue
  }
  function pump(endpoint: number): void {
    const queue = queueOf(endpoint)
    for (let urb = queue[0]; urb; urb = queue[0]) {
      const status = halted.has(endpoint) ? -errno.pipe : device.fill(endpoint, urb)
      if (status === null) return
      queue.shift()
      urb.complete(status)
    }
  }
  const unlink = (urb: Urb): void => {
    const queue = queueOf(urb.endpoint)
    const at = queue.indexOf(urb)
    if (at >= 0) queue.splice(at, 1)
  }
  const endAll = (code: number): void => {
    for (const file of files) {
      for (const urb of file.pending.values()) {
        unlink(urb)
        urb.complete(-code)
      }
      file.wake()
    }
  }
  const setKernel = (number: number, driver: string | undefined): void => {
    if (driver === undefined) kernel.delete(number)
    else kernel.set(number, driver)
    onDriver(number)
  }
  const claim = (file: Owner, number: number): number => {
    if (!has(number)) return -errno.noEntry
    const owner = claims.get(number)
    if (owner === file) return 0
    if (owner !== undefined || kernel.has(number)) return -errno.busy
    claims.set(number, file)
    onDriver(number)
    return 0
  }
  const unclaim = (number: number): void => {
    claims.delete(number)
    onDriver(number)
  }
  /** usbfs claims the interface that owns an endpoint by itself. */
  const claimEndpoint = (file: File, endpoint: number): number => {
    const owner = device.interfaceOf(endpoint)
    return owner ? claim(file, owner.number) : -errno.noEntry
  }
  const reset = (): void => {
    // usbfs has no pre_reset: the core unbinds it, so transfers die and the kernel's drivers come back (seen on 6.1).
    endAll(errno.shutdown)
    for (const number of claims.keys()) {
      claims.delete(number)
      setKernel(number, device.interfaces().find((one) => one.number === number)?.kernelDriver)
    }
    halted.clear()
    tell({ event: 'reset' })
  }

  const openFile = (): File => {
    const pending = new Map<bigint, Urb>()
    const completed: Urb[] = []
    let wakePoller: () => void = () => undefined

    const createUrb = (raw: Buffer, address: bigint): Urb => {
      const endpoint = raw.readUInt8(1)
      const buffer = raw.readBigUInt64LE(16)
      const isControl = raw.readUInt8(0) === 2
      const urb: Urb = {
        address,
        endpoint,
        isIn: (endpoint & 0x80) !== 0,
        dataAddress: isControl ? buffer + 8n : buffer,
        length: raw.readInt32LE(24),
        data: Buffer.alloc(0),
        status: 0,
        actual: 0,
        isOver: false,
        complete(status, actual = urb.data.length) {
          if (urb.isOver) return
          urb.isOver = true
          urb.status = status
          urb.actual = actual
          pending.delete(address)
          completed.push(urb)
          file.wake()
        },
      }
      return urb
    }

    const submit = (memory: ClientMemory, address: bigint): number => {
      const raw = memory.read(address, 56)
      if (pending.has(address)) return -errno.busy
      const type = raw.readUInt8(0)
      const urb = createUrb(raw, address)
      if (type === 2) return submitControl(memory, urb)
      if (type !== 1 && type !== 3) return -errno.invalid
      const claimed = claimEndpoint(file, urb.endpoint)
      if (claimed < 0) return claimed
      pending.set(address, urb)
      if (urb.isIn) {
        queueOf(urb.endpoint).push(urb)
        tell({ event: 'in-pending', endpoint: urb.endpoint })
        setImmediate(() => pump(urb.endpoint))
      } else {
        const data = memory.read(urb.dataAddress, urb.length)
        setImmediate(() => {
          if (urb.isOver || isGone) return
          if (halted.has(urb.endpoint)) return urb.complete(-errno.pipe, 0)
          device.out(urb.endpoint, data)
          urb.complete(0, data.length)
        })
      }
      return 0
    }

    const submitControl = (memory: ClientMemory, urb: Urb): number => {
      const setup = memory.read(urb.dataAddress - 8n, 8)
      const length = setup.readUInt16LE(6)
      if (urb.length < length + 8) return -errno.invalid
      const isIn = (setup.readUInt8(0) & 0x80) !== 0
      const recipient = setup.readUInt8(0) & 0x1f
      const index = setup.readUInt16LE(4) & 0xff
      const claimed = recipient === 1 ? claim(file, index) : 0
      if (claimed < 0) return claimed
      const data = isIn ? undefined : memory.read(urb.dataAddress, length)
      const answered: Urb = Object.assign(urb, { isIn })
      pending.set(urb.address, answered)
      setTimeout(() => {
        if (urb.isOver || isGone) return
        const answer = device.control(setup, data)
        if (typeof answer === 'number') return urb.complete(answer, 0)
        if (answer !== undefined) urb.data = answer.subarray(0, length)
        urb.complete(0, isIn ? urb.data.length : length)
      }, device.faults.controlDelayMs ?? 0)
      return 0
    }

    const reap = (memory: ClientMemory, argument: bigint): number => {
      const urb = completed.shift()
      if (!urb) return isGone ? -errno.noDevice : -errno.again
      if (urb.isIn && urb.data.length > 0) memory.write(urb.dataAddress, urb.data)
      const word = Buffer.alloc(4)
      word.writeInt32LE(urb.status)
      memory.write(urb.address + 4n, word)
      word.writeInt32LE(urb.actual)
      memory.write(urb.address + 28n, word)
      const pointer = Buffer.alloc(8)
      pointer.writeBigUInt64LE(urb.address)
      memory.write(argument, pointer)
      return 0
    }

    /** USBDEVFS_IOCTL: the kernel's driver is taken off (DISCONNECT) or put back (CONNECT). */
    const driverCall = (number: number, code: number): number => {
      if (!has(number)) return -errno.invalid
      if (code === 22) {
        const driver = kernel.get(number)
        if (driver === undefined && !claims.has(number)) return -errno.noData
        if (claims.has(number)) unclaim(number)
        // cdc_acm owns its control and its data interface together: losing one, it lets go of both.
        const dropped = driver === 'cdc_acm' ? [...kernel.keys()] : [number]
        for (const one of dropped) setKernel(one, undefined)
        tell({ event: 'kernel-detach', interface: number })
        return 0
      }
      if (code === 23) {
        if (kernel.has(number) || claims.has(number)) return -errno.busy
        const driver = device.interfaces().find((one) => one.number === number)?.kernelDriver
        if (driver === undefined) return 0
        setKernel(number, driver)
        tell({ event: 'kernel-attach', interface: number })
        return 1
      }
      return -errno.notTty
    }

    const call = (memory: ClientMemory, nr: number, argument: bigint): number => {
      if (nr === 13) return reap(memory, argument) // REAPURBNDELAY works after the device is gone
      if (isGone) return -errno.noDevice
      const word = (offset = 0n) => memory.read(argument + offset, 4).readUInt32LE()
      switch (nr) {
        case 0: {
          // CONTROL
          const raw = memory.read(argument, 24)
          const length = raw.readUInt16LE(6)
          const pointer = raw.readBigUInt64LE(16)
          const isIn = (raw.readUInt8(0) & 0x80) !== 0
          const answer = device.control(raw.subarray(0, 8), isIn ? undefined : memory.read(pointer, length))
          if (typeof answer === 'number') return answer
          const data = answer?.subarray(0, length) ?? Buffer.alloc(0)
          if (isIn) memory.write(pointer, data)
          return isIn ? data.length : length
        }
        case 4: {
          // SETINTERFACE
          const claimed = claim(file, word())
          return claimed < 0 ? claimed : word(4n) === 0 ? 0 : -errno.invalid
        }
        case 5: // SETCONFIGURATION
          return (word() | 0) === device.configurationValue ? 0 : -errno.invalid
        case 10:
          return submit(memory, argument)
        case 11: {
          // DISCARDURB
          const urb = pending.get(argument)
          if (!urb) return -errno.invalid
          unlink(urb)
          urb.complete(-errno.noEntry)
          return 0
        }
        case 15: {
          const result = claim(file, word())
          tell({ event: 'claim', interface: word(), result })
          return result
        }
        case 16: {
          const number = word()
          if (claims.get(number) !== file) return -errno.invalid
          unclaim(number)
          tell({ event: 'release', interface: number })
          return 0
        }
        case 18: {
          const raw = memory.read(argument, 8)
          return driverCall(raw.readUInt32LE(0), raw.readUInt32LE(4) & 0xff)
        }
        case 20:
          reset()
          return 0
        case 3: // RESETEP
        case 21: {
          // CLEAR_HALT
          const endpoint = word()
          const claimed = claimEndpoint(file, endpoint)
          if (claimed < 0) return claimed
          halted.delete(endpoint)
          tell({ event: 'clear-halt', endpoint })
          pump(endpoint)
          return 0
        }
        case 26: {
          // GET_CAPABILITIES
          const bytes = Buffer.alloc(4)
          bytes.writeUInt32LE(0x15)
          memory.write(argument, bytes)
          return 0
        }
        case 31: // GET_SPEED: full
          return 2
        default:
          return -errno.notTty
      }
    }

    const file: File = {
      pending,
      completed,
      wake: () => wakePoller(),
      read: (offset, size) => (isGone ? null : device.descriptors.subarray(offset, offset + size)),
      ioctl(pid, command, argument) {
        if (((command >> 8) & 0xff) !== 0x55) return -errno.notTty
        let memory: ClientMemory | null = null
        try {
          memory = openClientMemory(pid)
          return call(memory, command & 0xff, argument)
        } catch {
          return -errno.fault
        } finally {
          memory?.close()
        }
      },
      poll(wake) {
        if (wake) wakePoller = wake
        return (completed.length > 0 ? 0x104 : 0) | (isGone ? 0x18 : 0)
      },
      release() {
        for (const [number, owner] of claims) if (owner === file) unclaim(number)
        for (const urb of pending.values()) {
          unlink(urb)
          urb.isOver = true
        }
        files.delete(file)
        tell({ event: 'close' })
      },
    }
    files.add(file)
    return file
  }

  return {
    device,
    ...place,
    driverOf: (number) => (claims.has(number) ? 'usbfs' : kernel.get(number)),
    openFile,
    push: (endpoint, packets, gapMs) => device.push(endpoint, packets, gapMs),
    stall(endpoint) {
      halted.add(endpoint)
      pump(endpoint)
    },
    failIn(endpoint, code) {
      const urb = queueOf(endpoint).shift()
      if (!urb) throw new Error('nothing waits on that endpoint')
      urb.complete(-code)
    },
    reset,
    hold(number, isHeld) {
      if (!isHeld) return unclaim(number)
      kernel.delete(number)
      if (claim(otherProgram, number) < 0) throw new Error('the interface is claimed already')
    },
    async remove(how) {
      if (how === 'eproto') {
        endAll(errno.protocol)
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
      isGone = true
      endAll(errno.shutdown)
    },
    state: () => ({
      number: place.number,
      opens: files.size,
      claims: [...claims.keys()],
      drivers: Object.fromEntries(
        device
          .interfaces()
          .map((one) => [one.number, claims.has(one.number) ? 'usbfs' : (kernel.get(one.number) ?? null)]),
      ),
      waiting: Object.fromEntries([...waiting].map(([endpoint, urbs]) => [endpoint, urbs.length])),
      queued: device.queued(),
    }),
  }
}
