import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { PhotoOutcome } from '#contract/station/capture.ts'
import { stationPaths } from '#contract/station/http.ts'
import { drawCode } from '../barcode-image.ts'
import { drawLabel } from '../label-image.ts'
import { startStation } from '../unit/station/start-station.ts'

/** Hands a photo to a whole station, its imaging process included; answers the status and the body. */
async function put(station: Awaited<ReturnType<typeof startStation>>['station'], body: Uint8Array) {
  const request = new Request(`http://station${stationPaths.photos}`, { method: 'PUT', body: new Uint8Array(body) })
  const response = await station.handle(request)
  return { status: response.status, body: (await response.json()) as PhotoOutcome & { code?: string } }
}

describe('a station that is handed every bad photo there is, one after the other', () => {
  it('refuses each by its reason or reads it rightly, and goes on', async () => {
    const { station, call } = await startStation(null)
    await call('session.open', { captureMode: 'product_photography' })
    const label = await drawLabel({ width: 800, height: 600 }).png().toBuffer()
    const jpeg = await sharp(label).jpeg().toBuffer()
    const png = await sharp(label).png().toBuffer()
    const blank = (width: number, height: number) =>
      sharp({ create: { width, height, channels: 3, background: '#345' }, limitInputPixels: false })
    const bomb = await blank(12_000, 9_000).png({ compressionLevel: 9 }).toBuffer()
    const wrongInside = Buffer.concat([jpeg.subarray(0, 3), png])

    const answers: [string, number | string][] = []
    for (const [name, bytes] of [
      ['nothing', Buffer.alloc(0)],
      ['text', Buffer.from('no image at all')],
      ['signature alone', jpeg.subarray(0, 3)],
      ['truncated JPEG', jpeg.subarray(0, jpeg.length / 2)],
      ['truncated PNG', png.subarray(0, png.length / 2)],
      ['bomb', bomb],
      ['PNG that begins as JPEG', wrongInside],
      ['GIF', await sharp(label).gif().toBuffer()],
      ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
      ['script after a JPEG', Buffer.concat([jpeg, Buffer.from('<script>alert(1)</script>')])],
      ['one pixel', await blank(1, 1).png().toBuffer()],
      ['30,000 wide', await blank(30_000, 12).jpeg().toBuffer()],
      ['CMYK', await sharp(label).toColourspace('cmyk').jpeg().toBuffer()],
      ['16 bits', await sharp(label).toColourspace('rgb16').png().toBuffer()],
      [
        'animated',
        await sharp([label, png], { join: { animated: true } })
          .webp()
          .toBuffer(),
      ],
    ] as const) {
      const { status, body } = await put(station, bytes)
      answers.push([name, status === 201 ? status : (body.code ?? '')])
    }
    expect(answers).toEqual([
      ['nothing', 'unreadable_image'],
      ['text', 'unreadable_image'],
      ['signature alone', 'unreadable_image'],
      ['truncated JPEG', 'unreadable_image'],
      ['truncated PNG', 'unreadable_image'],
      ['bomb', 'too_large'],
      ['PNG that begins as JPEG', 'unreadable_image'],
      ['GIF', 'unreadable_image'],
      ['SVG', 'unreadable_image'],
      ['script after a JPEG', 201],
      ['one pixel', 201],
      ['30,000 wide', 201],
      ['CMYK', 201],
      ['16 bits', 201],
      ['animated', 201],
    ])

    const code = { input: Buffer.from(await drawCode({ format: 'EAN13', text: '4006381333931' })), left: 40, top: 40 }
    const last = await put(station, await sharp(label).composite([code]).jpeg().toBuffer())
    expect(last).toMatchObject({ status: 201, body: { codes: [{ text: '4006381333931' }] } })
  })
})
