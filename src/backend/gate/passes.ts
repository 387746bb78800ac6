import {
  unused,
  entryAllowanceSchema,
  gatePassSchema,
  passUseSchema,
  type GatePass,
  type PassUse,
} from '#contract/gate/pass.ts'
import { gateRulesSchema, type GateRules } from '#contract/gate/rules.ts'
import { deriveKeys, hashValue, sealPass, type ListKeys } from '#pass-list/index.ts'
import type { Db } from '../db/database.ts'
import type { PassRow, PrivilegeRow, TenantRow } from './tables.ts'

const keysOf = new Map<string, ListKeys>()

/** The keys of a tenant's list; derived once. */
export function listKeys(tenant: Pick<TenantRow, 'list_key'>): ListKeys {
  const known = keysOf.get(tenant.list_key)
  if (known) return known
  const keys = deriveKeys({ key: tenant.list_key })
  keysOf.set(tenant.list_key, keys)
  return keys
}

/** A value's place in a tenant's list, as the table has it. */
export const placeOf = (keys: ListKeys, value: string): string => Buffer.from(hashValue(keys, value)).toString('hex')

/**
 * The row of the tenant, held until the transaction ends: what is decided for a tenant is decided one after the other, by
 * whatever process, and the changes of its list are committed in the order of their numbers.
 */
export async function holdTenant(db: Db, id: string): Promise<TenantRow> {
  return db.selectFrom('tenants').selectAll().where('id', '=', id).forNoKeyUpdate().executeTakeFirstOrThrow()
}

/** The rules of one gate: its own, or those for every gate. */
export function rulesOf(tenant: Pick<TenantRow, 'rules'>, gate: string): GateRules {
  const all = JSON.parse(tenant.rules) as Record<string, object>
  const own = (Object.hasOwn(all, gate) ? all[gate] : all['*']) ?? {}
  return gateRulesSchema.parse({ ...own, gate })
}

/** The event that the list is about: the one of the rules for every gate. */
export const eventOf = (tenant: Pick<TenantRow, 'rules'>): string => rulesOf(tenant, '*').event

/** The pass that has a value, to the byte; undefined when none or more than one has. */
export async function findPass(db: Db, tenant: TenantRow, value: string): Promise<PassRow | undefined> {
  const found = await db
    .selectFrom('pass_values')
    .innerJoin('passes', (join) =>
      join.onRef('passes.tenant_id', '=', 'pass_values.tenant_id').onRef('passes.id', '=', 'pass_values.pass_id'),
    )
    .selectAll('passes')
    .select('pass_values.value')
    .where('pass_values.tenant_id', '=', tenant.id)
    .where('pass_values.place', '=', placeOf(listKeys(tenant), value))
    .execute()
  const same = found.filter((row) => row.value === value)
  return same.length === 1 ? same[0] : undefined
}

/** A pass as the rules see it. */
export async function toGatePass(db: Db, row: PassRow): Promise<GatePass> {
  return gatePassOf(row, (await privilegesOf(db, row.tenant_id, [row.id])).get(row.id) ?? [])
}

/** What passes include, by their ids; those with nothing are not in it. */
export async function privilegesOf(
  db: Db,
  tenantId: string,
  passIds: readonly string[],
): Promise<Map<string, Pick<PrivilegeRow, 'external_id' | 'type' | 'total'>[]>> {
  const rows = await db
    .selectFrom('pass_privileges')
    .select(['pass_id', 'external_id', 'type', 'total'])
    .where('tenant_id', '=', tenantId)
    .where('pass_id', 'in', passIds)
    .execute()
  return Map.groupBy(rows, ({ pass_id }) => pass_id)
}

/** A pass and what it includes, as the rules see it. */
export function gatePassOf(
  row: PassRow,
  privileges: readonly Pick<PrivilegeRow, 'external_id' | 'type' | 'total'>[],
): GatePass {
  return gatePassSchema.parse({
    passId: row.id,
    passType: row.pass_type,
    passKind: row.pass_kind,
    status: row.status,
    validFrom: row.valid_from,
    validUntil: row.valid_until,
    entries: row.entries === null ? null : entryAllowanceSchema.parse(JSON.parse(row.entries)),
    lists: JSON.parse(row.lists),
    privileges: Object.fromEntries(
      privileges.map(({ external_id, type, total }) => [external_id, type === 'Unlimited' ? null : total]),
    ),
  })
}

/** What a pass was used for at an event. */
export async function useOf(db: Db, tenantId: string, event: string, passId: string): Promise<PassUse> {
  const row = await db
    .selectFrom('pass_uses')
    .select('used')
    .where('tenant_id', '=', tenantId)
    .where('event', '=', event)
    .where('pass_id', '=', passId)
    .executeTakeFirst()
  return row === undefined ? unused : passUseSchema.parse(JSON.parse(row.used))
}

/** Writes what a pass was used for, counts who is inside, and has the list tell of it; the tenant is held. */
export async function setUse(
  db: Db,
  tenant: TenantRow,
  event: string,
  row: PassRow,
  before: PassUse,
  use: PassUse,
): Promise<void> {
  const fresh = { used: JSON.stringify(use), is_inside: use.isInside ? 1 : 0 }
  await db
    .insertInto('pass_uses')
    .values({ tenant_id: tenant.id, event, pass_id: row.id, ...fresh })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'event', 'pass_id']).doUpdateSet(fresh))
    .execute()
  const by = (use.isInside ? 1 : 0) - (before.isInside ? 1 : 0)
  if (by !== 0) {
    await db
      .insertInto('attendance')
      .values({ tenant_id: tenant.id, event, inside: by })
      .onConflict((conflict) =>
        conflict.columns(['tenant_id', 'event']).doUpdateSet((set) => ({ inside: set('attendance.inside', '+', by) })),
      )
      .execute()
  }
  if (event === eventOf(tenant)) await sealAgain(db, tenant, row, use)
}

/** Has the list tell of a pass as it is now. Counts the tenant's changes on, so the tenant must be held. */
export async function sealAgain(db: Db, tenant: TenantRow, row: PassRow, use: PassUse): Promise<void> {
  const keys = listKeys(tenant)
  const pass = await toGatePass(db, row)
  const values = await db
    .selectFrom('pass_values')
    .select(['place', 'value'])
    .where('tenant_id', '=', tenant.id)
    .where('pass_id', '=', row.id)
    .execute()
  let { changes } = tenant
  for (const { place } of values) {
    changes += 1
    const others = await db
      .selectFrom('pass_values')
      .select('pass_id')
      .where('tenant_id', '=', tenant.id)
      .where('place', '=', place)
      .where('pass_id', '!=', row.id)
      .execute()
    const sealed =
      others.length > 0
        ? ''
        : Buffer.from(sealPass(keys, Buffer.from(place, 'hex'), { pass, use })).toString('base64url')
    await db
      .updateTable('pass_values')
      .set({ sealed, change: changes })
      .where('tenant_id', '=', tenant.id)
      .where('place', '=', place)
      .where('pass_id', '=', row.id)
      .execute()
  }
  await db.updateTable('tenants').set({ changes }).where('id', '=', tenant.id).execute()
}

/** How many people are inside. */
export async function insideOf(db: Db, tenantId: string, event: string): Promise<number> {
  const row = await db
    .selectFrom('attendance')
    .select('inside')
    .where('tenant_id', '=', tenantId)
    .where('event', '=', event)
    .executeTakeFirst()
  return Math.max(0, row?.inside ?? 0)
}
