import { z } from 'zod'
import {
  foreignPageOf,
  foreignText,
  foreignTextOrNull,
  metadataPatchSchema,
  metadataSchema,
  pageOf,
  pageQueryShape,
  referenceSchema,
  shortuuidSchema,
  text,
  timestampSchema,
} from '#contract/backend/values.ts'

/** Where a product record came from (contracts 1.10). */
export const dataSources = [
  'crowd_sourced',
  'claimed',
  'imported',
  'ai_extracted',
  'brand_site_crawl',
  'gtin1_authoritative',
  'external_api',
  'open_food_facts',
  'usda_fdc',
  'fda_ndc',
  'affiliate_feed',
  'datakick',
  'common_crawl_wdc',
] as const

/** The free texts of a product record and the most characters each may have. Empty when not known. */
export const productTexts = {
  product_name: 255,
  brand: 255,
  manufacturer: 255,
  description: 10_000,
  image_url: 2_048,
  net_content: 100,
  net_content_uom: 20,
  ingredients: 10_000,
  category: 255,
  certifications: 2_000,
  serving_size: 100,
  nutrition_per_100: 2_000,
  nutrition_per_serving: 2_000,
  length_uom: 20,
  width_uom: 20,
  height_uom: 20,
  depth_uom: 20,
  gross_weight_uom: 20,
  net_weight_uom: 20,
  gpc_brick_code: 8,
  gpc_class_code: 8,
  gpc_family_code: 8,
  gpc_segment_code: 8,
} as const
export type ProductText = keyof typeof productTexts

/** The measures of a product record; null when not known. */
export const productMeasures = [
  'net_content_value',
  'length',
  'width',
  'height',
  'depth',
  'gross_weight',
  'net_weight',
] as const
export type ProductMeasure = (typeof productMeasures)[number]

const measure = z.number().nullable()
const country = z.string().regex(/^(?:[A-Z]{2})?$/, { error: 'must be two capital letters, ISO 3166' })

/** A product record as it is answered. */
export const productSchema = z
  .object({
    id: shortuuidSchema,
    gtin: z.string().regex(/^\d{14}$/),
    product_name: z.string(),
    is_claimed: z.boolean(),
    data_source: z.enum(dataSources),
    confidence_score: z.number().min(0).max(1),
    field_confidence: z.record(z.string(), z.number()),
    metadata: metadataSchema,
    brand: z.string(),
    manufacturer: z.string(),
    description: z.string(),
    image_url: z.string(),
    country_of_origin: z.string(),
    net_content: z.string(),
    net_content_value: measure,
    net_content_uom: z.string(),
    ingredients: z.string(),
    /** This one and the next four are ours: what photos tell beyond the documented fields. */
    category: z.string(),
    certifications: z.string(),
    serving_size: z.string(),
    nutrition_per_100: z.string(),
    nutrition_per_serving: z.string(),
    owner_id: z.string().nullable(),
    claim_verification_status: z.string(),
    length: measure,
    length_uom: z.string(),
    width: measure,
    width_uom: z.string(),
    height: measure,
    height_uom: z.string(),
    depth: measure,
    depth_uom: z.string(),
    gross_weight: measure,
    gross_weight_uom: z.string(),
    net_weight: measure,
    net_weight_uom: z.string(),
    gpc_brick_code: z.string(),
    gpc_class_code: z.string(),
    gpc_family_code: z.string(),
    gpc_segment_code: z.string(),
  })
  .meta({ id: 'Product' })
export type Product = z.infer<typeof productSchema>

/** A page of products. */
export const productPageSchema = pageOf(productSchema).meta({ id: 'ProductPage' })

/**
 * What is sent to make a product. `brand` is not among the documented fields; a product needs it, so it is ours.
 *
 * The GTIN may have 8, 12, 13 or 14 digits, separators allowed; its check digit is checked by the backend.
 */
export const productCreateSchema = z
  .strictObject({
    gtin: z.string().regex(/^[\d\s-]{8,30}$/, { error: 'must be 8, 12, 13, or 14 digits' }),
    product_name: text(0, 255).default(''),
    brand: text(0, 255).default(''),
    description: text(0, 10_000).default(''),
    country_of_origin: country.default(''),
    net_content: text(0, 100).default(''),
    ingredients: text(0, 10_000).default(''),
    organization_id: z.union([z.literal(''), referenceSchema]).default(''),
    metadata: metadataPatchSchema.default({}),
  })
  .meta({ id: 'ProductCreate', examples: [{ gtin: '4006381333931', product_name: 'Marker', brand: 'Stabilo' }] })
export type ProductCreate = z.input<typeof productCreateSchema>

type FieldPatches = { readonly [Name in ProductText]: z.ZodOptional<ReturnType<typeof text>> } & {
  readonly [Name in ProductMeasure]: z.ZodOptional<typeof measurePatch>
}
const measurePatch = z.number().min(0).max(1_000_000_000).nullable()

/** Every field of a record that a person may write: texts, the country, and measures. */
const fieldPatches = {
  ...(Object.fromEntries([
    ...Object.entries(productTexts).map(([name, most]) => [name, text(0, most).optional()]),
    ...productMeasures.map((name) => [name, measurePatch.optional()]),
  ]) as unknown as FieldPatches),
  country_of_origin: country.optional(),
}

