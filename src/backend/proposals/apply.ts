import type { ApplyAnswer } from '#contract/backend/proposals.ts'
import { changeProduct, type FieldChange } from '../catalogue/change-product.ts'
import type { Db } from '../db/database.ts'
import type { ProductRow, ProposalRow } from '../db/tables.ts'
import type { Credential } from '../http/route.ts'
import { columnsByField, valueFault } from './fields.ts'

/**
 * Writes a capture's accepted proposals to its product, in the caller's transaction, as one change.
 *
 * What is stale is withdrawn instead, and of several accepted values for one field the one reviewed last counts.
 */
export async function applyProposals(
  db: Db,
  captureId: string,
  product: ProductRow,
  credential: Credential,
  at: Date,
): Promise<ApplyAnswer> {
  const accepted = await db
    .selectFrom('proposals')
    .selectAll()
    .where('capture_id', '=', captureId)
    .where('status', '=', 'ACCEPTED')
    .where('applied_at', 'is', null)
    .orderBy('reviewed_at', 'desc')
    .orderBy('id', 'desc')
    .forNoKeyUpdate()
    .execute()
  const skipped: { field_name: string; reason: string }[] = []
  const changes: FieldChange[] = []
  const written: ProposalRow[] = []
  for (const proposal of accepted) {
    const column = columnsByField[proposal.field_name]
    const reason =
      column === undefined
        ? 'The catalogue has no such field.'
        : written.some(({ field_name }) => field_name === proposal.field_name)
          ? 'Another value was accepted for this field later.'
          : // Read before the capture had a product, as when it failed and was tried again: it is about this one.
            proposal.product_id !== null && proposal.product_id !== product.id
            ? 'It was proposed for another product.'
            : product[column] === proposal.proposed_value
              ? 'The product has this value already.'
              : product[column] === proposal.current_value
                ? valueFault(column, proposal.proposed_value)
                : "The product's value has changed since this was proposed."
    if (reason !== undefined || column === undefined) {
      skipped.push({ field_name: proposal.field_name, reason: reason ?? '' })
      await db
        .updateTable('proposals')
        .set({ status: 'REJECTED', withdrawn_reason: reason ?? '' })
        .where('id', '=', proposal.id)
        .execute()
      continue
    }
    written.push(proposal)
    changes.push({
      field: column,
      from: product[column],
      to: proposal.proposed_value,
      proposal_id: proposal.id,
    })
  }
  if (changes.length === 0) return { applied: [], skipped, product_short_id: product.id, change_id: null }

  // Before the change, which withdraws whatever is open for these fields.
  const ids = written.map(({ id }) => id)
  await db
    .updateTable('proposals')
    .set({ applied_at: at.toISOString(), product_id: product.id })
    .where('id', 'in', ids)
    .execute()
  const change_id = await changeProduct(db, product, changes, { action: 'apply', credential, at, captureId })
  await db.updateTable('proposals').set({ change_id }).where('id', 'in', ids).execute()
  return { applied: written.map(({ field_name }) => field_name), skipped, product_short_id: product.id, change_id }
}
