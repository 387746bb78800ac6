import { z } from 'zod'
import { gatePassSchema, passUseSchema, unused, type GatePass, type PassUse } from '#contract/gate/pass.ts'

/** A pass and its use at the site, as the list of passes carries them. */
export interface PassRecord {
  readonly pass: GatePass
  readonly use: PassUse
}

/** Short names: a list has a million of these. What is usual is left out. */
const shortSchema = z.strictObject({
  i: z.string(),
  t: z.string(),
  k: gatePassSchema.shape.passKind.default('generic'),
  s: gatePassSchema.shape.status.default('active'),
  f: gatePassSchema.shape.validFrom.default(null),
  u: gatePassSchema.shape.validUntil.default(null),
  e: gatePassSchema.shape.entries.default(null),
  l: gatePassSchema.shape.lists.default([]),
  p: gatePassSchema.shape.privileges.default({}),
  x: passUseSchema.default(unused),
})

/** The text of a record. */
export function writePassRecord({ pass, use }: PassRecord): string {
  const isUsed = use.entries > 0 || use.lastEntry !== null || use.lastExit !== null
  return JSON.stringify({
    i: pass.passId,
    t: pass.passType,
    ...(pass.passKind === 'generic' ? {} : { k: pass.passKind }),
    ...(pass.status === 'active' ? {} : { s: pass.status }),
    ...(pass.validFrom === null ? {} : { f: pass.validFrom }),
    ...(pass.validUntil === null ? {} : { u: pass.validUntil }),
    ...(pass.entries === null ? {} : { e: pass.entries }),
    ...(pass.lists.length === 0 ? {} : { l: pass.lists }),
    ...(Object.keys(pass.privileges).length === 0 ? {} : { p: pass.privileges }),
    ...(isUsed ? { x: use } : {}),
  } satisfies z.input<typeof shortSchema>)
}

/** Reads the text of a record; null for what is none. */
export function readPassRecord(text: string): PassRecord | null {
  const short = shortSchema.safeParse(parse(text))
  if (!short.success) return null
  const { i, t, k, s, f, u, e, l, p, x } = short.data
  return {
    pass: {
      passId: i,
      passType: t,
      passKind: k,
      status: s,
      validFrom: f,
      validUntil: u,
      entries: e,
      lists: l,
      privileges: p,
    },
    use: x,
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
