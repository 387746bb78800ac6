import type { Db } from '../db/database.ts'
import type { ProductRow } from '../db/tables.ts'
import { withdrawProposals } from '../proposals/withdraw.ts'
import { changeProduct, recordChange, type ChangeContext, type FieldChange } from './change-product.ts'

type By = Pick<ChangeContext, 'credential' | 'at'>

const withdrawn = 'The product was merged into another one.'

/**
 * Makes `other` a further name of `product`, in the caller's transaction: its captures are the product's from now on, and a
 * scan of its code finds the product. Its row stays as it was. Answers the id of the change.
 */
export async function mergeProducts(
  db: Db,
  product: ProductRow,
  other: ProductRow,
  fields: readonly FieldChange[],
  by: By,
): Promise<string> {
  await db.updateTable('products').set({ merged_into: product.id }).where('id', '=', other.id).execute()
  await db.updateTable('captures').set({ product_id: product.id }).where('product_id', '=', other.id).execute()
  // They were made for other present values than the product's.
  await withdrawProposals(db, { productId: other.id }, withdrawn, by.at)
  await recordChange(db, other.id, [], { ...by, action: 'merge', otherId: product.id })
  return changeProduct(db, product, fields, { ...by, action: 'merge', otherId: other.id })
}

/** Makes a product that was merged into another one a product of its own again, with the captures of its code. */
export async function separateProduct(db: Db, otherId: string, product: ProductRow, by: By): Promise<void> {
  const other = await db.selectFrom('products').selectAll().where('id', '=', otherId).executeTakeFirstOrThrow()
  await db.updateTable('products').set({ merged_into: null }).where('id', '=', otherId).execute()
  await db
    .updateTable('captures')
    .set({ product_id: otherId })
    .where('product_id', '=', product.id)
    .where('gtin', '=', other.gtin)
    .execute()
  await db
    .updateTable('proposals')
    .set({ status: 'PENDING', withdrawn_reason: '', reviewed_at: null })
    .where('product_id', '=', otherId)
    .where('withdrawn_reason', '=', withdrawn)
    .execute()
  const undone_by = await recordChange(db, otherId, [], { ...by, action: 'undo', otherId: product.id })
  await db
    .updateTable('product_changes')
    .set({ undone_by })
    .where('product_id', '=', otherId)
    .where('action', '=', 'merge')
    .where('undone_by', 'is', null)
    .execute()
}
