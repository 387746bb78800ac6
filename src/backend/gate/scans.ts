import { randomBytes, randomInt } from 'node:crypto'
import type { AddScanRequest } from '#contract/gate/scan-api.ts'
import type { Db } from '../db/database.ts'
import { newId } from '../ids.ts'
import type { Jobs } from '../jobs/jobs.ts'
import type { PassRow, TenantRow } from './tables.ts'
import type { Forwarder } from './upstream.ts'

/** A scan of a pass: where it came from, if over the relay or a gate. */
export interface NewScan extends AddScanRequest {
  readonly scannedAt: string
  readonly clientScanId: string | null
  readonly deviceId: string
}

/** The one place where scans of passes are written down. */
export interface Scans {
  /**
   * Records a scan in the caller's transaction, and what its tenant's webhooks are told of it. Answers its id; a pass that
   * is not known here is only sent on.
   */
  readonly record: (db: Db, tenant: TenantRow, pass: PassRow | undefined, scan: NewScan) => Promise<string | null>
  /** Says that a commit has recorded some. */
  readonly wake: () => void
  /** Of a tenant elsewhere; null where this backend is the tenant's own. */
  readonly forwarder: Forwarder | null
}

/** Creates it; with a forwarder, what stations read goes on to the tenant's own service. */
export function createScans(parts: {
  readonly addJobs: Jobs['add']
  readonly wakeJobs: () => void
  readonly forwarder: Forwarder | null
  readonly now: () => Date
}): Scans {
  const { forwarder } = parts
  return {
    forwarder,
    wake() {
      parts.wakeJobs()
      forwarder?.wake()
    },
    async record(db, tenant, pass, { data, type, scannedAt, clientScanId, deviceId }) {
      if (forwarder !== null && clientScanId !== null) {
        const scan = { client_scan_id: clientScanId, device_id: deviceId, data, type, scanned_at: scannedAt }
        await forwarder.add(db, scan)
      }
      if (pass === undefined) return null
      const id = newId()
      await db
        .insertInto('pass_scans')
        .values({
          id,
          tenant_id: tenant.id,
          pass_id: pass.id,
          data,
          type,
          scanned_at: scannedAt,
          client_scan_id: clientScanId,
          device_id: deviceId,
        })
        .execute()
      await announce(db, tenant, pass, { id, data, type, scannedAt })
      return id
    },
  }

  /** Where nobody listens it is one small query. */
  async function announce(
    db: Db,
    tenant: TenantRow,
    pass: PassRow,
    scan: AddScanRequest & { readonly id: string; readonly scannedAt: string },
  ): Promise<void> {
    const endpoints = await db
      .selectFrom('webhook_endpoints')
      .select(['id', 'event_types'])
      .where('tenant_id', '=', tenant.id)
      .where('is_active', '=', 1)
      .execute()
    if (endpoints.length === 0) return
    const created_at = parts.now().toISOString()
    const rows = endpoints.flatMap(({ id: endpoint_id, event_types }) =>
      eventsFor(JSON.parse(event_types) as string[]).map((event_type) => {
        const event_id = newId()
        const body =
          event_type === 'wallet_scanned'
            ? flatEvent(event_id, created_at, pass, scan)
            : scannedEvent(event_id, created_at, tenant.id, pass, scan)
        return {
          id: newId(),
          endpoint_id,
          event_id,
          event_type,
          body: JSON.stringify(body),
          status: 'PENDING' as const,
          response_status: null,
          created_at,
          delivered_at: null,
        }
      }),
    )
    if (rows.length === 0) return
    await db.insertInto('webhook_deliveries').values(rows).execute()
    await parts.addJobs(
      db,
      'webhook',
      rows.map(({ id }) => id),
    )
  }
}

/** Both ways to name a family of events are taken: `Pass:*` and `pass.*`. */
function eventsFor(asked: readonly string[]): ('Pass:Scanned' | 'wallet_scanned')[] {
  const isPass = asked.some((name) => ['Pass:Scanned', 'Pass:*', 'pass.*', 'pass.scanned'].includes(name))
  return [
    ...(isPass ? (['Pass:Scanned'] as const) : []),
    ...(asked.includes('wallet_scanned') ? (['wallet_scanned'] as const) : []),
  ]
}

type Scan = AddScanRequest & { readonly id: string; readonly scannedAt: string }

const record = (json: string): Record<string, string> => JSON.parse(json) as Record<string, string>

function scannedEvent(id: string, timestamp: string, tenantId: string, pass: PassRow, scan: Scan): object {
  const data = {
    passId: pass.id,
    passKind: pass.pass_kind,
    passType: pass.pass_type,
    identifiers: record(pass.identifiers),
    metadata: record(pass.metadata),
    scan: { id: scan.id, data: scan.data, type: scan.type, scannedAt: scan.scannedAt },
  }
  return { id, type: 'Pass:Scanned', tenantId, timestamp, data }
}

/** As Bloomreach is told: flat, dots of keys as underscores. */
function flatEvent(id: string, timestamp: string, pass: PassRow, scan: Scan): object {
  const named = (prefix: string, of: Record<string, string>): [string, string][] =>
    Object.entries(of).map(([key, value]) => [`${prefix}_${key.replaceAll('.', '_')}`, value])
  return {
    id,
    type: 'wallet_scanned',
    timestamp,
    passId: pass.id,
    passKind: pass.pass_kind,
    passType: pass.pass_type,
    ...Object.fromEntries(named('identifier', record(pass.identifiers))),
    ...Object.fromEntries(named('metadata', record(pass.metadata))),
    scanType: scan.type,
    scannedAt: scan.scannedAt,
  }
}

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** As the service makes them: an id of five characters, a secret of 64. */
export const newWebhookId = (): string => Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('')
export const newWebhookSecret = (): string => randomBytes(32).toString('hex')
