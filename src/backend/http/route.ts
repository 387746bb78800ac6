import type { z } from 'zod'
import type { Db } from '../db/database.ts'
import type { Role } from '../db/tables.ts'
import type { ProblemCode } from '#contract/backend/problem.ts'
import type { Answer } from './answer.ts'
import type { UploadedImage } from '../media/media.ts'

/** Who is asking, as far as the handlers need to know. */
export interface Credential {
  /** Names key or user towards the idempotency store and the rate limiter. */
  readonly subject: string
  readonly kind: 'key' | 'cookie' | 'none'
  readonly organizationId: string
  readonly role: Role
  /** Requests a minute; 0 for the server's own limit. */
  readonly rateLimitPerMinute: number
}

/** One request, checked: everything in it is what the route's schemas say. */
export interface Call<Query = unknown, Body = unknown> {
  /** The path's `{id}` as shortuuid, or its `{gtin}` as given; empty when the path has none. */
  readonly param: string
  readonly query: Query
  readonly body: Body
  /** The photo of a multipart request. */
  readonly image: UploadedImage | undefined
  readonly credential: Credential
  readonly at: Date
  /** Writes get a transaction: it commits when an answer is given, together with the stored idempotent answer. */
  readonly db: Db
}

interface RouteBase {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** As documented, with `{id}` or `{gtin}`. */
  readonly path: string
  readonly operationId: string
  readonly summary: string
  /** `none` needs no credential; `write` is refused to read-only keys and runs in a transaction. */
  readonly access: 'none' | 'read' | 'write'
  readonly success: { readonly status: 200 | 201 | 204; readonly schema?: z.ZodType; readonly contentType?: string }
  /** Refusals of its own, beside those that follow from access, parameters and body. */
  readonly refusals?: readonly ProblemCode[]
  /** It makes something: an `Idempotency-Key` is honoured. */
  readonly idempotent?: boolean
  /** It may leave work for the pipeline. */
  readonly queues?: boolean
}

/** A row of the route table, from which both the router and the OpenAPI document are made. */
export interface Route extends RouteBase {
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  readonly form?: z.ZodType
  readonly handle: (call: Call) => Answer | Promise<Answer>
}

/** Declares a route: the handler sees the types of its schemas. */
export function route<Query extends z.ZodType = z.ZodUnknown, Body extends z.ZodType = z.ZodUnknown>(
  row: RouteBase & {
    readonly query?: Query
    /** A JSON body. */
    readonly body?: Body
    /** The fields of a multipart body that has a part `image`. */
    readonly form?: Body
    readonly handle: (call: Call<z.output<Query>, z.output<Body>>) => Answer | Promise<Answer>
  },
): Route {
  // The router hands a route only what its own schemas parsed, which is what this cast says.
  return row as unknown as Route
}
