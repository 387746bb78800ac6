import { z } from 'zod'

/** What a keyboard scanner makes of codes on this machine, and how to undo it. */
export const calibrationSchema = z.strictObject({
  /** What it types before and after each code. */
  prefix: z.string().max(20),
  suffix: z.string().max(20),
  /** One or two characters as they arrive -> what they mean; what is not there means itself. */
  characters: z.record(z.string().min(1).max(2), z.string().min(1).max(2)),
  /** What arrives for the GS1 group separator; null when it arrives as itself, or as nothing that can be told. */
  groupSeparator: z.string().min(1).max(10).nullable(),
})
export type Calibration = z.infer<typeof calibrationSchema>
