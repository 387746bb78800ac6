import { z } from 'zod'
import { clockReadingSchema } from '#contract/station/ledger.ts'
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
/** As a store keeps them: null for one that another version wrote otherwise. */
export const keptDisagreementsSchema = z.array(disagreementSchema.nullable().catch(null))
export type Disagreement = z.infer<typeof disagreementSchema>

/** A service level, in milliseconds, over the last thousand. */
const serviceSchema = z.object({ p50Ms: z.number(), p95Ms: z.number(), p99Ms: z.number() })
export type ServiceLevel = z.infer<typeof serviceSchema>

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
    /** Of those waiting: their answer was lost, and the backend is being read back. */
    inDoubt: z.number().int(),
    /** Of those parked: whether the backend has them could not be told. */
    undecided: z.number().int(),
    /** Captures a second over the last half minute; 0 when none went out. */
    ratePerSecond: z.number(),
    /** How long an answer takes; null when none came since the start. */
    sending: serviceSchema.nullable(),
    /** How long a scan takes until it is durable; null when none was taken since the start. */
    saving: serviceSchema.nullable(),
    /** Photos on their way: bytes handed to the network of bytes in all. */
    uploads: z.array(z.object({ captureId: z.string(), sentBytes: z.number(), totalBytes: z.number() })),
    oldestWaitingAt: instantSchema.nullable(),
    nextAttemptAt: instantSchema.nullable(),
  }),
  devices: z.array(deviceSchema),
  /** Without staff, everybody may do everything. */
  staff: z.object({ isProtected: z.boolean() }),
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
  /** The machine's clock against the servers' and against itself. */
  clock: z.object({
    /** `unchecked`: no server has told its time yet. `wrong`: by more than a minute, for certain. */
    state: z.enum(['unchecked', 'right', 'wrong']),
    error: clockReadingSchema,
    /** The last time it was set while the station ran, and by how much. */
    jumped: z.object({ at: instantSchema, byMs: z.number().int() }).nullable(),
  }),
  storage: z.object({
    state: z.enum(['ok', 'low', 'full']),
    freeBytes: z.number().nullable(),
    /** Photos are refused with `photos_full` while the room for them is used up. */
    arePhotosStopped: z.boolean(),
    /** A check beside the running station has found the store corrupt: the next start rebuilds it. */
    isDamaged: z.boolean(),
    /** Set when the store was found corrupt at start: where the damaged file is kept and what was rebuilt. */
    recovered: z.object({ at: instantSchema, setAsideAs: z.string(), captures: z.number().int() }).nullable(),
  }),
})
export type StationStatus = z.infer<typeof stationStatusSchema>
