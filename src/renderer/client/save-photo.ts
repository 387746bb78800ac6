import { fail } from '#contract/result.ts'
import type { AppError, Result } from '#contract/result.ts'
import type { PhotoRole } from '#contract/station/camera-settings.ts'
import type { PhotoOutcome } from '#contract/station/capture.ts'
import { maxPhotoBytes, stationPaths } from '#contract/station/http.ts'

/** Hands one photo to the station, with what is known of who took it, of what, and instead of which; the answer comes after its commit. */
export async function savePhoto(
  photo: Blob,
  sessionId: string,
  from: {
    readonly device?: string
    readonly role?: PhotoRole
    readonly replaces?: string
    readonly item?: string
  } = {},
): Promise<Result<PhotoOutcome>> {
  if (photo.size > maxPhotoBytes) return fail('too_large', `a photo has at most ${maxPhotoBytes} bytes`)
  try {
    const query = new URLSearchParams({ session: sessionId, ...from })
    const response = await fetch(`${stationPaths.photos}?${query.toString()}`, { method: 'PUT', body: photo })
    const body: unknown = await response.json()
    return response.ok ? { ok: true, value: body as PhotoOutcome } : { ok: false, error: body as AppError }
  } catch (cause) {
    return fail('disconnected', String(cause))
  }
}
