import { readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { forgetPhotos, sweepMedia } from '#backend/media/sweep.ts'
import { databaseOf, jpeg, photoForm, scanner, startSite, type Site } from './fixture.ts'

const dayMs = 24 * 3_600_000

async function files(site: Site): Promise<string[]> {
  const entries = await readdir(join(site.dataDir, 'media'), { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

async function upload(site: Site, session: string, bytes: number) {
  const reply = await site.call(
    'POST',
    `${scanner}/captures/upload-image`,
    photoForm({ session_short_id: session }, jpeg(bytes)),
  )
  expect(reply.status).toBe(201)
  await site.settled(reply.body.id)
  return reply.body as { id: string; uploaded_image_key: string }
}

/** As if the files had been there for two days. */
async function age(site: Site): Promise<void> {
  const then = new Date(Date.now() - 2 * dayMs)
  for (const path of await files(site)) await utimes(path, then, then)
}

describe('photos', () => {
  it('that no row names are deleted when they are a day old, and no others', async () => {
    const site = await startSite()
    const { db } = await databaseOf(site.dataDir)
    const sweep = () => sweepMedia(join(site.dataDir, 'media'), db, new Date())
    const session = await site.openSession()
    const kept = await upload(site, session, 2_000)
    const deleted = await upload(site, session, 3_000)
    expect((await site.call('DELETE', `${scanner}/captures/${deleted.id}`)).status).toBe(204)
    expect(await sweep()).toBe(0)
    expect(await files(site)).toHaveLength(2)
    await age(site)
    expect(await sweep()).toBe(1)
    expect((await files(site)).map((path) => path.slice(-kept.uploaded_image_key.length))).toEqual([
      kept.uploaded_image_key,
    ])
  })

  it('that are uploaded again are new, whatever was there before', async () => {
    const site = await startSite()
    const { db } = await databaseOf(site.dataDir)
    const session = await site.openSession()
    const first = await upload(site, session, 2_000)
    await site.call('DELETE', `${scanner}/captures/${first.id}`)
    await age(site)
    const again = await upload(site, session, 2_000)
    expect(again.uploaded_image_key).toBe(first.uploaded_image_key)
    expect(await sweepMedia(join(site.dataDir, 'media'), db, new Date())).toBe(0)
    expect(await files(site)).toHaveLength(1)
  })

  it('are let go after their days, and their captures stay', async () => {
    const site = await startSite()
    const database = await databaseOf(site.dataDir)
    const session = await site.openSession()
    const { id } = await upload(site, session, 2_000)
    expect(await forgetPhotos(database, new Date(Date.now() - dayMs))).toBe(0)
    expect(await forgetPhotos(database, new Date(Date.now() + dayMs))).toBe(1)
    expect((await site.call('GET', `${scanner}/captures/${id}`)).body).toMatchObject({ id, uploaded_image_key: null })
    await age(site)
    expect(await sweepMedia(join(site.dataDir, 'media'), database.db, new Date())).toBe(1)
    expect(await files(site)).toEqual([])
  })
})
