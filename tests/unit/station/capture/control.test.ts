import { describe, expect, it } from 'vitest'
import type { Scan } from '#contract/station/capture.ts'
import type { ControlCommand, ControlOutcome } from '#contract/station/control.ts'
import type { ScanOutcome } from '#contract/station/capture.ts'
import type { DuplicatePolicy } from '#contract/station/session.ts'
import { writeControlCode } from '#domain/control-code.ts'
import { createCapturing } from '#station/capture/capture.ts'
import { createClock, createIds, createKeptLog, openTestSession, openTestStore } from '../parts.ts'

function open(duplicatePolicy: DuplicatePolicy = 'count') {
  const clock = createClock()
  const ids = createIds()
  const store = openTestStore({ clock, ids })
  const session = openTestSession(store, { duplicatePolicy })
  const told: (ScanOutcome | ControlOutcome)[] = []
  const capturing = createCapturing({
    store,
    clock,
    ids,
    log: createKeptLog(),
    onSaved: (outcome) => void told.push(outcome),
    onControl: (outcome) => void told.push(outcome),
  })
  const scan = (data: string, deviceName = 'reader', source: Scan['source'] = 'device') =>
    capturing.scan({ data, source, deviceName })
  const control = (command: ControlCommand, deviceName?: string) => scan(writeControlCode(command), deviceName)
  const rows = () =>
    [...store.captures.each(null)].map(({ raw, quantity, disposition, location }) => ({
      raw,
      quantity,
      disposition,
      location,
    }))
  return { clock, store, session, told, capturing, scan, control, rows }
}

const conflict = { ok: false, error: { code: 'conflict' } }

describe('a control barcode', () => {
  it('is never a capture, whatever it asks', async () => {
    const { control, rows, told } = open()
    for (const kind of ['shoot', 'accept', 'reject', 'skip', 'location_next'] as const) {
      expect(await control({ kind })).toMatchObject({ ok: true, value: { outcome: 'control', command: { kind } } })
    }
    expect(rows()).toEqual([])
    expect(told).toHaveLength(5)
  })

  it('that came damaged is refused, and nothing is stored', async () => {
    const { scan, rows, told } = open()
    expect(await scan(']C0XCTRLUNDOBB')).toMatchObject({ ok: false, error: { code: 'invalid_input' } })
    expect(rows()).toEqual([])
    expect(told).toEqual([])
  })

  it('keeps its place among scans that come at once', async () => {
    const { scan, control, rows, told } = open()
    const answers = await Promise.all([
      scan('A'),
      control({ kind: 'quantity', quantity: 3 }),
      control({ kind: 'tenfold' }),
      scan('B'),
      control({ kind: 'undo' }),
      scan('C'),
    ])
    expect(answers.every((answer) => answer.ok)).toBe(true)
    expect(rows().map(({ raw, quantity, disposition }) => [raw, quantity, disposition])).toEqual([
      ['A', 30, 'counted'],
      ['B', 1, 'undone'],
      ['C', 1, 'counted'],
    ])
    expect(told.map(({ outcome }) => outcome)).toEqual(['saved', 'control', 'control', 'saved', 'control', 'saved'])
  })

  it('is about what its own scanner read last, or what was typed', async () => {
    const { scan, control, rows } = open()
    await scan('A', 'left')
    await scan('B', 'right')
    await control({ kind: 'quantity', quantity: 4 }, 'left')
    expect(rows().map(({ quantity }) => quantity)).toEqual([4, 1])
    await scan('C', '', 'manual')
    await control({ kind: 'quantity', quantity: 5 }, 'left')
    expect(rows().map(({ quantity }) => quantity)).toEqual([4, 1, 5])
    expect(await control({ kind: 'undo' }, 'right')).toMatchObject({ value: { capture: { raw: 'C' } } })
  })

  it('changes no earlier item when the last scan did not count', async () => {
    const { scan, control, rows } = open('reject')
    await scan('A')
    await scan('B')
    await scan('A')
    expect(await control({ kind: 'quantity', quantity: 7 })).toMatchObject(conflict)
    expect(rows().map(({ quantity }) => quantity)).toEqual([1, 1, 1])
    expect(await control({ kind: 'undo' })).toMatchObject({ value: { capture: { raw: 'B' } } })
    expect(await control({ kind: 'quantity', quantity: 7 })).toMatchObject(conflict)
  })

  it('says so when there is nothing to change', async () => {
    const { scan, control, store, session } = open()
    const missing = { ok: false, error: { code: 'not_found' } }
    expect(await control({ kind: 'undo' })).toMatchObject(missing)
    expect(await control({ kind: 'quantity', quantity: 2 })).toMatchObject(missing)
    await scan('A')
    for (let n = 0; n < 4; n += 1) await control({ kind: 'tenfold' })
    expect(await control({ kind: 'tenfold' })).toMatchObject({ error: { code: 'invalid_input' } })
    expect(store.sessions.get(session.id)?.totals.units).toBe(10_000)
  })

  it('ends the session for the scans behind it, which are told that they were not saved', async () => {
    const { scan, control, store, session, rows } = open()
    const [, end, after, again] = await Promise.all([
      scan('A'),
      control({ kind: 'end' }),
      scan('B'),
      control({ kind: 'end' }),
    ])
    expect(end).toMatchObject({ ok: true, value: { sessionId: session.id } })
    expect(after).toMatchObject(conflict)
    expect(again).toMatchObject(conflict)
    expect(store.sessions.get(session.id)?.state).toBe('COMPLETED')
    expect(rows()).toHaveLength(1)
  })

  it('changes the mode of the session that is open', async () => {
    const { control, store, session } = open()
    await control({ kind: 'mode', mode: 'product_photography' })
    expect(store.sessions.get(session.id)?.captureMode).toBe('product_photography')
  })
})

