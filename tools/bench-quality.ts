import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import type { Sharp } from 'sharp'
import type { PhotoFault } from '#contract/station/photo-quality.ts'
import { differingBits, samePhotoBits, tellsApart } from '#domain/perceptual-hash.ts'
import { lumaOf as lumaOfColours } from '#station/imaging/luma.ts'
import type { Luma } from '#station/imaging/luma.ts'
import { conclude, measure } from '#station/imaging/quality.ts'
import type { Measures } from '#station/imaging/quality.ts'
import { perceptualHash } from '#station/imaging/perceptual-hash.ts'
import { findTextLines, median } from '#station/imaging/text-lines.ts'
import { drawLabel } from '../tests/label-image.ts'
import { benchProducts } from './bench-quality-product.ts'

/**
 * `npm run bench -- quality`: the verdict on good photos, and on the same photos with one fault planted in each.
 *
 * A planted fault makes the small print unreadable to a person: how strong it is follows from the height of the
 * photo's own letters. BENCH_EVERY=N takes each Nth photo, BENCH_VERBOSE=1 prints what was measured and missed. What a photo has by itself (`known`, by eye) is neither a good case nor a false alarm.
 */
const shared = fileURLToPath(new URL('../../shared/', import.meta.url))

const known: Readonly<Record<string, readonly PhotoFault[]>> = {
  'an_es-rmx.jpg': ['cut_off'],
  'off-27bef290a31d.jpg': ['blurred', 'glare'],
  'wi_0023.jpg': ['text_too_small'],
  'wi_116.jpg': ['tilted'],
  'wi_135.jpg': ['tilted'],
}

interface Pixels {
  readonly data: Buffer
  readonly width: number
  readonly height: number
}

interface Photo {
  readonly name: string
  readonly pixels: Pixels
  /** The median height of its letters; 0 where there are none. */
  readonly letterPixels: number
}

type Say = (line: string) => void

const raw = async (image: Sharp): Promise<Pixels> => {
  const { data, info } = await image.removeAlpha().raw().toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}
const image = ({ data, width, height }: Pixels): Sharp => sharp(data, { raw: { width, height, channels: 3 } })
/** As the station uploads it, through JPEG. */
const asUploaded = async (photo: Sharp): Promise<Pixels> => {
  const jpeg = await photo
    .resize({ width: 2048, height: 2048, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 85 })
    .toBuffer()
  return raw(sharp(jpeg))
}
const lumaOf = ({ data, width, height }: Pixels): Luma => lumaOfColours(data, width, height)

interface Plant {
  readonly name: string
  readonly fault: PhotoFault
  /** Null where the photo does not lend itself to it. */
  make(photo: Photo): Promise<Sharp> | Sharp | null
}

/** The sigma that melts letters together: a third of their height. */
const blurOf = ({ letterPixels }: Photo): number => Math.max(2.5, letterPixels * 0.33)

