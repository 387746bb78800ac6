import { z } from 'zod'

/** An instant: UTC, ISO 8601 with milliseconds, as `2026-11-21T09:30:00.000Z`. */
export const instantSchema = z.iso.datetime({ precision: 3 })
export type Instant = z.infer<typeof instantSchema>

/** A local id: UUIDv7, so that ids sort by time of creation. */
export const idSchema = z.uuid()

/** A photo's address in the media store: lower-case SHA-256 of its bytes. */
export const mediaHashSchema = z.string().regex(/^[0-9a-f]{64}$/)
