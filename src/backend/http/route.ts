import type { z } from 'zod'
import type { Db } from '../db/database.ts'
import type { Role } from '../db/tables.ts'
import type { ProblemCode } from '#contract/backend/problem.ts'
import type { Answer, Refusal } from './answer.ts'
import type { UploadedImage } from '../media/media.ts'

/** Who is asking, as far as the handlers need to know. */
export interface Credential {
  /** Names key or user towards the idempotency store and the rate limiter. */
  readonly subject: string
  /** The key's name or the user's e-mail address, for the history. */
  readonly name: string
  readonly kind: 'key' | 'cookie' | 'none'
  readonly organizationId: string
  readonly role: Role
  /** Requests a minute; 0 for the server's own limit. */
  readonly rateLimitPerMinute: number
  /** Requests a day; 0 for the server's own limit. */
  readonly rateLimitPerDay: number
}

/** One request, checked: everything in it is what the route's schemas say. */
export interface Call<Query = unknown, Body = unknown> {
  /** The path's first parameter; empty when it has none. */
  readonly param: string
  /** All of the path's parameters: ids as shortuuids, `gtin` and `token` as given. */
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly body: Body
  /** The photo of the request. */
  readonly image: UploadedImage | undefined
  readonly credential: Credential
  /** Where the client reached this server, e.g. `http://127.0.0.1:4800`. */
  readonly origin: string
  readonly headers: Headers
  readonly at: Date
  /** Writes get a transaction: it commits when an answer is given, together with the stored idempotent answer. */
  readonly db: Db
}

/** What is known of a request before its body. */
export type Admission = Pick<Call, 'params' | 'at'>

interface RouteBase {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** As documented, with `{id}`, `{session_id}` and the like, `{gtin}` or `{token}`. */
  readonly path: string
  readonly operationId: string
  readonly summary: string
  /**
   * `none` needs no credential, and `signed` has it in the path's token, which `admit` checks; `write` is refused to
   * read-only keys. `write` and `signed` run in a transaction.
   */
  readonly access: 'none' | 'read' | 'write' | 'signed'
  /** Of a route without a credential: how often an address may try in a minute, whatever the server's limit. */
  readonly attemptsPerMinute?: number
  /** Under no limit of requests. */
  readonly isFree?: boolean
  /** Only managers are let through. */
  readonly isForManagers?: boolean
  /** Asked before the body is read; answers a refusal, or undefined to let the request through. */
  readonly admit?: (call: Admission) => Refusal | undefined
  readonly success: {
    readonly status: 200 | 201 | 202 | 204
    readonly schema?: z.ZodType
    /** `application/json` unless said. */
    readonly contentType?: string
  }
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
  readonly file?: string
  readonly takesPhoto?: boolean
  readonly handle: (call: Call) => Answer | Promise<Answer>
  readonly handleMany?: (calls: readonly Call[], db: Db) => Promise<readonly Answer[]>
}

/** Declares a route: the handler sees the types of its schemas. */
export function route<Query extends z.ZodType = z.ZodUnknown, Body extends z.ZodType = z.ZodUnknown>(
  row: RouteBase & {
    readonly query?: Query
    /** A JSON body. */
    readonly body?: Body
    /** The fields of a multipart body that has a photo. */
    readonly form?: Body
    /** The name of the photo's part; `image` unless said. */
    readonly file?: string
    /** The body is nothing but a photo. */
    readonly takesPhoto?: boolean
    readonly handle: (call: Call<z.output<Query>, z.output<Body>>) => Answer | Promise<Answer>
    /** The same for many calls that came together: they share a transaction, and fail together. */
    readonly handleMany?: (
      calls: readonly Call<z.output<Query>, z.output<Body>>[],
      db: Db,
    ) => Promise<readonly Answer[]>
  },
): Route {
  // The router hands a route only what its own schemas parsed, which is what this cast says.
  return row as unknown as Route
}

/** The names of a path's parameters, in their order. */
export function parameterNames(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
}

/** A path as the router has it, with `:id` for `{id}`. */
export function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}
