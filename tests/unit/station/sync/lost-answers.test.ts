import { describe, expect, it } from 'vitest'
import { until } from '../parts.ts'
import type { Arrived } from '../scripted-server.ts'
import { isSubmit, problem, startScriptedBackend } from './scripted-backend.ts'
import { startSync } from './start-sync.ts'

const raws = (count: number): string[] => Array.from({ length: count }, (_, index) => `R${index}`)
const readings = (requests: readonly Arrived[]) =>
  requests.filter(({ method, path }) => method === 'GET' && /\/sessions\/[^/]+$/.test(path)).length

/** True for each capture's first submission. */
function firstOfEach(): (request: Arrived) => boolean {
  const seen = new Set<string>()
  return (request) => {
    const key = String(request.headers['idempotency-key'])
    if (!isSubmit(request) || seen.has(key)) return false
    seen.add(key)
    return true
  }
}

describe('towards a backend that ignores keys', () => {
  it.each(['keeps metadata', 'drops metadata'])(
    'that %s, a capture whose answer was lost is found there, not sent again',
    async (how) => {
      const isFirst = firstOfEach()
      const backend = await startScriptedBackend({
        ignoresKeys: true,
        dropsMetadata: how === 'drops metadata',
        lose: isFirst,
      })
      const { store, drained, clock } = startSync(backend.url, { raws: raws(12) })
      clock.set(new Date().toISOString())
      expect(await drained()).toBe('empty')
      expect([...backend.captures.values()].map(({ raw }) => raw).toSorted()).toEqual(raws(12).toSorted())
      expect(backend.requests.filter(isSubmit)).toHaveLength(12)
      const remoteIds = [...store.captures.each(null)].map((capture) => [capture.raw, capture.remoteId])
      expect(remoteIds.toSorted()).toEqual([...backend.captures.values()].map(({ raw, id }) => [raw, id]).toSorted())
    },
  )

  it('one that never arrived is sent again, and only after the time in which it might still have', async () => {
    let cuts = 1
    const backend = await startScriptedBackend({
      ignoresKeys: true,
      fault: (request) => (isSubmit(request) && cuts-- > 0 ? 'cut' : undefined),
    })
    const { store, clock, sync, drained, pass } = startSync(backend.url, { raws: ['R0'], quietMs: 20_000 })
    await until(() => store.outbox.figures().inDoubt === 1)
    const lostMs = clock.now().getTime()
    await pass(() => readings(backend.requests) === 1)
    await until(() => store.outbox.nextDueMs() === lostMs + 20_000)
    clock.set(new Date(lostMs + 19_999).toISOString())
    sync.wake()
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(backend.requests.filter(isSubmit)).toHaveLength(1)
    expect(await drained()).toBe('empty')
    expect(backend.requests.filter(isSubmit)).toHaveLength(2)
    expect(backend.captures.size).toBe(1)
  })

  it('one that takes effect late is not doubled', async () => {
    let late: (() => void) | null = null
    const backend = await startScriptedBackend({
      ignoresKeys: true,
      fault: (request) => {
        if (!isSubmit(request) || late !== null) return undefined
        late = () => {
          const id = 'LATE'
          const metadata = request.json['metadata'] as Record<string, string>
          const raw = String(request.json['raw_value'])
          backend.captures.set(id, {
            id,
            key: '',
            session: 'S1',
            raw,
            raw_value: raw,
            capture_type: 'BARCODE',
            created: new Date().toISOString(),
            metadata,
            status: 'NOT_FOUND',
          })
        }
        return 'cut'
      },
    })
    const { drained, store, pass } = startSync(backend.url, { raws: ['R0'] })
    await pass(() => readings(backend.requests) === 1)
    ;(late as (() => void) | null)?.()
    expect(await drained()).toBe('empty')
    expect([...backend.captures.keys()]).toEqual(['LATE'])
    expect([...store.captures.each(null)]).toMatchObject([{ remoteId: 'LATE', sync: 'sent' }])
  })

  it('one that the backend took and does not list is undecided: marked, kept, and not sent again', async () => {
    const backend = await startScriptedBackend({
      ignoresKeys: true,
      fault: (request) => (isSubmit(request) ? { status: 201, body: '{"id": "C' } : undefined),
    })
    const { store, drained } = startSync(backend.url, { raws: ['R0', 'R1'] })
    expect(await drained(10_000)).toBe('empty')
    expect(backend.requests.filter(isSubmit)).toHaveLength(2)
    expect(store.outbox.figures()).toMatchObject({ undecided: 2, parked: 2, waiting: 0 })
    expect([...store.captures.each(null)]).toMatchObject([{ sync: 'undecided' }, { sync: 'undecided' }])
  })

  it('one of two alike is undecided when the backend has one and shows no ids', async () => {
    const isFirst = firstOfEach()
    let arrived = 0
    const backend = await startScriptedBackend({
      ignoresKeys: true,
      dropsMetadata: true,
      fault: (request) => (isFirst(request) && (arrived += 1) > 1 ? 'cut' : undefined),
      lose: isSubmit,
    })
    const { store, drained, clock } = startSync(backend.url, { raws: ['SAME', 'SAME'] })
    clock.set(new Date().toISOString())
    expect(await drained()).toBe('empty')
    expect(backend.captures.size).toBe(1)
    const [one] = [...store.captures.each(null)]
    expect(store.outbox.figures()).toMatchObject({ undecided: 2 })
    expect(store.outbox.candidates(one?.id ?? '')?.candidates).toMatchObject([{ remoteId: 'C1', raw: 'SAME' }])
  })

  it('one that fails while the others go on is laid aside after it was looked for', async () => {
    const backend = await startScriptedBackend({
      ignoresKeys: true,
      fault: (request) =>
        isSubmit(request) && request.json['raw_value'] === 'R1' ? problem(500, 'internal_error', 'boom') : undefined,
    })
    const { store, drained } = startSync(backend.url, { raws: raws(3) })
    expect(await drained(30_000)).toBe('empty')
    expect(backend.captures.size).toBe(2)
    expect(store.outbox.figures()).toMatchObject({ parked: 1, undecided: 0, waiting: 0 })
  })
})

