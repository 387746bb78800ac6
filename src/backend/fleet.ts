import { isSafeBackendAddress } from '#contract/backend-address.ts'
import {
  groupNameSchema,
  healthSchema,
  layerSettingsSchema,
  stationLabelSchema,
  type CheckInAnswer,
  type Health,
} from '#contract/backend/fleet.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { SettingRow } from '#contract/station/setting-rows.ts'
import { checkLayer, differences, explainLayers, type LayerValues } from '#domain/setting-layers.ts'
import { createSiteSecret, fingerprintOf, openSiteKey, readEnrolmentCode, type SiteKey } from '#enrolment/index.ts'
import type { Db } from './db/database.ts'
import { sharedSecret } from './http/upload-token.ts'
import { newId } from './ids.ts'
import { makeKey, secretHash } from './keys.ts'
import { keptFingerprints, listRecoveryKeys, type RecoveryKeyRecord } from './recovery-keys.ts'
import { lastRequests, openRequest, type SupportRecord } from './support.ts'

/** A code as it is handed out; the text is kept nowhere. Instants are ISO 8601 UTC. */
export interface CodeRecord {
  readonly id: string
  readonly label: string
  readonly group: string
  readonly url: string
  readonly expires_at: string
  /** Of the site's key, as the station shows it. */
  readonly fingerprint: string
  readonly code: string
}

/** An enrolled station. */
export interface StationRecord {
  readonly id: string
  readonly label: string
  readonly group: string
  readonly key_id: string
  /** `stale`: it should have been heard of. */
  readonly state: 'active' | 'stale' | 'revoked'
  readonly enrolled_at: string
  readonly seen_at: string
  /** What it told last; null before it told anything. */
  readonly health: Health | null
  /** The support bundle that it was asked for last; null when never. */
  readonly support: SupportRecord | null
  /** Null when it has given none: its data are not encrypted, or it is older than that. */
  readonly recovery_key: RecoveryKeyRecord | null
}

/** A change of the settings of all stations, or of a group (empty: all). */
export interface LayerRecord {
  readonly revision: string
  readonly group: string
  readonly settings: LayerValues
  readonly changed_by: string
  readonly changed_at: string
}

/** A station tells how it is every minute; one that was not heard of for so long is stale. */
export const staleMs = 5 * 60_000
const longestCodeMs = 30 * 86_400_000

/** The site's key, made by whoever needs it first. */
export async function openSite(db: Db): Promise<SiteKey> {
  return openSiteKey(await sharedSecret(db, 'site', createSiteSecret))
}

function checkGroup(name: string): Result<string> {
  const group = groupNameSchema.safeParse(name)
  return group.success ? ok(group.data) : fail('invalid_input', 'A group has up to 40 small letters, digits and -')
}

/** Makes a code, which one station may use once. */
export async function createCode(
  db: Db,
  site: SiteKey,
  wish: {
    readonly organizationId: string
    readonly label: string
    readonly group: string
    readonly validMs: number
    /** Where stations reach this backend. */
    readonly url: string
    readonly by: string
  },
  at: Date,
): Promise<Result<CodeRecord>> {
  const label = stationLabelSchema.safeParse(wish.label)
  if (!label.success) return fail('invalid_input', 'A label has 1 to 60 characters')
  const group = checkGroup(wish.group)
  if (!group.ok) return group
  if (!isSafeBackendAddress(wish.url)) {
    return fail('invalid_input', 'Stations reach a backend by an https address, or by http on their own machine')
  }
  if (!(wish.validMs >= 1_000 && wish.validMs <= longestCodeMs)) {
    return fail('invalid_input', 'A code is good for at most 30 days')
  }
  const url = wish.url.replace(/\/+$/, '')
  const seconds = Math.floor((at.getTime() + wish.validMs) / 1_000)
  const expires_at = new Date(seconds * 1_000).toISOString()
  const id = newId()
  await db
    .insertInto('enrolment_codes')
    .values({
      id,
      organization_id: wish.organizationId,
      label: label.data,
      group_name: group.value,
      expires_at,
      created_by: wish.by,
      created_at: at.toISOString(),
      used_at: null,
      station_id: null,
    })
    .execute()
  const code = site.writeCode({ url, id, expiresAt: expires_at, label: label.data, group: group.value })
  const fingerprint = fingerprintOf(site.publicKey)
  return ok({ id, label: label.data, group: group.value, url, expires_at, fingerprint, code })
}

