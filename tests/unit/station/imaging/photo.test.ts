import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import type { Sharp } from 'sharp'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { formatsOfGroup } from '#domain/decoding/groups.ts'
import { isSealed, openSealed, seal } from '#sealing/index.ts'
import { createDecoder } from '#station/imaging/decode.ts'
import { createPhotoReader } from '#station/imaging/photo.ts'
import type { PhotoReader } from '#station/imaging/photo.ts'
import { differingBits, samePhotoBits, tellsApart } from '#domain/perceptual-hash.ts'
import { drawCode } from '../../../barcode-image.ts'
import { drawLabel } from '../../../label-image.ts'

const ean = { format: 'EAN13', text: '4006381333931' } as const
const link = { format: 'QRCode', text: 'https://id.gs1.org/01/09506000134352/10/ABC123' } as const

let folder: string
let reader: PhotoReader

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capstan-photo-'))
  reader = createPhotoReader(createDecoder)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** A sheet of the given size with both codes on it. */
async function sheet(width: number, height: number): Promise<Sharp> {
  const [left, right] = await Promise.all([drawCode(ean), drawCode(link)])
  const composed = await sharp({ create: { width, height, channels: 3, background: '#d0d0d0' } })
    .composite([
      { input: Buffer.from(left), left: 40, top: 60 },
      { input: Buffer.from(right), left: 600, top: 60 },
    ])
    .png()
    .toBuffer()
  return sharp(composed)
}

async function put(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}

function outputs(name: string) {
  return {
    derivativePath: join(folder, `${name}.derivative.jpg`),
    thumbnailPath: join(folder, `${name}.thumbnail.webp`),
  }
}

async function photo(name: string, bytes: Uint8Array) {
  const path = await put(name, bytes)
  const paths = outputs(name)
  return { ...paths, result: await reader.photo({ path, ...paths }) }
}

describe('judging a photo', () => {
  let label: Buffer | undefined
  /** A photo with more pixels a side than the derivative has, and not twice as many. */
  const large = async (change: (image: Sharp) => Sharp = (image) => image) => {
    label ??= await drawLabel({ width: 3700, height: 1200, letterPixels: 56 }).png().toBuffer()
    return change(sharp(label)).jpeg({ quality: 90 }).toBuffer()
  }

  it.each([
    ['nothing', (image: Sharp) => image, undefined],
    ['blurred', (image: Sharp) => image.blur(24), 'blurred'],
    ['tilted', (image: Sharp) => image.rotate(15, { background: '#6b6b6b' }).resize(3700), 'tilted'],
  ] as const)('finds in a large JPEG, which is opened at a half, what its derivative shows: %s', async (...args) => {
    const [name, change, fault] = args
    const path = await put(`${name}.jpg`, await large(change))
    const { derivativePath, thumbnailPath } = outputs(name)
    await createPhotoReader(null).photo({ path, derivativePath, thumbnailPath })
    const [whole, small] = [await reader.judge({ path }), await reader.judge({ path: derivativePath })]
    if (!whole.ok || !small.ok) throw new Error('a photo was not judged')
    expect(whole.value.quality.faults).toEqual(small.value.quality.faults)
    expect(whole.value.quality.faults[0]).toBe(fault)
  })

  it('opens a large JPEG at a half, where letters are half as high', async () => {
    const judged = await reader.judge({ path: await put('half.jpg', await large()) })
    expect(judged.ok && judged.value.quality.measures.textHeightPixels).toBe(28)
  })

  it('rehearses with a picture that has lines of print', async () => {
    const rehearsed = await reader.rehearse()
    expect(rehearsed.ok && rehearsed.value.quality.measures.textLines).toBeGreaterThan(10)
  })

  it('judges a photo on its side as the camera held it', async () => {
    const upright = await (await sheet(1000, 500)).jpeg({ quality: 95 }).toBuffer()
    const turned = await sharp(upright).rotate(-90).jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toBuffer()
    const [one, other] = await Promise.all([
      reader.judge({ path: await put('upright.jpg', upright) }),
      reader.judge({ path: await put('on-its-side.jpg', turned) }),
    ])
    expect(one.ok && one.value.quality.faults).toEqual(other.ok && other.value.quality.faults)
  })

  it('judges a photo that is being made durable, before and after it has its name', async () => {
    const [path, incoming] = [join(folder, 'named.jpg'), join(folder, 'incoming.jpg')]
    await writeFile(incoming, await large())
    const before = await reader.judge({ path, incoming })
    await rename(incoming, path)
    expect(before).toMatchObject({
      ok: true,
      value: { perceptualHash: expect.stringMatching(/^[\da-f]{64}$/) as string },
    })
    expect(await reader.judge({ path, incoming })).toEqual(before)
    expect(await reader.judge({ path: join(folder, 'nowhere'), incoming })).toMatchObject({
      ok: false,
      error: { code: 'not_found' },
    })
  })

  it('refuses what is no photo', async () => {
    for (const bytes of [Buffer.from('no image'), Buffer.alloc(0), (await large()).subarray(0, 20_000)]) {
      const result = await reader.judge({ path: await put('no-photo.jpg', bytes) })
      expect(result).toMatchObject({ ok: false, error: { code: 'unreadable_image' } })
    }
  })
})

