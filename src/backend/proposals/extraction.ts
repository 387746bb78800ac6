import type { Selectable } from 'kysely'
import type { PhotoType } from '#contract/backend/photo-type.ts'
import { judgeSameProduct } from '#domain/review/same-product.ts'
import { brandHints } from '../catalogue/brand-hints.ts'
import type { Database, Db } from '../db/database.ts'
import type { CaptureRow, PhotoRow, ProductRow, Tables } from '../db/tables.ts'
import { newId } from '../ids.ts'
import { NotYet, type SingleWork } from '../jobs/jobs.ts'
import type { Log } from '../log.ts'
import type { Media } from '../media/media.ts'
import type { ExtractedField, Vision } from '../vision/vision.ts'
import { fieldOfColumn, isSameValue, presentValue } from './fields.ts'
import { nothingRead, notRead } from './unread.ts'

/** As many values are proposed for one field, the likeliest first: better several than one wrong one. */
const alternatives = 3

/** At most so sure is what is read from a front that does not name its product: a person looks at each value. */
const strangeConfidence = 0.5

type Extraction = Selectable<Tables['extractions']>

/** What an extraction is about: the photo and the capture whose product it shows. */
interface Subject {
  readonly mediaKey: string
  readonly photo: PhotoRow | undefined
  readonly type: PhotoType | null
  readonly capture: CaptureRow
}

/**
 * The work of the queue `fields`: one photo at a time is read by `vision`, and what it says is proposed for the product
 * of its capture, as far as the product says something else.
 *
 * Without vision every photo ends with that as its reason. A photo that cannot be read fails alone.
 */
export function extractionWork(parts: {
  readonly database: Database
  readonly media: Media
  readonly vision: Vision | undefined
  readonly log: Log
  readonly now: () => Date
  /** Called when an extraction has ended, so that its session can be found ready. */
  readonly ended: () => void
}): SingleWork {
  const { database, media, vision, log, now, ended } = parts

  async function end(db: Db, id: string, error: string): Promise<() => void> {
    const done_at = now().toISOString()
    await db.updateTable('extractions').set({ is_open: 0, error, done_at }).where('id', '=', id).execute()
    return ended
  }

  return {
    concurrency: 1,
    attempts: 12,
    backOffMs: (attempt) => Math.min(60_000, 500 * 2 ** (attempt - 1)),
    async handle(id, signal) {
      const { db } = database
      const extraction = await db
        .selectFrom('extractions')
        .selectAll()
        .where('id', '=', id)
        .where('is_open', '=', 1)
        .executeTakeFirst()
      if (!extraction) return () => Promise.resolve(() => undefined)
      if (vision === undefined) return (transaction) => end(transaction, id, notRead)
      const subject = await subjectOf(db, extraction)
      if (typeof subject === 'string') return (transaction) => end(transaction, id, subject)
      const { capture } = subject
      // Its product is known when it has been processed, and not before.
      if (isUnderWay(capture)) throw new NotYet('the capture is still being processed')
      const brands = await brandHints(db, capture.gtin)
      const read = await media.withFile(subject.mediaKey, (path) =>
        vision.extract({ path, type: subject.type, brands }, signal),
      )
      if (!read.ok) {
        if (read.error.code === 'conflict') throw new Error(read.error.message)
        log.warn({ err: read.error, extraction: id }, 'photo not read')
        return (transaction) => end(transaction, id, read.error.message)
      }
      const { fields, text } = read.value
      return async (transaction) => {
        const present = await subjectOf(transaction, extraction)
        if (typeof present === 'string') return end(transaction, id, present)
        if (present.type !== subject.type || present.mediaKey !== subject.mediaKey) {
          // It was read as something else: once more, as what it is now.
          throw new Error('the photo was classified anew meanwhile')
        }
        await propose(transaction, present, fields, text, now())
        return end(transaction, id, fields.length === 0 ? nothingRead : '')
      }
    },
    giveUp: (db, id, reason) => end(db, id, reason),
  }
}

function isUnderWay({ status }: CaptureRow): boolean {
  return status !== 'COMPLETED' && status !== 'NOT_FOUND' && status !== 'FAILED'
}

