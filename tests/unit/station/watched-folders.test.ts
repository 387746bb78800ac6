import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { Capture } from '#contract/station/capture.ts'
import { drawCode } from '../../barcode-image.ts'
import { temporaryFolder, until } from './parts.ts'
import { startStation, type StartedStation } from './start-station.ts'

const folderDelays = { settleMs: 60, giveUpMs: 400, sweepMs: 100 }

/** A photo that no other is equal to. */
async function photo(seed: number, text = '4006381333931'): Promise<Buffer> {
  const drawn = Buffer.from(await drawCode({ format: 'EAN13', text }))
  return await sharp({ create: { width: 900, height: 500, channels: 3, background: { r: seed * 15, g: 180, b: 170 } } })
    .composite([{ input: drawn, left: 60, top: 60 }])
    .jpeg()
    .toBuffer()
}

interface Watching extends StartedStation {
  readonly captures: () => Promise<readonly Capture[]>
  readonly status: () => Promise<Awaited<ReturnType<typeof listOf>>[number]>
}

const listOf = (started: StartedStation) => started.call('folder.list', {})

async function watchFolder(path: string, dataDir = temporaryFolder(), inSession = true): Promise<Watching> {
  const started = await startStation(null, { dataDir, folderDelays })
  const current = await started.call('session.current', {})
  if (inSession && !current) await started.call('session.open', { captureMode: 'product_photography' })
  await started.call('settings.change', { folders: [{ id: 'tether', path, role: 'front' }] })
  started.station.watchFolders()
  await until(async () => (await listOf(started))[0]?.state !== undefined)
  return {
    ...started,
    async captures() {
      const session = await started.call('session.current', {})
      return session ? (await started.call('capture.list', { sessionId: session.id })).captures : []
    },
    async status() {
      const [status] = await listOf(started)
      if (!status) throw new Error('the folder is not watched')
      return status
    },
  }
}

/** Long enough for several looks through a folder. */
const looks = () => new Promise((resolve) => setTimeout(resolve, 700))

