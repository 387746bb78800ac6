import { z } from 'zod'
import {
  foreignChangePageSchema,
  foreignProductSchema,
  productMeasures,
  type ForeignProduct,
} from '#contract/backend/products.ts'
import { foreignPageOf } from '#contract/backend/values.ts'
import { productFields, type ProductValues } from '#contract/station/catalogue.ts'
import { isMissing, withoutId, type RemoteResult, type SendRequest } from '#station/remote/requests.ts'

/** A product with everything that the backend says of it. */
export interface KeptProduct {
  readonly id: string
  readonly gtin: string
  readonly values: ProductValues
  /** Empty when nobody has claimed it. */
  readonly ownerId: string
  readonly dataSource: string
}

/** A change of a product. */
export interface KeptChange {
  readonly id: string
  readonly action: string
  readonly actor: string
  readonly captureId: string | null
  readonly otherGtin: string | null
  readonly fields: {
    readonly field: string
    readonly from: string
    readonly to: string
    readonly proposal: string | null
  }[]
  readonly undoneBy: string | null
  readonly at: string
}

export interface ProductList {
  readonly products: KeptProduct[]
  readonly total: number
  readonly hasNext: boolean
}

/** The catalogue (contracts 1.10) beyond what a scan asks of it; none of these throws. */
export interface CatalogueClient {
  /** `page` from 1. */
  searchProducts(text: string, page: number, pageSize: number): Promise<RemoteResult<ProductList>>
  /** The product of a GTIN; of a merged one the product that it was merged into. Null when there is none. */
  getProduct(gtin: string): Promise<RemoteResult<KeptProduct | null>>
  /** The newest changes first. Not every backend has it: then none. */
  productHistory(gtin: string): Promise<RemoteResult<KeptChange[]>>
  /** The ids of its photos, newest first. Not every backend has it: then null. */
  productPhotos(gtin: string): Promise<RemoteResult<string[] | null>>
  addProduct(key: string, gtin: string, values: ProductValues): Promise<RemoteResult<null>>
  /** `seen` has it refused when a value is not that any more; a backend may not know that. */
  changeProduct(gtin: string, values: ProductValues, seen: ProductValues): Promise<RemoteResult<null>>
  /** Makes `other` another name of `gtin`, which gets these values. */
  mergeProducts(gtin: string, other: string, values: ProductValues, seen: ProductValues): Promise<RemoteResult<null>>
}

const catalogue = '/products/api/v1/products'

const listSchema = z.looseObject({
  data: z.array(foreignProductSchema),
  pagination: z.looseObject({
    total_count: z.number().int().catch(0),
    has_next: z.boolean().catch(false),
  }),
})
const photosSchema = foreignPageOf(z.looseObject({ id: z.string() }))

/** The client's part for the catalogue, over the same requests as the rest. */
export function createCatalogueClient(request: SendRequest): CatalogueClient {
  const path = (gtin: string): string => `${catalogue}/${encodeURIComponent(gtin)}`
  return {
    async searchProducts(text, page, pageSize) {
      const query = new URLSearchParams({ page: String(page), page_size: String(pageSize) })
      if (text.trim() !== '') query.set('q', text)
      const answer = await request('GET', `${catalogue}?${query.toString()}`, listSchema)
      if (!answer.ok) return answer
      const { data = [], pagination } = answer.value ?? {}
      const products = data.flatMap((each) => toKept(each) ?? [])
      return {
        ok: true,
        value: {
          products,
          total: pagination?.total_count ?? products.length,
          hasNext: pagination?.has_next ?? false,
        },
      }
    },
    async getProduct(gtin) {
      const answer = await request('GET', path(gtin), foreignProductSchema)
      if (!answer.ok) return answer.failure.status === 404 ? { ok: true, value: null } : answer
      const kept = answer.value === null ? null : toKept(answer.value)
      return kept ? { ok: true, value: kept } : withoutId('product')
    },
    async productHistory(gtin) {
      const answer = await request('GET', `${path(gtin)}/history?page_size=100`, foreignChangePageSchema)
      if (!answer.ok) return isMissing(answer.failure) ? { ok: true, value: [] } : answer
      return {
        ok: true,
        value: (answer.value?.data ?? []).map((change) => ({
          id: change.id,
          action: change.action,
          actor: change.actor,
          captureId: change.capture_short_id,
          otherGtin: change.other_gtin,
          fields: change.fields.map(({ field, from, to, proposal_id }) => ({ field, from, to, proposal: proposal_id })),
          undoneBy: change.undone_by,
          at: instantOf(change.created),
        })),
      }
    },
    async productPhotos(gtin) {
      const answer = await request('GET', `${path(gtin)}/photos?page_size=100`, photosSchema)
      if (!answer.ok) return isMissing(answer.failure) ? { ok: true, value: null } : answer
      return { ok: true, value: (answer.value?.data ?? []).map(({ id }) => id) }
    },
    addProduct: (key, gtin, values) =>
      request('POST', catalogue, null, { key, json: { gtin, ...values } }) as Promise<RemoteResult<null>>,
    changeProduct: (gtin, values, seen) =>
      request('PATCH', path(gtin), null, {
        json: { ...asSent(values), if_values: seen },
      }) as Promise<RemoteResult<null>>,
    mergeProducts: (gtin, other, values, seen) =>
      request('POST', `${path(gtin)}/merge`, null, {
        json: { other_gtin: other, values: asSent(values), if_values: seen },
      }) as Promise<RemoteResult<null>>,
  }
}

function toKept(foreign: ForeignProduct): KeptProduct | null {
  const gtin = foreign.gtin.padStart(14, '0')
  if (foreign.id === null || !/^\d{14}$/.test(gtin)) return null
  const all = foreign as Readonly<Record<string, unknown>>
  const measures: readonly string[] = productMeasures
  const values = Object.fromEntries(
    productFields.map((field) => {
      const value = all[field]
      if (measures.includes(field)) return [field, typeof value === 'number' ? String(value) : '']
      return [field, typeof value === 'string' ? value : '']
    }),
  )
  return { id: foreign.id, gtin, values, ownerId: textOf(all['owner_id']), dataSource: textOf(all['data_source']) }
}

/** Measures travel as numbers. */
function asSent(values: ProductValues): Record<string, string | number | null> {
  const measures: readonly string[] = productMeasures
  return Object.fromEntries(
    Object.entries(values).map(([field, value]) => {
      if (!measures.includes(field)) return [field, value]
      return [field, value === '' ? null : Number(value)]
    }),
  )
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Instants of servers have other precisions; one that is none was long ago. */
function instantOf(text: string): string {
  const ms = Date.parse(text)
  return new Date(Number.isFinite(ms) ? ms : 0).toISOString()
}