describe('a location', () => {
  it('holds for the captures after it, photos too, until it is taken away', async () => {
    const { scan, control, capturing, rows, store } = open()
    await scan('A')
    await control({ kind: 'location', location: 'A-01-03' })
    await scan('B')
    await capturing.image({ photo: 'a'.repeat(64), upload: null, role: null }, [], 'camera')
    expect(store.sessions.current()?.location).toBe('A-01-03')
    await control({ kind: 'location', location: null })
    await scan('C')
    expect(rows().map(({ location }) => location)).toEqual([null, 'A-01-03', 'A-01-03', null])
  })

  it('is named by the next scan of the scanner that announced it', async () => {
    const { scan, control, rows } = open()
    const answers = await Promise.all([
      control({ kind: 'location_next' }, 'left'),
      scan('B', 'right'),
      scan(']C0SHELF 7', 'left'),
      scan('A', 'left'),
    ])
    expect(answers[2]).toMatchObject({
      value: { outcome: 'control', command: { kind: 'location', location: 'SHELF 7' } },
    })
    expect(rows().map(({ raw, location }) => [raw, location])).toEqual([
      ['B', null],
      ['A', 'SHELF 7'],
    ])
  })

  it.each([
    ['a product', '4006381333931', 0],
    ['a minute and more later', 'SHELF 7', 60_001],
    ['longer than a location is', 'X'.repeat(101), 0],
  ])('is not named by a scan that is %s: that is saved', async (_, data, waitMs) => {
    const { scan, control, rows, clock, store } = open()
    await control({ kind: 'location_next' })
    clock.advance(waitMs)
    expect(await scan(data)).toMatchObject({ value: { outcome: 'saved' } })
    expect(await scan('SHELF 8')).toMatchObject({ value: { outcome: 'saved' } })
    expect(rows()).toHaveLength(2)
    expect(store.sessions.current()?.location).toBeNull()
  })

  it('is asked for again when the store fails in the middle', async () => {
    const { scan, control, store, rows } = open()
    const add = store.captures.add
    let failures = 1
    store.captures.add = (capture) => {
      if (failures-- > 0) throw new Error('a bug')
      return add(capture)
    }
    await Promise.all([control({ kind: 'location_next' }), scan('SHELF 7'), scan('A')])
    expect(rows()).toMatchObject([{ raw: 'A', location: 'SHELF 7' }])
  })
})
