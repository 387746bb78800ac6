import { z } from 'zod'
import { symbologySchema } from '#contract/symbology.ts'
import { instantSchema } from '#contract/station/values.ts'
import { deviceSchema } from '#contract/station/status.ts'
import { deviceRoleSchema } from '#contract/station/scanner-settings.ts'

/** How a scanner presents itself to the computer. */
export const deviceClassSchema = z.enum([
  'hid-pos',
  'hid-keyboard',
  'simple-com',
  'cdc',
  'serial',
  'pcsc',
  'undocumented',
])
export type DeviceClass = z.infer<typeof deviceClassSchema>

/** How the bytes of a device come into the station; `window` is a keyboard that types, read by the window's wedge. */
export const deviceRoadSchema = z.enum(['usb', 'node-hid', 'serialport', 'pcsc', 'window', 'none'])
export type DeviceRoad = z.infer<typeof deviceRoadSchema>

/** What a device says of itself, and how it is read. */
export const deviceFactsSchema = z.object({
  /** Null for a serial port that says nothing of what is behind it. */
  vendorId: z.number().int().nullable(),
  productId: z.number().int().nullable(),
  maker: z.string().max(200),
  product: z.string().max(200),
  /** Empty where it has none; then `port` is what it is known by after a replug. */
  serial: z.string().max(200),
  port: z.string().max(500),
  class: deviceClassSchema,
  road: deviceRoadSchema,
})
export type DeviceFacts = z.infer<typeof deviceFactsSchema>

/** What became of everything that a device sent, since the station started. */
export const deviceCountsSchema = z.object({
  reads: z.number().int(),
  saved: z.number().int(),
  /** Reads that the station refused or failed to save. */
  notSaved: z.number().int(),
  /** Codes dropped because they began too soon after opening. */
  stale: z.number().int(),
  /** Reads that are no scan: too long. */
  strange: z.number().int(),
  /** Codes under way when the scanner was pulled out, and halves of codes. */
  torn: z.number().int(),
  /** Connections that ended by themselves. */
  ends: z.number().int(),
})
export type DeviceCounts = z.infer<typeof deviceCountsSchema>

/** What the station answered to a read; `sound` and `unsound` are verdicts of the test mode: nothing was saved. */
export const readOutcomeSchema = z.enum([
  ...(['saved', 'repeated', 'ignored', 'rejected', 'joined', 'control'] as const),
  ...(['sound', 'unsound', 'not_saved'] as const),
])

/** One read of a device, with what became of it. */
export const deviceReadSchema = z.object({
  at: instantSchema,
  deviceId: z.string(),
  deviceName: z.string(),
  text: z.string(),
  aim: z.string().nullable(),
  /** What its reader says it read, as `nfc`; most say it by the AIM identifier, or not at all. */
  symbology: symbologySchema.optional(),
  /** The bytes as they came, in hex, the first 512 of them; null for what came as keys or from a picture. */
  hex: z.string().nullable(),
  byteCount: z.number().int().nullable(),
  outcome: readOutcomeSchema,
  /** From its last byte to the answer, which comes after the commit; null when that is not known. */
  answeredMs: z.number().nullable(),
})
export type DeviceRead = z.infer<typeof deviceReadSchema>

export const deviceErrorSchema = z.object({
  at: instantSchema,
  code: z.enum(['not_saved', 'busy', 'refused', 'failed', 'ended', 'torn', 'strange']),
  detail: z.string().max(500),
})
export type DeviceError = z.infer<typeof deviceErrorSchema>

/** How a device can be told what became of a read. */
export const signalSchema = z.enum(['good', 'bad'])

/** Everything that is known of a device. */
export const deviceDetailsSchema = deviceSchema.extend({
  facts: deviceFactsSchema.nullable(),
  role: deviceRoleSchema,
  place: z.string(),
  /** It has settings of its own, and stays in the list when it is unplugged. */
  isKept: z.boolean(),
  counts: deviceCountsSchema,
  /** Reads in the last minute. */
  perMinute: z.number().int(),
  /** From the last byte of a read to its durable answer, over the last 500 reads; null before the first. */
  latency: z.object({ reads: z.number().int(), p50Ms: z.number(), p95Ms: z.number(), p99Ms: z.number() }).nullable(),
  last: deviceReadSchema.nullable(),
  /** What its own beeper can be made to say. */
  signals: z.array(signalSchema),
  /** Newest first, at most 20. */
  errors: z.array(deviceErrorSchema),
  /** The rule that lets this account open it; only for a device that may not be opened, on Linux. */
  permission: z.object({ path: z.string(), rule: z.string() }).nullable(),
})
export type DeviceDetails = z.infer<typeof deviceDetailsSchema>

/** All devices, and the one table that says how each class is read where. */
export const deviceListSchema = z.object({
  devices: z.array(deviceDetailsSchema),
  platform: z.string(),
  roads: z.array(z.object({ platform: z.string(), class: deviceClassSchema, road: deviceRoadSchema })),
})
export type DeviceList = z.infer<typeof deviceListSchema>

/** Ids of window-driven devices; all others are named by their finders. */
export const windowDevices = { wedge: 'wedge', camera: 'camera' } as const
