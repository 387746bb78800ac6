import { z } from 'zod'

/** A row's public id: its UUID in base 57, 22 characters (contracts 1.2). */
export const shortuuidSchema = z
  .string()
  .regex(/^[23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz]{22}$/)
  .meta({ format: 'shortuuid', examples: ['CXc85b4rqinB7s5J52TRYb'] })

const uuidPattern = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}'

/** How a request names a row: its shortuuid or the same UUID in canonical form. */
export const referenceSchema = z
  .string()
  .regex(new RegExp(`^(?:[23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz]{22}|${uuidPattern})$`), {
    error: 'must be a shortuuid of 22 characters or a UUID',
  })
  .meta({ examples: ['CXc85b4rqinB7s5J52TRYb'] })

/** An instant of an answer: UTC, ISO 8601 with milliseconds. */
export const timestampSchema = z.iso.datetime().meta({ examples: ['2026-11-21T09:30:00.000Z'] })

/**
 * A text of `min` to `max` characters, counted as Unicode code points, as JSON Schema and Python count.
 *
 * A lone surrogate is refused: it could not be stored and given back as it was.
 */
export function text(min: number, max: number) {
  return z
    .string()
    .refine((value) => !/\p{Surrogate}/u.test(value), { error: 'must be well-formed Unicode' })
    .refine((value) => hasLength(value, min, max), {
      error: min === 0 ? `must have at most ${max} characters` : `must have ${min} to ${max} characters`,
    })
    .meta(min === 0 ? { maxLength: max } : { minLength: min, maxLength: max })
}

function hasLength(value: string, min: number, max: number): boolean {
  // Code points are only counted where the answer depends on them: a code unit is at most a code point.
  if (value.length < min) return false
  if (value.length > max * 2) return false
  if (value.length <= max && (min <= 1 || value.length >= min * 2)) return true
  const length = [...value].length
  return length >= min && length <= max
}

/** Developer-attached key/value data as it is answered: flat, never null. */
export const metadataSchema = z.record(z.string(), z.string()).meta({ examples: [{ aisle: '7' }] })
export type Metadata = z.infer<typeof metadataSchema>

/** The most keys the merged metadata of one object may have (contracts 1.9). */
export const metadataKeyLimit = 50

/**
 * A write to metadata: it merges. Keys left out are kept, `""` deletes a key, `{}` or `null` clears all.
 *
 * The limit of 50 keys is one on the merged result, so it is not checked here.
 */
export const metadataPatchSchema = z
  .record(text(1, 40), text(0, 500))
  .nullable()
  .meta({ examples: [{ aisle: '7' }] })
export type MetadataPatch = z.infer<typeof metadataPatchSchema>

/** The part of a paged answer that tells where in the whole list it lies. */
export const paginationSchema = z
  .object({
    page: z.int(),
    page_size: z.int(),
    total_count: z.int(),
    total_pages: z.int(),
    has_next: z.boolean(),
    has_previous: z.boolean(),
  })
  .meta({ id: 'Pagination' })
export type Pagination = z.infer<typeof paginationSchema>

/** One page of a list: `data` and where it lies. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), pagination: paginationSchema })
}

/** Query parameters of every paged list; 1-indexed, at most 100 a page. */
export const pageQueryShape = {
  page: z.coerce.number().int().min(1).max(1_000_000).default(1),
  page_size: z.coerce.number().int().min(1).max(100).default(25),
}

/**
 * For parsing foreign answers: a text that may be null or missing.
 */
export const foreignText = z
  .string()
  .nullish()
  .transform((value) => value ?? '')

/** For parsing foreign answers: a text or null; missing counts as null, and so does an empty one. */
export const foreignTextOrNull = z
  .string()
  .nullish()
  .transform((value) => (value === undefined || value === '' ? null : value))

/** For parsing foreign answers: any object, or an empty one in place of null, missing or another type. */
export const foreignRecord = z.record(z.string(), z.unknown()).catch({})

/** For parsing foreign answers: a closed list of words; any other word becomes `unknown`. */
export function foreignWord<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum([...words, 'unknown']).catch('unknown')
}

/** For parsing foreign answers: a page of a list, its items in `data`; a bare array is read as a page too. */
export function foreignPageOf<Item extends z.ZodType>(item: Item) {
  return z
    .union([z.array(item), z.looseObject({ data: z.array(item) }).transform((page) => page.data)])
    .transform((data) => ({ data }))
}