describe('reading a photo', () => {
  it('finds every code, with its names and its place in the image', async () => {
    const { result } = await photo('both.jpg', await (await sheet(1000, 500)).jpeg().toBuffer())
    if (!result.ok) throw new Error(result.error.message)
    expect(result.value).toMatchObject({ mediaType: 'image/jpeg', widthPixels: 1000, heightPixels: 500 })
    const codes = result.value.codes.toSorted((a, b) => a.format.localeCompare(b.format))
    expect(codes).toMatchObject([
      { format: 'EAN13', text: ean.text, symbologyIdentifier: ']E0', symbology: 'ean13' },
      { format: 'QR', text: link.text, symbologyIdentifier: ']Q1', symbology: 'qr' },
    ])
    const [first, second] = codes
    expect(first?.position.topLeft.x).toBeGreaterThan(40)
    expect(first?.position.topRight.x).toBeLessThan(600)
    expect(second?.position.topLeft.x).toBeGreaterThan(600)
    expect(second?.position.bottomLeft.y).toBeGreaterThan(60)
  })

  it.each([
    ['all', ['EAN13', 'QR']],
    ['retail', ['EAN13']],
    ['linear', ['EAN13']],
    ['matrix', ['QR']],
  ] as const)('looks for the codes of the group %s and for no others', async (group, expected) => {
    const decode = { formats: formatsOfGroup(group) }
    const path = await put('group.png', await (await sheet(1000, 500)).png().toBuffer())
    for (const result of [
      await reader.photo({ path, ...outputs('group'), decode }),
      await reader.codes({ path, decode }),
    ]) {
      if (!result.ok) throw new Error(result.error.message)
      expect(result.value.codes.map(({ format }) => format).toSorted()).toEqual(expected)
    }
  })

  it('writes an upload-ready JPEG of at most 2048 pixels and a WebP thumbnail of at most 320, without metadata', async () => {
    const original = await (
      await sheet(3000, 1500)
    )
      .jpeg()
      .withExif({ IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '52/1 30/1 0/1' } })
      .toBuffer()
    expect((await sharp(original).metadata()).exif).toBeDefined()
    const { result, derivativePath, thumbnailPath } = await photo('large.jpg', original)
    expect(result).toMatchObject({ ok: true, value: { derivative: { widthPixels: 2048, heightPixels: 1024 } } })
    const derivative = await sharp(derivativePath).metadata()
    expect(derivative).toMatchObject({ format: 'jpeg', width: 2048, height: 1024, space: 'srgb' })
    expect(derivative.exif).toBeUndefined()
    const thumbnail = await sharp(thumbnailPath).metadata()
    expect(thumbnail).toMatchObject({ format: 'webp', width: 320, height: 160 })
    expect(thumbnail.exif).toBeUndefined()
    expect(result.ok && result.value.derivative.bytes).toBe((await readFile(derivativePath)).byteLength)
  })

  it('turns the image by its EXIF orientation before it measures, decodes and writes it', async () => {
    // Orientation 6: the camera was held upright, and the pixels lie on their side.
    const bytes = await (await sheet(1000, 500)).rotate(-90).jpeg().withMetadata({ orientation: 6 }).toBuffer()
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 500, height: 1000, orientation: 6 })
    const { result, derivativePath } = await photo('turned.jpg', bytes)
    if (!result.ok) throw new Error(result.error.message)
    expect(result.value).toMatchObject({ widthPixels: 1000, heightPixels: 500 })
    const code = result.value.codes.find((one) => one.format === 'EAN13')
    expect(code?.position.topLeft.x).toBeLessThan(600)
    expect(code?.position.topLeft.y).toBeLessThan(250)
    expect(await sharp(derivativePath).metadata()).toMatchObject({ width: 1000, height: 500 })
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'shows an image of EXIF orientation %d as every viewer does, and places its codes there',
    async (orientation) => {
      const bytes = await (await sheet(1000, 500)).jpeg({ quality: 95 }).withMetadata({ orientation }).toBuffer()
      const { result, derivativePath } = await photo(`exif-${orientation}.jpg`, bytes)
      if (!result.ok) throw new Error(result.error.message)
      const viewed = sharp(bytes).autoOrient().toColourspace('srgb').removeAlpha()
      const { data: expected, info } = await viewed.raw().toBuffer({ resolveWithObject: true })
      expect(result.value).toMatchObject({ widthPixels: info.width, heightPixels: info.height })
      const { data } = await sharp(derivativePath).raw().toBuffer({ resolveWithObject: true })
      expect(meanDifference(data, expected)).toBeLessThan(4)

      // A mirrored EAN is read backwards, a mirrored QR code as it is.
      const link = result.value.codes.find(({ format }) => format === 'QR')
      const { topLeft, bottomRight } = link?.position ?? expect.fail('the QR code was not read')
      const { left, top, width, height } = darkBox(expected, info)
      expect(topLeft.x).toBeGreaterThanOrEqual(left - 3)
      expect(topLeft.y).toBeGreaterThanOrEqual(top - 3)
      expect(bottomRight.x).toBeLessThanOrEqual(left + width + 3)
      expect(bottomRight.y).toBeLessThanOrEqual(top + height + 3)
    },
  )

  it('converts other colour spaces to sRGB by their profile, and writes none', async () => {
    const vivid = { create: { width: 64, height: 64, channels: 3, background: '#ff0000' } } as const
    const bytes = await sharp(vivid).withIccProfile('p3').png().toBuffer()
    expect((await sharp(bytes).metadata()).icc).toBeDefined()
    const stored = await sharp(bytes, { ignoreIcc: true }).raw().toBuffer()
    expect(stored[0]).toBeLessThan(245)
    const { derivativePath } = await photo('p3.png', bytes)
    expect((await sharp(derivativePath).metadata()).icc).toBeUndefined()
    const [red, green, blue] = await sharp(derivativePath).raw().toBuffer()
    expect([red, green, blue].map((level) => Math.round(Number(level) / 16))).toEqual([16, 0, 0])
  })

  it('writes the upload as WebP when the station is set to', async () => {
    const path = await put(
      'webp.jpg',
      await (
        await sheet(1000, 500)
      )
        .jpeg()
        .withExif({ IFD0: { Make: 'X' } })
        .toBuffer(),
    )
    const result = await reader.photo({ path, ...outputs('webp'), uploadFormat: 'webp' })
    expect(result).toMatchObject({ ok: true, value: { derivative: { widthPixels: 1000 } } })
    const derivative = await sharp(outputs('webp').derivativePath).metadata()
    expect(derivative).toMatchObject({ format: 'webp', width: 1000, height: 500 })
    expect(derivative.exif).toBeUndefined()
  })

  it('reads 30,000 and 70,000 pixels in a row, grey and animated images, and the decoder is well after each', async () => {
    const wide = sharp({ create: { width: 30_000, height: 12, channels: 3, background: '#446688' } })
    const wider = sharp({ create: { width: 70_000, height: 12, channels: 3, background: '#446688' } })
    const grey = (await sheet(1000, 500)).toColourspace('b-w')
    const failures = vi.spyOn(process.stderr, 'write')
    const frames = await Promise.all(
      ['#ff0000', '#00ff00'].map((background) =>
        sharp({ create: { width: 40, height: 30, channels: 3, background } })
          .png()
          .toBuffer(),
      ),
    )
    const animated = sharp(frames, { join: { animated: true } })
    for (const [name, bytes, size] of [
      ['wide.jpg', await wide.jpeg().toBuffer(), { widthPixels: 2048, heightPixels: 1 }],
      ['wider.png', await wider.png().toBuffer(), { widthPixels: 2048, heightPixels: 1 }],
      ['grey.jpg', await grey.jpeg().toBuffer(), { widthPixels: 1000, heightPixels: 500 }],
      ['animated.webp', await animated.webp().toBuffer(), { widthPixels: 40, heightPixels: 30 }],
    ] as const) {
      const { result, derivativePath } = await photo(name, bytes)
      expect(result, name).toMatchObject({ ok: true, value: { derivative: size } })
      expect(await sharp(derivativePath).metadata()).toMatchObject({ format: 'jpeg', channels: 3 })
    }
    expect(failures).not.toHaveBeenCalled()
    failures.mockRestore()
  })

  it('takes only the image out of a file that is an image and something else too', async () => {
    const secret = '<script>alert(1)</script>'
    const bytes = Buffer.concat([
      await (await sheet(1000, 500)).jpeg().toBuffer(),
      Buffer.from(`PK\u0003\u0004${secret}`),
    ])
    const { result, derivativePath, thumbnailPath } = await photo('polyglot.jpg', bytes)
    expect(result.ok).toBe(true)
    for (const path of [derivativePath, thumbnailPath]) expect((await readFile(path)).includes(secret)).toBe(false)
  })

  it('gives alike photos alike hashes, and other photos others', async () => {
    const [first, second] = [drawLabel({ seed: 1 }), drawLabel({ seed: 2 })]
    const bytes = await first.jpeg().toBuffer()
    const hash = async (name: string, image: Uint8Array): Promise<string> => {
      const { result } = await photo(name, image)
      if (!result.ok) throw new Error(result.error.message)
      return result.value.perceptualHash
    }
    const one = await hash('one.jpg', bytes)
    const again = await hash(
      'again.jpg',
      await sharp(bytes).resize({ width: 700 }).linear(1.1, 4).jpeg({ quality: 50 }).toBuffer(),
    )
    const other = await hash('other.jpg', await second.jpeg().toBuffer())
    expect(one).toMatch(/^[0-9a-f]{64}$/)
    expect(differingBits(one, again)).toBeLessThanOrEqual(samePhotoBits)
    expect(differingBits(one, other)).toBeGreaterThan(samePhotoBits)
    expect([one, other].every(tellsApart)).toBe(true)
    // In the dark everything looks the same: that says nothing of what is there.
    const dark = await hash('dark.jpg', await sharp(bytes).linear(0.01, 0).jpeg().toBuffer())
    expect(tellsApart(dark)).toBe(false)
  })

  it('places codes by the original even where it was scaled down to be decoded', async () => {
    const wide = await sharp({ create: { width: 9000, height: 4000, channels: 3, background: '#ffffff' } })
      .composite([{ input: Buffer.from(await drawCode(ean, 20)), left: 6000, top: 2000 }])
      .jpeg()
      .toBuffer()
    const { result } = await photo('wide.jpg', wide)
    if (!result.ok) throw new Error(result.error.message)
    expect(result.value.codes).toMatchObject([{ format: 'EAN13', text: ean.text }])
    const { topLeft, bottomRight } = result.value.codes[0]!.position
    expect(topLeft.x).toBeGreaterThan(6000)
    expect(topLeft.y).toBeGreaterThan(1990)
    expect(bottomRight.x).toBeLessThan(9000)
  })

  it.each(['png', 'webp'] as const)('reads %s, on white where it is transparent', async (format) => {
    const transparent = sharp(Buffer.from(await drawCode(ean)))
      .ensureAlpha()
      .toFormat(format)
    const { result } = await photo(`clear.${format}`, await transparent.toBuffer())
    expect(result).toMatchObject({
      ok: true,
      value: { mediaType: `image/${format}`, codes: [{ format: 'EAN13', text: ean.text }] },
    })
  })

  it('reads CMYK and 16-bit images', async () => {
    const cmyk = await (await sheet(1000, 500)).toColourspace('cmyk').jpeg().toBuffer()
    const deep = await (await sheet(1000, 500)).toColourspace('rgb16').png().toBuffer()
    expect((await sharp(cmyk).metadata()).space).toBe('cmyk')
    expect((await sharp(deep).metadata()).depth).toBe('ushort')
    for (const [name, bytes] of [
      ['cmyk.jpg', cmyk],
      ['deep.png', deep],
    ] as const) {
      const { result, derivativePath } = await photo(name, bytes)
      expect(result.ok && result.value.codes.map((code) => code.text).toSorted()).toEqual([ean.text, link.text])
      expect(await sharp(derivativePath).metadata()).toMatchObject({ space: 'srgb', depth: 'uchar' })
    }
  })

  it('keeps control characters as data', async () => {
    const bytes = await drawCode({ format: 'DataMatrix', text: 'A\u001dB\u001e\u0004' })
    const { result } = await photo('control.png', bytes)
    expect(result).toMatchObject({
      ok: true,
      value: { codes: [{ format: 'DataMatrix', text: 'A\u001dB\u001e\u0004' }] },
    })
  })

  it('answers a photo without codes with none', async () => {
    const bytes = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#fff' } })
      .png()
      .toBuffer()
    const { result } = await photo('dot.png', bytes)
    expect(result).toMatchObject({ ok: true, value: { widthPixels: 1, heightPixels: 1, codes: [] } })
  })

  it('refuses what is no JPEG, PNG or WebP, whatever its name says', async () => {
    const gif = await (await sheet(1000, 500)).gif().toBuffer()
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>')
    for (const [name, bytes] of [
      ['gif.jpg', gif],
      ['svg.png', svg],
      ['empty.jpg', Buffer.alloc(0)],
      ['text.jpg', Buffer.from('not an image')],
      ['stub.jpg', Buffer.from([0xff, 0xd8, 0xff])],
    ] as const) {
      const { result } = await photo(name, bytes)
      expect(result, name).toMatchObject({ ok: false, error: { code: 'unreadable_image' } })
    }
  })

  it('refuses a truncated photo and writes nothing', async () => {
    const whole = await (await sheet(1000, 500)).jpeg().toBuffer()
    const { result, derivativePath } = await photo('truncated.jpg', whole.subarray(0, whole.length / 2))
    expect(result).toMatchObject({ ok: false, error: { code: 'unreadable_image' } })
    await expect(readFile(derivativePath)).rejects.toThrow('ENOENT')
  })

  it('refuses a decoder bomb by its pixels, before it unfolds', async () => {
    const bomb = await sharp({
      create: { width: 12_000, height: 9_000, channels: 3, background: '#000' },
      limitInputPixels: false,
    })
      .png({ compressionLevel: 9 })
      .toBuffer()
    expect(bomb.byteLength).toBeLessThan(1_000_000)
    const { result } = await photo('bomb.png', bomb)
    expect(result).toMatchObject({ ok: false, error: { code: 'too_large' } })
  })

  it('refuses a file that is too large by its bytes', async () => {
    const { result } = await photo('heavy.jpg', Buffer.alloc(60 * 1024 * 1024 + 1, 0xff))
    expect(result).toMatchObject({ ok: false, error: { code: 'too_large' } })
  })

  it('tells a missing file and a folder from a broken image', async () => {
    const paths = outputs('none')
    expect(await reader.photo({ path: join(folder, 'none.jpg'), ...paths })).toMatchObject({
      ok: false,
      error: { code: 'not_found' },
    })
    expect(await reader.photo({ path: folder, ...paths })).toMatchObject({
      ok: false,
      error: { code: 'invalid_input' },
    })
  })
})

