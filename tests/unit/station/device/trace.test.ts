import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { fail, ok } from '#contract/result.ts'
import type { Scan, ScanOutcome } from '#contract/station/capture.ts'
import type { DeviceDriver, DeviceReport, Emit } from '#station/device/driver.ts'
import { createReplayDriver, createTraceWriter, readTrace, withTrace, type TraceEvent } from '#station/device/trace.ts'

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

describe('recording and replaying', () => {
  const saved = ok({ outcome: 'saved' } as ScanOutcome)

  it('plays back what a driver told, to the byte, in order', async () => {
    const bytes = Uint8Array.of(0x47, 0x72, 0xfc)
    let tell: { emit: Emit; report: (device: DeviceReport) => void } | undefined
    const driver: DeviceDriver = {
      start: (emit, report) => {
        tell = { emit, report }
      },
      close: () => Promise.resolve(),
    }
    const output = new PassThrough()
    const heard: unknown[] = []
    withTrace(driver, createTraceWriter(output, { isRedacted: false })).start(
      (scan) => {
        heard.push(scan)
        return Promise.resolve(saved)
      },
      (report) => heard.push(report),
    )
    tell?.report({ id: 'a', kind: 'scanner', name: 'A', state: 'ready', advice: '' })
    const scan: Scan = { data: 'Grü', aim: ']C0', source: 'device', deviceName: 'A' }
    expect(await tell?.emit(scan, { deviceId: 'a', bytes, receivedMs: performance.now() })).toBe(saved)
    tell?.report({ id: 'a', kind: 'scanner', name: 'A', state: 'unplugged', advice: 'Plug the scanner in.' })

    const replayed: unknown[] = []
    const raws: unknown[] = []
    const replay = createReplayDriver(Readable.from([String(output.read())]), Number.POSITIVE_INFINITY)
    replay.start(
      (one, raw) => {
        replayed.push(one)
        raws.push({ deviceId: raw?.deviceId, bytes: Uint8Array.from(raw?.bytes ?? []) })
        return Promise.resolve(saved)
      },
      (report) => replayed.push(report),
    )
    expect(await replay.ended).toEqual(ok(1))
    expect(replayed).toEqual(heard)
    expect(raws).toEqual([{ deviceId: 'a', bytes }])
  })

  it('says what became of each scan, and what is wrong with the trace', async () => {
    const answers: unknown[] = []
    const replay = createReplayDriver(
      Readable.from([`${written([scan, scan], false)}no event\n`]),
      Number.POSITIVE_INFINITY,
      (event, result) => answers.push([event.atMs, result.ok]),
    )
    let count = 0
    replay.start(
      () => Promise.resolve(count++ === 0 ? saved : fail('storage_full', 'the disk is full')),
      () => undefined,
    )
    expect(await replay.ended).toMatchObject({ ok: false, error: { message: 'line 4 is no event of a trace' } })
    expect(answers).toEqual([
      [12.5, true],
      [12.5, false],
    ])
  })

  it('ends when it is closed before the trace does', async () => {
    const late: TraceEvent = { ...scan, atMs: 3_600_000 }
    const replay = createReplayDriver(Readable.from([written([late], false)]), 1)
    replay.start(
      () => Promise.resolve(saved),
      () => undefined,
    )
    await replay.close()
    expect((await replay.ended).ok).toBe(true)
  })
})