/** Why a code is not taken. */
export type CodeFault = 'tampered' | 'other_site' | 'unknown' | 'used' | 'expired'

/**
 * Takes a code and gives its station a key, in the caller's transaction. A station that was enrolled before loses the key
 * it had, so that of each station one key is good at a time.
 */
export async function useCode(
  db: Db,
  site: SiteKey,
  given: { readonly code: string; readonly station: { readonly id: string; readonly name: string } },
  at: Date,
): Promise<
  | { readonly fault: CodeFault; readonly detail: string }
  | { readonly apiKey: string; readonly organization: string; readonly label: string; readonly group: string }
> {
  const read = readEnrolmentCode(given.code)
  if (read.kind !== 'code') return { fault: 'tampered', detail: 'The code is damaged, or was changed.' }
  if (read.code.publicKey !== site.publicKey) return { fault: 'other_site', detail: 'The code is of another site.' }
  const row = await db
    .selectFrom('enrolment_codes')
    .innerJoin('organizations', 'organizations.id', 'enrolment_codes.organization_id')
    .selectAll('enrolment_codes')
    .select('organizations.name as organization')
    .where('enrolment_codes.id', '=', read.code.id)
    .forNoKeyUpdate('enrolment_codes')
    .executeTakeFirst()
  if (!row) return { fault: 'unknown', detail: 'The code is not known here any more.' }
  if (row.used_at !== null) return { fault: 'used', detail: `The code was used at ${row.used_at}.` }
  const now = at.toISOString()
  if (row.expires_at <= now) return { fault: 'expired', detail: `The code was good until ${row.expires_at}.` }

  const key = makeKey()
  const keyId = newId()
  const { organization_id, label, group_name } = row
  await db
    .insertInto('api_keys')
    .values({
      id: keyId,
      organization_id,
      name: label,
      hash: secretHash(key),
      role: 'editor',
      rate_limit_per_minute: 0,
      is_active: 1,
      expires_at: null,
      last_used_at: null,
      created_at: now,
    })
    .execute()
  const before = await db
    .selectFrom('stations')
    .select('key_id')
    .where('organization_id', '=', organization_id)
    .where('id', '=', given.station.id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  const standing = { key_id: keyId, label, group_name, enrolled_at: now, seen_at: now }
  await db
    .insertInto('stations')
    .values({ organization_id, id: given.station.id, ...standing })
    .onConflict((conflict) => conflict.columns(['organization_id', 'id']).doUpdateSet(standing))
    .execute()
  if (before) await db.updateTable('api_keys').set({ is_active: 0 }).where('id', '=', before.key_id).execute()
  await db
    .updateTable('enrolment_codes')
    .set({ used_at: now, station_id: given.station.id })
    .where('id', '=', row.id)
    .execute()
  return { apiKey: key, organization: row.organization, label, group: group_name }
}

/** Keeps what a station tells, and answers what is set for it; undefined when the key is no station's. */
export async function checkIn(db: Db, keyId: string, health: Health, at: Date): Promise<CheckInAnswer | undefined> {
  const station = await db.selectFrom('stations').selectAll().where('key_id', '=', keyId).executeTakeFirst()
  if (!station) return undefined
  await db
    .updateTable('stations')
    .set({ seen_at: at.toISOString(), health: JSON.stringify(health) })
    .where('key_id', '=', keyId)
    .execute()
  const { organization_id, label, group_name } = station
  const site = await currentLayer(db, organization_id, '')
  const group = group_name === '' ? undefined : await currentLayer(db, organization_id, group_name)
  const given = (layer: LayerRecord | undefined) =>
    layer === undefined ? null : { revision: layer.revision, settings: layer.settings }
  const support = await openRequest(db, organization_id, station.id)
  const recoveryKeys = await keptFingerprints(db, organization_id, station.id)
  return { label, group: group_name, site: given(site), groupLayer: given(group), support, recoveryKeys }
}

/** All stations of an organisation, or of the server, by their labels. */
export async function listStations(db: Db, organizationId: string | undefined, at: Date): Promise<StationRecord[]> {
  const all = db
    .selectFrom('stations')
    .innerJoin('api_keys', 'api_keys.id', 'stations.key_id')
    .selectAll('stations')
    .select('api_keys.is_active')
    .orderBy('stations.label')
    .orderBy('stations.id')
  const rows = await (
    organizationId === undefined ? all : all.where('stations.organization_id', '=', organizationId)
  ).execute()
  const requests = await lastRequests(db, organizationId)
  const recoveryKeys = await listRecoveryKeys(db, organizationId)
  return rows.map((row) => {
    const health = row.health === '' ? null : healthSchema.safeParse(JSON.parse(row.health))
    const isStale = at.getTime() - Date.parse(row.seen_at) > staleMs
    return {
      id: row.id,
      label: row.label,
      group: row.group_name,
      key_id: row.key_id,
      state: row.is_active === 0 ? 'revoked' : isStale ? 'stale' : 'active',
      enrolled_at: row.enrolled_at,
      seen_at: row.seen_at,
      // What an older or newer Capstan told need not be read.
      health: health?.success === true ? health.data : null,
      support: requests.get(`${row.organization_id}/${row.id}`) ?? null,
      recovery_key: recoveryKeys.get(`${row.organization_id}/${row.id}`) ?? null,
    }
  })
}

/** Ends a station's key; what it sends from now on is refused until it is enrolled again. */
export async function revokeStation(db: Db, id: string, organizationId?: string): Promise<Result<null>> {
  const named = db.selectFrom('stations').select('key_id').where('id', '=', id)
  const stations = await (
    organizationId === undefined ? named : named.where('organization_id', '=', organizationId)
  ).execute()
  if (stations.length === 0) return fail('not_found', `There is no station ${id}; the list shows them`)
  const keys = stations.map(({ key_id }) => key_id)
  await db.updateTable('api_keys').set({ is_active: 0 }).where('id', 'in', keys).execute()
  return ok(null)
}

/** Every change of the layers of an organisation, newest first. */
export async function listLayers(db: Db, organizationId: string): Promise<LayerRecord[]> {
  const rows = await db
    .selectFrom('setting_layers')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .orderBy('id', 'desc')
    .limit(500)
    .execute()
  return rows.map(toLayer)
}

/** The layer of a group as it holds, of all stations for the empty name. */
export async function currentLayer(db: Db, organizationId: string, group: string): Promise<LayerRecord | undefined> {
  const row = await db
    .selectFrom('setting_layers')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('group_name', '=', group)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && toLayer(row)
}

/**
 * Changes single settings of a layer; null takes one out of it. Who did it is kept, and what was before. Fails with
 * `invalid_input` that names each setting that is none, is of stations alone, or cannot have its value.
 */
export async function changeLayer(
  db: Db,
  wish: {
    readonly organizationId: string
    readonly group: string
    readonly change: LayerValues
    readonly by: string
  },
  at: Date,
): Promise<Result<LayerRecord>> {
  const group = checkGroup(wish.group)
  if (!group.ok) return group
  const before = (await currentLayer(db, wish.organizationId, group.value))?.settings ?? {}
  const merged = Object.entries({ ...before, ...wish.change }).filter(([, value]) => value !== null)
  const checked = checkLayer(Object.fromEntries(merged))
  if (!checked.ok) return checked
  const settings = layerSettingsSchema.parse(checked.value)
  const row = {
    id: newId(),
    organization_id: wish.organizationId,
    group_name: group.value,
    settings: JSON.stringify(settings),
    actor_name: wish.by,
    created_at: at.toISOString(),
  }
  if (differences(before, settings).length > 0) await db.insertInto('setting_layers').values(row).execute()
  return ok(toLayer(row))
}

/** What would hold for a station of a group that sets nothing itself, and from which layer. */
export async function previewLayers(db: Db, organizationId: string, group: string): Promise<SettingRow[]> {
  const site = (await currentLayer(db, organizationId, ''))?.settings ?? {}
  const own = group === '' ? {} : ((await currentLayer(db, organizationId, group))?.settings ?? {})
  return explainLayers({ site, group: own })
}

function toLayer(row: {
  readonly id: string
  readonly group_name: string
  readonly settings: string
  readonly actor_name: string
  readonly created_at: string
}): LayerRecord {
  return {
    revision: row.id,
    group: row.group_name,
    settings: layerSettingsSchema.parse(JSON.parse(row.settings)),
    changed_by: row.actor_name,
    changed_at: row.created_at,
  }
}
