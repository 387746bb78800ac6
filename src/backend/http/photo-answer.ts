import type { Photo } from '#contract/backend/photos.ts'
import type { Db } from '../db/database.ts'
import type { PhotoRow } from '../db/tables.ts'

/** A session's photos as they are answered, in their order. */
export async function photosOf(db: Db, sessionId: string): Promise<Photo[]> {
  const rows = await db
    .selectFrom('photos')
    .selectAll()
    .where('session_id', '=', sessionId)
    .orderBy('sort_order')
    .orderBy('id')
    .execute()
  return rows.map(photoAnswer)
}

/** A photo as it is answered: the superset of both revisions. */
export function photoAnswer(row: PhotoRow): Photo {
  return {
    id: row.id,
    public_id: row.id,
    session_short_id: row.session_id,
    session_public_id: row.session_id,
    photo_type: row.photo_type,
    s3_key: row.s3_key,
    original_filename: row.original_filename,
    sort_order: row.sort_order,
    created: row.created_at,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    file_size: row.file_size,
    capture_short_id: row.capture_id,
    capture_public_id: row.capture_id,
  }
}
