import type { DeviceSpec } from './emulated-device.ts'

/** An emulated scanner: what it is on the bus, and the packets of one scan. */
export interface Model {
  readonly spec: DeviceSpec
  readonly inEndpoint: number
  packets(text: string | Buffer, options?: ScanOptions): Buffer[]
}

export interface ScanOptions {
  /** The AIM identifier. */
  readonly aim?: string
  /** What a serial scanner sends after the code. */
  readonly suffix?: string
}

interface Identity {
  readonly vendorId?: number
  readonly productId?: number
  readonly product?: string
  readonly serial?: string | null
}

const word = (value: number) => [value & 0xff, value >> 8]
const hex = (bytes: readonly number[]) => Buffer.from(bytes).toString('hex')
const bytesOf = (text: string | Buffer) => (Buffer.isBuffer(text) ? text : Buffer.from(text, 'latin1'))

const interfaceOf = (
  number: number,
  endpoints: number,
  [cls, subclass, protocol]: readonly [number, number, number],
) => [9, 4, number, 0, endpoints, cls, subclass, protocol, 0]
const endpoint = (address: number, attributes: number, size: number, interval: number) => [
  7,
  5,
  address,
  attributes,
  ...word(size),
  interval,
]
const hidDescriptor = (length: number) => [9, 0x21, 0x10, 0x01, 0, 1, 0x22, ...word(length)]

function specOf(
  { vendorId, productId, product, serial }: Required<Identity>,
  interfaces: number,
  body: readonly number[],
  rest: Pick<DeviceSpec, 'hidReports' | 'kernelDrivers'>,
): DeviceSpec {
  const own = serial === null ? {} : { 3: serial }
  return {
    device: hex([
      18,
      1,
      ...word(0x0200),
      0,
      0,
      0,
      64,
      ...word(vendorId),
      ...word(productId),
      ...word(0x0100),
      1,
      2,
      serial === null ? 0 : 3,
      1,
    ]),
    configuration: hex([9, 2, ...word(9 + body.length), interfaces, 1, 0, 0x80, 250, ...body]),
    strings: { 1: 'Emulated', 2: product, ...own },
    ...rest,
  }
}

/** A short item of a HID report descriptor. */
const item =
  (tag: number) =>
  (value: number, size = value < 256 ? 1 : 2): number[] => [tag | size, ...(size === 1 ? [value] : word(value))]
const page = item(0x04)
const usage = item(0x08)
const usageMinimum = item(0x18)
const usageMaximum = item(0x28)
const collection = item(0xa0)
const reportId = item(0x84)
const minimum = item(0x14)
const maximum = item(0x24)
const size = item(0x74)
const count = item(0x94)
const input = item(0x80)
const output = item(0x90)
const feature = item(0xb0)
const end = [0xc0]

