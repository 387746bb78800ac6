import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Device } from '#contract/station/status.ts'
import texts from '#renderer/camera/texts.en.json' with { type: 'json' }
import { freezeCamera, plugCameraIn, refuseCamera, unplugCamera } from '../e2e/camera-faults.ts'
import { makeFakeVideo } from '../e2e/fake-video.ts'
import { type Kiosk, missing, openKiosk } from './open-kiosk.ts'

const ean = { format: 'EAN13', text: '4006381333931' } as const

describe.skipIf(missing !== null)('the states of a camera in Electron', () => {
  let folder: string
  let kiosk: Kiosk
  let sessionId = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'capstan-video-'))
    const path = join(folder, 'large.y4m')
    // A 4K camera; with the usual settings the window asks it for less.
    await makeFakeVideo({ codes: [ean], path, width: 3_840, height: 2_160, frames: 3, scale: 8 })
    kiosk = await openKiosk([`--use-file-for-fake-video-capture=${path}`])
    await ask(kiosk, 'settings.change', { camera: { enabled: true } })
  })
  afterAll(async () => {
    await kiosk?.close()
    await rm(folder, { recursive: true, force: true })
  })
  // The camera is open while a session is.
  afterEach(async () => {
    await ask(kiosk, 'session.end', { id: sessionId })
    await kiosk.page.locator('.camera').waitFor({ state: 'detached' })
  })

  const start = async (): Promise<void> => {
    sessionId = (await ask<{ id: string }>(kiosk, 'session.open', { label: 'states' })).id
  }
  /** The picture is there, and a code is read in it. */
  const isReading = async (): Promise<void> => {
    await kiosk.page.locator('.camera[data-state=live] .camera-code').waitFor({ state: 'attached', timeout: 30_000 })
    await knows(kiosk, { state: 'ready', advice: '' })
  }
  const tryAgain = (): Promise<void> => kiosk.page.getByRole('button', { name: texts.retry }).click()

  it('says that it was unplugged, and reads again when it is plugged in', async () => {
    await start()
    await isReading()
    await kiosk.page.evaluate(unplugCamera)
    await says(kiosk, 'unplugged')
    await knows(kiosk, { state: 'unplugged', advice: texts.next.unplugged })
    await kiosk.page.evaluate(plugCameraIn)
    await isReading()
  })

  it('says that it has frozen, restarts it by itself, and reads again', async () => {
    await kiosk.page.evaluate(freezeCamera)
    await start()
    await says(kiosk, 'frozen')
    await isReading()
  })

  it('says that another program has it, and takes it back by itself', async () => {
    await kiosk.page.evaluate(refuseCamera, { name: 'NotReadableError', times: 2 })
    await start()
    await says(kiosk, 'taken')
    await isReading()
  })

  it('reads a 4K picture at its full size', async () => {
    const { deviceId, label } = await kiosk.page.evaluate(async () => {
      const all = await navigator.mediaDevices.enumerateDevices()
      return (all.find(({ kind }) => kind === 'videoinput') as MediaDeviceInfo).toJSON() as MediaDeviceInfo
    })
    const size = { width: 3_840, height: 2_160 }
    await ask(kiosk, 'settings.change', { cameras: [{ id: 'wide', label, deviceId, size }] })
    await ask(kiosk, 'settings.change', { camera: { id: 'wide', enabled: true } })
    await start()
    await isReading()
    expect(
      await kiosk.page.locator('.camera video').evaluate((video: HTMLVideoElement) => ({
        width: video.videoWidth,
        height: video.videoHeight,
      })),
    ).toEqual(size)
  })

  it('says that it is not allowed, and reads once it is allowed and tried again', async () => {
    const allow = (isAllowed: boolean) =>
      kiosk.app.evaluate(
        ({ session }, answer) =>
          session.defaultSession.setPermissionRequestHandler((_contents, _permission, tell) => tell(answer)),
        isAllowed,
      )
    await allow(false)
    await start()
    await says(kiosk, 'denied')
    await knows(kiosk, { state: 'refused', advice: texts.next.denied })
    await allow(true)
    await tryAgain()
    await isReading()
  })
})

describe.skipIf(missing !== null)('a machine without a camera in Electron', () => {
  it('says that there is none, and to plug one in', async () => {
    const without = await openKiosk(['--use-fake-device-for-media-stream=device-count=0'])
    try {
      await ask(without, 'settings.change', { camera: { enabled: true } })
      await without.page.getByRole('button', { name: 'Start session' }).click()
      await says(without, 'absent')
      await knows(without, { state: 'unplugged', advice: texts.next.absent })
    } finally {
      await without.close()
    }
  })
})

async function ask<T>(kiosk: Kiosk, name: string, input: unknown): Promise<T> {
  const answer = await kiosk.call(name, input)
  if (!answer.ok) throw new Error(`${name}: ${JSON.stringify(answer.error)}`)
  return answer.value as unknown as T
}

/** The screen says what is the matter, and what to do about it. */
async function says({ page }: Kiosk, kind: keyof typeof texts.next): Promise<void> {
  await page
    .getByRole('status')
    .filter({ hasText: texts.state[kind] })
    .filter({ hasText: texts.next[kind] })
    .filter({ has: page.getByRole('button', { name: texts.retry }) })
    .waitFor({ timeout: 30_000 })
}

/** The station, which whoever looks at it from elsewhere asks, knows the same of the camera. */
async function knows(kiosk: Kiosk, camera: Pick<Device, 'state' | 'advice'>): Promise<void> {
  const read = async () =>
    (await ask<{ devices: Device[] }>(kiosk, 'station.status', {})).devices.find(({ kind }) => kind === 'camera')
  await expect.poll(read, { timeout: 10_000 }).toMatchObject(camera)
}
