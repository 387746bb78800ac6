/**
 * Reads EAN and UPC codes from blurred, coarse and glaring profiles, by maximum likelihood.
 *
 * Edge-based readers need every bar to cross a threshold. This one does not look for edges: it lays each of the twenty
 * digit patterns, blurred, over the profile, takes how well each fits as its likelihood, adds up several slices of the
 * code, and answers the likeliest number whose check digit and parity are right - if it is far likelier than the next.
 */

/** One row across the bars, as dark and light. */
export type Profile = Float32Array

/** The retail layouts; UPC-A is an EAN-13 that begins with 0. */
export type RetailFormat = 'EAN13' | 'EAN8' | 'UPCE'

export interface RetailRead {
  readonly format: RetailFormat
  /** With its check digit; a UPC-E as the UPC-A it stands for, as 13 digits. */
  readonly text: string
  /** The mean of the correlations of the digits with their patterns: 1 is a perfect drawing. */
  readonly fit: number
  /** The worst of them. */
  readonly worstFit: number
  /** The mean correlation of the worse of the outer guards, light zone included. */
  readonly guards: number
  /** How much likelier (natural logarithm) than the next number with a right check digit. */
  readonly margin: number
  /**
   * The same, than the next that differs only in 1 and 7, 2 and 8: their edges are as far apart, only the width of the bars
   * tells them from each other, and blur makes all bars of a code look wider or narrower at once.
   */
  readonly twinMargin: number
  /** Whether the likeliest digit of every place already makes a number with the right check digit. */
  readonly checked: boolean
  /** How many slices were laid together. */
  readonly slices: number
  /** Where the code begins and ends on the profiles, in samples. */
  readonly from: number
  readonly to: number
}

/** Seven modules, left odd parity (set A); `1` is a bar. */
const odd = [
  '0001101',
  '0011001',
  '0010011',
  '0111101',
  '0100011',
  '0110001',
  '0101111',
  '0111011',
  '0110111',
  '0001011',
] as const
const flipped = (pattern: string): string => Array.from(pattern, (bit) => (bit === '0' ? '1' : '0')).join('')
const mirrored = (pattern: string): string => Array.from(pattern).toReversed().join('')
/** Right side (set C), and left even parity (set B). */
const right = odd.map(flipped)
const even = right.map(mirrored)

/** Which of the six left digits of an EAN-13 have even parity, by the first digit: bit 5 is the first of the six. */
const firstDigitParity = [
  0b000000, 0b001011, 0b001101, 0b001110, 0b010011, 0b011001, 0b011100, 0b010101, 0b010110, 0b011010,
]
/** The same for the check digit of a UPC-E with number system 0; system 1 has the complement. */
const upceParity = [0b111000, 0b110100, 0b110010, 0b110001, 0b101100, 0b100110, 0b100011, 0b101010, 0b101001, 0b100101]

interface Layout {
  readonly format: RetailFormat
  readonly modules: number
  /** Where each digit begins, in modules. */
  readonly digits: readonly number[]
  /** The first digit of the right side. */
  readonly rightFrom: number
  /** The centre of the middle guard. */
  readonly middle: number | undefined
  readonly end: string
}

const layouts: readonly Layout[] = [
  {
    format: 'EAN13',
    modules: 95,
    digits: [3, 10, 17, 24, 31, 38, 50, 57, 64, 71, 78, 85],
    rightFrom: 6,
    middle: 47.5,
    end: '101000',
  },
  {
    format: 'EAN8',
    modules: 67,
    digits: [3, 10, 17, 24, 36, 43, 50, 57],
    rightFrom: 4,
    middle: 33.5,
    end: '101000',
  },
  { format: 'UPCE', modules: 51, digits: [3, 10, 17, 24, 31, 38], rightFrom: 6, middle: undefined, end: '010101000' },
]

const samplesAModule = 4
/** A digit is looked at with half a module of its neighbours, whose colour next to it is known. */
const windowModules = 8
const windowSamples = windowModules * samplesAModule
/** Blurs that are tried: standard deviations in modules. */
const blurs = [0.3, 0.55, 0.85] as const
/** What a pattern that does not correlate at all would explain; keeps single digits from deciding alone. */
const noise = 0.03
const observations = 10

