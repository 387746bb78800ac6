import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import sharp from 'sharp'
import type { Metadata, Sharp } from 'sharp'
import { fail, ok } from '#contract/result.ts'
import type { Result } from '#contract/result.ts'
import { maxPhotoBytes } from '#contract/station/http.ts'
import type { Decoder } from './decode.ts'
import type { CodesInput, CodesReading, FoundCode, PhotoInput, PhotoReading, Point } from './reading.ts'
import { writeDurably } from './write-durably.ts'

/** Opens image files; runs in the imaging process only, since it is where sharp lives. */
export interface PhotoReader {
  /** Reads a capture's photo and writes its derivative and thumbnail. JPEG, PNG and WebP only, by signature. */
  photo(input: PhotoInput): Promise<Result<PhotoReading>>
  /** Reads the codes of any image that sharp opens. */
  codes(input: CodesInput): Promise<Result<CodesReading>>
}

/** Decoder bombs: a few kilobytes may unfold to this many pixels and no more. */
const maxPixels = 100_000_000
/** The decoder gets at most this many pixels (96 MB, twice, at four bytes each); larger images are scaled down first. */
const maxDecodedPixels = 24_000_000
const derivativeSide = 2048
const derivativeQuality = 85
const thumbnailSide = 320
const thumbnailQuality = 75

/** What photos come as: the signature, as bytes at an offset, of each format that a capture may have. */
const captureFormats = {
  'image/jpeg': { sharpName: 'jpeg', signature: [{ offset: 0, bytes: [0xff, 0xd8, 0xff] }] },
  'image/png': {
    sharpName: 'png',
    signature: [{ offset: 0, bytes: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] }],
  },
  'image/webp': {
    sharpName: 'webp',
    signature: [
      { offset: 0, bytes: [0x52, 0x49, 0x46, 0x46] },
      { offset: 8, bytes: [0x57, 0x45, 0x42, 0x50] },
    ],
  },
} as const

type MediaType = keyof typeof captureFormats

/** The only loaders of libvips that may touch a file: no SVG, PDF or other format that is a program. */
const loaders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'].map((name) => `VipsForeignLoad${name}`)

/** Makes the reader and sets sharp up for a process that reads one image after another. */
export function createPhotoReader(decoder: Decoder): PhotoReader {
  sharp.cache(false)
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: loaders })

  return {
    async photo({ path, derivativePath, thumbnailPath }) {
      const head = await readHead(path)
      if (!head.ok) return head
      const mediaType = mediaTypeOf(head.value)
      if (!mediaType) return fail('unreadable_image', 'the file is not a JPEG, PNG or WebP image')

      return reading(async () => {
        const metadata = await openImage(path).metadata()
        if (metadata.format !== captureFormats[mediaType].sharpName) {
          return fail('unreadable_image', `the file begins as ${mediaType} but holds ${metadata.format}`)
        }
        const size = uprightSize(metadata)
        const codes = await findCodes(path, size, decoder)
        const derivative = await upright(path)
          .resize({ width: derivativeSide, height: derivativeSide, fit: 'inside', withoutEnlargement: true })
          .jpeg({ quality: derivativeQuality })
          .toBuffer({ resolveWithObject: true })
        const thumbnail = await sharp(derivative.data)
          .resize({ width: thumbnailSide, height: thumbnailSide, fit: 'inside', withoutEnlargement: true })
          .webp({ quality: thumbnailQuality })
          .toBuffer()
        await writeDurably(derivativePath, derivative.data)
        await writeDurably(thumbnailPath, thumbnail)
        return ok({
          mediaType,
          widthPixels: size.width,
          heightPixels: size.height,
          codes,
          derivative: {
            widthPixels: derivative.info.width,
            heightPixels: derivative.info.height,
            bytes: derivative.data.byteLength,
          },
        })
      })
    },

    async codes({ path }) {
      const startedMs = performance.now()
      const head = await readHead(path)
      if (!head.ok) return head
      return reading(async () => {
        const size = uprightSize(await openImage(path).metadata())
        const codes = await findCodes(path, size, decoder)
        return ok({ codes, ms: Math.round((performance.now() - startedMs) * 10) / 10 })
      })
    },
  }
}

interface Size {
  readonly width: number
  readonly height: number
}

function openImage(path: string): Sharp {
  return sharp(path, { failOn: 'error', limitInputPixels: maxPixels })
}

/** The image as a person sees it: turned by its EXIF orientation, in sRGB, on white where it is transparent. */
function upright(path: string): Sharp {
  return openImage(path).autoOrient().flatten({ background: '#ffffff' }).toColourspace('srgb')
}

function uprightSize({ autoOrient }: Metadata): Size {
  return { width: autoOrient.width, height: autoOrient.height }
}

async function findCodes(path: string, size: Size, decoder: Decoder): Promise<readonly FoundCode[]> {
  const scale = Math.min(1, Math.sqrt(maxDecodedPixels / (size.width * size.height)))
  const image = scale < 1 ? upright(path).resize({ width: Math.max(1, Math.floor(size.width * scale)) }) : upright(path)
  const { data, info } = await image.ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  const pixels = new Uint8ClampedArray(data.buffer, data.byteOffset, data.byteLength)
  const codes = await decoder.decode({ data: pixels, width: info.width, height: info.height })
  return scale < 1 ? codes.map((code) => scaled(code, size.width / info.width, size.height / info.height)) : codes
}

function scaled(code: FoundCode, factorX: number, factorY: number): FoundCode {
  const move = ({ x, y }: Point): Point => ({ x: Math.round(x * factorX), y: Math.round(y * factorY) })
  const { topLeft, topRight, bottomRight, bottomLeft } = code.position
  return {
    ...code,
    position: {
      topLeft: move(topLeft),
      topRight: move(topRight),
      bottomRight: move(bottomRight),
      bottomLeft: move(bottomLeft),
    },
  }
}

/** The first bytes of a file that is there, is a file and is not too large. */
async function readHead(path: string): Promise<Result<Uint8Array>> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    const stat = await file.stat()
    if (!stat.isFile()) return fail('invalid_input', 'not a file')
    if (stat.size > maxPhotoBytes) return fail('too_large', `the file has more than ${maxPhotoBytes} bytes`)
    const { buffer, bytesRead } = await file.read(new Uint8Array(16), 0, 16, 0)
    return bytesRead === 0 ? fail('unreadable_image', 'the file is empty') : ok(buffer.subarray(0, bytesRead))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return fail('not_found', 'there is no such file')
    if (code === 'EISDIR') return fail('invalid_input', 'not a file')
    return fail('unreadable_image', `the file cannot be opened: ${code}`)
  } finally {
    await file?.close()
  }
}

function mediaTypeOf(head: Uint8Array): MediaType | undefined {
  const types = Object.keys(captureFormats) as MediaType[]
  return types.find((type) =>
    captureFormats[type].signature.every(({ offset, bytes }) =>
      bytes.every((byte, index) => head[offset + index] === byte),
    ),
  )
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
