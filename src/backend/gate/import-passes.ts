import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { parse } from 'csv-parse'
import { z } from 'zod'
import { passKinds, unused, type EntryAllowance } from '#contract/gate/pass.ts'
import { scanDataSchema, scanTypeSchema } from '#contract/gate/scan-api.ts'
import { instantSchema } from '#contract/station/values.ts'
import { sealPass } from '#pass-list/index.ts'
import type { Database, Db } from '../db/database.ts'
import type { Log } from '../log.ts'
import { eventOf, holdTenant, listKeys, placeOf, toGatePass, useOf } from './passes.ts'

/** One value of a pass, as a row of the file gives it; rows with the same `passId` are one pass. */
const rowSchema = z.object({
  passId: z.string().min(1).max(100),
  value: scanDataSchema,
  format: scanTypeSchema.default('qrcode'),
  passType: z.string().max(100).default(''),
  passKind: z.enum(passKinds).default('generic'),
  status: z.enum(['active', 'blocked', 'revoked']).default('active'),
  validFrom: z.string().default(''),
  validUntil: z.string().default(''),
  entries: z.union([z.string(), z.number()]).default(''),
  lists: z.string().default(''),
})
type Row = z.output<typeof rowSchema> & { readonly allowance: EntryAllowance | null }

const batchSize = 500
const columns = Object.keys(rowSchema.shape)

/**
 * Reads passes from a CSV (RFC 4180, values verbatim: nothing is trimmed) or a JSON array of such objects into a tenant.
 * A pass that is known gets what the file says; values that the file does not name stay. A bad row is logged with its
 * line and left out. Throws when the file cannot be read or its header lacks passId or value.
 */
export async function importPasses(
  database: Database,
  tenantId: string,
  path: string,
  log: Log,
  now: () => Date,
): Promise<{ readonly imported: number; readonly skipped: number }> {
  let [imported, skipped] = [0, 0]
  const skip = (line: number, reason: string): void => {
    skipped += 1
    // The reason names the column and never the value.
    log.warn({ line, reason }, 'pass row skipped')
  }
  let batch: Row[] = []
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    const rows = batch
    batch = []
    await database.write((db) => write(db, tenantId, rows, now()))
    const before = Math.floor(imported / 10_000)
    imported += rows.length
    if (Math.floor(imported / 10_000) > before) log.info({ imported, skipped }, 'importing passes')
  }
  for await (const { record, line } of path.toLowerCase().endsWith('.json')
    ? fromJson(path)
    : fromCsv(path, log, skip)) {
    const row = readRow(record)
    if (typeof row === 'string') skip(line, row)
    else batch.push(row)
    if (batch.length >= batchSize) await flush()
  }
  await flush()
  log.info({ imported, skipped }, 'passes imported')
  return { imported, skipped }
}

async function* fromJson(path: string): AsyncGenerator<{ record: unknown; line: number }> {
  const rows: unknown = JSON.parse(await readFile(path, 'utf8'))
  if (!Array.isArray(rows)) throw new Error('The pass file must be an array of objects')
  for (const [index, record] of rows.entries()) yield { record, line: index + 1 }
}

async function* fromCsv(
  path: string,
  log: Log,
  skip: (line: number, reason: string) => void,
): AsyncGenerator<{ record: unknown; line: number }> {
  const file = createReadStream(path)
  const rows = parse({
    bom: true,
    info: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    columns(header: string[]) {
      const lacking = ['passId', 'value'].filter((name) => !header.includes(name))
      if (lacking.length > 0) throw new Error(`The header of the pass file lacks ${lacking.join(', ')}`)
      const unknown = header.filter((name) => !columns.includes(name))
      if (unknown.length > 0) log.warn({ columns: unknown }, 'pass columns not known, left out')
      return header
    },
    on_skip(error) {
      skip(Number(error?.['lines'] ?? 0), 'the row is not as RFC 4180 says')
      return undefined
    },
  })
  file.on('error', (error) => rows.destroy(error))
  file.pipe(rows)
  for await (const { record, info } of rows as AsyncIterable<{
    record: Record<string, string>
    info: { lines: number }
  }>) {
    // An empty cell is one that was left out; only a value may not be empty.
    const given = Object.entries(record).filter(([name, text]) => name === 'value' || text !== '')
    yield { record: Object.fromEntries(given), line: info.lines }
  }
}

