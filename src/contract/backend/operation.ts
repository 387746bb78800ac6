import { z } from 'zod'

/** What of photos a server reads: codes into GTINs, and what is printed on labels into proposals. */
const photosReadSchema = z.object({ codes: z.boolean(), labels: z.boolean() })
export type PhotosRead = z.infer<typeof photosReadSchema>

/** `GET /readyz`, 200; ours, so that of another server nothing is known. */
export const readinessSchema = z.object({ status: z.literal('ready'), photos: photosReadSchema })
export type Readiness = z.infer<typeof readinessSchema>
