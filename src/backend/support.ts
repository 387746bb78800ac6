import { mostSupportBytes, type SupportUpload } from '#contract/backend/fleet.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { Db } from './db/database.ts'
import { newId } from './ids.ts'

/** A bundle that a station was asked for, and what became of it. Instants are ISO 8601 UTC. */
export interface SupportRecord {
  readonly id: string
  readonly asked_by: string
  readonly asked_at: string
  /** When it came; null while it is waited for. */
  readonly sent_at: string | null
  readonly fetched_by: string | null
  readonly fetched_at: string | null
  /** Whether it can be fetched; it is kept for two weeks, and until the next one comes. */
  readonly is_here: boolean
}

/** So long a bundle is kept; that it was asked for, came and was fetched stays on record. */
export const supportKeptMs = 14 * 86_400_000

const told = [
  'id',
  'station_id',
  'organization_id',
  'asked_by',
  'asked_at',
  'sent_at',
  'fetched_by',
  'fetched_at',
] as const

/**
 * Asks a station for a support bundle: it is told so by the answer to its next check-in. One that is asked for already stays
 * the only one. Fails with `not_found`, and with `conflict` for a revoked station, which is not listened to.
 */
export async function askForSupport(
  db: Db,
  wish: { readonly organizationId: string | undefined; readonly stationId: string; readonly by: string },
  at: Date,
): Promise<Result<null>> {
  const named = db
    .selectFrom('stations')
    .innerJoin('api_keys', 'api_keys.id', 'stations.key_id')
    .select(['stations.organization_id', 'api_keys.is_active'])
    .where('stations.id', '=', wish.stationId)
  const station = await (
    wish.organizationId === undefined ? named : named.where('stations.organization_id', '=', wish.organizationId)
  ).executeTakeFirst()
  if (!station) return fail('not_found', `There is no station ${wish.stationId}; the list shows them`)
  if (station.is_active === 0) return fail('conflict', 'A revoked station tells nothing; enrol it again first')
  const { organization_id } = station
  if ((await openRequest(db, organization_id, wish.stationId)) !== null) return ok(null)
  await db
    .insertInto('support_requests')
    .values({
      id: newId(),
      organization_id,
      station_id: wish.stationId,
      asked_by: wish.by,
      asked_at: at.toISOString(),
    })
    .execute()
  return ok(null)
}

/** What a station is asked for now; null for nothing. */
export async function openRequest(db: Db, organizationId: string, stationId: string): Promise<string | null> {
  const row = await db
    .selectFrom('support_requests')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where('station_id', '=', stationId)
    .where('sent_at', 'is', null)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.id ?? null
}

/** Keeps the bundle that a station was asked for, and lets the one before go. Answers why it does not take it. */
export async function takeSupport(
  db: Db,
  keyId: string,
  { request, files, zip }: SupportUpload,
  at: Date,
): Promise<'taken' | 'no_station' | 'not_asked' | 'no_zip'> {
  const station = await db.selectFrom('stations').selectAll().where('key_id', '=', keyId).executeTakeFirst()
  if (!station) return 'no_station'
  if ((await openRequest(db, station.organization_id, station.id)) !== request) return 'not_asked'
  const bytes = Buffer.from(zip, 'base64')
  // A local file header: what is here is handed on as a zip.
  if (bytes.length > mostSupportBytes || bytes.subarray(0, 4).toString('latin1') !== 'PK\x03\x04') return 'no_zip'
  await db
    .updateTable('support_requests')
    .set({ bundle: '' })
    .where('organization_id', '=', station.organization_id)
    .where('station_id', '=', station.id)
    .execute()
  await db
    .updateTable('support_requests')
    .set({ sent_at: at.toISOString(), files: JSON.stringify(files), bundle: zip })
    .where('id', '=', request)
    .execute()
  return 'taken'
}

/** The last request of each station, by `organisation/station`. */
export async function lastRequests(
  db: Db,
  organizationId: string | undefined,
): Promise<ReadonlyMap<string, SupportRecord>> {
  const all = db
    .selectFrom('support_requests')
    .select(told)
    .select((row) => row('bundle', '!=', '').as('is_here'))
    .orderBy('id')
  const rows = await (organizationId === undefined ? all : all.where('organization_id', '=', organizationId)).execute()
  return new Map(
    rows.map(({ station_id, organization_id, is_here, ...row }) => [
      `${organization_id}/${station_id}`,
      { ...row, is_here: Boolean(is_here) },
    ]),
  )
}

/** The bundle of a station that is here, and on record who has got it. */
export async function fetchSupport(
  db: Db,
  wish: { readonly organizationId: string | undefined; readonly stationId: string; readonly by: string },
  at: Date,
): Promise<Result<{ readonly name: string; readonly zip: Uint8Array<ArrayBuffer> }>> {
  const all = db
    .selectFrom('support_requests')
    .select(['id', 'sent_at', 'bundle'])
    .where('station_id', '=', wish.stationId)
    .where('bundle', '!=', '')
  const row = await (
    wish.organizationId === undefined ? all : all.where('organization_id', '=', wish.organizationId)
  ).executeTakeFirst()
  if (!row) return fail('not_found', `No support bundle of ${wish.stationId} is here; ask for one`)
  await db
    .updateTable('support_requests')
    .set({ fetched_by: wish.by, fetched_at: at.toISOString() })
    .where('id', '=', row.id)
    .execute()
  const stamp = (row.sent_at ?? '').slice(0, 19).replaceAll(':', '-')
  return ok({ name: `capstan-support-${stamp}.zip`, zip: Uint8Array.from(Buffer.from(row.bundle, 'base64')) })
}

/** Lets bundles go whose time is over. */
export async function forgetSupport(db: Db, at: Date): Promise<void> {
  await db
    .updateTable('support_requests')
    .set({ bundle: '' })
    .where('bundle', '!=', '')
    .where('sent_at', '<=', new Date(at.getTime() - supportKeptMs).toISOString())
    .execute()
}
