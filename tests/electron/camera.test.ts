import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Capture } from '#contract/station/capture.ts'
import { makeFakeVideo } from '../e2e/fake-video.ts'
import { type Kiosk, missing, openKiosk } from './open-kiosk.ts'

const ean = { format: 'EAN13', text: '4006381333931' } as const
const link = { format: 'QRCode', text: 'https://id.gs1.org/01/09506000134352/10/ABC123?17=271231' } as const

describe.skipIf(missing !== null)('a camera in Electron', () => {
  let folder: string
  let kiosk: Kiosk

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'capstan-video-'))
    const path = join(folder, 'codes.y4m')
    await makeFakeVideo({ codes: [ean, link], path })
    kiosk = await openKiosk([`--use-file-for-fake-video-capture=${path}`])
  })
  afterAll(async () => {
    await kiosk?.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('has what it sees captured once, saved, sent and looked up', async ({ onTestFailed }) => {
    onTestFailed(() => console.error(kiosk.output()))
    const opened = await kiosk.call('session.open', { label: 'camera' })
    const { id } = opened.value as unknown as { id: string }
    expect(await kiosk.call('settings.change', { camera: { enabled: true } })).toMatchObject({ ok: true })

    const captures = async () => {
      const list = await kiosk.call('capture.list', { sessionId: id })
      return (list.value as unknown as { captures: Capture[] }).captures
    }
    await expect.poll(async () => (await captures()).length, { timeout: 40_000 }).toBe(2)
    // Nothing is in the catalogue: the backend has said so for each, which it can only once it has them.
    await expect
      .poll(async () => (await captures()).map(({ state }) => state), { timeout: 40_000 })
      .toEqual(['NOT_FOUND', 'NOT_FOUND'])
    const all = await captures()
    expect(all.map(({ raw }) => raw).toSorted()).toEqual([ean.text, link.text].toSorted())
    expect(all.map(({ source, sync, quantity }) => ({ source, sync, quantity }))).toEqual(
      [1, 2].map(() => ({ source: 'camera', sync: 'sent', quantity: 1 })),
    )
    expect(all.map(({ gtin }) => gtin).toSorted()).toEqual(['04006381333931', '09506000134352'])
  })
})
