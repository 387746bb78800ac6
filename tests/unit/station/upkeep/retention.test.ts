import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import type { PhotoOutcome } from '#contract/station/capture.ts'
import { checkLedgerOf, openStoreForReading } from '#station/index.ts'
import { entriesOf } from '#station/store/ledger-carry.ts'
import { openDatabase } from '#station/store/database.ts'
import { openStore } from '#station/store/store.ts'
import { createClock, createIds, createKeptLog, temporaryFolder, until, valueOf } from '../parts.ts'
import { startBackend, startStation } from '../start-station.ts'

it('wipes photos after their days, once the backend has them, and proves it; captures and what waits stay', async () => {
  const backend = await startBackend()
  const dataDir = temporaryFolder()
  const clock = createClock()
  const { station, call } = await startStation(backend, { dataDir, clock })
  const take = async (background: string): Promise<PhotoOutcome> => {
    const photo = await sharp({ create: { width: 640, height: 480, channels: 3, background } })
      .jpeg()
      .toBuffer()
    const request = { method: 'PUT', body: Uint8Array.from(photo) }
    return (await (await station.handle(new Request('http://kiosk/media/photos', request))).json()) as PhotoOutcome
  }
  const filesOf = () =>
    readdirSync(join(dataDir, 'media'), { recursive: true, withFileTypes: true }).filter((one) => one.isFile()).length
  const { id } = await call('session.open', { captureMode: 'both' })
  const sent = await take('#a33')
  expect(await station.drained()).toBe('empty')
  await call('session.end', { id })
  expect(await station.drained()).toBe('empty')
  await backend.close()
  const second = await call('session.open', { captureMode: 'both' })
  const waiting = await take('#3a3')
  await call('session.end', { id: second.id })
  const [before] = [filesOf()]
  clock.advance(3 * 86_400_000)
  const { photo } = await call('settings.get', {})
  // Not yet: it is three days old, and may stay five.
  await call('settings.change', { photo: { ...photo, keepDays: 5 } })
  await call('settings.change', { photo: { ...photo, keepDays: 2 } })
  await until(() => filesOf() < before)
  await station.close()

  const hashOf = (outcome: PhotoOutcome): string => String(outcome.outcomes[0]?.capture.photo)
  const pathOf = (hash: string): string => join(dataDir, 'media', hash.slice(0, 2), hash)
  expect([sent, waiting].map((outcome) => existsSync(pathOf(hashOf(outcome))))).toEqual([false, true])
  expect(before - filesOf()).toBe(3)
  const store = valueOf(openStoreForReading(dataDir, { clock, ids: createIds() }))
  expect(store.captures.get(String(sent.outcomes[0]?.capture.id))).toMatchObject({ sync: 'sent' })
  store.close()
  const database = openDatabase(join(dataDir, 'station.sqlite'), { readOnly: true })
  const told = [...entriesOf(database)]
    .map((row) => JSON.parse(String(row['entry'])) as { kind: string; photos?: string[] })
    .filter(({ kind }) => kind === 'photos.wiped')
  database.close()
  expect(told).toMatchObject([{ photos: [hashOf(sent)] }])
  expect(valueOf(checkLedgerOf(dataDir)).problem).toBeNull()
})

