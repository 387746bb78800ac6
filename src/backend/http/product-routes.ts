import { sql, type Selectable } from 'kysely'
import { z } from 'zod'
import { photoSchema } from '#contract/backend/photos.ts'
import {
  productBriefSchema,
  productChangePageSchema,
  productChangeQuerySchema,
  productChangeSchema,
  productClaimAnswerSchema,
  productClaimSchema,
  productCreateSchema,
  productMeasures,
  productMergeSchema,
  productPageSchema,
  productPatchSchema,
  productQuerySchema,
  productSchema,
  productTexts,
  tradeItemQuerySchema,
  type Product,
  type ProductChange,
} from '#contract/backend/products.ts'
import { pageOf, pageQueryShape } from '#contract/backend/values.ts'
import { fromShortUuid } from '#domain/shortuuid.ts'
import {
  changeProduct,
  recordChange,
  textOf,
  type ChangedColumn,
  type FieldChange,
} from '../catalogue/change-product.ts'
import { mergeProducts, separateProduct } from '../catalogue/merge-products.ts'
import type { Db } from '../db/database.ts'
import type { ProductRow, Tables } from '../db/tables.ts'
import { idFromReference, newId } from '../ids.ts'
import { mergeMetadata } from '../metadata.ts'
import { gtin14FromInput, gtinFault } from '../reading.ts'
import { created, invalid, missing, noContent, ok, refuse, type Refusal } from './answer.ts'
import { readPage } from './page.ts'
import { photoAnswer } from './photo-answer.ts'
import { route, type Credential, type Route } from './route.ts'

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
          const named = await productOf(db, gtin)
          matching = matching.where('gtin', '=', 'problem' in named ? gtin : named.gtin)
        }
        matching = matching.where('merged_into', 'is', null)
        if (query.organization_id !== undefined) {
          matching = matching.where('owner_id', '=', idFromReference(query.organization_id) ?? '')
        }
        for (const word of wordsOf(query.q)) matching = matching.where(holds(word))
        const rows = matching.selectAll().orderBy('gtin')
        return ok(await readPage(matching, rows, query, productAnswer))
      },
    }),

    route({
      method: 'GET',
      path: `${base}/{gtin}`,
      operationId: 'getProduct',
      summary:
        'Get a product by its GTIN of 8, 12, 13 or 14 digits, separators allowed; of a merged one the product it is now',
      access: 'read',
      success: { status: 200, schema: productSchema },
      refusals: ['not_found', 'validation_error'],
      async handle({ param, db }) {
        const product = await productOf(db, param)
        return 'problem' in product ? product : ok(productAnswer(product))
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
        await recordChange(db, row.id, [], { action: 'create', credential, at })
        return created(productAnswer(row))
      },
    }),

    route({
      method: 'PATCH',
      path: `${base}/{gtin}`,
      operationId: 'updateProduct',
      summary: "Change a product's texts or metadata; open proposals for other values are withdrawn",
      access: 'write',
      body: productPatchSchema,
      success: { status: 200, schema: productSchema },
      refusals: ['conflict'],
      async handle({ param, body, credential, at, db }) {
        const product = await productOf(db, param, 'write')
        if ('problem' in product) return product
        const refused = ownedByOther(product, credential)
        if (refused) return refused
        const { metadata, if_values, ...values } = body
        const changed = changedSince(product, if_values)
        if (changed) return changed
        const merged =
          metadata === undefined
            ? { metadata: JSON.parse(product.metadata) as Record<string, string> }
            : mergeMetadata(JSON.parse(product.metadata) as Record<string, string>, metadata)
        if ('fault' in merged) return invalid(merged.fault)
        await db
          .updateTable('products')
          .set({ metadata: JSON.stringify(merged.metadata), modified_at: at.toISOString() })
          .where('id', '=', product.id)
          .execute()
        const fields = changesOf(product, values)
        if (fields.length > 0) await changeProduct(db, product, fields, { action: 'update', credential, at })
        return ok(
          productAnswer(
            await db.selectFrom('products').selectAll().where('id', '=', product.id).executeTakeFirstOrThrow(),
          ),
        )
      },
    }),

    route({
      method: 'POST',
      path: `${base}/{gtin}/merge`,
      operationId: 'mergeProducts',
      summary: 'Make another product a further name of this one; it is undone as any other change',
      access: 'write',
      body: productMergeSchema,
      success: { status: 200, schema: productSchema },
      refusals: ['conflict'],
      async handle({ param, body, credential, at, db }) {
        const otherGtin = gtin14FromInput(body.other_gtin)
        if (otherGtin === undefined) return invalid({ field: 'other_gtin', message: gtinFault(body.other_gtin) })
        const gtin = gtin14FromInput(param)
        if (gtin === undefined) return invalid({ field: 'gtin', message: gtinFault(param) })
        // In one order everywhere: two merges never wait for each other.
        const rows = await db
          .selectFrom('products')
          .selectAll()
          .where('gtin', 'in', [gtin, otherGtin])
          .orderBy('id')
          .forNoKeyUpdate()
          .execute()
        const product = rows.find((row) => row.gtin === gtin)
        const other = rows.find((row) => row.gtin === otherGtin)
        if (!product || !other) return missing('product')
        if (product.id === other.id) return refuse('conflict', 'A product cannot be merged into itself.')
        if (product.merged_into !== null || other.merged_into !== null)
          return refuse('conflict', 'One of them has been merged into another product already.')
        const named = await db
          .selectFrom('products')
          .select('gtin')
          .where('merged_into', '=', other.id)
          .executeTakeFirst()
        if (named) return refuse('conflict', `${named.gtin} was merged into ${otherGtin}: keep that one instead.`)
        const refused =
          ownedByOther(product, credential) ?? ownedByOther(other, credential) ?? changedSince(product, body.if_values)
        if (refused) return refused
        await mergeProducts(db, product, other, changesOf(product, body.values), { credential, at })
        return ok(
          productAnswer(
            await db.selectFrom('products').selectAll().where('id', '=', product.id).executeTakeFirstOrThrow(),
          ),
        )
      },
    }),

    route({
      method: 'POST',
      path: `${base}/{gtin}/claim`,
      operationId: 'claimProduct',
      summary: 'Claim a product for the own organisation',
      access: 'write',
      body: productClaimSchema,
      success: { status: 200, schema: productClaimAnswerSchema },
      refusals: ['conflict'],
      async handle({ param, body, credential, at, db }) {
        const named = body.organization_id
        if (named !== '' && idFromReference(named) !== credential.organizationId) return missing('organisation')
        const product = await productOf(db, param, 'write')
        if ('problem' in product) return product
        if (product.owner_id !== null && product.owner_id !== credential.organizationId) {
          return refuse('conflict', 'Another organisation has claimed this product.')
        }
        const isNew = product.owner_id === null
        const claimed_at = product.claimed_at ?? at.toISOString()
        if (isNew) {
          await db
            .updateTable('products')
            .set({ owner_id: credential.organizationId, is_claimed: 1, claimed_at })
            .where('id', '=', product.id)
            .execute()
          await recordChange(db, product.id, [], { action: 'claim', credential, at })
        }
        return ok({
          gtin: product.gtin,
          owner_id: credential.organizationId,
          claimed_at,
          claim_verification_status: product.claim_verification_status,
          message: isNew ? 'The product is claimed.' : 'The product was claimed already.',
        })
      },
    }),

    route({
      method: 'DELETE',
      path: `${base}/{gtin}/claim`,
      operationId: 'unclaimProduct',
      summary: 'Give a claimed product free again',
      access: 'write',
      isForManagers: true,
      success: { status: 204 },
      refusals: ['conflict'],
      async handle({ param, credential, at, db }) {
        const product = await productOf(db, param, 'write')
        if ('problem' in product) return product
        if (product.owner_id !== credential.organizationId) {
          return refuse('conflict', 'The own organisation has not claimed this product.')
        }
        await db
          .updateTable('products')
          .set({ owner_id: null, is_claimed: 0, claimed_at: null, claim_verification_status: 'unverified' })
          .where('id', '=', product.id)
          .execute()
        await recordChange(db, product.id, [], { action: 'unclaim', credential, at })
        return noContent()
      },
    }),

    route({
      method: 'GET',
      path: `${base}/{gtin}/photos`,
      operationId: 'listProductPhotos',
      summary: "List the own organisation's photos of a product, newest first",
      access: 'read',
      query: z.strictObject(pageQueryShape),
      success: { status: 200, schema: pageOf(photoSchema).meta({ id: 'PhotoPage' }) },
      async handle({ param, query, credential, db }) {
        const product = await productOf(db, param)
        if ('problem' in product) return product
        const matching = db
          .selectFrom('photos')
          .innerJoin('captures', 'captures.id', 'photos.capture_id')
          .innerJoin('sessions', 'sessions.id', 'photos.session_id')
          .where('captures.product_id', '=', product.id)
          .where('sessions.organization_id', '=', credential.organizationId)
        const rows = matching.selectAll('photos').orderBy('photos.id', 'desc')
        return ok(await readPage(matching, rows, query, photoAnswer))
      },
    }),

    route({
      method: 'GET',
      path: `${base}/{gtin}/history`,
      operationId: 'getProductHistory',
      summary: 'Who changed what of a product, newest first',
      access: 'read',
      query: productChangeQuerySchema,
      success: { status: 200, schema: productChangePageSchema },
      async handle({ param, query, credential, db }) {
        const product = await productOf(db, param)
        if ('problem' in product) return product
        const matching = db
          .selectFrom('product_changes')
          .leftJoin('products as other', 'other.id', 'product_changes.other_id')
          .where('product_changes.product_id', '=', product.id)
        const rows = matching
          .selectAll('product_changes')
          .select('other.gtin as other_gtin')
          .orderBy('product_changes.id', 'desc')
        return ok(await readPage(matching, rows, query, (row) => changeAnswer(row, credential)))
      },
    }),

    route({
      method: 'POST',
      path: `${base}/{gtin}/history/{change_id}/undo`,
      operationId: 'undoProductChange',
      summary: 'Undo a change: its fields get the values back that they had before',
      access: 'write',
      success: { status: 200, schema: productChangeSchema },
      refusals: ['conflict'],
      async handle({ params, credential, at, db }) {
        const product = await productOf(db, params['gtin'] ?? '', 'write')
        if ('problem' in product) return product
        const change = await db
          .selectFrom('product_changes')
          .leftJoin('products as other', 'other.id', 'product_changes.other_id')
          .selectAll('product_changes')
          .select('other.gtin as other_gtin')
          .where('product_changes.id', '=', params['change_id'] ?? '')
          .where('product_changes.product_id', '=', product.id)
          .where('product_changes.organization_id', '=', credential.organizationId)
          .executeTakeFirst()
        if (!change) return missing('change')
        const refused = ownedByOther(product, credential)
        if (refused) return refused
        if (change.undone_by !== null) return refuse('conflict', 'The change has been undone already.')
        const fields = JSON.parse(change.fields) as readonly FieldChange[]
        const mergedId = change.action === 'merge' ? change.other_id : null
        if (fields.length === 0 && mergedId === null)
          return refuse('conflict', `A change of kind ${change.action} has nothing to undo.`)
        const since = fields.find(({ field, to }) => textOf(product, field) !== to)
        if (since) return refuse('conflict', `${since.field} has been changed since.`)
        const back = fields.map(({ field, from, to }) => ({ field, from: to, to: from, proposal_id: null }))
        const otherId = mergedId === null ? {} : { otherId: mergedId }
        if (mergedId !== null) await separateProduct(db, mergedId, product, { credential, at })
        const undone_by = await changeProduct(db, product, back, { action: 'undo', credential, at, ...otherId })
        await db.updateTable('product_changes').set({ undone_by }).where('id', '=', change.id).execute()
        // What the change had written waits again, to be reviewed or applied.
        await db
          .updateTable('proposals')
          .set({ applied_at: null, change_id: null })
          .where('change_id', '=', change.id)
          .execute()
        return ok(changeAnswer({ ...change, undone_by }, credential))
      },
    }),

    route({
      method: 'GET',
      path: '/products/api/v1/trade-items',
      operationId: 'listTradeItems',
      summary: 'List trade items by brand, category, claim, country, source or words',
      access: 'read',
      query: tradeItemQuerySchema,
      success: { status: 200, schema: productPageSchema },
      async handle({ query, db }) {
        let matching = db.selectFrom('products').where('merged_into', 'is', null)
        for (const word of wordsOf(query.q)) matching = matching.where(holds(word))
        if (query.brand !== undefined) matching = matching.where('brand', '=', query.brand)
        if (query.category_id !== undefined) matching = matching.where('category', '=', query.category_id)
        if (query.is_claimed !== undefined) matching = matching.where('is_claimed', '=', query.is_claimed ? 1 : 0)
        if (query.country_of_origin !== undefined) {
          matching = matching.where('country_of_origin', '=', query.country_of_origin)
        }
        if (query.data_source !== undefined) matching = matching.where('data_source', '=', query.data_source)
        const column = query.ordering.replace('-', '')
        const direction = query.ordering.startsWith('-') ? 'desc' : 'asc'
        const rows = matching
          .selectAll()
          .orderBy(column === 'created' ? 'created_at' : column === 'product_name' ? 'product_name' : 'gtin', direction)
          .orderBy('gtin')
        return ok(await readPage(matching, rows, query, productAnswer))
      },
    }),

    route({
      method: 'GET',
      path: '/products/api/v1/trade-items/{gtin}',
      operationId: 'getTradeItem',
      summary: 'Get a trade item by its GTIN',
      access: 'read',
      success: { status: 200, schema: productSchema },
      async handle({ param, db }) {
        const product = await productOf(db, param)
        return 'problem' in product ? product : ok(productAnswer(product))
      },
    }),

    route({
      method: 'GET',
      path: '/products/api/v1/browse/products/{id}',
      operationId: 'browseProduct',
      summary: 'Get a product in short, by its id',
      access: 'read',
      success: { status: 200, schema: productBriefSchema },
      async handle({ param, db }) {
        const row = await db.selectFrom('products').selectAll().where('id', '=', param).executeTakeFirst()
        if (!row) return missing('product')
        return ok({
          id: row.id,
          gtin: row.gtin,
          is_claimed: row.is_claimed === 1,
          created: row.created_at,
          product_name: row.product_name,
          brand: row.brand,
          description: row.description,
          owner_id: row.owner_id,
        })
      },
    }),
  ]
}

