import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fail, ok, type Result } from '#contract/result.ts'
import type { SettingRow } from '#contract/station/setting-rows.ts'
import type { LayerValues } from '#domain/setting-layers.ts'
import { openDatabase, type Db } from './db/database.ts'
import type { Role } from './db/tables.ts'
import {
  changeLayer,
  createCode,
  listLayers,
  listStations,
  openSite,
  previewLayers,
  revokeStation,
  type CodeRecord,
  type LayerRecord,
  type StationRecord,
} from './fleet.ts'
import { idFromReference, newId } from './ids.ts'
import { makeKey, secretHash, type KeyKind } from './keys.ts'
import { silentLog } from './log.ts'
import { showRecoveryKeys } from './recovery-keys.ts'
import { askForSupport, fetchSupport } from './support.ts'

/** A key without its secret, as lists show it. Instants are ISO 8601 UTC. */
export interface KeyRecord {
  readonly id: string
  readonly name: string
  readonly organization_id: string
  readonly kind: KeyKind
  /** Whose a key of kind `user` is. */
  readonly user_id: string | null
  readonly role: Role
  readonly rate_limit_per_minute: number
  readonly rate_limit_per_day: number
  readonly is_active: boolean
  readonly expires_at: string | null
  readonly last_used_at: string | null
  readonly created_at: string
}

/** An organisation of a server. */
export interface OrganizationRecord {
  readonly id: string
  readonly name: string
  readonly created_at: string
}

/** What a new key may do; limits of 0 are the server's own. */
export interface KeyWish {
  readonly name: string
  readonly kind: KeyKind
  /** A publishable key may only read, and a user's key may what its user may. */
  readonly role: Role
  /** The e-mail address of a user's key. */
  readonly email?: string
  readonly rateLimitPerMinute: number
  readonly rateLimitPerDay: number
  readonly expiresAt: string | null
}

/** Keys and organisations of a backend's database, whether or not the backend runs. */
export interface Administration {
  /** Answers the key itself, once: only its hash is kept. */
  readonly createKey: (wish: KeyWish, organizationId?: string) => Promise<Result<KeyRecord & { readonly key: string }>>
  readonly listKeys: (organizationId?: string) => Promise<readonly KeyRecord[]>
  readonly revokeKey: (id: string) => Promise<Result<KeyRecord>>
  /** Makes a key like another, which then ends after `keepMs`. */
  readonly rotateKey: (id: string, keepMs: number) => Promise<Result<KeyRecord & { readonly key: string }>>
  readonly createOrganization: (name: string) => Promise<OrganizationRecord>
  readonly listOrganizations: () => Promise<readonly OrganizationRecord[]>
  /** Makes a code by which one station enrols, once; its text is answered here only. */
  readonly createCode: (
    wish: { readonly label: string; readonly group: string; readonly validMs: number; readonly url: string },
    organizationId?: string,
  ) => Promise<Result<CodeRecord>>
  readonly listStations: (organizationId?: string) => Promise<readonly StationRecord[]>
  readonly revokeStation: (id: string) => Promise<Result<readonly StationRecord[]>>
  /** Asks a station for a support bundle, which it sends within a minute of its next word. */
  readonly askForSupport: (id: string) => Promise<Result<readonly StationRecord[]>>
  /** The bundle that has come. */
  readonly fetchSupport: (id: string) => ReturnType<typeof fetchSupport>
  /** The recovery keys that a station has given, newest first; that they were asked for is on record. */
  readonly showRecoveryKeys: (id: string) => ReturnType<typeof showRecoveryKeys>
  /** Changes settings of all stations (empty group) or of a group, by their paths; null takes one out. */
  readonly changeLayer: (group: string, change: LayerValues, organizationId?: string) => Promise<Result<LayerRecord>>
  /** Every change of them, newest first. */
  readonly listLayers: (organizationId?: string) => Promise<Result<readonly LayerRecord[]>>
  /** What would hold for a station of a group that sets nothing itself. */
  readonly previewLayers: (group: string, organizationId?: string) => Promise<Result<readonly SettingRow[]>>
  readonly close: () => Promise<void>
}

