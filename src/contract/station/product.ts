import { z } from 'zod'
import { idSchema } from '#contract/station/values.ts'

/** A product made from an unknown code. Saved on the station first, then created at the backend. */
export const createProductSchema = z.strictObject({
  /** The capture it is made from; it is looked up again once the product exists. */
  captureId: idSchema,
  gtin: z.string().regex(/^(\d{8}|\d{12,14})$/),
  name: z.string().trim().min(1).max(255),
  brand: z.string().trim().max(255).default(''),
  netContent: z.string().trim().max(100).default(''),
  description: z.string().trim().max(2_000).default(''),
})
export type CreateProduct = z.infer<typeof createProductSchema>
