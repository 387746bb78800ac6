import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFraming, type Framing } from '#station/device/serial/framing.ts'

const framing = (options: Partial<Framing> = {}) =>
  createFraming({ terminator: 'any', hasStx: false, silenceMs: 300, ...options })
const bytes = (text: string) => Buffer.from(text, 'latin1')
/** What a line of bytes reads as, silence at its end. */
const read = (text: string, options: Partial<Framing> = {}): string[] => {
  const frames = framing(options)
  return [...frames.push(bytes(text), 0), ...frames.tick(1e9)].map((one) => Buffer.from(one.bytes).toString('latin1'))
}

describe('createFraming', () => {
  it('cuts at CR, LF and CR LF, whichever comes', () => {
    expect(read('a\rb\nc\r\nd\r')).toEqual(['a', 'b', 'c', 'd'])
  })

  it('does not glue the LF of a mismatched CR LF to the next code, even when it comes late', () => {
    const frames = framing({ terminator: 'cr' })
    expect(frames.push(bytes('one\r'), 0)).toHaveLength(1)
    expect(frames.push(bytes('\n'), 500)).toEqual([])
    expect(Buffer.from(frames.push(bytes('two\r'), 501)[0]!.bytes).toString()).toBe('two')
  })

  it.each<[Partial<Framing>, string, string[]]>([
    [{ terminator: 'lf' }, 'one\r\ntwo\n', ['one', 'two']],
    [{ terminator: 'crlf' }, 'one\r\ntwo\r\n', ['one', 'two']],
    [{ terminator: 'tab' }, 'one\ttwo\t', ['one', 'two']],
    [{ terminator: 'etx', hasStx: true }, '\u0002one\u0003\u0002two\u0003', ['one', 'two']],
    [{ terminator: 'etx', hasStx: true }, 'one\u0003', ['one']],
    [{ terminator: 'none' }, 'one\r\n', ['one']],
    [{ terminator: 'none' }, 'one\rtwo\r', ['one\rtwo']],
    [{ terminator: 'tab' }, 'one\r', ['one']],
    [{}, '\r\n\r\r\n', []],
  ])('frames %o', (options, line, codes) => {
    expect(read(line, options)).toEqual(codes)
  })

  it('keeps control characters inside a code', () => {
    expect(read('01040\u001d21\u001e\u0004\t7\r')).toEqual(['01040\u001d21\u001e\u0004\t7'])
  })

  it('ends a code with silence, and tells when its last byte came', () => {
    const frames = framing()
    frames.push(bytes('ab'), 1_000)
    frames.push(bytes('c'), 1_100)
    expect(frames.deadlineMs()).toBe(1_400)
    expect(frames.tick(1_399)).toEqual([])
    expect(frames.push(bytes('d\r'), 1_500).map((one) => [Buffer.from(one.bytes).toString(), one.timeMs])).toEqual([
      ['abc', 1_100],
      ['d', 1_500],
    ])
  })

  /** What comes at these times reads as; a half in brackets. */
  const heard = (pieces: readonly (readonly [string, number])[], options: Partial<Framing> = {}): string[] => {
    const frames = framing(options)
    const reads = pieces.flatMap(([text, timeMs]) => [...frames.tick(timeMs), ...frames.push(bytes(text), timeMs)])
    const told = [...reads, ...frames.tick(1e9)]
    return told.map((one) => (one.isHalf ? `[${Buffer.from(one.bytes)}]` : String(Buffer.from(one.bytes))))
  }
  const threeCodes = ['one\r', 'two\r', 'three\r'].map((text, index): [string, number] => [text, index * 2_000])

  it('tells halves of codes as that, once the scanner has ended three itself, or is set to', () => {
    const cut: [string, number][] = [
      ['ha', 10_000],
      ['lf\r', 10_400],
      ['whole\r', 12_000],
    ]
    const halves = ['[ha]', '[lf]', 'whole']
    expect(heard([...threeCodes, ...cut])).toEqual(['one', 'two', 'three', ...halves])
    expect(heard(cut, { terminator: 'cr' })).toEqual(halves)
    expect(heard(cut)).toEqual(['ha', 'lf', 'whole'])
    expect(heard([...threeCodes, ...cut], { terminator: 'none' })).toContain('ha')
  })

  it('takes bytes that were heard late for no half, where each code has its end', () => {
    const frames = framing()
    for (const [text, timeMs] of threeCodes) frames.push(bytes(text), timeMs)
    frames.push(bytes('ha'), 10_000)
    expect(frames.push(bytes('lf\r'), 14_000).map((one) => String(Buffer.from(one.bytes)))).toEqual(['half'])
  })

  it('finds a second scanner out that leaves its codes to silence, by the same code twice', () => {
    const silent: [string, number][] = ['x1', 'x2', 'x2', 'x3'].map((text, index) => [text, 10_000 + index * 5_000])
    expect(heard([...threeCodes, ...silent]).slice(3)).toEqual(['[x1]', '[x2]', 'x2', 'x3'])
  })

  it('takes a code with another end than the one that is set for whole', () => {
    expect(heard(threeCodes, { terminator: 'tab' })).toEqual(['one', 'two', 'three'])
  })

  it('does not care how the bytes are cut into packets', () => {
    const code = fc
      .uint8Array({ minLength: 1, maxLength: 40 })
      .map((all) => all.map((byte) => (byte === 10 || byte === 13 ? 29 : byte)))
    const end = fc.constantFrom('\r', '\n', '\r\n')
    fc.assert(
      fc.property(
        fc.array(fc.tuple(code, end), { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 20 })),
        (codes, cuts) => {
          const line = Buffer.concat(codes.flatMap(([one, suffix]) => [Buffer.from(one), Buffer.from(suffix)]))
          const frames = framing()
          const reads = []
          for (let at = 0, cut = 0; at < line.length; cut++) {
            const length = cuts[cut % Math.max(1, cuts.length)] ?? 7
            reads.push(...frames.push(line.subarray(at, at + length), cut))
            at += length
          }
          expect(reads.map((one) => [...one.bytes])).toEqual(codes.map(([one]) => [...one]))
        },
      ),
    )
  })
})
