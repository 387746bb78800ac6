import type { NutritionCells, NutritionPer } from '../vision.ts'

/** What speaks for a table and what against it, each a sentence for a person. */
export interface Checked {
  readonly proofs: readonly string[]
  readonly faults: readonly string[]
}

/** Half a kilocalorie a gram, and rounding. */
const energyTolerance = 0.12

/**
 * Checks a nutrition table by what must hold: kJ against kcal, energy against its parts, parts against their wholes,
 * the sum against 100 g. A misread digit breaks one of them more often than not.
 */
export function checkNutrition(cells: NutritionCells, per: NutritionPer): Checked {
  const proofs: string[] = []
  const faults: string[] = []
  const of = (nutrient: keyof NutritionCells): number | undefined => cells[nutrient]?.amount

  const kj = of('energy_kj')
  const kcal = of('energy_kcal')
  if (kj !== undefined && kcal !== undefined) {
    if (Math.abs(kj - kcal * 4.184) <= Math.max(6, kj * 0.06)) proofs.push(`${kj} kJ are ${kcal} kcal.`)
    else faults.push(`${kj} kJ are not ${kcal} kcal.`)
  }

  const energy = kcal ?? (kj === undefined ? undefined : kj / 4.184)
  const fat = of('fat')
  const carbohydrate = of('carbohydrate')
  const protein = of('protein')
  if (energy !== undefined && fat !== undefined && carbohydrate !== undefined && protein !== undefined) {
    const fibre = of('fibre') ?? 0
    const polyols = of('polyols') ?? 0
    // Fibre is inside of carbohydrate in America and beside it in Europe; polyols give less than sugars.
    const most = fat * 9 + carbohydrate * 4 + protein * 4 + fibre * 2
    const least = fat * 9 + Math.max(0, carbohydrate - fibre) * 4 + protein * 4 - polyols * 2
    // Amounts are rounded: to whole grams on small servings.
    const slack = Math.max(per === 'serving' ? 16 : 8, energy * energyTolerance)
    if (energy >= least - slack && energy <= most + slack)
      proofs.push(`Fat, carbohydrate and protein give about ${Math.round(most)} kcal, as the table says.`)
    else
      faults.push(
        `Fat, carbohydrate and protein give about ${Math.round(most)} kcal, the table says ${Math.round(energy)}.`,
      )
  }

  const wholes = [
    ['saturated_fat', 'fat'],
    ['trans_fat', 'fat'],
    ['sugars', 'carbohydrate'],
    ['polyols', 'carbohydrate'],
    ['added_sugars', 'sugars'],
  ] as const
  for (const [part, whole] of wholes) {
    const partAmount = of(part)
    const wholeAmount = of(whole)
    if (partAmount === undefined || wholeAmount === undefined) continue
    if (partAmount > wholeAmount + 0.5) faults.push(`More ${part.replace('_', ' ')} than ${whole}.`)
    else if (wholeAmount > 0 && part !== 'added_sugars') proofs.push(`No more ${part.replace('_', ' ')} than ${whole}.`)
  }

  if (per !== 'serving') {
    const sum = (fat ?? 0) + (carbohydrate ?? 0) + (protein ?? 0) + (of('fibre') ?? 0) + (of('salt') ?? 0)
    if (sum > 106) faults.push(`The parts of ${per} weigh ${Math.round(sum)} g.`)
  }

  const salt = of('salt')
  const sodium = of('sodium')
  if (salt !== undefined && sodium !== undefined) {
    if (Math.abs(salt - (sodium / 1000) * 2.5) <= Math.max(0.06, salt * 0.1))
      proofs.push('Salt is two and a half times sodium.')
    else faults.push('Salt is not two and a half times sodium.')
  }
  return { proofs, faults }
}
