import { z } from 'zod'

/** What kind of server a scanned address leads through (contracts 1.7). */
export const resolverTypes = ['CLOSIENT', 'GS1_DL', 'URL_SHORTENER', 'DIRECT', 'UNKNOWN'] as const

/** The road of a scanned address, from redirect to redirect. */
export const qrAnalysisSchema = z
  .object({
    initial_url: z.string(),
    /** Where it ended, or was stopped. */
    final_url: z.string(),
    hops: z.array(z.object({ url: z.string(), status_code: z.int(), headers: z.record(z.string(), z.string()) })),
    hop_count: z.int(),
    resolver_domain: z.string(),
    resolver_type: z.enum(resolverTypes),
    is_closient_resolver: z.boolean(),
    /** GTIN-14 of the first Digital Link on the road; empty when none has one. */
    extracted_gtin: z.string(),
    /** Why the road was not gone to its end; empty when it was. */
    error_message: z.string(),
  })
  .meta({ id: 'QrAnalysis' })
export type QrAnalysis = z.infer<typeof qrAnalysisSchema>
