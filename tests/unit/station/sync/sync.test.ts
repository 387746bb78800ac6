import { describe, expect, it } from 'vitest'
import { addCapture, openTestStore, temporaryFolder, until } from '../parts.ts'
import type { Arrived, Said } from '../scripted-server.ts'
import { isSubmit, problem, startScriptedBackend } from './scripted-backend.ts'
import { startSync } from './start-sync.ts'

const raws = (count: number): string[] => Array.from({ length: count }, (_, index) => `R${index}`)

describe('the worker', () => {
  it('sends the session, then its captures, then its end', async () => {
    const backend = await startScriptedBackend()
    const { store, session, drained, changed } = startSync(backend.url, { raws: raws(5) })
    store.sessions.end(session.id)
    expect(await drained()).toBe('empty')
    const writes = backend.writes()
    expect(writes[0]).toBe('POST /sessions')
    expect(writes.slice(1, 6)).toEqual(Array(5).fill('POST /captures'))
    expect(writes.slice(6)).toEqual(['PATCH /sessions/S1', 'POST /sessions/S1/end'])
    expect([...store.captures.each(null)].map(({ sync, state }) => `${sync} ${state}`)).toEqual(
      Array(5).fill('sent NOT_FOUND'),
    )
    expect(changed.size).toBe(5)
    expect(store.outbox.figures()).toMatchObject({ waiting: 0, parked: 0, oldestWaitingAt: null, nextAttemptMs: null })
  })

  it('backs off while nobody is there, and sends everything once somebody is', async () => {
    const reserved = await startScriptedBackend()
    const port = Number(new URL(reserved.url).port)
    await reserved.close()

    const { store, sync, drained, scan } = startSync(reserved.url, { raws: raws(3) })
    await until(() => sync.backend.message !== null)
    expect(sync.backend).toMatchObject({ state: 'offline', lastContactAt: null })
    scan('R3')
    expect(store.outbox.figures().waiting).toBe(4)

    const backend = await startScriptedBackend({ port })
    expect(await drained()).toBe('empty')
    expect(sync.backend.state).toBe('online')
    expect([...backend.captures.values()].map((capture) => capture.raw).toSorted()).toEqual(raws(4))
  })

  it('asks less and less often while nobody is there', async () => {
    let attempts = 0
    const backend = await startScriptedBackend({ fault: () => ((attempts += 1), 'cut') })
    const { clock, sync } = startSync(backend.url)
    const starts: number[] = []
    // Each attempt is waited for before time goes on, so that the number of attempts is that of the waits.
    let seen = 0
    while (starts.length < 10) {
      if (attempts > seen) {
        seen = attempts
        starts.push(clock.now().getTime())
        await until(() => sync.backend.message !== null)
      }
      clock.advance(100)
      sync.wake()
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const waits = starts.slice(1).map((start, index) => start - (starts[index] ?? 0))
    // Half of 500, 1,000, 2,000 ... at most of 60,000, and what the test's steps add.
    expect(waits[0]).toBeGreaterThanOrEqual(250)
    expect(waits.at(-1)).toBeGreaterThanOrEqual(30_000)
  })

  it('stops at a refused key, keeps everything, and goes on when somebody has put a new one in', async () => {
    let key = 'OLD-KEY'
    const backend = await startScriptedBackend({
      fault: ({ headers }) =>
        headers['x-api-key'] === 'OLD-KEY' ? problem(401, 'unauthorized', 'revoked') : undefined,
    })
    const { store, sync, drained, log } = startSync(backend.url, { raws: raws(20), apiKey: () => key })
    expect(await sync.drained(15_000)).toBe('unauthorised')
    expect(sync.backend).toMatchObject({ state: 'unauthorised', message: 'revoked' })
    expect(backend.requests).toHaveLength(1)
    expect(store.sessions.current()?.totals).toMatchObject({ waiting: 20, parked: 0 })

    key = 'NEW-KEY'
    sync.hurry()
    await until(() => sync.backend.state === 'online')
    expect(await drained()).toBe('empty')
    expect(backend.captures.size).toBe(20)
    expect(log.text()).not.toContain('-KEY')
  })

  it('keeps saying that the key is refused, whatever was still on its way', async () => {
    let isRefused = true
    const backend = await startScriptedBackend({
      fault: (request) =>
        isRefused && isSubmit(request) && request.json['raw_value'] === 'R0'
          ? problem(401, 'unauthorized', 'revoked')
          : undefined,
    })
    const { store, sync, drained } = startSync(backend.url, { raws: raws(6) })
    // The others were sent beside it and are taken after it was refused.
    await until(() => store.sessions.current()?.totals.waiting === 1)
    expect(sync.backend).toMatchObject({ state: 'unauthorised', message: 'revoked' })

    isRefused = false
    sync.hurry()
    await until(() => sync.backend.state === 'online')
    expect(await drained()).toBe('empty')
    expect(backend.captures.size).toBe(6)
  })

  it('waits as long as Retry-After says, and no longer', async () => {
    let pauses = 1
    const backend = await startScriptedBackend({
      fault: (request) =>
        isSubmit(request) && pauses-- > 0 ? problem(429, 'rate_limited', 'slowly', { 'retry-after': '30' }) : undefined,
    })
    const { clock, store, sync, drained } = startSync(backend.url, { raws: ['R0'] })
    await until(() => sync.backend.message === 'slowly')
    await until(() => store.outbox.nextDueMs() !== null)
    expect(store.outbox.nextDueMs()).toBe(clock.now().getTime() + 30_000)
    clock.advance(29_999)
    sync.wake()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(backend.writes().filter((write) => write === 'POST /captures')).toHaveLength(1)
    expect(await drained()).toBe('empty')
    expect(backend.captures.size).toBe(1)
  })

  it('drains nine others past an item that the backend always fails on, and then lays that one aside', async () => {
    const backend = await startScriptedBackend({
      fault: (request) =>
        isSubmit(request) && request.json['raw_value'] === 'R4' ? problem(500, 'internal_error', 'boom') : undefined,
    })
    const { store, pass, drained, clock } = startSync(backend.url, { raws: raws(10) })
    const startMs = clock.now().getTime()
    await pass(() => backend.captures.size === 9, 1)
    // The others did not wait for its back-off.
    expect(clock.now().getTime() - startMs).toBeLessThan(60_000)
    expect(await drained(10_000)).toBe('empty')
    const poison = [...store.captures.each(null)].find((capture) => capture.raw === 'R4')
    expect(poison).toMatchObject({ sync: 'parked', syncError: { code: 'internal_error', message: 'boom' } })
    expect(store.sessions.current()?.totals).toMatchObject({ waiting: 0, parked: 1, scans: 10 })
  })

  it('lays nothing aside while the backend fails on everything', async () => {
    let isBroken = true
    const backend = await startScriptedBackend({
      fault: () => (isBroken ? problem(500, 'internal_error', 'boom') : undefined),
    })
    const { store, pass, drained } = startSync(backend.url, { raws: raws(3) })
    await pass(() => backend.requests.length > 40, 10_000)
    expect(store.outbox.figures()).toMatchObject({ parked: 0, waiting: 3 })
    isBroken = false
    expect(await drained(10_000)).toBe('empty')
    expect(backend.captures.size).toBe(3)
  })

  it("parks what is refused with the backend's words; a retry is a new request", async () => {
    let refuses = true
    const backend = await startScriptedBackend({
      fault: (request) =>
        isSubmit(request) && refuses && request.json['raw_value'] === 'BAD'
          ? problem(422, 'validation_error', 'raw_value: must have 1 to 500 characters')
          : undefined,
    })
    const { store, session, sync, drained, scan } = startSync(backend.url, { raws: ['GOOD'] })
    const bad = scan('BAD')
    expect(await drained()).toBe('empty')
    expect(store.captures.get(bad)).toMatchObject({
      sync: 'parked',
      syncError: { code: 'validation_error', message: 'raw_value: must have 1 to 500 characters' },
    })
    expect(backend.captures.size).toBe(1)

    refuses = false
    expect(store.captures.retry(bad)).toBe(true)
    sync.wake()
    expect(await drained()).toBe('empty')
    expect(store.captures.get(bad)).toMatchObject({ sync: 'sent', syncError: null })
    expect(store.sessions.get(session.id)?.totals).toMatchObject({ waiting: 0, parked: 0 })
  })

  it('owes nothing for a capture that was undone and then refused', async () => {
    let undo = (): void => undefined
    const backend = await startScriptedBackend({
      fault: (request) => (isSubmit(request) ? (undo(), problem(422, 'validation_error', 'no')) : undefined),
    })
    const parts = startSync(backend.url)
    const id = parts.scan('BAD')
    undo = () => parts.store.captures.undo(id)
    expect(await parts.drained()).toBe('empty')
    expect(parts.store.captures.get(id)).toMatchObject({ disposition: 'undone', sync: 'none' })
    expect(parts.store.outbox.figures()).toMatchObject({ waiting: 0, parked: 0 })
  })

  it('goes on with the captures when a key may do everything but one thing', async () => {
    const backend = await startScriptedBackend({
      fault: ({ path }) => (path.startsWith('/products') ? problem(403, 'forbidden', 'this key may not') : undefined),
    })
    const { store, session, drained, scan, sync } = startSync(backend.url)
    const id = scan('R0')
    store.outbox.add({
      kind: 'product.create',
      sessionId: session.id,
      captureId: id,
      payload: { gtin: '4006381333931', name: 'Pen', brand: '', netContent: '', description: '' },
    })
    scan('R1')
    expect(await drained()).toBe('empty')
    expect(sync.backend.state).toBe('online')
    expect(backend.captures.size).toBe(2)
    expect(store.outbox.figures().parked).toBe(1)
  })
})

describe('a session that the backend has ended', () => {
  it.each(['EXPIRED', 'forgotten'])(
    '(%s) goes on in a continuation, and nothing is lost or sent twice',
    async (how) => {
      const backend = await startScriptedBackend()
      const { store, session, drained, scan } = startSync(backend.url, { raws: raws(12) })
      expect(await drained()).toBe('empty')
      if (how === 'EXPIRED') for (const each of backend.sessions.values()) each.status = 'EXPIRED'
      else backend.sessions.delete('S1')
      // The scripted backend numbers by size; an empty place keeps the numbers apart.
      if (how === 'forgotten') backend.sessions.set('S0', { id: 'S0', status: 'EXPIRED', key: '' })
      for (let n = 12; n < 30; n += 1) scan(`R${n}`)
      store.sessions.end(session.id)
      expect(await drained()).toBe('empty')

      expect([...backend.captures.values()].map((capture) => capture.raw).toSorted()).toEqual(raws(30).toSorted())
      expect(store.sessions.get(session.id)?.totals).toMatchObject({ waiting: 0, parked: 0, scans: 30 })
      const creations = backend.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/sessions'))
      expect(creations.map((request) => request.headers['idempotency-key'])).toEqual([session.id, `${session.id}-1`])
      expect([...backend.sessions.values()].at(-1)?.status).toBe('COMPLETED')
    },
  )

  it('does not make a capture double whose answer was lost before it ended', async () => {
    let losses = 1
    const backend = await startScriptedBackend({ lose: (request) => isSubmit(request) && losses-- > 0 })
    const { drained, scan, sync } = startSync(backend.url, { raws: ['LOST'] })
    await until(() => sync.backend.message !== null && backend.captures.size === 1)
    for (const each of backend.sessions.values()) each.status = 'EXPIRED'
    scan('LATER')
    expect(await drained()).toBe('empty')
    expect([...backend.captures.values()].map((capture) => capture.raw).toSorted()).toEqual(['LATER', 'LOST'])
  })

  it('is continued for a refused capture that a person sends again, and ended again', async () => {
    let refuses = true
    const backend = await startScriptedBackend({
      fault: (request) => (isSubmit(request) && refuses ? problem(400, 'bad_request', 'no') : undefined),
    })
    const { store, session, sync, drained, scan } = startSync(backend.url)
    const id = scan('R0')
    store.sessions.end(session.id)
    expect(await drained()).toBe('empty')
    refuses = false
    store.captures.retry(id)
    sync.wake()
    expect(await drained()).toBe('empty')
    expect(store.captures.get(id)?.sync).toBe('sent')
    expect([...backend.sessions.values()].map((each) => each.status)).toEqual(['COMPLETED', 'COMPLETED'])
  })
})

describe('when an answer is lost', () => {
  it('the request is repeated to the letter under the same key, and the backend has it once', async () => {
    const lost = new Set<string>()
    const loseFirst = (request: Arrived): boolean => {
      const key = String(request.headers['idempotency-key'] ?? '')
      if (request.method !== 'POST' || key === '' || lost.has(key)) return false
      lost.add(key)
      return true
    }
    const backend = await startScriptedBackend({ lose: loseFirst })
    const { drained, store } = startSync(backend.url, { raws: raws(10) })
    expect(await drained()).toBe('empty')
    expect(backend.sessions.size).toBe(1)
    expect(backend.captures.size).toBe(10)
    const byKey = Map.groupBy(backend.requests.filter(isSubmit), (request) => request.headers['idempotency-key'])
    expect([...byKey.keys()].toSorted()).toEqual([...store.captures.each(null)].map((capture) => capture.id))
    for (const sent of byKey.values()) {
      expect(sent.length).toBeGreaterThanOrEqual(2)
      expect(new Set(sent.map((request) => request.body)).size).toBe(1)
    }
  })

  it('and the quantity changes before the repeat, the repeat is the same and the change follows', async () => {
    let losses = 1
    const backend = await startScriptedBackend({ lose: (request) => isSubmit(request) && losses-- > 0 })
    const { drained, scan, sync, store } = startSync(backend.url)
    const id = scan('R0')
    await until(() => backend.captures.size === 1 && sync.backend.message !== null)
    store.captures.setQuantity(id, 12)
    expect(await drained()).toBe('empty')
    expect([...backend.captures.values()].map((capture) => capture.metadata['quantity'])).toEqual(['12'])
    expect(store.captures.get(id)).toMatchObject({ sync: 'sent', quantity: 12 })
  })

  it('and another code of the item comes before the repeat, the repeat is the same and the code follows', async () => {
    let losses = 1
    const backend = await startScriptedBackend({ lose: (request) => isSubmit(request) && losses-- > 0 })
    const { drained, scan, sync, store, clock } = startSync(backend.url)
    const id = scan('R0')
    await until(() => backend.captures.size === 1 && sync.backend.message !== null)
    store.transaction(() =>
      store.captures.join(
        id,
        {
          raw: 'RICHER',
          symbologyIdentifier: null,
          symbology: 'unknown',
          addOn: null,
          elements: [],
          warnings: [],
          source: 'device',
          deviceName: '',
          deviceId: null,
          bytes: null,
          readAt: clock.now().toISOString(),
        },
        { itemKey: 'raw:R0', repeatOf: 0, best: 1 },
      ),
    )
    expect(await drained()).toBe('empty')
    const bodies = backend.requests.filter(isSubmit).map((request) => request.body)
    expect(bodies.length).toBeGreaterThanOrEqual(2)
    expect(new Set(bodies).size).toBe(1)
    expect([...backend.captures.values()].map(({ metadata }) => metadata['mark_1'])).toEqual(['RICHER'])
    expect(store.captures.get(id)).toMatchObject({ sync: 'sent', raw: 'R0' })
  })

  it('and the capture is undone before the repeat, the backend has nothing in the end', async () => {
    let losses = 1
    const backend = await startScriptedBackend({ lose: (request) => isSubmit(request) && losses-- > 0 })
    const { drained, scan, sync, store } = startSync(backend.url)
    const id = scan('R0')
    await until(() => backend.captures.size === 1 && sync.backend.message !== null)
    store.captures.undo(id)
    expect(await drained()).toBe('empty')
    expect(backend.captures.size).toBe(0)
    expect(store.outbox.figures()).toMatchObject({ waiting: 0, parked: 0 })
  })
})

describe('an undo', () => {
  it('before the sending keeps the backend from ever hearing of it', async () => {
    const backend = await startScriptedBackend()
    const dataDir = temporaryFolder()
    const before = openTestStore({ dataDir })
    before.close()
    const { store, session, drained } = startSync(backend.url, { dataDir, raws: ['R0', 'R1'] })
    store.captures.undo(store.captures.newestCounted(session.id)?.id ?? '')
    expect(await drained()).toBe('empty')
    expect([...backend.captures.values()].map((capture) => capture.raw)).toEqual(['R0'])
    expect(backend.writes().filter((write) => write.startsWith('DELETE'))).toEqual([])
  })

  it('while it is being sent takes it back afterwards', async () => {
    let whileSending = (): void => undefined
    const backend = await startScriptedBackend({
      fault: (request) => (isSubmit(request) ? (whileSending(), undefined) : undefined),
    })
    const parts = startSync(backend.url)
    const id = parts.scan('R0')
    whileSending = () => parts.store.captures.undo(id)
    expect(await parts.drained()).toBe('empty')
    expect(backend.captures.size).toBe(0)
    expect(backend.writes()).toEqual(['POST /sessions', 'POST /captures', 'DELETE /captures/C1'])
  })

  it('after the sending takes it back, and once only', async () => {
    const backend = await startScriptedBackend()
    const { store, sync, drained, scan } = startSync(backend.url)
    const id = scan('R0')
    expect(await drained()).toBe('empty')
    store.captures.undo(id)
    sync.wake()
    expect(await drained()).toBe('empty')
    expect(backend.writes().slice(2)).toEqual(['DELETE /captures/C1'])
  })

  it('of what the backend has lost already is done', async () => {
    const backend = await startScriptedBackend()
    const { store, sync, drained, scan } = startSync(backend.url)
    const id = scan('R0')
    expect(await drained()).toBe('empty')
    backend.captures.clear()
    store.captures.undo(id)
    sync.wake()
    expect(await drained()).toBe('empty')
    expect(store.outbox.figures()).toMatchObject({ waiting: 0, parked: 0 })
  })
})

describe('a quantity', () => {
  it('changed while it is being sent arrives afterwards; changed after it arrives as metadata', async () => {
    let whileSending = (): void => undefined
    const backend = await startScriptedBackend({
      fault: (request) => (isSubmit(request) ? (whileSending(), undefined) : undefined),
    })
    const parts = startSync(backend.url)
    const id = parts.scan('R0')
    whileSending = () => parts.store.captures.setQuantity(id, 3)
    expect(await parts.drained()).toBe('empty')
    expect(backend.captures.get('C1')?.metadata).toMatchObject({ quantity: '3', station_capture: id })
    parts.store.captures.setQuantity(id, 4)
    parts.sync.wake()
    expect(await parts.drained()).toBe('empty')
    expect(backend.captures.get('C1')?.metadata['quantity']).toBe('4')
  })
})

describe('what the backend works on', () => {
  it('is followed until it is settled, one by one or with its whole session', async () => {
    for (const count of [2, 40]) {
      const backend = await startScriptedBackend({ settled: () => 'LOOKING_UP' })
      const { store, pass, drained } = startSync(backend.url, { raws: raws(count) })
      await pass(() => [...store.captures.each(null)].every((capture) => capture.state === 'LOOKING_UP'))
      for (const capture of backend.captures.values()) capture.status = 'COMPLETED'
      expect(await drained()).toBe('empty')
      expect([...store.captures.each(null)].every((capture) => capture.state === 'COMPLETED')).toBe(true)
    }
  })

  it('is followed page by page in a large session, whose whole answer would fill the memory', async () => {
    const count = 1_050
    const backend = await startScriptedBackend({ settled: () => 'PENDING' })
    const { store, sync, session, pass } = startSync(backend.url, { raws: raws(count) })
    await until(() => (sync.wake(), backend.captures.size === count))
    for (const capture of backend.captures.values()) capture.status = 'NOT_FOUND'
    // Longer than a run waits for it: the clock goes faster here than the pages come.
    await pass(() => store.sessions.get(session.id)?.totals.notFound === count)
    const reads = backend.requests.filter(({ method }) => method === 'GET').map(({ path }) => path)
    expect(reads.filter((path) => path.endsWith('/sessions/S1'))).toEqual([])
    expect(reads.filter((path) => path.includes('/captures?')).length).toBeGreaterThanOrEqual(11)
  })

  it('is told of what was scanned just now while a backlog goes out', async () => {
    const count = 600
    let parts: ReturnType<typeof startSync> | null = null
    let now = ''
    let arrived = 0
    const left: number[] = []
    const backend = await startScriptedBackend({
      settled: () => 'LOOKING_UP',
      fault(request) {
        if (!isSubmit(request) || !parts) return undefined
        arrived += 1
        if (arrived === 50) now = parts.scan('NOW')
        const kept = [...backend.captures.values()].find(({ raw }) => raw === 'NOW')
        if (kept) kept.status = 'COMPLETED'
        parts.clock.advance(100)
        if (parts.store.captures.get(now)?.state === 'COMPLETED') left.push(count + 1 - arrived)
        return undefined
      },
    })
    parts = startSync(backend.url, { raws: raws(count) })
    // The backlog is of yesterday.
    parts.clock.set('2026-11-22T09:00:00.000Z')
    const { store, session, drained, changed } = parts
    parts.scan = () => {
      const id = addCapture(store, session.id, { raw: 'NOW', capturedAt: '2026-11-22T09:00:00.000Z' })
      parts?.sync.wake()
      return id
    }
    expect(await drained()).toBe('empty')
    expect(left[0]).toBeGreaterThan(50)
    expect(changed.has(now)).toBe(true)
    // Nobody waits for the others: they are followed when everything is there.
    const asked = backend.requests.filter(({ path }) => /\/captures\/[^/]+$/.test(path)).slice(0, 5)
    expect(new Set(asked.map(({ path }) => path)).size).toBe(1)
  })

  it('is followed in the session it was sent to, also after a continuation', async () => {
    const backend = await startScriptedBackend({ settled: () => 'ENRICHING' })
    const { store, pass, drained, scan } = startSync(backend.url, { raws: raws(40) })
    await pass(() => backend.captures.size === 40)
    for (const each of backend.sessions.values()) each.status = 'EXPIRED'
    scan('R40')
    await pass(() => backend.captures.size === 41)
    for (const capture of backend.captures.values()) capture.status = 'NOT_FOUND'
    expect(await drained()).toBe('empty')
    expect(store.sessions.current()?.totals).toMatchObject({ notFound: 41 })
  })

  it('and then forgets is told as failed, not awaited for ever', async () => {
    const backend = await startScriptedBackend({ settled: () => 'LOOKING_UP' })
    const { store, pass, drained, scan } = startSync(backend.url)
    const id = scan('R0')
    await pass(() => store.captures.get(id)?.sync === 'sent')
    backend.captures.clear()
    expect(await drained()).toBe('empty')
    expect(store.captures.get(id)).toMatchObject({
      state: 'FAILED',
      errorMessage: expect.stringContaining('no more') as string,
    })
  })

  it('for longer than anybody waits does not keep a run from ending', async () => {
    const backend = await startScriptedBackend({ settled: () => 'ENRICHING' })
    const { store, drained } = startSync(backend.url, { raws: raws(3) })
    expect(await drained()).toBe('empty')
    expect(store.captures.isUnsettled()).toBe(true)
  })
})

describe('a restart', () => {
  it('in the middle of everything sends each capture once in effect', async () => {
    let answers = 0
    const backend = await startScriptedBackend({
      // Now and then the connection breaks after the backend has done its part.
      lose: (request) => request.method === 'POST' && (answers += 1) % 7 === 0,
    })
    const dataDir = temporaryFolder()
    let parts = startSync(backend.url, { dataDir, raws: raws(200) })
    for (let restart = 0; restart < 4; restart += 1) {
      const until = backend.captures.size + 30
      await parts.pass(() => backend.captures.size >= Math.min(until, 200))
      await parts.sync.close()
      parts.store.close()
      parts = startSync(backend.url, { dataDir, clock: parts.clock })
    }
    expect(await parts.drained()).toBe('empty')
    expect(backend.captures.size).toBe(200)
    const sent = Map.groupBy(backend.requests.filter(isSubmit), (request) => request.headers['idempotency-key'])
    expect(sent.size).toBe(200)
    for (const requests of sent.values()) expect(new Set(requests.map((request) => request.body)).size).toBe(1)
    expect(parts.store.sessions.current()?.totals).toMatchObject({ waiting: 0, parked: 0, notFound: 200 })
  })

  it('tries at once what an earlier run would have waited for', async () => {
    let isDown = true
    const backend = await startScriptedBackend({
      fault: () => (isDown ? problem(401, 'unauthorized', 'no') : undefined),
    })
    const dataDir = temporaryFolder()
    const first = startSync(backend.url, { dataDir, raws: raws(3) })
    expect(await first.sync.drained(0)).toBe('unauthorised')
    await first.sync.close()
    first.store.close()
    isDown = false
    const { sync } = startSync(backend.url, { dataDir, clock: first.clock })
    // Not a millisecond has passed.
    expect(await sync.drained(0)).toBe('empty')
    expect(backend.captures.size).toBe(3)
  })

  it('releases what a dead process had taken', async () => {
    const backend = await startScriptedBackend()
    const dataDir = temporaryFolder()
    const dead = startSyncStoreOnly(dataDir)
    const { drained } = startSync(backend.url, { dataDir })
    expect(dead).toBe(1)
    expect(await drained()).toBe('empty')
    expect(backend.sessions.size).toBe(1)
  })
})

describe('the end of a run', () => {
  it('comes with the closing of the worker, also while nobody is there', async () => {
    const backend = await startScriptedBackend({ fault: () => 'cut' })
    const { sync } = startSync(backend.url, { raws: raws(3) })
    const end = sync.drained(15_000)
    await until(() => sync.backend.message !== null)
    await sync.close()
    expect(await end).toBe('closed')
  })

  it.each<[string, Said]>([
    ['a refused session', problem(422, 'validation_error', 'no')],
    ['a session that answers rubbish', { status: 200, body: '<html>hotel</html>' }],
  ])('does not hang on %s: it is shown, kept, and tried again on demand', async (_, said) => {
    let isBroken = true
    const backend = await startScriptedBackend({
      fault: ({ method, path }) => (isBroken && method === 'POST' && path.endsWith('/sessions') ? said : undefined),
    })
    const { store, sync, drained } = startSync(backend.url, { raws: raws(3) })
    expect(await drained(10_000)).toBe('empty')
    expect(store.outbox.figures()).toMatchObject({ parked: 1, waiting: 3 })
    isBroken = false
    sync.hurry()
    expect(await drained()).toBe('empty')
    expect(backend.captures.size).toBe(3)
  })
})

describe('a clock that is set back', () => {
  it('by years stops nothing', async () => {
    let isDown = true
    const backend = await startScriptedBackend({ fault: () => (isDown ? 'cut' : undefined) })
    const { clock, sync, drained } = startSync(backend.url, { raws: raws(3) })
    clock.set('2036-01-01T00:00:00.000Z')
    sync.wake()
    await until(() => sync.backend.message !== null)
    clock.set('2026-11-21T09:00:00.000Z')
    isDown = false
    expect(await drained()).toBe('empty')
    expect(backend.captures.size).toBe(3)
  })

  it('sends what is scanned now before the rest of a backlog', async () => {
    const count = 1_500
    let parts: ReturnType<typeof startSync> | null = null
    let arrived = 0
    const backend = await startScriptedBackend({
      fault(request) {
        if (isSubmit(request) && (arrived += 1) === 50) parts?.scan('NOW')
        return undefined
      },
    })
    parts = startSync(backend.url, { raws: raws(count) })
    expect(await parts.drained()).toBe('empty')
    const order = backend.requests.filter(isSubmit).map(({ json }) => json['raw_value'])
    expect(order).toHaveLength(count + 1)
    // What had been leased before it goes first.
    expect(order.indexOf('NOW')).toBeLessThan(count / 2)
  })
})

/** Leaves a store behind whose session is being sent by a process that is no more; answers how many items it had. */
function startSyncStoreOnly(dataDir: string): number {
  const store = openTestStore({ dataDir })
  store.sessions.open({
    label: '',
    captureMode: 'both',
    duplicatePolicy: 'count',
    duplicateWindowMs: 3_000,
    marksWindowMs: 0,
    formats: 'all',
  })
  const leased = store.outbox.lease(10).length
  store.close()
  return leased
}
