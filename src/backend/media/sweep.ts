import { randomUUID } from 'node:crypto'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database, Db } from '../db/database.ts'

/** A photo comes before the row that names it; after so long none will. */
export const graceMs = 24 * 3_600_000
/** Keys asked for at once. */
export const batchSize = 500

/**
 * Lets go of photos of before an instant: captures keep everything but their photo, product photos end. What is still
 * being processed is left. Their bytes go with the next sweep. Answers how many there were.
 */
export async function forgetPhotos({ write }: Pick<Database, 'write'>, before: Date): Promise<number> {
  const instant = before.toISOString()
  let forgotten = 0
  for (;;) {
    const count = await write(async (db) => {
      const captures = await db
        .selectFrom('captures')
        .select('id')
        .where('image_key', 'is not', null)
        .where('created_at', '<', instant)
        .where('status', 'in', ['COMPLETED', 'NOT_FOUND', 'FAILED'])
        .limit(batchSize)
        .execute()
      const photos = await db
        .selectFrom('photos')
        .select('id')
        .where('created_at', '<', instant)
        .limit(batchSize)
        .execute()
      const ids = (rows: readonly { readonly id: string }[]): string[] => rows.map(({ id }) => id)
      if (captures.length > 0) {
        await db.updateTable('captures').set({ image_key: null }).where('id', 'in', ids(captures)).execute()
      }
      if (photos.length > 0) await db.deleteFrom('photos').where('id', 'in', ids(photos)).execute()
      return captures.length + photos.length
    })
    forgotten += count
    if (count === 0) return forgotten
  }
}

/**
 * Deletes the photos of a media folder that no row names and that are a day old. Answers how many.
 *
 * The same photo may be uploaded again at this very moment, here or by another process: a photo is therefore laid aside
 * first, and goes back if its file turns out to be a new one, or a row to name it after all.
 */
export async function sweepMedia(folder: string, db: Db, at: Date): Promise<number> {
  let swept = 0
  const shelves = (await readdir(folder)).filter((name) => /^[0-9a-f]{2}$/.test(name))
  for (const shelf of shelves) {
    const old: string[] = []
    for (const name of await readdir(join(folder, shelf))) {
      if (await isOld(join(folder, shelf, name), at)) old.push(`${shelf}/${name}`)
    }
    for (let start = 0; start < old.length; start += batchSize) {
      const some = old.slice(start, start + batchSize)
      const named = await namedOf(db, some)
      for (const key of some) if (!named.has(key) && (await dispose(folder, key, db, at))) swept += 1
    }
  }
  return swept
}

async function dispose(folder: string, key: string, db: Db, at: Date): Promise<boolean> {
  const aside = join(folder, 'incoming', `unused-${randomUUID()}`)
  try {
    await rename(join(folder, key), aside)
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  if (!(await isOld(aside, at)) || (await namedOf(db, [key])).has(key)) {
    await rename(aside, join(folder, key))
    return false
  }
  await rm(aside)
  return true
}

async function isOld(path: string, at: Date): Promise<boolean> {
  const file = await stat(path).catch(() => undefined)
  return file !== undefined && at.getTime() - file.mtimeMs > graceMs
}

/** Which of the keys a row names; at most `batchSize` of them. */
export async function namedOf(db: Db, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const captures = await db.selectFrom('captures').select('image_key as key').where('image_key', 'in', keys).execute()
  const photos = await db.selectFrom('photos').select('media_key as key').where('media_key', 'in', keys).execute()
  const uploads = await db.selectFrom('uploads').select('media_key as key').where('media_key', 'in', keys).execute()
  return new Set([...captures, ...photos, ...uploads].map(({ key }) => key ?? ''))
}