/** Has a write refused with 409 when a field is not as it was seen; a measure as a decimal text, empty when unknown. */
const ifValues = z.partialRecord(z.enum(fieldNames()), z.string().max(10_000)).optional()

function fieldNames(): [string, ...string[]] {
  return ['country_of_origin', ...Object.keys(productTexts), ...productMeasures]
}

/** What may be changed of a product; fields left out are kept. `if_values` is ours. */
export const productPatchSchema = z
  .strictObject({ ...fieldPatches, metadata: metadataPatchSchema.optional(), if_values: ifValues })
  .meta({ id: 'ProductPatch', examples: [{ brand: 'Stabilo', if_values: { brand: 'Stabillo' } }] })

/** Makes another product a further name of this one, which gets these values. */
export const productMergeSchema = z
  .strictObject({
    other_gtin: z.string().regex(/^[\d\s-]{8,30}$/, { error: 'must be 8, 12, 13, or 14 digits' }),
    values: z.strictObject(fieldPatches).default({}),
    if_values: ifValues,
  })
  .meta({ id: 'ProductMerge', examples: [{ other_gtin: '4006381333948', values: { net_content: '1 pc' } }] })

const claimShape = { organization_id: z.union([z.literal(''), referenceSchema]).default('') }

/** Who claims a product; with a key it need not be said. */
export const productClaimSchema = z.strictObject(claimShape).meta({ id: 'ProductClaim', examples: [{}] })

/** A claim, as it stands now. */
export const productClaimAnswerSchema = z
  .object({
    gtin: z.string().regex(/^\d{14}$/),
    owner_id: shortuuidSchema,
    claimed_at: timestampSchema,
    claim_verification_status: z.string(),
    message: z.string(),
  })
  .meta({ id: 'ProductClaimAnswer' })

/** A product in short, as it is found by its id. */
export const productBriefSchema = z
  .object({
    id: shortuuidSchema,
    gtin: z.string().regex(/^\d{14}$/),
    is_claimed: z.boolean(),
    created: timestampSchema,
    product_name: z.string(),
    brand: z.string(),
    description: z.string(),
    owner_id: shortuuidSchema.nullable(),
  })
  .meta({ id: 'ProductBrief' })

/** One change of a product: who, what, from where. */
export const productChangeSchema = z
  .object({
    id: shortuuidSchema,
    action: z.enum(['create', 'update', 'apply', 'undo', 'claim', 'unclaim', 'merge']),
    /** The key's name or the user's e-mail address; empty when another organisation made it. */
    actor: z.string(),
    /** The capture whose proposals were applied. */
    capture_short_id: shortuuidSchema.nullable(),
    /** The other product of a merge. */
    other_gtin: z.string().nullable(),
    fields: z.array(
      z.object({ field: z.string(), from: z.string(), to: z.string(), proposal_id: z.uuid().nullable() }),
    ),
    /** The change that undid it. */
    undone_by: shortuuidSchema.nullable(),
    created: timestampSchema,
  })
  .meta({ id: 'ProductChange' })
export type ProductChange = z.infer<typeof productChangeSchema>

/** A page of changes, newest first. */
export const productChangePageSchema = pageOf(productChangeSchema).meta({ id: 'ProductChangePage' })

/** Query of a product's history. */
export const productChangeQuerySchema = z.strictObject(pageQueryShape)

/** Filters of `GET /trade-items`. Our records have a category by name, so `category_id` is that name. */
export const tradeItemQuerySchema = z.strictObject({
  q: z.string().max(200).optional(),
  brand: z.string().max(255).optional(),
  category_id: z.string().max(255).optional(),
  is_claimed: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional(),
  country_of_origin: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
  data_source: z.enum(dataSources).optional(),
  ordering: z.enum(['gtin', '-gtin', 'product_name', '-product_name', 'created', '-created']).default('gtin'),
  ...pageQueryShape,
})

/** Filters of `GET /products`; `q` finds words in name and brand, or the beginning of a GTIN. */
export const productQuerySchema = z.strictObject({
  gtin: z.string().max(30).optional(),
  q: z.string().max(200).optional(),
  organization_id: referenceSchema.optional(),
  ...pageQueryShape,
})

/** A foreign server's product: unknown keys are kept, what is null or missing is empty. */
export const foreignProductSchema = z
  .looseObject({
    id: foreignTextOrNull,
    public_id: foreignTextOrNull,
    gtin: foreignText,
    product_name: foreignText,
    brand: foreignText,
    net_content: foreignText,
    description: foreignText,
  })
  .transform((product) => ({ ...product, id: product.id ?? product.public_id }))
export type ForeignProduct = z.infer<typeof foreignProductSchema>

/** A foreign server's page of products; a bare array is read as a page too. */
export const foreignProductPageSchema = foreignPageOf(foreignProductSchema)

/** A foreign server's history, as far as it is one. */
export const foreignChangePageSchema = foreignPageOf(
  z.looseObject({
    id: z.string(),
    action: foreignText,
    actor: foreignText,
    capture_short_id: foreignTextOrNull,
    other_gtin: foreignTextOrNull,
    fields: z
      .array(z.looseObject({ field: z.string(), from: foreignText, to: foreignText, proposal_id: foreignTextOrNull }))
      .catch([]),
    undone_by: foreignTextOrNull,
    created: foreignText,
  }),
)