describe('a watched folder', () => {
  it('has each new photo taken once, with its role, and left as it is', async () => {
    const path = temporaryFolder()
    const started = await watchFolder(path)
    await looks()
    const bytes = await photo(1)
    await writeFile(join(path, 'DSC_1.JPG'), bytes)
    await mkdir(join(path, '2026-11-21'))
    await writeFile(join(path, '2026-11-21', 'DSC_2.jpg'), await photo(2))
    // The same picture under another name is the same photo.
    await writeFile(join(path, 'copy.jpg'), bytes)
    await until(async () => (await started.status()).taken === 3)
    const captures = await started.captures()
    expect(captures).toHaveLength(2)
    expect(captures.map(({ type, raw, photoRole, deviceName }) => ({ type, raw, photoRole, deviceName }))).toEqual(
      [1, 2].map(() => ({ type: 'IMAGE', raw: '4006381333931', photoRole: 'front', deviceName: basename(path) })),
    )
    expect(await readFile(join(path, 'DSC_1.JPG'))).toEqual(bytes)
    expect((await readdir(path)).toSorted()).toEqual(['2026-11-21', 'DSC_1.JPG', 'copy.jpg'])
  })

  it('waits for a photo that is still being written, and takes one that is renamed into it', async () => {
    const path = temporaryFolder()
    const started = await watchFolder(path)
    await looks()
    const bytes = await photo(3)
    const slow = join(path, 'slow.jpg')
    await writeFile(slow, bytes.subarray(0, 2_000))
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(await started.captures()).toEqual([])
    await appendFile(slow, bytes.subarray(2_000))
    await writeFile(join(path, '.incoming.jpg.part'), await photo(4))
    await rename(join(path, '.incoming.jpg.part'), join(path, 'renamed.jpg'))
    await until(async () => (await started.captures()).length === 2)
    expect((await started.status()).problems).toEqual([])
  })

  it('says which files it did not take and why, and takes one that is repaired', async () => {
    const path = temporaryFolder()
    const started = await watchFolder(path)
    await looks()
    const bytes = await photo(5)
    await writeFile(join(path, 'cut.jpg'), bytes.subarray(0, bytes.length - 500))
    await writeFile(join(path, 'broken.jpg'), Buffer.concat([Buffer.from('ffd8', 'hex'), Buffer.from('ffd9', 'hex')]))
    await writeFile(join(path, 'alone.CR3'), 'raw')
    await writeFile(join(path, 'paired.CR3'), 'raw')
    await writeFile(join(path, 'paired.JPG'), await photo(6))
    await writeFile(join(path, 'phone.heic'), 'heic')
    await writeFile(join(path, 'notes.txt'), 'none')
    await until(async () => (await started.status()).problems.length === 4)
    await until(async () => (await started.status()).taken === 1)
    const { problems } = await started.status()
    expect(Object.fromEntries(problems.map(({ file, problem }) => [file, problem]))).toEqual({
      'cut.jpg': 'incomplete',
      'broken.jpg': 'unreadable',
      'alone.CR3': 'raw',
      'phone.heic': 'unsupported',
    })
    const { devices } = await started.call('station.status', {})
    expect(devices.find(({ kind }) => kind === 'folder')?.advice).toContain('4 files were not taken')

    await writeFile(join(path, 'cut.jpg'), bytes)
    await writeFile(join(path, 'alone.jpg'), await photo(7))
    await rm(join(path, 'broken.jpg'))
    await until(async () => (await started.captures()).length === 3)
    await until(async () => (await started.status()).problems.length === 1)
    expect((await started.status()).problems).toMatchObject([{ file: 'phone.heic' }])
  })

  it('leaves what was there before, and takes after a restart only what came meanwhile', async () => {
    const path = temporaryFolder()
    const dataDir = temporaryFolder()
    await writeFile(join(path, 'old.jpg'), await photo(8))
    const first = await watchFolder(path, dataDir)
    await looks()
    await writeFile(join(path, 'new.jpg'), await photo(9))
    await until(async () => (await first.captures()).length === 1)
    await first.station.close()

    await writeFile(join(path, 'meanwhile.jpg'), await photo(10))
    // A name that is used again is another photo.
    await writeFile(join(path, 'old.jpg'), await photo(11))
    const second = await watchFolder(path, dataDir)
    await until(async () => (await second.captures()).length === 3)
    await looks()
    expect(await second.captures()).toHaveLength(3)
  })

  it('keeps photos waiting while no session is open, and says so', async () => {
    const path = temporaryFolder()
    const started = await watchFolder(path, temporaryFolder(), false)
    await looks()
    await writeFile(join(path, 'early.jpg'), await photo(12))
    await until(async () => (await started.status()).state === 'waiting')
    expect((await started.status()).waiting).toBe(1)
    await started.call('session.open', { captureMode: 'product_photography' })
    await until(async () => (await started.captures()).length === 1)
    await until(async () => (await started.status()).state === 'watching')
  })

  it('keeps photos waiting while there is no room for them, and says so', async () => {
    const path = temporaryFolder()
    const started = await watchFolder(path)
    const { photo: before } = await started.call('settings.get', {})
    await started.call('settings.change', { photo: { ...before, reserveMegabytes: 1_000_000 } })
    await looks()
    await writeFile(join(path, 'late.jpg'), await photo(14))
    await until(async () => (await started.status()).state === 'full')
    expect(await started.status()).toMatchObject({ waiting: 1, taken: 0, problems: [] })
    await started.call('settings.change', { photo: before })
    await until(async () => (await started.captures()).length === 1)
    await until(async () => (await started.status()).state === 'watching')
  })

  it('says that a folder is gone, and goes on when it is back', async () => {
    const path = temporaryFolder()
    const started = await watchFolder(path)
    await looks()
    await rm(path, { recursive: true })
    await until(async () => (await started.status()).state === 'missing')
    await mkdir(path)
    await writeFile(join(path, 'back.jpg'), await photo(13))
    await until(async () => (await started.captures()).length === 1)
    expect((await started.status()).state).toBe('watching')
  })
})
