import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { gatePassSchema, passUseSchema, unused, type GatePass } from '#contract/gate/pass.ts'
import { gateRulesSchema } from '#contract/gate/rules.ts'
import { ruleNameSchema, verdictCodeSchema, verdictModeSchema } from '#contract/gate/verdict.ts'

const usualPass: GatePass = {
  passId: 'pass-1',
  passType: 'day',
  passKind: 'eventTicket',
  status: 'active',
  validFrom: null,
  validUntil: null,
  entries: null,
  lists: [],
  privileges: {},
}

const vectorSchema = z
  .strictObject({
    name: z.string(),
    rules: z.record(z.string(), z.unknown()).default({}),
    pass: gatePassSchema.partial().nullable().default({}),
    use: passUseSchema.partial().default({}),
    inside: z.number().nullable().default(0),
    now: z.iso.datetime().default('2026-11-21T18:00:00.000Z'),
    clock: z.strictObject({ leastMs: z.number(), mostMs: z.number() }).default({ leastMs: 0, mostMs: 0 }),
    mode: verdictModeSchema.default('online'),
    dataAgeMs: z.number().nullable().default(null),
    code: verdictCodeSchema,
    decided: ruleNameSchema.optional(),
    countsEntry: z.boolean().optional(),
  })
  .transform(({ name, code, decided, countsEntry, ...asked }) => ({
    name,
    expected: { code, decided, countsEntry },
    question: {
      ...asked,
      rules: gateRulesSchema.parse({ gate: 'north', ...asked.rules }),
      pass: asked.pass && gatePassSchema.parse({ ...usualPass, ...asked.pass }),
      use: passUseSchema.parse({ ...unused, ...asked.use }),
      now: new Date(asked.now),
    },
  }))

/** The vectors of the gate's rules, which every road of a verdict must agree with. */
export const gateVectors = z
  .object({ vectors: z.array(vectorSchema) })
  .parse(JSON.parse(readFileSync(new URL('gate.json', import.meta.url), 'utf8'))).vectors