/** A row, or why it is none. */
function readRow(record: unknown): Row | string {
  const parsed = rowSchema.safeParse(record)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return `${issue?.path.join('.') ?? ''}: ${issue?.code ?? 'is wrong'}`
  }
  const [validFrom, validUntil] = [instantOf(parsed.data.validFrom), instantOf(parsed.data.validUntil)]
  if (validFrom === null || validUntil === null)
    return 'validFrom, validUntil: must be instants of ISO 8601 with a zone'
  const allowance = allowanceOf(String(parsed.data.entries))
  if (allowance === undefined) return 'entries: must be a number, once, unlimited or daily'
  return { ...parsed.data, validFrom, validUntil, allowance }
}

/** As instants are kept; empty for none, null for what is no instant. */
function instantOf(text: string): string | null {
  if (text === '') return ''
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/.test(text)) return null
  const at = new Date(text)
  if (Number.isNaN(at.getTime())) return null
  const iso = at.toISOString()
  return instantSchema.safeParse(iso).success ? iso : null
}

function allowanceOf(text: string): EntryAllowance | null | undefined {
  if (text === '') return null
  if (text === 'once') return { kind: 'times', times: 1 }
  if (text === 'unlimited' || text === 'daily') return { kind: text }
  return /^[1-9]\d{0,5}$/.test(text) ? { kind: 'times', times: Number(text) } : undefined
}

/** Writes some rows; may be run a second time. */
async function write(db: Db, tenantId: string, rows: readonly Row[], at: Date): Promise<void> {
  const tenant = await holdTenant(db, tenantId)
  const keys = listKeys(tenant)
  const event = eventOf(tenant)
  let { changes } = tenant
  const instant = at.toISOString()
  const byPass = new Map(rows.map((row) => [row.passId, row]))
  for (const row of byPass.values()) {
    const fresh = {
      pass_type: row.passType,
      pass_kind: row.passKind,
      status: row.status,
      valid_from: row.validFrom || null,
      valid_until: row.validUntil || null,
      entries: row.allowance && JSON.stringify(row.allowance),
      lists: JSON.stringify(row.lists.split(' ').filter((list) => list !== '')),
      modified_at: instant,
    }
    await db
      .insertInto('passes')
      .values({ tenant_id: tenantId, id: row.passId, ...fresh, identifiers: '{}', metadata: '{}', created_at: instant })
      .onConflict((conflict) => conflict.columns(['tenant_id', 'id']).doUpdateSet(fresh))
      .execute()
  }
  const uses = new Map(
    (
      await db
        .selectFrom('pass_uses')
        .select(['pass_id'])
        .where('tenant_id', '=', tenantId)
        .where('event', '=', event)
        .where('pass_id', 'in', [...byPass.keys()])
        .execute()
    ).map(({ pass_id }) => [pass_id, true]),
  )
  for (const row of rows) {
    const stored = await db
      .selectFrom('passes')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('id', '=', row.passId)
      .executeTakeFirstOrThrow()
    const place = placeOf(keys, row.value)
    const others = await db
      .selectFrom('pass_values')
      .select('pass_id')
      .where('tenant_id', '=', tenantId)
      .where('place', '=', place)
      .where('pass_id', '!=', row.passId)
      .execute()
    const use = uses.has(row.passId) ? await useOf(db, tenantId, event, row.passId) : unused
    const record = { pass: await toGatePass(db, stored), use }
    // A value of two passes is no pass's: neither may be let in for the other.
    const sealed =
      others.length > 0 ? '' : Buffer.from(sealPass(keys, Buffer.from(place, 'hex'), record)).toString('base64url')
    changes += 1
    const fresh = { value: row.value, format: row.format, sealed, change: changes }
    await db
      .insertInto('pass_values')
      .values({ tenant_id: tenantId, place, pass_id: row.passId, ...fresh })
      .onConflict((conflict) => conflict.columns(['tenant_id', 'place', 'pass_id']).doUpdateSet(fresh))
      .execute()
    for (const { pass_id } of others) {
      changes += 1
      await db
        .updateTable('pass_values')
        .set({ sealed: '', change: changes })
        .where('tenant_id', '=', tenantId)
        .where('place', '=', place)
        .where('pass_id', '=', pass_id)
        .execute()
    }
  }
  await db.updateTable('tenants').set({ changes }).where('id', '=', tenantId).execute()
}
