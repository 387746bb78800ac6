import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Result } from '#contract/result.ts'
import type { Scan, ScanOutcome } from '#contract/station/capture.ts'
import type { ControlOutcome } from '#contract/station/control.ts'
import type { DuplicatePolicy } from '#contract/station/session.ts'
import { createCapturing } from '#station/capture/capture.ts'
import { openDatabase } from '#station/store/database.ts'
import {
  createClock,
  createIds,
  createKeptLog,
  openTestSession,
  openTestStore,
  temporaryFolder,
  valueOf,
} from '../parts.ts'

function open(options: { dataDir?: string; policy?: DuplicatePolicy; windowMs?: number; session?: boolean } = {}) {
  const clock = createClock()
  const ids = createIds()
  const log = createKeptLog()
  const store = openTestStore({ clock, ids, log, ...(options.dataDir ? { dataDir: options.dataDir } : {}) })
  const session =
    options.session === false
      ? null
      : openTestSession(store, {
          duplicatePolicy: options.policy ?? 'count',
          duplicateWindowMs: options.windowMs ?? 3_000,
        })
  const saved: ScanOutcome[] = []
  const controls: ControlOutcome[] = []
  const capturing = createCapturing({
    store,
    clock,
    ids,
    log,
    onSaved: (outcome) => void saved.push(outcome),
    onControl: (outcome) => void controls.push(outcome),
  })
  const submit = (data: string, more: Partial<Scan> = {}) =>
    capturing.scan({ data, source: 'stdin', deviceName: 'reader', ...more })
  /** Of a code that is an item's. */
  const scan = (data: string, more: Partial<Scan> = {}) => submit(data, more) as Promise<Result<ScanOutcome>>
  return { clock, log, store, session, saved, controls, capturing, submit, scan }
}