/** Who changes something by the command, as the history names it. */
const byCommand = 'capstan backend'

/**
 * Opens the database of a data folder, or the one of a `postgres://` address. Rejects with a sentence that says what to do
 * where there is none: a folder that was mistyped gets no database.
 */
export async function openAdministration(options: {
  readonly dataDir: string
  readonly databaseUrl?: string
  readonly now?: () => Date
}): Promise<Administration> {
  const { dataDir, databaseUrl, now = () => new Date() } = options
  const file = join(dataDir, 'backend.sqlite')
  if (databaseUrl === undefined && !existsSync(file)) {
    throw new Error(`There is no backend in ${dataDir}. Start it once: capstan backend --data ${dataDir} --port 4800`)
  }
  const { db, write, close } = await openDatabase(databaseUrl ?? file, silentLog).catch((error: unknown) => {
    throw new Error(`The database cannot be opened: ${(error as Error).message}`, { cause: error })
  })

  return {
    createKey: (wish, organizationId) =>
      write(async (transaction) => {
        if (wish.kind === 'publishable' && wish.role !== 'readonly') {
          return fail('invalid_input', 'A publishable key may only read; say --role readonly')
        }
        if (wish.kind !== 'user') {
          const organization = await organizationOf(transaction, organizationId)
          return organization.ok
            ? ok(await insertKey(transaction, wish, { organizationId: organization.value, userId: null }, now()))
            : organization
        }
        const user = await transaction
          .selectFrom('users')
          .selectAll()
          .where('email', '=', (wish.email ?? '').toLowerCase())
          .executeTakeFirst()
        if (!user) return fail('not_found', `There is no user ${wish.email ?? ''}; say --user EMAIL of one there is`)
        const whose = { organizationId: user.organization_id, userId: user.id }
        return ok(await insertKey(transaction, { ...wish, role: user.role }, whose, now()))
      }),
    listKeys: (organizationId) => listKeys(db, organizationId),
    revokeKey: (id) =>
      write(async (transaction) => {
        const key = await findKey(transaction, id)
        if (!key.ok) return key
        await transaction.updateTable('api_keys').set({ is_active: 0 }).where('id', '=', key.value.id).execute()
        return ok({ ...key.value, is_active: false })
      }),
    rotateKey: (id, keepMs) =>
      write(async (transaction) => {
        const key = await findKey(transaction, id)
        if (!key.ok) return key
        const old = key.value
        const at = now()
        if (!old.is_active) return fail('conflict', `The key ${old.id} has been revoked; make a new one`)
        const wish = {
          name: old.name,
          kind: old.kind,
          role: old.role,
          rateLimitPerMinute: old.rate_limit_per_minute,
          rateLimitPerDay: old.rate_limit_per_day,
          expiresAt: null,
        }
        const fresh = await insertKey(
          transaction,
          wish,
          { organizationId: old.organization_id, userId: old.user_id },
          at,
        )
        const until = new Date(at.getTime() + keepMs).toISOString()
        const expires_at = old.expires_at !== null && old.expires_at < until ? old.expires_at : until
        await transaction.updateTable('api_keys').set({ expires_at }).where('id', '=', old.id).execute()
        return ok(fresh)
      }),
    createOrganization: (name) =>
      write(async (transaction) => {
        const organization = { id: newId(), name, created_at: now().toISOString() }
        await transaction.insertInto('organizations').values(organization).execute()
        return organization
      }),
    createCode: (wish, organizationId) =>
      write(async (transaction) => {
        const organization = await organizationOf(transaction, organizationId)
        if (!organization.ok) return organization
        const site = await openSite(transaction)
        return createCode(transaction, site, { ...wish, organizationId: organization.value, by: byCommand }, now())
      }),
    listStations: (organizationId) =>
      listStations(db, organizationId && (idFromReference(organizationId) ?? organizationId), now()),
    revokeStation: (id) =>
      write(async (transaction) => {
        const revoked = await revokeStation(transaction, id)
        if (!revoked.ok) return revoked
        return ok((await listStations(transaction, undefined, now())).filter((station) => station.id === id))
      }),
    askForSupport: (id) =>
      write(async (transaction) => {
        const asked = await askForSupport(
          transaction,
          { organizationId: undefined, stationId: id, by: byCommand },
          now(),
        )
        if (!asked.ok) return asked
        return ok((await listStations(transaction, undefined, now())).filter((station) => station.id === id))
      }),
    fetchSupport: (id) =>
      write((transaction) =>
        fetchSupport(transaction, { organizationId: undefined, stationId: id, by: byCommand }, now()),
      ),
    showRecoveryKeys: (id) =>
      write((transaction) =>
        showRecoveryKeys(transaction, { organizationId: undefined, stationId: id, by: byCommand }, now()),
      ),
    changeLayer: (group, change, organizationId) =>
      write(async (transaction) => {
        const organization = await organizationOf(transaction, organizationId)
        if (!organization.ok) return organization
        const wish = { organizationId: organization.value, group, change, by: byCommand }
        return changeLayer(transaction, wish, now())
      }),
    async listLayers(organizationId) {
      const organization = await organizationOf(db, organizationId)
      return organization.ok ? ok(await listLayers(db, organization.value)) : organization
    },
    async previewLayers(group, organizationId) {
      const organization = await organizationOf(db, organizationId)
      return organization.ok ? ok(await previewLayers(db, organization.value, group)) : organization
    },
    listOrganizations: () => db.selectFrom('organizations').selectAll().orderBy('id').execute(),
    close,
  }
}

