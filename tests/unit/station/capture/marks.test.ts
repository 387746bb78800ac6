import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Result } from '#contract/result.ts'
import type { Scan, ScanOutcome } from '#contract/station/capture.ts'
import { createCapturing } from '#station/capture/capture.ts'
import { openDatabase } from '#station/store/database.ts'
import type { Store } from '#station/store/store.ts'
import {
  createClock,
  createIds,
  createKeptLog,
  openTestSession,
  openTestStore,
  temporaryFolder,
  valueOf,
} from '../parts.ts'

const ean = ']E04006381333931'
const link = 'https://id.gs1.org/01/04006381333931'
const lot = ']d2010400638133393110AB\x1d17271231'
const serial = (number: number | string): string => `]d2010400638133393121${number}`
const serialLink = (number: number | string): string => `https://id.gs1.org/01/04006381333931/21/${number}`
const raw = (data: string): string => data.replace(/^\]../, '')

type SessionOptions = Parameters<typeof openTestSession>[1]

function start(store: Store, options: SessionOptions, clock = createClock()) {
  const session = openTestSession(store, { marksWindowMs: 1_000, ...options })
  const saved: ScanOutcome[] = []
  const startedMs = clock.now().getTime()
  const capturing = createCapturing({
    store,
    clock,
    ids: { next: () => crypto.randomUUID() },
    log: createKeptLog(),
    onSaved: (outcome) => void saved.push(outcome),
    onControl: () => undefined,
  })
  const scan = async (
    data: string,
    more: Partial<Scan> = {},
    deviceId = 'usb:1',
    readEarlierMs = 0,
  ): Promise<ScanOutcome> => {
    const receivedMs = clock.now().getTime() - startedMs - readEarlierMs
    const event = { deviceId, bytes: Buffer.from(data), receivedMs, place: '' }
    const result = await capturing.scan({ data, source: 'device', deviceName: 'reader', ...more }, event)
    return valueOf(result as Result<ScanOutcome>)
  }
  return {
    clock,
    store,
    saved,
    capturing,
    scan,
    session,
    totals: () => store.sessions.get(session.id)?.totals,
    captures: () => [...store.captures.each(session.id)],
  }
}

const open = (options: SessionOptions & { dataDir?: string } = {}) => {
  const { dataDir, ...session } = options
  const clock = createClock()
  return start(openTestStore({ clock, ids: createIds(), ...(dataDir ? { dataDir } : {}) }), session, clock)
}

/** Leases the newest sending, with the session known at the backend. */
function lease(store: Store) {
  const first = store.outbox.lease(64)
  const create = first.find((item) => item.kind === 'session.create')
  if (!create) return first
  store.transaction(() => {
    store.sessions.linkRemote(create.sessionId ?? '', 'S1')
    store.outbox.done(create.id)
  })
  return store.outbox.lease(64)
}

const remote = {
  remoteId: 'R1',
  state: 'COMPLETED',
  errorMessage: '',
  productId: null,
  productName: null,
  gtin: null,
} as const

describe('the digits beside a code', () => {
  it('are kept with it, and tell the issues of a periodical apart, but not the prices of a book', async () => {
    const { scan, totals, captures } = start(openTestStore(), { duplicatePolicy: 'ignore', marksWindowMs: 0 })
    const outcomes: string[] = []
    for (const [data, addOn] of [
      ['9771234567003', '05'],
      ['9771234567003', '06'],
      ['9771234567003', '05'],
      [']E3977123456700306', undefined],
      ['9780201752847', '55999'],
      ['9780201752847', '51299'],
      ['9780201752847', undefined],
    ] as const) {
      outcomes.push((await scan(data, addOn === undefined ? {} : { addOn })).outcome)
    }
    expect(outcomes).toEqual(['saved', 'saved', 'ignored', 'ignored', 'saved', 'ignored', 'ignored'])
    expect(totals()?.scans).toBe(3)
    expect(captures().map(({ addOn }) => addOn)).toEqual(['05', '06', '05', '06', '55999', '51299', null])
  })
})

