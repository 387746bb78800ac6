import { z } from 'zod'

/** What a backend's answer proves of itself: its status and its own clock, as its `Date` header has it. */
export const receiptSchema = z.strictObject({ status: z.number().int(), date: z.string().nullable() })
export type Receipt = z.infer<typeof receiptSchema>
