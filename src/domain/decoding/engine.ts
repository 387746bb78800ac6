import { evenStrip, findBars, inImage, sharpStrip, stripOf } from './bars.ts'
import type { BarRegion, Strip } from './bars.ts'
import { inverted, levelled, scaled, sharpened, smoothed } from './image.ts'
import type { GreyImage } from './image.ts'
import { isConclusive, isPlausible, isWeak, layeredFormats, linearFormats, linesToBelieve } from './accept.ts'
import { readRetail } from './retail.ts'
import type { Profile, RetailFormat } from './retail.ts'
import { withoutImportMark } from './vehicle-number.ts'

export interface Point {
  readonly x: number
  readonly y: number
}

export interface Corners {
  readonly topLeft: Point
  readonly topRight: Point
  readonly bottomRight: Point
  readonly bottomLeft: Point
}

/** What a reader says of one symbol. */
export interface SymbolRead {
  /** zxing's name of the format, as `EAN13`, `QRCode`, `Code39Ext`. */
  readonly format: string
  readonly text: string
  /** As the bars have it, marks that are not printed included. */
  readonly bytes: Uint8Array
  readonly symbologyIdentifier: string
  /** How many scan lines gave the same; 0 for matrix codes. */
  readonly lines: number
  readonly position: Corners
}

export interface ReadRequest {
  /** zxing's names; none stands for every format. */
  readonly formats: readonly string[]
  /** Also turned by quarters, inverted and scaled down. */
  readonly thorough: boolean
  /** Fewer lines and no inversion, but turned by quarters: about a fifth of the time. */
  readonly quick?: boolean
  readonly binarizer?: 'local' | 'global'
  readonly denoise?: boolean
  /** Only EAN and UPC with an add-on, whose digits follow the number's. */
  readonly withAddOn?: boolean
}

/** A reader of symbols: zxing-wasm in the station and in the window. It keeps nothing of the image. */
export type ReadSymbols = (image: GreyImage, request: ReadRequest) => readonly SymbolRead[]

/** How a code was read, from the cheapest to the dearest. */
export type Pass =
  | 'whole'
  | 'strip'
  | 'turned'
  | 'likelihood'
  | 'global'
  | 'level'
  | 'smooth'
  | 'large'
  | 'small'
  | 'denoise'
  | 'second'

export interface DecodedCode extends SymbolRead {
  readonly pass: Pass
  /** From 0 to 1: how sure it is, by its error correction, its scan lines or its likelihood. */
  readonly confidence: number
  /** The two or five digits beside an EAN or UPC, as of a magazine's issue. */
  readonly addOn?: string
}

/** What an image is worth: a frame is followed by the next, a photo is waited for, a batch is not. */
export type Effort = 'frame' | 'photo' | 'batch'

interface Budget {
  /** No pass begins after this much time... */
  readonly ms: number
  /** ...and as much more for each megapixel beyond four: every pass over a large photo takes longer. */
  readonly msPerMegapixel: number
  /** Whether the first look takes every option, or only the cheap ones. */
  readonly thorough: boolean
  /** Regions that look like bars and are tried one by one. */
  readonly regions: number
  /** How many of them are tried by likelihood. */
  readonly likely: number
  /** Whether the whole image is tried again in other lights and sizes. */
  readonly rescues: boolean
  /** Whether add-ons are looked for beside an EAN or UPC. */
  readonly addOns: boolean
}

const budgets: Readonly<Record<Effort, Budget>> = {
  frame: { ms: 40, msPerMegapixel: 0, thorough: false, regions: 3, likely: 0, rescues: false, addOns: false },
  photo: { ms: 280, msPerMegapixel: 60, thorough: true, regions: 8, likely: 5, rescues: true, addOns: true },
  batch: { ms: 1500, msPerMegapixel: 60, thorough: true, regions: 16, likely: 16, rescues: true, addOns: true },
}

export interface DecodeOptions {
  /** zxing's names of the formats to look for; none stands for all. */
  readonly formats?: readonly string[]
  readonly effort?: Effort
}

export interface EngineParts {
  readonly read: ReadSymbols
  /** Another engine for what is still unread. */
  readonly second?: ReadSymbols
  /** The time that budgets are held against, in milliseconds; processor time where there is such a clock. */
  readonly clockMs: () => number
}

/** Rows of a strip, and slices that the likelihood reader lays together. */
const stripRows = 24
const sliceCount = 8
/** Room on both sides of a region, as a share of its length. */
const stripMargin = 0.25

