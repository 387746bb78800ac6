import type { QrAnalysis } from '#contract/backend/links.ts'
import type { Capture } from '#contract/backend/scanner.ts'
import type { Db } from '../db/database.ts'
import type { CaptureRow } from '../db/tables.ts'

/** Captures with the name of the product each was matched with. */
export function selectCaptures(db: Db) {
  return db
    .selectFrom('captures')
    .leftJoin('products', 'products.id', 'captures.product_id')
    .selectAll('captures')
    .select('products.product_name')
}

/** A capture as it is answered: the superset of both revisions. */
export function captureAnswer(row: CaptureRow & { readonly product_name: string | null }): Capture {
  return {
    id: row.id,
    public_id: row.id,
    session_short_id: row.session_id,
    session_public_id: row.session_id,
    status: row.status,
    capture_type: row.capture_type,
    raw_value: row.raw_value,
    gtin: row.gtin,
    error_message: row.error_message,
    created: row.created_at,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    gs1_dl_data: JSON.parse(row.gs1_dl_data) as Record<string, string>,
    product_short_id: row.product_id,
    product_public_id: row.product_id,
    product_name: row.product_name,
    processed_at: row.processed_at,
    uploaded_image_key: row.image_key,
    qr_analysis: row.qr_analysis === null ? null : (JSON.parse(row.qr_analysis) as QrAnalysis),
  }
}
