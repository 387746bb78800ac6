import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openStore } from '#station/store/store.ts'
import {
  addCapture,
  createClock,
  createIds,
  createKeptLog,
  openTestSession,
  openTestStore,
  temporaryFolder,
} from '../parts.ts'

const open = (dataDir: string) => openStore({ dataDir, clock: createClock(), ids: createIds(), log: createKeptLog() })

describe('the lock of a data folder', () => {
  it('lets only one station in, and the next one as soon as the first has closed', () => {
    const dataDir = temporaryFolder()
    const first = openTestStore({ dataDir })
    expect(open(dataDir)).toMatchObject({ ok: false, error: { code: 'conflict' } })
    addCapture(first, openTestSession(first).id)
    first.close()
    expect(openTestStore({ dataDir }).sessions.current()).not.toBeNull()
  })

  it('is free after its holder was killed, with everything that was committed', async () => {
    const dataDir = temporaryFolder()
    const holder = spawn(process.execPath, [fileURLToPath(new URL('holder.ts', import.meta.url)), dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void holder.kill('SIGKILL'))
    const [said] = (await once(holder.stdout, 'data')) as [Buffer]
    expect(said.toString()).toBe('holding\n')
    expect(open(dataDir)).toMatchObject({ ok: false, error: { code: 'conflict' } })

    holder.kill('SIGKILL')
    await once(holder, 'exit')
    const store = openTestStore({ dataDir })
    expect(store.recovered).toBeNull()
    expect([...store.captures.each(null)].map((capture) => capture.raw)).toEqual(['COMMITTED'])
  })

  it('is not closed for ever by a lock file full of rubbish', () => {
    const dataDir = temporaryFolder()
    writeFileSync(join(dataDir, 'station.lock'), 'rubbish '.repeat(1_000))
    const store = openTestStore({ dataDir })
    expect(openTestSession(store).state).toBe('ACTIVE')
  })
})

describe('a data folder that cannot be', () => {
  it('is storage_full: below a file', () => {
    const dataDir = temporaryFolder()
    writeFileSync(join(dataDir, 'file'), '')
    expect(open(join(dataDir, 'file', 'data'))).toMatchObject({ ok: false, error: { code: 'storage_full' } })
    expect(open(join(dataDir, 'file'))).toMatchObject({ ok: false, error: { code: 'storage_full' } })
  })
})
