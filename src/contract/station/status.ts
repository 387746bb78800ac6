import { z } from 'zod'
import { idSchema, instantSchema } from '#contract/station/values.ts'

export const deviceKindSchema = z.enum(['wedge', 'camera', 'stdin', 'scanner', 'folder'])
/** `detected`: it is there, `opening`: it is being opened; `busy`: another program has it; `refused`: no permission. */
export const deviceStateSchema = z.enum(['detected', 'opening', 'ready', 'busy', 'unplugged', 'refused', 'failed'])

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

/** A device has sent more, or less, than the station has answered: somebody must look. */
export const disagreementSchema = z.object({
  id: idSchema,
  at: instantSchema,
  deviceId: z.string(),
  deviceName: z.string(),
  /** Reads of the device, and the station's answers to them, since the station started. */
  events: z.number().int(),
  answers: z.number().int(),
})
export type Disagreement = z.infer<typeof disagreementSchema>

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
  /** While it is set, what devices read is shown and not captured. It ends by itself. */
  test: z.object({ until: instantSchema }).nullable(),
  /** While it is set, the scanner that reads the code is offered a name; `found` once one has. */
  pairing: z
    .object({
      code: z.string(),
      until: instantSchema,
      found: z.object({ deviceId: z.string(), deviceName: z.string(), kind: deviceKindSchema }).nullable(),
    })
    .nullable(),
  /** Device events and commits that do not add up, each until a person acknowledges it. */
  disagreements: z.array(disagreementSchema),
  storage: z.object({
    state: z.enum(['ok', 'low', 'full']),
    freeBytes: z.number().nullable(),
    /** Set when the store was found corrupt at start: where the damaged file is kept and what was rebuilt. */
    recovered: z.object({ at: instantSchema, setAsideAs: z.string(), captures: z.number().int() }).nullable(),
  }),
})
export type StationStatus = z.infer<typeof stationStatusSchema>
