/**
 * The station's few HTTP paths, for what is bytes and not messages. Both hosts serve them on the window's
 * own origin through one `(Request) => Promise<Response>` function; expected failures are JSON `AppError` bodies.
 *
 * - `PUT /media/photos?session=<id>&device=<name>&role=<photo role>` with the image as body: 201 and a `PhotoOutcome`,
 *   after the commit, 409 when that session has ended; with `&item=<id>`, 409 when another product is open at the desk
 *   than that, and with `&replaces=<capture id>` it stands in for that photo.
 * - `GET /media/<sha256>`: the original photo; `?size=thumbnail` for a WebP of at most 320 pixels a side.
 * - `GET /media/<sha256>?region=<x>,<y>,<width>,<height>&width=<pixels>`: a part of the original as a JPEG, upright,
 *   without metadata. The region is in whole pixels of the upright original and lies inside of it (400 otherwise);
 *   `width` (1 to 4096, default 1024) is the most that the answer is wide: it is scaled down to it, never up.
 * - `GET /exports/<session id>.<ndjson|csv|xlsx>`: the session's captures as a download; with `?only=refused` those that wait
 *   for a person.
 * - `GET /exports/products.<csv|xlsx|json>?q=<words>`: the products that the words fit, after the backend was asked for them; the
 *   file's name ends in `-as-known-here` when it could not be.
 * - `GET /exports/drill.pdf`: the sheet of the last drill that was begun in the window.
 * - `GET /exports/<session id>.certificate.<pdf|json>`: what the session came to up to now, with the ledger's head.
 * - `GET /exports/once/<id>`: what a procedure has made for one fetch (contract/station/upkeep.ts), within some minutes.
 */
export const stationPaths = {
  photos: '/media/photos',
  media: (hash: string): string => `/media/${hash}`,
  thumbnail: (hash: string): string => `/media/${hash}?size=thumbnail`,
  region: (hash: string, { x, y, width, height }: PhotoRegion, maxWidthPixels = 1024): string =>
    `/media/${hash}?region=${x},${y},${width},${height}&width=${maxWidthPixels}`,
  drillSheet: '/exports/drill.pdf',
  once: (id: string): string => `/exports/once/${id}`,
  products: (format: ProductExportFormat, words: string): string =>
    `/exports/products.${format}?q=${encodeURIComponent(words)}`,
  certificate: (sessionId: string, format: CertificateFormat): string => `/exports/${sessionId}.certificate.${format}`,
  export: (sessionId: string, format: ExportFormat, which: ExportedCaptures = 'all'): string =>
    `/exports/${sessionId}.${format}${which === 'all' ? '' : `?only=${which}`}`,
} as const

/** A part of a photo, in whole pixels of the upright original from its top left. */
export interface PhotoRegion {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** The widest answer to a region's request, in pixels. */
export const maxRegionWidthPixels = 4096

export const certificateFormats = ['pdf', 'json'] as const
export type CertificateFormat = (typeof certificateFormats)[number]

export const exportFormats = ['ndjson', 'csv', 'xlsx'] as const
export type ExportFormat = (typeof exportFormats)[number]

export const productExportFormats = ['csv', 'xlsx', 'json'] as const
export type ProductExportFormat = (typeof productExportFormats)[number]

/** `refused`: what the backend refused, or may have or not: it waits for a person. */
export type ExportedCaptures = 'all' | 'refused'

/** The largest photo a window may hand in, in bytes; the upload-ready derivative is far smaller. */
export const maxPhotoBytes = 60 * 1024 * 1024
