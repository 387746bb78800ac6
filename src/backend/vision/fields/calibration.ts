/**
 * What a rule's own score is worth, as `npm run bench -- vision` counts it: how many of its proposals a person found on
 * the label, by the score that the rule gave them. Of 32 photos:
 *
 *   rule and score                       right of proposed
 *   any, 0.85 and more                   25 of 25
 *   any, 0.75 to 0.85                    13 of 13
 *   known brand, 0.6 and more            11 of 12
 *   estate, first                        13 of 18    (brand and name of wines)
 *   estate, second and third             1 of 9
 *   largest words                        0 of 3
 *   name lines, brand as name            3 of 7
 *
 * The set is small, and the rules were written with it in view: nothing is raised by it, and the rules that only guess
 * from size are lowered to what they reach on photos that nobody wrote rules for, which is a third.
 */
const worth: Readonly<Record<string, readonly (readonly [score: number, share: number])[]>> = {
  'largest words': [
    [0, 0.05],
    [0.5, 0.25],
    [1, 0.4],
  ],
  estate: [
    [0, 0.02],
    [0.5, 0.2],
    [0.6, 0.6],
    [1, 0.75],
  ],
  'name line': [
    [0, 0.05],
    [0.5, 0.35],
    [1, 0.5],
  ],
  'name lines': [
    [0, 0.05],
    [0.5, 0.4],
    [1, 0.55],
  ],
  'brand and name': [
    [0, 0.05],
    [0.5, 0.35],
    [1, 0.5],
  ],
  'brand as name': [
    [0, 0.05],
    [0.5, 0.45],
    [1, 0.55],
  ],
}

/** The confidence of a proposal, from 0 to 1, two places: of many marked 0.9 nine in ten are right. */
export function calibrated(rule: string, score: number): number {
  const points = worth[rule]
  const share = points ? between(points, score) : score
  return Math.round(Math.min(0.98, Math.max(0.01, share)) * 100) / 100
}

/** Straight lines between the points. */
function between(points: readonly (readonly [number, number])[], at: number): number {
  for (let index = 1; index < points.length; index++) {
    const [from, low] = points[index - 1] ?? [0, 0]
    const [to, high] = points[index] ?? [1, 1]
    if (at <= to) return low + ((at - from) / (to - from)) * (high - low)
  }
  return points[points.length - 1]?.[1] ?? at
}