/** Report descriptors, also for tests of the parser. */
export const reportDescriptors = {
  /** Report 2: id, length, AIM, 56 data, maker's two, flags; OUT 4: triggers and beeps; FEATURE FE: output redirection. */
  posA: [
    [...page(0x8c), ...usage(0x02), ...collection(1)],
    [...usage(0x12), ...collection(2), ...reportId(0x02), ...minimum(0), ...maximum(255, 2), ...size(8), ...count(1)],
    [...page(0x01), ...usage(0x3b), ...input(2)],
    [...count(3), ...page(0x8c), ...usage(0xfb), ...usage(0xfc), ...usage(0xfd), ...input(2)],
    [...count(56), ...usage(0xfe), ...input(0x0102, 2)],
    [...page(0xff66, 2), ...count(2), ...usage(0x04), ...usage(0x00), ...input(2)],
    [...page(0x8c), ...maximum(1), ...size(1), ...count(8), ...usage(0xff), ...input(2), ...end],
    [...usage(0x14), ...collection(2), ...reportId(0x04), ...usage(0x5e), ...usage(0x5f), ...usage(0x60)],
    [...usage(0), ...usage(0), ...usage(0x85), ...usage(0x86), ...output(0x86), ...end],
    [...page(0xff66, 2), ...size(8), ...maximum(255, 2), ...usage(3), ...collection(2), ...reportId(0xfe)],
    [...count(1), ...usage(3), ...feature(0x0182, 2), ...end],
    [...usage(1), ...collection(2), ...reportId(0xfd), ...count(1), ...usage(0x21), ...output(2)],
    [...count(62), ...usage(0x22), ...output(0x0182, 2), ...end, ...end],
  ].flat(),
  /** Report 2: id, length, 56 data, four reserved, symbology, flags; OUT 4 is a command stream here. */
  posB: [
    [...page(0x8c), ...usage(0x02), ...collection(1)],
    [...usage(0x12), ...collection(2), ...reportId(0x02), ...minimum(0), ...maximum(255, 2), ...size(8), ...count(1)],
    [...page(0x01), ...usage(0x3b), ...input(2), ...page(0x8c), ...count(56), ...usage(0xfe), ...input(0x0102, 2)],
    [...page(0xff66, 2), ...count(5), ...usage(0x00), ...input(2)],
    [
      ...page(0x8c),
      ...maximum(1),
      ...size(1),
      ...count(1),
      ...usage(0xff),
      ...input(2),
      ...count(7),
      ...input(1),
      ...end,
    ],
    [...page(0xff66, 2), ...size(8), ...maximum(255, 2), ...usage(1), ...collection(2), ...reportId(0x04)],
    [...count(63), ...usage(0x22), ...output(0x0182, 2), ...end, ...end],
  ].flat(),
  keyboard: [
    [...page(1), ...usage(6), ...collection(1), ...page(7), ...usageMinimum(0xe0), ...usageMaximum(0xe7)],
    [...minimum(0), ...maximum(1), ...size(1), ...count(8), ...input(2), ...count(1), ...size(8), ...input(1)],
    [
      ...count(5),
      ...size(1),
      ...page(8),
      ...usageMinimum(1),
      ...usageMaximum(5),
      ...output(2),
      ...count(1),
      ...size(3),
    ],
    [...output(1), ...count(6), ...size(8), ...minimum(0), ...maximum(0x65), ...page(7)],
    [...usageMinimum(0), ...usageMaximum(0x65), ...input(0), ...end],
  ].flat(),
  /** Length and 63 data, no report id. */
  simpleCom: [
    [...page(0xff00, 2), ...usage(1), ...collection(1), ...minimum(0), ...maximum(255, 2), ...size(8), ...count(64)],
    [...usage(2), ...input(2), ...count(64), ...usage(3), ...output(2), ...end],
  ].flat(),
}

function hid(
  identity: Required<Identity>,
  report: readonly number[],
  shape: { readonly protocol: readonly [number, number, number]; readonly packet: number; readonly hasOut: boolean },
): DeviceSpec {
  const endpoints = [...endpoint(0x81, 3, shape.packet, 1), ...(shape.hasOut ? endpoint(0x02, 3, shape.packet, 1) : [])]
  const body = [...interfaceOf(0, shape.hasOut ? 2 : 1, shape.protocol), ...hidDescriptor(report.length), ...endpoints]
  return specOf(identity, 1, body, { hidReports: { 0: hex(report) }, kernelDrivers: { 0: 'usbhid' } })
}

const chunks = (data: Buffer, length: number): Buffer[] => {
  const parts: Buffer[] = []
  for (let at = 0; at === 0 || at < data.length; at += length) parts.push(data.subarray(at, at + length))
  return parts
}

/** HID-POS as Honeywell and many others have it: AIM identifier in the report. */
export function hidPosA(
  identity: Identity & {
    /** A firmware that sets "continued" whenever a report is full, even the last. */
    readonly continuesWhenFull?: boolean
  } = {},
): Model {
  const { continuesWhenFull = false, ...given } = identity
  const named = { vendorId: 0x0c2e, productId: 0x1007, product: 'Emulated HID POS', serial: 'POS-0001', ...given }
  return {
    inEndpoint: 0x81,
    spec: hid(named, reportDescriptors.posA, { protocol: [3, 0, 0], packet: 64, hasOut: true }),
    packets(text, { aim = ']C0' } = {}) {
      const parts = chunks(bytesOf(text), 56)
      return parts.map((part, index) => {
        const report = Buffer.alloc(64)
        report[0] = 2
        report[1] = part.length
        report.write(aim, 2, 3, 'latin1')
        part.copy(report, 5)
        report[61] = 0x6a
        report[63] = index < parts.length - 1 || (continuesWhenFull && part.length === 56) ? 1 : 0
        return report
      })
    },
  }
}

