import { fail, ok, type Result } from '#contract/result.ts'

export type ReportType = 'input' | 'output' | 'feature'

/** Usages `from` to `to`, each as usage page * 65536 + usage. */
export interface UsageRange {
  readonly from: number
  readonly to: number
}

/** One main item: `count` elements of `bitSize` bits each. */
export interface ReportField {
  readonly type: ReportType
  /** 0 when the device has no report ids. */
  readonly reportId: number
  /** Where its first element begins, counted from the byte after the report id. */
  readonly bitOffset: number
  readonly bitSize: number
  readonly count: number
  /** Padding: it means nothing. */
  readonly isConstant: boolean
  /** Each element is a usage of its own; otherwise each holds the index of a usage that is on. */
  readonly isVariable: boolean
  readonly usages: readonly UsageRange[]
  readonly logicalMinimum: number
  readonly logicalMaximum: number
  /** The usage of the top-level collection that it is in. */
  readonly application: number
}

/** What a HID device says of its reports (Device Class Definition for HID 1.11, section 6.2.2). */
export interface ReportDescriptor {
  readonly fields: readonly ReportField[]
  /** The usages of the top-level collections: what the device is. */
  readonly applications: readonly number[]
  /** Reports begin with their id. */
  readonly hasIds: boolean
}

/** A usage page and a usage in one number. */
export function usageOf(page: number, usage: number): number {
  return page * 0x1_0000 + usage
}

interface Global {
  page: number
  logicalMinimum: number
  logicalMaximum: number
  bitSize: number
  count: number
  reportId: number
}

/** A usage as it stands before its page is known: a short one takes the page of the main item that it belongs to. */
interface LocalUsage {
  readonly value: number
  readonly hasPage: boolean
}

/** USB carries no report beyond this. */
const longestReportBits = 65_535 * 8
const deepest = 64

/** Parses a report descriptor; `invalid_input` for one that no device can have meant. */
export function parseReportDescriptor(bytes: Uint8Array): Result<ReportDescriptor> {
  const fields: ReportField[] = []
  const applications: number[] = []
  const collections: number[] = []
  const stack: Global[] = []
  /** How many bits of each report are taken, by type and id. */
  const taken = new Map<string, number>()
  let hasIds = false
  let global: Global = { page: 0, logicalMinimum: 0, logicalMaximum: 0, bitSize: 0, count: 0, reportId: 0 }
  let usages: { readonly from: LocalUsage; readonly to: LocalUsage }[] = []
  let minimum: LocalUsage | null = null
  /** Within a delimiter's set of alternatives, only the first is taken. */
  let delimiter: 'none' | 'first' | 'rest' = 'none'

  const paged = (usage: LocalUsage) => (usage.hasPage ? usage.value : usageOf(global.page, usage.value))
  const clearLocal = (): void => {
    usages = []
    minimum = null
    delimiter = 'none'
  }
  const addUsage = (from: LocalUsage, to: LocalUsage): void => {
    if (delimiter === 'rest') return
    if (delimiter === 'first') delimiter = 'rest'
    usages.push({ from, to })
  }

  const addField = (type: ReportType, flags: number): Result<void> => {
    const key = `${type}:${global.reportId}`
    const bitOffset = taken.get(key) ?? 0
    const end = bitOffset + global.bitSize * global.count
    if (end > longestReportBits) return fail('invalid_input', `the ${type} report ${global.reportId} is too long`)
    taken.set(key, end)
    if (global.bitSize === 0 || global.count === 0) return ok(undefined)
    fields.push({
      type,
      reportId: global.reportId,
      bitOffset,
      bitSize: global.bitSize,
      count: global.count,
      isConstant: (flags & 1) !== 0,
      isVariable: (flags & 2) !== 0,
      usages: usages.map(({ from, to }) => ({ from: paged(from), to: paged(to) })),
      logicalMinimum: global.logicalMinimum,
      logicalMaximum: global.logicalMaximum,
      application: collections[0] ?? 0,
    })
    return ok(undefined)
  }

  const main = (tag: number, flags: number): Result<void> => {
    switch (tag) {
      case 0x8:
        return addField('input', flags)
      case 0x9:
        return addField('output', flags)
      case 0xb:
        return addField('feature', flags)
      case 0xa: {
        if (collections.length >= deepest) return fail('invalid_input', 'the collections are nested too deep')
        const usage = usages[0] ? paged(usages[0].from) : 0
        collections.push(usage)
        if (collections.length === 1) applications.push(usage)
        return ok(undefined)
      }
      case 0xc:
        return collections.pop() === undefined
          ? fail('invalid_input', 'a collection ends that never began')
          : ok(undefined)
      default:
        return ok(undefined)
    }
  }

  const setGlobal = (tag: number, unsigned: number, signed: number): Result<void> => {
    switch (tag) {
      case 0x0:
        global.page = unsigned & 0xffff
        break
      case 0x1:
        global.logicalMinimum = signed
        break
      case 0x2:
        // A maximum of 255 in one byte is meant, although it is written as -1.
        global.logicalMaximum = global.logicalMinimum < 0 ? signed : unsigned
        break
      case 0x7:
        global.bitSize = unsigned
        break
      case 0x8:
        if (unsigned === 0 || unsigned > 255) return fail('invalid_input', `${unsigned} is no report id`)
        global.reportId = unsigned
        hasIds = true
        break
      case 0x9:
        global.count = unsigned
        break
      case 0xa:
        if (stack.length >= deepest) return fail('invalid_input', 'too many states are pushed')
        stack.push({ ...global })
        break
      case 0xb: {
        const before = stack.pop()
        if (!before) return fail('invalid_input', 'a state is popped that was never pushed')
        global = before
        break
      }
    }
    return ok(undefined)
  }

  const setLocal = (tag: number, value: number, size: number): void => {
    const usage: LocalUsage = { value, hasPage: size === 4 }
    if (tag === 0x0) addUsage(usage, usage)
    else if (tag === 0x1) minimum = usage
    else if (tag === 0x2 && minimum) {
      addUsage(minimum, usage)
      minimum = null
    } else if (tag === 0xa) delimiter = value === 1 ? 'first' : 'none'
  }

  for (let at = 0; at < bytes.length;) {
    const prefix = bytes[at] ?? 0
    if (prefix === 0xfe) {
      // A long item; none has ever been defined.
      at += 3 + (bytes[at + 1] ?? 0)
      continue
    }
    const size = [0, 1, 2, 4][prefix & 3] ?? 0
    if (at + 1 + size > bytes.length) return fail('invalid_input', 'the descriptor ends inside an item')
    const { unsigned, signed } = readNumber(bytes, at + 1, size)
    at += 1 + size
    const tag = prefix >> 4
    const kind = (prefix >> 2) & 3
    if (kind === 2) {
      setLocal(tag, unsigned, size)
      continue
    }
    const done = kind === 0 ? main(tag, unsigned) : kind === 1 ? setGlobal(tag, unsigned, signed) : ok(undefined)
    if (!done.ok) return done
    if (kind === 0) clearLocal()
  }
  return ok({ fields, applications, hasIds })
}

