import type { z } from 'zod'
import { fail, type Result } from '#contract/result.ts'
import type { ProcedureDefinition } from '#contract/transport.ts'

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
 * throws has a bug: `onBug` gets the error, the caller only `internal`.
 */
export function createDispatch<P extends Record<string, ProcedureDefinition>>(
  definitions: P,
  handlers: ProcedureHandlers<P>,
  onBug: (name: string, error: unknown) => void,
): (name: string, input: unknown) => Promise<Result<unknown>> {
  return async (name, input) => {
    const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined
    if (definition === undefined || !Object.hasOwn(handlers, name)) return fail('not_found', 'no such procedure')
    const handle = handlers[name] as (parsed: unknown) => Result<unknown> | Promise<Result<unknown>>
    try {
      const parsed = await definition.input.safeParseAsync(input)
      if (!parsed.success) {
        const details = parsed.error.issues.slice(0, maxDetails).map((issue) => ({
          field: issue.path.map(String).join('.'),
          message: issue.message,
        }))
        return fail('invalid_input', `${name}: ${details.map(sentence).join('; ')}`, details)
      }
      return await handle(parsed.data)
    } catch (error) {
      onBug(name, error)
      return fail('internal', 'an unexpected fault; the log has the details')
    }
  }
}

/** A hostile input can have a fault in each of its many fields; nobody reads more of them. */
const maxDetails = 20

function sentence(detail: { readonly field: string; readonly message: string }): string {
  return detail.field === '' ? detail.message : `${detail.field}: ${detail.message}`
}