describe('a region of a photo', () => {
  const region = async (
    bytes: Uint8Array,
    where: { x: number; y: number; width: number; height: number },
    maxWidthPixels = 4096,
  ) => {
    const path = await put('region-source', bytes)
    const outputPath = join(folder, 'region.jpg')
    await rm(outputPath, { force: true })
    return { outputPath, result: await reader.region({ path, region: where, maxWidthPixels, outputPath }) }
  }

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('is cut from the upright picture of EXIF orientation %d', async (orientation) => {
    const bytes = await (await sheet(1000, 500)).jpeg({ quality: 95 }).withMetadata({ orientation }).toBuffer()
    const upright = await sharp(bytes).autoOrient().toBuffer({ resolveWithObject: true })
    const where = { x: 40, y: 30, width: upright.info.width - 300, height: upright.info.height - 200 }
    const { result, outputPath } = await region(bytes, where)
    expect(result).toEqual({ ok: true, value: { widthPixels: where.width, heightPixels: where.height } })
    const expected = await sharp(upright.data)
      .extract({ left: where.x, top: where.y, width: where.width, height: where.height })
      .raw()
      .toBuffer()
    expect(meanDifference(await sharp(outputPath).raw().toBuffer(), expected)).toBeLessThan(4)
    expect((await sharp(outputPath).metadata()).exif).toBeUndefined()
  })

  it('is scaled down to the width asked for, and never up', async () => {
    const bytes = await (await sheet(1000, 500)).png().toBuffer()
    const where = { x: 100, y: 100, width: 800, height: 400 }
    expect((await region(bytes, where, 200)).result).toEqual({
      ok: true,
      value: { widthPixels: 200, heightPixels: 100 },
    })
    expect((await region(bytes, where)).result).toEqual({ ok: true, value: { widthPixels: 800, heightPixels: 400 } })
  })

  it('is refused where it is not inside of the picture, and of what is no photo', async () => {
    const bytes = await (await sheet(1000, 500)).png().toBuffer()
    expect((await region(bytes, { x: 900, y: 0, width: 101, height: 10 })).result).toMatchObject({
      ok: false,
      error: { code: 'invalid_input' },
    })
    expect((await region(Buffer.from('text'), { x: 0, y: 0, width: 1, height: 1 })).result).toMatchObject({
      ok: false,
      error: { code: 'unreadable_image' },
    })
  })
})

