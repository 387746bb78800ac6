import { describe, expect, it } from 'vitest'
import type { OutboxItem } from '#station/store/outbox.ts'
import type { Store } from '#station/store/store.ts'
import { addCapture, createClock, openTestSession, openTestStore, temporaryFolder } from '../parts.ts'

const kinds = (items: readonly OutboxItem[]): string[] => items.map((item) => item.kind)
const refusal = { code: 'validation_error', message: 'no' }

/** A store whose session the backend knows as S1. */
function openLinked() {
  const clock = createClock()
  const store = openTestStore({ clock })
  const session = openTestSession(store)
  const [create] = store.outbox.lease(10)
  store.transaction(() => {
    store.sessions.linkRemote(session.id, 'S1')
    store.outbox.done(create?.id ?? 0)
  })
  return { clock, store, session }
}

const leaseOne = (store: Store): OutboxItem => {
  const [item] = store.outbox.lease(1)
  if (!item) throw new Error('nothing is ready')
  return item
}

const accept = (store: Store, item: OutboxItem, remoteId = 'R1'): void =>
  store.transaction(() => {
    store.captures.accept(item.captureId ?? '', {
      remoteId,
      state: 'PENDING',
      errorMessage: '',
      productId: null,
      productName: null,
      gtin: null,
    })
    store.outbox.done(item.id)
  })

