import { randomUUID } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'

const ids = new WeakMap<Request, string>()

/** Names each request as its client or proxy does in `X-Request-Id`, or anew, and says so in the answer. */
export const nameRequest: MiddlewareHandler = async (context, next) => {
  const given = context.req.header('x-request-id') ?? ''
  const id = /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID()
  ids.set(context.req.raw, id)
  await next()
  context.res.headers.set('X-Request-Id', id)
}

/** What the request is called. */
export function requestIdOf(request: Request): string {
  return ids.get(request) ?? ''
}