/** How far two images of the same size are from each other, in levels a byte. */
function meanDifference(one: Uint8Array, other: Uint8Array): number {
  if (one.length !== other.length) return Number.POSITIVE_INFINITY
  return one.reduce((sum, level, at) => sum + Math.abs(level - (other[at] ?? 0)), 0) / one.length
}

/** The box around everything black. */
function darkBox(pixels: Uint8Array, { width, height }: { readonly width: number; readonly height: number }) {
  const channels = pixels.length / (width * height)
  const dark = [...Array(width * height).keys()].filter((at) => (pixels[at * channels] ?? 255) < 60)
  const columns = dark.map((at) => at % width)
  const left = columns.reduce((least, x) => Math.min(least, x), width)
  const top = Math.floor((dark[0] ?? 0) / width)
  return {
    left,
    top,
    width: columns.reduce((most, x) => Math.max(most, x), 0) - left,
    height: Math.floor((dark.at(-1) ?? 0) / width) - top,
  }
}

describe('reading codes only', () => {
  it('reads an animated GIF by its first frame', async () => {
    const path = await put('codes.gif', await (await sheet(1000, 500)).gif().toBuffer())
    const result = await reader.codes({ path })
    expect(result.ok && result.value.codes.map((code) => code.text).toSorted()).toEqual([ean.text, link.text])
  })

  it('opens no SVG: it is a program that draws', async () => {
    const path = await put('drawing.svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'))
    expect(await reader.codes({ path })).toMatchObject({ ok: false, error: { code: 'unreadable_image' } })
  })
})

