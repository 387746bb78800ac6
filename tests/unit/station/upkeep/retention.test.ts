import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import type { PhotoOutcome } from '#contract/station/capture.ts'
import { checkLedgerOf, openStoreForReading } from '#station/index.ts'
import { entriesOf } from '#station/store/ledger-carry.ts'
import { openDatabase } from '#station/store/database.ts'
import { createClock, createIds, temporaryFolder, until, valueOf } from '../parts.ts'
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
