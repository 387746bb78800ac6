import type { Db } from '../db/database.ts'
import type { TaskKind } from '../db/tables.ts'
import { newId } from '../ids.ts'

/** Writes down work that is to be done beside the pipeline, in the transaction that makes it necessary. */
export async function addTask(
  db: Db,
  task: { readonly kind: TaskKind; readonly subject: string; readonly sessionId: string | null },
  at: Date,
): Promise<void> {
  const instant = at.toISOString()
  await db
    .insertInto('tasks')
    .values({
      id: newId(),
      kind: task.kind,
      subject: task.subject,
      session_id: task.sessionId,
      due_at: instant,
      created_at: instant,
    })
    .execute()
}

/** Has the photos of a session or of one capture read into proposals. Answers how many there are. */
export async function requestFields(
  db: Db,
  whose: { readonly sessionId: string } | { readonly captureId: string },
  at: Date,
): Promise<number> {
  const photos = db.selectFrom('photos').select(['id', 'session_id'])
  const images = db.selectFrom('captures').select(['id', 'session_id']).where('image_key', 'is not', null)
  const found =
    'sessionId' in whose
      ? [
          ...(await photos.where('session_id', '=', whose.sessionId).execute()),
          ...(await images.where('session_id', '=', whose.sessionId).execute()),
        ]
      : [
          ...(await photos.where('capture_id', '=', whose.captureId).execute()),
          ...(await images.where('id', '=', whose.captureId).execute()),
        ]
  for (const { id, session_id } of found) {
    await addTask(db, { kind: 'fields', subject: id, sessionId: session_id }, at)
  }
  return found.length
}