describe('a photo that lies sealed', () => {
  it('is read as the same photo in the clear, and what is made of it is sealed too', async () => {
    const key = new Uint8Array(randomBytes(32))
    const opening = createPhotoReader(createDecoder, key)
    const jpeg = await (await sheet(1000, 500)).jpeg({ quality: 90 }).toBuffer()
    const region = { x: 100, y: 100, width: 200, height: 100 }
    const [named, sealedPaths] = [await put('in-the-clear.jpg', jpeg), outputs('sealed')]
    const path = await put('sealed', seal(jpeg, key))
    const outputPath = join(folder, 'sealed-region')

    const plain = outputs('in-the-clear')
    const [read, same] = [
      await opening.photo({ path, ...sealedPaths }),
      await createPhotoReader(null).photo({ path: named, ...plain }),
    ]
    if (!read.ok || !same.ok) throw new Error('a photo was not read')
    expect(read.value.codes.map(({ text }) => text).toSorted()).toEqual([ean.text, link.text])
    expect({ ...read.value, codes: [] }).toEqual(same.value)
    expect(await opening.judge({ path })).toEqual(await reader.judge({ path: named }))
    const part = await opening.region({ path, region, maxWidthPixels: 200, outputPath })
    expect(part).toEqual({ ok: true, value: { widthPixels: 200, heightPixels: 100 } })

    for (const [sealedPath, plainPath] of [
      [sealedPaths.derivativePath, plain.derivativePath],
      [sealedPaths.thumbnailPath, plain.thumbnailPath],
    ] as const) {
      const lying = await readFile(sealedPath)
      expect(isSealed(lying)).toBe(true)
      expect(Buffer.from(openSealed(lying, key))).toEqual(await readFile(plainPath))
    }
    const shown = openSealed(await readFile(outputPath), key)
    expect(isSealed(await readFile(outputPath))).toBe(true)
    expect(await sharp(shown).metadata()).toMatchObject({ format: 'jpeg', width: 200, height: 100 })
  })

  it('is judged like the one in the clear where that is opened at a half', async () => {
    const key = new Uint8Array(randomBytes(32))
    const drawn = await drawLabel({ width: 3700, height: 1200, letterPixels: 56 }).png().toBuffer()
    for (const image of [sharp(drawn), sharp(drawn).blur(24)]) {
      const jpeg = await image.jpeg({ quality: 90 }).toBuffer()
      const whole = await reader.judge({ path: await put('large.jpg', jpeg) })
      const sealed = await createPhotoReader(null, key).judge({ path: await put('large-sealed', seal(jpeg, key)) })
      if (!whole.ok || !sealed.ok) throw new Error('a photo was not judged')
      expect(sealed.value.quality.faults).toEqual(whole.value.quality.faults)
      expect(differingBits(sealed.value.perceptualHash, whole.value.perceptualHash)).toBeLessThan(samePhotoBits)
    }
  })

  it('is not read with another key, with none, or when a byte of it has changed', async () => {
    const key = new Uint8Array(randomBytes(32))
    const sealed = seal(await (await sheet(1000, 500)).jpeg().toBuffer(), key)
    const changed = Uint8Array.from(sealed)
    changed[5_000] = (changed[5_000] ?? 0) ^ 1
    const refused = {
      ok: false,
      error: { code: 'unreadable_image', message: expect.stringContaining('sealed') as string },
    }
    const [lying, damaged] = [await put('locked', sealed), await put('damaged', changed)]
    expect(await reader.judge({ path: lying })).toMatchObject(refused)
    expect(await createPhotoReader(null, new Uint8Array(32)).judge({ path: lying })).toMatchObject(refused)
    expect(await createPhotoReader(null, key).judge({ path: damaged })).toMatchObject(refused)
  })
})
