import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { fail, type Result } from '#contract/result.ts'
import type { Scan } from '#contract/station/capture.ts'
import type { ScanAnswer } from '#contract/station/control.ts'
import type { DeviceReport } from '#station/device/driver.ts'
import { createLineDriver } from '#station/device/line-driver.ts'

type Answer = { readonly line: number; readonly result: Result<ScanAnswer> }

/** Runs lines through the driver; every scan is answered with its own text as an error message. */
async function drive(input: Readable, emit?: (scan: Scan) => Promise<Result<ScanAnswer>>) {
  const scans: Scan[] = []
  const answers: Answer[] = []
  const reports: DeviceReport[] = []
  const driver = createLineDriver(input, 'lines', (line, result) => void answers.push({ line, result }))
  driver.start(
    (scan) => {
      scans.push(scan)
      return emit ? emit(scan) : Promise.resolve(fail('conflict', scan.data))
    },
    (report) => void reports.push(report),
  )
  await driver.ended
  return { scans, answers, reports }
}

const messageOf = (answer: Answer | undefined): string =>
  answer && !answer.result.ok ? answer.result.error.message : ''

describe('the line driver', () => {
  it('makes a scan of each line and leaves other members to other readers', async () => {
    const lines = [
      '{"data":"A"}',
      '{"data":"B","aim":"]E0"}',
      '{"data":"C","aim":null,"more":[1]}',
      '{"data":"\\u001d"}',
    ]
    const { scans, reports } = await drive(Readable.from([lines.join('\n')]))
    expect(scans).toEqual([
      { data: 'A', source: 'stdin', deviceName: 'lines' },
      { data: 'B', aim: ']E0', source: 'stdin', deviceName: 'lines' },
      { data: 'C', source: 'stdin', deviceName: 'lines' },
      { data: '\u001D', source: 'stdin', deviceName: 'lines' },
    ])
    expect(reports.map((report) => report.state)).toEqual(['ready', 'unplugged'])
  })

  it.each([
    ['an empty line', '', 'empty'],
    ['blanks', '   ', 'empty'],
    ['broken JSON', '{"data":', 'no JSON'],
    ['a bare text', '"4006381333931"', '"data"'],
    ['a number as data', '{"data":4006381333931}', '"data"'],
    ['null', 'null', '"data"'],
    ['an array', '[{"data":"A"}]', '"data"'],
    ['an empty code', '{"data":""}', 'data:'],
    ['a code longer than any symbol', JSON.stringify({ data: 'x'.repeat(8_193) }), 'data:'],
    ['an AIM identifier that is none', '{"data":"A","aim":"E0"}', 'aim:'],
  ])('answers %s with invalid_input and goes on', async (_, line, words) => {
    const { scans, answers } = await drive(Readable.from([`${line}\n{"data":"NEXT"}\n`]))
    expect(answers.map((answer) => answer.line)).toEqual([1, 2])
    expect(answers[0]?.result).toMatchObject({ ok: false, error: { code: 'invalid_input' } })
    expect(messageOf(answers[0])).toContain(words)
    expect(scans.map((scan) => scan.data)).toEqual(['NEXT'])
  })

  it('answers in the order of the lines, also when later ones are saved sooner', async () => {
    const waiting: (() => void)[] = []
    const emit = (scan: Scan): Promise<Result<ScanAnswer>> =>
      new Promise((resolve) => {
        waiting.push(() => resolve(fail('conflict', scan.data)))
        if (waiting.length === 3) for (const release of waiting.toReversed()) release()
      })
    const { answers } = await drive(Readable.from(['{"data":"1"}\n{"data":"2"}\nrubbish\n{"data":"3"}\n']), emit)
    expect(answers.map((answer) => answer.line)).toEqual([1, 2, 3, 4])
    expect([0, 1, 3].map((index) => messageOf(answers[index]))).toEqual(['1', '2', '3'])
  })

  it('takes CRLF, a missing last line end and lines torn into pieces', async () => {
    const pieces = ['{"da', 'ta":"A"}\r', '\n{"data":"B"}\r\n{"data":', '"C"}']
    const { scans } = await drive(Readable.from(pieces))
    expect(scans.map((scan) => scan.data)).toEqual(['A', 'B', 'C'])
  })

  it('works through far more lines than may be on their way at once', async () => {
    const total = 5_000
    const lines = Array.from({ length: total }, (_, index) => `{"data":"${index}"}\n`)
    const { answers } = await drive(Readable.from(lines))
    expect(answers.map((answer) => answer.line)).toEqual(Array.from({ length: total }, (_, index) => index + 1))
  })

  it('can be closed while its input is still open, after answering what it read', async () => {
    const input = new PassThrough()
    const answers: number[] = []
    const driver = createLineDriver(input, 'lines', (line) => void answers.push(line))
    driver.start(
      (scan) => Promise.resolve(fail('conflict', scan.data)),
      () => undefined,
    )
    input.write('{"data":"A"}\n')
    await new Promise(setImmediate)
    await driver.close()
    expect(answers).toEqual([1])
  })
})
