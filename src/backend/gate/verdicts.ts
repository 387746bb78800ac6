import type { z } from 'zod'
import { unused, type PassUse } from '#contract/gate/pass.ts'
import { verdictAnswerSchema, type VerdictAnswer, type verdictRequestSchema } from '#contract/gate/site.ts'
import { verdictCodes, verdictCodeSchema } from '#contract/gate/verdict.ts'
import { judge, useAfter } from '#domain/gate/judge.ts'
import type { Db } from '../db/database.ts'
import type { Scans } from './scans.ts'
import { findPass, holdTenant, insideOf, rulesOf, setUse, toGatePass, useOf } from './passes.ts'

type Asked = z.output<typeof verdictRequestSchema>

/** An answer as it is kept: which change of the list tells of it is said anew each time. */
const keptAnswerSchema = verdictAnswerSchema.omit({ change: true })
type KeptAnswer = z.infer<typeof keptAnswerSchema>

/**
 * Decides one read for one gate and records it, in the caller's transaction: of two gates that are shown one pass at the same
 * time, one is told that it was used. What a station has decided alone is recorded as it happened, and compared.
 */
export async function decide(db: Db, tenantId: string, asked: Asked, scans: Scans): Promise<VerdictAnswer> {
  const tenant = await holdTenant(db, tenantId)
  const earlier = await db
    .selectFrom('gate_verdicts')
    .select(['answer', 'code'])
    .where('tenant_id', '=', tenant.id)
    .where('id', '=', asked.client_scan_id)
    .executeTakeFirst()
  if (earlier !== undefined) return await repeated(db, tenantId, asked, earlier)

  const rules = rulesOf(tenant, asked.gate)
  const row = await findPass(db, tenant, asked.data)
  const use = row === undefined ? unused : await useOf(db, tenant.id, rules.event, row.id)
  const judgement = judge({
    rules,
    pass: row === undefined ? null : await toGatePass(db, row),
    use,
    inside: await insideOf(db, tenant.id, rules.event),
    now: new Date(asked.scanned_at),
    clock: { leastMs: 0, mostMs: 0 },
    mode: 'online',
    dataAgeMs: null,
  })
  const code = asked.offline?.code ?? judgement.code
  const countsEntry = asked.offline?.counts_entry ?? judgement.countsEntry
  const movement = { at: asked.scanned_at, gate: asked.gate, input: asked.type }
  if (row !== undefined) {
    const after = useAfter(use, code, countsEntry, movement)
    if (after !== use) await setUse(db, tenant, rules.event, row, use, after)
  }
  await scans.record(db, tenant, row, {
    data: asked.data,
    type: asked.type,
    scannedAt: asked.scanned_at,
    clientScanId: asked.client_scan_id,
    deviceId: asked.device_id,
  })
  const answer: KeptAnswer = compared(asked, { judgement, inside: await insideOf(db, tenant.id, rules.event) })
  await db
    .insertInto('gate_verdicts')
    .values({
      tenant_id: tenant.id,
      id: asked.client_scan_id,
      event: rules.event,
      gate: asked.gate,
      pass_id: row?.id ?? null,
      type: asked.type,
      at: asked.scanned_at,
      code,
      counts_entry: countsEntry ? 1 : 0,
      answer: JSON.stringify(answer),
      reason: asked.override?.reason ?? null,
      by_whom: asked.override?.by ?? null,
      undone_at: null,
      undo_reason: null,
    })
    .execute()
  return { ...answer, change: await lastChange(db, tenant.id) }
}

/** The site's judgement beside what a station did alone; an override is the staff's, and needs no agreement. */
function compared(
  { offline, override }: Pick<Asked, 'offline' | 'override'>,
  { judgement, inside }: Pick<KeptAnswer, 'judgement' | 'inside'>,
): KeptAnswer {
  if (offline === null || override !== null) return { judgement, inside, agrees: null, doubles: null }
  const wasLetIn = verdictCodes[offline.code] === 'admit' && offline.code !== 'exited'
  return {
    judgement,
    inside,
    agrees: judgement.code === offline.code,
    doubles: wasLetIn && judgement.result === 'deny' ? judgement.usedBefore : null,
  }
}

async function lastChange(db: Db, tenantId: string): Promise<number> {
  const { changes } = await db
    .selectFrom('tenants')
    .select('changes')
    .where('id', '=', tenantId)
    .executeTakeFirstOrThrow()
  return changes
}

/**
 * A read that is known: the same answer. A station whose question arrived but whose answer was lost has decided alone
 * meanwhile; where that is something else, what it did is what happened.
 */
async function repeated(
  db: Db,
  tenantId: string,
  asked: Asked,
  earlier: { readonly answer: string; readonly code: string },
): Promise<VerdictAnswer> {
  const kept = keptAnswerSchema.parse(JSON.parse(earlier.answer))
  const { offline } = asked
  const answer = offline === null ? kept : compared(asked, kept)
  if (offline !== null && offline.code !== earlier.code) {
    await db
      .updateTable('gate_verdicts')
      .set({
        code: offline.code,
        counts_entry: offline.counts_entry ? 1 : 0,
        answer: JSON.stringify(answer),
        reason: asked.override?.reason ?? null,
        by_whom: asked.override?.by ?? null,
      })
      .where('tenant_id', '=', tenantId)
      .where('id', '=', asked.client_scan_id)
      .execute()
    await countAgain(db, tenantId, asked.client_scan_id)
  }
  return { ...answer, change: await lastChange(db, tenantId) }
}

/** Takes an admission back; false when there is none to take back, or it is not known. Twice is once. */
export async function undo(db: Db, tenantId: string, id: string, reason: string, at: Date): Promise<boolean> {
  await holdTenant(db, tenantId)
  const found = await db
    .selectFrom('gate_verdicts')
    .select(['code', 'undone_at'])
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (found === undefined || verdictCodes[verdictCodeSchema.parse(found.code)] !== 'admit') return false
  if (found.undone_at !== null) return true
  await db
    .updateTable('gate_verdicts')
    .set({ undone_at: at.toISOString(), undo_reason: reason })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .execute()
  await countAgain(db, tenantId, id)
  return true
}

/** Counts anew what the pass of a verdict was used for: from what is recorded of it, in the order in which it happened. */
async function countAgain(db: Db, tenantId: string, id: string): Promise<void> {
  const of = await db
    .selectFrom('gate_verdicts')
    .select(['pass_id', 'event'])
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  if (of.pass_id === null) return
  const [tenant, row] = [
    await holdTenant(db, tenantId),
    await db
      .selectFrom('passes')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('id', '=', of.pass_id)
      .executeTakeFirstOrThrow(),
  ]
  const happened = await db
    .selectFrom('gate_verdicts')
    .select(['code', 'counts_entry', 'at', 'gate', 'type'])
    .where('tenant_id', '=', tenantId)
    .where('event', '=', of.event)
    .where('pass_id', '=', of.pass_id)
    .where('undone_at', 'is', null)
    .orderBy('at')
    .orderBy('id')
    .execute()
  const use = happened.reduce<PassUse>(
    (before, { code, counts_entry, at, gate, type }) =>
      useAfter(before, verdictCodeSchema.parse(code), counts_entry === 1, { at, gate, input: type }),
    unused,
  )
  await setUse(db, tenant, of.event, row, await useOf(db, tenantId, of.event, of.pass_id), use)
}
