/** One line of a nutrition table, as its text says. */
export interface NutritionLine {
  readonly name: string
  readonly amount: number
  readonly unit: string
  /** The label says "less than". */
  readonly isLess: boolean
}

/** What cannot be true at once in a nutrition table, or between it and what is known of the product. */
export type Contradiction = 'energy_units' | 'energy_of_parts' | 'part_above_whole' | 'sum_above_hundred'

/** From kilocalories to kilojoules (Regulation (EU) 1169/2011, annex I). */
const kilojoules = 4.184

/** Kilojoules in a gram (the same regulation, annex XIV). */
const energyOf: Readonly<Record<string, number>> = { fat: 37, carbohydrate: 17, protein: 17, fibre: 8 }

const wholes: Readonly<Record<string, string>> = {
  saturates: 'fat',
  saturated_fat: 'fat',
  trans_fat: 'fat',
  sugars: 'carbohydrate',
  added_sugars: 'sugars',
  polyols: 'carbohydrate',
}

/**
 * Reads a nutrition table as it is written to a product: `energy 636 kJ, energy 150 kcal, fat 3.5 g, saturates <0.1 g`.
 * What is no line of a table is left out; an empty answer says that it is none.
 */
export function readNutrition(text: string): readonly NutritionLine[] {
  return text.split(/[,;\n](?!\d)/).flatMap((part) => {
    const match = /^\s*([\p{L} _-]+?)\s*(<?)\s*(\d+(?:[.,]\d+)?)\s*(kJ|kcal|mg|µg|g)\s*$/u.exec(part)
    if (match === null) return []
    const [, name = '', less = '', amount = '', unit = ''] = match
    return [{ name: name.trim(), amount: Number(amount.replace(',', '.')), unit, isLess: less === '<' }]
  })
}

/** The contradictions of a table for 100 g or 100 ml; for a serving, whose weight is not known, no sum is judged. */
export function contradictionsOf(text: string, per: 'hundred' | 'serving'): readonly Contradiction[] {
  const lines = readNutrition(text)
  const amount = (name: string, unit: string): NutritionLine | undefined =>
    lines.find((line) => line.name.toLowerCase().replaceAll(/[ -]/g, '_') === name && line.unit === unit)
  const found = new Set<Contradiction>()
  const kj = amount('energy', 'kJ') ?? amount('energy_kj', 'kJ')
  const kcal = amount('energy', 'kcal') ?? amount('energy_kcal', 'kcal')
  // Both are rounded on the label: 5 % and some units are no contradiction.
  if (kj && kcal && Math.abs(kj.amount - kcal.amount * kilojoules) > 8 + kj.amount * 0.05) found.add('energy_units')
  for (const [part, whole] of Object.entries(wholes)) {
    const [small, large] = [amount(part, 'g'), amount(whole, 'g')]
    if (small && large && !small.isLess && small.amount > large.amount + 0.1) found.add('part_above_whole')
  }
  const parts = ['fat', 'carbohydrate', 'protein', 'salt'].flatMap((name) => amount(name, 'g') ?? [])
  const sum = parts.reduce((total, line) => total + (line.isLess ? 0 : line.amount), 0)
  if (per === 'hundred' && sum > 105) found.add('sum_above_hundred')
  const energy = kj?.amount ?? (kcal === undefined ? undefined : kcal.amount * kilojoules)
  if (energy !== undefined && ['fat', 'carbohydrate', 'protein'].every((name) => amount(name, 'g'))) {
    const expected = Object.entries(energyOf).reduce(
      (total, [name, each]) => total + each * (amount(name, 'g')?.amount ?? 0),
      0,
    )
    // Alcohol, polyols and organic acids are not in the sum, and fibre is often not on the label.
    if (Math.abs(energy - expected) > 60 + energy * 0.25) found.add('energy_of_parts')
  }
  return [...found]
}
