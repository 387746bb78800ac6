import { z } from 'zod'
import { photoTypeSchema } from '#contract/backend/photo-type.ts'

/** What a photo shows; it is the role of the camera or the folder that it comes from. */
export const photoRoleSchema = photoTypeSchema
export type PhotoRole = z.infer<typeof photoRoleSchema>

/** Lens and light, in the browser's words and units; a field that is absent is left as the camera has it. */
export const cameraControlsSchema = z.strictObject({
  torch: z.boolean().optional(),
  zoom: z.number().optional(),
  focusMode: z.enum(['continuous', 'manual']).optional(),
  /** In metres, as far as the camera knows. */
  focusDistance: z.number().optional(),
  exposureMode: z.enum(['continuous', 'manual']).optional(),
  /** In units of 100 microseconds. */
  exposureTime: z.number().optional(),
  /** In stops. */
  exposureCompensation: z.number().optional(),
  whiteBalanceMode: z.enum(['continuous', 'manual']).optional(),
  /** In kelvin. */
  colorTemperature: z.number().optional(),
  brightness: z.number().optional(),
  contrast: z.number().optional(),
  sharpness: z.number().optional(),
})
export type CameraControls = z.infer<typeof cameraControlsSchema>

/** A camera of the window that the station remembers: how it is known again, and how it is set. */
export const rememberedCameraSchema = z.strictObject({
  id: z.string().min(1).max(100),
  /** As the system names it. */
  label: z.string().max(300),
  /** The browser's names of the camera and of the machine part it belongs to; they may change at a replug. */
  deviceId: z.string().max(300),
  groupId: z.string().max(300).default(''),
  role: photoRoleSchema.default('other'),
  /** Whether it takes a photo with each shot. */
  shoots: z.boolean().default(false),
  /** The size of its picture in pixels; null for the usual one. */
  size: z
    .strictObject({ width: z.number().int().min(160).max(16_384), height: z.number().int().min(120).max(16_384) })
    .nullable()
    .default(null),
  controls: cameraControlsSchema.prefault({}),
})
export type RememberedCamera = z.infer<typeof rememberedCameraSchema>

/** A folder in which another program puts photos: that of a tethered camera, say. */
export const watchedFolderSchema = z.strictObject({
  id: z.string().min(1).max(100),
  path: z.string().min(1).max(1_000),
  role: photoRoleSchema.default('other'),
  enabled: z.boolean().default(true),
})
export type WatchedFolder = z.infer<typeof watchedFolderSchema>
