import type { ProductExportFormat } from '#contract/station/http.ts'
import { readNutrition } from '#domain/review/nutrition.ts'
import { toCsv, toWorkbook } from '#station/export/export.ts'
import type { Catalogue, StoredRecord } from '#station/store/catalogue.ts'

/** A unit as GS1 names it (UN/ECE recommendation 20), of those that labels have. */
const unitCodes: Readonly<Record<string, string>> = {
  g: 'GRM',
  kg: 'KGM',
  mg: 'MGM',
  µg: 'MC',
  ml: 'MLT',
  cl: 'CLT',
  l: 'LTR',
  mm: 'MMT',
  cm: 'CMT',
  m: 'MTR',
  kj: 'KJO',
  kcal: 'E14',
  pc: 'H87',
}
const unitCode = (unit: string): string => unitCodes[unit.toLowerCase()] ?? unit

/** Nutrients as tables name them, by the GS1 Web Vocabulary's property. */
const nutrients: Readonly<Record<string, string>> = {
  energy: 'energyPerNutrientBasis',
  fat: 'fatPerNutrientBasis',
  saturates: 'saturatedFatPerNutrientBasis',
  carbohydrate: 'carbohydratesPerNutrientBasis',
  sugars: 'sugarsPerNutrientBasis',
  fibre: 'fibrePerNutrientBasis',
  protein: 'proteinPerNutrientBasis',
  salt: 'saltPerNutrientBasis',
  sodium: 'sodiumPerNutrientBasis',
}

/** `name.part` is a part of a property; what GS1 has no name for begins with `capstan:`. */
const nutrientColumns = Object.entries(nutrients).flatMap(([name, property]) =>
  name === 'energy' ? [`${property}.KJO`, `${property}.E14`] : [`${property}.GRM`],
)

/** The columns in their order, each with how it is read off a record (docs/operations.md has the table). */
const columns: readonly (readonly [name: string, read: (record: StoredRecord) => string])[] = [
  ['gtin', ({ gtin }) => gtin],
  ['productName', ({ values }) => values.product_name ?? ''],
  ['brand.brandName', ({ values }) => values.brand ?? ''],
  ['manufacturer.organizationName', ({ values }) => values.manufacturer ?? ''],
  ['productDescription', ({ values }) => values.description ?? ''],
  ['netContent.value', ({ values }) => values.net_content_value ?? ''],
  ['netContent.unitCode', ({ values }) => unitCode(values.net_content_uom ?? '')],
  ['countryOfOrigin', ({ values }) => values.country_of_origin ?? ''],
  ['gpcCategoryCode', ({ values }) => values.gpc_brick_code ?? ''],
  ['ingredientStatement', ({ values }) => values.ingredients ?? ''],
  ['nutrientBasisQuantity', ({ values }) => (values.nutrition_per_100 ? '100' : '')],
  ...nutrientColumns.map((name) => [name, (record: StoredRecord) => nutrientOf(record, name)] as const),
  ['grossWeight.value', ({ values }) => values.gross_weight ?? ''],
  ['grossWeight.unitCode', ({ values }) => unitCode(values.gross_weight_uom ?? '')],
  ['netWeight.value', ({ values }) => values.net_weight ?? ''],
  ['netWeight.unitCode', ({ values }) => unitCode(values.net_weight_uom ?? '')],
  ['inPackageHeight.value', ({ values }) => values.height ?? ''],
  ['inPackageHeight.unitCode', ({ values }) => unitCode(values.height_uom ?? '')],
  ['inPackageWidth.value', ({ values }) => values.width ?? ''],
  ['inPackageWidth.unitCode', ({ values }) => unitCode(values.width_uom ?? '')],
  ['inPackageDepth.value', ({ values }) => values.depth ?? ''],
  ['inPackageDepth.unitCode', ({ values }) => unitCode(values.depth_uom ?? '')],
  ['image', ({ values }) => values.image_url ?? ''],
  ['capstan:category', ({ values }) => values.category ?? ''],
  ['capstan:certifications', ({ values }) => values.certifications ?? ''],
  ['capstan:netContentText', ({ values }) => values.net_content ?? ''],
  ['capstan:servingSize', ({ values }) => values.serving_size ?? ''],
  ['capstan:nutritionPer100', ({ values }) => values.nutrition_per_100 ?? ''],
  ['capstan:nutritionPerServing', ({ values }) => values.nutrition_per_serving ?? ''],
  ['capstan:length', ({ values }) => values.length ?? ''],
  ['capstan:lengthUnit', ({ values }) => unitCode(values.length_uom ?? '')],
  ['capstan:gpcSegmentCode', ({ values }) => values.gpc_segment_code ?? ''],
  ['capstan:gpcFamilyCode', ({ values }) => values.gpc_family_code ?? ''],
  ['capstan:gpcClassCode', ({ values }) => values.gpc_class_code ?? ''],
  ['capstan:dataSource', ({ dataSource }) => dataSource],
  ['capstan:fetchedAt', ({ fetchedAt }) => fetchedAt ?? ''],
  ['capstan:notToldYet', ({ unsent }) => unsent.join(' ')],
]

/** The names of the columns, as they stand in the first line. */
export const productColumns: readonly string[] = columns.map(([name]) => name)

export const productExportTypes: Record<ProductExportFormat, string> = {
  csv: 'text/csv; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  json: 'application/ld+json; charset=utf-8',
}

/**
 * Exports the products that this station knows and that the words fit, in the order of the GTIN, under the names of the GS1
 * Web Vocabulary. JSON is JSON-LD, and leaves out what is empty; CSV and JSON come in pieces.
 */
export async function* exportProducts(
  catalogue: Pick<Catalogue, 'each'>,
  text: string,
  format: ProductExportFormat,
): AsyncGenerator<string | Uint8Array> {
  const rows = function* (): Generator<string[]> {
    for (const record of catalogue.each(text)) yield columns.map(([, read]) => read(record))
  }
  if (format === 'xlsx') {
    yield await toWorkbook(productColumns, rows())
    return
  }
  if (format === 'csv') {
    yield toCsv([[...productColumns]])
    for (const row of rows()) yield toCsv([row])
    return
  }
  yield `{"@context":{"@vocab":"https://ref.gs1.org/voc/","capstan":"urn:capstan:"},"@graph":[`
  let isFirst = true
  for (const record of catalogue.each(text)) {
    yield `${isFirst ? '' : ','}${JSON.stringify(toJson(record))}`
    isFirst = false
  }
  yield ']}\n'
}

function nutrientOf({ values }: StoredRecord, column: string): string {
  const [property, code] = column.split('.')
  const line = readNutrition(values.nutrition_per_100 ?? '').find(
    ({ name, unit }) => nutrients[name.toLowerCase()] === property && (unitCode(unit) === code || unit === 'mg'),
  )
  if (line === undefined) return ''
  // Salt and sodium may stand in milligrams.
  const amount = line.unit === 'mg' ? line.amount / 1_000 : line.amount
  return `${line.isLess ? '<' : ''}${amount}`
}

function toJson(record: StoredRecord): Record<string, unknown> {
  const object: Record<string, unknown> = { '@type': 'Product' }
  for (const [name, read] of columns) {
    const value = read(record)
    if (value === '') continue
    const [property = '', part] = name.split('.')
    if (part === undefined) object[property] = value
    // Energy stands in both of its units: a list of measures.
    else if (property.endsWith('PerNutrientBasis'))
      object[property] = [...((object[property] as unknown[] | undefined) ?? []), { value, unitCode: part }]
    else object[property] = { ...(object[property] as object | undefined), [part]: value }
  }
  return object
}