/** The pattern, blurred, as samples with mean 0 and length 1; `context` is what surrounds it on both sides. */
function template(
  pattern: string,
  before: string,
  after: string,
  cut: number,
  modules: number,
  blur: number,
): Float32Array {
  const bits = before + pattern + after
  const count = Math.round(modules * samplesAModule)
  const samples = new Float32Array(count)
  for (let index = 0; index < count; index++) {
    const at = cut + (index + 0.5) / samplesAModule
    let [sum, weights] = [0, 0]
    // A bar is an interval: its blurred shade is what a Gaussian has of it.
    for (let step = -3; step <= 3; step += 0.25) {
      const weight = Math.exp((-step * step) / 2)
      const bit = Math.floor(at + step * blur)
      sum += weight * (bits[Math.min(bits.length - 1, Math.max(0, bit))] === '1' ? -1 : 1)
      weights += weight
    }
    samples[index] = sum / weights
  }
  return normalised(samples)
}

function normalised(samples: Float32Array): Float32Array {
  let mean = 0
  for (const sample of samples) mean += sample
  mean /= samples.length
  let power = 0
  for (let index = 0; index < samples.length; index++) {
    samples[index]! -= mean
    power += samples[index]! ** 2
  }
  const length = Math.sqrt(power)
  if (length > 1e-6) for (let index = 0; index < samples.length; index++) samples[index]! /= length
  return samples
}

/** Left odd 0-9, left even 10-19, right 20-29, for each blur. */
const digitTemplates: readonly (readonly Float32Array[])[] = blurs.map((blur) => [
  // Left digits begin light and end dark: before them it is dark, after them light. Right ones are the opposite.
  ...[...odd, ...even].map((pattern) => template(pattern, '01', '01', 1.5, windowModules, blur)),
  ...right.map((pattern) => template(pattern, '10', '10', 1.5, windowModules, blur)),
])

/**
 * Edges that every number of a layout has, from light to dark (1) or from dark to light (-1), by module.
 *
 * Left digits begin light and end dark, right ones begin dark and end light, and the guards are the same in all: this
 * comb tells where a code lies before a single digit is known.
 */
interface Comb {
  readonly places: readonly number[]
  readonly signs: readonly number[]
}

function combOf({ modules, digits, rightFrom, middle, format }: Layout): Comb {
  const edges = new Map<number, number>()
  for (const [index, bit] of Array.from('101').entries()) edges.set(index, bit === '1' ? 1 : -1)
  for (const [digit, begins] of digits.entries()) edges.set(begins, digit < rightFrom ? -1 : 1)
  if (middle !== undefined) {
    // Light, dark, light, dark, light between the halves; the first dark ends the last left digit.
    for (let index = 0; index < 5; index++) edges.set(middle - 2.5 + index, index % 2 === 0 ? -1 : 1)
    for (let index = 0; index <= 3; index++) edges.set(modules - 3 + index, index % 2 === 0 ? 1 : -1)
  } else {
    for (let index = 0; index <= 6; index++) edges.set(modules - 6 + index, index % 2 === 0 ? -1 : 1)
  }
  if (format !== 'UPCE') edges.set(modules, -1)
  return { places: [...edges.keys()], signs: [...edges.values()] }
}

const combs = new Map(layouts.map((layout) => [layout, combOf(layout)]))

/** The outer guards with three modules of the light zone beyond them: half an EAN-13 looks like an EAN-8 but for these. */
const outerGuards = blurs.map((blur) => ({
  start: template('000101', '00', '0', 2, 6, blur),
  end: template('101000', '0', '00', 1, 6, blur),
  upceEnd: template('010101000', '0', '00', 1, 9, blur),
}))

/** The code's place on a profile: three points, between which modules are even. */
interface Alignment {
  readonly from: number
  readonly middle: number
  readonly to: number
  /** How steep the edges are that every number has. */
  readonly score: number
}

/** The natural logarithm of the likelihood of each pattern at each digit, 30 to a digit. */
interface Evidence {
  readonly logs: Float32Array
  readonly fits: Float32Array
  readonly total: number
  readonly alignment: Alignment
  /** The correlation of the worse of the outer guards. */
  readonly guards: number
}

