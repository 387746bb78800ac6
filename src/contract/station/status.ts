import { z } from 'zod'
import { instantSchema } from '#contract/station/values.ts'

export const deviceKindSchema = z.enum(['wedge', 'camera', 'stdin', 'scanner'])
export const deviceStateSchema = z.enum(['ready', 'busy', 'unplugged', 'refused', 'failed'])

export const deviceSchema = z.object({
  id: z.string().max(200),
  kind: deviceKindSchema,
  name: z.string().max(200),
  state: deviceStateSchema,
  /** What to do about a state that is not ready; empty otherwise. */
  advice: z.string().max(500),
  scans: z.number().int(),
  lastScanAt: instantSchema.nullable(),
})
export type Device = z.infer<typeof deviceSchema>

/** What a window tells of the devices it drives itself: its cameras and the keyboard wedge. */
export const reportDeviceSchema = z.strictObject({
  id: z.string().min(1).max(200),
  kind: deviceKindSchema,
  name: z.string().max(200),
  state: deviceStateSchema,
  advice: z.string().max(500).default(''),
})

/** The strip that is always on screen, whole. */
export const stationStatusSchema = z.object({
  stationId: z.string(),
  stationName: z.string(),
  version: z.string(),
  host: z.enum(['electron', 'web', 'cli']),
  now: instantSchema,
  backend: z.object({
    url: z.string().nullable(),
    /** `unconfigured`: no backend is set, captures stay on the station. */
    state: z.enum(['online', 'offline', 'unauthorised', 'unconfigured']),
    /** The last answer of the backend, whatever it said. */
    lastContactAt: instantSchema.nullable(),
    message: z.string().nullable(),
  }),
  queue: z.object({
    waiting: z.number().int(),
    parked: z.number().int(),
    oldestWaitingAt: instantSchema.nullable(),
    nextAttemptAt: instantSchema.nullable(),
  }),
  devices: z.array(deviceSchema),
  storage: z.object({
    state: z.enum(['ok', 'low', 'full']),
    freeBytes: z.number().nullable(),
    /** Set when the store was found corrupt at start: where the damaged file is kept and what was rebuilt. */
    recovered: z.object({ at: instantSchema, setAsideAs: z.string(), captures: z.number().int() }).nullable(),
  }),
})
export type StationStatus = z.infer<typeof stationStatusSchema>
