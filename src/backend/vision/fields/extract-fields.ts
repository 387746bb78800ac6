import type { PhotoType } from '#contract/backend/photo-type.ts'
import type { Page } from '../ocr/page.ts'
import type { BrandHints, ExtractedField } from '../vision.ts'
import type { Found } from './found.ts'
import { findBrandAndName } from './front.ts'
import { findIngredients } from './ingredients.ts'
import { findLabels } from './labels.ts'
import { around, layoutOf, type Layout } from './layout.ts'
import { findNetContent } from './net-content.ts'
import { findNutrition } from './nutrition.ts'
import { findOrigin } from './origin.ts'

/** What is less likely than this costs the reviewer more than it gives. */
const minScore = 0.3

export interface FieldContext {
  readonly type: PhotoType | null
  readonly brands?: BrandHints
}

/** The fields of a page that was read, and its text in reading order. Pure. */
export function extractFields(page: Page, context: FieldContext): { fields: ExtractedField[]; text: string } {
  const layout = layoutOf(page)
  const nutrition = findNutrition(layout)
  const ingredients = findIngredients(layout)
  const found: Found[] = [
    ...findNetContent(layout),
    ...ingredients,
    ...findOrigin(layout),
    ...findLabels(layout),
    ...nutrition,
  ]
  const isBack = isBackOf(layout, context.type, nutrition, ingredients)
  const likely = [...findBrandAndName(layout, { ...context, isBack }), ...found].filter(
    ({ score }) => score >= minScore,
  )
  const fields = likely.map((one): ExtractedField => {
    const { score, reason } = routed(one, context.type)
    return {
      field: one.field,
      value: one.value,
      data: one.data,
      confidence: confidenceOf(score),
      box: around(one.boxes, page),
      reasoning: reason === '' ? one.reasoning : `${one.reasoning} ${reason}`,
      source: `ppocr-v4+tesseract: ${one.rule}`,
    }
  })
  // By field, as they were found; in each the likeliest first.
  const order = [...new Set(fields.map(({ field }) => field))]
  const sorted = fields.toSorted(
    (one, other) => order.indexOf(one.field) - order.indexOf(other.field) || other.confidence - one.confidence,
  )
  return { fields: sorted, text: textOf(layout) }
}

/**
 * What a rule gives its proposals is what they come to: `npm run bench -- vision` counts it, and fits it on one half of
 * the photos for the other. Nothing is raised by that, since the rules were written with these photos in view.
 */
function confidenceOf(score: number): number {
  return Math.round(Math.min(0.98, Math.max(0.01, score)) * 100) / 100
}

/** The photo's type says what to expect on it: what it does not show is believed less. */
function routed({ field, score }: Found, type: PhotoType | null): { score: number; reason: string } {
  const expected: Readonly<Partial<Record<PhotoType, readonly Found['field'][]>>> = {
    front: ['product_name', 'brand', 'net_content', 'certifications'],
    nutrition: ['nutrition_per_100', 'nutrition_per_serving', 'serving_size'],
    ingredients: ['ingredients'],
    certification: ['certifications'],
  }
  const fields = type === null ? undefined : expected[type]
  if (!fields) return { score, reason: '' }
  if (fields.includes(field)) return { score: Math.min(0.98, score + 0.03), reason: '' }
  if (field === 'brand' || field === 'product_name')
    return { score: score * 0.7, reason: `A photo of the ${type} seldom says it.` }
  return { score, reason: '' }
}

/** A back has much small print: its largest words are no name. */
function isBackOf(
  layout: Layout,
  type: PhotoType | null,
  nutrition: readonly Found[],
  ingredients: readonly Found[],
): boolean {
  if (type === 'front') return false
  if (type === 'back' || type === 'nutrition' || type === 'ingredients' || type === 'barcode') return true
  if (ingredients.some(({ score }) => score > 0.4) || nutrition.length > 0) return true
  const letters = layout.fragments.reduce((sum, { text }) => sum + text.length, 0)
  return letters > 700
}

function textOf(layout: Layout): string {
  return [...layout.lines, ...layout.across].map(({ text }) => text).join('\n')
}
