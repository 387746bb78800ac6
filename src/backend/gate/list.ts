import { createPrivateKey } from 'node:crypto'
import { signPage, writePage, type SignedPage } from '#pass-list/index.ts'
import type { Db } from '../db/database.ts'
import type { TenantRow } from './tables.ts'

/** Changes in one page: a station takes one in between two scans. */
const pageSize = 4_000

/** The page of changes after the one with this number; undefined when there are none. */
export async function listPage(db: Db, tenant: TenantRow, after: number, at: Date): Promise<SignedPage | undefined> {
  const rows = await db
    .selectFrom('pass_values')
    .select(['place', 'sealed', 'change'])
    .where('tenant_id', '=', tenant.id)
    .where('change', '>', after)
    .orderBy('change')
    .limit(pageSize + 1)
    .execute()
  const page = rows.slice(0, pageSize)
  const to = page.at(-1)?.change
  if (to === undefined) return undefined
  const isLast = rows.length <= pageSize
  const body = writePage(
    page.map(({ place, sealed }) => ({
      place: Buffer.from(place, 'hex'),
      sealed: sealed === '' ? null : Buffer.from(sealed, 'base64url'),
    })),
  )
  const left = isLast ? 0 : Math.max(1, tenant.changes - to)
  const head = { list: tenant.list_id, after, to, values: tenant.listed, left, asOf: at.toISOString() }
  const key = createPrivateKey({ key: Buffer.from(tenant.sign_private, 'base64url'), format: 'der', type: 'pkcs8' })
  return { ...signPage(head, body, key), body }
}
