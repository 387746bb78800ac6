import { closeSync, fstatSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import sharp from 'sharp'
import type { Metadata, OutputInfo, Sharp } from 'sharp'
import { fail, ok } from '#contract/result.ts'
import type { Result } from '#contract/result.ts'
import { maxPhotoBytes } from '#contract/station/http.ts'
import type { UploadFormat } from '#contract/station/settings.ts'
import type { DecodeOptions } from '#domain/decoding/engine.ts'
import { isTrap, longestSide } from '#domain/decoding/zxing.ts'
import { imageTypeOf } from '#domain/image-type.ts'
import type { ImageType } from '#domain/image-type.ts'
import { isSealed, openSealed, seal, sealBytes } from '#sealing/index.ts'
import type { Decoder } from './decode.ts'
import { lumaOf } from './luma.ts'
import { orientationOf, toStored, toUpright, turnOf, uprightSize } from './orientation.ts'
import type { Orientation, Size } from './orientation.ts'
import { perceptualHash } from './perceptual-hash.ts'
import type { JudgeInput, Judgement, PhotoInput, PhotoReading, RegionInput, RegionReading } from './photo-reading.ts'
import { judge } from './quality.ts'
import type { CodesInput, CodesReading, FoundCode, Point } from './reading.ts'

/** Opens image files; runs in the imaging process only, since it is where sharp lives. */
export interface PhotoReader {
  /** Reads a capture's photo and writes its derivative and thumbnail. JPEG, PNG and WebP only, by signature. */
  photo(input: PhotoInput): Promise<Result<PhotoReading>>
  /** Says how fit a photo is to be read from, and writes nothing. */
  judge(input: JudgeInput): Promise<Result<Judgement>>
  /** Judges a picture of its own, so that what judges is loaded and compiled before there is a photo. */
  rehearse(): Promise<Result<Judgement>>
  /** Reads the codes of any image that sharp opens. */
  codes(input: CodesInput): Promise<Result<CodesReading>>
  /** Writes a part of a photo as a JPEG. */
  region(input: RegionInput): Promise<Result<RegionReading>>
}

/** Decoder bombs: a few kilobytes may unfold to this many pixels and no more. */
const maxPixels = 100_000_000
/** The decoder gets at most this many pixels (72 MB at three bytes each); larger images are scaled down first. */
const maxDecodedPixels = 24_000_000
/** What the decoder gets the second time when an image ended it the first. */
const maxDecodedAgainPixels = 2_000_000
const derivativeSide = 2048
const derivativeSize: Size = { width: derivativeSide, height: derivativeSide }
/** What is judged has at least this share of the derivative's pixels along a side, so that the same limits hold. */
const minJudgedShare = 0.9
const thumbnailSide = 320
const thumbnailQuality = 75
const regionQuality = 90

const sharpNames: Readonly<Record<ImageType, string>> = {
  'image/jpeg': 'jpeg',
  'image/png': 'png',
  'image/webp': 'webp',
}

/** WebP's effort 2 of 6: half the time of the default 4 for 3 % more bytes. */
const encode: Readonly<Record<UploadFormat, (image: Sharp) => Sharp>> = {
  jpeg: (image) => image.jpeg({ quality: 85 }),
  webp: (image) => image.webp({ quality: 80, effort: 2 }),
}

/** The only loaders of libvips that may touch a file: no SVG, PDF or other format that is a program. */
const loaders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'].map((name) => `VipsForeignLoad${name}`)

/** An image file: all its bytes, or where it is. */
type Source = Uint8Array | string

/** An image in memory: red, green, blue, a byte each. */
interface Bitmap {
  readonly data: Buffer
  readonly info: OutputInfo
}

/**
 * Makes the reader and sets sharp up for a process that reads one image after another. Without a decoder it finds no
 * codes. With a key (32 bytes) it opens what is sealed, and seals what it writes; what it reads is in memory only.
 *
 * A photo is decoded once and its pixels are in memory once: the decoder reads them while the derivative is scaled out of
 * them, and everything else is made of the derivative's few pixels. Of larger photos than the decoder gets the derivative
 * streams from the file's bytes. Nothing is turned before it is small: codes are placed by arithmetic (docs/adr/0003).
 */
export function createPhotoReader(createDecoder: (() => Decoder) | null, key: Uint8Array | null = null): PhotoReader {
  sharp.cache(false)
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: loaders })
  let decoder = createDecoder?.()

  /**
   * A trap leaves the WebAssembly behind in no order at all, so a new decoder takes its place, and the image is read once
   * more, smaller. A photo without its codes is still a photo.
   */
  async function codesOf(
    path: string,
    bytes: Uint8Array,
    metadata: Metadata,
    options?: DecodeOptions,
    bitmap?: Bitmap,
  ): Promise<readonly FoundCode[]> {
    for (const most of [maxDecodedPixels, maxDecodedAgainPixels]) {
      if (!createDecoder || !decoder) break
      try {
        const current = decoder
        const pixels = most === maxDecodedPixels && bitmap ? bitmap : await bitmapOf(bytes, metadata, most)
        return await findCodes(pixels, metadata, (taken) => current.decode(taken, options))
      } catch (error) {
        if (!isTrap(error)) throw error
        process.stderr.write(`the decoder failed on ${path}: ${(error as Error).stack}\n`)
        decoder = createDecoder()
      }
    }
    return []
  }

  /**
   * Writes the outputs, all or none. The process has nothing else to do meanwhile: handing a few system calls to another
   * thread costs more than they take.
   */
  function writeAll(outputs: readonly (readonly [path: string, bytes: Uint8Array])[]): void {
    try {
      for (const [path, bytes] of outputs) writeFileSync(path, key === null ? bytes : seal(bytes, key))
    } catch (error) {
      for (const [path] of outputs) rmSync(path, { force: true })
      throw error
    }
  }

  return {
    async photo({ path, derivativePath, thumbnailPath, uploadFormat = 'jpeg', decode }) {
      return reading(async () => {
        const read = readWhole([path], key)
        if (!read.ok) return read
        const { bytes } = read.value
        const opened = await openPhoto(bytes)
        if (!opened.ok) return opened
        const { mediaType, metadata } = opened.value
        const orientation = orientationOf(metadata.orientation)
        const isShared = decoder !== undefined && metadata.width * metadata.height <= maxDecodedPixels
        const bitmap = isShared ? await bitmapOf(bytes, metadata, maxDecodedPixels) : undefined
        const whole = bitmap ? ofBitmap(bitmap) : openSrgb(bytes, metadata)
        const [codes, small] = await Promise.all([
          codesOf(path, bytes, metadata, decode, bitmap),
          scaled(whole, derivativeSize).then((one) => turned(one, orientation)),
        ])
        const encoding = Promise.all([
          encode[uploadFormat](ofBitmap(small)).toBuffer(),
          ofBitmap(small)
            .resize({ width: thumbnailSide, height: thumbnailSide, fit: 'inside', withoutEnlargement: true })
            .webp({ quality: thumbnailQuality })
            .toBuffer(),
        ])
        const upright = uprightSize(metadata, orientation)
        const hash = perceptualHash({ ...small.info, channels: 3, data: bytesOf(small) })
        const [derivative, thumbnail] = await encoding
        writeAll([
          [derivativePath, derivative],
          [thumbnailPath, thumbnail],
        ])
        return ok({
          mediaType,
          widthPixels: upright.width,
          heightPixels: upright.height,
          codes,
          derivative: {
            widthPixels: small.info.width,
            heightPixels: small.info.height,
            bytes: derivative.byteLength,
          },
          perceptualHash: hash,
        })
      })
    },

    judge: ({ path, incoming }) =>
      reading(async () => {
        // Read at once: the file may get its name while it is looked at.
        const paths = incoming === undefined ? [path] : [incoming, path]
        const read = readWhole(paths, key)
        return read.ok ? judgeBytes(read.value.bytes, read.value.isSealed ? [] : paths) : read
      }),

    rehearse: () => reading(async () => judgeBytes(await drawPrint())),

    async codes({ path, decode }) {
      const startedMs = performance.now()
      return reading(async () => {
        const read = readWhole([path], key)
        if (!read.ok) return read
        const { bytes } = read.value
        const codes = await codesOf(path, bytes, await openImage(bytes).metadata(), decode)
        return ok({ codes, ms: Math.round((performance.now() - startedMs) * 10) / 10 })
      })
    },

    async region({ path, region, maxWidthPixels, outputPath }) {
      return reading(async () => {
        const read = readWhole([path], key)
        if (!read.ok) return read
        const { bytes } = read.value
        if (!imageTypeOf(bytes)) return fail('unreadable_image', 'the file is not a JPEG, PNG or WebP image')
        const metadata = await openImage(bytes).metadata()
        const orientation = orientationOf(metadata.orientation)
        const upright = uprightSize(metadata, orientation)
        if (region.x + region.width > upright.width || region.y + region.height > upright.height) {
          return fail('invalid_input', `the region is not inside of ${upright.width} x ${upright.height} pixels`)
        }
        const { x: left, y: top, width, height } = toStored(region, metadata, orientation)
        const scale = Math.min(1, maxWidthPixels / region.width)
        const small = await scaled(openSrgb(bytes, metadata).extract({ left, top, width, height }), {
          width: Math.max(1, Math.round(width * scale)),
          height: Math.max(1, Math.round(height * scale)),
        })
        const part = await turned(small, orientation)
        writeAll([[outputPath, await ofBitmap(part).jpeg({ quality: regionQuality }).toBuffer()]])
        return ok({ widthPixels: part.info.width, heightPixels: part.info.height })
      })
    },
  }
}

