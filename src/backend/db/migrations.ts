import { productMeasures, productTexts } from '#contract/backend/products.ts'
import { gateMigration, listedMigration, relayMigration } from '../gate/tables.ts'
import type { Engine } from './database.ts'

/** Texts of a product that came after the first migration. */
const laterTexts: readonly string[] = [
  'category',
  'certifications',
  'serving_size',
  'nutrition_per_100',
  'nutrition_per_serving',
]

/**
 * Numbered migrations, oldest first. One that has been released is never changed.
 *
 * They are written once, in the SQL that both engines know, with the column types of SQLite's STRICT tables; where the
 * engines part, a migration is one text for each. Texts compare by their bytes on both.
 *
 * Every index is one more page to write in the commit of each capture, so there are few: ids rise with time and
 * serve as order, and what only the reaper asks for is not indexed.
 */
const migrations: readonly (string | Readonly<Record<Engine, string>>)[] = [
  `
  CREATE TABLE organizations (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT;

  CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('manager', 'editor', 'readonly')),
    rate_limit_per_minute INTEGER NOT NULL DEFAULT 0,
    is_active INTEGER NOT NULL DEFAULT 1,
    expires_at TEXT,
    last_used_at TEXT,
    created_at TEXT NOT NULL
  ) STRICT;

  CREATE TABLE users (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations,
    email TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('manager', 'editor', 'readonly')),
    created_at TEXT NOT NULL
  ) STRICT;

  CREATE TABLE logins (
    hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    expires_at TEXT NOT NULL
  ) STRICT;

  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations,
    status TEXT NOT NULL CHECK (status IN ('ACTIVE', 'COMPLETED', 'EXPIRED')),
    capture_mode TEXT NOT NULL CHECK (capture_mode IN ('barcode_scan', 'product_photography', 'both')),
    extraction_status TEXT NOT NULL
      CHECK (extraction_status IN ('pending', 'processing', 'ready', 'accepted', 'rejected')),
    user_agent TEXT NOT NULL,
    device_context TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at TEXT NOT NULL,
    modified_at TEXT NOT NULL,
    active_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX sessions_active ON sessions (id) WHERE status = 'ACTIVE';
  CREATE INDEX sessions_extracting ON sessions (id) WHERE extraction_status = 'processing';

  CREATE TABLE products (
    id TEXT PRIMARY KEY,
    gtin TEXT NOT NULL UNIQUE CHECK (length(gtin) = 14),
    country_of_origin TEXT NOT NULL DEFAULT '',
    is_claimed INTEGER NOT NULL DEFAULT 0,
    data_source TEXT NOT NULL DEFAULT 'crowd_sourced',
    confidence_score REAL NOT NULL DEFAULT 1,
    owner_id TEXT REFERENCES organizations,
    claim_verification_status TEXT NOT NULL DEFAULT 'unverified',
    metadata TEXT NOT NULL DEFAULT '{}',
    ${Object.keys(productTexts)
      .filter((column) => !laterTexts.includes(column))
      .map((column) => `${column} TEXT NOT NULL DEFAULT ''`)
      .join(',\n    ')},
    ${productMeasures.map((column) => `${column} REAL`).join(',\n    ')},
    created_at TEXT NOT NULL,
    modified_at TEXT NOT NULL
  ) STRICT;

  CREATE TABLE captures (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    status TEXT NOT NULL CHECK (
      status IN ('PENDING', 'LOOKING_UP', 'ENRICHING', 'RESOLVING', 'COMPLETED', 'FAILED', 'NOT_FOUND')
    ),
    capture_type TEXT NOT NULL CHECK (capture_type IN ('BARCODE', 'IMAGE', 'MANUAL')),
    raw_value TEXT NOT NULL,
    gtin TEXT NOT NULL,
    error_message TEXT NOT NULL,
    metadata TEXT NOT NULL,
    gs1_dl_data TEXT NOT NULL,
    product_id TEXT REFERENCES products,
    created_at TEXT NOT NULL,
    processed_at TEXT,
    image_key TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX captures_of_session ON captures (session_id, id);

  CREATE TABLE jobs (
    capture_id TEXT PRIMARY KEY REFERENCES captures ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE idempotency_keys (
    credential TEXT NOT NULL,
    path TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (credential, path, key)
  ) STRICT, WITHOUT ROWID;
  `,
  // Photos, proposals, the history of products, links, webhooks, and work that is done beside the pipeline.
  `
  ALTER TABLE api_keys ADD COLUMN rate_limit_per_day INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE captures ADD COLUMN image_read INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE captures ADD COLUMN qr_analysis TEXT;
  ALTER TABLE products ADD COLUMN claimed_at TEXT;
  ${laterTexts.map((column) => `ALTER TABLE products ADD COLUMN ${column} TEXT NOT NULL DEFAULT '';`).join('\n  ')}

  CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE uploads (
    key TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    media_key TEXT NOT NULL,
    file_size INTEGER NOT NULL,
    received_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE photos (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    capture_id TEXT REFERENCES captures ON DELETE SET NULL,
    photo_type TEXT NOT NULL,
    s3_key TEXT NOT NULL UNIQUE,
    media_key TEXT NOT NULL,
    original_filename TEXT NOT NULL,
    file_size INTEGER NOT NULL,
    sort_order INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX photos_of_session ON photos (session_id, sort_order);
  CREATE INDEX photos_of_capture ON photos (capture_id);

  CREATE TABLE proposals (
    id TEXT PRIMARY KEY,
    capture_id TEXT NOT NULL REFERENCES captures ON DELETE CASCADE,
    product_id TEXT REFERENCES products,
    photo_id TEXT REFERENCES photos ON DELETE SET NULL,
    field_name TEXT NOT NULL,
    current_value TEXT NOT NULL,
    proposed_value TEXT NOT NULL,
    confidence REAL NOT NULL,
    reasoning TEXT NOT NULL,
    source TEXT NOT NULL,
    box TEXT,
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'ACCEPTED', 'REJECTED')),
    withdrawn_reason TEXT NOT NULL,
    created_at TEXT NOT NULL,
    reviewed_at TEXT,
    applied_at TEXT,
    change_id TEXT
  ) STRICT;
  CREATE INDEX proposals_of_capture ON proposals (capture_id, id);
  CREATE INDEX proposals_of_product ON proposals (product_id) WHERE applied_at IS NULL;
  CREATE INDEX proposals_of_photo ON proposals (photo_id);

  CREATE TABLE product_changes (
    id TEXT PRIMARY KEY,
    product_id TEXT NOT NULL REFERENCES products,
    organization_id TEXT NOT NULL REFERENCES organizations,
    action TEXT NOT NULL CHECK (action IN ('create', 'update', 'apply', 'undo', 'claim', 'unclaim')),
    actor TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    capture_id TEXT,
    fields TEXT NOT NULL,
    undone_by TEXT,
    created_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX product_changes_of_product ON product_changes (product_id, id);

  CREATE TABLE extractions (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    capture_id TEXT REFERENCES captures ON DELETE CASCADE,
    photo_id TEXT REFERENCES photos ON DELETE CASCADE,
    is_open INTEGER NOT NULL DEFAULT 1,
    error TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    done_at TEXT
  ) STRICT;
  CREATE INDEX extractions_open ON extractions (session_id) WHERE is_open = 1;

  CREATE TABLE webhook_endpoints (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    event_types TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    secret TEXT NOT NULL,
    old_secret TEXT NOT NULL DEFAULT '',
    old_secret_until TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    modified_at TEXT NOT NULL
  ) STRICT;

  CREATE TABLE webhook_deliveries (
    id TEXT PRIMARY KEY,
    endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    body TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'DELIVERED', 'FAILED', 'RATE_LIMITED', 'DEAD_LETTER')),
    attempts INTEGER NOT NULL DEFAULT 0,
    response_status INTEGER,
    last_error TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    delivered_at TEXT
  ) STRICT;
  CREATE INDEX webhook_deliveries_of_endpoint ON webhook_deliveries (endpoint_id, id);
  `,
  {
    // Jobs are no longer of captures only; on PostgreSQL they are pg-boss's.
    sqlite: `
  CREATE TABLE jobs_of_queues (
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    due_at TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    PRIMARY KEY (queue, id)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO jobs_of_queues SELECT 'captures', capture_id, '', 1 FROM jobs;
  DROP TABLE jobs;
  ALTER TABLE jobs_of_queues RENAME TO jobs;
    `,
    postgres: `
  DROP TABLE jobs;
    `,
  },
  gateMigration,
  // Which photo a row names is asked before one is deleted.
  `
  CREATE INDEX captures_of_image ON captures (image_key) WHERE image_key IS NOT NULL;
  CREATE INDEX photos_of_media ON photos (media_key);
  CREATE INDEX uploads_of_media ON uploads (media_key);
  `,
  {
    // One process counts in its memory; several share this, and a server that crashed begins to count anew.
    sqlite: '',
    postgres: `
  CREATE UNLOGGED TABLE rate_counts (
    subject TEXT PRIMARY KEY,
    minute INTEGER NOT NULL,
    minute_count INTEGER NOT NULL,
    day INTEGER NOT NULL,
    day_count INTEGER NOT NULL
  );
    `,
  },
  // What a key is for (contracts 1.3), and whose it is when it is a person's.
  `
  ALTER TABLE api_keys ADD COLUMN kind TEXT NOT NULL DEFAULT 'business';
  ALTER TABLE api_keys ADD COLUMN user_id TEXT REFERENCES users (id) ON DELETE CASCADE;
  `,
  relayMigration,
  {
    // A product may be another name of one that it was merged into; SQLite cannot change a CHECK, so the table is made anew.
    sqlite: `
  ALTER TABLE products ADD COLUMN merged_into TEXT REFERENCES products;
  CREATE INDEX products_merged ON products (merged_into) WHERE merged_into IS NOT NULL;
  CREATE INDEX captures_of_product ON captures (product_id) WHERE product_id IS NOT NULL;
  CREATE TABLE changes_with_merges (
    id TEXT PRIMARY KEY,
    product_id TEXT NOT NULL REFERENCES products,
    organization_id TEXT NOT NULL REFERENCES organizations,
    action TEXT NOT NULL CHECK (action IN ('create', 'update', 'apply', 'undo', 'claim', 'unclaim', 'merge')),
    actor TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    capture_id TEXT,
    fields TEXT NOT NULL,
    undone_by TEXT,
    created_at TEXT NOT NULL,
    other_id TEXT REFERENCES products
  ) STRICT;
  INSERT INTO changes_with_merges SELECT *, NULL FROM product_changes;
  DROP TABLE product_changes;
  ALTER TABLE changes_with_merges RENAME TO product_changes;
  CREATE INDEX product_changes_of_product ON product_changes (product_id, id);
    `,
    postgres: `
  ALTER TABLE products ADD COLUMN merged_into TEXT REFERENCES products;
  CREATE INDEX products_merged ON products (merged_into) WHERE merged_into IS NOT NULL;
  CREATE INDEX captures_of_product ON captures (product_id) WHERE product_id IS NOT NULL;
  ALTER TABLE product_changes DROP CONSTRAINT product_changes_action_check;
  ALTER TABLE product_changes ADD CONSTRAINT product_changes_action_check
    CHECK (action IN ('create', 'update', 'apply', 'undo', 'claim', 'unclaim', 'merge'));
  ALTER TABLE product_changes ADD COLUMN other_id TEXT REFERENCES products;
    `,
  },
  // Who reviews a capture's proposals just now; a hold that is not renewed is over.
  `
  CREATE TABLE review_holds (
    capture_id TEXT PRIMARY KEY REFERENCES captures ON DELETE CASCADE,
    reviewer TEXT NOT NULL,
    name TEXT NOT NULL,
    since TEXT NOT NULL,
    until TEXT NOT NULL
  ) STRICT;
  `,
  // The fleet: how stations come in, how they are, and what is set for them.
  `
  CREATE TABLE enrolment_codes (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations,
    label TEXT NOT NULL,
    group_name TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    used_at TEXT,
    station_id TEXT
  ) STRICT;

  CREATE TABLE stations (
    organization_id TEXT NOT NULL REFERENCES organizations,
    id TEXT NOT NULL,
    key_id TEXT NOT NULL UNIQUE REFERENCES api_keys,
    label TEXT NOT NULL,
    group_name TEXT NOT NULL,
    enrolled_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    health TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (organization_id, id)
  ) STRICT;

  CREATE TABLE setting_layers (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations,
    group_name TEXT NOT NULL,
    settings TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX setting_layers_of_group ON setting_layers (organization_id, group_name, id);
  `,

  listedMigration,

  // Support bundles that a site asks its stations for.
  `
  CREATE TABLE support_requests (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations,
    station_id TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    sent_at TEXT,
    fetched_by TEXT,
    fetched_at TEXT,
    files TEXT NOT NULL DEFAULT '[]',
    bundle TEXT NOT NULL DEFAULT ''
  ) STRICT;
  CREATE INDEX support_requests_of_station ON support_requests (organization_id, station_id, id);
  `,

  // Photos that could not be read wait for a person, who has them read again or leaves it at that.
  `
  ALTER TABLE extractions ADD COLUMN settled_at TEXT;
  CREATE INDEX extractions_unread ON extractions (session_id) WHERE is_open = 0 AND error <> '' AND settled_at IS NULL;
  CREATE INDEX extractions_of_photo ON extractions ((coalesce(photo_id, capture_id)), id);
  `,

  // What opens the encrypted data of stations, kept for the day their key store is lost, and who has seen it.
  `
  CREATE TABLE recovery_keys (
    organization_id TEXT NOT NULL REFERENCES organizations,
    station_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    recovery_key TEXT NOT NULL,
    kept_at TEXT NOT NULL,
    PRIMARY KEY (organization_id, station_id, fingerprint)
  ) STRICT;

  CREATE TABLE recovery_key_views (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations,
    station_id TEXT NOT NULL,
    shown_by TEXT NOT NULL,
    shown_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX recovery_key_views_of_station ON recovery_key_views (organization_id, station_id, id);
  `,
]

/** The migrations as an engine runs them. */
export function migrationsFor(engine: Engine): readonly string[] {
  return migrations.map((migration) => {
    const text = typeof migration === 'string' ? migration : migration[engine]
    return engine === 'sqlite' ? text : inPostgres(text)
  })
}

/** SQLite's words for what PostgreSQL calls otherwise. */
function inPostgres(text: string): string {
  return text
    .replaceAll(/\bTEXT\b/g, 'TEXT COLLATE "C"')
    .replaceAll(/\bREAL\b/g, 'DOUBLE PRECISION')
    .replaceAll(/\bINTEGER\b/g, 'BIGINT')
    .replaceAll(/\) STRICT(?:, WITHOUT ROWID)?;/g, ');')
}
