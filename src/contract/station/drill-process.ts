import { z } from 'zod'
import { drillReportSchema, rehearsalSchema } from './drill.ts'

/**
 * The words between a drill that runs as a utility process and its host: only the host can start further processes there.
 * `id` names one of those; what they are told and say goes through as it is.
 */
export const fromDrillSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('rehearsed'), rehearsed: rehearsalSchema, total: z.number().int() }),
  z.strictObject({ kind: z.literal('report'), report: drillReportSchema }),
  z.strictObject({ kind: z.literal('failed'), message: z.string() }),
  z.strictObject({ kind: z.literal('start'), id: z.number().int(), process: z.enum(['backend', 'drill-station']) }),
  z.strictObject({ kind: z.literal('send'), id: z.number().int(), message: z.unknown() }),
  /** At once, whatever it is doing. */
  z.strictObject({ kind: z.literal('kill'), id: z.number().int() }),
])
export type FromDrill = z.infer<typeof fromDrillSchema>

export type ToDrill =
  | { readonly kind: 'begin'; readonly folder: string; readonly version: string }
  | { readonly kind: 'started'; readonly id: number; readonly pid: number }
  | { readonly kind: 'message'; readonly id: number; readonly message: unknown }
  | { readonly kind: 'exit'; readonly id: number; readonly reason: string }

/** What the drill tells a station that it may kill; it answers each `read` in their order with `FromDrillStation`. */
export type ToDrillStation =
  | { readonly kind: 'open'; readonly dataDir: string; readonly url: string; readonly apiKey: string }
  | { readonly kind: 'read'; readonly raw: string }
  /** Ends its session, sends what is left, and ends. */
  | { readonly kind: 'end' }
export type FromDrillStation = { readonly heard: 'saved' | 'refused' }