/** What a capture's photo is by its first bytes, and by its header: the same. */
async function openPhoto(
  image: Uint8Array,
): Promise<Result<{ readonly mediaType: ImageType; readonly metadata: Metadata }>> {
  const mediaType = imageTypeOf(image)
  if (!mediaType) return fail('unreadable_image', 'the file is not a JPEG, PNG or WebP image')
  const metadata = await openImage(image).metadata()
  return metadata.format === sharpNames[mediaType]
    ? ok({ mediaType, metadata })
    : fail('unreadable_image', `the file begins as ${mediaType} but holds ${metadata.format}`)
}

/** Judges a photo by its bytes, and faster by the files that they may be in as they are. */
async function judgeBytes(bytes: Uint8Array, paths: readonly string[] = []): Promise<Result<Judgement>> {
  const opened = await openPhoto(bytes)
  if (!opened.ok) return opened
  const { mediaType, metadata } = opened.value
  const small =
    (mediaType === 'image/jpeg' ? await openReduced(paths, metadata) : null) ??
    (await scaled(openSrgb(bytes, metadata), derivativeSize))
  const scale = Math.max(metadata.width, metadata.height) / Math.max(small.info.width, small.info.height)
  const upright = await turned(small, orientationOf(metadata.orientation))
  const luma = lumaOf(bytesOf(upright), upright.info.width, upright.info.height)
  return ok({ quality: judge(luma, scale), perceptualHash: perceptualHash({ ...luma, channels: 1 }) })
}

