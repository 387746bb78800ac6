import { fail, ok, type Result } from '#contract/result.ts'
import { longestReadBytes, type Decoder, type Read } from '../decoder.ts'
import type { Signal } from '../driver.ts'
import {
  findUsage,
  readElement,
  reportLength,
  usageAt,
  usageOf,
  writeElement,
  type ReportDescriptor,
  type ReportField,
} from './report-descriptor.ts'

/** HID Point of Sale Usage Tables 1.02: a bar code scanner. */
export const posScanner = usageOf(0x8c, 0x02)

const usages = {
  byteCount: usageOf(0x01, 0x3b),
  aim: [usageOf(0x8c, 0xfb), usageOf(0x8c, 0xfc), usageOf(0x8c, 0xfd)],
  data: usageOf(0x8c, 0xfe),
  isContinued: usageOf(0x8c, 0xff),
  soundError: usageOf(0x8c, 0x85),
  soundGoodRead: usageOf(0x8c, 0x86),
  /** Honeywell's own page. */
  makerCode: usageOf(0xff66, 0x04),
  redirection: usageOf(0xff66, 0x03),
} as const

type Place = NonNullable<ReturnType<typeof findUsage>>

/** Where a device has what, found by usage: so it does not matter whose layout it is. */
export interface PosLayout {
  readonly hasIds: boolean
  readonly reportId: number
  readonly data: ReportField
  readonly byteCount: Place | undefined
  readonly aim: readonly Place[]
  readonly isContinued: Place | undefined
  readonly makerCode: Place | undefined
  /** Output reports that sound the beeper, id included; only where the descriptor itself names them so. */
  readonly beeps: Readonly<Partial<Record<Signal, Uint8Array>>>
  /** The feature report that Honeywell's family waits for before it delivers anything, id included. */
  readonly enable: Uint8Array | undefined
}

/** Finds the layout of a HID-POS scanner in its report descriptor. */
export function findPosLayout(descriptor: ReportDescriptor): Result<PosLayout> {
  const inputs = descriptor.fields.filter((field) => field.type === 'input')
  const data = inputs.find((field) => field.bitSize === 8 && covers(field, usages.data))
  if (!data) return fail('invalid_input', 'the device has no report with decoded data')
  const own = inputs.filter((field) => field.reportId === data.reportId)
  const aim = usages.aim.map((usage) => findUsage(own, usage)).filter((place) => place !== undefined)
  const good = outputReport(descriptor, usages.soundGoodRead)
  const bad = outputReport(descriptor, usages.soundError)
  const redirection = findUsage(
    descriptor.fields.filter((field) => field.type === 'feature'),
    usages.redirection,
  )
  return ok({
    hasIds: descriptor.hasIds,
    reportId: data.reportId,
    data,
    byteCount: findUsage(own, usages.byteCount),
    aim: aim.length === 3 ? aim : [],
    isContinued: findUsage(own, usages.isContinued),
    makerCode: findUsage(own, usages.makerCode),
    beeps: { ...(good ? { good } : {}), ...(bad ? { bad } : {}) },
    enable: redirection && reportWith(descriptor, redirection),
  })
}

const newland = 0x1eab
const honeywellFamily = [0x0c2e, 0x0536, 0x23d0]

/** The layout of a maker, for systems that do not show the report descriptor: B for Newland, A for all others. */
export function knownPosLayout(vendorId: number): PosLayout {
  const isB = vendorId === newland
  const isHoneywell = honeywellFamily.includes(vendorId)
  const bytes = (at: number, count: number): ReportField => ({
    type: 'input',
    reportId: 2,
    // Byte 0 is the report id.
    bitOffset: (at - 1) * 8,
    bitSize: 8,
    count,
    isConstant: false,
    isVariable: true,
    usages: [],
    logicalMinimum: 0,
    logicalMaximum: 255,
    application: posScanner,
  })
  const aim = bytes(2, 3)
  return {
    hasIds: true,
    reportId: 2,
    data: bytes(isB ? 2 : 5, 56),
    byteCount: { field: bytes(1, 1), element: 0 },
    aim: isB ? [] : [0, 1, 2].map((element) => ({ field: aim, element })),
    isContinued: { field: { ...bytes(63, 1), bitSize: 1 }, element: 0 },
    makerCode: isHoneywell ? { field: bytes(61, 1), element: 0 } : undefined,
    beeps: isHoneywell ? { good: Uint8Array.of(4, 0x40), bad: Uint8Array.of(4, 0x20) } : {},
    enable: isHoneywell ? Uint8Array.of(0xfe, 1) : undefined,
  }
}