/** What lies on the profile from `start` on, `step` samples of it to one of the window; false where it is flat. */
function take(profile: Profile, start: number, step: number, count: number, window: Float32Array): boolean {
  let [sum, squares] = [0, 0]
  const last = profile.length - 1.001
  for (let index = 0; index < count; index++) {
    const at = start + (index + 0.5) * step - 0.5
    const place = at < 0 ? 0 : at > last ? last : at
    const before = place | 0
    const value = profile[before]! + (profile[before + 1]! - profile[before]!) * (place - before)
    window[index] = value
    sum += value
    squares += value * value
  }
  const mean = sum / count
  const power = squares - sum * mean
  // A flat place is no bar of any kind.
  if (power < 4 * count) return false
  const scale = 1 / Math.sqrt(power)
  for (let index = 0; index < count; index++) window[index] = (window[index]! - mean) * scale
  return true
}

function product(window: Float32Array, pattern: Float32Array): number {
  let sum = 0
  for (let index = 0; index < pattern.length; index++) sum += window[index]! * pattern[index]!
  return sum
}

/** How steeply the profile falls at each of its samples, as a share of the contrast around it; steepest at an edge's middle. */
function falls(profile: Profile): Float32Array {
  const count = profile.length
  const block = Math.max(4, Math.round(6 * samplesAModule))
  const blocks = Math.ceil(count / block)
  const low = new Float32Array(blocks).fill(Infinity)
  const high = new Float32Array(blocks).fill(-Infinity)
  for (let at = 0; at < count; at++) {
    const of = (at / block) | 0
    low[of] = Math.min(low[of]!, profile[at]!)
    high[of] = Math.max(high[of]!, profile[at]!)
  }
  const result = new Float32Array(count)
  for (let at = 2; at < count - 2; at++) {
    const of = (at / block) | 0
    const [before, after] = [Math.max(0, of - 1), Math.min(blocks - 1, of + 1)]
    const contrast = Math.max(high[before]!, high[of]!, high[after]!) - Math.min(low[before]!, low[of]!, low[after]!)
    const near = profile[at - 1]! - profile[at + 1]!
    const far = profile[at - 2]! - profile[at + 2]!
    result[at] = (2 * near + far) / (3 * Math.max(8, contrast))
  }
  return result
}

/** The profile with `samplesAModule` samples to a module. */
function resampled(profile: Profile, step: number): Profile {
  const result = new Float32Array(Math.floor(profile.length / step))
  for (let index = 0; index < result.length; index++) {
    const at = Math.min(profile.length - 1.001, Math.max(0, (index + 0.5) * step - 0.5))
    const before = at | 0
    result[index] = profile[before]! + (profile[before + 1]! - profile[before]!) * (at - before)
  }
  return result
}

/** Modules that the region's length may stand for, as shares of the estimate: an add-on or print beside lengthens it. */
const [leastShare, mostShare] = [0.56, 1.2] as const
const shareStep = 1.008
const mostAlignments = 5
/** How well the edges have to be where they belong; a comb laid on noise gets a tenth of it. */
const leastComb = 0.09
/** What the comb counts for beside the digits' likelihoods. */
const combWeight = 120

/** Finds where a layout may lie on a profile, the likeliest first. */
function align(profile: Profile, expected: number, layout: Layout): readonly Alignment[] {
  const step = expected / layout.modules / samplesAModule
  const fall = falls(resampled(profile, step))
  const { places, signs } = combs.get(layout)!
  const edges = places.length
  const offsets = new Int32Array(edges)
  const found: Alignment[] = []
  for (let share = leastShare; share < mostShare; share *= shareStep) {
    const length = layout.modules * samplesAModule * share
    for (let edge = 0; edge < edges; edge++) offsets[edge] = Math.round(places[edge]! * samplesAModule * share)
    const last = fall.length - Math.ceil(length) - 1
    for (let from = 0; from <= last; from++) {
      let sum = 0
      for (let edge = 0; edge < edges; edge++) sum += signs[edge]! * fall[from + offsets[edge]!]!
      const score = sum / edges
      if (score > leastComb) found.push({ from, middle: from + length / 2, to: from + length, score })
    }
  }
  found.sort((a, b) => b.score - a.score)
  const distinct: Alignment[] = []
  for (const one of found) {
    if (distinct.length === mostAlignments) break
    const near = 1.5 * samplesAModule
    if (distinct.some((other) => Math.abs(other.from - one.from) < near && Math.abs(other.to - one.to) < near)) continue
    distinct.push(one)
  }
  return distinct.map((one) => {
    const { from, middle, to, score } = bent(one, fall, places, signs)
    return { from: from * step, middle: middle * step, to: to * step, score }
  })
}

