import { z } from 'zod'
import { referenceSchema } from '#contract/backend/values.ts'
import { idFromReference } from '../ids.ts'
import type { Notices } from '../notices.ts'
import { missing } from './answer.ts'
import { route, type Route } from './route.ts'
import { findSession } from './session-routes.ts'

const heartbeatMs = 15_000
/** A client that does not read is let go when so many events wait for it; it asks for everything when it comes back. */
const backlogLimit = 500

/** Streams that can all be ended, so that a stop need not wait for them. */
export interface EventStreams {
  readonly routes: readonly Route[]
  readonly close: () => Promise<void>
}

/**
 * Changes as server-sent events, beside polling (design).
 *
 * `event: capture` and `event: session` carry `{session_id, capture_id?, status}`; `event: missed` says that some may have
 * been lost and that everything is to be asked for. A client that was away asks too: nothing is kept for it.
 */
export function eventRoutes(notices: Notices): EventStreams {
  const open = new Set<() => void>()

  function stream(organizationId: string, sessionId: string | undefined): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder()
    let end = (): void => undefined
    let release = (): void => undefined
    return new ReadableStream<Uint8Array>(
      {
        start(controller) {
          const send = (text: string): void => {
            if ((controller.desiredSize ?? 0) < -backlogLimit) end()
            else controller.enqueue(encoder.encode(text))
          }
          const unsubscribe = notices.subscribe(organizationId, {
            told(notice) {
              if (sessionId !== undefined && notice.sessionId !== sessionId) return
              const data = {
                session_id: notice.sessionId,
                ...(notice.subject === 'capture' ? { capture_id: notice.id } : {}),
                status: notice.status,
              }
              send(`event: ${notice.subject}\ndata: ${JSON.stringify(data)}\n\n`)
            },
            missed: () => send('event: missed\ndata: {}\n\n'),
          })
          const heart = setInterval(() => send(': still here\n\n'), heartbeatMs)
          heart.unref()
          release = () => {
            open.delete(end)
            clearInterval(heart)
            unsubscribe()
          }
          end = () => {
            release()
            controller.close()
          }
          open.add(end)
          send('retry: 1000\nevent: ready\ndata: {}\n\n')
        },
        // The client has gone.
        cancel: () => release(),
      },
      { highWaterMark: 0 },
    )
  }

  return {
    routes: [
      route({
        method: 'GET',
        path: '/scanner/api/v1/events',
        operationId: 'streamEvents',
        summary: 'Changes of captures and sessions as they happen, as server-sent events',
        access: 'read',
        query: z.strictObject({ session_id: referenceSchema.optional() }),
        success: { status: 200, schema: z.string(), contentType: 'text/event-stream' },
        refusals: ['not_found'],
        async handle({ query, credential, db }) {
          const sessionId = query.session_id === undefined ? undefined : (idFromReference(query.session_id) ?? '')
          if (sessionId !== undefined && !(await findSession(db, credential, sessionId))) return missing('session')
          return {
            status: 200,
            headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' },
            stream: stream(credential.organizationId, sessionId),
          }
        },
      }),
    ],
    close() {
      for (const end of open) end()
      return Promise.resolve()
    },
  }
}
