import { sql } from 'kysely'
import {
  productCreateSchema,
  productMeasures,
  productPageSchema,
  productQuerySchema,
  productSchema,
  productTexts,
  type Product,
} from '#contract/backend/products.ts'
import type { ProductRow } from '../db/tables.ts'
import { idFromReference, newId } from '../ids.ts'
import { mergeMetadata } from '../metadata.ts'
import { gtin14FromInput, gtinFault } from '../reading.ts'
import { created, invalid, missing, ok, refuse } from './answer.ts'
import { pageAnswer } from './page.ts'
import { route, type Route } from './route.ts'

const base = '/products/api/v1/products'

/** The endpoints of the product catalogue (contracts 1.10). All organisations of a server share it. */
export function productRoutes(): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: base,
      operationId: 'listProducts',
      summary: 'List products, by GTIN or by words',
      access: 'read',
      query: productQuerySchema,
      success: { status: 200, schema: productPageSchema },
      async handle({ query, db }) {
        let matching = db.selectFrom('products')
        if (query.gtin !== undefined) {
          const gtin = gtin14FromInput(query.gtin)
          if (gtin === undefined) return invalid({ field: 'gtin', message: gtinFault(query.gtin) })
          matching = matching.where('gtin', '=', gtin)
        }
        if (query.organization_id !== undefined) {
          matching = matching.where('owner_id', '=', idFromReference(query.organization_id) ?? '')
        }
        for (const word of (query.q ?? '').split(/\s+/).filter((text) => text !== '')) {
          const pattern = `%${word.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
          matching = matching.where(
            sql<boolean>`lower(product_name || ' ' || brand || ' ' || gtin) like lower(${pattern}) escape '\\'`,
          )
        }
        const { count } = await matching
          .select((all) => all.fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow()
        const rows = await matching
          .selectAll()
          .orderBy('gtin')
          .limit(query.page_size)
          .offset((query.page - 1) * query.page_size)
          .execute()
        return ok(pageAnswer(rows.map(productAnswer), query, count))
      },
    }),

    route({
      method: 'GET',
      path: `${base}/{gtin}`,
      operationId: 'getProduct',
      summary: 'Get a product by its GTIN of 8, 12, 13 or 14 digits, separators allowed',
      access: 'read',
      success: { status: 200, schema: productSchema },
      refusals: ['not_found', 'validation_error'],
      async handle({ param, db }) {
        const gtin = gtin14FromInput(param)
        if (gtin === undefined) return invalid({ field: 'gtin', message: gtinFault(param) })
        const row = await db.selectFrom('products').selectAll().where('gtin', '=', gtin).executeTakeFirst()
        return row ? ok(productAnswer(row)) : missing('product')
      },
    }),

    route({
      method: 'POST',
      path: base,
      operationId: 'createProduct',
      summary: 'Create a product',
      access: 'write',
      idempotent: true,
      body: productCreateSchema,
      success: { status: 201, schema: productSchema },
      refusals: ['not_found', 'conflict'],
      async handle({ body, credential, at, db }) {
        const { organization_id: named, metadata, ...texts } = body
        const gtin = gtin14FromInput(body.gtin)
        if (gtin === undefined) return invalid({ field: 'gtin', message: gtinFault(body.gtin) })
        if (named !== '' && idFromReference(named) !== credential.organizationId) return missing('organisation')
        const merged = mergeMetadata({}, metadata)
        if ('fault' in merged) return invalid(merged.fault)
        const present = await db.selectFrom('products').select('id').where('gtin', '=', gtin).executeTakeFirst()
        if (present) return refuse('conflict', `There is a product with the GTIN ${gtin} already; claim it instead.`)
        const row = await db
          .insertInto('products')
          .values({
            ...texts,
            id: newId(),
            gtin,
            data_source: 'crowd_sourced',
            metadata: JSON.stringify(merged.metadata),
            created_at: at.toISOString(),
            modified_at: at.toISOString(),
          })
          .returningAll()
          .executeTakeFirstOrThrow()
        return created(productAnswer(row))
      },
    }),
  ]
}

function productAnswer(row: ProductRow): Product {
  const texts = Object.fromEntries(
    Object.keys(productTexts).map((name) => [name, row[name as keyof typeof productTexts]]),
  )
  const measures = Object.fromEntries(productMeasures.map((name) => [name, row[name]]))
  // Built from the two lists of the contract, which the compiler cannot follow into an object type.
  return {
    id: row.id,
    gtin: row.gtin,
    is_claimed: row.is_claimed === 1,
    data_source: row.data_source,
    confidence_score: row.confidence_score,
    field_confidence: {},
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    country_of_origin: row.country_of_origin,
    owner_id: row.owner_id,
    claim_verification_status: row.claim_verification_status,
    ...texts,
    ...measures,
  } as Product
}
