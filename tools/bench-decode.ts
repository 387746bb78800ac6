import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { BinaryBitmap, HybridBinarizer, MultiFormatReader, RGBLuminanceSource } from '@zxing/library'
import sharp from 'sharp'
import type { Sharp } from 'sharp'
import { createEngine } from '#domain/decoding/engine.ts'
import type { GreyImage } from '#domain/decoding/image.ts'
import { expandUpce } from '#domain/decoding/retail.ts'
import { loadReader } from '#station/imaging/decode.ts'
import { readPdf417 } from '#station/imaging/second-reader.ts'
import { drawCode } from '../tests/barcode-image.ts'
import type { DrawnCode } from '../tests/barcode-image.ts'

/**
 * `npm run bench -- decode [--sample N] [--engines capstan,zxing-wasm,@zxing/library] [--drawn] [--verbose]`
 *
 * Whole photos read, wrong reads, reads where no code is, and processor time, of Capstan's engine next to the engines it
 * is made of, each alone, in the same run. On the shared photos where they are, otherwise on drawn codes under blur,
 * turn, noise, low contrast and coarse pixels. Wrong is strict: every read that the manifest does not name.
 */

interface Expected {
  readonly format: string
  /** Null where the content is not text. */
  readonly text: string | null
}

interface Photo {
  readonly name: string
  readonly expected: readonly Expected[]
  readonly load: () => Promise<GreyImage>
}

interface Read {
  readonly format: string
  readonly text: string
}

type Engine = (image: GreyImage) => readonly Read[]

interface Tally {
  readonly ms: number[]
  readonly byFormat: Map<string, { whole: number; all: number }>
  readonly halves: [{ whole: number; all: number }, { whole: number; all: number }]
  wrong: number
  negatives: number
  negativesRead: number
}

type Say = (line: string) => void

interface Options {
  /** Every Nth photo. */
  readonly sample: string
  /** Their names, with commas; undefined stands for all. */
  readonly engines?: string | undefined
  readonly verbose: boolean
  /** The project's own drawn codes, although the photos are there. */
  readonly drawn: boolean
}

/** GS, which stands for FNC1 between the elements of GS1. */
const separator = '\u001d'

const shared = join(import.meta.dirname, '..', '..', 'shared', 'data', 'codes')

export async function benchDecode(say: Say, options: Options): Promise<void> {
  const every = Math.max(1, Number(options.sample))
  const wanted = options.engines?.split(',')
  const isShared = !options.drawn && existsSync(join(shared, 'manifest.json'))
  const all = isShared ? sharedPhotos() : await drawnPhotos()
  const photos = all.filter((_, index) => index % every === 0)
  say(
    `decode: ${photos.length} of ${all.length} ${isShared ? 'shared photos' : 'drawn codes'}, one thread, processor time`,
  )
  const engines = Object.entries(await loadEngines()).filter(([name]) => wanted === undefined || wanted.includes(name))
  const tallies = new Map(engines.map(([name]) => [name, emptyTally()]))
  for (const photo of photos) {
    const image = await photo.load()
    for (const [name, engine] of engines) {
      const before = process.cpuUsage()
      const reads = engine(image)
      const { user, system } = process.cpuUsage(before)
      const tally = tallies.get(name)
      if (tally) count(tally, photo, reads, (user + system) / 1000)
      if (options.verbose) tell(say, name, photo, reads)
    }
  }
  for (const [name, tally] of tallies) report(say, name, tally)
  if (!isShared)
    say('decode: the goals are for photos; drawn codes have each fault as often as none, and compare engines')
}

function sharedPhotos(): readonly Photo[] {
  const manifest = JSON.parse(readFileSync(join(shared, 'manifest.json'), 'utf8')) as readonly {
    readonly file: string
    readonly expected: readonly Expected[]
  }[]
  return manifest.map(({ file, expected }) => ({ name: file, expected, load: () => grey(sharp(join(shared, file))) }))
}

