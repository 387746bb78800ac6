import { productTexts } from '#contract/backend/products.ts'
import type { ProductRow } from '../db/tables.ts'

/** The columns of a product that a proposal can be for. */
export type ProductColumn = keyof typeof productTexts | 'country_of_origin'

/** The product's column of each proposal field: the documented names first, then those that only we have. */
export const columnsByField: Readonly<Record<string, ProductColumn>> = {
  name: 'product_name',
  description: 'description',
  brand_name: 'brand',
  category: 'category',
  ingredients: 'ingredients',
  net_content: 'net_content',
  country_of_origin: 'country_of_origin',
  certifications: 'certifications',
  serving_size: 'serving_size',
  nutrition_per_100: 'nutrition_per_100',
  nutrition_per_serving: 'nutrition_per_serving',
}

/** The proposal field of a product's column. */
export function fieldOfColumn(column: string): string | undefined {
  return Object.keys(columnsByField).find((field) => columnsByField[field] === column)
}

/** What a product says of a proposal's field; empty when it says nothing, or there is no product. */
export function presentValue(product: ProductRow | undefined, fieldName: string): string {
  const column = columnsByField[fieldName]
  return product === undefined || column === undefined ? '' : product[column]
}

/** Why a value cannot be written to a column, as a plain clause; undefined when it can. */
export function valueFault(column: ProductColumn, value: string): string | undefined {
  if (column === 'country_of_origin') {
    return /^(?:[A-Z]{2})?$/.test(value) ? undefined : 'The value is no country in two capital letters, ISO 3166.'
  }
  const limit = productTexts[column]
  return [...value].length <= limit ? undefined : `The value has more than ${limit} characters.`
}

/** Whether two values say the same: case, accents' writing and spaces aside. */
export function isSameValue(one: string, other: string): boolean {
  const plain = (text: string): string => text.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim()
  return plain(one) === plain(other)
}
