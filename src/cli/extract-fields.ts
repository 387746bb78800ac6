import type { ExtractedField, Nutrient, NutritionCells } from '#backend/index.ts'

/**
 * Extracted fields in the short form that label data sets have, so that they can be compared by programs:
 * `name`, `brand`, `ingr` and `origin` are texts, `net` is `{q, u}`, `labels` is `{t: [...]}`, `serving` a text, and
 * `nut` is `{h: {...}, s: {...}}`: per 100 g or ml, and per serving.
 */
export interface PlainField {
  readonly field: 'name' | 'brand' | 'net' | 'ingr' | 'origin' | 'labels' | 'serving' | 'nut'
  readonly value: unknown
  readonly confidence: number
  readonly box: ExtractedField['box']
}

const shortNames: Readonly<Record<Nutrient, string>> = {
  energy_kj: 'kj',
  energy_kcal: 'kcal',
  fat: 'fat',
  saturated_fat: 'sat',
  trans_fat: 'trans',
  cholesterol: 'chol',
  carbohydrate: 'carb',
  sugars: 'sug',
  added_sugars: 'addsug',
  polyols: 'polyols',
  fibre: 'fib',
  protein: 'pro',
  salt: 'salt',
  sodium: 'sod',
}

const names = {
  product_name: 'name',
  brand: 'brand',
  ingredients: 'ingr',
  country_of_origin: 'origin',
  serving_size: 'serving',
} as const

export function plainFields(fields: readonly ExtractedField[]): PlainField[] {
  const plain = fields.flatMap(({ field, value, data, confidence, box }): PlainField[] => {
    if (data?.kind === 'quantity') {
      const { value: amount, unit } = data.quantity
      const quantity = { q: amount, u: unit.replace(' ', '') }
      return [
        { field: 'net', value: data.pieces === null ? quantity : { ...quantity, n: data.pieces }, confidence, box },
      ]
    }
    if (data?.kind === 'labels') return [{ field: 'labels', value: { t: data.labels }, confidence, box }]
    if (data?.kind === 'nutrition' || !(field in names)) return []
    return [{ field: names[field as keyof typeof names], value, confidence, box }]
  })
  const tables = fields.filter(({ data }) => data?.kind === 'nutrition')
  if (tables.length === 0) return plain
  const nut: Record<string, Record<string, number>> = {}
  for (const { data } of tables) {
    if (data?.kind === 'nutrition') nut[data.per === 'serving' ? 's' : 'h'] = shortTable(data.cells)
  }
  return [
    ...plain,
    {
      field: 'nut',
      value: nut,
      confidence: Math.min(...tables.map(({ confidence }) => confidence)),
      box: around(tables.flatMap(({ box }) => (box ? [box] : []))),
    },
  ]
}

/** The smallest box around the boxes of both columns; null for none. */
function around(boxes: readonly (readonly [number, number, number, number])[]): PlainField['box'] {
  if (boxes.length === 0) return null
  const left = Math.min(...boxes.map(([x]) => x))
  const top = Math.min(...boxes.map(([, y]) => y))
  return [
    left,
    top,
    Math.max(...boxes.map(([x, , width]) => x + width)) - left,
    Math.max(...boxes.map(([, y, , height]) => y + height)) - top,
  ]
}

function shortTable(cells: NutritionCells): Record<string, number> {
  return Object.fromEntries(
    Object.entries(cells).map(([nutrient, { amount }]) => [shortNames[nutrient as Nutrient], amount]),
  )
}