it('wipes sessions and reads at the gate after their days, so that no file holds a word of them, and proves it', async () => {
  const backend = await startBackend()
  const dataDir = temporaryFolder()
  const clock = createClock()
  const { station, call } = await startStation(backend, { dataDir, clock })
  /** Whether a text is anywhere in the files of the folder, deleted rows and the write-ahead log included. */
  const isInFiles = (text: string): boolean =>
    readdirSync(dataDir, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .some((one) => readFileSync(join(one.parentPath, one.name)).includes(text))
  const first = await call('session.open', { label: 'Wexford', captureMode: 'both' })
  // Enough of them that pages are split, in no order.
  await Promise.all(
    Array.from({ length: 400 }, (_, index) =>
      call('scan.submit', { data: `LOT-${(index * 7_919) % 400}-OF-WEXFORD-AND-SONS` }),
    ),
  )
  const photo = await sharp({ create: { width: 640, height: 480, channels: 3, background: '#a33' } })
    .jpeg()
    .toBuffer()
  const request = new Request('http://kiosk/media/photos', { method: 'PUT', body: Uint8Array.from(photo) })
  const taken = (await (await station.handle(request)).json()) as PhotoOutcome
  await call('capture.undoLast', { sessionId: first.id })
  expect(await station.drained()).toBe('empty')
  await call('session.end', { id: first.id })
  expect(await station.drained()).toBe('empty')
  const { gate } = await call('settings.get', {})
  await call('settings.change', { gate: { ...gate, isOn: true, road: 'direct' } })
  const read = await call('gate.scan', { data: 'PASS-OF-KIM-0815', source: 'manual' })
  await call('settings.change', { gate })
  // This one still waits for the backend.
  await backend.close()
  const second = await call('session.open', { label: 'Kept' })
  await call('scan.submit', { data: 'KEPT-FOR-THE-BACKEND' })
  await call('session.end', { id: second.id })
  clock.advance(3 * 86_400_000)
  expect(['LOT-7-OF-WEXFORD', 'Wexford', 'PASS-OF-KIM', 'KEPT-FOR'].map(isInFiles)).toEqual([true, true, true, true])
  await call('settings.change', { retention: { sessionDays: 5, gateDays: 5 } })
  expect(await call('session.list', { limit: 10 })).toHaveLength(2)
  await call('settings.change', { retention: { sessionDays: 2, gateDays: 2 } })
  await until(() => !isInFiles('PASS-OF-KIM'))
  expect((await call('session.list', { limit: 10 })).map(({ label }) => label)).toEqual(['Kept'])
  expect(await call('gate.list', { limit: 10, isDifferent: false })).toEqual([])
  expect(['OF-WEXFORD', 'Wexford', 'PASS-OF-KIM', 'KEPT-FOR'].map(isInFiles)).toEqual([false, false, false, true])
  await station.close()
  expect(
    readdirSync(join(dataDir, 'media'), { recursive: true, withFileTypes: true }).some((one) => one.isFile()),
  ).toBe(false)

  const entries = (): { kind: string }[] => {
    const database = openDatabase(join(dataDir, 'station.sqlite'), { readOnly: true })
    const all = [...entriesOf(database)].map((row) => JSON.parse(String(row['entry'])) as { kind: string })
    database.close()
    return all
  }
  const told = entries().filter(({ kind }) => kind.endsWith('.wiped'))
  expect(told).toMatchObject([
    { kind: 'photos.wiped', photos: [taken.outcomes[0]?.capture.photo] },
    { kind: 'session.wiped', session: first.id, captures: 401 },
    { kind: 'gate.wiped', verdicts: [read.id] },
  ])
  expect(valueOf(checkLedgerOf(dataDir))).toMatchObject({ problem: null, captures: 1 })

  // A store that is rebuilt later mourns nothing that was wiped; and what is missing otherwise is named as ever.
  const rebuild = openDatabase(join(dataDir, 'station.sqlite'))
  rebuild.exec('PRAGMA user_version = 900')
  rebuild.close()
  const ports = { dataDir, clock, ids: createIds(), log: createKeptLog() }
  valueOf(openStore({ ...ports, takesNewerStore: true })).close()
  expect(entries().filter(({ kind }) => kind.endsWith('.lost'))).toEqual([])
  expect(valueOf(checkLedgerOf(dataDir)).problem).toBeNull()
  const forged = openDatabase(join(dataDir, 'station.sqlite'))
  forged.exec('PRAGMA foreign_keys = OFF; DELETE FROM captures')
  forged.close()
  expect(valueOf(checkLedgerOf(dataDir)).problem).toMatchObject({ kind: 'capture' })
})
