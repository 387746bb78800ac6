import { productMeasures, type ProductMeasure } from '#contract/backend/products.ts'
import type { Db } from '../db/database.ts'
import type { ProductRow, Tables } from '../db/tables.ts'
import type { Credential } from '../http/route.ts'
import { newId } from '../ids.ts'
import { fieldOfColumn, type ProductColumn } from '../proposals/fields.ts'
import { withdrawProposals } from '../proposals/withdraw.ts'

/** A column of a product that a change can write. */
export type ChangedColumn = ProductColumn | ProductMeasure

const measures: ReadonlySet<string> = new Set(productMeasures)

/** A product's value as a change keeps it: a measure as a decimal, what is not known as the empty text. */
export function textOf(product: ProductRow, column: ChangedColumn): string {
  const value = product[column]
  return value === null ? '' : String(value)
}

/** One field of a change, as it is kept: texts, empty when there was no value. */
export interface FieldChange {
  readonly field: ChangedColumn
  readonly from: string
  readonly to: string
  readonly proposal_id: string | null
}

/** Who makes a change, when, and out of what. */
export interface ChangeContext {
  readonly action: Tables['product_changes']['action']
  readonly credential: Credential
  readonly at: Date
  readonly captureId?: string
  /** The other product of a merge. */
  readonly otherId?: string
}

/**
 * Writes fields of a product and who did it, in the caller's transaction, and withdraws the open proposals that were
 * made for other values of these fields. Answers the id of the change.
 */
export async function changeProduct(
  db: Db,
  product: ProductRow,
  fields: readonly FieldChange[],
  context: ChangeContext,
): Promise<string> {
  const { at } = context
  if (fields.length > 0) {
    const values: Partial<Record<string, string | number | null>> = Object.fromEntries(
      fields.map(({ field, to }) => [field, measures.has(field) ? (to === '' ? null : Number(to)) : to]),
    )
    // The measured amount beside the text would contradict it.
    if ('net_content' in values && !('net_content_value' in values))
      Object.assign(values, { net_content_value: null, net_content_uom: '' })
    await db
      .updateTable('products')
      .set({ ...values, modified_at: at.toISOString() })
      .where('id', '=', product.id)
      .execute()
  }
  const id = await recordChange(db, product.id, fields, context)
  for (const { field, to } of fields) {
    const fieldName = fieldOfColumn(field)
    if (fieldName === undefined) continue
    await withdrawProposals(
      db,
      { productId: product.id, fieldName, unless: to },
      "The product's value has changed since this was proposed.",
      at,
    )
  }
  return id
}

/** Writes into a product's history. */
export async function recordChange(
  db: Db,
  productId: string,
  fields: readonly FieldChange[],
  { action, credential, at, captureId, otherId }: ChangeContext,
): Promise<string> {
  const id = newId()
  await db
    .insertInto('product_changes')
    .values({
      id,
      product_id: productId,
      organization_id: credential.organizationId,
      action,
      actor: credential.subject,
      actor_name: credential.name,
      capture_id: captureId ?? null,
      fields: JSON.stringify(fields),
      undone_by: null,
      other_id: otherId ?? null,
      created_at: at.toISOString(),
    })
    .execute()
  return id
}