describe('the codes of one item at one trigger', () => {
  it('are one capture with the richest of them, and each is listed as it was read', async () => {
    const { scan, clock, captures, totals, saved } = open()
    const first = await scan(ean)
    clock.advance(80)
    const second = await scan(lot)
    clock.advance(80)
    const third = await scan(link)
    expect([first, second, third].map(({ outcome }) => outcome)).toEqual(['saved', 'joined', 'joined'])
    expect(new Set([first, second, third].map(({ capture }) => capture.id)).size).toBe(1)
    expect(captures()).toMatchObject([
      {
        raw: raw(lot),
        symbology: 'gs1_datamatrix',
        symbologyIdentifier: ']d2',
        gtin: '04006381333931',
        elements: [{ ai: '01' }, { ai: '10', value: 'AB' }, { ai: '17', value: '271231' }],
        capturedAt: '2026-11-21T09:00:00.000Z',
        quantity: 1,
        marks: [
          { raw: raw(ean), symbology: 'ean13', readAt: '2026-11-21T09:00:00.000Z', deviceName: 'reader' },
          {
            raw: raw(lot),
            symbology: 'gs1_datamatrix',
            deviceId: 'usb:1',
            bytes: Buffer.from(lot).toString('hex'),
            readAt: '2026-11-21T09:00:00.080Z',
          },
          { raw: link, symbologyIdentifier: null, readAt: '2026-11-21T09:00:00.160Z' },
        ],
      },
    ])
    expect(totals()).toMatchObject({ scans: 1, units: 1, uniqueItems: 1, duplicates: 0 })
    expect(saved.map(({ outcome }) => outcome)).toEqual(['saved', 'joined', 'joined'])
  })

  it('join up to the edge of the window, counted from the first of them, and not behind it', async () => {
    const { scan, clock, totals } = open()
    await scan(ean)
    clock.advance(600)
    expect((await scan(lot)).outcome).toBe('joined')
    clock.advance(400)
    expect((await scan(link)).outcome).toBe('joined')
    clock.advance(1)
    expect((await scan(serial(1))).outcome).not.toBe('joined')
    expect(totals()?.scans).toBe(2)
  })

  it('join by the times of their readings, however long a commit took', async () => {
    const { scan, clock } = open()
    await scan(ean)
    clock.advance(1_500)
    expect((await scan(lot, {}, 'usb:1', 600)).outcome).toBe('joined')
    expect((await scan(link, {}, 'usb:1', 499)).outcome).toBe('repeated')
  })

  it('join nothing of another device, nor what was typed, nor in a session that joins nothing', async () => {
    const { scan, totals } = open()
    await scan(ean)
    expect((await scan(link, { deviceName: 'other' })).outcome).toBe('repeated')
    expect((await scan(lot, {}, 'usb:2')).outcome).toBe('repeated')
    expect((await scan('(01)04006381333931', { source: 'manual', deviceName: 'reader' })).outcome).toBe('repeated')
    expect(totals()?.scans).toBe(4)

    const separate = open({ marksWindowMs: 0 })
    await separate.scan(ean)
    expect((await separate.scan(link)).outcome).toBe('repeated')
  })

  it('are durable before they are answered', async () => {
    const dataDir = temporaryFolder()
    const { scan } = open({ dataDir })
    await scan(ean)
    const { capture } = await scan(lot)
    const beside = openDatabase(join(dataDir, 'station.sqlite'), { readOnly: true })
    expect(beside.get('SELECT capture_id, raw FROM marks')).toEqual({
      capture_id: capture.id,
      raw: raw(lot),
    })
    beside.close()
  })

  it('are one item in any order, with the same richest code', async () => {
    const store = openTestStore()
    const richest = serialLink(7)
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([ean, link, lot, serial(7), richest, ']I104006381333931'], { minLength: 2 }),
        fc.constantFrom('count' as const, 'ignore' as const, 'reject' as const),
        fc.boolean(),
        async (codes, duplicatePolicy, isOneTurn) => {
          const { scan, captures, totals, session } = start(store, { duplicatePolicy })
          if (isOneTurn) await Promise.all(codes.map((code) => scan(code)))
          else for (const code of codes) await scan(code)
          const [capture, ...others] = captures()
          expect(others).toEqual([])
          expect(capture?.disposition).toBe('counted')
          expect(capture?.marks.map((mark) => mark.raw)).toEqual(codes.map(raw))
          if (codes.includes(richest)) expect(capture?.raw).toBe(richest)
          expect(totals()).toMatchObject({ scans: 1, uniqueItems: 1, duplicates: 0 })
          store.sessions.end(session.id)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('are as many items as the most frequent of them was read: the same code again is another piece', async () => {
    const store = openTestStore()
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(ean, link, lot), { minLength: 1, maxLength: 12 }), async (codes) => {
        const { scan, captures, totals, session } = start(store, { duplicatePolicy: 'count' })
        for (const code of codes) await scan(code)
        const times = new Map<string, number>()
        for (const code of codes) times.set(code, (times.get(code) ?? 0) + 1)
        expect(totals()).toMatchObject({ scans: Math.max(...times.values()), uniqueItems: 1 })
        const listed = captures().flatMap(({ raw: own, marks }) => (marks.length > 0 ? marks.map((m) => m.raw) : [own]))
        expect(listed.toSorted()).toEqual(codes.map(raw).toSorted())
        store.sessions.end(session.id)
      }),
      { numRuns: 60 },
    )
  })

  it('of different serial numbers never join', async () => {
    const store = openTestStore()
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 2, maxLength: 6 }),
        async (serials) => {
          const { scan, captures, totals, session } = start(store, { duplicatePolicy: 'reject' })
          for (const number of serials) await scan(serial(number))
          for (const number of serials) await scan(serialLink(number))
          expect(totals()).toMatchObject({ scans: serials.length, uniqueItems: serials.length, duplicates: 0 })
          for (const [index, capture] of captures().entries()) {
            expect(capture.marks.map((mark) => mark.raw)).toEqual(
              [serial(serials[index] ?? 0), serialLink(serials[index] ?? 0)].map(raw),
            )
          }
          store.sessions.end(session.id)
        },
      ),
      { numRuns: 20 },
    )
  })
})

