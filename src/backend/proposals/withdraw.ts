import type { Db } from '../db/database.ts'

/** Withdraws what is still open of a photo's proposals, or of those for a product's field: they are stale. */
export async function withdrawProposals(
  db: Db,
  whose:
    | { readonly photoId: string }
    | { readonly productId: string }
    | { readonly productId: string; readonly fieldName: string; readonly unless: string },
  reason: string,
  at: Date,
): Promise<void> {
  let stale = db
    .updateTable('proposals')
    .set({ status: 'REJECTED', withdrawn_reason: reason, reviewed_at: at.toISOString() })
    .where('status', '!=', 'REJECTED')
    .where('applied_at', 'is', null)
  stale =
    'photoId' in whose ? stale.where('photo_id', '=', whose.photoId) : stale.where('product_id', '=', whose.productId)
  if ('fieldName' in whose) {
    stale = stale.where('field_name', '=', whose.fieldName).where('current_value', '!=', whose.unless)
  }
  await stale.execute()
}
