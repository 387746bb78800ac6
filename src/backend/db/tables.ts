import type { Generated, Selectable } from 'kysely'
import type { ProductMeasure, ProductText } from '#contract/backend/products.ts'
import type { CaptureStatus, CaptureType, SessionStatus } from '#contract/backend/scanner.ts'

/** Instants are UTC ISO 8601 texts, JSON is text, booleans are 0 and 1, ids are shortuuids. */
export interface Tables {
  organizations: { id: string; name: string; created_at: string }
  api_keys: {
    id: string
    organization_id: string
    name: string
    /** SHA-256 of the key, lower-case hex. The key itself is nowhere in the database. */
    hash: string
    role: Role
    /** 0: the server's own limit. */
    rate_limit_per_minute: number
    is_active: number
    expires_at: string | null
    last_used_at: string | null
    created_at: string
  }
  users: {
    id: string
    organization_id: string
    email: string
    password_hash: string
    role: Role
    created_at: string
  }
  logins: { hash: string; user_id: string; expires_at: string }
  sessions: {
    id: string
    organization_id: string
    status: SessionStatus
    capture_mode: 'barcode_scan' | 'product_photography' | 'both'
    extraction_status: 'pending' | 'processing' | 'ready' | 'accepted' | 'rejected'
    user_agent: string
    device_context: string
    metadata: string
    created_at: string
    modified_at: string
    /** The last write to the session or its captures; idling is counted from here. */
    active_at: string
  }
  captures: {
    id: string
    session_id: string
    status: CaptureStatus
    capture_type: CaptureType
    raw_value: string
    gtin: string
    error_message: string
    metadata: string
    gs1_dl_data: string
    product_id: string | null
    created_at: string
    processed_at: string | null
    /** Path of the photo below the media folder. */
    image_key: string | null
  }
  /** One row for each capture that has not reached an end state. */
  jobs: { capture_id: string }
  products: ProductsTable
  idempotency_keys: {
    credential: string
    path: string
    key: string
    request_hash: string
    status: number
    body: string
    created_at: string
  }
}

/** What a credential may do: `readonly` may not write. */
export type Role = 'manager' | 'editor' | 'readonly'

type ProductsTable = {
  id: string
  gtin: string
  country_of_origin: Generated<string>
  is_claimed: Generated<number>
  data_source: Generated<string>
  confidence_score: Generated<number>
  owner_id: string | null
  claim_verification_status: Generated<string>
  metadata: Generated<string>
  created_at: string
  modified_at: string
} & { [column in ProductText]: Generated<string> } & { [column in ProductMeasure]: Generated<number | null> }

export type SessionRow = Selectable<Tables['sessions']>
export type CaptureRow = Selectable<Tables['captures']>
export type ProductRow = Selectable<Tables['products']>
