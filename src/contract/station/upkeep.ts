import { z } from 'zod'
import type { ProcedureDefinition } from '#contract/transport.ts'
import { updateStatusSchema } from '#contract/station/update.ts'
import { idSchema, instantSchema } from '#contract/station/values.ts'

/** What is kept of the log, the important last. */
export const logLevelSchema = z.enum(['debug', 'info', 'warn', 'error'])
export type LogLevel = z.infer<typeof logLevelSchema>

/** One line of the log; whatever could be a code, a key or somebody's name is taken out. */
export const logEntrySchema = z.object({
  at: instantSchema,
  level: logLevelSchema,
  /** The part of the program; empty for the host. */
  room: z.string(),
  message: z.string(),
  facts: z.record(z.string(), z.string()),
})
export type LogEntry = z.infer<typeof logEntrySchema>

/** What takes room in the data folder. */
export const storageKindSchema = z.enum(['store', 'photos', 'passes', 'backend', 'aside', 'log', 'other'])
export type StorageKind = z.infer<typeof storageKindSchema>

export const storageSchema = z.object({
  kinds: z.array(z.object({ kind: storageKindSchema, bytes: z.number().int(), files: z.number().int() })),
  freeBytes: z.number().nullable(),
  totalBytes: z.number().nullable(),
})
export type Storage = z.infer<typeof storageSchema>

export const aboutSchema = z.object({
  version: z.string(),
  host: z.string(),
  stationId: z.string(),
  /** The programs that this one stands on, by name. */
  versions: z.record(z.string(), z.string()),
  system: z.string(),
  dataDir: z.string(),
  schemaVersion: z.number().int(),
  /** Where its keys lie: in the system's key store, or in a file that its owner alone may read; null when nobody can tell. */
  secrets: z.enum(['key_store', 'file']).nullable(),
  /** Where the key lies that the data folder is encrypted with; null for one that is not encrypted. */
  dataKey: z.enum(['key_store', 'file']).nullable(),
})
export type About = z.infer<typeof aboutSchema>

/** The files of a support bundle; what each holds is said in the window. */
export const supportFileSchema = z.enum([
  'about.json',
  'status.json',
  'settings.json',
  'devices.json',
  'store.json',
  'storage.json',
  'log.ndjson',
])
export type SupportFile = z.infer<typeof supportFileSchema>

export const supportBundleSchema = z.object({
  /** Where it is fetched, once, within some minutes. */
  path: z.string(),
  bytes: z.number().int(),
  files: z.array(z.object({ name: supportFileSchema, bytes: z.number().int() })),
})
export type SupportBundle = z.infer<typeof supportBundleSchema>

const nothing = z.strictObject({})

/** What staff ask of a station to look after it. */
export const upkeepProcedures = {
  'about.get': { input: nothing, output: aboutSchema },
  /** The key that the data folder is encrypted with, as people write it down; `not_found` where it is not encrypted. */
  'recoveryKey.show': { input: nothing, output: z.object({ recoveryKey: z.string() }), purpose: 'recovery_key' },
  'storage.measure': { input: nothing, output: storageSchema },
  /** The newest lines first. */
  'log.list': {
    input: z.strictObject({
      least: logLevelSchema.default('info'),
      /** Only lines that hold all of these words. */
      words: z.string().max(200).default(''),
      limit: z.number().int().min(1).max(1_000).default(200),
    }),
    output: z.array(logEntrySchema),
    purpose: 'settings',
  },
  /** Makes a support bundle and says what is in it; it leaves the station when it is fetched, and only then. */
  'support.make': { input: nothing, output: supportBundleSchema, purpose: 'support_bundle' },
  'update.status': { input: nothing, output: updateStatusSchema },
  /** Looks at the site's server now. */
  'update.check': { input: nothing, output: updateStatusSchema, purpose: 'settings' },
  /** Installs what is ready as soon as no session is open and nothing is on its way, without a quiet time. */
  'update.install': { input: nothing, output: updateStatusSchema, purpose: 'settings' },
  /** A new badge in the place of the old one, as a card to print, fetched once; its text is kept nowhere. */
  'staff.giveBadge': {
    input: z.strictObject({ id: idSchema }),
    output: z.object({ path: z.string() }),
    purpose: 'staff',
  },
} as const satisfies Record<string, ProcedureDefinition>