/** The alignment with its middle where the edges fit best: the bars of a bottle or a tilted box are not even. */
function bent(one: Alignment, fall: Float32Array, places: readonly number[], signs: readonly number[]): Alignment {
  const { from, to } = one
  const modules = places.reduce((most, place) => Math.max(most, place), 0)
  let best = one
  for (let aside = -2; aside <= 2; aside += 0.5) {
    const middle = (from + to) / 2 + aside * samplesAModule
    let sum = 0
    for (const [edge, place] of places.entries()) {
      const t = (2 * place) / modules - 1
      const at = middle + ((to - from) / 2) * t + ((to + from) / 2 - middle) * t * t
      sum += signs[edge]! * (fall[Math.round(at)] ?? 0)
    }
    const score = sum / places.length
    if (score > best.score) best = { from, middle, to, score }
  }
  return best
}

const shifts = [-0.35, 0, 0.35] as const
const blurDigits = 3

function weigh(profile: Profile, layout: Layout, alignment: Alignment): Evidence {
  const { from, middle, to } = alignment
  const half = layout.modules / 2
  // A curve through the three points: a bottle's bars grow narrower towards one side.
  const place = (module: number): number => {
    const t = module / half - 1
    return middle + ((to - from) / 2) * t + ((to + from) / 2 - middle) * t * t
  }
  const windows = shifts.map(() => new Float32Array(windowSamples))
  const size = layout.digits.length * 30
  let all = digitTemplates.map((digits) => ({
    digits,
    logs: new Float32Array(size),
    fits: new Float32Array(size),
    total: 0,
  }))
  for (const [digit, begins] of layout.digits.entries()) {
    const start = place(begins)
    const module = (place(begins + 7) - start) / 7
    const seen = shifts.map((shift, index) =>
      take(profile, start + (shift - 0.5) * module, module / samplesAModule, windowSamples, windows[index]!),
    )
    const [first, last] = digit < layout.rightFrom ? [0, layout.format === 'EAN8' ? 10 : 20] : [20, 30]
    // The first digits say how blurred it is.
    if (digit === blurDigits) all = [all.reduce((one, other) => (other.total > one.total ? other : one))]
    for (const evidence of all) {
      const { digits } = evidence
      let top = -Infinity
      for (let pattern = first; pattern < last; pattern++) {
        let fit = 0
        for (let shift = 0; shift < shifts.length; shift++) {
          if (!seen[shift]) continue
          fit = Math.max(fit, product(windows[shift]!, digits[pattern]!) - (shift === 1 ? 0 : 0.007))
        }
        const log = -(observations / 2) * Math.log(1 - fit * fit + noise)
        evidence.fits[digit * 30 + pattern] = fit
        evidence.logs[digit * 30 + pattern] = log
        top = Math.max(top, log)
      }
      evidence.total += top
    }
  }
  const { logs, fits, total } = all.reduce((one, other) => (other.total > one.total ? other : one))
  return { logs, fits, total, alignment, guards: guardsOf(profile, layout, place) }
}

function guardsOf(profile: Profile, layout: Layout, place: (module: number) => number): number {
  const window = new Float32Array(9 * samplesAModule)
  const fit = (from: number, patterns: readonly Float32Array[]): number => {
    const count = patterns[0]!.length
    const modules = count / samplesAModule
    const module =
      (place(Math.min(layout.modules, from + modules)) - place(Math.max(0, from))) /
      (Math.min(layout.modules, from + modules) - Math.max(0, from))
    const at = from < 0 ? place(0) + from * module : place(from)
    let best = 0
    for (const shift of shifts) {
      if (!take(profile, at + shift * module, module / samplesAModule, count, window)) continue
      for (const pattern of patterns) best = Math.max(best, product(window, pattern))
    }
    return best
  }
  const isUpce = layout.format === 'UPCE'
  const start = fit(
    -3,
    outerGuards.map((guards) => guards.start),
  )
  const end = fit(
    layout.modules - (isUpce ? 6 : 3),
    outerGuards.map((guards) => (isUpce ? guards.upceEnd : guards.end)),
  )
  return Math.min(start, end)
}

