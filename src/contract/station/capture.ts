import { z } from 'zod'
import { symbologySchema } from '#contract/symbology.ts'
import { photoRoleSchema } from '#contract/station/camera-settings.ts'
import { photoQualitySchema } from '#contract/station/photo-quality.ts'
import { idSchema, instantSchema, mediaHashSchema } from '#contract/station/values.ts'

/** How a capture came about, in the Scanner API's words. */
export const captureTypeSchema = z.enum(['BARCODE', 'IMAGE', 'MANUAL'])
export type CaptureType = z.infer<typeof captureTypeSchema>

/**
 * Where the backend's pipeline has a capture. `PENDING` until the backend says otherwise;
 * `unknown` is a word of a newer backend that this station does not know.
 */
export const captureStateSchema = z.enum([
  'PENDING',
  'LOOKING_UP',
  'ENRICHING',
  'RESOLVING',
  'COMPLETED',
  'FAILED',
  'NOT_FOUND',
  'unknown',
])
export type CaptureState = z.infer<typeof captureStateSchema>

/** What became of a scan on the station. Rows are never deleted; only `counted` ones count and are sent. */
export const dispositionSchema = z.enum(['counted', 'ignored', 'rejected', 'undone'])
export type Disposition = z.infer<typeof dispositionSchema>

/**
 * The road to the backend: `none` for what is not to be sent, `checking` while the backend is read back after a lost
 * answer, `parked` for what the backend refused, `undecided` when reading back could not tell whether the backend has it,
 * `discarded` for a refused one that a person has given up.
 */
export const syncStateSchema = z.enum([
  'none',
  'waiting',
  'sending',
  'checking',
  'sent',
  'parked',
  'undecided',
  'discarded',
])
export type SyncState = z.infer<typeof syncStateSchema>

/** Where a scan came from. */
export const scanSourceSchema = z.enum(['wedge', 'camera', 'photo', 'manual', 'stdin', 'device'])
export type ScanSource = z.infer<typeof scanSourceSchema>

/** What is known of a product that a capture was matched with. */
export const matchedProductSchema = z.object({
  id: z.string(),
  gtin: z.string(),
  name: z.string(),
  brand: z.string(),
  netContent: z.string(),
})
export type MatchedProduct = z.infer<typeof matchedProductSchema>

/** The two or five digits beside an EAN or UPC: a periodical's issue, a book's price. */
export const addOnSchema = z.string().regex(/^(?:\d{2}|\d{5})$/)

/** One of several codes of one item, as it was read. */
export const markSchema = z.object({
  /** Verbatim, control characters included; only an AIM prefix is taken off. */
  raw: z.string(),
  symbologyIdentifier: z.string().nullable(),
  symbology: symbologySchema,
  addOn: addOnSchema.nullable(),
  elements: z.array(z.object({ ai: z.string(), value: z.string() })),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
  source: scanSourceSchema,
  deviceName: z.string(),
  /** Null where no device with an id read it. */
  deviceId: z.string().nullable(),
  /** The code as it came, in hex; null where keys or a picture were taken as they are. */
  bytes: z.string().nullable(),
  readAt: instantSchema,
})
export type Mark = z.infer<typeof markSchema>

/**
 * A counted item, or a scan that does not count. Where a trigger or a photo read several codes of one item, `raw`, symbology,
 * elements and warnings are those of the richest that came before it was first sent.
 */
export const captureSchema = z.object({
  /** UUIDv7; also the idempotency key towards the backend. */
  id: idSchema,
  /** The station's running number: strictly increasing over all sessions, in order of commit. */
  sequence: z.number().int(),
  sessionId: idSchema,
  type: captureTypeSchema,
  source: scanSourceSchema,
  /** The device that read it, as the device list names it; empty when typed. */
  deviceName: z.string(),
  /** Verbatim, control characters included; only an AIM prefix is taken off. */
  raw: z.string(),
  /** The AIM symbology identifier, as `]E0`, when the reader sent one. */
  symbologyIdentifier: z.string().nullable(),
  symbology: symbologySchema,
  /** GTIN-14 when the value holds one with a right check digit. */
  gtin: z.string().nullable(),
  /** What stands beside the code of a periodical or book; null where nothing was read there. */
  addOn: addOnSchema.nullable(),
  /** GS1 Application Identifiers in order of appearance. */
  elements: z.array(z.object({ ai: z.string(), value: z.string() })),
  /** What is odd about the value: codes and English sentences of the parser. */
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
  quantity: z.number().int(),
  disposition: dispositionSchema,
  /** How often this item had been counted in the session before this scan. */
  repeatOf: z.number().int(),
  capturedAt: instantSchema,
  state: captureStateSchema,
  sync: syncStateSchema,
  attempts: z.number().int(),
  nextAttemptAt: instantSchema.nullable(),
  /** Why it is not sent: the backend's own words, or the network's. */
  syncError: z.object({ code: z.string(), message: z.string() }).nullable(),
  /** The backend's reason for FAILED; empty when none. */
  errorMessage: z.string(),
  remoteId: z.string().nullable(),
  product: matchedProductSchema.nullable(),
  /** The photo it came with: content hash of the original, served at `/media/<hash>`. */
  photo: mediaHashSchema.nullable(),
  /** What the photo shows, as its camera's or folder's role says. */
  photoRole: photoRoleSchema.nullable(),
  /** Where it was, as the last location barcode before it said. */
  location: z.string().nullable(),
  /** All codes that were read of the item, in order, the one it shows among them; empty when there was only one. */
  marks: z.array(markSchema),
})
export type Capture = z.infer<typeof captureSchema>

