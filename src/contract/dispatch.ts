import type { z } from 'zod'
import { fail, type AppError, type Result } from '#contract/result.ts'
import type { Purpose } from '#contract/station/staff.ts'
import type { ProcedureDefinition } from '#contract/transport.ts'

/** Says why a grant does not allow a procedure; null when it does. Without it everything is allowed. */
export type Authorise = (purpose: Purpose, grant: string | null, name: string) => AppError | null

/** One handler for each definition; it gets parsed input and answers a Result. */
export type ProcedureHandlers<P extends Record<string, ProcedureDefinition>> = {
  readonly [N in keyof P]: (
    input: z.output<P[N]['input']>,
  ) => Result<z.output<P[N]['output']>> | Promise<Result<z.output<P[N]['output']>>>
}

/**
 * Turns definitions and their handlers into the one function behind every carrier's `call`.
 *
 * Input is hostile: a name that is no own property (`__proto__`, `constructor`) answers `not_found`, input that
 * does not fit its schema `invalid_input` with the fields at fault; neither reaches a handler. A handler that
 * throws has a bug: `onBug` gets the error, the caller only `internal`. A procedure with a purpose is asked of `authorise`,
 * with the `grant` of the input, after the input was found to fit.
 */
export function createDispatch<P extends Record<string, ProcedureDefinition>>(
  definitions: P,
  handlers: ProcedureHandlers<P>,
  onBug: (name: string, error: unknown) => void,
  authorise: Authorise = () => null,
): (name: string, input: unknown) => Promise<Result<unknown>> {
  return async (name, input) => {
    const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined
    if (definition === undefined || !Object.hasOwn(handlers, name)) return fail('not_found', 'no such procedure')
    const handle = handlers[name] as (parsed: unknown) => Result<unknown> | Promise<Result<unknown>>
    try {
      const { grant, rest } = definition.purpose === undefined ? { grant: null, rest: input } : takeGrant(input)
      const parsed = await definition.input.safeParseAsync(rest)
      if (!parsed.success) {
        const details = parsed.error.issues.slice(0, maxDetails).map((issue) => ({
          field: issue.path.map(String).join('.'),
          message: issue.message,
        }))
        return fail('invalid_input', `${name}: ${details.map(sentence).join('; ')}`, details)
      }
      const purpose =
        typeof definition.purpose === 'function' ? definition.purpose(parsed.data as never) : definition.purpose
      const refusal = purpose ? authorise(purpose, grant, name) : null
      return refusal ? { ok: false, error: refusal } : await handle(parsed.data)
    } catch (error) {
      onBug(name, error)
      return fail('internal', 'an unexpected fault; the log has the details')
    }
  }
}

/** Takes the grant out of an input, whose schema knows nothing of it. */
function takeGrant(input: unknown): { grant: string | null; rest: unknown } {
  if (typeof input !== 'object' || input === null || !Object.hasOwn(input, 'grant')) return { grant: null, rest: input }
  const { grant, ...rest } = input as Record<string, unknown>
  return { grant: typeof grant === 'string' ? grant : null, rest }
}

/** A hostile input can have a fault in each of its many fields; nobody reads more of them. */
const maxDetails = 20

function sentence(detail: { readonly field: string; readonly message: string }): string {
  return detail.field === '' ? detail.message : `${detail.field}: ${detail.message}`
}
