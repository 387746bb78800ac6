import sharp from 'sharp'
import type { Sharp } from 'sharp'
import { describe, expect, it } from 'vitest'
import { formatsOfGroup } from '#domain/decoding/groups.ts'
import { createDecoder } from '#station/imaging/decode.ts'
import type { DecodeOptions } from '#domain/decoding/engine.ts'
import { readPdf417 } from '#station/imaging/second-reader.ts'
import { drawCode } from '../../../barcode-image.ts'
import type { DrawnCode } from '../../../barcode-image.ts'

const decoder = createDecoder()

const ean: DrawnCode = { format: 'EAN13', text: '4006381333931' }
const code128: DrawnCode = { format: 'Code128', text: 'LOT-2026-11' }

async function read(image: Sharp, options?: DecodeOptions) {
  const { data, info } = await image.toColourspace('srgb').ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  return decoder.decode({ data, channels: 4, width: info.width, height: info.height }, options)
}

async function drawn(code: DrawnCode, scale = 4): Promise<Sharp> {
  return sharp(Buffer.from(await drawCode(code, scale)))
}

/** On a larger sheet of paper, so that something surrounds it. */
async function onPaper(code: DrawnCode, scale = 4, background = '#e8e4da'): Promise<Sharp> {
  const image = await (await drawn(code, scale)).png().toBuffer({ resolveWithObject: true })
  const margin = 80
  const bytes = await sharp({
    create: {
      width: image.info.width + 2 * margin,
      height: image.info.height + 2 * margin,
      channels: 3,
      background,
    },
  })
    .composite([{ input: image.data, left: margin, top: margin }])
    .png()
    .toBuffer()
  return sharp(bytes)
}

/** Grey noise that is the same at each run: a plain linear congruential sequence. */
function noise(width: number, height: number, spread: number): Sharp {
  let state = 12345
  const data = new Uint8Array(width * height)
  for (let at = 0; at < data.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    data[at] = 128 + ((state >>> 8) / 0xffffff - 0.5) * spread
  }
  return sharp(data, { raw: { width, height, channels: 1 } })
}

function stripes(width: number, height: number, widthOf: (index: number) => number): Sharp {
  const data = new Uint8Array(width * height).fill(230)
  let x = 20
  for (let index = 0; x < width - 20; index++) {
    const bar = widthOf(index)
    if (index % 2 === 0) {
      for (let y = 20; y < height - 20; y++) data.fill(30, y * width + x, y * width + Math.min(width - 20, x + bar))
    }
    x += bar
  }
  return sharp(data, { raw: { width, height, channels: 1 } })
}

