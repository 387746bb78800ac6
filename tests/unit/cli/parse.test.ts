import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { parse, parseLines } from '#cli/parse.ts'

const clock = () => new Date('2026-11-21T00:00:00Z')
const utf8 = new TextEncoder()

/** What the command answers to these chunks of bytes, line by line. */
async function answers(...chunks: (string | Uint8Array)[]): Promise<Record<string, unknown>[]> {
  async function* input() {
    for (const chunk of chunks) yield typeof chunk === 'string' ? utf8.encode(chunk) : chunk
  }
  let output = ''
  for await (const part of parseLines(input(), clock)) output += part
  expect(output === '' || output.endsWith('\n')).toBe(true)
  return output === ''
    ? []
    : output
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('capstan parse', () => {
  it('answers every line with one line, in order', async () => {
    const lines = [
      '{"data":"]C10109520123456788"}',
      '{"data":"4006381333931","aim":"]E0"}',
      '{"data":"hello","aim":null}',
    ]
    const result = await answers(`${lines.join('\n')}\n`)
    expect(result.map(({ raw, gtin }) => [raw, gtin])).toEqual([
      ['0109520123456788', '09520123456788'],
      ['4006381333931', '04006381333931'],
      ['hello', null],
    ])
  })

  it('prints exactly the keys that it promises, in their order', async () => {
    const [answer] = await answers('{"data":"]C110A"}\n')
    expect(Object.keys(answer ?? {})).toEqual([
      'raw',
      'symbology',
      'symbologyIdentifier',
      'gtin',
      'elements',
      'elementString',
      'digitalLink',
      'warnings',
      'error',
    ])
    expect(answer).toMatchObject({ elements: [{ ai: '10', value: 'A' }], elementString: '^10A', error: null })
  })

  it('answers what it cannot read with an error, and goes on', async () => {
    const broken = ['', '   ', 'nope', '5', 'null', '[]', '{}', '{"data":5}', '{"data":"x","aim":5}', '{"data":"x"']
    const result = await answers([...broken, '{"data":"x"}'].join('\n'))
    expect(result).toHaveLength(broken.length + 1)
    for (const [index, line] of broken.entries()) {
      expect(result[index]).toMatchObject({ raw: line, error: { code: 'invalid_input' }, elements: [] })
    }
    expect(result.at(-1)).toMatchObject({ raw: 'x', error: null })
  })

  it('reads lines that arrive in pieces, even in the middle of a character', async () => {
    const bytes = utf8.encode('{"data":"Crème"}\r\n{"data":"last"}')
    for (let cut = 0; cut <= bytes.length; cut++) {
      const result = await answers(bytes.slice(0, cut), bytes.slice(cut))
      expect(result.map(({ raw }) => raw)).toEqual(['Crème', 'last'])
    }
  })

  it('takes only LF for the end of a line', async () => {
    const result = await answers('{"data":"a\u2028b\u0085c"}\n')
    expect(result.map(({ raw }) => raw)).toEqual(['a\u2028b\u0085c'])
  })

  it('does not collect a line without end', async () => {
    const endless = Array.from({ length: 40 }, () => 'x'.repeat(100_000))
    const result = await answers(...endless, '\n{"data":"next"}\n')
    expect(result).toMatchObject([
      { raw: '', error: { code: 'invalid_input' } },
      { raw: 'next', error: null },
    ])
  })

  it('answers nothing to nothing', async () => {
    expect(await answers()).toEqual([])
    expect(await answers('')).toEqual([])
  })

  it('reads standard input and writes standard output', async () => {
    const script =
      "import('./src/cli/parse.ts').then((room) => room.parse(['--json'])).then((code) => (process.exitCode = code))"
    const child = spawn('node_modules/.bin/node', ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const count = 20_000
    child.stdin.end('{"data":"]d2010952012345678810A"}\n'.repeat(count))
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
    expect(code).toBe(0)
    const lines = output.trimEnd().split('\n')
    expect(lines).toHaveLength(count)
    expect(new Set(lines).size).toBe(1)
  })

  it('refuses arguments that it does not know', async () => {
    expect(await parse(['--xml'])).toBe(2)
  })
})
