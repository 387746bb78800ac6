import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { createBackend, type Backend } from '#backend/index.ts'
import { build } from '../../tools/set-up.mjs'
import { cakeInCatalogue, prepareDesk, takeToRecord } from '../e2e/desk-steps.ts'
import { typeCode } from '../e2e/key-events.ts'
import { type Kiosk, missing, openKiosk } from './open-kiosk.ts'

if (missing !== null) console.warn(`tests/electron/desk is skipped: ${missing}.`)

const pictures = 'test-results/shoot-electron'

describe.skipIf(missing !== null)('the shooting desk in Electron', () => {
  let folder: string
  let site: Backend
  let kiosk: Kiosk

  beforeAll(async () => {
    const [desk] = await Promise.all([prepareDesk(), build(), mkdir(pictures, { recursive: true })])
    folder = desk.folder
    const products = join(folder, 'products.csv')
    const key = join(folder, 'key')
    await writeFile(products, `gtin,product_name,brand\n${cakeInCatalogue}`)
    await writeFile(key, 'station-key')
    site = await createBackend({
      dataDir: join(folder, 'site'),
      port: 0,
      apiKey: 'station-key',
      productsCsv: products,
      readsPhotos: true,
    })
    const camera = `--use-file-for-fake-video-capture=${desk.video}`
    kiosk = await openKiosk([camera, '--backend', site.url, '--api-key-file', key])
  })
  afterAll(async () => {
    await kiosk?.close()
    await site?.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('takes a product from its code to its record: a camera, two folders, the reading of the labels, and keys alone', async ({
    onTestFailed,
  }) => {
    onTestFailed(() => console.error(kiosk.output()))
    const keyboard = await kiosk.page.context().newCDPSession(kiosk.page)
    const scan = async (...codes: readonly string[]) => {
      for (const code of codes) await typeCode(keyboard, code)
    }
    await takeToRecord({ page: kiosk.page, scan, backend: site }, folder, pictures)
  }, 1_200_000)
})
