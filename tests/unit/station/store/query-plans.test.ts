import { describe, expect, it } from 'vitest'
import { writeControlCode } from '#domain/control-code.ts'
import { createCapturing } from '#station/capture/capture.ts'
import {
  openTestStore,
  openTestSession,
  createClock,
  createIds,
  createKeptLog,
  temporaryFolder,
  addCapture,
} from '../parts.ts'
import { fullScans, statementsOf } from './statements.ts'

describe('what is asked for each scan and each answer', () => {
  it('reads no table from end to end, however many rows it has', async () => {
    const dataDir = temporaryFolder()
    const clock = createClock()
    const store = openTestStore({ dataDir, clock })
    const session = openTestSession(store, { duplicatePolicy: 'ignore', marksWindowMs: 1_000 })
    const capturing = createCapturing({
      store,
      clock,
      ids: createIds(),
      log: createKeptLog(),
      onSaved: () => undefined,
      onControl: () => undefined,
    })
    const answer = { state: 'PENDING', errorMessage: '', productId: null, productName: null, gtin: null } as const

    const statements = await statementsOf(async () => {
      for (let n = 0; n < 2; n += 1) await capturing.scan({ data: 'A', source: 'stdin', deviceName: '' })
      for (const data of [']E04006381333931', 'https://id.gs1.org/01/04006381333931/21/7']) {
        await capturing.scan({ data, source: 'stdin', deviceName: '' })
      }
      for (const kind of ['tenfold', 'undo'] as const) {
        await capturing.scan({ data: writeControlCode({ kind }), source: 'stdin', deviceName: '' })
      }
      const [create] = store.outbox.lease(64)
      store.transaction(() => {
        store.sessions.linkRemote(session.id, 'S1')
        store.outbox.done(create?.id ?? 0)
      })
      const [submit] = store.outbox.lease(64)
      store.outbox.retryAt(submit?.id ?? 0, 0, { code: '', message: '' })
      const [again] = store.outbox.lease(64)
      store.transaction(() => {
        store.captures.accept(again?.captureId ?? '', { ...answer, remoteId: 'R1' })
        store.outbox.done(again?.id ?? 0)
      })
      store.captures.follow(again?.captureId ?? '', { ...answer, remoteId: 'R1', state: 'NOT_FOUND' })
      store.captures.notFoundWith('04006381333931')
      store.captures.setQuantity(again?.captureId ?? '', 2)
      store.captures.isUnsettled()
      store.outbox.isPending()
      store.outbox.nextDueMs()
      const parked = addCapture(store, session.id, { raw: 'B' })
      const [refused] = store.outbox.lease(64).filter((item) => item.captureId === parked)
      store.transaction(() => store.outbox.park(refused?.id ?? 0, { code: '', message: '' }, true))
      store.captures.retry(parked)
      store.captures.undo(parked)
      store.captures.newestCounted(session.id)
      store.sessions.current()
    })
    expect(statements.length).toBeGreaterThan(20)

    // The index of unsettled captures has only those in it.
    const little = /^SCAN (?:CONSTANT|\(subquery|c USING INDEX captures_to_follow)/
    expect(fullScans(dataDir, statements, little)).toEqual([])
  })
})
