import { z } from 'zod'
import { photoQualitySchema } from '#contract/station/photo-quality.ts'
import type { PhotoQuality } from '#contract/station/photo-quality.ts'
import type { Instant } from '#contract/station/values.ts'
import { differingBits, samePhotoBits, tellsApart } from '#domain/perceptual-hash.ts'
import type { PhotoCode } from '#domain/shooting.ts'
import type { Database } from '#station/store/database.ts'

/** What is known of a photo beside its captures; all hashes but the perceptual one are media hashes. */
export interface PhotoRecord {
  /** Of the original, which is kept as it came. */
  readonly hash: string
  readonly sessionId: string
  readonly takenAt: Instant
  readonly thumbnail: string
  /** The derivative that is fit to be uploaded. */
  readonly upload: string
  readonly widthPixels: number
  readonly heightPixels: number
  readonly perceptualHash: string
  readonly quality: PhotoQuality
  /** What its codes tell of the product. */
  readonly codes: readonly PhotoCode[]
}

/** A photo without what only its uploading needs. */
export type KnownPhoto = Pick<PhotoRecord, 'hash' | 'upload' | 'widthPixels' | 'heightPixels' | 'codes'> & {
  /** Null for one from before verdicts. */
  readonly quality: PhotoQuality | null
}

const codesSchema = z.array(z.object({ gtin: z.string().nullable(), degrees: z.number().nullable() }))

/** Photos by their content: taken twice to the byte, one is one row with the newest taking. */
export interface Photos {
  put(photo: PhotoRecord): void
  /** The media hash of a photo's thumbnail; null for what is no photo that was read. */
  thumbnailOf(hash: string): string | null
  /** What is known of a photo; null for what is none that was read whole. */
  get(hash: string): KnownPhoto | null
  /** The verdict on a photo; null for what is no photo, or one from before verdicts. */
  qualityOf(hash: string): PhotoQuality | null
  /**
   * Photos that were taken before an instant, the oldest first, of which the backend has all that it is to have: no capture, no
   * sending and no open session wants their files any more. `after` is the last one that was looked at.
   */
  due(
    before: Instant,
    after: Pick<PhotoRecord, 'hash' | 'takenAt'> | null,
    limit: number,
  ): readonly Pick<PhotoRecord, 'hash' | 'upload' | 'thumbnail' | 'takenAt'>[]
  /** The photos of a session that look like a new one, those that do the most first: taken again, or sent twice. */
  findAlike(sessionId: string, perceptualHash: string): readonly { readonly photo: string; readonly takenAt: Instant }[]
}

/** Keeps photos in the `photos` table. */
export function createPhotos(database: Database): Photos {
  return {
    put(photo) {
      database.run(
        `INSERT INTO photos (hash, session_id, taken_at, thumbnail, upload, width_pixels, height_pixels, perceptual_hash, quality,
           codes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET session_id = excluded.session_id, taken_at = excluded.taken_at,
           thumbnail = excluded.thumbnail, upload = excluded.upload, width_pixels = excluded.width_pixels,
           height_pixels = excluded.height_pixels, perceptual_hash = excluded.perceptual_hash, quality = excluded.quality,
           codes = excluded.codes`,
        photo.hash,
        photo.sessionId,
        photo.takenAt,
        photo.thumbnail,
        photo.upload,
        photo.widthPixels,
        photo.heightPixels,
        photo.perceptualHash,
        JSON.stringify(photo.quality),
        JSON.stringify(photo.codes),
      )
    },
    thumbnailOf: (hash) =>
      (database.get('SELECT thumbnail FROM photos WHERE hash = ?', hash)?.['thumbnail'] as string | undefined) ?? null,
    get(hash) {
      const row = database.get(
        'SELECT upload, width_pixels, height_pixels, quality, codes FROM photos WHERE hash = ? AND upload IS NOT NULL',
        hash,
      )
      if (!row) return null
      const { upload, width_pixels: widthPixels, height_pixels: heightPixels, quality, codes } = row
      return {
        hash,
        upload: String(upload),
        widthPixels: Number(widthPixels),
        heightPixels: Number(heightPixels),
        quality: typeof quality === 'string' ? photoQualitySchema.parse(JSON.parse(quality)) : null,
        codes: typeof codes === 'string' ? codesSchema.parse(JSON.parse(codes)) : [],
      }
    },
    qualityOf(hash) {
      const stored = database.get('SELECT quality FROM photos WHERE hash = ?', hash)?.['quality']
      return typeof stored === 'string' ? photoQualitySchema.parse(JSON.parse(stored)) : null
    },
    due: (before, after, limit) =>
      database
        .all(
          `SELECT hash, upload, thumbnail, taken_at FROM photos p
           WHERE taken_at < ? AND (taken_at, hash) > (?, ?) AND upload IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = p.session_id AND s.state = 'ACTIVE')
             AND EXISTS (SELECT 1 FROM captures c WHERE c.photo = p.hash)
             AND NOT EXISTS (SELECT 1 FROM captures c WHERE c.photo = p.hash AND (c.sync NOT IN ('sent', 'discarded', 'none')
               OR EXISTS (SELECT 1 FROM outbox o WHERE o.capture_id = c.id)))
           ORDER BY taken_at, hash LIMIT ?`,
          before,
          after?.takenAt ?? '',
          after?.hash ?? '',
          limit,
        )
        .map((row) => ({
          hash: String(row['hash']),
          upload: String(row['upload']),
          thumbnail: String(row['thumbnail']),
          takenAt: String(row['taken_at']),
        })),
    findAlike(sessionId, perceptualHash) {
      if (!tellsApart(perceptualHash)) return []
      const rows = database.all(
        'SELECT hash, taken_at, perceptual_hash FROM photos WHERE session_id = ? ORDER BY taken_at',
        sessionId,
      )
      return rows
        .map((row) => ({
          photo: String(row['hash']),
          takenAt: String(row['taken_at']),
          bits: differingBits(perceptualHash, String(row['perceptual_hash'])),
        }))
        .filter(({ bits }) => bits <= samePhotoBits)
        .toSorted((a, b) => a.bits - b.bits)
        .map(({ photo, takenAt }) => ({ photo, takenAt }))
    },
  }
}
