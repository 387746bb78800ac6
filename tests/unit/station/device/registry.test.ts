import { describe, expect, it } from 'vitest'
import { fail, ok } from '#contract/result.ts'
import type { Scan } from '#contract/station/capture.ts'
import type { DeviceReport, DriverDetails, ScanEvent } from '#station/device/driver.ts'
import { createDeviceRegistry } from '#station/device/registry.ts'
import { createClock } from '../parts.ts'

const device = (fields: Partial<DeviceReport> = {}): DeviceReport => ({
  id: 'w',
  kind: 'wedge',
  name: 'keyboard',
  state: 'ready',
  advice: '',
  ...fields,
})
const scan = (fields: Partial<Scan> = {}): Scan => ({ data: 'A', source: 'device', deviceName: 'keyboard', ...fields })
const event = (fields: Partial<ScanEvent> = {}): ScanEvent => ({
  deviceId: 'w',
  bytes: null,
  receivedMs: performance.now(),
  place: '',
  ...fields,
})
const good = ok({ outcome: 'checked' as const, isSound: true })
const bad = fail('storage_full', 'the disk is full')

/** What a driver says that it has read of a device. */
const driver = (reads: number, strange = 0): ReadonlyMap<string, DriverDetails> =>
  new Map([
    [
      'w',
      {
        facts: null,
        signals: [],
        errors: [],
        counts: { reads, saved: 0, notSaved: 0, stale: 0, strange, torn: 0, ends: 0 },
      },
    ],
  ])

function open() {
  const changes: string[] = []
  const seen: string[] = []
  const registry = createDeviceRegistry(
    createClock(),
    (id) => changes.push(id),
    (id) => seen.push(id),
  )
  return { registry, changes, seen }
}

describe('the device registry', () => {
  it('tells of a new device and of each change, not of repetitions', () => {
    const { registry, changes } = open()
    registry.report(device())
    registry.report(device())
    expect(changes).toEqual(['w'])
    registry.report(device({ state: 'unplugged', advice: 'plug it in' }))
    expect(changes).toEqual(['w', 'w'])
    expect(registry.list()).toMatchObject([{ state: 'unplugged', advice: 'plug it in' }])
  })

  it('counts the scans of each device by its id, else its name, and keeps the count over changes of state', () => {
    const { registry, seen } = open()
    registry.report(device())
    registry.report(device({ id: 'c', kind: 'camera', name: 'camera' }))
    registry.follow(scan(), event())(good)
    registry.follow(scan(), event({ deviceId: '' }))(good)
    registry.follow(scan({ deviceName: 'somebody else' }), event({ deviceId: 'x' }))(good)
    registry.count('camera')
    registry.report(device({ state: 'busy' }))
    expect(registry.list()).toMatchObject([
      { id: 'w', scans: 2, lastScanAt: '2026-11-21T09:00:00.000Z', state: 'busy' },
      { id: 'c', scans: 1 },
    ])
    expect(seen).toEqual(['w', 'w'])
  })

  it('keeps the last read with its bytes, what was refused and why, and how long answers took', () => {
    const { registry } = open()
    registry.report(device())
    registry.follow(scan(), event({ receivedMs: performance.now() - 40 }))(good)
    const bytes = Buffer.alloc(600, 0x41)
    registry.follow(scan({ data: 'B', aim: ']C0' }), event({ bytes }))(bad)
    const [seen] = registry.seen()
    expect(seen).toMatchObject({
      counts: { reads: 2, saved: 1, notSaved: 1 },
      perMinute: 2,
      last: { text: 'B', aim: ']C0', byteCount: 600, outcome: 'not_saved' },
      errors: [{ code: 'not_saved', detail: 'storage_full: the disk is full' }],
      latency: { reads: 1 },
    })
    expect(seen?.last?.hex).toBe('41'.repeat(512))
    expect(seen?.latency?.p50Ms).toBeGreaterThanOrEqual(40)
  })

  it('does not grow without end, whatever a window reports', () => {
    const { registry } = open()
    for (let n = 0; n < 1_000; n += 1) registry.report(device({ id: `d${n}` }))
    expect(registry.list()).toHaveLength(100)
    registry.report(device({ id: 'd0', state: 'failed' }))
    expect(registry.list()[0]?.state).toBe('failed')
  })
})

describe('the comparison of device events and answers', () => {
  it('is content while every read is answered, and while one is on its way', () => {
    const { registry } = open()
    registry.report(device())
    registry.follow(scan(), event())(good)
    registry.follow(scan(), event())(bad)
    registry.follow(scan(), event())
    const nowMs = performance.now()
    expect(registry.audit(driver(3), nowMs)).toEqual([])
    expect(registry.audit(driver(3), nowMs + 5_000)).toEqual([])
  })

  it('tells once of reads that nobody answers, after the time that an answer can take', () => {
    const { registry } = open()
    registry.report(device())
    registry.follow(scan(), event())(good)
    expect(registry.audit(driver(3), 0)).toEqual([])
    expect(registry.audit(driver(3), 1_900)).toEqual([])
    const told = { deviceId: 'w', deviceName: 'keyboard', events: 3, answers: 1 }
    expect(registry.audit(driver(3), 2_000)).toEqual([told])
    expect(registry.audit(driver(3), 60_000)).toEqual([])
    expect(registry.audit(driver(4), 61_000)).toEqual([])
    expect(registry.audit(driver(4), 63_000)).toEqual([{ ...told, events: 4 }])
  })

  it('takes no offence at a difference that changes: reads and answers are at different places of one stream', () => {
    const { registry } = open()
    registry.report(device())
    for (let second = 0; second < 20; second += 1) {
      expect(registry.audit(driver(10 + second + (second % 2)), second * 1_500)).toEqual([])
      for (let n = 0; n < 1 + (second === 0 ? 8 : 0); n += 1) registry.follow(scan(), event())(good)
    }
  })

  it('leaves out what is no scan, and tells of more answers than reads', () => {
    const { registry } = open()
    registry.report(device())
    registry.follow(scan(), event())(good)
    registry.audit(driver(3, 2), 0)
    expect(registry.audit(driver(3, 2), 5_000)).toEqual([])
    registry.audit(driver(0), 6_000)
    expect(registry.audit(driver(0), 9_000)).toMatchObject([{ events: 0, answers: 1 }])
  })

  it('tells of a read that the store has not answered for too long, also for a device of the window', () => {
    const { registry } = open()
    registry.report(device())
    const answered = registry.follow(scan(), event({ receivedMs: 0 }))
    expect(registry.audit(new Map(), 9_000)).toEqual([])
    registry.audit(new Map(), 10_500)
    expect(registry.audit(new Map(), 12_600)).toMatchObject([{ events: 1, answers: 0 }])
    answered(good)
    registry.audit(new Map(), 13_000)
    // The answer that came after all squares the account again, which is worth saying too.
    expect(registry.audit(new Map(), 15_000)).toMatchObject([{ events: 1, answers: 1 }])
  })
})