describe('a scan', () => {
  it('is answered only when another connection can see its row', async () => {
    const dataDir = temporaryFolder()
    const { scan } = open({ dataDir })
    const beside = openDatabase(join(dataDir, 'station.sqlite'), { readOnly: true })
    onTestFinished(() => beside.close())
    const count = (): unknown => beside.get('SELECT count(*) AS rows FROM captures')?.['rows']

    const promise = scan('4006381333931')
    expect(count()).toBe(0)
    const { capture } = valueOf(await promise)
    expect(count()).toBe(1)
    expect(beside.get('SELECT raw, sequence FROM captures WHERE id = ?', capture.id)).toEqual({
      raw: '4006381333931',
      sequence: 1,
    })
  })

  it('keeps its place among many that come at once', async () => {
    const { scan, saved } = open()
    const texts = Array.from({ length: 1_000 }, (_, index) => `CODE-${index}`)
    const answers = await Promise.all(texts.map((text) => scan(text)))
    expect(answers.map((answer) => valueOf(answer).capture.raw)).toEqual(texts)
    expect(answers.map((answer) => valueOf(answer).capture.sequence)).toEqual(texts.map((_, index) => index + 1))
    expect(saved.map((outcome) => outcome.capture.raw)).toEqual(texts)
  })

  it('shares the commit with those beside it', async () => {
    const { scan } = open()
    const exec = vi.spyOn(DatabaseSync.prototype, 'exec')
    await Promise.all(Array.from({ length: 100 }, (_, index) => scan(`CODE-${index}`)))
    expect(exec.mock.calls.filter(([sql]) => sql === 'COMMIT')).toHaveLength(1)
    exec.mockRestore()
  })

  it('that cannot be stored takes none of its neighbours with it', async () => {
    const { scan, store, log } = open()
    const add = store.captures.add
    vi.spyOn(store.captures, 'add').mockImplementation((capture) => {
      if (capture.raw === 'BAD') throw new Error('a bug')
      return add(capture)
    })
    const answers = await Promise.all(['A', 'BAD', 'B'].map((text) => scan(text)))
    expect(answers.map((answer) => (answer.ok ? answer.value.capture.raw : answer.error.code))).toEqual([
      'A',
      'internal',
      'B',
    ])
    expect([...store.captures.each(null)].map((capture) => capture.raw)).toEqual(['A', 'B'])
    expect(log.text()).toContain('a scan could not be saved')
    expect(log.text()).not.toContain('BAD')
  })

  it('is answered even when a listener to the one before it throws', async () => {
    const { store, clock } = open()
    const capturing = createCapturing({
      store,
      clock,
      ids: { next: () => crypto.randomUUID() },
      log: createKeptLog(),
      onControl: () => undefined,
      onSaved() {
        throw new Error('a bug in a window')
      },
    })
    const answers = await Promise.all(
      ['A', 'B'].map((data) => capturing.scan({ data, source: 'stdin', deviceName: '' })),
    )
    expect(answers.every((answer) => answer.ok)).toBe(true)
    await capturing.idle()
  })

  it('without a session is refused and leaves nothing behind', async () => {
    const { scan, store, saved } = open({ session: false })
    expect(await scan('A')).toMatchObject({ ok: false, error: { code: 'conflict' } })
    expect([...store.captures.each(null)]).toEqual([])
    expect(saved).toEqual([])
  })

  it('is read for what it is: typed ones are MANUAL, an AIM prefix comes off, a wrong check digit is no GTIN', async () => {
    const { scan } = open()
    expect(valueOf(await scan('4006381333931', { source: 'manual' })).capture).toMatchObject({
      type: 'MANUAL',
      symbology: 'manual',
      gtin: '04006381333931',
    })
    expect(valueOf(await scan(']E04006381333931')).capture).toMatchObject({
      raw: '4006381333931',
      symbologyIdentifier: ']E0',
      gtin: '04006381333931',
    })
    const wrong = valueOf(await scan(']E04006381333932')).capture
    expect(wrong.gtin).toBeNull()
    expect(wrong.warnings).not.toEqual([])
  })

  it('comes back as it was read, whatever its characters', async () => {
    const { scan } = open()
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }), async (text) => {
        fc.pre(!/^\][A-Za-z][0-9A-Za-z]/.test(text))
        expect(valueOf(await scan(text)).capture.raw).toBe(text)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a second scan of an item', () => {
  it('counts under the policy count', async () => {
    const { scan, store, session } = open({ policy: 'count' })
    const first = valueOf(await scan('A'))
    const second = valueOf(await scan('A'))
    expect(first).toMatchObject({ outcome: 'saved', previous: null, capture: { repeatOf: 0 } })
    expect(second).toMatchObject({
      outcome: 'repeated',
      previous: { captureId: first.capture.id },
      capture: { repeatOf: 1, disposition: 'counted' },
    })
    expect(store.sessions.get(session?.id ?? '')?.totals).toMatchObject({ scans: 2, uniqueItems: 1, duplicates: 0 })
  })

  it('is ignored up to the edge of the window, counted behind it, and each read moves the window', async () => {
    const { scan, clock } = open({ policy: 'ignore', windowMs: 1_000 })
    const read = async (): Promise<string> => valueOf(await scan('A')).outcome
    expect(await read()).toBe('saved')
    clock.advance(1_000)
    expect(await read()).toBe('ignored')
    clock.advance(1_000)
    expect(await read()).toBe('ignored')
    clock.advance(1_001)
    expect(await read()).toBe('repeated')
    // A clock set back by a little is no reason to count a trembling hand.
    clock.advance(-500)
    expect(await read()).toBe('ignored')
  })

  it('is rejected under the policy reject however late it comes, kept as a row, and not sent', async () => {
    const { scan, clock, store, session } = open({ policy: 'reject' })
    const first = valueOf(await scan('A'))
    clock.advance(86_400_000)
    const second = valueOf(await scan('A'))
    expect(second).toMatchObject({
      outcome: 'rejected',
      previous: { captureId: first.capture.id, capturedAt: first.capture.capturedAt },
      capture: { disposition: 'rejected', sync: 'none' },
    })
    expect(store.sessions.get(session?.id ?? '')?.totals).toMatchObject({ scans: 1, duplicates: 1 })
    expect(store.outbox.figures().waiting).toBe(1)
  })

  it.each(['ignore', 'reject'] as const)(
    'counts again under the policy %s once the first was undone',
    async (policy) => {
      const { scan, store } = open({ policy })
      const first = valueOf(await scan('A'))
      await scan('A')
      store.captures.undo(first.capture.id)
      expect(valueOf(await scan('A'))).toMatchObject({ outcome: 'saved', previous: null, capture: { repeatOf: 0 } })
    },
  )

  it('means another item when its serial number differs, and the same one in another code', async () => {
    const { scan, store, session } = open({ policy: 'reject' })
    const read = async (data: string): Promise<string> => valueOf(await scan(data)).outcome
    expect(await read(']C1010400638133393121A')).toBe('saved')
    expect(await read(']C1010400638133393121B')).toBe('saved')
    expect(await read(']C1010400638133393121A')).toBe('rejected')
    expect(await read(']E04006381333931')).toBe('saved')
    expect(await read(']C10104006381333931')).toBe('rejected')
    expect(await read('https://id.gs1.org/01/04006381333931')).toBe('rejected')
    expect(store.sessions.get(session?.id ?? '')?.totals.uniqueItems).toBe(3)
  })

  it('in another session is a first one', async () => {
    const { scan, store, session } = open({ policy: 'reject' })
    await scan('A')
    store.sessions.end(session?.id ?? '')
    openTestSession(store, { duplicatePolicy: 'reject' })
    expect(valueOf(await scan('A')).outcome).toBe('saved')
  })

  it('as a photo is another view of it, under every policy', async () => {
    const { capturing, store } = open({ policy: 'reject' })
    const photo = { photo: 'a'.repeat(64), upload: 'b'.repeat(64), role: null }
    const code: Scan = { data: '4006381333931', source: 'photo', deviceName: 'camera' }
    for (let n = 0; n < 2; n += 1)
      expect(valueOf(await capturing.image(photo, [code], 'camera')).capture).toMatchObject({
        type: 'IMAGE',
        disposition: 'counted',
        photo: photo.photo,
      })
    expect(valueOf(await capturing.image(photo, [], 'camera')).capture).toMatchObject({ raw: '', gtin: null })
    const [, upload] = [...store.captures.each(null)].map((capture) => store.captures.uploadOf(capture.id))
    expect(upload).toBe(photo.upload)
  })
})