describe('towards a backend that remembers keys', () => {
  it('a repeat is sent at once and nothing is read back, within a day', async () => {
    const isFirst = firstOfEach()
    const backend = await startScriptedBackend({ lose: isFirst })
    const { drained } = startSync(backend.url, { raws: raws(5) })
    expect(await drained()).toBe('empty')
    expect(backend.requests.filter(isSubmit)).toHaveLength(10)
    expect(readings(backend.requests)).toBe(0)
  })

  it('a capture that was first sent longer ago is looked for: the key may be forgotten', async () => {
    let isDown = false
    let losses = 1
    const backend = await startScriptedBackend({
      fault: () => (isDown ? 'cut' : undefined),
      lose: (request) => isSubmit(request) && losses-- > 0 && ((isDown = true), true),
    })
    const { store, clock, drained, sync } = startSync(backend.url, { raws: ['R0'] })
    await until(() => backend.captures.size === 1)
    await until(() => sync.backend.message !== null)
    clock.advance(25 * 3_600_000)
    isDown = false
    sync.wake()
    expect(await drained()).toBe('empty')
    expect(backend.requests.filter(isSubmit)).toHaveLength(1)
    expect(readings(backend.requests)).toBe(1)
    expect(store.outbox.figures()).toMatchObject({ waiting: 0, parked: 0 })
  })
})

describe('the limits that a backend names', () => {
  it('are kept before it has to say 429', async () => {
    let left = 10
    let refusals = 0
    const backend = await startScriptedBackend({
      headers: () => ({ 'ratelimit-remaining': String(left), 'ratelimit-reset': '60' }),
      fault: () => {
        left -= 1
        if (left >= 0) return undefined
        refusals += 1
        return problem(429, 'rate_limited', 'no', { 'retry-after': '60' })
      },
    })
    const { clock, store, drained, sync } = startSync(backend.url, { raws: raws(30) })
    await until(() => (sync.backend.message ?? '').includes('next time'))
    expect(refusals).toBe(0)
    const nextMs = store.outbox.nextDueMs()
    expect(nextMs).toBeNull()
    const waited = clock.now().getTime()
    clock.advance(60_000)
    left = 1_000
    sync.wake()
    expect(await drained()).toBe('empty')
    expect(clock.now().getTime() - waited).toBeGreaterThanOrEqual(60_000)
    expect(refusals).toBe(0)
    expect(backend.captures.size).toBe(30)
  })
})

describe('a change of the network', () => {
  it('ends the wait for it to come back', async () => {
    let isDown = true
    const backend = await startScriptedBackend({ fault: () => (isDown ? 'cut' : undefined) })
    const { sync } = startSync(backend.url, { raws: raws(3) })
    await until(() => sync.backend.message !== null)
    isDown = false
    // Not a millisecond passes on the station's clock.
    sync.networkChanged()
    await until(() => backend.captures.size === 3)
    expect(sync.backend.state).toBe('online')
  })
})
