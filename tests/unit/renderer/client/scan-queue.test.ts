import { describe, expect, it } from 'vitest'
import { fail, ok } from '#contract/result.ts'
import type { Result } from '#contract/result.ts'
import type { ScanOutcome } from '#contract/station/capture.ts'
import { writeControlCode } from '#domain/control-code.ts'
import { createScanQueue } from '#renderer/client/scan-queue.ts'
import type { PendingScan, ReadScan } from '#renderer/client/scan-queue.ts'

const saved = ok({} as ScanOutcome)
const scan = (data: string): ReadScan => ({ data, source: 'wedge', deviceName: 'Scanner' })
/** Lets everything that is ready run. */
const settled = () => new Promise<void>((resolve) => setTimeout(resolve))

function createStorage() {
  const items = new Map<string, string>()
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  }
}

function setUp(storage = createStorage()) {
  const asked: { readonly data: string; readonly answer: (result: Result<ScanOutcome>) => void }[] = []
  const troubles: PendingScan[] = []
  let opened = Promise.withResolvers<void>()
  opened.resolve()
  const queue = createScanQueue({
    submit: ({ data }) => new Promise((answer) => asked.push({ data, answer })),
    whenOpen: () => opened.promise,
    now: () => 1_000,
    storage,
    onTrouble: (one) => troubles.push(one),
  })
  return {
    queue,
    asked,
    troubles,
    storage,
    close: () => (opened = Promise.withResolvers()),
    open: () => opened.resolve(),
    left: () => queue.store.getState().scans.map(({ data, state }) => `${data} ${state}`),
  }
}

describe('the queue of scans', () => {
  it('asks in the order of reading, and for the next only after the answer to the one before', async () => {
    const { queue, asked, left } = setUp()
    queue.push(scan('A'))
    queue.push(scan('B'))
    await settled()
    expect(asked.map(({ data }) => data)).toEqual(['A'])
    asked[0]!.answer(saved)
    await settled()
    expect(asked.map(({ data }) => data)).toEqual(['A', 'B'])
    expect(left()).toEqual(['B waiting'])
  })

  it('keeps when a scan was read, which is before it came here', () => {
    const { queue } = setUp()
    queue.push({ ...scan('A'), readAt: 640 })
    queue.push(scan('B'))
    expect(queue.store.getState().scans.map(({ readAt }) => readAt)).toEqual([640, 1_000])
  })

  it('keeps a scan whose answer was lost as not known to be saved, never as saved, and goes on with the next', async () => {
    const { queue, asked, troubles, left } = setUp()
    queue.push(scan('A'))
    queue.push(scan('B'))
    await settled()
    asked[0]!.answer(fail('disconnected', 'lost'))
    await settled()
    expect(left()).toEqual(['A unknown', 'B waiting'])
    expect(troubles.map(({ data, state }) => [data, state])).toEqual([['A', 'unknown']])
    asked[1]!.answer(saved)
    await settled()
    expect(left()).toEqual(['A unknown'])
  })

  it('keeps no control barcode that was refused or whose answer was lost: there is nothing to save of it', async () => {
    const { queue, asked, troubles, left } = setUp()
    const undo = writeControlCode({ kind: 'undo' })
    for (const data of [undo, undo, 'XCTRLUNDOBB', 'A']) queue.push(scan(data))
    const answers = [fail('not_found', 'nothing'), fail('disconnected', 'lost'), fail('invalid_input', 'damaged')]
    for (const [index, answer] of answers.entries()) {
      await settled()
      asked[index]!.answer(answer)
    }
    await settled()
    expect(left()).toEqual(['A waiting'])
    expect(troubles.map(({ error }) => error?.code)).toEqual(['not_found', 'disconnected', 'invalid_input'])
  })

  it('keeps a refused scan with the reason until a person saves it again or puts it away', async () => {
    const { queue, asked, left } = setUp()
    const { key } = queue.push(scan('A'))
    await settled()
    asked[0]!.answer(fail('storage_full', 'disk full'))
    await settled()
    expect(queue.store.getState().scans[0]?.error?.code).toBe('storage_full')
    queue.again(key)
    await settled()
    asked[1]!.answer(fail('storage_full', 'disk full'))
    await settled()
    expect(left()).toEqual(['A refused'])
    queue.dismiss(key)
    expect(left()).toEqual([])
  })

  it('keeps the time of the reading when it is asked for again', async () => {
    const { queue, asked } = setUp()
    const { key } = queue.push({ ...scan('A'), readAt: 640 })
    await settled()
    asked[0]!.answer(fail('storage_full', 'disk full'))
    await settled()
    queue.again(key)
    await settled()
    expect(queue.store.getState().scans).toMatchObject([{ state: 'waiting', readAt: 640 }])
    expect(asked).toHaveLength(2)
  })

  it('does not ask while the station cannot be asked', async () => {
    const { queue, asked, left, close, open } = setUp()
    close()
    queue.push(scan('A'))
    await settled()
    expect(asked).toEqual([])
    expect(left()).toEqual(['A waiting'])
    open()
    await settled()
    expect(asked.map(({ data }) => data)).toEqual(['A'])
  })

  it('lets nothing overtake a scan that was held for want of a session', async () => {
    const { queue, asked, troubles, left } = setUp()
    queue.hold(scan('A'), true)
    queue.push(scan('B'))
    await settled()
    expect(asked).toEqual([])
    expect(left()).toEqual(['A held', 'B waiting'])
    expect(troubles.map(({ data }) => data)).toEqual(['A'])
    queue.release()
    await settled()
    asked[0]!.answer(saved)
    await settled()
    expect(asked.map(({ data }) => data)).toEqual(['A', 'B'])
  })

  it('survives a reload: what had been asked comes back as not known, the rest is asked in turn', async () => {
    const before = setUp()
    before.queue.push(scan('A'))
    before.queue.push(scan('B'))
    await settled()
    const after = setUp(before.storage)
    expect(after.left()).toEqual(['A unknown', 'B waiting'])
    after.queue.resume()
    await settled()
    expect(after.asked.map(({ data }) => data)).toEqual(['B'])
  })

  it('leaves nothing in the storage once everything is saved', async () => {
    const { queue, asked, storage } = setUp()
    queue.push(scan('A'))
    await settled()
    expect(storage.getItem('capstan.scans')).toContain('"A"')
    asked[0]!.answer(saved)
    await settled()
    expect(storage.getItem('capstan.scans')).toBeNull()
  })
})
