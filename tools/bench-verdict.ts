import { randomUUID } from 'node:crypto'
import { fsyncSync, mkdtempSync, openSync, closeSync, rmSync, writeSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { findChromium } from '#cli/browsers.ts'
import type { Result } from '#contract/result.ts'
import { stationPaths } from '#contract/station/http.ts'
import type { Desk } from '#contract/station/item.ts'
import { newDataKey } from '#sealing/index.ts'
import type { StationPorts } from '#station/index.ts'
import { openBenchStation } from './bench-station.ts'
import { makePictureVideo } from '../tests/e2e/desk-video.ts'
import { drawCode } from '../tests/barcode-image.ts'
import { drawLabel } from '../tests/label-image.ts'
import { openBenchWindow, painted, percentile, told, type BenchWindow } from './bench-window.ts'

type Say = (line: string) => void

const boundMs = 150
const rounds = 24
const gtin = '4006381333931'
/** What cameras give: the video of a usual one, a small still, and the still of a good one. */
const sizes = [
  { name: '2 MP', width: 1_920, height: 1_080, letterPixels: 28 },
  { name: '4 MP', width: 2_400, height: 1_800, letterPixels: 34 },
  { name: '12 MP', width: 4_000, height: 3_000, letterPixels: 42 },
] as const

/**
 * `npm run bench -- verdict`: from a photo's bytes at the station to its verdict, and to its answer when it is read and
 * captured, beside making it durable and opening it with bare sharp, and the same where photos are sealed; then from the shoot key to the frame that shows the
 * verdict in a real Chromium, whose camera gives 2 MP.
 */
export async function benchVerdict(say: Say): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-verdict-'))
  try {
    for (const size of sizes) await atStation(say, mkdtempSync(join(folder, 'station-')), size)
    await asPainted(say, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function drawPhoto({ width, height, letterPixels }: (typeof sizes)[number], seed: number): Promise<Buffer> {
  const code = await drawCode({ format: 'EAN13', text: gtin }, 4)
  const label = await drawLabel({ width, height, letterPixels, seed }).png().toBuffer()
  return sharp(label)
    .composite([{ input: Buffer.from(code), left: Math.round(width / 4), top: Math.round(height * 0.6) }])
    .jpeg({ quality: 92 })
    .toBuffer()
}

/** The floor: the bytes durable on the disk, and the photo opened as large as it is uploaded. */
async function bare(folder: string, bytes: Buffer): Promise<number> {
  const path = join(folder, 'bare')
  const startedMs = performance.now()
  const file = openSync(path, 'w')
  writeSync(file, bytes)
  fsyncSync(file)
  closeSync(file)
  await sharp(path).resize({ width: 2_048, height: 2_048, fit: 'inside', withoutEnlargement: true }).raw().toBuffer()
  return performance.now() - startedMs
}

/** A station with a product before its camera, and what it needs to say something of a photo. */
async function openDesk(dataDir: string, dataKey: StationPorts['dataKey'] = null) {
  const station = await openBenchStation({ dataDir, host: 'web', dataKey })
  await station.call('item.attend', { window: randomUUID(), on: true })
  const scanned = (await station.call('scan.submit', { data: gtin })) as Result<unknown>
  if (!scanned.ok) throw new Error(scanned.error.message)
  let seen: (desk: Desk) => void = () => undefined
  station.subscribe('item.changed', (desk) => seen(desk as Desk))
  const take = async (bytes: Buffer): Promise<{ readonly verdictMs: number; readonly answerMs: number }> => {
    const startedMs = performance.now()
    let verdictMs = Number.POSITIVE_INFINITY
    seen = ({ item }) => {
      if ((item?.coming.length ?? 0) > 0) verdictMs = Math.min(verdictMs, performance.now() - startedMs)
    }
    const request = new Request(`http://station${stationPaths.photos}?role=front`, {
      method: 'PUT',
      body: new Uint8Array(bytes),
    })
    const response = await station.handle(request)
    if (!response.ok) throw new Error(await response.text())
    return { verdictMs, answerMs: performance.now() - startedMs }
  }
  return { station, take, verdicts: Array<number>(), answers: Array<number>() }
}

async function atStation(say: Say, folder: string, size: (typeof sizes)[number]): Promise<void> {
  const plain = await openDesk(join(folder, 'data'))
  const sealed = await openDesk(join(folder, 'sealed'), { key: newDataKey(), from: 'file' })
  try {
    const floor: number[] = []
    let firstMs = 0
    // The first one is told by itself: the processes that look at photos are still starting.
    for (let round = 0; round <= rounds; round += 1) {
      const bytes = await drawPhoto(size, round + 1)
      // In turn, so that neither has always the busier machine.
      for (const desk of round % 2 === 0 ? [plain, sealed] : [sealed, plain]) {
        const { verdictMs, answerMs } = await desk.take(bytes)
        if (round === 0 && desk === plain) firstMs = verdictMs
        if (round === 0) continue
        desk.verdicts.push(verdictMs)
        desk.answers.push(answerMs)
      }
      const bareMs = await bare(folder, bytes)
      if (round > 0) floor.push(bareMs)
    }
    const ratio = percentile(plain.verdicts, 0.5) / percentile(floor, 0.5)
    const bound = (p95: number): string => {
      if (p95 > boundMs) process.exitCode = 1
      return `p95 within ${boundMs} ms: ${p95 <= boundMs ? 'reached' : 'NOT reached'}`
    }
    say(
      `verdict: ${size.name} at the station, load ${loadavg()[0]?.toFixed(1)}: ${told(plain.verdicts)}, ${ratio.toFixed(1)} times durable and opened by bare sharp (${told(floor)}); ${bound(percentile(plain.verdicts, 0.95))}; the first one, right after its product was opened, ${firstMs.toFixed(0)} ms; read and captured ${told(plain.answers)}`,
    )
    const times = (of: 'verdicts' | 'answers'): string =>
      (percentile(sealed[of], 0.5) / percentile(plain[of], 0.5)).toFixed(2)
    say(
      `verdict: ${size.name} sealed, in turn with those: ${told(sealed.verdicts)}, ${times('verdicts')} times as long; ${bound(percentile(sealed.verdicts, 0.95))}; read and captured ${told(sealed.answers)}, ${times('answers')} times`,
    )
  } finally {
    await plain.station.close()
    await sealed.station.close()
  }
}

/**
 * Runs in the page: when the photo was there to be sent, and the first frame that shows the verdict on one photo more than
 * before.
 */
const watch = `
  let pressedMs = 0
  const send = globalThis.fetch
  globalThis.fetch = (...values) => {
    if (values[1]?.method === 'PUT') painted.push({ key: 'still', what: 'still', ms: performance.now() - pressedMs })
    return send(...values)
  }
  const shown = () => document.querySelectorAll('.shoot-strip li').length
  addEventListener('keydown', (event) => {
    const before = shown()
    pressedMs = event.timeStamp
    press(event, ({ tell, over }) => {
      if (shown() === before || !document.querySelector('.photo-verdict')) return
      over()
      tell('verdict')
    })
  }, { capture: true })
`

async function asPainted(say: Say, folder: string): Promise<void> {
  const found = findChromium(process.env)
  if ('missing' in found) return say(`verdict: not measured as painted, ${found.missing}`)
  const video = join(folder, 'label.y4m')
  const [{ width, height }] = sizes
  await makePictureVideo(sharp(await drawPhoto(sizes[0], 1)), video, width, height)
  let window: BenchWindow | undefined
  try {
    window = await openBenchWindow(found.path, join(folder, 'kiosk'), watch, [
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${video}`,
    ])
    const { page } = window
    const floor = await window.bareKeys()
    await window.show()
    await page.keyboard.press('Alt+Digit8')
    await page.getByRole('textbox').fill(gtin)
    await page.keyboard.press('Enter')
    const shoot = page.getByRole('button', { name: /^Shoot: / })
    const photos = page.getByRole('list', { name: 'Photos of this product' }).getByRole('button')
    for (let round = 0; round < rounds; round += 1) {
      await shoot.waitFor()
      await page.waitForTimeout(120)
      await page.keyboard.press('PageDown')
      await photos.nth(round).waitFor()
    }
    const all = await painted(page)
    const of = (name: string) => all.filter(({ key }) => key === name).map(({ ms }) => ms)
    const took = of('PageDown')
    say(
      `verdict: shoot key to verdict painted in Chromium, load ${loadavg()[0]?.toFixed(1)}: ${told(took)} of ${took.length}, of which to the photo in the window ${told(of('still'))}, beside a key that changes a word: ${told(floor)}`,
    )
  } finally {
    await window?.close()
  }
}