/** All keys, or those of one organisation, oldest first. */
export async function listKeys(db: Db, organizationId?: string): Promise<readonly KeyRecord[]> {
  const keys = db.selectFrom('api_keys').selectAll().orderBy('id')
  const rows = await (
    organizationId === undefined
      ? keys
      : keys.where('organization_id', '=', idFromReference(organizationId) ?? organizationId)
  ).execute()
  return rows.map(({ hash: _hash, is_active, ...row }) => ({ ...row, is_active: is_active === 1 }))
}

async function findKey(db: Db, id: string): Promise<Result<KeyRecord>> {
  const row = await db
    .selectFrom('api_keys')
    .selectAll()
    .where('id', '=', idFromReference(id) ?? id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!row) return fail('not_found', `There is no key with the id ${id}; the list shows them`)
  const { hash: _hash, is_active, ...record } = row
  return ok({ ...record, is_active: is_active === 1 })
}

/** The organisation that is meant: the named one, or the only one there is. */
async function organizationOf(db: Db, id: string | undefined): Promise<Result<string>> {
  const all = await db.selectFrom('organizations').select('id').orderBy('id').execute()
  if (id !== undefined) {
    const found = all.find((one) => one.id === (idFromReference(id) ?? id))
    return found ? ok(found.id) : fail('not_found', `There is no organisation with the id ${id}; the list shows them`)
  }
  const [only, second] = all
  if (only === undefined) return fail('not_found', 'There is no organisation yet; make one first')
  return second === undefined ? ok(only.id) : fail('invalid_input', 'There are several organisations; say which')
}

async function insertKey(
  db: Db,
  wish: KeyWish,
  whose: { readonly organizationId: string; readonly userId: string | null },
  at: Date,
) {
  const key = makeKey(wish.kind)
  const record: KeyRecord = {
    id: newId(),
    name: wish.name,
    organization_id: whose.organizationId,
    kind: wish.kind,
    user_id: whose.userId,
    role: wish.role,
    rate_limit_per_minute: wish.rateLimitPerMinute,
    rate_limit_per_day: wish.rateLimitPerDay,
    is_active: true,
    expires_at: wish.expiresAt,
    last_used_at: null,
    created_at: at.toISOString(),
  }
  await db
    .insertInto('api_keys')
    .values({ ...record, is_active: 1, hash: secretHash(key) })
    .execute()
  return { ...record, key }
}
