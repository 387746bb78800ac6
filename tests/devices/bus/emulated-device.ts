/** What a device is when it is plugged in; all bytes as hex, so that it travels as JSON. */
export interface DeviceSpec {
  readonly device: string
  readonly configuration: string
  readonly strings: Readonly<Record<number, string>>
  /** HID report descriptors by interface. */
  readonly hidReports?: Readonly<Record<number, string>>
  /** The kernel's driver by interface. */
  readonly kernelDrivers?: Readonly<Record<number, string>>
  /** The device does not answer these string descriptors, although its descriptors name them. */
  readonly deafStrings?: readonly number[]
}

/** What a test may change while the device is in. */
export interface DeviceFaults {
  /** open() fails with this errno: 13 is "permission denied". */
  openErrno?: number
  controlDelayMs?: number
}

export interface EmulatedInterface {
  readonly number: number
  readonly alternate: number
  readonly class: number
  readonly subclass: number
  readonly protocol: number
  readonly endpoints: { readonly address: number; readonly maxPacket: number }[]
  readonly kernelDriver: string | undefined
}

/** Something the device was told: an OUT report, a control request. */
export interface DeviceEvent {
  readonly event: string
  readonly [key: string]: unknown
}

/** What waits for bytes of an IN endpoint. */
export interface Request {
  readonly length: number
  data: Buffer
  complete(status: number): void
}

export interface EmulatedDevice {
  readonly descriptors: Buffer
  readonly spec: DeviceSpec
  readonly faults: DeviceFaults
  readonly configurationValue: number
  interfaces(): EmulatedInterface[]
  interfaceOf(endpoint: number): EmulatedInterface | undefined
  /** Queues packets; they wait in the device until the host asks. */
  push(endpoint: number, packets: readonly Buffer[], gapMs: number): void
  /** Fills a request as a controller does, or answers null while the device has nothing to say. */
  fill(endpoint: number, request: Request): number | null
  out(endpoint: number, data: Buffer): void
  /** Endpoint 0: bytes for IN, undefined for OUT, or a negative errno. */
  control(setup: Buffer, data: Buffer | undefined): Buffer | number | undefined
  queued(): Record<string, number>
}

const stall = -32
const overflow = -75

/** Creates the device side: descriptors, queues and the answers of endpoint 0. */
export function createEmulatedDevice(
  spec: DeviceSpec,
  tell: (event: DeviceEvent) => void,
  onData: (endpoint: number) => void,
): EmulatedDevice {
  const device = Buffer.from(spec.device, 'hex')
  const configuration = Buffer.from(spec.configuration, 'hex')
  const queues = new Map<number, Buffer[]>()
  const reports = new Map<string, Buffer>()
  const parsed = parseInterfaces(configuration, spec.kernelDrivers ?? {})

  const interfaceOf = (endpoint: number) =>
    parsed.find((one) => one.endpoints.some((candidate) => candidate.address === endpoint))
  const maxPacketOf = (endpoint: number) =>
    interfaceOf(endpoint)?.endpoints.find((one) => one.address === endpoint)?.maxPacket ?? 64
  const queueOf = (endpoint: number) => {
    const queue = queues.get(endpoint) ?? []
    queues.set(endpoint, queue)
    return queue
  }

  const standard = (request: number, value: number, index: number): Buffer | number | undefined => {
    if (request === 6) {
      const at = value & 0xff
      switch (value >> 8) {
        case 1:
          return device
        case 2:
          return at === 0 ? configuration : stall
        case 3: {
          if (at === 0) return Buffer.from([4, 3, 9, 4])
          const text = spec.deafStrings?.includes(at) ? undefined : spec.strings[at]
          if (text === undefined) return stall
          const bytes = Buffer.from(text, 'utf16le')
          return Buffer.concat([Buffer.from([bytes.length + 2, 3]), bytes])
        }
        case 0x22: {
          const report = spec.hidReports?.[index]
          return report === undefined ? stall : Buffer.from(report, 'hex')
        }
        default:
          return stall
      }
    }
    if (request === 8) return Buffer.from([configuration[5] ?? 1])
    if (request === 0) return Buffer.from([0, 0])
    return [1, 3, 9, 11].includes(request) ? undefined : stall
  }

  const classRequest = (request: number, value: number, data: Buffer | undefined): Buffer | number | undefined => {
    const report = `${value >> 8}:${value & 0xff}`
    switch (request) {
      case 0x0a: // HID SET_IDLE
      case 0x0b: // HID SET_PROTOCOL
        return undefined
      case 0x09:
        reports.set(report, data ?? Buffer.alloc(0))
        tell({ event: 'set-report', reportType: value >> 8, reportId: value & 0xff, data: data?.toString('hex') })
        return undefined
      case 0x01:
        return reports.get(report) ?? stall
      case 0x20:
        tell({ event: 'set-line-coding', data: data?.toString('hex') })
        return undefined
      case 0x22:
        tell({ event: 'set-control-line-state', value })
        return undefined
      case 0x21:
        return Buffer.from('80250000000008', 'hex')
      default:
        return stall
    }
  }

  return {
    descriptors: Buffer.concat([device, configuration]),
    spec,
    faults: {},
    configurationValue: configuration[5] ?? 1,
    interfaces: () => parsed,
    interfaceOf,
    push(endpoint, packets, gapMs) {
      const size = maxPacketOf(endpoint)
      const parts = packets.flatMap((packet) => {
        const cut: Buffer[] = []
        for (let at = 0; at === 0 || at < packet.length; at += size) cut.push(packet.subarray(at, at + size))
        return cut
      })
      if (gapMs === 0) {
        queueOf(endpoint).push(...parts)
        onData(endpoint)
        return
      }
      parts.forEach((part, index) => {
        setTimeout(() => {
          queueOf(endpoint).push(part)
          onData(endpoint)
        }, index * gapMs)
      })
    },
    fill(endpoint, request) {
      const queue = queueOf(endpoint)
      const size = maxPacketOf(endpoint)
      for (let packet = queue.shift(); packet; packet = queue.shift()) {
        if (packet.length > request.length - request.data.length) return overflow
        request.data = Buffer.concat([request.data, packet])
        // A short packet or a full buffer ends the transfer.
        if (packet.length < size || request.data.length === request.length) return 0
      }
      return null
    },
    out: (endpoint, data) => tell({ event: 'out', endpoint, data: data.toString('hex') }),
    control(setup, data) {
      const type = setup.readUInt8(0) & 0x60
      const request = setup.readUInt8(1)
      const value = setup.readUInt16LE(2)
      if (type === 0) return standard(request, value, setup.readUInt16LE(4))
      return type === 0x20 ? classRequest(request, value, data) : stall
    },
    queued: () => Object.fromEntries([...queues].map(([endpoint, queue]) => [endpoint, queue.length])),
  }
}

function parseInterfaces(bytes: Buffer, drivers: Readonly<Record<number, string>>): EmulatedInterface[] {
  const found: EmulatedInterface[] = []
  for (let at = 0; at + 1 < bytes.length; at += bytes[at] || 255) {
    const byte = (offset: number) => bytes[at + offset] ?? 0
    if (byte(1) === 4) {
      found.push({
        number: byte(2),
        alternate: byte(3),
        class: byte(5),
        subclass: byte(6),
        protocol: byte(7),
        endpoints: [],
        kernelDriver: drivers[byte(2)],
      })
    } else if (byte(1) === 5) {
      found.at(-1)?.endpoints.push({ address: byte(2), maxPacket: bytes.readUInt16LE(at + 4) })
    }
  }
  return found
}
