import type { Clock } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { PhotoOutcome, Scan, ScanOutcome } from '#contract/station/capture.ts'
import type { PhotoRole } from '#contract/station/camera-settings.ts'
import type { PhotoQuality } from '#contract/station/photo-quality.ts'
import { completed, showsMore } from '#domain/photo-verdict.ts'
import type { UploadFormat } from '#contract/station/settings.ts'
import type { Session } from '#contract/station/session.ts'
import { readControlCode } from '#domain/control-code.ts'
import { formatsOfGroup } from '#domain/decoding/groups.ts'
import { readScan } from '#domain/scan.ts'
import type { Capturing } from '#station/capture/capture.ts'
import type { Imaging } from '#station/imaging/imaging.ts'
import type { Judgement } from '#station/imaging/photo-reading.ts'
import type { FoundCode } from '#station/imaging/reading.ts'
import { isStorageError } from '#station/store/database.ts'
import type { PhotoRecord, Photos } from '#station/store/photos.ts'
import type { Store } from '#station/store/store.ts'

/** A product under the cameras: its photos are its own, whatever codes are in them. */
export interface ItemOfPhoto {
  /** What the photo shows. */
  readonly view: PhotoRole
  /** The capture of the item's code; null when that is not there. */
  readonly ofCapture: string | null
  /** Told of the photo as soon as it is durable and judged by its picture alone: it is not captured yet. */
  readonly seen: (photo: string, quality: PhotoQuality) => void
  /** The verdict as the item sees it; without codes while they are being read. */
  readonly judge: (
    photo: Pick<PhotoRecord, 'hash'> & {
      readonly quality: PhotoQuality
      readonly codes: PhotoRecord['codes'] | null
    },
  ) => PhotoQuality
}

/**
 * Takes a photo in: the original durable first, judged meanwhile, then read, then captured. Nothing is said of it before
 * it is durable.
 *
 * In a `barcode_scan` session each code is a BARCODE capture and the photo its evidence; without a code, and in
 * the other modes, the photo itself is an IMAGE capture to be uploaded. Several codes of one item are one capture. With
 * an `item` the photo is one of its views, and its codes only have to agree with it.
 * A photo that cannot be read is refused with `unreadable_image`, and its bytes stay in the media store; one that is
 * only bad is saved, and the answer says what is wrong with it.
 */
export async function takePhoto(options: {
  store: Store
  imaging: Imaging
  capturing: Capturing
  bytes: ReadableStream<Uint8Array>
  maxBytes: number
  session: Session
  deviceName: string
  role: PhotoRole | null
  item: ItemOfPhoto | null
  uploadFormat: UploadFormat
  /** Waited for between reading and capturing: photos that are read side by side are captured one after the other. */
  turn: Promise<unknown>
  clock: Clock
}): Promise<Result<PhotoOutcome>> {
  const { store, imaging, capturing, session, deviceName, role, item, uploadFormat, turn, clock } = options
  const takenAt = clock.now().toISOString()
  const kept = await keep(options)
  if (!kept.ok) return kept
  const { photo, judging } = kept.value

  const judged = await judging
  if (!judged.ok) return judged
  if (item) {
    const alike = store.photos.findAlike(session.id, judged.value.perceptualHash)
    const quality = compared(judged.value.quality, store.photos, alike)
    item.seen(photo, item.judge({ hash: photo, quality, codes: null }))
  }
  const derivativePath = store.media.temporaryPath('')
  const thumbnailPath = store.media.temporaryPath('')
  const reading = await imaging.photo({
    path: store.media.path(photo),
    derivativePath,
    thumbnailPath,
    uploadFormat,
    decode: { formats: formatsOfGroup(session.formats) },
  })
  if (!reading.ok) return reading
  await turn
  // A control barcode that happens to be in the picture asks for nothing, and is no item either.
  const items = reading.value.codes.filter((code) => readControlCode(code.text).kind === 'none')
  const scans = items.map((code) => toScan(code, deviceName))
  const alone = completed(
    judged.value.quality,
    session.captureMode === 'barcode_scan' && scans.length === 0 ? ['no_code'] : [],
  )
  const { widthPixels, heightPixels, perceptualHash } = reading.value
  const codes = items.map((code) => ({
    gtin: readScan(toScan(code, deviceName), { now: clock.now() }).gtin,
    degrees: directionOf(code),
  }))
  const recorded = await record(store, derivativePath, thumbnailPath, (outputs) => {
    const quality = compared(alone, store.photos, store.photos.findAlike(session.id, perceptualHash))
    const known = { sessionId: session.id, takenAt, widthPixels, heightPixels, perceptualHash, quality, codes }
    store.photos.put({ hash: photo, ...known, ...outputs })
    return { quality, upload: outputs.upload }
  })
  if (!recorded.ok) return recorded
  const { quality, upload } = recorded.value

  const results: Result<ScanOutcome>[] = item
    ? [await capturing.image({ photo, upload, role: item.view, ofCapture: item.ofCapture }, [], deviceName)]
    : session.captureMode === 'barcode_scan' && scans.length > 0
      ? await Promise.all(scans.map((scan) => capturing.codeOf({ photo, upload: null, role }, scan)))
      : [await capturing.image({ photo, upload, role }, scans, deviceName)]
  const refused = results.find((result) => !result.ok)
  if (refused && !refused.ok) return refused
  return ok({
    photo,
    outcomes: results.flatMap((result) => (result.ok ? [result.value] : [])),
    codes: reading.value.codes.map((code) => ({ text: code.text, symbology: code.symbology, addOn: code.addOn })),
    widthPixels,
    heightPixels,
    quality: item ? item.judge({ hash: photo, quality, codes }) : quality,
  })
}