/** A JPEG of lines of what has the shape of letters. */
function drawPrint(): Promise<Uint8Array> {
  const [width, height] = [1024, 768]
  const data = Buffer.alloc(width * height, 220)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const isLetter = x % 14 < 9 && y % 28 < 15
      if (isLetter && (x % 14 < 3 || (y % 28) % 6 < 3)) data[y * width + x] = 30
    }
  }
  return sharp(data, { raw: { width, height, channels: 1 } })
    .toColourspace('srgb')
    .jpeg()
    .toBuffer()
}

/**
 * A JPEG about as large as its derivative, opened at a half, a quarter or an eighth, which takes half the time and less; null
 * where it is too small for that, or was not opened so. sharp itself reduces by two only where it scales down by three: the
 * word for libvips stands behind the file's name.
 */
async function openReduced(paths: readonly string[], metadata: Metadata): Promise<Bitmap | null> {
  const longest = Math.max(metadata.width, metadata.height)
  const by = [8, 4, 2].find((each) => longest / each >= derivativeSide * minJudgedShare)
  if (by === undefined) return null
  for (const path of paths) {
    try {
      return await scaled(openSrgb(`${path}[shrink=${by}]`, metadata), derivativeSize)
    } catch {
      // It got its name meanwhile, or it is broken: whoever opens it whole finds out.
    }
  }
  return null
}

function openImage(image: Source): Sharp {
  return sharp(image, { failOn: 'error', limitInputPixels: maxPixels })
}

/** The image as it is stored, in sRGB, on white where it is transparent; without its metadata. */
function openSrgb(source: Source, { hasAlpha, space }: Metadata): Sharp {
  const image = openImage(source)
  // Each step costs a tenth of the photo's time, even where it changes nothing; profiles are applied without being asked.
  const opaque = hasAlpha ? image.flatten({ background: '#ffffff' }) : image
  return space === 'srgb' ? opaque : opaque.toColourspace('srgb')
}

function scaled(image: Sharp, { width, height }: Size): Promise<Bitmap> {
  return image
    .resize({ width, height, fit: 'inside', withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true })
}

function ofBitmap({ data, info }: Bitmap): Sharp {
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } })
}

