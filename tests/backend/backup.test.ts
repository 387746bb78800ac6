import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { backUp, createBackend, restore } from '#backend/index.ts'
import { client, databaseUrl, engine, photoForm, scanner, startSite, temporaryFolder, type Site } from './fixture.ts'
import { createDatabase, dropDatabase } from './postgres.ts'

const postgres = inject('postgres')

async function onDatabase(dataDir: string): Promise<{ databaseUrl?: string }> {
  const url = await databaseUrl(dataDir)
  return url === undefined ? {} : { databaseUrl: url }
}

/** Where a backup is put: an empty folder, and an empty database on PostgreSQL. */
async function emptyPlace(): Promise<{ dataDir: string; databaseUrl?: string }> {
  const dataDir = join(await temporaryFolder(), 'again')
  if (postgres === undefined || 'missing' in postgres) return { dataDir }
  const url = await createDatabase(postgres.template)
  onTestFinished(() => dropDatabase(url))
  return { dataDir, databaseUrl: url }
}

async function filled(): Promise<{ site: Site; session: string }> {
  const site = await startSite()
  const session = await site.openSession()
  for (let index = 0; index < 20; index += 1) await site.submit(session, `value ${index}`)
  const photo = await site.call('POST', `${scanner}/captures/upload-image`, photoForm({ session_short_id: session }))
  expect(photo.status).toBe(201)
  return { site, session }
}

describe('a backup', () => {
  it('of a running backend, restored elsewhere, is the same backend', async () => {
    const { site, session } = await filled()
    const file = join(await temporaryFolder(), 'backup.tar')
    expect(await backUp({ dataDir: site.dataDir, ...(await onDatabase(site.dataDir)), file })).toEqual({
      ok: true,
      value: { captures: 21, photos: 1 },
    })
    // What comes after it is not in it.
    await site.submit(session, 'later')
    const place = await emptyPlace()
    expect(await restore({ ...place, file })).toEqual({ ok: true, value: { captures: 21, photos: 1 } })
    expect((await readdir(place.dataDir)).filter((name) => name.startsWith('.'))).toEqual([])

    const again = await createBackend({ port: 0, ...place })
    onTestFinished(() => again.close())
    expect(again.apiKey).toBe(site.apiKey)
    const { call, submit, settled } = client(again.url, again.apiKey)
    const { body } = await call('GET', `${scanner}/sessions/${session}`)
    expect(body.captures).toHaveLength(21)
    for (const capture of body.captures)
      expect(['COMPLETED', 'NOT_FOUND', 'FAILED']).toContain((await settled(capture.id)).status)
    expect((await submit(session, 'goes on')).status).toBe(201)
  })

  it('is refused where something is already, and nothing is changed', async () => {
    const { site } = await filled()
    const folder = await temporaryFolder()
    const file = join(folder, 'backup.tar')
    await writeFile(file, 'something')
    const on = await onDatabase(site.dataDir)
    expect(await backUp({ dataDir: site.dataDir, ...on, file })).toMatchObject({
      ok: false,
      error: { code: 'conflict' },
    })
    await rm(file)
    await backUp({ dataDir: site.dataDir, ...on, file })
    expect(await restore({ dataDir: site.dataDir, ...on, file })).toMatchObject({
      ok: false,
      error: { code: 'conflict' },
    })
    expect(await readdir(folder)).toEqual(['backup.tar'])
    expect((await site.call('GET', '/readyz')).status).toBe(200)
    if (engine === 'sqlite') return
    const elsewhere = join(await temporaryFolder(), 'again')
    expect(await restore({ dataDir: elsewhere, ...on, file })).toMatchObject({ ok: false, error: { code: 'conflict' } })
  })

  it('that is damaged is not restored', async () => {
    const { site } = await filled()
    const folder = await temporaryFolder()
    const file = join(folder, 'backup.tar')
    await backUp({ dataDir: site.dataDir, ...(await onDatabase(site.dataDir)), file })
    // One byte of a photo.
    const taken = join(folder, 'taken')
    await mkdir(taken)
    execFileSync('tar', ['-xf', file, '-C', taken])
    const photo = (await readdir(join(taken, 'media'), { recursive: true })).find((name) => /\.\w+$/.test(name)) ?? ''
    await writeFile(join(taken, 'media', photo), 'x', { flag: 'a' })
    execFileSync('tar', ['-cf', file, '-C', taken, '.'])
    const place = await emptyPlace()
    expect(await restore({ ...place, file })).toMatchObject({ ok: false, error: { code: 'invalid_input' } })
    await writeFile(file, 'no tar at all')
    expect((await restore({ ...place, file })).ok).toBe(false)
    expect(await readdir(place.dataDir)).toEqual(['backend.lock'])
  })
})
