import { z } from 'zod'
import { errorCodes } from '#contract/result.ts'
import { idSchema, mediaHashSchema } from '#contract/station/values.ts'

/** What one camera gave at a shot: the photo, saved, or why there is none. */
export const shotSchema = z.object({
  camera: z.string().max(300),
  photo: mediaHashSchema.nullable(),
  error: z.object({ code: z.enum(errorCodes), message: z.string().max(500) }).nullable(),
})
export type Shot = z.infer<typeof shotSchema>

/** What a window says of a shot that it was asked for. */
export const shootReportSchema = z.strictObject({ id: idSchema, shots: z.array(shotSchema).max(50) })
