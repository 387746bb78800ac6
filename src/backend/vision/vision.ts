import type { PhotoType } from '#contract/backend/photo-type.ts'
import type { Result } from '#contract/result.ts'

/** Reads what is printed on the photo of a product. */
export interface Vision {
  /**
   * The fields of one photo; the file is only read.
   *
   * Expected failures: `not_found`, `invalid_input` (no file), `too_large`, `unreadable_image` (no photo, or one that
   * ended its process twice or took too long), `conflict` (aborted or closed). A photo without any text is no failure:
   * it has no fields.
   */
  extract(photo: VisionPhoto, signal?: AbortSignal): Promise<Result<Extraction>>
  /** Ends its processes; what is waiting fails with `conflict`. */
  close(): void
}

/** A photo on the disk, and what is known about it. */
export interface VisionPhoto {
  readonly path: string
  /** What the photo shows; null when nobody said. It moves confidence, it forbids nothing. */
  readonly type: PhotoType | null
  /** Brands that the site knows of its own; none unless given. */
  readonly brands?: BrandHints
}

/** Brands out of the site's catalogue. */
export interface BrandHints {
  /** The most used first, at most some thousands. */
  readonly known: readonly string[]
  /** Those of products whose GTIN has the same company prefix. */
  readonly ofCompany: readonly string[]
}

/** What a photo says of its product. */
export interface Extraction {
  /** By field, the likeliest first. Several of one field are alternatives; only `certifications` and nutrition are one. */
  readonly fields: readonly ExtractedField[]
  /** All that was read, a line a line, in reading order. */
  readonly text: string
  readonly ms: number
  /** What read it: `ppocr-v4+tesseract`, or the name of a remote model. */
  readonly engine: string
  /** Why another engine than the configured one read it, such as a remote model that does not answer; else null. */
  readonly fallback: string | null
}

/** The fields that vision looks for; those of a product record have its names (contract/backend/products.ts). */
export const extractedFields = [
  'product_name',
  'brand',
  'net_content',
  'ingredients',
  'country_of_origin',
  'certifications',
  'serving_size',
  'nutrition_per_100',
  'nutrition_per_serving',
] as const
export type ExtractedFieldName = (typeof extractedFields)[number]

/** A rectangle in pixels of the upright original: x and y of its top left, width, height. */
export type Box = readonly [x: number, y: number, width: number, height: number]

/** One value for one field. */
export interface ExtractedField {
  readonly field: ExtractedFieldName
  /**
   * As a person reads it and as it is written to the product: `350 g`, `6 x 330 ml`, `DE`, `organic, fairtrade`,
   * `energy 636 kJ, energy 150 kcal, fat 3.5 g, saturates <0.1 g`. At most 500 characters, but for `ingredients`.
   */
  readonly value: string
  /** The same for programs, where the text is more than text. */
  readonly data: FieldData | null
  /** From 0 to 1, calibrated: of many values marked 0.9 nine in ten are right. */
  readonly confidence: number
  /** Where its words stand; null when the engine cannot tell. */
  readonly box: Box | null
  /** One or two sentences for the person who reviews it: what it was read from, what speaks against it. */
  readonly reasoning: string
  /** Which engine and rule it comes from, at most 100 characters, as a proposal's `source`. */
  readonly source: string
}

/** A field's value in parts. */
export type FieldData =
  | { readonly kind: 'quantity'; readonly quantity: Quantity; readonly pieces: number | null }
  | { readonly kind: 'labels'; readonly labels: readonly string[] }
  | { readonly kind: 'nutrition'; readonly per: NutritionPer; readonly cells: NutritionCells }

/** An amount and the unit as it is printed. */
export interface Quantity {
  readonly value: number
  readonly unit: Unit
}

export type Unit = 'mg' | 'g' | 'kg' | 'ml' | 'cl' | 'dl' | 'l' | 'oz' | 'lb' | 'fl oz' | 'pint' | 'quart' | 'gallon'

/** What a column of a nutrition table is about. */
export type NutritionPer = '100 g' | '100 ml' | 'serving'

/** The rows of a nutrition table in the order in which labels have them, and the unit of each. */
export const nutrients = {
  energy_kj: 'kJ',
  energy_kcal: 'kcal',
  fat: 'g',
  saturated_fat: 'g',
  trans_fat: 'g',
  cholesterol: 'mg',
  carbohydrate: 'g',
  sugars: 'g',
  added_sugars: 'g',
  polyols: 'g',
  fibre: 'g',
  protein: 'g',
  salt: 'g',
  sodium: 'mg',
} as const
export type Nutrient = keyof typeof nutrients

/** The amount of each nutrient in the unit of `nutrients`; `isLess` where the label says `<`. */
export type NutritionCells = Readonly<Partial<Record<Nutrient, { readonly amount: number; readonly isLess: boolean }>>>
