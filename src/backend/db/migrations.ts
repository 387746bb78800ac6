import { productMeasures, productTexts } from '#contract/backend/products.ts'
import type { Engine } from './database.ts'

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
