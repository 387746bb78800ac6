import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPosDecoder, findPosLayout, knownPosLayout, type PosLayout } from '#station/device/hid/pos.ts'
import { parseReportDescriptor } from '#station/device/hid/report-descriptor.ts'
import { hidPosA, hidPosB, reportDescriptors } from '../../../../devices/bus/models.ts'

const layoutOf = (rows: readonly (number | readonly number[])[]): PosLayout => {
  const descriptor = parseReportDescriptor(Uint8Array.from(rows.flat()))
  const layout = descriptor.ok ? findPosLayout(descriptor.value) : descriptor
  if (!layout.ok) throw new Error(layout.error.message)
  return layout.value
}
const layouts = { A: layoutOf(reportDescriptors.posA), B: layoutOf(reportDescriptors.posB) }
const models = { A: hidPosA(), B: hidPosB() }
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

describe('findPosLayout', () => {
  it('finds the beeps of layout A, and none in layout B, whose report 4 means something else', () => {
    expect(layouts.A.beeps).toEqual({ good: Uint8Array.of(4, 0x40), bad: Uint8Array.of(4, 0x20) })
    expect(layouts.B.beeps).toEqual({})
  })

  it('finds the report that the Honeywell family waits for', () => {
    expect(layouts.A.enable).toEqual(Uint8Array.of(0xfe, 1))
    expect(layouts.B.enable).toBeUndefined()
  })

  it('refuses a device without decoded data', () => {
    const descriptor = parseReportDescriptor(Uint8Array.from(reportDescriptors.keyboard))
    expect(descriptor.ok && findPosLayout(descriptor.value).ok).toBe(false)
  })

  it('reads a layout with another report id and length, without AIM and flags', () => {
    // Report 1: length, 62 data, as Microscan has it.
    const layout = layoutOf([
      [0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, 0x85, 0x01, 0x75, 0x08, 0x95, 0x01, 0x05, 0x01, 0x09, 0x3b, 0x81, 0x02],
      [0x05, 0x8c, 0x95, 62, 0x09, 0xfe, 0x81, 0x02, 0xc0],
    ])
    const report = new Uint8Array(64)
    report.set([1, 3, 0x61, 0x62, 0x63])
    const [read] = createPosDecoder(layout, 150).push(report, 10)
    expect(text(read!.bytes)).toBe('abc')
    expect(createPosDecoder(layout, 150).push(Uint8Array.of(2, 1, 0x61), 10)).toEqual([])
  })
})

describe.each(['A', 'B'] as const)('createPosDecoder for layout %s', (name) => {
  it('reads back every code that a scanner sends, in order, byte by byte', () => {
    const code = fc.uint8Array({ minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(fc.array(code, { maxLength: 8 }), (codes) => {
        const decoder = createPosDecoder(layouts[name], 150)
        const reads = codes
          .flatMap((one) => models[name].packets(Buffer.from(one), { aim: ']Q1' }))
          .flatMap((report, at) => decoder.push(report, at))
        expect(reads.map((read) => [...read.bytes])).toEqual(codes.map((one) => [...one]))
        expect(decoder.deadlineMs()).toBeUndefined()
      }),
    )
  })

  it('answers whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 20 }), (reports) => {
        const decoder = createPosDecoder(layouts[name], 150)
        for (const [at, report] of reports.entries())
          for (const read of decoder.push(report, at * 100)) expect(read.bytes.length).toBeGreaterThan(0)
      }),
    )
  })

  it('agrees with the layout that is known by the maker', () => {
    const known = createPosDecoder(knownPosLayout(name === 'A' ? 0x0c2e : 0x1eab), 150)
    const [read] = models[name].packets('4006381333931', { aim: ']E0' }).flatMap((report) => known.push(report, 1))
    expect(text(read!.bytes)).toBe('4006381333931')
    expect(read?.aim).toBe(name === 'A' ? ']E0' : undefined)
  })
})

describe('a code whose last report says that more follows', () => {
  const wrong = hidPosA({ continuesWhenFull: true })

  it('ends with silence', () => {
    const decoder = createPosDecoder(layouts.A, 150)
    expect(decoder.push(wrong.packets('f'.repeat(56))[0]!, 1_000)).toEqual([])
    expect(decoder.deadlineMs()).toBe(1_150)
    expect(decoder.tick(1_149)).toEqual([])
    expect(decoder.tick(1_150).map((read) => [read.bytes.length, read.timeMs])).toEqual([[56, 1_000]])
  })

  it('is not joined with a code that comes later, or with one of another symbology', () => {
    const decoder = createPosDecoder(layouts.A, 150)
    decoder.push(wrong.packets('f'.repeat(56), { aim: ']C0' })[0]!, 1_000)
    const late = decoder.push(models.A.packets('later', { aim: ']C0' })[0]!, 1_200)
    expect(late.map((read) => text(read.bytes))).toEqual(['f'.repeat(56), 'later'])
    decoder.push(wrong.packets('g'.repeat(56), { aim: ']C0' })[0]!, 2_000)
    const other = decoder.push(models.A.packets('other', { aim: ']E0' })[0]!, 2_010)
    expect(other.map((read) => [text(read.bytes), read.aim])).toEqual([
      ['g'.repeat(56), ']C0'],
      ['other', ']E0'],
    ])
  })
})