/** What is to be read, or why it cannot be. */
async function subjectOf(db: Db, extraction: Extraction): Promise<Subject | string> {
  const captures = db.selectFrom('captures').selectAll().where('session_id', '=', extraction.session_id)
  if (extraction.photo_id === null) {
    const capture = await captures.where('id', '=', extraction.capture_id ?? '').executeTakeFirst()
    if (!capture || capture.image_key === null) return 'The capture has no photo any more.'
    const role = (JSON.parse(capture.metadata) as Record<string, string>)['photo_type']
    return { mediaKey: capture.image_key, photo: undefined, type: (role as PhotoType | undefined) ?? null, capture }
  }
  const photo = await db.selectFrom('photos').selectAll().where('id', '=', extraction.photo_id).executeTakeFirst()
  if (!photo) return 'The photo was deleted.'
  const found =
    photo.capture_id === null
      ? await captures.where('product_id', 'is not', null).orderBy('id').execute()
      : await captures.where('id', '=', photo.capture_id).execute()
  const [capture] = found
  if (capture === undefined || new Set(found.map(({ product_id }) => product_id)).size > 1) {
    return 'It is not known which product the photo shows; register it with its capture.'
  }
  return { mediaKey: photo.media_key, photo, type: photo.photo_type, capture }
}

async function propose(
  db: Db,
  subject: Subject,
  fields: readonly ExtractedField[],
  text: string,
  at: Date,
): Promise<void> {
  const { capture, photo } = subject
  const product =
    capture.product_id === null
      ? undefined
      : await db.selectFrom('products').selectAll().where('id', '=', capture.product_id).executeTakeFirst()
  const earlier = await db
    .selectFrom('proposals')
    .select(['field_name', 'proposed_value', 'status', 'withdrawn_reason'])
    .where('capture_id', '=', capture.id)
    .execute()
  const warning = warningOf(subject, text, product)
  const byField = Map.groupBy(fields, ({ field }) => field)
  for (const [column, values] of byField) {
    const fieldName = fieldOfColumn(column)
    if (fieldName === undefined) continue
    const current = presentValue(product, fieldName)
    // The likeliest is what the product says already: then the others are only its misreadings.
    if (values[0] !== undefined && isSameValue(values[0].value, current)) continue
    const fresh = values.filter(
      ({ value }, index) =>
        value.trim() !== '' &&
        !isSameValue(value, current) &&
        values.findIndex((other) => isSameValue(other.value, value)) === index &&
        // A person has said no to it, or it waits already.
        !earlier.some(
          (one) =>
            one.field_name === fieldName && one.withdrawn_reason === '' && isSameValue(one.proposed_value, value),
        ),
    )
    for (const found of fresh.slice(0, alternatives)) {
      await db
        .insertInto('proposals')
        .values({
          id: newId(),
          capture_id: capture.id,
          product_id: product?.id ?? null,
          photo_id: photo?.id ?? null,
          field_name: fieldName,
          current_value: current,
          proposed_value: found.value,
          confidence: Math.min(warning === '' ? 1 : strangeConfidence, Math.max(0, found.confidence)),
          reasoning: `${warning}${found.reasoning}`,
          source: found.source.slice(0, 100),
          box: found.box === null ? null : JSON.stringify(found.box),
          status: 'PENDING',
          withdrawn_reason: '',
          created_at: at.toISOString(),
          reviewed_at: null,
          applied_at: null,
          change_id: null,
        })
        .execute()
    }
  }
}

/** What a reviewer has to know first where a photo's words are not those of its product; empty where they are, or say nothing. */
function warningOf({ type }: Subject, text: string, product: ProductRow | undefined): string {
  if (product === undefined) return ''
  const names = { brand: product.brand, name: product.product_name }
  // Its codes were compared as it was taken.
  const same = judgeSameProduct({ itemGtin: null, photoGtins: [], text, view: type, product: names })
  if (same.text !== 'differs') return ''
  return `The front says nothing of "${[names.brand, names.name].filter((word) => word !== '').join(' ')}": it may be another product. Compare the photo first. `
}
