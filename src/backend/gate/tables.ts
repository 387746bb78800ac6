import type { Generated, Selectable } from 'kysely'
import type { ScanType, Privilege } from '#contract/gate/scan-api.ts'
import type { GatePass } from '#contract/gate/pass.ts'

/** The tables of passes and gates, as `db/tables.ts` has the others. */
export interface GateTables {
  tenants: {
    id: string
    organization_id: string
    /** Another list has another id; its key and the key that signs it. */
    list_id: string
    list_key: string
    sign_private: string
    sign_public: string
    /** The number of the last change of the list. */
    changes: number
    /** How many values the list has that are a pass's: a million are not counted for each gate that asks. */
    listed: Generated<number>
    /** GateRules as JSON by gate; the member `*` is for every other gate. */
    rules: string
    created_at: string
  }
  tenant_keys: {
    id: string
    tenant_id: string
    hash: string
    name: string
    /** Separated by blanks. */
    scopes: string
    is_active: number
    created_at: string
  }
  passes: {
    tenant_id: string
    id: string
    pass_type: string
    pass_kind: GatePass['passKind']
    status: GatePass['status']
    valid_from: string | null
    valid_until: string | null
    entries: string | null
    lists: string
    identifiers: string
    metadata: string
    created_at: string
    modified_at: string
  }
  /** The values of a pass, by their place in the list: PostgreSQL cannot index a text of 2,048 characters. */
  pass_values: {
    tenant_id: string
    place: string
    pass_id: string
    value: string
    format: ScanType
    /** As the list carries it; empty when no pass or more than one has the value. */
    sealed: string
    change: number
  }
  pass_uses: {
    tenant_id: string
    event: string
    pass_id: string
    /** PassUse as JSON. */
    used: string
    is_inside: number
  }
  attendance: { tenant_id: string; event: string; inside: number }
  pass_scans: {
    id: string
    tenant_id: string
    pass_id: string
    data: string
    type: ScanType
    scanned_at: string
    /** Of a scan that came over the relay or a gate. */
    client_scan_id: string | null
    /** The reader of a scan that came over the relay. */
    device_id: Generated<string>
  }
  gate_verdicts: {
    tenant_id: string
    /** The station's id of the read. */
    id: string
    event: string
    gate: string
    pass_id: string | null
    type: ScanType
    at: string
    /** What the person was told at the gate, whoever decided. */
    code: string
    counts_entry: number
    /** The answer as JSON: a repeat gets the same. */
    answer: string
    reason: string | null
    by_whom: string | null
    undone_at: string | null
    undo_reason: string | null
  }
  pass_privileges: {
    tenant_id: string
    id: string
    pass_id: string
    external_id: string
    type: Privilege['type']
    priority: number
    total: number
  }
  /** Scans on their way to a tenant elsewhere, oldest first by id. */
  upstream_scans: {
    id: string
    tenant_id: string
    client_scan_id: string
    device_id: string
    data: string
    type: ScanType
    scanned_at: string
    /** `unknown`: the tenant has no such pass. `doubtful`: it may have been recorded, and is never sent again. */
    state: 'waiting' | 'sending' | 'sent' | 'unknown' | 'refused' | 'doubtful'
    pass_id: string | null
    detail: string
    /** When it last went; empty before. */
    sent_at: string
  }
  privilege_movements: {
    id: string
    tenant_id: string
    privilege_id: string
    value: number
    total: number
    at: string
  }
}

export type TenantRow = Selectable<GateTables['tenants']>
export type PassRow = Selectable<GateTables['passes']>
export type PrivilegeRow = Selectable<GateTables['pass_privileges']>

