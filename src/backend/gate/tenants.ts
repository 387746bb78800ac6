import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { gateRulesSchema } from '#contract/gate/rules.ts'
import { walletScopes, type WalletScope } from '#contract/gate/scan-api.ts'
import type { Database, Db } from '../db/database.ts'
import { newId } from '../ids.ts'
import { isSameSecret, secretHash } from '../keys.ts'
import { eventOf, holdTenant, sealAgain, useOf } from './passes.ts'
import type { TenantRow } from './tables.ts'

/** Makes sure of a tenant and, where one is given, of its key with every scope. */
export async function prepareTenant(
  { writeAlone }: Database,
  wish: { readonly id: string; readonly key: string | undefined; readonly organizationId: string },
  at: Date,
): Promise<void> {
  await writeAlone('tenant', async (db) => {
    const created_at = at.toISOString()
    const known = await db.selectFrom('tenants').select('id').where('id', '=', wish.id).executeTakeFirst()
    if (known === undefined) {
      const { privateKey, publicKey } = generateKeyPairSync('ed25519')
      await db
        .insertInto('tenants')
        .values({
          id: wish.id,
          organization_id: wish.organizationId,
          list_id: newId(),
          list_key: randomBytes(32).toString('base64url'),
          sign_private: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64url'),
          sign_public: String(publicKey.export({ format: 'jwk' }).x),
          changes: 0,
          rules: '{}',
          created_at,
        })
        .execute()
    }
    if (wish.key === undefined) return
    const hash = secretHash(wish.key)
    const same = await db.selectFrom('tenant_keys').select('tenant_id').where('hash', '=', hash).executeTakeFirst()
    if (same !== undefined && same.tenant_id !== wish.id) throw new Error('The tenant key is another tenant’s')
    if (same !== undefined) return
    const key = { id: newId(), tenant_id: wish.id, hash, name: 'given', is_active: 1, created_at }
    await db
      .insertInto('tenant_keys')
      .values({ ...key, scopes: walletScopes.join(' ') })
      .execute()
  })
}

const rulesFileSchema = z.record(z.string().min(1).max(100), gateRulesSchema.partial().loose())

/**
 * Sets the rules of a tenant's gates from a JSON file: an object of rules by the gate's name, those of `*` for every other
 * gate. Where that names another event, the list tells what passes were used for at that one. Throws when a rule is none.
 */
export async function setRules({ write }: Database, tenantId: string, path: string): Promise<void> {
  const given = rulesFileSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  for (const rules of Object.values(given)) gateRulesSchema.parse(rules)
  await write(async (db) => {
    const before = await holdTenant(db, tenantId)
    const after = { ...before, rules: JSON.stringify(given) }
    await db.updateTable('tenants').set({ rules: after.rules }).where('id', '=', tenantId).execute()
    const events = [eventOf(before), eventOf(after)]
    if (events[0] === events[1]) return
    const used = await db
      .selectFrom('passes')
      .innerJoin('pass_uses', (join) =>
        join.onRef('pass_uses.tenant_id', '=', 'passes.tenant_id').onRef('pass_uses.pass_id', '=', 'passes.id'),
      )
      .selectAll('passes')
      .distinct()
      .where('passes.tenant_id', '=', tenantId)
      .where('pass_uses.event', 'in', events)
      .execute()
    for (const pass of used) {
      await sealAgain(db, await holdTenant(db, tenantId), pass, await useOf(db, tenantId, eventOf(after), pass.id))
    }
  })
}

/** Who asks for a tenant's passes. */
export interface TenantCredential {
  readonly tenant: TenantRow
  readonly scopes: ReadonlySet<string>
}

/** The tenant and the scopes of a tenant's key; undefined when it is none. */
export async function identifyTenant(db: Db, key: string): Promise<TenantCredential | undefined> {
  const hash = secretHash(key)
  const found = await db
    .selectFrom('tenant_keys')
    .select(['hash', 'scopes', 'tenant_id', 'is_active'])
    .where('hash', '=', hash)
    .executeTakeFirst()
  if (found === undefined || found.is_active === 0 || !isSameSecret(found.hash, hash)) return undefined
  const tenant = await db.selectFrom('tenants').selectAll().where('id', '=', found.tenant_id).executeTakeFirstOrThrow()
  return { tenant, scopes: new Set(found.scopes.split(' ')) }
}

/** A station's key is of an organisation: it may be a gate of the organisation's first tenant. */
export async function identifyStation(db: Db, key: string, at: Date): Promise<TenantCredential | undefined> {
  const hash = secretHash(key)
  const found = await db
    .selectFrom('api_keys')
    .select(['hash', 'organization_id', 'is_active', 'expires_at', 'role'])
    .where('hash', '=', hash)
    .executeTakeFirst()
  if (found === undefined || found.is_active === 0 || !isSameSecret(found.hash, hash)) return undefined
  if (found.role === 'readonly' || (found.expires_at !== null && found.expires_at <= at.toISOString())) return undefined
  const tenant = await db
    .selectFrom('tenants')
    .selectAll()
    .where('organization_id', '=', found.organization_id)
    .orderBy('created_at')
    .orderBy('id')
    .executeTakeFirst()
  const scope: WalletScope = 'Gate.Station'
  return tenant && { tenant, scopes: new Set([scope]) }
}
