import { contradictionsOf, type Contradiction } from './nutrition.ts'

/** What a proposal is judged by. */
export interface Judged {
  readonly field: string
  readonly current: string
  readonly proposed: string
  /** From 0 to 1. */
  readonly confidence: number
}

/** Why a person has to look closely at a proposal. */
export type Doubt = Contradiction | 'low_confidence' | 'replaces' | 'alternatives' | 'empties'

export interface Judgement {
  /** The expected cost of taking it unseen: how likely it is wrong, times what a wrong value costs. */
  readonly cost: number
  readonly doubts: readonly Doubt[]
  /** Nothing speaks against it: one glance and one key. */
  readonly isClear: boolean
}

/** What a wrong value costs, compared with a wrong description: key fields name the product, and allergens harm. */
const weights: Readonly<Record<string, number>> = {
  name: 5,
  brand_name: 4,
  ingredients: 6,
  net_content: 4,
  nutrition_per_100: 4,
  nutrition_per_serving: 3,
  certifications: 4,
  country_of_origin: 3,
  category: 2,
  serving_size: 2,
  description: 1,
  ai_summary: 1,
  images: 1,
}

/** Below this a value is more than rarely wrong. */
export const clearConfidence = 0.9

/** Judges one proposal; `others` are the further ones that are open for the same field. */
export function judgeProposal(proposal: Judged, others: readonly Judged[] = []): Judgement {
  const { field, current, proposed, confidence } = proposal
  const per = field === 'nutrition_per_100' ? 'hundred' : field === 'nutrition_per_serving' ? 'serving' : null
  const contradictions = per === null ? [] : contradictionsOf(proposed, per)
  const doubts: Doubt[] = [...contradictions]
  if (confidence < clearConfidence) doubts.push('low_confidence')
  if (current !== '' && current !== proposed) doubts.push(proposed === '' ? 'empties' : 'replaces')
  if (others.some((other) => other.proposed !== proposed)) doubts.push('alternatives')
  // What contradicts itself is wrong somewhere, whatever its reader believed.
  const isWrong = contradictions.length > 0 ? Math.max(0.9, 1 - confidence) : 1 - confidence
  const replaces = current === '' ? 1 : 1.5
  const cost = Math.max(isWrong, 0.005) * (weights[field] ?? 2) * replaces
  return { cost, doubts, isClear: doubts.length === 0 }
}

/** A confidence in words: `sure`, `likely`, `unsure`, `guess`. */
export function confidenceWord(confidence: number): 'sure' | 'likely' | 'unsure' | 'guess' {
  if (confidence >= 0.95) return 'sure'
  if (confidence >= clearConfidence) return 'likely'
  return confidence >= 0.6 ? 'unsure' : 'guess'
}