/** A capture with what is kept of its reading. */
export const captureDetailSchema = captureSchema.extend({
  /** Null for what was typed by hand or came without a device. */
  read: z
    .object({
      deviceId: z.string(),
      /**
       * The code as it came, in hex, before anything was made of it: from a scanner its bytes; from a calibrated
       * keyboard scanner what the keys typed, as UTF-8. Null where keys or a picture were taken as they are.
       */
      bytes: z.string().nullable(),
      /** When its last byte came, in milliseconds since the start of the station's process, never set back. */
      receivedMs: z.number(),
      /** From then until it was durable; null for the last captures before a crash. */
      commitMs: z.number().nullable(),
    })
    .nullable(),
})
export type CaptureDetail = z.infer<typeof captureDetailSchema>

/**
 * One read by one device, before anything is known about it. `data` may begin with the AIM identifier
 * (`]E04006381333931`); `aim` gives it apart.
 */
export const scanSchema = z.strictObject({
  data: z
    .string()
    .min(1)
    // The densest symbol (QR version 40) holds 7,089 digits; what is longer is no scan.
    .max(8_192),
  aim: z
    .string()
    .regex(/^\][A-Za-z][0-9A-Za-z]$/)
    .optional(),
  /** What a decoder saw: it knows UPC-A and UPC-E apart, which `]E0` does not. */
  symbology: symbologySchema.optional(),
  /** Where a decoder reports it apart from the number. */
  addOn: addOnSchema.optional(),
  source: scanSourceSchema.default('wedge'),
  deviceName: z.string().max(200).default(''),
  /** The device's id, as the device list has it. */
  deviceId: z.string().max(200).optional(),
  /** How long ago its last byte or key came, by the reader's own clock. */
  ageMs: z.number().min(0).max(600_000).optional(),
  /** What the keys typed, when that was repaired to become `data`. */
  typed: z.string().max(8_192).optional(),
})
export type Scan = z.infer<typeof scanSchema>

/**
 * The station's answer to a scan, given only after its row is durable.
 *
 * `saved`: counted for the first time. `repeated`: counted again (policy `count`).
 * `ignored` and `rejected`: the row is kept but does not count; `previous` tells when the item was first read.
 * `joined`: one more code of an item that is there already, of which nothing more is counted; `capture` is the item's, whose
 * disposition says whether it counts. A code that tells an item to be a repeat takes its capture out of the count, and is
 * answered `ignored` or `rejected`.
 */
export const scanOutcomeSchema = z.object({
  outcome: z.enum(['saved', 'repeated', 'ignored', 'rejected', 'joined']),
  capture: captureSchema,
  previous: z.object({ captureId: idSchema, capturedAt: instantSchema }).nullable(),
})
export type ScanOutcome = z.infer<typeof scanOutcomeSchema>

/** A photo's answer: what was captured from it, the codes that were read in it, and how fit it is to be read from. */
export const photoOutcomeSchema = z.object({
  photo: mediaHashSchema,
  outcomes: z.array(scanOutcomeSchema),
  codes: z.array(z.object({ text: z.string(), symbology: symbologySchema, addOn: addOnSchema.nullable() })),
  widthPixels: z.number().int(),
  heightPixels: z.number().int(),
  quality: photoQualitySchema,
})
export type PhotoOutcome = z.infer<typeof photoOutcomeSchema>

/** Which captures of a session the list shows. */
export const captureFilterSchema = z.enum(['all', 'found', 'not_found', 'waiting', 'problem', 'not_counted'])
export type CaptureFilter = z.infer<typeof captureFilterSchema>

export const listCapturesSchema = z.strictObject({
  sessionId: idSchema,
  filter: captureFilterSchema.default('all'),
  /** Matches raw value, GTIN and product name, case-insensitively. */
  search: z.string().max(200).default(''),
  /** Newest first; the number of rows to leave out. */
  offset: z.number().int().min(0).default(0),
  limit: z.number().int().min(1).max(500).default(100),
})

export const capturePageSchema = z.object({ captures: z.array(captureSchema), total: z.number().int() })
export type CapturePage = z.infer<typeof capturePageSchema>

/** An undecided capture's other side: what the backend has that may be it. */
export const candidatesSchema = z.object({
  /** When it was first sent, by the station's clock. */
  sentAt: instantSchema,
  candidates: z.array(
    z.object({
      remoteId: z.string(),
      /** By the backend's clock. */
      createdAt: instantSchema.nullable(),
      raw: z.string(),
      type: z.string(),
    }),
  ),
})
export type Candidates = z.infer<typeof candidatesSchema>