const plants: readonly Plant[] = [
  { name: 'blurred', fault: 'blurred', make: (photo) => image(photo.pixels).blur(blurOf(photo)) },
  {
    name: 'moved',
    fault: 'blurred',
    make(photo) {
      // A straight line of movement over the height of the letters, level.
      const length = Math.min(61, Math.max(7, Math.round(photo.letterPixels * 1.2) | 1))
      const pieces = Array.from({ length: length * 3 }, (_, at) => (at >= length && at < 2 * length ? 1 : 0))
      return image(photo.pixels).convolve({ width: length, height: 3, kernel: pieces, scale: length })
    },
  },
  {
    name: 'label blurred, background sharp',
    fault: 'blurred',
    async make(photo) {
      const { width, height } = photo.pixels
      const inner = {
        left: Math.round(width * 0.15),
        top: Math.round(height * 0.15),
        width: Math.round(width * 0.7),
        height: Math.round(height * 0.7),
      }
      const blurred = await image(photo.pixels).extract(inner).blur(blurOf(photo)).png().toBuffer()
      return image(photo.pixels).composite([{ input: blurred, left: inner.left, top: inner.top }])
    },
  },
  { name: 'dark', fault: 'too_dark', make: ({ pixels }) => image(pixels).linear(0.22, 2) },
  { name: 'overexposed', fault: 'too_bright', make: ({ pixels }) => image(pixels).linear(1.6, 110) },
  {
    name: 'glare',
    fault: 'glare',
    make({ pixels }) {
      const { width, height } = pixels
      const radius = Math.min(width, height) * 0.16
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs><radialGradient id="g"><stop offset="0.45" stop-color="#fff" stop-opacity="1"/><stop offset="1" stop-color="#fff" stop-opacity="0"/></radialGradient></defs><ellipse cx="${width * 0.45}" cy="${height * 0.5}" rx="${radius * 1.5}" ry="${radius}" fill="url(#g)"/></svg>`
      return image(pixels).composite([{ input: Buffer.from(svg) }])
    },
  },
  {
    name: 'tilted 25 degrees',
    fault: 'tilted',
    make: ({ pixels }) => image(pixels).rotate(25, { background: '#6b6b6b' }),
  },
  {
    name: 'cut off',
    fault: 'cut_off',
    make({ pixels }) {
      const lines = findTextLines(lumaOf(pixels)).filter(({ letters }) => letters.length >= 8)
      if (lines.length < 6) return null
      // Where the most lines are cut: across their direction, at the median of their middles.
      const isLevel = Math.abs(median(lines.map(({ degrees }) => degrees))) <= 45
      const middles = lines.map(({ letters }) => {
        const at = letters[Math.floor(letters.length / 2)] ?? { left: 0, right: 0, top: 0, bottom: 0 }
        return Math.round(isLevel ? (at.left + at.right) / 2 : (at.top + at.bottom) / 2)
      })
      const at = Math.max(64, median(middles))
      return image(pixels).extract({
        left: 0,
        top: 0,
        width: isLevel ? Math.min(at, pixels.width) : pixels.width,
        height: isLevel ? pixels.height : Math.min(at, pixels.height),
      })
    },
  },
  {
    name: 'tiny text',
    fault: 'text_too_small',
    make(photo) {
      const { width, height } = photo.pixels
      // Letters of four pixels and a half: the product stands too far away.
      const scale = 4.5 / photo.letterPixels
      if (photo.letterPixels === 0 || scale > 0.9) return null
      const small = { width: Math.round(width * scale), height: Math.round(height * scale) }
      const x = Math.round((width - small.width) / 2)
      const y = Math.round((height - small.height) / 2)
      return image(photo.pixels)
        .resize(small.width, small.height)
        .extend({
          left: x,
          right: width - small.width - x,
          top: y,
          bottom: height - small.height - y,
          background: '#8a8378',
        })
    },
  },
]

async function photographs(): Promise<{ photos: Photo[]; origin: string }> {
  const folders = [
    { folder: join(shared, 'vision', 'data'), pattern: /\.(jpg|png)$/ },
    { folder: join(shared, 'data', 'codes'), pattern: /^off-.*\.jpg$/ },
  ].filter(({ folder }) => existsSync(folder))
  const files = folders.flatMap(({ folder, pattern }) =>
    readdirSync(folder)
      .filter((name) => pattern.test(name))
      .map((name) => ({
        name,
        open: () => sharp(join(folder, name)).autoOrient().flatten({ background: '#fff' }).toColourspace('srgb'),
      })),
  )
  const drawn = Array.from({ length: files.length > 0 ? 6 : 24 }, (_, index) => ({
    name: `drawn ${index}`,
    open: () => drawLabel({ seed: index + 1, letterPixels: 14 + (index % 4) * 7, width: 1600 - (index % 3) * 300 }),
  }))
  const photos: Photo[] = []
  const all = [...files, ...drawn].filter((_, index) => index % Number(process.env['BENCH_EVERY'] ?? 1) === 0)
  for (const { name, open } of all) {
    const pixels = await asUploaded(open())
    photos.push({ name, pixels, letterPixels: median(findTextLines(lumaOf(pixels)).map((line) => line.heightPixels)) })
  }
  return {
    photos,
    origin:
      files.length > 0
        ? `${photos.length - drawn.length} photos of labels and ${drawn.length} drawn ones`
        : `${drawn.length} drawn labels (no photos beside the project)`,
  }
}

const percent = (part: number, whole: number): string =>
  whole === 0 ? '-' : `${((part / whole) * 100).toFixed(0)} % (${part} of ${whole})`

/** Counts of the two halves of the photos: thresholds are tuned on the first, and the second says what they are worth. */
type Halves = readonly [tuned: number, apart: number]
const none: Halves = [0, 0]

function oneMore([tuned, apart]: Halves = none, photo: Photo): Halves {
  return isTuned(photo) ? [tuned + 1, apart] : [tuned, apart + 1]
}

/** By a hash of the name, so that a photo stays in its half whatever others come. */
const isTuned = ({ name }: Photo): boolean => createHash('sha256').update(name).digest().readUInt8(0) % 2 === 0

const shares = ([part, partApart]: Halves, [whole, wholeApart]: Halves): string =>
  `${percent(part, whole)} and ${percent(partApart, wholeApart)}`

export async function benchQuality(say: Say): Promise<void> {
  const isVerbose = process.env['BENCH_VERBOSE'] !== undefined
  const { photos, origin } = await photographs()
  say(`quality: ${origin}, each with every fault planted that it lends itself to`)
  say(
    `quality: the half that thresholds are tuned on, ${photos.filter(isTuned).length} photos, and the half kept apart`,
  )
  const describe = (measures: Measures): string =>
    JSON.stringify({
      ...conclude(measures),
      measures: { ...conclude(measures).measures, mid: measures.middleEdgeWidth },
    })

  const alarms = new Map<PhotoFault, Halves>()
  const good = new Map<PhotoFault, Halves>()
  const faults = [...new Set(plants.map(({ fault }) => fault))]
  const tookMs: number[] = []
  let passed = 0
  for (const photo of photos) {
    const luma = lumaOf(photo.pixels)
    const before = process.cpuUsage()
    const measures = measure(luma)
    const { user, system } = process.cpuUsage(before)
    tookMs.push((user + system) / 1000)
    const { faults: found, verdict } = conclude(measures)
    if (verdict !== 'retake') passed += 1
    if (isVerbose) say(`  ${photo.name}: ${describe(measures)}`)
    for (const fault of faults) {
      if (known[photo.name]?.includes(fault)) continue
      good.set(fault, oneMore(good.get(fault), photo))
      if (found.includes(fault)) alarms.set(fault, oneMore(alarms.get(fault), photo))
    }
  }
  for (const plant of plants) {
    let planted: Halves = none
    let caught: Halves = none
    let flagged: Halves = none
    for (const photo of photos) {
      if (known[photo.name]?.includes(plant.fault)) continue
      const made = await plant.make(photo)
      if (!made) continue
      const measures = measure(lumaOf(await asUploaded(image(await raw(made)))))
      const { faults: found, verdict } = conclude(measures)
      planted = oneMore(planted, photo)
      if (found.includes(plant.fault)) caught = oneMore(caught, photo)
      else if (isVerbose) say(`  missed ${plant.name} in ${photo.name}: ${describe(measures)}`)
      if (verdict !== 'good' || found.includes('no_text')) flagged = oneMore(flagged, photo)
    }
    say(
      `quality: ${plant.name}: caught as ${plant.fault} ${shares(caught, planted)}, flagged at all ${shares(flagged, planted)}; false alarms ${shares(alarms.get(plant.fault) ?? none, good.get(plant.fault) ?? none)}`,
    )
  }
  await repeats(photos, say)
  await benchProducts(say)
  const slowest = tookMs.reduce((most, one) => Math.max(most, one), 0)
  say(
    `quality: ${percent(passed, photos.length)} of the photos as they are need no retake; a verdict takes ${median(tookMs).toFixed(0)} ms of a processor, at most ${slowest.toFixed(0)} ms`,
  )
}

/** The same photo again, in other clothes, against all pairs of different ones. */
async function repeats(photos: readonly Photo[], say: Say): Promise<void> {
  const hashes = photos.map(({ pixels }) => perceptualHash({ ...lumaOf(pixels), channels: 1 }))
  const again: readonly ((photo: Sharp, pixels: Pixels) => Sharp)[] = [
    (photo) => photo.jpeg({ quality: 40 }),
    (photo, { width }) => photo.resize({ width: Math.max(64, Math.round(width * 0.4)) }),
    (photo) => photo.linear(1.15, 6),
    (photo, { width, height }) =>
      photo.extract({
        left: Math.round(width * 0.01),
        top: Math.round(height * 0.01),
        width: Math.round(width * 0.98),
        height: Math.round(height * 0.98),
      }),
  ]
  const same: number[] = []
  for (const [index, { pixels }] of photos.entries()) {
    for (const change of again) {
      const jpeg = await change(image(pixels), pixels).toFormat('jpeg', { quality: 60 }).toBuffer()
      same.push(differingBits(hashes[index] ?? '', perceptualHash({ ...lumaOf(await raw(sharp(jpeg))), channels: 1 })))
    }
  }
  const different = hashes.flatMap((one, index) => hashes.slice(index + 1).map((other) => differingBits(one, other)))
  say(
    `quality: repeated: caught ${percent(same.filter((bits) => bits <= samePhotoBits).length, same.length)}; false alarms ${percent(different.filter((bits) => bits <= samePhotoBits).length, different.length)}; bits that differ: same photo at most ${Math.max(...same)}, others at least ${Math.min(...different)} of 256, limit ${samePhotoBits}; hashes that tell nothing ${hashes.filter((hash) => !tellsApart(hash)).length} of ${hashes.length}`,
  )
}
