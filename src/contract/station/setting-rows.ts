import { z } from 'zod'

/** Who sets a setting; each one goes before those in front of it. */
export const settingLayerSchema = z.enum(['built_in', 'site', 'group', 'station'])
export type SettingLayer = z.infer<typeof settingLayerSchema>

/** One setting: what it is, and where that comes from. */
export const settingRowSchema = z.object({
  /** Such as `sound.volume`. */
  path: z.string(),
  value: z.unknown(),
  source: settingLayerSchema,
  /** What each layer that sets it says. */
  layers: z.partialRecord(settingLayerSchema, z.unknown()),
  /** Whether a site may set it for its stations. */
  isFleet: z.boolean(),
  /** What it does, in English. */
  help: z.string(),
})
export type SettingRow = z.infer<typeof settingRowSchema>
