import { z } from 'zod'
import { passMovementSchema } from '#contract/gate/pass.ts'
import { gateRulesSchema } from '#contract/gate/rules.ts'
import { scanTypeSchema } from '#contract/gate/scan-api.ts'
import { relayStatusSchema } from '#contract/gate/site.ts'
import { ruleNameSchema, verdictCodeSchema, verdictModeSchema, verdictResultSchema } from '#contract/gate/verdict.ts'
import { idSchema, instantSchema } from '#contract/station/values.ts'

/** The turnstile or door that an admission opens. */
export const doorSettingsSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  /** A relay board at a serial port: what is written to open and to close, in hex, and what it says when somebody passed. */
  z.strictObject({
    kind: z.literal('serial'),
    path: z.string().min(1).max(200),
    baudRate: z.number().int().min(300).max(921_600).default(9_600),
    /** The frames of the usual one-relay board. */
    open: hexBytes().default('a00101a2'),
    close: hexBytes().default('a00100a1'),
    /** Empty: the board does not tell. */
    passed: hexBytes().default(''),
  }),
  /** A controller on the network. */
  z.strictObject({
    kind: z.literal('http'),
    openUrl: z.url({ protocol: /^https?$/ }),
    closeUrl: z
      .url({ protocol: /^https?$/ })
      .nullable()
      .default(null),
    /** Answers `{"passed": true}` once somebody has passed since the opening; null: nobody can tell. */
    passedUrl: z
      .url({ protocol: /^https?$/ })
      .nullable()
      .default(null),
  }),
])
export type DoorSettings = z.infer<typeof doorSettingsSchema>

function hexBytes() {
  return z.string().regex(/^(?:[0-9a-f]{2}){0,64}$/, { error: 'must be bytes in lower-case hex' })
}

/** The languages that a visitor may choose. */
export const visitorLanguages = ['en', 'de', 'fr', 'es', 'it', 'nl'] as const
export const visitorLanguageSchema = z.enum(visitorLanguages)
export type VisitorLanguage = z.infer<typeof visitorLanguageSchema>

/** A venue's gate at this station. */
export const gateSettingsSchema = z.strictObject({
  /** What is read is a pass, and no capture. */
  isOn: z.boolean().default(false),
  /** The gate's name at the site. */
  name: z.string().min(1).max(100).default('gate'),
  /** Visitors alone with the screen, or somebody of the staff at it. */
  mode: z.enum(['self', 'staffed']).default('self'),
  /**
   * Who is asked: the site's backend, which decides for all gates of the venue; or this station decides, and The Wallet
   * Crew only records, over the site's relay or directly.
   */
  road: z.enum(['site', 'relay', 'direct']).default('site'),
  /** Of the direct road. */
  wallet: z
    .strictObject({
      url: z.url({ protocol: /^https?$/ }).default('https://app.neostore.cloud'),
      tenantId: z.string().max(100).default(''),
    })
    .prefault({}),
  /** How long a person is let wait for the site before the station decides alone. */
  waitMs: z.number().int().min(50).max(10_000).default(800),
  /** How long a verdict stays on the screen. */
  showMs: z.number().int().min(500).max(60_000).default(4_000),
  /**
   * When nobody has done anything for so long, the screen asks whether anybody is there, and, unanswered, welcomes the next one in
   * the first language.
   */
  idleMs: z.number().int().min(1_000).max(600_000).default(20_000),
  /** What visitors may choose from; the first one greets them. */
  languages: z
    .array(visitorLanguageSchema)
    .min(1)
    .default([...visitorLanguages]),
  /** What the screen shows is also said, in the visitor's language, by a voice of this machine. */
  speech: z.boolean().default(false),
  /** How often the list of passes is brought up to date. */
  refreshMs: z.number().int().min(1_000).max(3_600_000).default(30_000),
  /** The list is wiped when the site was not reached for so long. */
  keepListMs: z
    .number()
    .int()
    .min(60_000)
    .default(7 * 86_400_000),
  /** Used until the site gives rules of its own. */
  rules: gateRulesSchema.prefault({}),
  door: doorSettingsSchema.default({ kind: 'none' }),
  /** How long the door stays open for a person, who is counted out again when the door tells that nobody passed. */
  passMs: z.number().int().min(500).max(60_000).default(8_000),
})
export type GateSettings = z.infer<typeof gateSettingsSchema>

/** How a verdict of this station alone compares with the site's. */
export const comparedSchema = z.object({
  code: verdictCodeSchema,
  agrees: z.boolean(),
  /** The admission at another gate that it doubled. */
  doubles: passMovementSchema.nullable(),
})

/** One read at the gate and what was decided: shown only once its row is durable. */
export const gateVerdictSchema = z.object({
  id: idSchema,
  at: instantSchema,
  gate: z.string(),
  direction: z.enum(['entry', 'exit']),
  type: scanTypeSchema,
  /** The last four characters of the value, so that people can tell reads apart. */
  hint: z.string(),
  result: verdictResultSchema,
  code: verdictCodeSchema,
  mode: verdictModeSchema,
  path: z.array(ruleNameSchema),
  usedBefore: passMovementSchema.nullable(),
  countsEntry: z.boolean(),
  passType: z.string().nullable(),
  dataAgeMs: z.number().int().nullable(),
  /** From the read to the durable row. */
  tookMs: z.number(),
  /** The verdict that somebody of the staff has overridden with this one, and why. */
  overrides: idSchema.nullable(),
  reason: z.string().nullable(),
  /** When and why an admission was taken back. */
  undone: z.object({ at: instantSchema, reason: z.string() }).nullable(),
  /** `waiting`: the site has to be told. `refused`: it does not take it. `doubtful`: it may have been recorded. */
  report: z.enum(['none', 'waiting', 'sent', 'refused', 'doubtful']),
  /** Null until the site has told, or when the verdict is its own. */
  compared: comparedSchema.nullable(),
})
export type GateVerdict = z.infer<typeof gateVerdictSchema>

export const gateStatusSchema = z.object({
  isOn: z.boolean(),
  mode: z.enum(['self', 'staffed']),
  gate: z.string(),
  event: z.string(),
  direction: z.enum(['entry', 'exit']),
  showMs: z.number().int(),
  idleMs: z.number().int(),
  site: z.enum(['unconfigured', 'online', 'offline', 'unauthorised']),
  /** The list of passes; null without a site that gives one. */
  list: z
    .object({
      state: z.enum(['none', 'loading', 'current', 'failed']),
      values: z.number().int(),
      left: z.number().int(),
      bytes: z.number().int(),
      ageMs: z.number().int().nullable(),
    })
    .nullable(),
  /** The site's queue of records for The Wallet Crew, as last heard; null where this station does not go over one. */
  relay: relayStatusSchema.nullable(),
  /** People inside, as the site counts them, or as this station does alone. */
  inside: z.number().int().nullable(),
  capacity: z.number().int().nullable(),
  /** Since the venue's day began. */
  today: z.object({
    admitted: z.number().int(),
    denied: z.number().int(),
    referred: z.number().int(),
    exited: z.number().int(),
  }),
  /** The last hour, oldest first: minutes with nothing in them are there too. */
  perMinute: z.array(z.object({ at: instantSchema, admitted: z.number().int(), denied: z.number().int() })),
  /** Verdicts that the site has not been told of, and those of which it would have said otherwise. */
  waiting: z.number().int(),
  differences: z.number().int(),
  door: z.enum(['none', 'closed', 'open', 'fault']),
})
export type GateStatus = z.infer<typeof gateStatusSchema>
