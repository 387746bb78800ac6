import type { Db } from '../db/database.ts'
import { isSameValue, presentValue } from './fields.ts'

/**
 * Proposals that were read while their captures had no product, as when it was created from the scan or the capture had
 * failed before: they are about the product now, and are shown beside what it says. What it says already is withdrawn.
 * To be called in the transaction that has given the captures their products.
 */
export async function adoptProposals(db: Db, captureIds: readonly string[], at: Date): Promise<void> {
  const orphans = await db
    .selectFrom('proposals')
    .innerJoin('captures', 'captures.id', 'proposals.capture_id')
    .select(['proposals.id', 'field_name', 'proposed_value', 'captures.product_id'])
    .where('proposals.capture_id', 'in', captureIds)
    .where('proposals.product_id', 'is', null)
    .where('proposals.status', '=', 'PENDING')
    .where('captures.product_id', 'is not', null)
    .orderBy('proposals.id')
    .execute()
  for (const { id, field_name, proposed_value, product_id } of orphans) {
    const product = await db
      .selectFrom('products')
      .selectAll()
      .where('id', '=', product_id ?? '')
      .executeTakeFirst()
    if (!product) continue
    const current_value = presentValue(product, field_name)
    const stale = isSameValue(current_value, proposed_value)
      ? {
          status: 'REJECTED' as const,
          withdrawn_reason: 'The product has this value already.',
          reviewed_at: at.toISOString(),
        }
      : {}
    await db
      .updateTable('proposals')
      .set({ product_id, current_value, ...stale })
      .where('id', '=', id)
      .execute()
  }
}
