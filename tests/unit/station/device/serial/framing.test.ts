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
    expect(read('a\rb\nc\r\nd')).toEqual(['a', 'b', 'c', 'd'])
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
