import { z } from 'zod'

/** Every `error_code` this API answers with, with its status and title. */
export const problems = {
  bad_request: { status: 400, title: 'Bad Request' },
  unauthorized: { status: 401, title: 'Unauthorized' },
  forbidden: { status: 403, title: 'Forbidden' },
  not_found: { status: 404, title: 'Not Found' },
  method_not_allowed: { status: 405, title: 'Method Not Allowed' },
  conflict: { status: 409, title: 'Conflict' },
  payload_too_large: { status: 413, title: 'Payload Too Large' },
  unsupported_media_type: { status: 415, title: 'Unsupported Media Type' },
  validation_error: { status: 422, title: 'Validation Error' },
  unprocessable_entity: { status: 422, title: 'Unprocessable Entity' },
  rate_limited: { status: 429, title: 'Rate Limited' },
  internal_error: { status: 500, title: 'Internal Error' },
  service_unavailable: { status: 503, title: 'Service Unavailable' },
} as const
export type ProblemCode = keyof typeof problems

const fieldErrorSchema = z.object({ field: z.string(), message: z.string() })
export type FieldError = z.infer<typeof fieldErrorSchema>

/**
 * The one error body for both documented shapes: an RFC 9457 problem document whose extension member
 * `error` is the older envelope (contracts 1.8, 1.12). Sent as `application/problem+json`.
 */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    error_code: z.string(),
    retryable: z.boolean(),
    timestamp: z.iso.datetime(),
    errors: z.array(fieldErrorSchema).optional(),
    retry_after_seconds: z.int().optional(),
    error: z.object({
      code: z.string(),
      message: z.string(),
      status: z.int(),
      details: z.array(fieldErrorSchema).nullable(),
    }),
  })
  .meta({
    id: 'Problem',
    examples: [
      {
        type: 'https://closient.com/docs/errors/validation_error',
        title: 'Validation Error',
        status: 422,
        detail: 'gtin: must be 8, 12, 13, or 14 digits',
        error_code: 'validation_error',
        retryable: false,
        timestamp: '2026-11-21T09:30:00.000Z',
        errors: [{ field: 'gtin', message: 'must be 8, 12, 13, or 14 digits' }],
        error: {
          code: 'VALIDATION_ERROR',
          message: 'gtin: must be 8, 12, 13, or 14 digits',
          status: 422,
          details: [{ field: 'gtin', message: 'must be 8, 12, 13, or 14 digits' }],
        },
      },
    ],
  })
export type Problem = z.infer<typeof problemSchema>

/** What else a problem may carry besides its code and sentence. */
export interface ProblemExtras {
  readonly errors?: readonly FieldError[]
  readonly retryAfterSeconds?: number
}

/** Builds the error body. The older envelope's code is the upper-case word of the newer one. */
export function problemBody(code: ProblemCode, detail: string, at: Date, extras: ProblemExtras = {}): Problem {
  const { status, title } = problems[code]
  const errors = extras.errors?.map(({ field, message }) => ({ field, message }))
  return {
    type: `https://closient.com/docs/errors/${code}`,
    title,
    status,
    detail,
    error_code: code,
    retryable: status === 429 || status >= 500,
    timestamp: at.toISOString(),
    ...(errors === undefined ? {} : { errors }),
    ...(extras.retryAfterSeconds === undefined ? {} : { retry_after_seconds: extras.retryAfterSeconds }),
    error: { code: code.toUpperCase(), message: detail, status, details: errors ?? null },
  }
}

const foreignFields = z.array(z.looseObject({ field: z.string().catch(''), message: z.string().catch('') })).catch([])

/**
 * Reads a foreign error body of either documented shape, or of none: what is missing is empty.
 *
 * `code` is lower snake case whichever shape it came in; `fields` are the field-level faults.
 */
export const foreignProblemSchema = z
  .looseObject({
    status: z.number().optional().catch(undefined),
    title: z.string().catch(''),
    detail: z.unknown().optional(),
    error_code: z.string().catch(''),
    retryable: z.boolean().nullable().catch(null),
    retry_after_seconds: z.number().nullable().catch(null),
    errors: foreignFields,
    error: z
      .looseObject({
        code: z.string().catch(''),
        message: z.string().catch(''),
        status: z.number().optional().catch(undefined),
        details: foreignFields,
      })
      .optional()
      .catch(undefined),
  })
  .transform((body) => ({
    ...body,
    code: body.error_code || (body.error?.code ?? '').toLowerCase(),
    message:
      (typeof body.detail === 'string' ? body.detail : '') ||
      (body.error?.message ?? '') ||
      body.title ||
      // Django Ninja's own validation answer has a list in `detail`.
      (body.detail === undefined ? '' : JSON.stringify(body.detail)),
    fields: body.errors.length > 0 ? body.errors : (body.error?.details ?? []),
  }))
export type ForeignProblem = z.infer<typeof foreignProblemSchema>
