import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createTraceWriter, readTrace, type TraceEvent } from '#station/device/trace.ts'

const ready: TraceEvent = {
  event: 'report',
  atMs: 0,
  report: { id: 'usb:1', kind: 'scanner', name: 'One', state: 'ready', advice: '' },
}
const scan: TraceEvent = {
  event: 'scan',
  atMs: 12.5,
  deviceId: 'usb:1',
  deviceName: 'One',
  hex: Buffer.from('01X\u001dß9').toString('hex'),
  data: '01X\u001dß9',
  aim: ']d2',
}

const written = (events: readonly TraceEvent[], isRedacted: boolean): string => {
  const output = new PassThrough()
  const writer = createTraceWriter(output, { isRedacted })
  for (const event of events) writer.write(event)
  return String(output.read())
}
const read = async (text: string) => {
  const results = []
  for await (const result of readTrace(Readable.from([text]))) results.push(result)
  return results
}

describe('a trace of device events', () => {
  it('reads back what was written', async () => {
    expect(await read(written([ready, scan], false))).toEqual([
      { ok: true, value: ready },
      { ok: true, value: scan },
    ])
  })

  it('keeps the shape of a code and nothing else when it is redacted', async () => {
    const [result] = await read(written([scan], true))
    expect(result).toMatchObject({ ok: true, value: { data: '00A\u001da0', aim: ']d2', atMs: 12.5 } })
    expect(result?.ok && result.value.event === 'scan' && Buffer.from(result.value.hex, 'hex').toString()).toBe(
      '00A\u001da0',
    )
  })

  it.each([
    ['', 'the file is empty'],
    ['{"data":"1"}\n', 'the file is no trace of Capstan'],
    [`${written([ready], false)}{"event":"sc`, 'line 3 is no event of a trace'],
  ])('says what is wrong with %j', async (text, message) => {
    expect((await read(text)).at(-1)).toMatchObject({ ok: false, error: { code: 'invalid_input', message } })
  })
})