function covers(field: ReportField, usage: number): boolean {
  return !field.isConstant && field.usages.some(({ from, to }) => usage >= from && usage <= to)
}

/** An output report with one bit set, if the device has such a bit. */
function outputReport(descriptor: ReportDescriptor, usage: number): Uint8Array | undefined {
  const outputs = descriptor.fields.filter(
    (field) => field.type === 'output' && field.isVariable && field.bitSize === 1,
  )
  const place = findUsage(outputs, usage)
  return place && usageAt(place.field, place.element) === usage ? reportWith(descriptor, place) : undefined
}

/** The report of a place, zero but for a 1 there. */
function reportWith(descriptor: ReportDescriptor, { field, element }: Place): Uint8Array {
  const report = new Uint8Array(reportLength(descriptor, field.type, field.reportId))
  const offset = descriptor.hasIds ? 1 : 0
  if (descriptor.hasIds) report[0] = field.reportId
  writeElement(report.subarray(offset), field, element, 1)
  return report
}

/**
 * Reads HID-POS reports.
 *
 * Reports with the "continued" bit are joined until one comes without; firmware that sets the bit on a last report of
 * full length is answered by `flushMs` of silence.
 */
export function createPosDecoder(layout: PosLayout, flushMs: number): Decoder {
  let parts: Uint8Array[] = []
  let length = 0
  let aim: string | undefined
  let lastMs = 0
  let isOpen = false

  const flush = (): Read[] => {
    if (!isOpen) return []
    const bytes = joined(parts, length)
    const read: Read = { bytes, timeMs: lastMs, ...(aim === undefined ? {} : { aim }) }
    parts = []
    length = 0
    isOpen = false
    return bytes.length > 0 ? [read] : []
  }
  const tick = (timeMs: number): Read[] => (isOpen && timeMs >= lastMs + flushMs ? flush() : [])

  return {
    push(report, timeMs) {
      const done = tick(timeMs)
      if (layout.hasIds && report[0] !== layout.reportId) return done
      const payload = layout.hasIds ? report.subarray(1) : report
      const from = layout.data.bitOffset / 8
      const room = Math.max(0, Math.min(layout.data.count, payload.length - from))
      const told = layout.byteCount && readElement(payload, layout.byteCount.field, layout.byteCount.element)
      // Without a byte count the zero padding is all that tells the length.
      const data = payload.subarray(from, from + Math.min(told ?? lengthBeforeZeros(payload, from, room), room))
      const own = aimOf(layout, payload)
      if (isCommandEcho(layout, payload, own)) return done
      // Another symbology is another code, whatever the bit of the one before said.
      if (isOpen && own !== aim) done.push(...flush())
      aim = own
      lastMs = timeMs
      isOpen = true
      parts.push(data.slice())
      length += data.length
      const { isContinued } = layout
      const more = isContinued !== undefined && readElement(payload, isContinued.field, isContinued.element) === 1
      if (!more || length >= longestReadBytes) done.push(...flush())
      return done
    },
    tick,
    deadlineMs: () => (isOpen ? lastMs + flushMs : undefined),
  }
}

function aimOf(layout: PosLayout, payload: Uint8Array): string | undefined {
  const text = layout.aim
    .map(({ field, element }) => String.fromCharCode(readElement(payload, field, element)))
    .join('')
  return /^\][A-Za-z][0-9A-Za-z]$/.test(text) ? text : undefined
}

/** Honeywell's family answers commands on the road of the codes: `]X0` of code `?` is text, `]Z6` of code `6` an echo. */
function isCommandEcho({ makerCode }: PosLayout, payload: Uint8Array, aim: string | undefined): boolean {
  if (!makerCode) return false
  const code = String.fromCharCode(readElement(payload, makerCode.field, makerCode.element))
  return (aim === ']X0' && code === '?') || (aim === ']Z6' && code === '6')
}

function lengthBeforeZeros(payload: Uint8Array, from: number, room: number): number {
  let length = room
  while (length > 0 && payload[from + length - 1] === 0) length--
  return length
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
