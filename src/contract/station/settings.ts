import { z } from 'zod'
import { gateSettingsSchema } from '#contract/station/gate.ts'
import { scannersSettingsSchema } from '#contract/station/scanner-settings.ts'
import { rememberedCameraSchema, watchedFolderSchema } from './camera-settings.ts'
import { calibrationSchema } from './calibration.ts'
import { reviewKeysSchema } from './review-keys.ts'
import { shootSettingsSchema } from './shot-list.ts'
import { updateRingSchema } from './update.ts'
import { keyboardLayoutSchema } from './keyboard-layout.ts'

/** What photos are uploaded as; the original is kept as it came. */
export const uploadFormatSchema = z.enum(['jpeg', 'webp'])
export type UploadFormat = z.infer<typeof uploadFormatSchema>

/** The languages that the window speaks, as BCP 47 tags. */
export const languageSchema = z.enum(['en', 'fr', 'de', 'es', 'it', 'nl'])
export type Language = z.infer<typeof languageSchema>

/** The station's own settings. Every field has a default, so that an empty file is a valid one. */
export const settingsSchema = z.strictObject({
  stationName: z.string().max(100).default('Station'),
  language: languageSchema.default('en'),
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  textSize: z.enum(['normal', 'large', 'largest']).default('normal'),
  sound: z
    .strictObject({ enabled: z.boolean().default(true), volume: z.number().min(0).max(1).default(0.8) })
    .prefault({}),
  wedge: z
    .strictObject({
      /** A character or string the scanner sends before each code, or empty. It makes recognition certain. */
      prefix: z.string().max(10).default(''),
      /** Keys later than this after the one before do not belong to a burst. */
      maxGapMs: z.number().min(10).max(500).default(80),
      /** A burst's keys come this fast on average; people do not. */
      maxMeanGapMs: z.number().min(5).max(200).default(35),
      minLength: z.number().int().min(2).max(20).default(4),
      /** How this scanner types the GS1 group separator. */
      groupSeparator: z
        .enum(['control_bracket', 'f8', 'f12', 'arrow_down', 'brace', 'pipe'])
        .default('control_bracket'),
      /** What ends a code; silence ends one too. A key that does not, Enter or Tab, is part of the code. */
      suffix: z.enum(['any', 'enter', 'tab', 'none']).default('any'),
      /** The layout the scanner is set to: codes are read from the keys' places. `as_typed`: the same as this machine's. */
      scannerLayout: z.enum(['as_typed', ...keyboardLayoutSchema.options]).default('as_typed'),
      /** Whether the scanner minds CapsLock; most send the same keys with it and without. */
      scannerCapsLock: z.enum(['ignored', 'followed']).default('ignored'),
    })
    .prefault({}),
  /** Repairs what a keyboard scanner types before it becomes a scan; null for a scanner that is set right. */
  wedgeCalibration: calibrationSchema.nullable().default(null),
  /** The scanners that the station reads itself: USB and serial. */
  scanners: scannersSettingsSchema.prefault({}),
  camera: z
    .strictObject({
      /** The remembered camera that reads codes; empty for the machine's first. */
      id: z.string().max(100).default(''),
      enabled: z.boolean().default(false),
      /** The part of the frame that is read: its middle band or all of it. */
      region: z.enum(['centre', 'full']).default('full'),
    })
    .prefault({}),
  /** The window's cameras. */
  cameras: z.array(rememberedCameraSchema).max(20).default([]),
  /** Folders whose new photos are taken. */
  folders: z.array(watchedFolderSchema).max(20).default([]),
  /** The shooting desk. */
  shoot: shootSettingsSchema.prefault({}),
  review: z
    .strictObject({
      keys: reviewKeysSchema.prefault({}),
      /** The share of known values among those to review, which tell a reviewer's precision; 0 for none. */
      probeShare: z.number().min(0).max(0.2).default(0),
    })
    .prefault({}),
  photo: z
    .strictObject({
      /** WebP is a third smaller and takes a quarter of a second longer. */
      uploadFormat: uploadFormatSchema.default('jpeg'),
      /** Photos stop while less than this is free on the disk: it is kept for scans. */
      reserveMegabytes: z.number().int().min(0).max(1_000_000).default(300),
      /** Photos stop when their files have this size together; 0 for no limit. */
      quotaMegabytes: z.number().int().min(0).max(100_000_000).default(0),
      /** Photos are wiped from this station so many days after they were taken, once the backend has them; 0 for never. */
      keepDays: z.number().int().min(0).max(3_650).default(0),
    })
    .prefault({}),
  /** What else is wiped from this station when its time is over; 0 for never. */
  retention: z
    .strictObject({
      /** Sessions with their scans and photos, so many days after their end, once the backend has everything. */
      sessionDays: z.number().int().min(0).max(3_650).default(0),
      /** What was read at the gate, after so many days, once the site knows it. */
      gateDays: z.number().int().min(0).max(3_650).default(0),
    })
    .prefault({}),
  staff: z
    .strictObject({
      /** Whoever was let in and does nothing for so long is let in no more. */
      idleMs: z.number().int().min(10_000).max(3_600_000).default(180_000),
    })
    .prefault({}),
  /** Where Capstan itself comes from, where it is updated by itself. */
  update: z
    .strictObject({
      /** A site's server, https or of this machine; empty for no updates. */
      address: z.string().max(500).default(''),
      ring: updateRingSchema.default('all'),
      /** An update is installed when nothing was scanned for so long. */
      quietMinutes: z.number().int().min(0).max(1_440).default(15),
    })
    .prefault({}),
  /** The venue's gate, where this station is one. */
  gate: gateSettingsSchema.prefault({}),
})
export type Settings = z.infer<typeof settingsSchema>

/**
 * What anybody at the station may set: how it looks and sounds, and what the window finds out about its cameras. It can
 * neither lose nor falsify anything.
 */
export const operatorSettings: ReadonlySet<string> = new Set<keyof Settings>([
  'language',
  'theme',
  'textSize',
  'sound',
  'camera',
  'cameras',
  'review',
])

const { shape } = settingsSchema

/**
 * A change: only the fields given are changed; nested objects are given whole.
 *
 * Made without the defaults of the settings: an optional field that has one is filled in where it is missing, so that
 * `settingsSchema.partial()` would set everything else back.
 */
export const settingsChangeSchema = z.strictObject(
  Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, field.unwrap().optional()])) as unknown as {
    [Name in keyof typeof shape]: z.ZodOptional<ReturnType<(typeof shape)[Name]['unwrap']>>
  },
)
