import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import type { PhotoOutcome } from '#contract/station/capture.ts'
import { stationPaths } from '#contract/station/http.ts'
import { createDecoder } from '#station/imaging/decode.ts'
import { createPhotoReader } from '#station/imaging/photo.ts'
import { openBenchStation } from './bench-station.ts'
import { drawCode } from '../tests/barcode-image.ts'
import { missing, openKiosk, processTree } from '../tests/electron/open-kiosk.ts'
import { drawLabel } from '../tests/label-image.ts'

type Say = (line: string) => void

const root = fileURLToPath(new URL('..', import.meta.url))
const variants = 4
/** Pairs of the comparison with bare sharp: one photo by a road, and by the bare one beside it. */
const rounds = 40
/** Of the roads that look at the photo as well, which are far from it. */
const slowRounds = 10

/**
 * `npm run bench -- photo [--photos N]`: what a photo costs beside bare sharp doing the same resizing and encoding in
 * turns with it, and whether memory stays flat over N photos in the web host's station and in a real Electron; with 0 the
 * comparison alone.
 */
export async function benchPhoto(say: Say, photos: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-photo-'))
  try {
    const paths: string[] = []
    for (let seed = 1; seed <= variants; seed += 1) {
      const code = await drawCode({ format: 'EAN13', text: '4006381333931' }, 6)
      const label = await drawLabel({ width: 4000, height: 3000, letterPixels: 42, seed }).png().toBuffer()
      const path = join(folder, `${seed}.jpg`)
      await sharp(label)
        .composite([{ input: Buffer.from(code), left: 1000, top: 1800 }])
        .jpeg({ quality: 92 })
        .toFile(path)
      paths.push(path)
    }
    await compare(say, folder, paths)
    if (photos === 0) return
    await inStation(say, folder, paths, photos)
    await inElectron(say, paths, photos)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What `work` takes, by the clock and by the processor, in milliseconds. */
async function timed(work: () => Promise<unknown>): Promise<{ wallMs: number; cpuMs: number }> {
  const startedMs = performance.now()
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1_000 }
}

async function compare(say: Say, folder: string, paths: readonly string[]): Promise<void> {
  const out = { derivativePath: join(folder, 'derivative'), thumbnailPath: join(folder, 'thumbnail') }
  const [outputsAlone, whole] = [createPhotoReader(null), createPhotoReader(createDecoder)]
  const bare = async (path: string): Promise<void> => {
    const derivative = await sharp(path)
      .autoOrient()
      .resize({ width: 2048, height: 2048, fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 85 })
      .toBuffer()
    writeFileSync(out.derivativePath, derivative)
    await sharp(derivative)
      .resize({ width: 320, height: 320, fit: 'inside' })
      .webp({ quality: 75 })
      .toFile(out.thumbnailPath)
  }
  // What both do: decode 12 MP upright, scale to 2,048, encode JPEG 85; scale to 320, encode WebP 75; write two files.
  const read = async (reader: typeof whole, path: string): Promise<void> => {
    const result = await reader.photo({ path, ...out })
    if (!result.ok) throw new Error(result.error.message)
  }
  const judge = async (path: string): Promise<void> => {
    const result = await whole.judge({ path })
    if (!result.ok) throw new Error(result.error.message)
  }
  const roads = {
    bare: (path: string) => bare(path),
    'the same outputs': (path: string) => read(outputsAlone, path),
    'the verdict alone': (path: string) => judge(path),
    'verdict, codes and outputs': (path: string) => judge(path).then(() => read(whole, path)),
  }
  const took: Record<string, { wallMs: number; cpuMs: number }>[] = []
  // The first round warms up. Each road is compared with the bare one beside it, before it and after it in turns, so that
  // what else the machine does falls on both.
  for (let round = 0; round <= rounds; round += 1) {
    const path = paths[round % paths.length] ?? ''
    for (const [name, road] of Object.entries(roads)) {
      if (round > slowRounds && name.startsWith('verdict')) continue
      const pair = [['bare', roads.bare] as const, [name, road] as const]
      const times: Record<string, { wallMs: number; cpuMs: number }> = {}
      for (const [which, run] of round % 2 === 0 ? pair : pair.toReversed()) times[which] = await timed(() => run(path))
      if (round > 0) took.push(times)
    }
  }
  const median = (values: readonly number[]): number =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
  type What = 'wallMs' | 'cpuMs'
  const medianOf = (name: string, what: What): number => median(took.flatMap((times) => times[name]?.[what] ?? []))
  const ratioOf = (name: string, what: What): number =>
    median(took.flatMap(({ bare: one, [name]: other }) => (one && other ? one[what] / other[what] : [])))
  say(
    `photo: 12 MP JPEG, medians of ${rounds} (${slowRounds} with codes) pairs with bare sharp in turns, load ${loadavg()[0]?.toFixed(1)}`,
  )
  say('photo: bare sharp: decode, turn upright, 2048 JPEG 85 and from it 320 WebP 75, both written; nothing else')
  for (const name of Object.keys(roads)) {
    const [wallMs, cpuMs] = [medianOf(name, 'wallMs'), medianOf(name, 'cpuMs')]
    const [byClock, byProcessor] = [ratioOf(name, 'wallMs'), ratioOf(name, 'cpuMs')]
    const told = name === 'the same outputs' ? ' (goal 0.90; perceptual hash included)' : ''
    say(
      `photo: ${name}: ${wallMs.toFixed(0)} ms, ${cpuMs.toFixed(0)} ms of processor; throughput ${byClock.toFixed(2)} of bare sharp by the clock, ${byProcessor.toFixed(2)} by the processor${told}`,
    )
  }
}

const mebibytes = (bytes: number): number => Math.round(bytes / 1024 / 1024)

function residentBytes(pid: number): number {
  try {
    const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Number(kibibytes ?? 0) * 1024
  } catch {
    return 0
  }
}

/** Hands in photos one after another and follows the memory of the imaging process. */
async function follow(
  say: Say,
  host: string,
  photos: number,
  put: (index: number) => Promise<PhotoOutcome | { code: string }>,
  imagingPid: () => number | undefined,
): Promise<void> {
  const resident: number[] = []
  const size = Math.max(10, Math.ceil(photos / 8))
  const medianMiB = (last: number): number =>
    mebibytes(resident.slice(-last).toSorted((a, b) => a - b)[Math.floor(last / 2)] ?? 0)
  const pids = new Set<number>()
  let read = 0
  let refused = ''
  const startedMs = performance.now()
  for (let index = 0; index < photos; index += 1) {
    const outcome = await put(index)
    if ('codes' in outcome && outcome.codes.length > 0) read += 1
    else refused = JSON.stringify(outcome).slice(0, 200)
    const pid = imagingPid()
    if (pid === undefined) continue
    pids.add(pid)
    resident.push(residentBytes(pid))
    // Said as it goes: a run of an hour that is ended early has shown something.
    if ((index + 1) % size === 0)
      say(`photo: ${host}: after ${index + 1} photos the last ${size} had ${medianMiB(size)} MiB`)
  }
  if (read === 0) throw new Error(`${host}: of ${photos} photos none was taken in with its code read: ${refused}`)
  const secondsEach = (performance.now() - startedMs) / 1_000 / photos
  say(
    `photo: ${host}: ${photos} photos, ${read} with their code read, ${secondsEach.toFixed(2)} s each; imaging process: peak ${mebibytes(Math.max(0, ...resident))} MiB after a photo, ${pids.size - 1} times replaced; load ${loadavg()[0]?.toFixed(1)}`,
  )
}

async function inStation(say: Say, folder: string, paths: readonly string[], photos: number): Promise<void> {
  if (process.platform !== 'linux') return say('photo: web host: skipped, memory is read from /proc')
  const station = await openBenchStation({ dataDir: join(folder, 'station'), host: 'web' })
  try {
    await station.call('session.open', { captureMode: 'product_photography', formats: 'retail' })
    const bytes = paths.map((path) => new Uint8Array(readFileSync(path)))
    await follow(
      say,
      "web host's station",
      photos,
      async (index) => {
        const body = bytes[index % bytes.length] ?? null
        const response = await station.handle(
          new Request(`http://station${stationPaths.photos}`, { method: 'PUT', body }),
        )
        return (await response.json()) as PhotoOutcome
      },
      () => processTree(process.pid).find((pid) => commandOf(pid).includes('imaging/worker')),
    )
  } finally {
    await station.close()
  }
}

async function inElectron(say: Say, paths: readonly string[], photos: number): Promise<void> {
  const reason = missing ?? (readdirSync(root).includes('out') ? null : 'nothing is built: npm run build') ?? notLinux()
  if (reason !== null) return say(`photo: Electron: skipped, ${reason}`)
  const kiosk = await openKiosk()
  try {
    await kiosk.call('session.open', { captureMode: 'product_photography', formats: 'retail' })
    const bodies = paths.map((path) => readFileSync(path).toString('base64'))
    await kiosk.page.evaluate((texts) => {
      const photosOf = (text: string): Blob =>
        new Blob([Uint8Array.from(atob(text), (character) => character.charCodeAt(0))])
      Object.assign(window, { benchPhotos: texts.map(photosOf) })
    }, bodies)
    const pid = kiosk.app.process().pid ?? 0
    await follow(
      say,
      'Electron',
      photos,
      (index) =>
        kiosk.page.evaluate(
          async ([path, at]) => {
            const { benchPhotos } = window as unknown as { benchPhotos: Blob[] }
            const body = benchPhotos[Number(at) % benchPhotos.length] ?? null
            return (await (await fetch(String(path), { method: 'PUT', body })).json()) as PhotoOutcome
          },
          [stationPaths.photos, index] as const,
        ),
      // The backend has such a process too; the one that opens photos is the larger one.
      () =>
        processTree(pid)
          .filter((child) => /--type=utility.*node\.mojom/.test(commandOf(child)))
          .toSorted((a, b) => residentBytes(b) - residentBytes(a))[0],
    )
  } finally {
    await kiosk.close()
  }
}

const notLinux = (): string | null => (process.platform === 'linux' ? null : 'memory is read from /proc')

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