/** Regions that are laid level for formats of several rows, when they lie so many degrees askew at least. */
const levelRegions = 2
const leastTurn = (4 * Math.PI) / 180
const mostLevelRows = 800
/** How far the direction of rows that differ is from what their gradients say: a fifth nearer to the axes, or not at all. */
const levelShares = [1, 0.8] as const

/** Formats beside which an add-on may stand, how far it reaches as a share of their length, and its lines of `stripRows`. */
const hasAddOn = /^(?:EAN13|ISBN|UPCA|UPCE)$/
const addOnReach = 0.7
const addOnMargin = 0.12
const addOnLines = 8

/** Reads the codes of an image: cheap passes first, dear ones only for what they left. */
export function createEngine({ read, second, clockMs }: EngineParts) {
  return function decode(image: GreyImage, options: DecodeOptions = {}): readonly DecodedCode[] {
    const budget = budgets[options.effort ?? 'photo']
    const formats = options.formats ?? []
    const startedMs = clockMs()
    const allowedMs = budget.ms + budget.msPerMegapixel * Math.max(0, (image.width * image.height) / 1e6 - 4)
    const inTime = (): boolean => clockMs() - startedMs < allowedMs
    const linear = linearFormats(formats)
    const retail = retailFormats(formats)
    const layered = layeredFormats(formats)

    let found: DecodedCode[] = []
    const doubtful: DecodedCode[] = []
    for (const one of read(image, { formats, thorough: budget.thorough, quick: !budget.thorough })) {
      const code: DecodedCode = { ...one, pass: 'whole', confidence: confidenceOf(one) }
      if (code.lines === 0 || code.lines >= linesToBelieve(code)) found.push(code)
      else doubtful.push(code)
    }
    found = found.filter((code) => !isCutShort(code, doubtful))
    for (const code of doubtful) {
      const confirmed = confirm(image, code)
      if (confirmed && !found.some((other) => overlaps(other, confirmed))) found.push(confirmed)
    }
    // Bars that are still unread; where codes were read, others may be beside them.
    const regions = (linear.length > 0 && inTime() ? findBars(image, budget.regions) : []).filter(
      ({ x, y }) => !found.some((code) => contains(code.position, x, y)),
    )
    for (const region of regions) tryRegion(region, readStrip)
    if (found.length === 0 && budget.rescues) rescue(cheapRescues)
    if (found.length === 0 && retail.size > 0) {
      for (const region of regions.slice(0, budget.likely)) tryRegion(region, readLikely)
    }
    if (found.length === 0 && budget.rescues && layered.length > 0) {
      for (const region of regions.slice(0, levelRegions)) tryRegion(region, readLevel)
    }
    if (found.length === 0 && budget.rescues) rescue(dearRescues)
    return withoutFragments(found).map((code) => {
      if (code.format.startsWith('Code39')) return { ...code, text: withoutImportMark(code.text) }
      const addOn = budget.addOns && inTime() ? readAddOn(code) : undefined
      return addOn === undefined ? code : { ...code, addOn }
    })

    /** Reads what stands to the right of an EAN or UPC. Its parity says little, so most of its bars have to say the same. */
    function readAddOn({ format, text, position }: DecodedCode): string | undefined {
      const main = hasAddOn.test(format) ? regionOf(position) : undefined
      if (!main) return undefined
      const further = addOnReach * main.length
      const strip = stripOf(
        image,
        {
          ...main,
          x: main.x + (further / 2) * Math.cos(main.angle),
          y: main.y + (further / 2) * Math.sin(main.angle),
          length: main.length + further,
        },
        stripRows,
        addOnMargin,
      )
      const lines = new Map<string, number>()
      for (const variant of [strip, evenStrip(strip, Math.max(8, Math.round(strip.width / 14)))]) {
        for (const one of read(variant, { formats: [format], thorough: false, withAddOn: true })) {
          const digits = one.text.slice(text.length)
          if (!one.text.startsWith(text) || !/^(?:\d{2}|\d{5})$/.test(digits)) return undefined
          lines.set(digits, Math.max(lines.get(digits) ?? 0, one.lines))
        }
      }
      const [only, ...others] = lines
      return only && others.length === 0 && only[1] >= addOnLines ? only[0] : undefined
    }

    /** A read of few lines counts when the mean of its bars says the same; what they say instead counts more. */
    function confirm(original: GreyImage, code: DecodedCode): DecodedCode | undefined {
      const region = regionOf(code.position)
      if (!region) return undefined
      return (
        readStrip(original, region, code.text) ??
        (budget.likely > 0 && retail.size > 0 ? readLikely(original, region) : undefined)
      )
    }

    function tryRegion(
      region: BarRegion,
      readRegion: (original: GreyImage, region: BarRegion) => DecodedCode | undefined,
    ): void {
      if (!inTime() || found.some((code) => contains(code.position, region.x, region.y))) return
      const code = readRegion(image, region)
      if (code && !found.some((other) => other.text === code.text && overlaps(other, code))) found.push(code)
    }

    /** Reads bars laid straight: as they are, in even light, sharpened, and light on dark. */
    function readStrip(original: GreyImage, region: BarRegion, suspected?: string): DecodedCode | undefined {
      const strip = stripOf(original, region, stripRows, stripMargin)
      const module = strip.width / 140
      const reach = Math.max(8, Math.round(12 * module))
      const radius = Math.max(1, Math.round(0.7 * module))
      const variants: readonly (() => Strip)[] = [
        () => strip,
        () => evenStrip(strip, reach),
        () => sharpStrip(strip, radius, 2),
        () => evenStrip(sharpStrip(strip, radius, 2), reach),
        () => ({ ...strip, ...inverted(strip) }),
      ]
      const votes = new Map<string, { readonly read: SymbolRead; readonly lines: number }>()
      for (const variant of variants) {
        for (const one of read(variant(), { formats: linear, thorough: false })) {
          const key = `${one.format} ${one.text}`
          // The variants see the same bars: a line that two of them read is one line.
          const lines = Math.max(votes.get(key)?.lines ?? 0, one.lines)
          votes.set(key, { read: one, lines })
        }
        const [first, next] = [...votes.values()].toSorted((a, b) => b.lines - a.lines)
        if (!first) continue
        // Two numbers from the same bars: neither, unless one is far ahead.
        if (next && first.lines < 3 * next.lines) continue
        const enough = isWeak(first.read) ? 8 : first.read.text === suspected ? 2 : 5
        if (first.lines >= enough && isPlausible(first.read)) {
          return {
            ...first.read,
            lines: first.lines,
            position: cornersOf(strip, first.read.position),
            pass: suspected === undefined ? 'strip' : 'whole',
            confidence: 1 - 1 / (first.lines + 1),
          }
        }
      }
      return undefined
    }

    /** Reads codes of several rows, which zxing takes only where they lie along the image. */
    function readLevel(original: GreyImage, region: BarRegion): DecodedCode | undefined {
      const axis = Math.round(region.angle / (Math.PI / 2)) * (Math.PI / 2)
      const askew = region.angle - axis
      if (Math.abs(askew) < leastTurn) return undefined
      const height = 1.8 * region.height + 0.2 * region.length
      for (const share of levelShares) {
        const level = stripOf(
          original,
          { ...region, angle: axis + share * askew, height },
          Math.min(mostLevelRows, Math.round(height)),
          stripMargin,
        )
        const one = read(level, { formats: layered, thorough: false }).find(
          (code) => code.lines === 0 || code.lines >= linesToBelieve(code),
        )
        if (!one) continue
        const { topLeft, topRight, bottomRight, bottomLeft } = one.position
        return {
          ...one,
          position: {
            topLeft: inImage(level, topLeft.x, topLeft.y),
            topRight: inImage(level, topRight.x, topRight.y),
            bottomRight: inImage(level, bottomRight.x, bottomRight.y),
            bottomLeft: inImage(level, bottomLeft.x, bottomLeft.y),
          },
          pass: 'turned',
          confidence: confidenceOf(one),
        }
      }
      return undefined
    }

    /** Reads an EAN or UPC from bars that no threshold parts. */
    function readLikely(original: GreyImage, region: BarRegion): DecodedCode | undefined {
      const strip = stripOf(original, region, stripRows, stripMargin)
      const slices = slicesOf(strip)
      const likely = readRetail(slices, region.length * strip.factor, retail).find(isConclusive)
      if (!likely) return undefined
      return {
        format: likely.format,
        text: likely.text,
        bytes: Uint8Array.from(likely.text, (digit) => digit.charCodeAt(0)),
        symbologyIdentifier: likely.format === 'EAN8' ? ']E4' : ']E0',
        lines: likely.slices,
        position: cornersOf(strip, {
          topLeft: { x: likely.from, y: 0 },
          topRight: { x: likely.to, y: 0 },
          bottomRight: { x: likely.to, y: strip.height },
          bottomLeft: { x: likely.from, y: strip.height },
        }),
        pass: 'likelihood',
        confidence: likely.fit,
      }
    }

    /** The whole image again, in other lights and sizes, until something is read. */
    function rescue(passes: readonly Rescue[]): void {
      for (const { pass, applies, run } of passes) {
        if (!inTime()) return
        if (!applies(image)) continue
        for (const one of run(image, { formats, thorough: true }, pass === 'second' ? second : read)) {
          if (one.lines > 0 && (one.lines < (isWeak(one) ? 2 : 1) * linesToBelieve(one) || !isPlausible(one))) continue
          found.push({ ...one, pass, confidence: 0.9 * confidenceOf(one) })
        }
        if (found.length > 0) return
      }
    }
  }
}

