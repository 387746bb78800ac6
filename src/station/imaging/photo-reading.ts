import type { PhotoQuality } from '#contract/station/photo-quality.ts'
import type { UploadFormat } from '#contract/station/settings.ts'
import type { DecodeOptions } from '#domain/decoding/engine.ts'
import type { ImageType } from '#domain/image-type.ts'
import type { Region } from './orientation.ts'
import type { FoundCode } from './reading.ts'

/**
 * A photo to read; both outputs are replaced when they exist. They are not synced to disk: whoever adopts them does
 * (`Media.adopt`), while the process is at the next photo already.
 */
export interface PhotoInput {
  readonly path: string
  readonly derivativePath: string
  readonly thumbnailPath: string
  /** What the derivative is written as; JPEG when it is not said. */
  readonly uploadFormat?: UploadFormat
  /** The formats to look for and the effort to make; all formats, as for a photo, when it is not said. */
  readonly decode?: DecodeOptions
}

/** What a photo holds; its derivative and thumbnail are written when this is answered. */
export interface PhotoReading {
  readonly mediaType: ImageType
  /** Of the upright original. */
  readonly widthPixels: number
  readonly heightPixels: number
  readonly codes: readonly FoundCode[]
  /** The upload-ready image that was written. */
  readonly derivative: { readonly widthPixels: number; readonly heightPixels: number; readonly bytes: number }
  /** 64 hexadecimal digits; photos that look the same differ in few bits (`differingBits`). */
  readonly perceptualHash: string
}

/** A photo that somebody has just taken: how fit it is to be read from. */
export interface JudgeInput {
  readonly path: string
  /** Where its bytes are until they are in `path`, for a photo that is being made durable. */
  readonly incoming?: string
}

/**
 * Judged by the pixels of an image as large as the derivative, the size of print by the original's; whether it is a
 * repetition, only the store knows.
 */
export interface Judgement {
  readonly quality: PhotoQuality
  /** As the reading of the photo will have it, but for a few bits. */
  readonly perceptualHash: string
}

/** A part of an image that is wanted as an image of its own. */
export interface RegionInput {
  readonly path: string
  /** In pixels of the upright original; `invalid_input` where it is not inside of it. */
  readonly region: Region
  /** The region is scaled down to this; never up. */
  readonly maxWidthPixels: number
  /** Where the JPEG is written. It can be made again at any time and is not synced to disk. */
  readonly outputPath: string
}

export interface RegionReading {
  readonly widthPixels: number
  readonly heightPixels: number
}
