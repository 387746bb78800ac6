import { sql } from 'kysely'
import { access, constants } from 'node:fs/promises'
import type { PhotosRead, Readiness } from '#contract/backend/operation.ts'
import type { Metrics } from '../metrics.ts'
import { ok, refuse } from './answer.ts'
import { route, type Route } from './route.ts'

/** What those who run the server ask it. None of it needs a key: nothing in it is about a product or a person. */
export function operationRoutes(parts: {
  readonly metrics: Metrics
  readonly mediaFolder: string
  /** True once the server is to stop: it then takes no new work. */
  readonly isStopping: () => boolean
  /** What of photos this server reads. */
  readonly reads: PhotosRead
}): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/healthz',
      operationId: 'health',
      summary: 'Whether the server answers',
      access: 'none',
      isFree: true,
      success: { status: 200 },
      handle: () => ok({ status: 'ok' }),
    }),
    route({
      method: 'GET',
      path: '/readyz',
      operationId: 'ready',
      summary: 'Whether the server can take captures: its database answers and its media folder can be written',
      access: 'none',
      isFree: true,
      success: { status: 200 },
      refusals: ['service_unavailable'],
      async handle({ db }) {
        if (parts.isStopping()) return refuse('service_unavailable', 'The server is stopping.')
        try {
          await sql`select 1`.execute(db)
        } catch {
          return refuse('service_unavailable', 'The database does not answer.')
        }
        try {
          await access(parts.mediaFolder, constants.W_OK)
        } catch {
          return refuse('service_unavailable', 'The media folder cannot be written.')
        }
        return ok({ status: 'ready', photos: parts.reads } satisfies Readiness)
      },
    }),
    route({
      method: 'GET',
      path: '/metrics',
      operationId: 'metrics',
      summary: 'Figures for Prometheus',
      access: 'none',
      isFree: true,
      success: { status: 200, contentType: 'text/plain' },
      async handle() {
        const text = await parts.metrics.text()
        return {
          status: 200,
          headers: { 'Content-Type': parts.metrics.contentType },
          stream: new Blob([text]).stream(),
        }
      },
    }),
  ]
}