async function grey(image: Sharp): Promise<GreyImage> {
  const { data, info } = await image
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
  const luma = new Uint8Array(info.width * info.height)
  const step = info.channels
  for (let at = 0; at < luma.length; at++) {
    const [red = 0, green = 0, blue = 0] =
      step < 3 ? [data[at * step], data[at * step], data[at * step]] : data.subarray(at * step, at * step + 3)
    luma[at] = (306 * red + 601 * green + 117 * blue + 512) >> 10
  }
  return { data: luma, width: info.width, height: info.height }
}

/** The project's own set: what cameras do to codes, done to drawn ones. */
async function drawnPhotos(): Promise<readonly Photo[]> {
  const codes: readonly (DrawnCode & { readonly name: string })[] = [
    { name: 'EAN13', format: 'EAN13', text: '4006381333931' },
    { name: 'EAN8', format: 'EAN8', text: '96385074' },
    { name: 'Code128', format: 'Code128', text: 'LOT-2026-11' },
    { name: 'Code39', format: 'Code39', text: 'BIN 42-A' },
    { name: 'ITF', format: 'ITF', text: '15400141288763' },
    { name: 'QR', format: 'QRCode', text: 'https://id.gs1.org/01/04006381333931' },
    { name: 'DataMatrix', format: 'DataMatrix', text: '0104006381333931' },
    { name: 'PDF417', format: 'PDF417', text: 'PALLET 00340123450000000018' },
  ]
  const faults: Readonly<Record<string, (image: Sharp) => Sharp>> = {
    clean: (image) => image,
    'blurred 2': (image) => image.blur(2),
    'blurred 3': (image) => image.blur(3),
    'turned 20': (image) => image.rotate(20, { background: '#e8e4da' }),
    'turned 45': (image) => image.rotate(45, { background: '#e8e4da' }),
    'turned 110': (image) => image.rotate(110, { background: '#e8e4da' }),
    pale: (image) => image.linear(0.08, 150),
    inverted: (image) => image.negate({ alpha: false }),
    coarse: (image) => image.resize({ width: 260 }),
    'poor JPEG': (image) => image.jpeg({ quality: 8 }),
  }
  const photos: Photo[] = []
  for (const code of codes) {
    const drawn = await sharp(Buffer.from(await drawCode(code)))
      .extend({ top: 60, bottom: 60, left: 60, right: 60, background: '#e8e4da' })
      .png()
      .toBuffer()
    for (const [fault, apply] of Object.entries(faults)) {
      photos.push({
        name: `${code.name} ${fault}`,
        expected: [{ format: code.name, text: code.text }],
        load: async () => grey(sharp(await apply(sharp(drawn)).toBuffer())),
      })
    }
  }
  for (const [index, sigma] of [10, 30, 60].entries()) {
    photos.push({
      name: `noise ${index}`,
      expected: [],
      load: () =>
        grey(
          sharp({
            create: {
              width: 800,
              height: 600,
              channels: 3,
              background: '#888',
              noise: { type: 'gaussian', mean: 128, sigma },
            },
          }).png(),
        ),
    })
  }
  return photos
}

async function loadEngines(): Promise<Readonly<Record<string, Engine>>> {
  const read = await loadReader()
  const clockMs = (): number => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  const engine = createEngine({ read, second: readPdf417, clockMs })
  return {
    capstan: (image) => engine(image),
    // Every option is what it does alone: harder, turned, inverted, scaled down.
    '@zxing/library': readByLibrary,
    'zxing-wasm': (image) => read(image, { formats: [], thorough: true }),
  }
}

/** As its documentation has it: one code an image, every format. */
const readByLibrary: Engine = ({ data, width, height }) => {
  try {
    const source = new RGBLuminanceSource(Uint8ClampedArray.from(data), width, height)
    const result = new MultiFormatReader().decode(new BinaryBitmap(new HybridBinarizer(source)), new Map())
    return [{ format: String(result.getBarcodeFormat()), text: result.getText() }]
  } catch {
    return []
  }
}