interface Candidate {
  /** All its digits. */
  readonly text: string
  /** The pattern at each place. */
  readonly patterns: readonly number[]
  /** What each place counts in the check digit's sum. */
  readonly weights: readonly number[]
  readonly log: number
}

/** Which of the thirty patterns begin the set of a place: 0 odd, 10 even, 20 right. */
function setsOf(layout: Layout, parity: number): readonly number[] {
  return layout.digits.map((_, digit) =>
    digit >= layout.rightFrom ? 20 : (parity >> (layout.rightFrom - 1 - digit)) & 1 ? 10 : 0,
  )
}

/** A parity that a number may have, and what it says of the check digit. */
interface Reading {
  readonly sets: readonly number[]
  /** What the weighted digits must come to, modulo 10. */
  readonly remainder: number
  readonly weights: readonly number[]
  /** The value that the last place has to have, where it decides the weights. */
  readonly last: number | undefined
  readonly complete: (digits: string) => string
}

function readingsOf(layout: Layout): readonly Reading[] {
  const count = layout.digits.length
  if (layout.format !== 'UPCE') {
    const weights = layout.digits.map((_, digit) => ((count - 1 - digit) % 2 === 1 ? 3 : 1))
    const isLong = layout.format === 'EAN13'
    return (isLong ? firstDigitParity : [0]).map((parity, lead) => ({
      sets: setsOf(layout, parity),
      remainder: (10 - lead) % 10,
      weights,
      last: undefined,
      complete: (digits) => (isLong ? `${lead}${digits}` : digits),
    }))
  }
  return [0, 1].flatMap((system) =>
    upceParity.flatMap((pattern, check) =>
      Array.from({ length: 10 }, (_, last): Reading => {
        // The weights that the digits have in the UPC-A that they stand for; see expandUpce.
        const weights =
          last < 3
            ? [1, 3, 3, 1, 3, 1]
            : last === 3
              ? [1, 3, 1, 1, 3, 3]
              : last === 4
                ? [1, 3, 1, 3, 3, 3]
                : [1, 3, 1, 3, 1, 3]
        // The last digit of kinds 3 and 4 is not part of the UPC-A.
        const silent = last === 3 || last === 4 ? 3 * last : 0
        return {
          sets: setsOf(layout, system === 0 ? pattern : ~pattern & 0b111111),
          remainder: (((silent - 3 * system - check) % 10) + 20) % 10,
          weights,
          last,
          complete: (digits) => `0${expandUpce(`${system}${digits}${check}`)}`,
        }
      }),
    ),
  )
}

const readings = new Map(layouts.map((layout) => [layout.format, readingsOf(layout)]))

/** The numbers with a right check digit that are likeliest; at least two where there are as many. */
function likeliest(logs: Float32Array, layout: Layout): readonly Candidate[] {
  const bounds = readings.get(layout.format)!.map((reading) => {
    let bound = 0
    for (const [digit, set] of reading.sets.entries()) {
      if (digit === reading.sets.length - 1 && reading.last !== undefined) {
        bound += logs[digit * 30 + set + reading.last]!
        continue
      }
      let top = -Infinity
      for (let value = 0; value < 10; value++) top = Math.max(top, logs[digit * 30 + set + value]!)
      bound += top
    }
    return { reading, bound }
  })
  bounds.sort((a, b) => b.bound - a.bound)
  let candidates: Candidate[] = []
  for (const { reading, bound } of bounds) {
    if (candidates.length > 1 && bound < candidates[1]!.log) break
    candidates = [...candidates, ...twoLikeliest(logs, reading)].toSorted((a, b) => b.log - a.log).slice(0, 2)
  }
  return candidates
}

/** From 1 to 7 and from 2 to 8 it is six; so much the other way. */
const twinStep = [0, 6, 6, 0, 0, 0, 0, -6, -6, 0] as const

