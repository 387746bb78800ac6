import { fail } from '#contract/result.ts'
import type { AppError, Result } from '#contract/result.ts'
import type { PhotoRole } from '#contract/station/camera-settings.ts'
import type { PhotoOutcome } from '#contract/station/capture.ts'
import { maxPhotoBytes, stationPaths } from '#contract/station/http.ts'

const underWay = new Set<Promise<unknown>>()

/** Resolves once no photo is on its way to the station. */
export async function photosSaved(): Promise<void> {
  while (underWay.size > 0) await Promise.allSettled(underWay)
}

/** Hands one photo to the station, with what is known of who took it, of what, and instead of which; the answer comes after its commit. */
export function savePhoto(
  photo: Blob,
  from: {
    readonly session?: string
    readonly device?: string
    readonly role?: PhotoRole
    readonly replaces?: string
    readonly item?: string
  } = {},
): Promise<Result<PhotoOutcome>> {
  const saving = put(photo, from)
  underWay.add(saving)
  return saving.finally(() => underWay.delete(saving))
}

async function put(photo: Blob, from: Readonly<Record<string, string>>): Promise<Result<PhotoOutcome>> {
  if (photo.size > maxPhotoBytes) return fail('too_large', `a photo has at most ${maxPhotoBytes} bytes`)
  try {
    const query = new URLSearchParams(from)
    const response = await fetch(`${stationPaths.photos}?${query.toString()}`, { method: 'PUT', body: photo })
    const body: unknown = await response.json()
    return response.ok ? { ok: true, value: body as PhotoOutcome } : { ok: false, error: body as AppError }
  } catch (cause) {
    return fail('disconnected', String(cause))
  }
}