function emptyTally(): Tally {
  return {
    ms: [],
    byFormat: new Map(),
    halves: [
      { whole: 0, all: 0 },
      { whole: 0, all: 0 },
    ],
    wrong: 0,
    negatives: 0,
    negativesRead: 0,
  }
}

function judged(
  { expected }: Photo,
  reads: readonly Read[],
): { readonly isWhole: boolean; readonly wrong: readonly Read[] } {
  const isSame = (one: Expected, read: Read): boolean => {
    if (one.text === null) return true
    const [is, ought] = [plain(one.format, read.text), plain(one.format, one.text)]
    // Some sets of photos leave the separators of GS1 out, others write them.
    return is === ought || (!ought.includes(separator) && is.replaceAll(separator, '') === ought)
  }
  return {
    isWhole: expected.every((one) => reads.some((read) => isSame(one, read))),
    wrong: reads.filter((read) => !expected.some((one) => isSame(one, read))),
  }
}

function count(tally: Tally, photo: Photo, reads: readonly Read[], ms: number): void {
  tally.ms.push(ms)
  const { isWhole, wrong } = judged(photo, reads)
  if (photo.expected.length === 0) {
    tally.negatives++
    if (reads.length > 0) tally.negativesRead++
    return
  }
  if (wrong.length > 0) tally.wrong++
  const format = photo.expected[0]?.format ?? 'none'
  const ofFormat = tally.byFormat.get(format) ?? { whole: 0, all: 0 }
  tally.byFormat.set(format, ofFormat)
  // Two halves by name, so that what was tuned to the one shows on the other.
  let hash = 0
  for (const letter of photo.name) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0
  for (const one of [ofFormat, tally.halves[(hash >>> 4) % 2 === 0 ? 0 : 1]]) {
    one.all++
    if (isWhole) one.whole++
  }
}

function tell(say: Say, name: string, photo: Photo, reads: readonly Read[]): void {
  const { isWhole, wrong } = judged(photo, reads)
  if (!isWhole) say(`  ${name}: ${photo.name} not read`)
  for (const { format, text } of wrong) say(`  ${name}: ${photo.name} also read as ${format} ${JSON.stringify(text)}`)
}

function report(say: Say, name: string, tally: Tally): void {
  const sorted = tally.ms.toSorted((a, b) => a - b)
  const at = (share: number): string =>
    `${(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(0)} ms`
  const [odd, even] = tally.halves
  const share = ({ whole, all }: { whole: number; all: number }): string =>
    `${((100 * whole) / Math.max(1, all)).toFixed(1)} %`
  const sum = { whole: odd.whole + even.whole, all: odd.all + even.all }
  say(
    `decode: ${name}: ${sum.whole} of ${sum.all} photos read whole, ${share(sum)} (halves ${share(odd)}, ${share(even)}; goal 92 %), ` +
      `${tally.wrong} with another read (goal ${Math.floor(sum.all / 250)}), ${tally.negativesRead} of ${tally.negatives} without codes read, ` +
      `p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)} (goal 500 ms)`,
  )
  const formats = [...tally.byFormat].toSorted(([a], [b]) => a.localeCompare(b))
  say(`  ${formats.map(([format, one]) => `${format} ${one.whole}/${one.all}`).join(', ')}`)
}

/** The sets of photos disagree on leading zeros, start and stop characters and brackets; none of them matters here. */
function plain(format: string, text: string): string {
  if (format === 'UPCE' && text.length === 8) return expanded(text)
  // Add-ons are no part of the number.
  if (/^(?:EAN|UPC)/.test(format)) return (text.length > 14 ? text.slice(0, 13) : text).replace(/^0+/, '')
  if (format === 'Codabar') return text.replaceAll(/^[A-D]|[A-D]$/g, '')
  if (format.startsWith('DataBar')) {
    return text
      .replaceAll(/[()]/g, '')
      .replaceAll(separator, '')
      .replace(/^01(?=\d{14}$)/, '')
  }
  return text
}

function expanded(text: string): string {
  return (expandUpce(text) ?? text).replace(/^0+/, '')
}
