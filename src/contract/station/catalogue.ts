import { z } from 'zod'
import { productMeasures, productTexts, type ProductMeasure, type ProductText } from '#contract/backend/products.ts'
import { deliverySchema } from '#contract/station/review.ts'
import { idSchema, instantSchema, mediaHashSchema } from '#contract/station/values.ts'

/** What a product record can hold, by the catalogue's names, in the order in which people read it. */
export const productFields = [
  'product_name',
  'brand',
  'manufacturer',
  'category',
  'description',
  'net_content',
  'net_content_value',
  'net_content_uom',
  'country_of_origin',
  'ingredients',
  'certifications',
  'serving_size',
  'nutrition_per_100',
  'nutrition_per_serving',
  'gross_weight',
  'gross_weight_uom',
  'net_weight',
  'net_weight_uom',
  'height',
  'height_uom',
  'width',
  'width_uom',
  'depth',
  'depth_uom',
  'length',
  'length_uom',
  'gpc_brick_code',
  'gpc_class_code',
  'gpc_family_code',
  'gpc_segment_code',
  'image_url',
] as const satisfies readonly (ProductText | ProductMeasure | 'country_of_origin')[]
export const productFieldSchema = z.enum(productFields)
export type ProductField = z.infer<typeof productFieldSchema>

/** The values of a product as texts, a measure as a decimal with a point; what is missing is not known here. */
export const productValuesSchema = z.partialRecord(productFieldSchema, z.string())
export type ProductValues = z.infer<typeof productValuesSchema>

/** Why a value cannot stand in a field, as a plain clause; null when it can. The backend judges again. */
export function productValueFault(field: ProductField, value: string): string | null {
  if (value === '') return null
  if ((productMeasures as readonly string[]).includes(field))
    return /^\d{1,9}(\.\d{1,6})?$/.test(value) ? null : 'is no number such as 12.5'
  if (field === 'country_of_origin')
    return /^[A-Z]{2}$/.test(value) ? null : 'is no country in two capital letters, ISO 3166'
  const most = productTexts[field as ProductText]
  return [...value].length <= most ? null : `has more than ${most} characters`
}

/** GTIN-14. */
const gtinSchema = z.string().regex(/^\d{14}$/)
/** As people type it: 8, 12, 13 or 14 digits. */
const typedGtinSchema = z.string().regex(/^(\d{8}|\d{12,14})$/)

/** A product in a list. */
export const productBriefSchema = z.object({
  gtin: gtinSchema,
  name: z.string(),
  brand: z.string(),
  netContent: z.string(),
  /** Decisions about it that the backend does not know, or did not take. */
  waiting: z.number().int(),
  refused: z.number().int(),
})
export type ProductBrief = z.infer<typeof productBriefSchema>

export const productEditKindSchema = z.enum(['create', 'edit', 'merge', 'undo'])
export type ProductEditKind = z.infer<typeof productEditKindSchema>

const fieldChangeSchema = z.object({ field: z.string(), from: z.string(), to: z.string() })

/**
 * What was done to a product: here (`station`), saved before it was told, or as the backend tells it.
 * What was done here and is delivered stands in the backend's history, and only there.
 */
export const productEventSchema = z.object({
  /** Of the backend's change, or of the decision here. */
  id: z.string(),
  origin: z.enum(['station', 'backend']),
  at: instantSchema,
  /** `create`, `update`, `apply`, `undo`, `merge`, `claim`, `unclaim`; here also `edit`. */
  action: z.string(),
  /** Who, as the backend names the key or the person; empty when it does not say, or for this station. */
  actor: z.string(),
  fields: z.array(
    fieldChangeSchema.extend({
      /** Of a value that was read from a photo: the photo when this station has it, the reader, and how sure it was. */
      evidence: z
        .object({ photo: mediaHashSchema.nullable(), source: z.string(), confidence: z.number().nullable() })
        .nullable(),
    }),
  ),
  /** The capture whose values were written. */
  captureId: z.string().nullable(),
  /** The other product of a merge. */
  otherGtin: z.string().nullable(),
  isUndone: z.boolean(),
  canUndo: z.boolean(),
  delivery: deliverySchema,
  refusal: z.object({ code: z.string(), message: z.string() }).nullable(),
  /** Refused, and nobody has given it up. */
  isOpen: z.boolean(),
})
export type ProductEvent = z.infer<typeof productEventSchema>

