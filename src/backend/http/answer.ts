import type { FieldError, ProblemCode, ProblemExtras } from '#contract/backend/problem.ts'

/** What a handler answers: a status with its body, or a documented refusal. */
export type Answer = Success | Refusal

export interface Success {
  readonly status: number
  /** Sent as JSON; undefined sends no body. */
  readonly body?: unknown
  /** Sent as it comes, instead of `body`; its type is among the headers. */
  readonly stream?: ReadableStream<Uint8Array>
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: readonly string[]
}

export interface Refusal {
  readonly problem: ProblemCode
  readonly detail: string
  readonly extras?: ProblemExtras
  readonly headers?: Readonly<Record<string, string>>
}

/** 200 with a body. */
export function ok(body: unknown): Success {
  return { status: 200, body }
}

/** 201 with the new object. */
export function created(body: unknown): Success {
  return { status: 201, body }
}

/** 202 with the object that is being worked on. */
export function accepted(body: unknown): Success {
  return { status: 202, body }
}

/** 204. */
export function noContent(): Success {
  return { status: 204 }
}

/** A documented refusal; `detail` is one plain sentence for a person. */
export function refuse(problem: ProblemCode, detail: string, extras?: ProblemExtras): Refusal {
  return extras === undefined ? { problem, detail } : { problem, detail, extras }
}

/** 422 with the faults of named fields. */
export function invalid(...errors: readonly FieldError[]): Refusal {
  return refuse('validation_error', errors.map(({ field, message }) => `${field}: ${message}`).join('; '), { errors })
}

/** 404 for an object that does not exist, or not for this credential: the two are not told apart. */
export function missing(what: string): Refusal {
  return refuse('not_found', `There is no such ${what}.`)
}

/** Whether a handler refused. */
export function isRefusal(answer: Answer): answer is Refusal {
  return 'problem' in answer
}
