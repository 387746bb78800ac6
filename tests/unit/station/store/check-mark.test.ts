import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Clock } from '#contract/ports.ts'
import { openStore, type Store } from '#station/store/store.ts'
import {
  addCapture,
  createClock,
  createIds,
  createKeptLog,
  openTestSession,
  openTestStore,
  temporaryFolder,
  until,
  valueOf,
} from '../parts.ts'
import { startStation } from '../start-station.ts'

/** As a large store is opened, whatever its size. */
function openLarge(dataDir: string, clock: Clock = createClock(), checkLaterFromBytes = 1): Store {
  const store = valueOf(openStore({ dataDir, clock, ids: createIds(), log: createKeptLog(), checkLaterFromBytes }))
  onTestFinished(() => {
    try {
      store.close()
    } catch {
      // The test has closed it.
    }
  })
  return store
}

const made = mkdtempSync(join(tmpdir(), 'capstan-test-store-'))
afterAll(() => rmSync(made, { recursive: true, force: true }))

/** A store that was closed: filled once, and copied for each test. */
function makeStore(): string {
  if (!existsSync(join(made, 'station.sqlite'))) {
    const store = openTestStore({ dataDir: made })
    const session = openTestSession(store)
    store.transaction(() => {
      for (let index = 0; index < 300; index += 1) addCapture(store, session.id, { raw: `CODE-${index}` })
    })
    store.close()
  }
  const dataDir = temporaryFolder()
  for (const name of ['station.sqlite', 'station.checked']) cpSync(join(made, name), join(dataDir, name))
  trust(dataDir)
  return dataDir
}

/** As if the file lay there as it was closed. */
function trust(dataDir: string): void {
  const markPath = join(dataDir, 'station.checked')
  const mark = JSON.parse(readFileSync(markPath, 'utf8')) as object
  const { size, mtimeMs } = statSync(join(dataDir, 'station.sqlite'))
  writeFileSync(markPath, JSON.stringify({ ...mark, closed: { bytes: size, modifiedMs: mtimeMs } }))
}

/** What is left of a station that was killed: its folder as it is while the station runs. */
function killed(dataDir: string): string {
  const left = join(temporaryFolder(), 'left')
  cpSync(dataDir, left, { recursive: true, preserveTimestamps: true })
  return left
}

/** Ruins a page of captures as a disk does that changes what lies on it: no program has written, and nothing tells of it. */
function decay(dataDir: string): void {
  const path = join(dataDir, 'station.sqlite')
  const bytes = readFileSync(path)
  // sqlite.org/fileformat.html section 1.6: 13 is a leaf of a table.
  for (let at = bytes.indexOf('CODE-150'); at >= 0; at = bytes.indexOf('CODE-150', at + 1)) {
    const page = Math.floor(at / 4_096) * 4_096
    if (bytes[page] === 13) bytes.fill(0xa5, page, page + 4_096)
  }
  writeFileSync(path, bytes)
  trust(dataDir)
}

describe('a large store', () => {
  it('that was closed is used at once and checked behind that, and so it is again after the next close', async () => {
    const dataDir = makeStore()
    for (let start = 0; start < 2; start += 1) {
      const store = openLarge(dataDir)
      addCapture(store, store.sessions.current()?.id ?? '', { raw: `START-${start}` })
      expect(await store.checkBehind?.()).toEqual([])
      store.close()
    }
  })

  it('is checked first when it is small, new, or another program has written to it', () => {
    expect(openLarge(makeStore(), createClock(), 1_000_000_000).checkBehind).toBeNull()
    expect(openLarge(temporaryFolder()).checkBehind).toBeNull()
    const dataDir = makeStore()
    const path = join(dataDir, 'station.sqlite')
    utimesSync(path, new Date(), new Date('2026-11-21T09:00:00.000Z'))
    expect(openLarge(dataDir).checkBehind).toBeNull()
  })

  it('that has decayed unseen is found out while it is used, and rebuilt at the next start', async () => {
    const dataDir = makeStore()
    decay(dataDir)
    const store = openLarge(dataDir)
    expect(store.recovered).toBeNull()
    expect(await store.checkBehind?.()).not.toEqual([])
    store.close()
    const rebuilt = openLarge(dataDir)
    expect(rebuilt.recovered?.captures).toBeGreaterThan(100)
    expect(rebuilt.checkBehind).toBeNull()
  })

  it('whose station was killed is used at once in the same run of the machine, and checked first in another', () => {
    const dataDir = makeStore()
    openLarge(dataDir)
    expect(openLarge(killed(dataDir)).checkBehind).not.toBeNull()
    expect(openLarge(killed(dataDir), { ...createClock(), bootId: 'another boot' }).checkBehind).toBeNull()
  })

  it('is checked first when its station was killed twice in a row, unless a check lay between', async () => {
    const dataDir = makeStore()
    openLarge(dataDir)
    const once = killed(dataDir)
    const second = openLarge(once)
    expect(openLarge(killed(once)).checkBehind).toBeNull()
    expect(await second.checkBehind?.()).toEqual([])
    expect(openLarge(killed(once)).checkBehind).not.toBeNull()
  })

  it('is checked first after a week without a check, and when the clock says that the last one is yet to come', () => {
    const clock = createClock()
    const dataDir = makeStore()
    clock.advance(7 * 86_400_000 - 1)
    const store = openLarge(dataDir, clock)
    expect(store.checkBehind).not.toBeNull()
    store.close()
    clock.advance(1)
    const checked = openLarge(dataDir, clock)
    expect(checked.checkBehind).toBeNull()
    checked.close()
    clock.advance(-1)
    expect(openLarge(dataDir, clock).checkBehind).toBeNull()
  })
})

it('tells the people at a station whose store has decayed unseen', async () => {
  const dataDir = makeStore()
  decay(dataDir)
  const { call } = await startStation(null, {
    dataDir,
    clock: createClock(),
    checkStoreLater: { fromBytes: 1, afterMs: 0 },
  })
  await until(async () => (await call('station.status', {})).storage.isDamaged)
  expect((await call('station.status', {})).storage.recovered).toBeNull()
})