/** The usage of an element of a variable field; the last usage stands for all that follow. */
export function usageAt(field: ReportField, element: number): number | undefined {
  let left = element
  for (const { from, to } of field.usages) {
    const length = Math.max(1, to - from + 1)
    if (left < length) return from + left
    left -= length
  }
  return field.usages.at(-1)?.to
}

/** Where an element with that usage is: its field and its number in it. */
export function findUsage(
  fields: readonly ReportField[],
  usage: number,
): { readonly field: ReportField; readonly element: number } | undefined {
  for (const field of fields) {
    if (field.isConstant) continue
    let element = 0
    for (const { from, to } of field.usages) {
      if (usage >= from && usage <= to && element + usage - from < field.count)
        return { field, element: element + usage - from }
      element += Math.max(1, to - from + 1)
    }
  }
  return undefined
}

/** How many bytes a report has, its id included. */
export function reportLength(descriptor: ReportDescriptor, type: ReportType, reportId: number): number {
  const ends = descriptor.fields
    .filter((field) => field.type === type && field.reportId === reportId)
    .map((field) => field.bitOffset + field.bitSize * field.count)
  return Math.ceil(Math.max(0, ...ends) / 8) + (descriptor.hasIds ? 1 : 0)
}

/** Reads an unsigned element of up to 32 bits from the bytes after the report id; what is not there reads as 0. */
export function readElement(payload: Uint8Array, field: ReportField, element: number): number {
  const from = field.bitOffset + field.bitSize * element
  let value = 0
  for (let bit = Math.min(field.bitSize, 32) - 1; bit >= 0; bit--) {
    const at = from + bit
    value = value * 2 + (((payload[at >> 3] ?? 0) >> (at & 7)) & 1)
  }
  return value
}

/** Sets the bits of an element in the bytes after the report id. */
export function writeElement(payload: Uint8Array, field: ReportField, element: number, value: number): void {
  const from = field.bitOffset + field.bitSize * element
  for (let bit = 0; bit < Math.min(field.bitSize, 32); bit++) {
    const at = from + bit
    const mask = 1 << (at & 7)
    const isSet = Math.floor(value / 2 ** bit) % 2 === 1
    payload[at >> 3] = isSet ? (payload[at >> 3] ?? 0) | mask : (payload[at >> 3] ?? 0) & ~mask
  }
}

function readNumber(bytes: Uint8Array, at: number, size: number): { unsigned: number; signed: number } {
  let unsigned = 0
  for (let index = size - 1; index >= 0; index--) unsigned = unsigned * 256 + (bytes[at + index] ?? 0)
  const half = 2 ** (size * 8 - 1)
  return { unsigned, signed: size > 0 && unsigned >= half ? unsigned - 2 * half : unsigned }
}
