import { sql, type Selectable } from 'kysely'
import type { Db } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import { newId } from '../ids.ts'
import type { Jobs } from '../jobs/jobs.ts'

/**
 * Has the photos of a session or of one capture read into proposals, but for those that are being read already; `only`
 * those that the last time could not be. Answers how many photos there are to read.
 */
export async function requestFields(
  db: Db,
  whose: { readonly sessionId: string } | { readonly captureId: string },
  addJobs: Jobs['add'],
  at: Date,
  only?: 'unread',
): Promise<number> {
  let photosOf = db.selectFrom('photos').select(['id', 'session_id'])
  let capturesOf = db.selectFrom('captures').select(['id', 'session_id']).where('image_key', 'is not', null)
  if ('sessionId' in whose) {
    photosOf = photosOf.where('session_id', '=', whose.sessionId)
    capturesOf = capturesOf.where('session_id', '=', whose.sessionId)
  } else {
    const { captureId } = whose
    // A photo without a capture shows the session's one product, as for those who read it.
    photosOf = photosOf.where(
      sql<boolean>`(capture_id = ${captureId} or (capture_id is null and session_id = (
        select own.session_id from captures as own
        where own.id = ${captureId} and own.product_id is not null and not exists (
          select 1 from captures as other
          where other.session_id = own.session_id and other.product_id <> own.product_id))))`,
    )
    capturesOf = capturesOf.where('id', '=', captureId)
  }
  const [photos, captures] = [await photosOf.execute(), await capturesOf.execute()]
  const all = [
    ...photos.map((photo) => ({ session_id: photo.session_id, photo_id: photo.id, capture_id: null })),
    ...captures.map((capture) => ({ session_id: capture.session_id, photo_id: null, capture_id: capture.id })),
  ]
  if (all.length === 0) return 0
  const last = await lastReadings(
    db,
    all.map(({ photo_id, capture_id }) => photo_id ?? capture_id ?? ''),
  )
  const wanted = all.filter(({ photo_id, capture_id }) => {
    const known = last.get(photo_id ?? capture_id ?? '')
    return only === undefined ? known?.isOpen !== true : known?.isOpen === false && known.error !== ''
  })
  await addReadings(db, wanted, addJobs, at)
  return all.length
}

/** Has photos read, each once: of a photo its own id, of the image of a capture that of the capture. */
export async function addReadings(
  db: Db,
  photos: readonly Pick<Selectable<Tables['extractions']>, 'session_id' | 'photo_id' | 'capture_id'>[],
  addJobs: Jobs['add'],
  at: Date,
): Promise<void> {
  if (photos.length === 0) return
  const rows = photos.map((photo) => ({ ...photo, id: newId(), created_at: at.toISOString(), done_at: null }))
  await db.insertInto('extractions').values(rows).execute()
  await addJobs(
    db,
    'fields',
    rows.map((row) => row.id),
  )
}

/** How photos were read the last time, by their own ids or by those of the captures whose images they are. */
async function lastReadings(
  db: Db,
  ids: readonly string[],
): Promise<ReadonlyMap<string, { readonly isOpen: boolean; readonly error: string }>> {
  const of = sql<string>`coalesce(photo_id, capture_id)`
  const rows = await db
    .selectFrom('extractions')
    .select(['is_open', 'error', of.as('of')])
    .where(of, 'in', ids)
    .orderBy('id')
    .execute()
  return new Map(rows.map(({ of: id, is_open, error }) => [id, { isOpen: is_open === 1, error }]))
}