/** Their migration, in SQL that both engines know. */
export const gateMigration = `
  CREATE TABLE tenants (
    id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations,
    list_id TEXT NOT NULL,
    list_key TEXT NOT NULL,
    sign_private TEXT NOT NULL,
    sign_public TEXT NOT NULL,
    changes INTEGER NOT NULL DEFAULT 0,
    rules TEXT NOT NULL DEFAULT '{}',
    created_at TEXT NOT NULL
  ) STRICT;
  CREATE TABLE tenant_keys (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants,
    hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    is_active INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL
  ) STRICT;
  CREATE TABLE passes (
    tenant_id TEXT NOT NULL REFERENCES tenants,
    id TEXT NOT NULL,
    pass_type TEXT NOT NULL,
    pass_kind TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'blocked', 'revoked')),
    valid_from TEXT,
    valid_until TEXT,
    entries TEXT,
    lists TEXT NOT NULL,
    identifiers TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at TEXT NOT NULL,
    modified_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE pass_values (
    tenant_id TEXT NOT NULL,
    place TEXT NOT NULL,
    pass_id TEXT NOT NULL,
    value TEXT NOT NULL,
    format TEXT NOT NULL,
    sealed TEXT NOT NULL,
    change INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, place, pass_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX pass_values_by_change ON pass_values (tenant_id, change);
  CREATE INDEX pass_values_of_pass ON pass_values (tenant_id, pass_id);
  CREATE TABLE pass_uses (
    tenant_id TEXT NOT NULL,
    event TEXT NOT NULL,
    pass_id TEXT NOT NULL,
    used TEXT NOT NULL,
    is_inside INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, event, pass_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE attendance (
    tenant_id TEXT NOT NULL,
    event TEXT NOT NULL,
    inside INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, event)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE pass_scans (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants,
    pass_id TEXT NOT NULL,
    data TEXT NOT NULL,
    type TEXT NOT NULL,
    scanned_at TEXT NOT NULL,
    client_scan_id TEXT,
    device_id TEXT NOT NULL DEFAULT ''
  ) STRICT;
  CREATE INDEX pass_scans_of_pass ON pass_scans (tenant_id, pass_id, id);
  CREATE UNIQUE INDEX pass_scans_of_client ON pass_scans (tenant_id, client_scan_id) WHERE client_scan_id IS NOT NULL;
  CREATE TABLE gate_verdicts (
    tenant_id TEXT NOT NULL REFERENCES tenants,
    id TEXT NOT NULL,
    event TEXT NOT NULL,
    gate TEXT NOT NULL,
    pass_id TEXT,
    type TEXT NOT NULL,
    at TEXT NOT NULL,
    code TEXT NOT NULL,
    counts_entry INTEGER NOT NULL,
    answer TEXT NOT NULL,
    reason TEXT,
    by_whom TEXT,
    undone_at TEXT,
    undo_reason TEXT,
    PRIMARY KEY (tenant_id, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX gate_verdicts_of_pass ON gate_verdicts (tenant_id, event, pass_id, at);
  CREATE TABLE pass_privileges (
    tenant_id TEXT NOT NULL REFERENCES tenants,
    id TEXT NOT NULL,
    pass_id TEXT NOT NULL,
    external_id TEXT NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('OneTime', 'Unlimited', 'MultiUse', 'Unlockable')),
    priority INTEGER NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX pass_privileges_of_pass ON pass_privileges (tenant_id, pass_id);
  CREATE TABLE privilege_movements (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    privilege_id TEXT NOT NULL,
    value INTEGER NOT NULL,
    total INTEGER NOT NULL,
    at TEXT NOT NULL
  ) STRICT;
`

/** Records for a tenant elsewhere, and webhooks of tenants beside those of organisations. */
export const relayMigration = `
  CREATE TABLE upstream_scans (
    id TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants,
    client_scan_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    data TEXT NOT NULL,
    type TEXT NOT NULL,
    scanned_at TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'unknown', 'refused', 'doubtful')),
    pass_id TEXT,
    detail TEXT NOT NULL,
    sent_at TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX upstream_scans_of_client ON upstream_scans (tenant_id, client_scan_id);
  CREATE INDEX upstream_scans_by_state ON upstream_scans (tenant_id, state, id);
  ALTER TABLE webhook_endpoints ADD COLUMN tenant_id TEXT;
`

/** The length of a tenant's list, counted as it changes. */
export const listedMigration = `
  ALTER TABLE tenants ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
  UPDATE tenants SET listed =
    (SELECT count(*) FROM pass_values WHERE pass_values.tenant_id = tenants.id AND pass_values.sealed <> '');
`