describe('the outbox', () => {
  it('lets a session go first, then its captures, then its end', () => {
    const store = openTestStore()
    const session = openTestSession(store)
    const id = addCapture(store, session.id)
    store.sessions.end(session.id)

    const first = store.outbox.lease(10)
    expect(kinds(first)).toEqual(['session.create'])
    expect(store.outbox.lease(10)).toEqual([])
    store.transaction(() => {
      store.sessions.linkRemote(session.id, 'S1')
      store.outbox.done(first[0]?.id ?? 0)
    })
    const second = store.outbox.lease(10)
    expect(second).toMatchObject([{ kind: 'capture.submit', captureId: id, attempts: 1 }])
    expect(store.outbox.lease(10)).toEqual([])
    accept(store, second[0] as OutboxItem)
    expect(kinds(store.outbox.lease(10))).toEqual(['session.end'])
  })

  it('ends a session although a refused capture of it is parked', () => {
    const { store, session } = openLinked()
    addCapture(store, session.id)
    store.sessions.end(session.id)
    const item = leaseOne(store)
    store.transaction(() => store.outbox.park(item.id, refusal, true))
    expect(kinds(store.outbox.lease(10))).toEqual(['session.end'])
  })

  it('gives a leased item to nobody else until it is released, which a new start does', () => {
    const store = openTestStore()
    openTestSession(store)
    expect(store.outbox.lease(10)).toHaveLength(1)
    expect(store.outbox.lease(10)).toEqual([])
    expect(store.outbox.releaseLeases()).toBe(1)
    expect(store.outbox.lease(10)).toMatchObject([{ attempts: 2 }])
  })

  it('doubts what a dead process may have sent, and sends it again only when it is told to, to the letter', () => {
    const { clock, store, session } = openLinked()
    const id = addCapture(store, session.id)
    const [sent] = store.outbox.lease(10, 7_000)
    const sentMs = clock.now().getTime()
    clock.advance(60_000)
    expect(store.outbox.releaseLeases()).toBe(1)
    expect(store.outbox.lease(10)).toEqual([])
    expect(store.outbox.figures()).toMatchObject({ waiting: 1, inDoubt: 1, parked: 0 })
    const [doubtful] = store.outbox.doubtful(10)
    expect(doubtful).toMatchObject({
      captureId: id,
      payload: { session: 'S1', sentMs, backendMs: sentMs + 7_000, lostMs: sentMs + 60_000 },
    })
    store.transaction(() => store.outbox.resend(doubtful?.id ?? 0))
    const [again] = store.outbox.lease(10, 9_000)
    expect(again?.payload).toMatchObject(sent?.payload ?? {})
  })

  it('holds the end of a session back while one of its captures is in doubt, and not while one is undecided', () => {
    const { store, session } = openLinked()
    const id = addCapture(store, session.id)
    store.outbox.lease(1)
    store.outbox.releaseLeases()
    store.sessions.end(session.id)
    expect(store.outbox.lease(10)).toEqual([])
    const candidate = { remoteId: 'R7', createdAt: null, raw: 'A', type: 'BARCODE' }
    store.transaction(() => store.outbox.undecide(store.outbox.doubtful(1)[0]?.id ?? 0, [candidate]))
    expect(kinds(store.outbox.lease(10))).toEqual(['session.end'])
    expect(store.outbox.candidates(id)?.candidates).toEqual([candidate])
    expect(store.outbox.figures()).toMatchObject({ parked: 1, undecided: 1, inDoubt: 0 })
    expect(store.sessions.get(session.id)?.totals).toMatchObject({ waiting: 0, parked: 1 })
  })

  it('counts an attempt that was not made as none', () => {
    const { store, session } = openLinked()
    addCapture(store, session.id)
    store.outbox.release(leaseOne(store).id)
    expect(leaseOne(store).attempts).toBe(1)
  })

  it('waits for the due time, unless somebody is in a hurry', () => {
    const { clock, store, session } = openLinked()
    addCapture(store, session.id)
    const item = leaseOne(store)
    const dueMs = clock.now().getTime() + 5_000
    store.outbox.retryAt(item.id, dueMs, refusal)
    expect(store.outbox.lease(10)).toEqual([])
    expect(store.outbox.nextDueMs()).toBe(dueMs)
    expect(store.outbox.isPending()).toBe(true)
    clock.advance(5_000)
    expect(store.outbox.lease(10)).toHaveLength(1)

    store.outbox.retryAt(item.id, clock.now().getTime() + 60_000, refusal)
    expect(store.outbox.lease(10)).toEqual([])
    store.outbox.hurry()
    expect(store.outbox.lease(10)).toHaveLength(1)
  })

  it('is not stopped for years by a clock that was set back', () => {
    const { clock, store, session } = openLinked()
    addCapture(store, session.id)
    clock.set('2036-01-01T00:00:00.000Z')
    const item = leaseOne(store)
    store.outbox.retryAt(item.id, clock.now().getTime() + 60_000, refusal)
    clock.set('2026-11-21T09:00:10.000Z')
    expect(store.outbox.lease(10)).toHaveLength(1)
  })

  it('keeps what was refused, with the words, until a person tries it again', () => {
    const { store, session } = openLinked()
    const id = addCapture(store, session.id)
    const item = leaseOne(store)
    store.transaction(() => store.outbox.park(item.id, { code: 'validation_error', message: 'too long' }, true))
    expect(store.captures.get(id)).toMatchObject({
      sync: 'parked',
      syncError: { code: 'validation_error', message: 'too long' },
    })
    expect(store.outbox.figures()).toMatchObject({ waiting: 0, parked: 1 })
    expect(store.outbox.isPending()).toBe(false)
    store.outbox.hurry()
    expect(store.outbox.lease(10)).toEqual([])

    expect(store.captures.retry(id)).toBe(true)
    expect(store.captures.get(id)).toMatchObject({ sync: 'waiting', attempts: 0 })
    // The refused request is over; this is another one, and may say something else.
    expect(leaseOne(store).payload).toMatchObject({ round: 1, session: 'S1', quantity: 1 })
  })

  it('gives a refused session another try when somebody is in a hurry, and nothing of it before', () => {
    const store = openTestStore()
    const session = openTestSession(store)
    addCapture(store, session.id)
    const item = leaseOne(store)
    store.transaction(() => store.outbox.park(item.id, refusal, true))
    expect(store.outbox.lease(10)).toEqual([])
    expect(store.outbox.isPending()).toBe(false)
    store.outbox.hurry()
    expect(kinds(store.outbox.lease(10))).toEqual(['session.create'])
  })

  it('repeats a request to the letter, whatever changed since it was first sent', () => {
    const { clock, store, session } = openLinked()
    const id = addCapture(store, session.id)
    const first = leaseOne(store)
    expect(first.payload).toMatchObject({ session: 'S1', quantity: 1 })
    store.outbox.retryAt(first.id, clock.now().getTime(), refusal)
    store.captures.setQuantity(id, 7)
    store.transaction(() => {
      store.sessions.continueRemote(session.id)
      store.sessions.linkRemote(session.id, 'S2')
    })
    const again = store.outbox.lease(10).find((item) => item.kind === 'capture.submit')
    expect(again?.payload).toMatchObject({ session: 'S1', quantity: 1 })

    // The change follows once the capture has been taken.
    accept(store, again as OutboxItem)
    expect(store.outbox.lease(10)).toMatchObject([{ kind: 'capture.update', captureId: id }])
  })

  it('sends the quantity as it is at the first sending', () => {
    const { store, session } = openLinked()
    const id = addCapture(store, session.id)
    store.captures.setQuantity(id, 3)
    store.captures.setQuantity(id, 4)
    expect(store.outbox.figures().waiting).toBe(1)
    expect(leaseOne(store).payload).toMatchObject({ session: 'S1', quantity: 4 })
  })

  it('tells several changes of a quantity once', () => {
    const { store, session } = openLinked()
    const id = addCapture(store, session.id)
    accept(store, leaseOne(store))
    store.captures.setQuantity(id, 3)
    store.captures.setQuantity(id, 4)
    expect(kinds(store.outbox.lease(10))).toEqual(['capture.update'])
  })

  describe('when a capture is undone', () => {
    it('drops what was never sent', () => {
      const { store, session } = openLinked()
      const id = addCapture(store, session.id)
      store.captures.undo(id)
      expect(store.captures.get(id)).toMatchObject({ disposition: 'undone', sync: 'none' })
      expect(store.outbox.figures()).toMatchObject({ waiting: 0, parked: 0 })
    })

    it('drops what waits for its session', () => {
      const store = openTestStore()
      const session = openTestSession(store)
      const id = addCapture(store, session.id)
      expect(store.outbox.figures().waiting).toBe(1)
      store.captures.undo(id)
      expect(store.outbox.figures().waiting).toBe(0)
      expect(store.captures.get(id)?.sync).toBe('none')
    })

    it('drops what was refused', () => {
      const { store, session } = openLinked()
      const id = addCapture(store, session.id)
      const item = leaseOne(store)
      store.transaction(() => store.outbox.park(item.id, refusal, true))
      store.captures.undo(id)
      expect(store.captures.get(id)?.sync).toBe('none')
      expect(store.outbox.figures()).toMatchObject({ waiting: 0, parked: 0 })
    })

    it('takes back what is on its way, after it has arrived', () => {
      const { store, session } = openLinked()
      const id = addCapture(store, session.id)
      const item = leaseOne(store)
      store.captures.undo(id)
      expect(store.outbox.lease(10)).toEqual([])
      accept(store, item)
      expect(store.outbox.lease(10)).toMatchObject([{ kind: 'capture.remove', captureId: id }])
    })

    it('sends once more what may have arrived without an answer, and takes that back', () => {
      const { clock, store, session } = openLinked()
      const id = addCapture(store, session.id)
      const item = leaseOne(store)
      store.outbox.retryAt(item.id, clock.now().getTime(), { code: 'unreachable', message: '' })
      store.captures.undo(id)
      const again = leaseOne(store)
      expect(again.kind).toBe('capture.submit')
      accept(store, again)
      expect(kinds(store.outbox.lease(10))).toEqual(['capture.remove'])
    })

    it('tells of no quantity any more', () => {
      const { store, session } = openLinked()
      const id = addCapture(store, session.id)
      accept(store, leaseOne(store))
      store.captures.setQuantity(id, 3)
      store.captures.undo(id)
      expect(kinds(store.outbox.lease(10))).toEqual(['capture.remove'])
    })
  })

  it('asks for the end of a continuation when the session has ended here', () => {
    const { store, session } = openLinked()
    addCapture(store, session.id)
    const item = leaseOne(store)
    store.transaction(() => store.outbox.park(item.id, refusal, true))
    store.sessions.end(session.id)
    store.outbox.done(leaseOne(store).id)
    store.transaction(() => store.sessions.continueRemote(session.id))
    const create = leaseOne(store)
    expect(create.kind).toBe('session.create')
    store.transaction(() => {
      store.sessions.linkRemote(session.id, 'S2')
      store.outbox.done(create.id)
    })
    expect(kinds(store.outbox.lease(10))).toEqual(['session.end'])
  })

  it('lets what comes now go before a backlog, and each of the two in its order', () => {
    const { store, session } = openLinked()
    const backlog = ['A', 'B', 'C'].map((raw) => addCapture(store, session.id, { raw }))
    store.outbox.fallBehind()
    const fresh = ['D', 'E'].map((raw) => addCapture(store, session.id, { raw }))
    const leased = [...store.outbox.lease(3), ...store.outbox.lease(3)].map((item) => item.captureId)
    expect(leased).toEqual([...fresh, ...backlog])
  })

  it('survives being closed and opened in the middle', () => {
    const dataDir = temporaryFolder()
    const store = openTestStore({ dataDir })
    const session = openTestSession(store)
    for (let n = 0; n < 5; n += 1) addCapture(store, session.id)
    const before = store.outbox.figures()
    store.outbox.lease(1)
    store.close()
    const again = openTestStore({ dataDir })
    expect(again.outbox.figures().waiting).toBe(before.waiting)
    expect(again.outbox.figures().oldestWaitingAt).toBe('2026-11-21T09:00:00.000Z')
  })
})
