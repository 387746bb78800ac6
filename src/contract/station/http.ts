/**
 * The station's few HTTP paths, for what is bytes and not messages. Both hosts serve them on the window's
 * own origin through one `(Request) => Promise<Response>` function; expected failures are JSON `AppError` bodies.
 *
 * - `PUT /media/photos?session=<id>&device=<name>&role=<photo role>` with the image as body: 201 and a `PhotoOutcome`,
 *   after the commit.
 * - `GET /media/<sha256>`: the original photo; `?size=thumbnail` for a WebP of at most 320 pixels a side.
 * - `GET /exports/<session id>.<ndjson|csv|xlsx>`: the session's captures as a download.
 */
export const stationPaths = {
  photos: '/media/photos',
  media: (hash: string): string => `/media/${hash}`,
  thumbnail: (hash: string): string => `/media/${hash}?size=thumbnail`,
  export: (sessionId: string, format: ExportFormat): string => `/exports/${sessionId}.${format}`,
} as const

export const exportFormats = ['ndjson', 'csv', 'xlsx'] as const
export type ExportFormat = (typeof exportFormats)[number]

/** The largest photo a window may hand in, in bytes; the upload-ready derivative is far smaller. */
export const maxPhotoBytes = 60 * 1024 * 1024
