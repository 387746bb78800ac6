import type { Db } from '../db/database.ts'
import { newId } from '../ids.ts'
import type { Jobs } from '../jobs/jobs.ts'

/** Has the photos of a session or of one capture read into proposals. Answers how many there are. */
export async function requestFields(
  db: Db,
  whose: { readonly sessionId: string } | { readonly captureId: string },
  addJobs: Jobs['add'],
  at: Date,
): Promise<number> {
  const [photoColumn, captureColumn, id] =
    'sessionId' in whose
      ? (['session_id', 'session_id', whose.sessionId] as const)
      : (['capture_id', 'id', whose.captureId] as const)
  const photos = await db.selectFrom('photos').select(['id', 'session_id']).where(photoColumn, '=', id).execute()
  const captures = await db
    .selectFrom('captures')
    .select(['id', 'session_id'])
    .where(captureColumn, '=', id)
    .where('image_key', 'is not', null)
    .execute()
  const rows = [
    ...photos.map((photo) => ({ session_id: photo.session_id, photo_id: photo.id, capture_id: null })),
    ...captures.map((capture) => ({ session_id: capture.session_id, photo_id: null, capture_id: capture.id })),
  ].map((row) => ({ ...row, id: newId(), created_at: at.toISOString(), done_at: null }))
  if (rows.length === 0) return 0
  await db.insertInto('extractions').values(rows).execute()
  await addJobs(
    db,
    'fields',
    rows.map((row) => row.id),
  )
  return rows.length
}