/** HID-POS as Newland has it: no AIM identifier, data one after the length. */
export function hidPosB(identity: Identity = {}): Model {
  const named = { vendorId: 0x1eab, productId: 0x1d10, product: 'Emulated HID POS B', serial: 'POSB-0001', ...identity }
  return {
    inEndpoint: 0x81,
    spec: hid(named, reportDescriptors.posB, { protocol: [3, 0, 0], packet: 64, hasOut: true }),
    packets(text) {
      const parts = chunks(bytesOf(text), 56)
      return parts.map((part, index) => {
        const report = Buffer.alloc(64)
        report[0] = 2
        report[1] = part.length
        part.copy(report, 2)
        report[63] = index < parts.length - 1 ? 1 : 0
        return report
      })
    },
  }
}

/** The US keyboard: modifier and usage of each character. */
const keys = new Map<string, readonly [number, number]>()
for (let at = 0; at < 26; at++) {
  keys.set(String.fromCharCode(97 + at), [0, 4 + at])
  keys.set(String.fromCharCode(65 + at), [2, 4 + at])
}
const rows: readonly (readonly [string, string, number])[] = [
  ['1234567890', '!@#$%^&*()', 30],
  ['\r\u001b\b\t -=[]\\', '\r\u001b\b\t _+{}|', 40],
  [";'`,./", ':"~<>?', 51],
]
for (const [plain, shifted, from] of rows) {
  ;[...plain].forEach((character, at) => keys.set(character, [0, from + at]))
  ;[...shifted].forEach((character, at) => {
    if (!keys.has(character)) keys.set(character, [2, from + at])
  })
}
/** GS as Ctrl+]. */
keys.set('\u001d', [1, 48])

/** A keyboard scanner: 8-byte boot reports, a press and a release for each character, on the US layout. */
export function hidKeyboard(identity: Identity = {}): Model {
  const named = { vendorId: 0x05e0, productId: 0x1200, product: 'Emulated wedge', serial: null, ...identity }
  return {
    inEndpoint: 0x81,
    spec: hid(named, reportDescriptors.keyboard, { protocol: [3, 1, 1], packet: 8, hasOut: false }),
    packets: (text, { suffix = '\r' } = {}) =>
      [...`${text.toString('latin1')}${suffix}`].flatMap((character) => {
        const key = keys.get(character)
        if (!key) throw new Error(`no key for ${JSON.stringify(character)}`)
        return [Buffer.from([key[0], 0, key[1], 0, 0, 0, 0, 0]), Buffer.alloc(8)]
      }),
  }
}

/** A virtual COM port: interface 0 control, interface 1 data. */
export function cdcAcm(identity: Identity = {}): Model {
  const named = { vendorId: 0x05f9, productId: 0x4204, product: 'Emulated COM', serial: 'COM-0001', ...identity }
  const body = [
    [8, 11, 0, 2, 2, 2, 1, 0],
    interfaceOf(0, 1, [2, 2, 1]),
    [5, 0x24, 0, 0x10, 1],
    [5, 0x24, 1, 0, 1],
    [4, 0x24, 2, 2],
    [5, 0x24, 6, 0, 1],
    endpoint(0x82, 3, 16, 10),
    interfaceOf(1, 2, [10, 0, 0]),
    endpoint(0x81, 2, 64, 0),
    endpoint(0x01, 2, 64, 0),
  ].flat()
  return {
    inEndpoint: 0x81,
    spec: specOf(named, 2, body, { kernelDrivers: { 0: 'cdc_acm', 1: 'cdc_acm' } }),
    packets: (text, { suffix = '\r' } = {}) => [Buffer.concat([bytesOf(text), Buffer.from(suffix, 'latin1')])],
  }
}

/** Symbol's simple COM port emulation: length and data in reports, no sign of the end. */
export function simpleCom(identity: Identity = {}): Model {
  const named = { vendorId: 0x05e0, productId: 0x0600, product: 'Emulated simple COM', serial: 'SYM-0001', ...identity }
  return {
    inEndpoint: 0x81,
    spec: hid(named, reportDescriptors.simpleCom, { protocol: [3, 0, 0], packet: 64, hasOut: true }),
    packets: (text, { suffix = '' } = {}) =>
      chunks(Buffer.concat([bytesOf(text), Buffer.from(suffix, 'latin1')]), 63).map((part) => {
        const report = Buffer.alloc(64)
        report[0] = part.length
        part.copy(report, 1)
        return report
      }),
  }
}

/** A scanner in a mode nobody documents: SNAPI and SurePOS. */
export function undocumented(identity: Identity = {}): Model {
  const named = { vendorId: 0x05e0, productId: 0x1900, product: 'Emulated SNAPI', serial: 'SNAPI-0001', ...identity }
  return { ...simpleCom(named), spec: simpleCom(named).spec }
}
