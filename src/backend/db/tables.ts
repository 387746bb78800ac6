import type { Generated, Selectable } from 'kysely'
import type { KeyKind } from '../keys.ts'
import type { GateTables } from '../gate/tables.ts'
import type { ProductMeasure, ProductText } from '#contract/backend/products.ts'
import type { PhotoType } from '#contract/backend/photo-type.ts'
import type { CaptureStatus, CaptureType, SessionStatus } from '#contract/backend/scanner.ts'

/** Instants are UTC ISO 8601 texts, JSON is text, booleans are 0 and 1, ids are shortuuids. */
export interface Tables extends GateTables {
  organizations: { id: string; name: string; created_at: string }
  api_keys: {
    id: string
    organization_id: string
    name: string
    /** SHA-256 of the key, lower-case hex. The key itself is nowhere in the database. */
    hash: string
    kind: Generated<KeyKind>
    /** Of a user's key, which may do what its user may; its own role and organisation do not count. */
    user_id: Generated<string | null>
    role: Role
    /** 0: the server's own limit. */
    rate_limit_per_minute: number
    /** 0: the server's own limit. */
    rate_limit_per_day: Generated<number>
    is_active: number
    expires_at: string | null
    last_used_at: string | null
    created_at: string
  }
  /** Codes for stations, each good for one enrolment. */
  enrolment_codes: {
    id: string
    organization_id: string
    label: string
    group_name: string
    expires_at: string
    created_by: string
    created_at: string
    used_at: string | null
    /** The station that used it. */
    station_id: string | null
  }
  /** Stations that were enrolled. One is revoked by its key. */
  stations: {
    organization_id: string
    /** As the station names itself. */
    id: string
    key_id: string
    label: string
    group_name: string
    enrolled_at: string
    seen_at: string
    /** What it told last, as JSON; empty before it told anything. */
    health: Generated<string>
  }
  /** Support bundles that were asked for, by whom, and what became of it; rows are never deleted. */
  support_requests: {
    id: string
    organization_id: string
    station_id: string
    asked_by: string
    asked_at: string
    sent_at: Generated<string | null>
    fetched_by: Generated<string | null>
    fetched_at: Generated<string | null>
    /** What is in it, as JSON. */
    files: Generated<string>
    /** Base64; empty before it came and after its time. */
    bundle: Generated<string>
  }
  /** Recovery keys that stations have given, as they are typed; rows are never deleted. */
  recovery_keys: {
    organization_id: string
    station_id: string
    fingerprint: string
    recovery_key: string
    kept_at: string
  }
  /** Who was shown those of a station, and when; rows are only added. */
  recovery_key_views: { id: string; organization_id: string; station_id: string; shown_by: string; shown_at: string }
  /** Settings of the organisation's stations, or of a group of them: the newest row of each holds. Rows are only added. */
  setting_layers: {
    id: string
    organization_id: string
    /** Empty: of all stations. */
    group_name: string
    /** JSON, by the paths of the settings. */
    settings: string
    actor_name: string
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
    /** Whether the codes of its photo have been read: `imageReads` of the pipeline. */
    image_read: Generated<number>
    /** The analysis of a raw value that is an address, as JSON. */
    qr_analysis: Generated<string | null>
  }
  /** On SQLite only: what is to be done, as `jobs/` says. Due from the start is an empty instant. */
  jobs: { queue: string; id: string; due_at: string; attempt: number }
  /** On PostgreSQL only: requests of a credential in the present minute and day, counted from 1970. */
  rate_counts: { subject: string; minute: number; minute_count: number; day: number; day_count: number }
  products: ProductsTable
  /** What all processes of a server share and nobody else knows. */
  secrets: { name: string; value: string }
  /** Files that came over a presigned address. */
  uploads: { key: string; session_id: string; media_key: string; file_size: number; received_at: string }
  photos: {
    id: string
    session_id: string
    capture_id: string | null
    photo_type: PhotoType
    s3_key: string
    /** Path of the photo below the media folder. */
    media_key: string
    original_filename: string
    file_size: number
    sort_order: number
    metadata: string
    created_at: string
  }
  proposals: {
    id: string
    capture_id: string
    /** Null when the capture had no product yet. */
    product_id: string | null
    /** The photo it was read from; null for the capture's own photo, or when the photo was deleted. */
    photo_id: string | null
    field_name: string
    current_value: string
    proposed_value: string
    confidence: number
    reasoning: string
    source: string
    box: string | null
    status: 'PENDING' | 'ACCEPTED' | 'REJECTED'
    withdrawn_reason: string
    created_at: string
    reviewed_at: string | null
    applied_at: string | null
    /** The change of the product that wrote it. */
    change_id: string | null
  }
  /** Who changed what of a product, and from where. Rows are only added, but for `undone_by`. */
  product_changes: {
    id: string
    product_id: string
    organization_id: string
    action: 'create' | 'update' | 'apply' | 'undo' | 'claim' | 'unclaim' | 'merge'
    /** The credential's subject, `key:<id>` or `user:<id>`. */
    actor: string
    /** The key's name or the user's e-mail address at that time. */
    actor_name: string
    capture_id: string | null
    /** JSON: `[{field, from, to, proposal_id}]`. */
    fields: string
    /** The change that undid it. */
    undone_by: string | null
    created_at: string
    /** The other product of a merge. */
    other_id: Generated<string | null>
  }
  /** Who reviews a capture's proposals just now. */
  review_holds: { capture_id: string; reviewer: string; name: string; since: string; until: string }
  /** A photo that is to be read into proposals, or was: a registered one, or the one of a capture. */
  extractions: {
    id: string
    session_id: string
    capture_id: string | null
    photo_id: string | null
    is_open: Generated<number>
    /** Why nothing could be read; empty when it could. */
    error: Generated<string>
    created_at: string
    done_at: string | null
    /** When a person left an unread photo at that. */
    settled_at: Generated<string | null>
  }
  webhook_endpoints: {
    id: string
    organization_id: string
    url: string
    description: string
    event_types: string
    is_active: number
    metadata: string
    secret: string
    old_secret: Generated<string>
    old_secret_until: Generated<string>
    /** Of a tenant of The Wallet Crew, in its words; null for one of the organisation. */
    tenant_id: Generated<string | null>
    created_at: string
    modified_at: string
  }
  webhook_deliveries: {
    id: string
    endpoint_id: string
    event_id: string
    event_type: string
    body: string
    status: 'PENDING' | 'DELIVERED' | 'FAILED' | 'RATE_LIMITED' | 'DEAD_LETTER'
    attempts: Generated<number>
    response_status: number | null
    last_error: Generated<string>
    created_at: string
    delivered_at: string | null
  }
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
  claimed_at: Generated<string | null>
  metadata: Generated<string>
  /** The product that it is another name of. */
  merged_into: Generated<string | null>
  created_at: string
  modified_at: string
} & { [column in ProductText]: Generated<string> } & { [column in ProductMeasure]: Generated<number | null> }

export type RateCountRow = Selectable<Tables['rate_counts']>
export type SessionRow = Selectable<Tables['sessions']>
export type CaptureRow = Selectable<Tables['captures']>
export type PhotoRow = Selectable<Tables['photos']>
export type ProposalRow = Selectable<Tables['proposals']>
export type ProductRow = Selectable<Tables['products']>
