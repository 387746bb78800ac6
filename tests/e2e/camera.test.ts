import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '#cli/browsers.ts'
import { freezeCamera, plugCameraIn, refuseCamera, unplugCamera } from './camera-faults.ts'
import { makeFakeVideo } from './fake-video.ts'
import { servePageAlone } from './page-alone.ts'
import type { PageAlone } from './page-alone.ts'

const ean = { format: 'EAN13', text: '4006381333931' } as const
const link = { format: 'QRCode', text: 'https://id.gs1.org/01/09506000134352/10/ABC123?17=271231' } as const

interface Told {
  readonly codes: readonly { readonly text: string; readonly symbology: string; readonly symbologyIdentifier: string }[]
  readonly states: readonly { readonly kind: string; readonly detail: string }[]
  readonly violations: readonly string[]
}

const found = findChromium(process.env)

describe.skipIf('missing' in found)('the camera view (skipped where no Chromium is found)', () => {
  let folder: string
  let video: string
  let served: PageAlone
  let browser: Browser | undefined

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'capstan-video-'))
    video = join(folder, 'codes.y4m')
    await makeFakeVideo({ codes: [ean, link], path: video })
    served = await servePageAlone('camera')
  })
  afterAll(async () => {
    await served?.close()
    await rm(folder, { recursive: true, force: true })
  })
  afterEach(() => browser?.close())

  async function open(args: readonly string[], query = '', prepare?: (page: Page) => Promise<unknown>): Promise<Page> {
    browser = await chromium.launch({
      executablePath: 'path' in found ? found.path : '',
      args: ['--no-sandbox', ...args],
    })
    const page = await browser.newPage()
    await prepare?.(page)
    await page.goto(served.address + query)
    await page.waitForFunction(() => 'told' in window)
    return page
  }

  const fakeCamera = (file: string) => [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${file}`,
  ]

  const told = (page: Page) =>
    page.evaluate(() => {
      const { codes, states, violations } = (window as unknown as { told: Told }).told
      return { codes, states, violations }
    })

  const takePhoto = async (page: Page) => {
    const bytes = await page.evaluate(async () => {
      const { camera } = (window as unknown as { told: { camera: { current: { takePhoto(): Promise<Blob> } } } }).told
      return [...new Uint8Array(await (await camera.current.takePhoto()).arrayBuffer())]
    })
    return Buffer.from(bytes)
  }

  const remembered = (id: string, deviceId: string, label: string) => ({
    id,
    deviceId,
    groupId: '',
    label,
    role: 'front',
    shoots: true,
    size: null,
    controls: {},
  })

  const labelOf = (page: Page) =>
    page.evaluate(() => {
      const stream = document.querySelector('video')?.srcObject as MediaStream | undefined
      return stream?.getVideoTracks()[0]?.label
    })

  /** As a machine with several cameras of one model tells of them. */
  const sameModel = (page: Page, label: string) =>
    page.addInitScript((name) => {
      Object.defineProperty(MediaDeviceInfo.prototype, 'label', { get: () => name })
    }, label)

  it('reads both codes of a live picture, once each while they stay in view, and outlines them', async () => {
    const page = await open(fakeCamera(video))
    await expect.poll(async () => (await told(page)).codes.length, { timeout: 30_000 }).toBe(2)
    const { codes } = await told(page)
    expect(codes.toSorted((a, b) => a.symbology.localeCompare(b.symbology))).toEqual([
      { text: ean.text, symbology: 'ean13', symbologyIdentifier: ']E0', readAt: expect.any(Number) },
      { text: link.text, symbology: 'qr', symbologyIdentifier: ']Q1', readAt: expect.any(Number) },
    ])
    await expect.poll(() => page.locator('.camera-code').count()).toBe(2)
    const [left, right] = await Promise.all(
      [0, 1].map((index) => page.locator('.camera-code').nth(index).getAttribute('points')),
    )
    expect(left).not.toBe(right)
    // Dozens of frames later they are still the same two codes.
    await page.waitForTimeout(4_000)
    expect(await told(page)).toMatchObject({ codes, violations: [] })
    expect((await told(page)).states.map((state) => state.kind)).toEqual(['starting', 'live'])
  })

  it('takes a photo at the full resolution of the picture', async () => {
    const page = await open(fakeCamera(video))
    await expect.poll(async () => (await told(page)).states.at(-1)?.kind, { timeout: 30_000 }).toBe('live')
    expect(await sharp(await takePhoto(page)).metadata()).toMatchObject({ format: 'jpeg', width: 1280, height: 720 })
  })

  it('reads only the middle of the picture when that is the setting', async () => {
    const low = join(folder, 'low.y4m')
    await makeFakeVideo({ codes: [ean], path: low, frames: 4, offsetY: 320 })
    const full = await open(fakeCamera(low))
    await expect.poll(async () => (await told(full)).codes.length, { timeout: 30_000 }).toBeGreaterThan(0)
    await browser?.close()
    const centre = await open(fakeCamera(low), '?region=centre')
    await expect.poll(async () => (await told(centre)).states.at(-1)?.kind, { timeout: 30_000 }).toBe('live')
    await centre.waitForTimeout(3_000)
    expect((await told(centre)).codes).toEqual([])
  })

  it('counts a code again when it was out of view for a while', async () => {
    const blinking = join(folder, 'blinking.y4m')
    // 2.4 s without the code and 0.8 s with it, again and again.
    await makeFakeVideo({ codes: [ean], path: blinking, frames: 12, emptyFrames: 36, width: 640, height: 360 })
    const page = await open(fakeCamera(blinking))
    await expect.poll(async () => (await told(page)).codes.length, { timeout: 40_000 }).toBeGreaterThan(2)
    expect(new Set((await told(page)).codes.map((code) => code.text))).toEqual(new Set([ean.text]))
  })

  it.each([
    ['NotAllowedError', 'denied', 'The camera is not allowed'],
    ['NotFoundError', 'absent', 'No camera found'],
  ])(
    'says what to do next when the browser answers %s, and starts when it is tried again',
    async (name, kind, title) => {
      const page = await open(fakeCamera(video), '', (prepared) => prepared.addInitScript(refuseCamera, { name }))
      await expect.poll(async () => (await told(page)).states.at(-1)?.kind).toBe(kind)
      expect(await page.getByRole('status').textContent()).toContain(title)
      await page.getByRole('button', { name: 'Try again' }).click()
      await expect.poll(async () => (await told(page)).codes.length, { timeout: 30_000 }).toBe(2)
    },
  )

  it('takes a camera back from another program by itself, as soon as that ends', async () => {
    const page = await open(fakeCamera(video), '', (prepared) =>
      prepared.addInitScript(refuseCamera, { name: 'NotReadableError', times: 2 }),
    )
    await expect.poll(async () => (await told(page)).states.at(-1)?.kind).toBe('taken')
    expect(await page.getByRole('status').textContent()).toContain('Another program has the camera')
    await expect.poll(async () => (await told(page)).codes.length, { timeout: 30_000 }).toBe(2)
    expect((await told(page)).states.map(({ kind }) => kind)).toEqual(['starting', 'taken', 'live'])
  })

  it('restarts a camera that has frozen, and says so meanwhile', async () => {
    const page = await open(fakeCamera(video), '', (prepared) => prepared.addInitScript(freezeCamera))
    await expect.poll(async () => (await told(page)).states.at(-1)?.kind, { timeout: 30_000 }).toBe('frozen')
    expect(await page.getByRole('status').textContent()).toContain('being restarted')
    await expect.poll(async () => (await told(page)).codes.length, { timeout: 30_000 }).toBe(2)
    expect((await told(page)).states.map(({ kind }) => kind)).toEqual(['starting', 'live', 'frozen', 'live'])
  })

  it('reads a 4K picture, and takes photos as large', async () => {
    const large = join(folder, 'large.y4m')
    await makeFakeVideo({ codes: [ean], path: large, width: 3_840, height: 2_160, frames: 3, scale: 3 })
    const known = [{ ...remembered('wide', '', ''), size: { width: 3_840, height: 2_160 } }]
    const page = await open(
      fakeCamera(large),
      `?id=wide&known=${encodeURIComponent(JSON.stringify(known))}`,
      (prepared) => sameModel(prepared, ''),
    )
    await expect.poll(async () => (await told(page)).codes.length, { timeout: 40_000 }).toBe(1)
    const bytes = await takePhoto(page)
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'jpeg', width: 3_840, height: 2_160 })
  })

  it('finds the remembered one of two cameras again under another address, and asks when it cannot tell', async () => {
    const two = ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=device-count=2']
    const ask = (known: readonly unknown[]) => `?id=wanted&known=${encodeURIComponent(JSON.stringify(known))}`
    const page = await open(two, ask([remembered('wanted', 'of-another-day', 'fake_device_1')]))
    await expect.poll(async () => (await told(page)).states.at(-1)?.kind, { timeout: 30_000 }).toBe('live')
    expect(await labelOf(page)).toBe('fake_device_1')
    await browser?.close()
    // Both are of one model, and neither has the address it had.
    const unclear = await open(
      two,
      ask([remembered('wanted', 'old-1', 'C920'), remembered('other', 'old-2', 'C920')]),
      (prepared) => sameModel(prepared, 'C920'),
    )
    await expect.poll(async () => (await told(unclear)).states.at(-1)?.kind, { timeout: 30_000 }).toBe('unclear')
    expect(await unclear.getByRole('status').textContent()).toContain('say which is which')
    await browser?.close()
    const absent = await open(two, ask([remembered('wanted', 'x', 'A camera that is not there')]))
    await expect.poll(async () => (await told(absent)).states.at(-1)?.kind, { timeout: 30_000 }).toBe('absent')
  })

  it('notices a camera that is unplugged and starts when one is plugged in', async () => {
    const page = await open(fakeCamera(video))
    await expect.poll(async () => (await told(page)).states.at(-1)?.kind, { timeout: 30_000 }).toBe('live')
    await page.evaluate(unplugCamera)
    await expect.poll(async () => (await told(page)).states.at(-1)?.kind).toBe('unplugged')
    await page.evaluate(plugCameraIn)
    await expect.poll(async () => (await told(page)).states.at(-1)?.kind, { timeout: 30_000 }).toBe('live')
  })

  it('has no camera where there is none, and says so', async () => {
    const page = await open(['--use-fake-ui-for-media-stream'])
    await expect.poll(async () => (await told(page)).states.at(-1)?.kind, { timeout: 30_000 }).toBe('absent')
    expect(await page.getByRole('status').textContent()).toContain('Plug a camera in')
  })
})