describe('a repeat of an item with several codes', () => {
  it.each([
    ['code without the serial number first', [ean, serial(7)]],
    ['serial number first', [serial(7), ean]],
  ])('is one repeat under the policy reject, %s', async (_name, codes) => {
    const { scan, clock, totals, captures, store } = open({ duplicatePolicy: 'reject' })
    for (const code of codes) await scan(code)
    clock.advance(60_000)
    const outcomes: ScanOutcome[] = []
    for (const code of codes) outcomes.push(await scan(code))
    expect(outcomes.some(({ outcome }) => outcome === 'rejected')).toBe(true)
    expect(outcomes.at(-1)?.capture.disposition).toBe('rejected')
    expect(totals()).toMatchObject({ scans: 1, uniqueItems: 1, duplicates: 1, waiting: 1 })
    expect(captures().map(({ disposition, marks }) => [disposition, marks.length])).toEqual([
      ['counted', 2],
      ['rejected', 2],
    ])
    expect(store.outbox.figures().waiting).toBe(1)
    clock.advance(60_000)
    for (const code of [ean, serial(8)]) await scan(code)
    expect(totals()).toMatchObject({ scans: 2, uniqueItems: 2, duplicates: 1 })
  })

  it('loses no new item whose code without a serial number was counted before', async () => {
    const { scan, clock, totals } = open({ duplicatePolicy: 'reject' })
    await scan(ean)
    clock.advance(60_000)
    expect((await scan(ean)).outcome).toBe('rejected')
    expect(await scan(serial(8))).toMatchObject({ outcome: 'saved', capture: { disposition: 'counted' } })
    expect((await scan(link)).capture.disposition).toBe('counted')
    expect(totals()).toMatchObject({ scans: 2, duplicates: 1 })
  })

  it('gives its further codes to the piece that counts when a hand trembled', async () => {
    const { scan, captures } = open({ duplicatePolicy: 'ignore' })
    await scan(ean)
    expect((await scan(ean)).outcome).toBe('ignored')
    expect(await scan(lot)).toMatchObject({ outcome: 'joined', capture: { sequence: 1, raw: raw(lot) } })
    expect(captures().map(({ marks }) => marks.length)).toEqual([2, 0])
  })

  it('that the backend has already is taken back there', async () => {
    const { scan, clock, store } = open({ duplicatePolicy: 'reject' })
    await scan(serial(7))
    clock.advance(60_000)
    const { capture } = await scan(ean)
    clock.advance(300)
    for (const item of lease(store)) {
      store.transaction(() => {
        store.captures.accept(item.captureId ?? '', { ...remote, remoteId: `R-${item.id}` })
        store.outbox.done(item.id)
      })
    }
    expect(await scan(serial(7))).toMatchObject({ outcome: 'rejected', capture: { id: capture.id } })
    await scan(link)
    expect(store.outbox.lease(64).map(({ kind, captureId }) => [kind, captureId])).toEqual([
      ['capture.remove', capture.id],
    ])
  })
})