/** A product to be written: other writers wait until this transaction ends. */
export function lockProduct(db: Db, id: string): Promise<ProductRow | undefined> {
  return db.selectFrom('products').selectAll().where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
}

/** The refusal of a write to a product that another organisation has claimed; undefined when it may be written. */
export function ownedByOther(product: ProductRow, credential: Credential): Refusal | undefined {
  return product.owner_id === null || product.owner_id === credential.organizationId
    ? undefined
    : refuse('forbidden', 'Another organisation has claimed this product.')
}

/** The product of a GTIN as people write it, to be read or written, or why there is none. */
async function productOf(db: Db, text: string, use: 'read' | 'write' = 'read'): Promise<ProductRow | Refusal> {
  const gtin = gtin14FromInput(text)
  if (gtin === undefined) return invalid({ field: 'gtin', message: gtinFault(text) })
  const take = (column: 'gtin' | 'id', value: string): Promise<ProductRow | undefined> => {
    const product = db.selectFrom('products').selectAll().where(column, '=', value)
    return (use === 'write' ? product.forNoKeyUpdate() : product).executeTakeFirst()
  }
  const named = await take('gtin', gtin)
  // A merged product is another name of the one that it was merged into, which is itself.
  const product = named === undefined || named.merged_into === null ? named : await take('id', named.merged_into)
  return product ?? missing('product')
}