/** Adds what the photos of the session tell that look like this one: a repetition shows no more than one of them. */
function compared(quality: PhotoQuality, photos: Photos, alike: ReturnType<Photos['findAlike']>): PhotoQuality {
  const repeats = alike.find(({ photo }) => {
    const former = photos.qualityOf(photo)
    return former === null || !showsMore(quality, former)
  })
  if (repeats) return { ...completed(quality, ['repeated']), repeats }
  return { ...quality, improves: alike[0] ?? null }
}

/** Makes the photo durable, and has it judged as soon as its bytes are there: the disk takes its time. */
async function keep(options: {
  store: Store
  imaging: Imaging
  bytes: ReadableStream<Uint8Array>
  maxBytes: number
}): Promise<Result<{ readonly photo: string; readonly judging: Promise<Result<Judgement>> }>> {
  const { store, imaging, bytes, maxBytes } = options
  const { promise: judging, resolve: judge } = Promise.withResolvers<Result<Judgement>>()
  try {
    const { hash } = await store.media.put(bytes, maxBytes, (file) => judge(imaging.judge(file)))
    return ok({ photo: hash, judging })
  } catch (error) {
    if (error instanceof RangeError) return fail('too_large', error.message)
    return diskRefusal(error) ?? fail('invalid_input', `the photo did not arrive whole: ${(error as Error).message}`)
  }
}

/**
 * Takes the derivative and the thumbnail into the media store and has the photo written down, in one go with the look at
 * those before it: of two alike that arrive at once the second has to see the first.
 */
async function record<T>(
  store: Store,
  derivativePath: string,
  thumbnailPath: string,
  write: (outputs: Pick<PhotoRecord, 'upload' | 'thumbnail'>) => T,
): Promise<Result<T>> {
  try {
    const [upload, thumbnail] = await Promise.all([store.media.adopt(derivativePath), store.media.adopt(thumbnailPath)])
    return ok(write({ upload, thumbnail }))
  } catch (error) {
    const refusal = diskRefusal(error)
    if (refusal) return refusal
    throw error
  }
}

function diskRefusal(error: unknown): Result<never> | null {
  const code = (error as { code?: unknown }).code
  const isDisk = isStorageError(error) || code === 'ENOSPC' || code === 'EROFS' || code === 'EDQUOT'
  return isDisk ? fail('storage_full', `the photo was not saved: ${(error as Error).message}`) : null
}

/** How far a code's reading direction is turned clockwise from left to right, in degrees from 0 to 360. */
function directionOf({ position: { topLeft, topRight } }: FoundCode): number | null {
  const [x, y] = [topRight.x - topLeft.x, topRight.y - topLeft.y]
  return x === 0 && y === 0 ? null : Math.round((Math.atan2(y, x) * 180) / Math.PI + 360) % 360
}

function toScan(code: FoundCode, deviceName: string): Scan {
  return {
    data: code.text,
    ...(code.symbologyIdentifier === '' ? {} : { aim: code.symbologyIdentifier }),
    symbology: code.symbology,
    ...(code.addOn === null ? {} : { addOn: code.addOn }),
    source: 'photo',
    deviceName,
  }
}
