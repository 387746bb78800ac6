import { z } from 'zod'
import { photoRoleSchema } from '#contract/station/camera-settings.ts'
import { instantSchema } from '#contract/station/values.ts'

/**
 * Why a file of a watched folder was not taken. `raw`: a RAW file without a JPEG beside it; `unsupported`: another
 * kind of picture; `incomplete`: it ends too early and grows no more; the rest as the station's errors.
 */
export const fileProblemSchema = z.enum(['raw', 'unsupported', 'incomplete', 'too_large', 'unreadable', 'failed'])
export type FileProblem = z.infer<typeof fileProblemSchema>

/** A watched folder as it stands. */
export const folderStatusSchema = z.object({
  id: z.string(),
  path: z.string(),
  role: photoRoleSchema,
  /** `waiting`: photos are there, and no session to put them into; `full`: and no room for them. */
  state: z.enum(['watching', 'waiting', 'full', 'missing', 'off']),
  /** Photos taken since the station started. */
  taken: z.number().int(),
  /** Files that are there and neither taken nor refused. */
  waiting: z.number().int(),
  /** At most 50, the newest first. */
  problems: z.array(z.object({ file: z.string(), problem: fileProblemSchema, detail: z.string(), at: instantSchema })),
})
export type FolderStatus = z.infer<typeof folderStatusSchema>