async function turned(bitmap: Bitmap, orientation: Orientation): Promise<Bitmap> {
  if (orientation === 1) return bitmap
  const { flip, degrees } = turnOf(orientation)
  return ofBitmap(bitmap).flip(flip).rotate(degrees).raw().toBuffer({ resolveWithObject: true })
}

/** A plain array of bytes is read faster than Node's Buffer. */
function bytesOf({ data }: Bitmap): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/** The stored image, scaled down to at most so many pixels, and to what the decoder takes. */
function bitmapOf(bytes: Uint8Array, metadata: Metadata, most: number): Promise<Bitmap> {
  const { width, height } = metadata
  const scale = Math.min(1, Math.sqrt(most / (width * height)), longestSide / Math.max(width, height))
  const image = openSrgb(bytes, metadata)
  return (scale < 1 ? image.resize({ width: Math.max(1, Math.floor(width * scale)) }) : image)
    .raw()
    .toBuffer({ resolveWithObject: true })
}

/** Reads the codes of the stored image and places them in the upright one. */
async function findCodes({ data, info }: Bitmap, metadata: Metadata, decode: Decoder['decode']): Promise<FoundCode[]> {
  const stored: Size = metadata
  const codes = await decode({ data, channels: 3, width: info.width, height: info.height })
  const orientation = orientationOf(metadata.orientation)
  const move = ({ x, y }: Point): Point => {
    const upright = toUpright(
      { x: (x * stored.width) / info.width, y: (y * stored.height) / info.height },
      stored,
      orientation,
    )
    return { x: Math.round(upright.x), y: Math.round(upright.y) }
  }
  return codes.map((code) => (info.width === stored.width && orientation === 1 ? code : moved(code, move)))
}

/** A code in its place in the upright image; its corners are named by that place, clockwise from the top left. */
function moved(code: FoundCode, move: (point: Point) => Point): FoundCode {
  const { topLeft, topRight, bottomRight, bottomLeft } = code.position
  const corners = [topLeft, topRight, bottomRight, bottomLeft].map(move)
  const centre = {
    x: corners.reduce((sum, { x }) => sum + x, 0) / 4,
    y: corners.reduce((sum, { y }) => sum + y, 0) / 4,
  }
  const angle = ({ x, y }: Point): number => Math.atan2(y - centre.y, x - centre.x)
  const [first = topLeft, second = topRight, third = bottomRight, fourth = bottomLeft] = corners.toSorted(
    (one, other) => angle(one) - angle(other),
  )
  return { ...code, position: { topLeft: first, topRight: second, bottomRight: third, bottomLeft: fourth } }
}

/** What the first of these files that is there holds, and whether it was sealed. Throws a `SealError`. */
function readWhole(
  paths: readonly string[],
  key: Uint8Array | null,
): Result<{ readonly bytes: Uint8Array; readonly isSealed: boolean }> {
  for (const path of paths) {
    const read = readFile(path)
    if (!read.ok && read.error.code === 'not_found') continue
    if (!read.ok) return read
    const bytes = openSealed(read.value, key)
    if (bytes.length > maxPhotoBytes) return tooLarge
    return bytes.length === 0
      ? fail('unreadable_image', 'the file is empty')
      : ok({ bytes, isSealed: isSealed(read.value) })
  }
  return fail('not_found', 'there is no such file')
}

const tooLarge = fail('too_large', `the file has more than ${maxPhotoBytes} bytes`)

/** The bytes of a file that is there, is a file and is not too large. */
function readFile(path: string): Result<Uint8Array> {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const stat = fstatSync(file)
    if (!stat.isFile()) return fail('invalid_input', 'not a file')
    if (stat.size > maxPhotoBytes + sealBytes) return tooLarge
    const bytes = new Uint8Array(stat.size)
    return ok(bytes.subarray(0, readSync(file, bytes)))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return fail('not_found', 'there is no such file')
    if (code === 'EISDIR') return fail('invalid_input', 'not a file')
    return fail('unreadable_image', `the file cannot be opened: ${code}`)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** Runs what opens an image and turns libvips' refusals into failures; what the disk refuses is thrown on. */
async function reading<T>(work: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOSPC' || code === 'EROFS' || code === 'EDQUOT') return fail('storage_full', error.message)
    if (code !== undefined) throw error
    if (/exceeds pixel limit|too large/i.test(error.message)) {
      return fail('too_large', `the image has more than ${maxPixels} pixels`)
    }
    return fail('unreadable_image', error.message.split('\n')[0] ?? 'unreadable')
  }
}