describe('the decode engine', () => {
  it('says of each code what it is, its bytes, where it lies, which pass read it and how sure it is', async () => {
    const codes = await read(await drawn({ format: 'QRCode', text: 'Größe' }))
    expect(codes).toMatchObject([
      { format: 'QR', text: 'Größe', symbology: 'qr', pass: 'whole', bytes: expect.any(String) },
    ])
    expect(Buffer.from(codes[0]!.bytes, 'base64').length).toBeGreaterThan(4)
    expect(codes[0]!.confidence).toBeGreaterThan(0.9)
    expect(codes[0]!.confidence).toBeLessThanOrEqual(1)
  })

  it.each([15, 45, 58, 147])('reads linear codes that are turned by %i degrees, and places them', async (angle) => {
    for (const code of [ean, code128]) {
      const paper = await onPaper(code)
      const turned = await sharp(await paper.rotate(angle, { background: '#e8e4da' }).png().toBuffer())
      const codes = await read(turned)
      expect(codes, code.format).toMatchObject([{ format: code.format, text: code.text }])
      const { width, height } = await turned.metadata()
      const { topLeft, bottomRight } = codes[0]!.position
      expect(Math.abs((topLeft.x + bottomRight.x) / 2 - width / 2)).toBeLessThan(60)
      expect(Math.abs((topLeft.y + bottomRight.y) / 2 - height / 2)).toBeLessThan(60)
    }
  })

  it('reads an EAN so blurred that its narrow bars run together', async () => {
    const blurred = await sharp(await (await onPaper(ean, 5)).blur(3.2).png().toBuffer())
    expect(await read(blurred)).toMatchObject([{ format: 'EAN13', text: ean.text }])
  })

  it('reads an EAN of little more than one pixel a module', async () => {
    const image = await onPaper(ean, 4)
    const { width = 0 } = await image.metadata()
    const tiny = sharp(
      await image
        .resize({ width: Math.round(width / 3) })
        .png()
        .toBuffer(),
    )
    expect(await read(tiny)).toMatchObject([{ format: 'EAN13', text: ean.text }])
  })

  it.each([
    ['PDF417', 'PALLET 00340123450000000018', 20],
    ['PDF417', 'PALLET 00340123450000000018', 110],
    ['DataBarExpStk', '[01]09506000134352[10]ABC123[17]271231', 45],
  ] as const)('reads %s, whose rows differ, also askew: %s at %d degrees', async (format, text, angle) => {
    const flat = await onPaper({ format, text })
    const turned = sharp(await flat.rotate(angle, { background: '#e8e4da' }).png().toBuffer())
    const plain = (one: string): string => one.replaceAll(/\W/g, '')
    expect((await read(turned, { effort: 'batch' })).map((code) => plain(code.text))).toEqual([plain(text)])
  })

  it.each([7, 20, 110])('never takes a part of an ITF at %d degrees for the whole', async (angle) => {
    for (const text of ['10012345678902', '15400141288763']) {
      const flat = await onPaper({ format: 'ITF', text })
      const turned = sharp(await flat.rotate(angle, { background: '#e8e4da' }).png().toBuffer())
      // A code that is cut short is a wrong one; unread is not.
      expect((await read(turned)).map((code) => code.text).filter((one) => one !== text)).toEqual([])
    }
  })

  it('reads codes of low contrast', async () => {
    for (const code of [ean, code128, { format: 'QRCode', text: 'grey on grey' } as const]) {
      const pale = sharp(await (await drawn(code)).linear(0.07, 150).png().toBuffer())
      expect(await read(pale), code.format).toMatchObject([{ text: code.text }])
    }
  })

  it('reads codes that are light on dark', async () => {
    for (const code of [code128, { format: 'DataMatrix', text: 'inverted' } as const]) {
      expect(await read((await drawn(code)).negate({ alpha: false })), code.format).toMatchObject([{ text: code.text }])
    }
  })

  it('reads codes under noise', async () => {
    for (const code of [ean, code128]) {
      const clean = await (await onPaper(code)).greyscale().png().toBuffer({ resolveWithObject: true })
      const grain = await noise(clean.info.width, clean.info.height, 200).png().toBuffer()
      const noisy = sharp(
        await sharp(clean.data)
          .composite([{ input: grain, blend: 'overlay' }])
          .png()
          .toBuffer(),
      )
      expect(await read(noisy), code.format).toMatchObject([{ text: code.text }])
    }
  })

  it.each(['12', '55999'])(
    'reads the add-on %s beside an EAN, at any angle, and not as part of its text',
    async (addOn) => {
      const paper = await onPaper({ format: 'EAN13', text: `9780201752847+${addOn}` })
      for (const angle of [0, 30, 180]) {
        const turned = sharp(await paper.clone().rotate(angle, { background: '#e8e4da' }).png().toBuffer())
        expect(await read(turned), `${angle} degrees`).toMatchObject([
          { format: 'EAN13', text: '9780201752847', symbologyIdentifier: ']E0', addOn },
        ])
      }
    },
  )

  it('takes neither paper, print nor another code beside an EAN for an add-on', async () => {
    const [one, other] = await Promise.all([drawCode(ean), drawCode({ format: 'EAN8', text: '96385074' })])
    const { width = 0 } = await sharp(Buffer.from(one)).metadata()
    const both = sharp({ create: { width: 1200, height: 420, channels: 3, background: '#ffffff' } }).composite([
      { input: Buffer.from(one), left: 40, top: 40 },
      { input: Buffer.from(other), left: 50 + width, top: 40 },
    ])
    const codes = await read(sharp(await both.png().toBuffer()))
    expect(codes.map(({ text, addOn }) => [text, addOn]).toSorted()).toEqual([
      [ean.text, null],
      ['96385074', null],
    ])
    expect(await read(await onPaper(ean))).toMatchObject([{ addOn: null }])
  })

  it('gives a vehicle number as it is printed, and its import mark in the bytes only', async () => {
    const codes = await read(await drawn({ format: 'Code39', text: 'I1M8GDM9AXKP042788' }, 2))
    expect(codes).toMatchObject([{ format: 'Code39', text: '1M8GDM9AXKP042788' }])
    expect(Buffer.from(codes[0]!.bytes, 'base64').toString()).toBe('I1M8GDM9AXKP042788')
  })

  it('reads all forty codes of a photo of twelve megapixels', async () => {
    const formats = ['EAN13', 'QRCode', 'Code128', 'DataMatrix'] as const
    const expected: string[] = []
    const inputs = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const format = formats[index % formats.length]!
        const text =
          format === 'EAN13' ? eanOf(400_000_000_000 + index * 7919) : `ITEM-${String(index).padStart(4, '0')}`
        expected.push(text)
        const input = Buffer.from(await drawCode({ format, text }, 3))
        return { input, left: 100 + (index % 8) * 480, top: 120 + Math.floor(index / 8) * 560 }
      }),
    )
    const sheet = sharp({ create: { width: 4000, height: 3000, channels: 3, background: '#cfcabd' } }).composite(inputs)
    const codes = await read(sharp(await sheet.jpeg({ quality: 85 }).toBuffer()))
    expect(codes.map(({ text }) => text).toSorted()).toEqual(expected.toSorted())
  })

  it('reads PDF417 in its second engine, and says where', () => {
    // Asked alone: what zxing-cpp leaves to it cannot be drawn.
    return drawn({ format: 'PDF417', text: 'PALLET 00340123450000000018' }, 3).then(async (image) => {
      const { data, info } = await image.greyscale().raw().toBuffer({ resolveWithObject: true })
      const grey = { data: new Uint8Array(data), width: info.width, height: info.height }
      const [code] = readPdf417(grey, { formats: [], thorough: true })
      expect(code).toMatchObject({ format: 'PDF417', text: 'PALLET 00340123450000000018', symbologyIdentifier: ']L0' })
      expect(code!.position.bottomRight.x).toBeGreaterThan(info.width / 2)
      expect(readPdf417(grey, { formats: ['QRCode'], thorough: true })).toEqual([])
      expect(readPdf417({ ...grey, data: new Uint8Array(data.length) }, { formats: [], thorough: true })).toEqual([])
    })
  })

  it.each([
    ['EAN13', '4006381333931', ['retail', 'linear']],
    ['EAN8', '96385074', ['retail', 'linear']],
    ['UPCA', '036000291452', ['retail', 'linear']],
    ['UPCE', '01234565', ['retail', 'linear']],
    ['Code128', 'LOT-2026-11', ['linear']],
    ['Code39', 'SHELF-12', ['linear']],
    ['ITF', '04006381333931', ['linear']],
    ['DataBarExp', '(01)04006381333931', ['linear']],
    ['QRCode', 'A shelf', ['matrix']],
    ['DataMatrix', 'A shelf', ['matrix']],
    ['Aztec', 'A shelf', ['matrix']],
    ['PDF417', 'A shelf of long ago', ['matrix']],
  ] as const)('reads a %s in the groups that it belongs to, and in no other', async (format, text, groups) => {
    const image = await onPaper({ format, text })
    const [whole] = await read(image.clone())
    expect(whole).toBeDefined()
    for (const group of ['retail', 'linear', 'matrix'] as const) {
      const codes = await read(image.clone(), { formats: formatsOfGroup(group) })
      const isWanted = (groups as readonly string[]).includes(group)
      expect(
        codes.map((code) => [code.format, code.text]),
        group,
      ).toEqual(isWanted ? [[whole?.format, whole?.text]] : [])
    }
  })

  it.each(['retail', 'linear'] as const)(
    'reads a badly blurred EAN among the codes of the group %s too',
    async (group) => {
      const blurred = await sharp(await (await onPaper(ean, 5)).blur(3.2).png().toBuffer())
      expect(await read(blurred, { formats: formatsOfGroup(group) })).toMatchObject([
        { format: 'EAN13', text: ean.text },
      ])
    },
  )

  it('looks for the wanted formats only', async () => {
    const both = await sharp({ create: { width: 1100, height: 400, channels: 3, background: '#ffffff' } })
      .composite([
        { input: Buffer.from(await drawCode(ean)), left: 20, top: 40 },
        { input: Buffer.from(await drawCode({ format: 'QRCode', text: 'beside' })), left: 700, top: 40 },
      ])
      .png()
      .toBuffer()
    expect((await read(sharp(both))).map(({ format }) => format).toSorted()).toEqual(['EAN13', 'QR'])
    expect(await read(sharp(both), { formats: ['EAN13'] })).toMatchObject([{ format: 'EAN13' }])
    expect(await read(sharp(both), { formats: ['QRCode'] })).toMatchObject([{ format: 'QR' }])
    expect(await read(sharp(both), { formats: ['DataMatrix'] })).toEqual([])
  })

  it('reads nothing from noise, stripes and textures', async () => {
    expect(await read(noise(400, 300, 255))).toEqual([])
    expect(await read(noise(320, 240, 80).blur(2))).toEqual([])
    expect(await read(stripes(600, 300, () => 6))).toEqual([])
    expect(await read(stripes(700, 300, (index) => 3 + ((index * index * 7) % 9)))).toEqual([])
    expect(await read(stripes(500, 400, (index) => 4 + (index % 3) * 4).rotate(30, { background: '#e6e6e6' }))).toEqual(
      [],
    )
  })

  it('takes memory for one image and gives it back', async () => {
    const image = await (await onPaper(ean)).png().toBuffer()
    await read(sharp(image))
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().external
    for (let round = 0; round < 20; round++) await read(sharp(image))
    const after = process.memoryUsage().arrayBuffers + process.memoryUsage().external
    expect(after - before).toBeLessThan(40_000_000)
  })
})

function eanOf(body: number): string {
  const digits = String(body)
  const sum = Array.from(digits).reduce((total, digit, at) => total + Number(digit) * (at % 2 === 0 ? 1 : 3), 0)
  return digits + String((10 - (sum % 10)) % 10)
}