/** A product as this station knows it, with what was decided here and is not delivered yet. */
export const productRecordSchema = z.object({
  gtin: gtinSchema,
  values: productValuesSchema,
  /** Fields whose value here is not the backend's yet. */
  unsent: z.array(productFieldSchema),
  /** Nobody else may change it where another organisation has claimed it; empty when nobody has. */
  ownerId: z.string(),
  /** Where the record came from, in the backend's word; empty when it is not known. */
  dataSource: z.string(),
  /** The product that it was merged into. */
  mergedInto: gtinSchema.nullable(),
  /** `none`: only this station knows it. `brief`: its name and brand, from a scan. `whole`: all fields. */
  known: z.enum(['none', 'brief', 'whole']),
  /** When the backend last told the record; null when it never did. */
  fetchedAt: instantSchema.nullable(),
  /** When the backend last told the history; null when it never did. */
  historyAt: instantSchema.nullable(),
  /** Photos that this station has. */
  photos: z.array(z.object({ hash: mediaHashSchema, role: z.string(), takenAt: instantSchema, captureId: idSchema })),
  /** Photos that only the backend has; null when it was not asked. */
  photosElsewhere: z.number().int().nullable(),
  /** The newest captures here, and how many there are. */
  captures: z.array(
    z.object({
      id: idSchema,
      sessionId: idSchema,
      session: z.string(),
      at: instantSchema,
      raw: z.string(),
      quantity: z.number().int(),
      disposition: z.string(),
      state: z.string(),
    }),
  ),
  capturesTotal: z.number().int(),
  /** Newest first. */
  history: z.array(productEventSchema),
  /** Captures with proposals that wait for a decision. */
  toReview: z.array(z.string()),
})
export type ProductRecord = z.infer<typeof productRecordSchema>

/** `station` answers at once with what is known here; `backend` asks there, keeps the answer, and fails with `offline`. */
const askedSchema = z.enum(['station', 'backend'])

const editedSchema = z.array(z.strictObject({ field: productFieldSchema, from: z.string(), to: z.string() }))

export const catalogueProcedures = {
  /** Finds products by words of name and brand, or digits of the GTIN. */
  'product.search': {
    input: z.strictObject({
      text: z.string().max(200),
      from: askedSchema,
      limit: z.number().int().min(1).max(100).default(50),
    }),
    output: z.object({ products: z.array(productBriefSchema), total: z.number().int() }),
  },
  /** One record with its photos, captures and history; `not_found` when nobody asked knows it. */
  'product.get': {
    input: z.strictObject({ gtin: typedGtinSchema, from: askedSchema }),
    output: productRecordSchema,
  },
  /** Creates a product: durable when it is answered, then told to the backend. `conflict` for one that is known. */
  'product.add': {
    input: z.strictObject({ gtin: typedGtinSchema, values: productValuesSchema }),
    output: productRecordSchema,
  },
  /**
   * Changes fields. `conflict` when a value is not the one that was seen (`from`); the backend says so too, and then the
   * change stands as refused in the product's history.
   */
  'product.edit': {
    input: z.strictObject({ gtin: gtinSchema, fields: editedSchema.min(1).max(productFields.length) }),
    output: productRecordSchema,
  },
  /** Makes `other` another name of `gtin`, whose fields become those given; both stay, and it can be undone. */
  'product.merge': {
    input: z.strictObject({ gtin: gtinSchema, other: gtinSchema, fields: editedSchema.max(productFields.length) }),
    output: productRecordSchema,
  },
  /** Takes an event of the history back: by not telling it where the backend does not know it yet, else by its opposite. */
  'product.undo': {
    input: z.strictObject({ gtin: gtinSchema, id: z.string().min(1).max(100), origin: z.enum(['station', 'backend']) }),
    output: productRecordSchema,
  },
  /** Tells a refused decision once more, as it was made. */
  'product.retry': { input: z.strictObject({ id: idSchema }), output: productRecordSchema },
  /** Gives a refused decision up; it stays in the history. */
  'product.giveUp': {
    input: z.strictObject({ id: idSchema, reason: z.string().trim().min(1).max(300) }),
    output: productRecordSchema,
  },
  /** Decisions about products that the backend did not take. */
  'product.refused': {
    input: z.strictObject({}),
    output: z.array(productEventSchema.extend({ gtin: gtinSchema, name: z.string() })),
  },
} as const

/** Told after each change of a record or of what is owed about it. */
export const productChangedSchema = z.object({ gtins: z.array(gtinSchema) })
