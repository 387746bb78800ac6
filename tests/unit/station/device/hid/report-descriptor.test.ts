import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  findUsage,
  parseReportDescriptor,
  readElement,
  reportLength,
  usageAt,
  usageOf,
  writeElement,
  type ReportDescriptor,
} from '#station/device/hid/report-descriptor.ts'
import { reportDescriptors } from '../../../../devices/bus/models.ts'

const parsed = (rows: readonly (number | readonly number[])[]): ReportDescriptor => {
  const result = parseReportDescriptor(Uint8Array.from(rows.flat()))
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

/** A short item with the smallest data that holds the value, or with `size` bytes. */
const item = (prefix: number, value: number, size = value < 0x100 ? 1 : value < 0x1_0000 ? 2 : 4): number[] => {
  const bytes = Array.from({ length: size }, (_, at) => Math.floor(value / 256 ** at) % 256)
  return [prefix | (size === 4 ? 3 : size), ...bytes]
}

describe('parseReportDescriptor', () => {
  it('places the fields of a HID-POS scanner as its manual does', () => {
    const { fields, applications, hasIds } = parsed(reportDescriptors.posA)
    expect(applications).toEqual([usageOf(0x8c, 0x02)])
    expect(hasIds).toBe(true)
    const inputs = fields.filter((field) => field.type === 'input')
    const byteOf = (page: number, usage: number) => {
      const place = findUsage(inputs, usageOf(page, usage))
      return place && 1 + (place.field.bitOffset + place.element * place.field.bitSize) / 8
    }
    expect([byteOf(0x01, 0x3b), byteOf(0x8c, 0xfb), byteOf(0x8c, 0xfd)]).toEqual([1, 2, 4])
    expect([byteOf(0x8c, 0xfe), byteOf(0xff66, 0x04), byteOf(0x8c, 0xff)]).toEqual([5, 61, 63])
  })

  it.each([
    ['posA', 64],
    ['posB', 64],
    ['keyboard', 8],
    ['simpleCom', 64],
  ] as const)('knows how long the input report of %s is', (name, length) => {
    const descriptor = parsed(reportDescriptors[name])
    expect(reportLength(descriptor, 'input', descriptor.hasIds ? 2 : 0)).toBe(length)
  })

  it('gives back at pop what was there at push', () => {
    const { fields } = parsed([
      [...item(0x04, 1), ...item(0x74, 8), ...item(0x94, 1), ...item(0xa4, 0, 0)],
      [...item(0x04, 7), ...item(0x74, 16), ...item(0x08, 5), ...item(0x80, 2)],
      [...item(0xb4, 0, 0), ...item(0x08, 5), ...item(0x80, 2)],
    ])
    expect(fields.map((field) => [field.bitSize, usageAt(field, 0)])).toEqual([
      [16, usageOf(7, 5)],
      [8, usageOf(1, 5)],
    ])
  })

  it('lets a long usage bring its own page, and a short one take that of its main item', () => {
    const { fields } = parsed([
      [...item(0x74, 8), ...item(0x94, 2), ...item(0x04, 1), ...item(0x08, 0x3b)],
      [...item(0x08, usageOf(0x8c, 0xfe), 4), ...item(0x04, 9), ...item(0x80, 2)],
    ])
    expect([usageAt(fields[0]!, 0), usageAt(fields[0]!, 1)]).toEqual([usageOf(9, 0x3b), usageOf(0x8c, 0xfe)])
  })

  it('reads limits as signed where the minimum is negative, and skips long items', () => {
    const { fields } = parsed([
      [0xfe, 2, 0xf0, 1, 2],
      [...item(0x14, 0x81), ...item(0x24, 0x7f), ...item(0x74, 8), ...item(0x94, 1), ...item(0x80, 6)],
      [...item(0x14, 0), ...item(0x24, 0xff), ...item(0x80, 2)],
    ])
    expect(fields.map((field) => [field.logicalMinimum, field.logicalMaximum])).toEqual([
      [-127, 127],
      [0, 255],
    ])
  })

  it.each([
    ['an item that is cut off', [0x26, 0xff]],
    ['a pop without a push', [0xb4]],
    ['an end without a collection', [0xc0]],
    ['report id 0', [0x85, 0]],
    ['a report that no bus carries', [...item(0x74, 0xffff_ffff), ...item(0x94, 0xffff_ffff), ...item(0x80, 2)]],
  ])('refuses %s', (_, bytes) => {
    expect(parseReportDescriptor(Uint8Array.from(bytes)).ok).toBe(false)
  })

  it('answers whatever bytes come, and never with fields outside of their report', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const result = parseReportDescriptor(bytes)
        if (!result.ok) return
        for (const field of result.value.fields) {
          const end = field.bitOffset + field.bitSize * field.count
          expect(end).toBeLessThanOrEqual(65_535 * 8)
          expect(reportLength(result.value, field.type, field.reportId) * 8).toBeGreaterThanOrEqual(end)
        }
      }),
    )
  })

  it('finds each field where the ones before it end, in every report of its own', () => {
    const main = fc.record({
      type: fc.constantFrom('input' as const, 'output' as const, 'feature' as const),
      reportId: fc.integer({ min: 1, max: 5 }),
      bitSize: fc.integer({ min: 1, max: 32 }),
      count: fc.integer({ min: 1, max: 20 }),
      page: fc.integer({ min: 1, max: 0xffff }),
      usage: fc.integer({ min: 1, max: 0xffff }),
      isConstant: fc.boolean(),
    })
    const tags = { input: 0x80, output: 0x90, feature: 0xb0 }
    fc.assert(
      fc.property(fc.array(main, { maxLength: 30 }), (mains) => {
        const { fields } = parsed(
          mains.flatMap((one) => [
            [...item(0x84, one.reportId), ...item(0x74, one.bitSize), ...item(0x94, one.count)],
            [...item(0x04, one.page), ...item(0x08, one.usage), ...item(tags[one.type], one.isConstant ? 3 : 2)],
          ]),
        )
        const ends = new Map<string, number>()
        expect(fields).toHaveLength(mains.length)
        mains.forEach((one, at) => {
          const key = `${one.type} ${one.reportId}`
          const before = ends.get(key) ?? 0
          ends.set(key, before + one.bitSize * one.count)
          expect(fields[at]).toMatchObject({ bitOffset: before, isConstant: one.isConstant, isVariable: true })
          expect(usageAt(fields[at]!, one.count - 1)).toBe(usageOf(one.page, one.usage))
        })
      }),
    )
  })
})

describe('readElement', () => {
  it('reads what writeElement wrote, and leaves all other bits alone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 32 }),
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 0, max: 0xffff_ffff }),
        fc.uint8Array({ minLength: 24, maxLength: 24 }),
        (bitOffset, bitSize, element, any, before) => {
          const field = { ...parsed(reportDescriptors.posA).fields[0]!, bitOffset, bitSize, count: 4 }
          const value = any % 2 ** bitSize
          const payload = before.slice()
          writeElement(payload, field, element, value)
          expect(readElement(payload, field, element)).toBe(value)
          for (let other = 0; other < 4; other++)
            if (other !== element) expect(readElement(payload, field, other)).toBe(readElement(before, field, other))
        },
      ),
    )
  })
})
