import { createHash } from 'node:crypto'

/** One proposal, what its rule believed of it, and whether a person found it on the label. */
export interface Judged {
  readonly file: string
  readonly field: string
  readonly rule: string
  readonly score: number
  readonly isRight: boolean
}

export type Half = 'one' | 'other'

/** By a hash of the name, so that a photo stays in its half whatever others come. */
export function halfOf(file: string): Half {
  return createHash('sha256').update(file).digest().readUInt8(0) % 2 === 0 ? 'one' : 'other'
}

/** How far each rule's own belief is from what it comes to, in logits. */
type Shifts = Readonly<Record<string, number>>

const logit = (share: number): number => Math.log(share / (1 - share))
const fromLogit = (value: number): number => 1 / (1 + Math.exp(-value))
const calibrated = (rule: string, score: number, shifts: Shifts): number =>
  fromLogit(logit(score) + (shifts[rule] ?? 0))

/** How far a rule may move before its own proposals speak for it: a standard deviation of the prior, in logits. */
const priorDeviation = 0.8

/** The likeliest shift of each rule under a normal prior around none. */
export function fitShifts(judged: readonly Judged[]): Shifts {
  const shifts: Record<string, number> = {}
  for (const rule of new Set(judged.map((one) => one.rule))) {
    const own = judged.filter((one) => one.rule === rule)
    let shift = 0
    for (let round = 0; round < 50; round++) {
      let slope = -shift / priorDeviation ** 2
      let bend = -1 / priorDeviation ** 2
      for (const { score, isRight } of own) {
        const share = fromLogit(logit(score) + shift)
        slope += (isRight ? 1 : 0) - share
        bend -= share * (1 - share)
      }
      shift -= slope / bend
    }
    shifts[rule] = Math.round(shift * 100) / 100
  }
  return shifts
}

const steps = [0, 0.3, 0.5, 0.7, 0.85, 1.01] as const

/** How often proposals of a confidence are right: as shipped, and fitted on one half of the photos for the other. */
export function reportConfidence(judged: readonly Judged[], say: (line: string) => void): void {
  const of = (half: Half): Judged[] => judged.filter(({ file }) => halfOf(file) === half)
  const fromOther = fitShifts(of('other'))
  const fromOne = fitShifts(of('one'))
  const columns: readonly (readonly [string, readonly Judged[], Shifts])[] = [
    ['all, as shipped', judged, {}],
    ['one half, fitted on the other', of('one'), fromOther],
    ['the other, fitted on the one', of('other'), fromOne],
  ]
  const inside = (list: readonly Judged[], shifts: Shifts, from: number, to: number): string => {
    const found = list
      .map((one) => ({ ...one, confidence: calibrated(one.rule, one.score, shifts) }))
      .filter(({ confidence }) => confidence >= from && confidence < to)
    const right = found.filter(({ isRight }) => isRight).length
    const mean = found.reduce((sum, { confidence }) => sum + confidence, 0) / Math.max(1, found.length)
    return found.length === 0 ? '-' : `${right} of ${found.length}, said ${(mean * found.length).toFixed(1)}`
  }
  say(`${'confidence'.padEnd(14)} ${columns.map(([title]) => title.padEnd(30)).join(' ')}`.trimEnd())
  steps.slice(0, -1).forEach((from, index) => {
    const to = steps[index + 1] ?? 1
    const cells = columns.map(([, list, shifts]) => inside(list, shifts, from, to).padEnd(30))
    say(`${`${from.toFixed(2)} to ${Math.min(1, to).toFixed(2)}`.padEnd(14)} ${cells.join(' ')}`.trimEnd())
  })
  const brier = (list: readonly Judged[], shifts: Shifts): string =>
    (
      list.reduce(
        (sum, { rule, score, isRight }) => sum + (calibrated(rule, score, shifts) - (isRight ? 1 : 0)) ** 2,
        0,
      ) / Math.max(1, list.length)
    ).toFixed(3)
  say(
    `mean square error of the confidence (0.25 is a coin): ${columns.map(([title, list, shifts]) => `${title} ${brier(list, shifts)}`).join('; ')}`,
  )
}