/**
 * How much likelier a number is than the likeliest with a right check digit in which some of its 1, 7, 2 and 8 are their
 * twins. What makes one of them look like its twin does so with all, so `n` of them are the proof of the root of `n`.
 */
function aheadOfTwins(logs: Float32Array, { patterns, weights }: Candidate): number {
  // By how many have changed and what the check digit's sum has changed by, modulo 10: the least that it costs.
  const costs = Array.from({ length: patterns.length + 1 }, () => new Float64Array(10).fill(Infinity))
  costs[0]![0] = 0
  for (const [digit, pattern] of patterns.entries()) {
    const step = twinStep[pattern % 10]!
    if (step === 0) continue
    const cost = logs[digit * 30 + pattern]! - logs[digit * 30 + pattern + step]!
    const change = weights[digit]! * step + 30
    for (let count = digit; count >= 0; count--) {
      for (let sum = 0; sum < 10; sum++) {
        const to = (sum + change) % 10
        costs[count + 1]![to] = Math.min(costs[count + 1]![to]!, costs[count]![sum]! + cost)
      }
    }
  }
  return Math.min(...costs.slice(1).map((cost, index) => cost[0]! / Math.sqrt(index + 1)))
}

/** From the left: the two likeliest ways to each remainder of the weighted sum, as a number and its likelihood. */
function twoLikeliest(logs: Float32Array, { sets, remainder, weights, last, complete }: Reading): readonly Candidate[] {
  const count = sets.length
  let values = new Float64Array(20)
  let chances = new Float64Array(20).fill(-Infinity)
  chances[0] = 0
  for (let digit = 0; digit < count; digit++) {
    const first = digit * 30 + sets[digit]!
    const fixed = digit === count - 1 ? last : undefined
    const nextValues = new Float64Array(20)
    const nextChances = new Float64Array(20).fill(-Infinity)
    for (let way = 0; way < 20; way++) {
      const chance = chances[way]!
      if (chance === -Infinity) continue
      for (let value = fixed ?? 0; value <= (fixed ?? 9); value++) {
        const sum = chance + logs[first + value]!
        const to = 2 * (((way >> 1) + weights[digit]! * value) % 10)
        if (sum > nextChances[to]!) {
          nextChances[to + 1] = nextChances[to]!
          nextValues[to + 1] = nextValues[to]!
          nextChances[to] = sum
          nextValues[to] = values[way]! * 10 + value
        } else if (sum > nextChances[to + 1]!) {
          nextChances[to + 1] = sum
          nextValues[to + 1] = values[way]! * 10 + value
        }
      }
    }
    values = nextValues
    chances = nextChances
  }
  return [2 * remainder, 2 * remainder + 1]
    .filter((way) => chances[way]! > -Infinity)
    .map((way) => {
      const digits = String(values[way]).padStart(count, '0')
      const patterns = Array.from(digits, (value, digit) => sets[digit]! + Number(value))
      return { text: complete(digits), patterns, weights, log: chances[way]! }
    })
}

/** The UPC-A of a UPC-E of eight digits, or undefined where the check digit is wrong. */
export function expandUpce(upce: string): string | undefined {
  const [system, a, b, c, d, e, last, check] = upce
  const body =
    last === '0' || last === '1' || last === '2'
      ? `${a}${b}${last}0000${c}${d}${e}`
      : last === '3'
        ? `${a}${b}${c}00000${d}${e}`
        : last === '4'
          ? `${a}${b}${c}${d}00000${e}`
          : `${a}${b}${c}${d}${e}0000${last}`
  const digits = `${system}${body}`
  let sum = 0
  for (let index = 0; index < 11; index++) sum += Number(digits[index]) * (index % 2 === 0 ? 3 : 1)
  return (10 - (sum % 10)) % 10 === Number(check) ? digits + check : undefined
}

/**
 * Reads the likeliest retail code from slices of the same bars, or nothing where no guards are found.
 *
 * `length` is the estimated length of the code in samples. The answer is the likeliest, not yet a certain one: the
 * caller decides by `fit`, `margin` and `checked`.
 */