/** The whole image once more, in another light or size. */
interface Rescue {
  readonly pass: Pass
  readonly applies: (image: GreyImage) => boolean
  readonly run: (image: GreyImage, request: ReadRequest, read: ReadSymbols | undefined) => readonly SymbolRead[]
}

const always = (): boolean => true
const shortSide = ({ width, height }: GreyImage): number => Math.min(width, height)

const cheapRescues: readonly Rescue[] = [
  {
    pass: 'global',
    applies: always,
    run: (image, request, read) => read?.(image, { ...request, binarizer: 'global' }) ?? [],
  },
  {
    pass: 'denoise',
    applies: always,
    run: (image, request, read) => read?.(image, { ...request, denoise: true }) ?? [],
  },
  { pass: 'second', applies: always, run: (image, request, second) => second?.(image, request) ?? [] },
]

const dearRescues: readonly Rescue[] = [
  {
    pass: 'level',
    applies: always,
    run: (image, request, read) => read?.(levelled(image, Math.max(8, shortSide(image) >> 3)), request) ?? [],
  },
  {
    pass: 'large',
    applies: ({ width, height }) => width * height < 700_000,
    run: (image, request, read) => shrunk(read?.(sharpened(scaled(image, 2), 2, 2), request) ?? [], 2),
  },
  { pass: 'smooth', applies: always, run: (image, request, read) => read?.(smoothed(image, 1), request) ?? [] },
  {
    pass: 'small',
    applies: (image) => shortSide(image) > 160,
    run: (image, request, read) => shrunk(read?.(scaled(image, 0.6), request) ?? [], 0.6),
  },
]

