import { createHmac } from 'node:crypto'
import type { Database } from '../db/database.ts'
import type { SingleWork } from '../jobs/jobs.ts'
import { OutboundFault, type SendOutbound } from '../outbound/guarded-request.ts'

/** What is waited after each attempt that failed; after the last one a delivery is a dead letter. */
export const retryAfterMs: readonly number[] = [1, 5, 30, 120, 360, 720, 1_440].map((minutes) => minutes * 60_000)

const answerMs = 30_000

/**
 * Signs a body as receivers check it: HMAC-SHA256 over `<unix seconds>.<body>`. After a renewal the old secret signs
 * too, so that a receiver may change over when it likes.
 */
export function signatureOf(body: string, secrets: readonly string[], at: Date): string {
  const seconds = Math.floor(at.getTime() / 1_000)
  const signed = secrets.map((secret) => createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex'))
  return [`t=${seconds}`, ...signed.map((hex) => `v1=${hex}`)].join(',')
}

/** The work of the queue `webhook`: sends one event to one endpoint until it is taken, or too often was not. */
export function deliveryWork(parts: {
  readonly database: Database
  readonly send: SendOutbound
  readonly now: () => Date
  readonly retries: readonly number[]
}): SingleWork {
  const { database, send, now, retries } = parts
  return {
    concurrency: 4,
    attempts: retries.length + 1,
    backOffMs: (attempt) => retries[attempt - 1] ?? retries.at(-1) ?? 0,
    async handle(id, signal) {
      const delivery = await database.db
        .selectFrom('webhook_deliveries')
        .innerJoin('webhook_endpoints', 'webhook_endpoints.id', 'webhook_deliveries.endpoint_id')
        .select([
          'event_type',
          'body',
          'attempts',
          'status',
          'url',
          'secret',
          'old_secret',
          'old_secret_until',
          'is_active',
          'tenant_id',
        ])
        .where('webhook_deliveries.id', '=', id)
        .executeTakeFirst()
      if (!delivery || delivery.status === 'DELIVERED' || delivery.status === 'DEAD_LETTER') {
        return () => Promise.resolve(() => undefined)
      }
      const at = now()
      const isOldGood = delivery.old_secret !== '' && delivery.old_secret_until > at.toISOString()
      const secrets = [delivery.secret, ...(isOldGood ? [delivery.old_secret] : [])]
      let status: number | null = null
      let fault = ''
      if (delivery.is_active === 0) fault = 'The endpoint is switched off.'
      else {
        try {
          const answer = await send(new URL(delivery.url), {
            method: 'POST',
            headers: {
              'Content-Type': 'application/json',
              ...(delivery.tenant_id === null
                ? {
                    'User-Agent': 'Closient-Webhooks/1.0',
                    'X-Closient-Signature': signatureOf(delivery.body, secrets, at),
                    'X-Closient-Event-Type': delivery.event_type,
                    'X-Closient-Delivery-ID': id,
                  }
                : {
                    'X-NEOSTORE-SIGNATURE': createHmac('sha256', delivery.secret).update(delivery.body).digest('hex'),
                  }),
            },
            body: delivery.body,
            timeoutMs: answerMs,
            signal,
          })
          status = answer.status
          if (status < 200 || status > 299) fault = `The receiver answered ${status}.`
        } catch (error) {
          signal.throwIfAborted()
          if (!(error instanceof OutboundFault)) throw error
          fault = `${error.message}.`
        }
      }
      const change = { attempts: delivery.attempts + 1, response_status: status, last_error: fault }
      if (fault !== '') {
        await database.db
          .updateTable('webhook_deliveries')
          .set({ ...change, status: status === 429 ? 'RATE_LIMITED' : 'FAILED' })
          .where('id', '=', id)
          .execute()
        throw new Error(fault)
      }
      return async (db) => {
        await db
          .updateTable('webhook_deliveries')
          .set({ ...change, status: 'DELIVERED', delivered_at: now().toISOString() })
          .where('id', '=', id)
          .execute()
        return () => undefined
      }
    },
    async giveUp(db, id, reason) {
      await db
        .updateTable('webhook_deliveries')
        .set({ status: 'DEAD_LETTER', last_error: reason })
        .where('id', '=', id)
        .execute()
      return () => undefined
    },
  }
}