export function readRetail(
  slices: readonly Profile[],
  length: number,
  formats: ReadonlySet<RetailFormat>,
): readonly RetailRead[] {
  const reads: RetailRead[] = []
  const width = slices[0]?.length ?? 0
  const wanted = layouts.filter(({ format }) => formats.has(format))
  const evidence = wanted.map(() => ({ forward: [] as Evidence[], backward: [] as Evidence[] }))
  for (const [index, slice] of slices.entries()) {
    // Three slices without likely digits: it is no retail code, and the others will not say otherwise.
    if (index === 3 && evidence.every(({ forward, backward }) => [...forward, ...backward].every(isPoor))) break
    const back = slice.toReversed()
    for (const [which, layout] of wanted.entries()) {
      const places = align(slice, length, layout)
      const best = bestOf(slice, layout, places)
      if (best) evidence[which]!.forward.push(best)
      // The edges of an EAN lie the same from behind.
      const mirrored = (one: Alignment): Alignment => ({
        ...one,
        from: width - one.to,
        middle: width - one.middle,
        to: width - one.from,
      })
      const worst = bestOf(
        back,
        layout,
        layout.middle === undefined ? align(back, length, layout) : places.map(mirrored),
      )
      if (worst) evidence[which]!.backward.push(worst)
    }
  }
  for (const [which, layout] of wanted.entries()) {
    const { forward, backward } = evidence[which]!
    for (const read of [together(forward, layout, width, false), together(backward, layout, width, true)]) {
      if (read) reads.push(read)
    }
  }
  return reads.toSorted((a, b) => b.margin * b.fit - a.margin * a.fit)
}

/** Digits that on average fit worse than this are guesses. */
function isPoor({ total, logs }: Evidence): boolean {
  const digits = logs.length / 30
  return total / digits < -(observations / 2) * Math.log(1 - 0.72 ** 2 + noise)
}

function bestOf(profile: Profile, layout: Layout, places: readonly Alignment[]): Evidence | undefined {
  let best: Evidence | undefined
  let most = -Infinity
  for (const place of places) {
    const one = weigh(profile, layout, place)
    // A comb that lies one digit aside finds good digits too, but not the guards.
    const sum = one.total + combWeight * place.score
    if (sum > most) [best, most] = [one, sum]
  }
  return best
}

/** Lays the slices together, the clearest first, and takes as many of them as make the number surest. */
function together(
  evidence: readonly Evidence[],
  layout: Layout,
  width: number,
  reverse: boolean,
): RetailRead | undefined {
  const ranked = evidence.toSorted((a, b) => b.total - a.total)
  let best: RetailRead | undefined
  const logs = new Float32Array(layout.digits.length * 30)
  const fits = new Float32Array(layout.digits.length * 30)
  let guards = 0
  for (const [index, { logs: ones, fits: theirs, alignment, guards: guard }] of ranked.entries()) {
    guards += guard
    for (let at = 0; at < logs.length; at++) {
      logs[at]! += ones[at]!
      fits[at]! += theirs[at]!
    }
    const used = index + 1
    if (used !== ranked.length && used !== 1 && used !== 2 && used !== 4) continue
    const [first, second] = likeliest(logs, layout)
    if (!first || !second) continue
    // The same number in another parity is no rival.
    const placeFits = first.patterns.map((pattern, digit) => fits[digit * 30 + pattern]! / used)
    const checked = first.patterns.every((pattern, digit) => {
      for (let other = 0; other < 30; other++) {
        if (
          other !== pattern &&
          fits[digit * 30 + other]! > 0 &&
          logs[digit * 30 + other]! > logs[digit * 30 + pattern]!
        )
          return false
      }
      return true
    })
    const read: RetailRead = {
      format: layout.format,
      text: first.text,
      fit: placeFits.reduce((sum, fit) => sum + fit, 0) / placeFits.length,
      worstFit: Math.min(...placeFits),
      guards: guards / used,
      margin: (first.log - second.log) / Math.sqrt(used),
      twinMargin: aheadOfTwins(logs, first) / Math.sqrt(used),
      checked,
      slices: used,
      from: reverse ? width - alignment.to : alignment.from,
      to: reverse ? width - alignment.from : alignment.to,
    }
    if (!best || read.margin > best.margin) best = read
  }
  return best
}