describe('when the disk is full', () => {
  it('nothing is acknowledged that is not there, and scanning goes on when there is room again', async () => {
    const exec = vi.spyOn(DatabaseSync.prototype, 'exec')
    const { scan, store } = open()
    // The store's own connection: a limit on its pages is a full disk that needs no disk.
    const connection = exec.mock.contexts.find((each) =>
      (each as DatabaseSync).location()?.endsWith('station.sqlite'),
    ) as DatabaseSync
    exec.mockRestore()
    const pages = Number(connection.prepare('PRAGMA page_count').get()?.['page_count'])
    connection.exec(`PRAGMA max_page_count = ${pages + 20}`)

    const acknowledged: string[] = []
    let refused = 0
    for (let round = 0; round < 200 && refused === 0; round += 1) {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => scan(`${'X'.repeat(200)}-${round}-${n}`)))
      for (const answer of answers) {
        if (answer.ok) acknowledged.push(answer.value.capture.id)
        else {
          expect(answer.error.code).toBe('storage_full')
          refused += 1
        }
      }
    }
    expect(refused).toBe(20)
    expect(acknowledged.length).toBeGreaterThan(0)
    expect([...store.captures.each(null)].map((capture) => capture.id)).toEqual(acknowledged)

    connection.exec('PRAGMA max_page_count = 1000000')
    const next = valueOf(await scan('room again'))
    expect(next.capture.sequence).toBe(acknowledged.length + 1)
  })
})