function retailFormats(formats: readonly string[]): ReadonlySet<RetailFormat> {
  if (formats.length === 0 || formats.includes('AllLinear')) return new Set<RetailFormat>(['EAN13', 'EAN8', 'UPCE'])
  const wanted = new Set<RetailFormat>()
  for (const format of formats) {
    if (format === 'EAN13' || format === 'UPCA' || format === 'ISBN') wanted.add('EAN13')
    if (format === 'EAN8' || format === 'UPCE') wanted.add(format)
  }
  return wanted
}

function confidenceOf({ lines }: SymbolRead): number {
  return lines === 0 ? 0.99 : 1 - 1 / (lines + 1)
}

function slicesOf(strip: Strip): readonly Profile[] {
  const rows = strip.height / sliceCount
  // From the middle outwards: the first ones decide whether the others are looked at.
  return Array.from({ length: sliceCount }, (_, index) => {
    const slice = sliceCount / 2 + (index % 2 === 0 ? index / 2 : -(index + 1) / 2)
    const profile = new Float32Array(strip.width)
    for (let row = slice * rows; row < (slice + 1) * rows; row++) {
      for (let x = 0; x < strip.width; x++) profile[x]! += strip.data[row * strip.width + x]! / rows
    }
    return profile
  })
}

function cornersOf(strip: Strip, { topLeft, topRight, bottomRight, bottomLeft }: Corners): Corners {
  // zxing names the rows where it read; the bars go on to both sides of them.
  const [top, bottom] = [0, strip.height]
  const isUpright = topLeft.x <= topRight.x
  return {
    topLeft: inImage(strip, topLeft.x, isUpright ? top : bottom),
    topRight: inImage(strip, topRight.x, isUpright ? top : bottom),
    bottomRight: inImage(strip, bottomRight.x, isUpright ? bottom : top),
    bottomLeft: inImage(strip, bottomLeft.x, isUpright ? bottom : top),
  }
}

