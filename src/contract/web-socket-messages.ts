import { z } from 'zod'
import type { Result } from '#contract/result.ts'

/** The WebSocket carrier's messages from a window: one JSON object each. */
export const clientMessageSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('call'),
    id: z.number().int().nonnegative(),
    name: z.string().max(100),
    // JSON leaves out what is undefined; whether a procedure can do without is its own schema's business.
    input: z.unknown().optional(),
  }),
  z.strictObject({ kind: z.literal('subscribe'), topic: z.string().max(100) }),
  z.strictObject({ kind: z.literal('unsubscribe'), topic: z.string().max(100) }),
])
export type ClientMessage = z.infer<typeof clientMessageSchema>

/** The WebSocket carrier's messages to a window. */
export type ServerMessage =
  | { readonly kind: 'result'; readonly id: number; readonly result: Result<unknown> }
  | { readonly kind: 'event'; readonly topic: string; readonly payload: unknown }