describe('undoing an item with several codes', () => {
  it('takes all of it out, and its codes begin anew', async () => {
    const { scan, store, totals } = open()
    await scan(ean)
    const { capture } = await scan(lot)
    store.captures.undo(capture.id)
    expect(totals()).toMatchObject({ scans: 0, uniqueItems: 0, undone: 1 })
    expect(store.captures.get(capture.id)?.marks).toHaveLength(2)
    expect((await scan(link)).outcome).toBe('saved')
  })
})

describe('the sending of an item with several codes', () => {
  it('waits a little for the richest, which then goes out', async () => {
    const { scan, clock, store } = open()
    await scan(ean)
    expect(lease(store)).toEqual([])
    clock.advance(299)
    await scan(lot)
    clock.advance(1)
    const [item] = lease(store)
    expect(item).toMatchObject({ kind: 'capture.submit', payload: { marks: 1 } })
    expect(store.captures.get(item?.captureId ?? '')).toMatchObject({ raw: raw(lot) })
  })

  it('keeps what was sent: a later code is listed, and the backend is told of it', async () => {
    const { scan, clock, store } = open()
    const { capture } = await scan(ean)
    clock.advance(300)
    const [item] = lease(store)
    expect(item?.payload).toMatchObject({ marks: 0 })
    await scan(lot)
    expect(store.captures.get(capture.id)).toMatchObject({
      raw: raw(ean),
      marks: [{ raw: raw(ean) }, { raw: raw(lot) }],
    })
    store.transaction(() => {
      store.captures.accept(capture.id, remote)
      store.outbox.done(item?.id ?? 0)
    })
    expect(store.outbox.lease(64)).toMatchObject([{ kind: 'capture.update', captureId: capture.id }])
  })

  it('waits for nothing when it can have no further code', async () => {
    const { scan, store } = open()
    await scan('A-01')
    expect(lease(store)).toMatchObject([{ kind: 'capture.submit' }])
  })
})

describe('a photo', () => {
  const photo = { photo: 'a'.repeat(64), upload: null, role: null }
  const found = (data: string): Scan => ({ data, source: 'photo', deviceName: 'camera' })

  it('of one item with several codes is one capture, however long the reading takes', async () => {
    const { capturing, clock, captures } = open()
    await capturing.codeOf(photo, found(ean))
    clock.advance(60_000)
    expect(valueOf(await capturing.codeOf(photo, found(lot))).outcome).toBe('joined')
    expect(valueOf(await capturing.codeOf(photo, found(']E05449000000996'))).outcome).toBe('saved')
    expect(valueOf(await capturing.codeOf({ ...photo, photo: 'b'.repeat(64) }, found(link))).outcome).toBe('repeated')
    expect(captures().map((capture) => [capture.raw, capture.marks.length])).toEqual([
      [raw(lot), 2],
      ['5449000000996', 0],
      [link, 0],
    ])
  })

  it('as a capture of its own has the codes of the item it shows', async () => {
    const { capturing, totals } = open({ captureMode: 'both' })
    const codes = ['https://example.com/recipes', ean, lot, ']E05449000000996', link].map(found)
    const { capture } = valueOf(await capturing.image({ ...photo, upload: 'b'.repeat(64) }, codes, 'camera'))
    expect(capture).toMatchObject({ type: 'IMAGE', raw: raw(lot), gtin: '04006381333931', disposition: 'counted' })
    expect(capture.marks.map((mark) => mark.raw)).toEqual([raw(ean), raw(lot), link])
    expect(totals()).toMatchObject({ scans: 1 })
  })
})

describe('codes that joined', () => {
  it('are found by a search', async () => {
    const { scan, store, session } = open()
    await scan(ean)
    await scan(serialLink('S-123'))
    await scan(serial('S-123'))
    const list = (search: string) =>
      store.captures.list({ sessionId: session.id, filter: 'all', search, offset: 0, limit: 10 }).total
    expect(list('/21/S-123')).toBe(1)
    expect(list('21S-123')).toBe(1)
    expect(list('nowhere')).toBe(0)
  })

  it('come back when the store is opened again', async () => {
    const dataDir = temporaryFolder()
    const first = open({ dataDir })
    await first.scan(ean)
    const { capture } = await first.scan(lot)
    first.store.close()
    const again = openTestStore({ dataDir })
    expect(again.captures.get(capture.id)).toEqual(capture)
  })
})
