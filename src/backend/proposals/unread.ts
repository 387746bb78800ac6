import { sql } from 'kysely'
import type { Db } from '../db/database.ts'
import type { Jobs } from '../jobs/jobs.ts'
import { addReadings } from './request.ts'

/** The end of every extraction where no vision is set: nothing is wrong with the photo, and reading it again is no use. */
export const notRead =
  'This server does not read what is printed on photos; a site’s own server does (capstan backend).'

/** The end of an extraction that understood nothing of what is on the photo. */
export const nothingRead = 'Nothing that belongs in a product’s record was found on the photo.'

/** Of a row of `extractions`: its photo was not to be read again since. */
export const isLast = sql<boolean>`not exists (
  select 1 from extractions as later
  where coalesce(later.photo_id, later.capture_id) = coalesce(extractions.photo_id, extractions.capture_id)
    and later.id > extractions.id)`

/**
 * The photos of an organisation that were read last without saying anything, with the captures whose product they show.
 * One on which nothing was found counts only where no other photo of the capture says something, and where it was to show
 * more than the code; one that a person has left at that does not.
 */
export function selectUnread(db: Db, organizationId: string) {
  // A photo without a capture shows the session's one product, as for those who read it.
  const captureId = sql<string>`coalesce(extractions.capture_id, photos.capture_id, (
    select min(only_one.id) from captures as only_one
    where only_one.session_id = extractions.session_id and only_one.product_id is not null
    having count(distinct only_one.product_id) = 1))`
  return (
    db
      .selectFrom('extractions')
      .innerJoin('sessions', 'sessions.id', 'extractions.session_id')
      .leftJoin('photos', 'photos.id', 'extractions.photo_id')
      .innerJoin('captures', (join) => join.on(sql<boolean>`captures.id = ${captureId}`))
      .leftJoin('products', 'products.id', 'captures.product_id')
      .where('sessions.organization_id', '=', organizationId)
      .where('extractions.is_open', '=', 0)
      .where('extractions.error', '<>', '')
      .where('extractions.error', '<>', notRead)
      .where('extractions.settled_at', 'is', null)
      // It may have been read again since, or is being read just now.
      .where(isLast)
      .where(
        sql<boolean>`(extractions.error <> ${nothingRead} or (
        coalesce(photos.photo_type, '') <> 'barcode'
        and not exists (select 1 from proposals where proposals.capture_id = captures.id)
        and not exists (
          select 1 from extractions as other left join photos as others on others.id = other.photo_id
          where other.session_id = extractions.session_id
            and coalesce(other.capture_id, others.capture_id) = captures.id
            and (other.is_open = 1 or other.error = ''))))`,
      )
  )
}

/** Leaves the unread photos of a capture at that: nobody is told of them any more. Answers how many there were. */
export async function settleUnread(db: Db, organizationId: string, captureId: string, at: Date): Promise<number> {
  const unread = await selectUnread(db, organizationId)
    .where('captures.id', '=', captureId)
    .select('extractions.id')
    .execute()
  if (unread.length === 0) return 0
  const ids = unread.map(({ id }) => id)
  await db.updateTable('extractions').set({ settled_at: at.toISOString() }).where('id', 'in', ids).execute()
  return ids.length
}

/** Has one photo read again, by its last reading; nothing happens where that was no failure, or is not the last any more. */
export async function readAgain(
  db: Db,
  organizationId: string,
  extractionId: string,
  addJobs: Jobs['add'],
  at: Date,
): Promise<void> {
  const last = await db
    .selectFrom('extractions')
    .innerJoin('sessions', 'sessions.id', 'extractions.session_id')
    .select(['extractions.session_id', 'extractions.photo_id', 'extractions.capture_id'])
    .where('extractions.id', '=', extractionId)
    .where('sessions.organization_id', '=', organizationId)
    .where('extractions.is_open', '=', 0)
    .where('extractions.error', '<>', '')
    .where(isLast)
    .executeTakeFirst()
  if (last) await addReadings(db, [last], addJobs, at)
}