/** The positions of reads in a scaled image, in the image itself. */
function shrunk(reads: readonly SymbolRead[], factor: number): readonly SymbolRead[] {
  const move = ({ x, y }: Point): Point => ({ x: Math.round(x / factor), y: Math.round(y / factor) })
  return reads.map((read) => {
    const { topLeft, topRight, bottomRight, bottomLeft } = read.position
    return {
      ...read,
      position: {
        topLeft: move(topLeft),
        topRight: move(topRight),
        bottomRight: move(bottomRight),
        bottomLeft: move(bottomLeft),
      },
    }
  })
}

function centreOf({ topLeft, topRight, bottomRight, bottomLeft }: Corners): Point {
  return {
    x: (topLeft.x + topRight.x + bottomRight.x + bottomLeft.x) / 4,
    y: (topLeft.y + topRight.y + bottomRight.y + bottomLeft.y) / 4,
  }
}

/** The bars that a linear read says it saw, or undefined where its corners name none. */
function regionOf(position: Corners): BarRegion | undefined {
  const { topLeft, topRight, bottomRight, bottomLeft } = position
  const middle = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 })
  const [left, right] = [middle(topLeft, bottomLeft), middle(topRight, bottomRight)]
  const length = Math.hypot(right.x - left.x, right.y - left.y)
  if (length < 16) return undefined
  const high = Math.hypot(bottomLeft.x - topLeft.x, bottomLeft.y - topLeft.y)
  const angle = Math.atan2(right.y - left.y, right.x - left.x)
  const { x, y } = centreOf(position)
  return { x, y, angle, length, height: Math.max(high, length / 16), weight: 1 }
}

/** Whether a point lies in a code's corners, or close to them: linear codes name only the rows that were read. */
function contains(position: Corners, x: number, y: number): boolean {
  const { topLeft, topRight, bottomRight, bottomLeft } = position
  const centre = centreOf(position)
  const wide = Math.max(
    Math.hypot(topRight.x - topLeft.x, topRight.y - topLeft.y),
    Math.hypot(bottomRight.x - bottomLeft.x, bottomRight.y - bottomLeft.y),
  )
  const high = Math.max(
    Math.hypot(bottomLeft.x - topLeft.x, bottomLeft.y - topLeft.y),
    Math.hypot(bottomRight.x - topRight.x, bottomRight.y - topRight.y),
  )
  const angle = Math.atan2(topRight.y - topLeft.y, topRight.x - topLeft.x)
  const [dx, dy] = [x - centre.x, y - centre.y]
  const along = Math.abs(dx * Math.cos(angle) + dy * Math.sin(angle))
  const aside = Math.abs(dy * Math.cos(angle) - dx * Math.sin(angle))
  return along < 0.75 * wide && aside < Math.max(0.75 * high, 0.35 * wide)
}

function overlaps(a: DecodedCode, b: DecodedCode): boolean {
  const [one, other] = [centreOf(a.position), centreOf(b.position)]
  return contains(a.position, other.x, other.y) || contains(b.position, one.x, one.y)
}

/**
 * Whether nearly as many lines read more of the same bars: slanting ones cut a turned ITF short, whose ends look like bars
 * in its middle.
 */
function isCutShort(code: DecodedCode, doubtful: readonly DecodedCode[]): boolean {
  if (!code.format.startsWith('ITF')) return false
  return doubtful.some(
    (other) =>
      other.format === code.format &&
      other.text !== code.text &&
      other.text.includes(code.text) &&
      2 * other.lines >= code.lines &&
      overlaps(other, code),
  )
}

/** Without linear reads that are a part of a longer one at the same place, and without an EAN's second half under glare. */
function withoutFragments(codes: readonly DecodedCode[]): readonly DecodedCode[] {
  return codes.filter(
    (code, index) =>
      code.lines === 0 ||
      !codes.some((other, at) => {
        if (other === code || !overlaps(other, code)) return false
        // An EAN is never so low that two of them lie as close as its own halves.
        if (other.text === code.text) {
          return (
            /^(?:EAN|UPC|ISBN)/.test(code.format) &&
            (other.lines > code.lines || (other.lines === code.lines && at < index))
          )
        }
        return other.lines > code.lines && (other.text.includes(code.text) || other.lines > 8 * code.lines)
      }),
  )
}