/** The refusal of a write that was made on values which are not there any more; undefined when they are. */
function changedSince(
  product: ProductRow,
  seen: Readonly<Record<string, string | undefined>> | undefined,
): Refusal | undefined {
  const changed = Object.entries(seen ?? {}).find(([field, was]) => textOf(product, field as ChangedColumn) !== was)
  if (!changed) return undefined
  const [field] = changed
  const now = textOf(product, field as ChangedColumn)
  return refuse('conflict', `${field} has been changed meanwhile: it is "${now}" now.`)
}

/** What values would change of a product. */
function changesOf(
  product: ProductRow,
  values: Readonly<Record<string, string | number | null | undefined>>,
): readonly FieldChange[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (value === undefined) return []
    const field = name as ChangedColumn
    const [from, to] = [textOf(product, field), value === null ? '' : String(value)]
    return from === to ? [] : [{ field, from, to, proposal_id: null }]
  })
}

function wordsOf(text: string | undefined): readonly string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '')
}

/** Whether a product's name, brand or GTIN holds a word, its case aside. */
function holds(word: string) {
  const pattern = `%${word.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
  return sql<boolean>`lower(product_name || ' ' || brand || ' ' || gtin) like lower(${pattern}) escape '\\'`
}

function changeAnswer(
  row: Selectable<Tables['product_changes']> & { readonly other_gtin: string | null },
  credential: Credential,
): ProductChange {
  const isOwn = row.organization_id === credential.organizationId
  const fields = JSON.parse(row.fields) as readonly FieldChange[]
  return {
    id: row.id,
    action: row.action,
    actor: isOwn ? row.actor_name : '',
    capture_short_id: isOwn ? row.capture_id : null,
    other_gtin: row.other_gtin,
    fields: fields.map(({ field, from, to, proposal_id }) => ({
      field,
      from,
      to,
      proposal_id: isOwn && proposal_id !== null ? fromShortUuid(proposal_id) : null,
    })),
    undone_by: row.undone_by,
    created: row.created_at,
  }
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
