import type { WebhookEvent } from '#contract/backend/webhooks.ts'
import { fromShortUuid } from '#domain/shortuuid.ts'
import type { Db } from '../db/database.ts'
import type { SessionRow } from '../db/tables.ts'
import { newId } from '../ids.ts'
import type { Jobs } from '../jobs/jobs.ts'

/** Something that an organisation's webhooks may want to know. */
export interface Happening {
  readonly organizationId: string
  readonly type: WebhookEvent
  readonly data: {
    readonly session_id: string
    readonly capture_id?: string
    readonly status: string
    readonly gtin?: string
    readonly product_short_id?: string | null
  }
}

/** Writes what happened for the endpoints that asked for it, in the transaction in which it happened. */
export type Announce = (db: Db, happenings: readonly Happening[]) => Promise<void>

/** Makes the one place where events become deliveries. Where nobody listens it is one small query. */
export function createAnnounce(addJobs: Jobs['add'], now: () => Date): Announce {
  return async (db, happenings) => {
    if (happenings.length === 0) return
    const endpoints = await db
      .selectFrom('webhook_endpoints')
      .select(['id', 'organization_id', 'event_types'])
      .where('is_active', '=', 1)
      .where('tenant_id', 'is', null)
      .where('organization_id', 'in', [...new Set(happenings.map(({ organizationId }) => organizationId))])
      .execute()
    if (endpoints.length === 0) return
    const created_at = now().toISOString()
    const rows = happenings.flatMap(({ organizationId, type, data }) => {
      const event_id = `evt_${fromShortUuid(newId())?.replaceAll('-', '') ?? ''}`
      const body = JSON.stringify({ id: event_id, type, created_at, data })
      return endpoints
        .filter((one) => one.organization_id === organizationId && wants(JSON.parse(one.event_types) as string[], type))
        .map(({ id }) => ({
          id: newId(),
          endpoint_id: id,
          event_id,
          event_type: type,
          body,
          status: 'PENDING' as const,
          response_status: null,
          created_at,
          delivered_at: null,
        }))
    })
    for (let start = 0; start < rows.length; start += 100) {
      const some = rows.slice(start, start + 100)
      await db.insertInto('webhook_deliveries').values(some).execute()
      await addJobs(
        db,
        'webhook',
        some.map(({ id }) => id),
      )
    }
  }
}

/** Whether one of the asked names is the event's, or a dotted beginning of it. */
function wants(asked: readonly string[], type: string): boolean {
  return asked.some((name) => type === name || type.startsWith(`${name}.`))
}

/** What webhooks are told of a session. */
export function sessionHappening(
  session: Pick<SessionRow, 'id' | 'organization_id'>,
  type: 'scanner.session.completed' | 'scanner.session.expired' | 'scanner.proposals.ready',
): Happening {
  const status = { completed: 'COMPLETED', expired: 'EXPIRED', ready: 'ready' }[type.split('.')[2] ?? ''] ?? ''
  return { organizationId: session.organization_id, type, data: { session_id: session.id, status } }
}
