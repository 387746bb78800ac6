import { fail, ok, type Result } from '#contract/result.ts'
import { fingerprintOf, readRecoveryKey, recoveryKeyOf } from '#sealing/index.ts'
import type { Db } from './db/database.ts'
import { newId } from './ids.ts'

/** That a station's recovery key is kept, and who has seen it last; instants are ISO 8601 UTC. The key itself is in no list. */
export interface RecoveryKeyRecord {
  /** Since when the newest one is kept. */
  readonly kept_at: string
  readonly shown_by: string | null
  readonly shown_at: string | null
}

/** A recovery key as it is shown to somebody who asked for it. */
export interface ShownRecoveryKey {
  readonly recovery_key: string
  readonly kept_at: string
}

/** A station that has had more data keys than this is none of ours; nothing that was kept makes room for another. */
const mostKeys = 20

/** Keeps the recovery key of the station whose API key it is, beside those that it had before. Answers why it does not. */
export async function keepRecoveryKey(
  db: Db,
  keyId: string,
  text: string,
  at: Date,
): Promise<'kept' | 'no_station' | 'no_key' | 'too_many'> {
  const key = readRecoveryKey(text)
  if (key === null) return 'no_key'
  const station = await db
    .selectFrom('stations')
    .select(['organization_id', 'id'])
    .where('key_id', '=', keyId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!station) return 'no_station'
  const fingerprint = fingerprintOf(key)
  const known = await keptFingerprints(db, station.organization_id, station.id)
  if (known.includes(fingerprint)) return 'kept'
  if (known.length >= mostKeys) return 'too_many'
  await db
    .insertInto('recovery_keys')
    .values({
      organization_id: station.organization_id,
      station_id: station.id,
      fingerprint,
      recovery_key: recoveryKeyOf(key),
      kept_at: at.toISOString(),
    })
    .execute()
  return 'kept'
}

/** What tells a station whether its key is among those that are kept. */
export async function keptFingerprints(db: Db, organizationId: string, stationId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('recovery_keys')
    .select('fingerprint')
    .where('organization_id', '=', organizationId)
    .where('station_id', '=', stationId)
    .orderBy('fingerprint')
    .execute()
  return rows.map(({ fingerprint }) => fingerprint)
}

/**
 * The recovery keys of a station, newest first, a revoked one's too: its disk may have to be read. Who has asked for them is on
 * record before they are answered.
 */
export async function showRecoveryKeys(
  db: Db,
  wish: { readonly organizationId: string | undefined; readonly stationId: string; readonly by: string },
  at: Date,
): Promise<Result<readonly ShownRecoveryKey[]>> {
  const all = db
    .selectFrom('recovery_keys')
    .select(['organization_id', 'recovery_key', 'kept_at'])
    .where('station_id', '=', wish.stationId)
    .orderBy('kept_at', 'desc')
  const rows = await (
    wish.organizationId === undefined ? all : all.where('organization_id', '=', wish.organizationId)
  ).execute()
  if (rows.length === 0) return fail('not_found', `No recovery key of ${wish.stationId} is kept here`)
  await db
    .insertInto('recovery_key_views')
    .values(
      [...new Set(rows.map(({ organization_id }) => organization_id))].map((organization_id) => ({
        id: newId(),
        organization_id,
        station_id: wish.stationId,
        shown_by: wish.by,
        shown_at: at.toISOString(),
      })),
    )
    .execute()
  return ok(rows.map(({ recovery_key, kept_at }) => ({ recovery_key, kept_at })))
}

/** Of which stations there is a key, by `organisation/station`. */
export async function listRecoveryKeys(
  db: Db,
  organizationId: string | undefined,
): Promise<ReadonlyMap<string, RecoveryKeyRecord>> {
  const keys = db
    .selectFrom('recovery_keys')
    .select((row) => ['organization_id', 'station_id', row.fn.max<string>('kept_at').as('kept_at')])
    .groupBy(['organization_id', 'station_id'])
  const views = db
    .selectFrom('recovery_key_views')
    .select(['organization_id', 'station_id', 'shown_by', 'shown_at'])
    .orderBy('id')
  const [kept, shown] = [
    await (organizationId === undefined ? keys : keys.where('organization_id', '=', organizationId)).execute(),
    await (organizationId === undefined ? views : views.where('organization_id', '=', organizationId)).execute(),
  ]
  const lastShown = new Map(shown.map((row) => [`${row.organization_id}/${row.station_id}`, row]))
  return new Map(
    kept.map(({ organization_id, station_id, kept_at }) => {
      const last = lastShown.get(`${organization_id}/${station_id}`)
      return [
        `${organization_id}/${station_id}`,
        { kept_at, shown_by: last?.shown_by ?? null, shown_at: last?.shown_at ?? null },
      ]
    }),
  )
}
