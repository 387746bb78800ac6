import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '#station/store/database.ts'
import { addCapture, createClock, openTestSession, openTestStore, temporaryFolder } from '../parts.ts'

describe('sessions', () => {
  it('are active one at a time', () => {
    const store = openTestStore()
    const first = openTestSession(store)
    expect(() => openTestSession(store)).toThrow('another session is active')
    store.sessions.end(first.id)
    expect(openTestSession(store).id).not.toBe(first.id)
  })

  it('cannot be active twice in the database itself', () => {
    const dataDir = temporaryFolder()
    openTestSession(openTestStore({ dataDir }))
    const beside = openDatabase(join(dataDir, 'station.sqlite'))
    onTestFinished(() => beside.close())
    expect(() =>
      beside.run(
        `INSERT INTO sessions (id, label, capture_mode, duplicate_policy, duplicate_window_ms, state, opened_at)
         VALUES ('other', '', 'both', 'count', 3000, 'ACTIVE', '')`,
      ),
    ).toThrow(/UNIQUE/)
  })

  it('end once: the second end changes nothing and asks the backend for nothing more', () => {
    const clock = createClock()
    const store = openTestStore({ clock })
    const session = openTestSession(store)
    const ended = store.sessions.end(session.id)
    clock.advance(60_000)
    expect(store.sessions.end(session.id)).toEqual(ended)
    const [begin, ...others] = store.outbox.lease(10)
    expect([begin?.kind, others]).toEqual(['session.create', []])
    store.transaction(() => {
      store.sessions.linkRemote(session.id, 'remote')
      store.outbox.done(begin?.id ?? 0)
    })
    expect(store.outbox.lease(10).map(({ kind }) => kind)).toEqual(['session.end'])
    // Bookkeeping is nothing that people wait for.
    expect(store.outbox.figures().waiting).toBe(0)
    expect(store.sessions.end('00000000-0000-7000-8000-00000000dead')).toBeNull()
  })

  it('come newest first', () => {
    const store = openTestStore()
    const ids = ['a', 'b', 'c'].map((label) => {
      const session = openTestSession(store, { label })
      store.sessions.end(session.id)
      return session.id
    })
    expect(store.sessions.list(2).map((session) => session.id)).toEqual(ids.toReversed().slice(0, 2))
  })

  it('tell their length, their pace and their most frequent items', () => {
    const clock = createClock()
    const store = openTestStore({ clock })
    const session = openTestSession(store)
    expect(store.captures.timeline(session.id)).toEqual({ durationMs: 0, bucketMs: 1_000, timeline: [] })
    for (const [raw, at, monotonicMs] of [
      ['A', '09:00:00.000', 0],
      ['B', '09:00:00.900', 900],
      ['A', '09:00:05.000', 5_000],
    ] as const)
      addCapture(store, session.id, { raw, capturedAt: `2026-11-21T${at}Z`, monotonicMs })
    const undone = addCapture(store, session.id, { raw: 'B', capturedAt: '2026-11-21T10:00:00.000Z' })
    store.captures.undo(undone)

    const { durationMs, bucketMs, timeline } = store.captures.timeline(session.id)
    expect({ durationMs, bucketMs }).toEqual({ durationMs: 5_000, bucketMs: 1_000 })
    expect(timeline.map((bucket) => bucket.scans)).toEqual([2, 0, 0, 0, 0, 1])
    expect(timeline[0]?.from).toBe('2026-11-21T09:00:00.000Z')
    expect(store.captures.topItems(session.id, 1)).toEqual([
      { gtin: null, raw: 'A', productName: null, scans: 2, units: 2 },
    ])
  })

  it('never have more than 60 buckets, and lose no scan between them', () => {
    const store = openTestStore()
    const session = openTestSession(store)
    for (let minute = 0; minute < 240; minute += 1)
      addCapture(store, session.id, {
        capturedAt: new Date(Date.UTC(2026, 10, 21, 9, minute, 30, 7)).toISOString(),
        monotonicMs: minute * 60_000,
      })
    const { timeline } = store.captures.timeline(session.id)
    expect(timeline.length).toBeLessThanOrEqual(60)
    expect(timeline.reduce((sum, bucket) => sum + bucket.scans, 0)).toBe(240)
  })

  it('tell how many scans came when by the monotonic clock, however the clock of the machine is set', () => {
    const store = openTestStore()
    const session = openTestSession(store)
    const scan = (capturedAt: string, monotonicMs: number) =>
      addCapture(store, session.id, { capturedAt: `2026-11-21T${capturedAt}.000Z`, monotonicMs })
    scan('09:00:00', 1_000)
    scan('12:00:01', 2_000)
    scan('08:00:02', 3_000)
    scan('08:00:02', 3_500)
    expect(store.captures.timeline(session.id)).toEqual({
      durationMs: 2_500,
      bucketMs: 1_000,
      timeline: [
        { from: '2026-11-21T09:00:00.000Z', scans: 1 },
        { from: '2026-11-21T09:00:01.000Z', scans: 1 },
        { from: '2026-11-21T09:00:02.000Z', scans: 2 },
      ],
    })
  })
})
