import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { parse } from 'csv-parse'
import { z } from 'zod'
import { passKinds, passUseSchema, unused, type EntryAllowance } from '#contract/gate/pass.ts'
import type { PassRecord } from '#contract/gate/pass-record.ts'
import { scanDataSchema, scanTypeSchema } from '#contract/gate/scan-api.ts'
import { instantSchema } from '#contract/station/values.ts'
import { sealPass } from '#pass-list/index.ts'
import type { Database, Db } from '../db/database.ts'
import type { Log } from '../log.ts'
import { eventOf, gatePassOf, holdTenant, listKeys, placeOf, privilegesOf } from './passes.ts'

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

/** Writes some rows; may be run a second time. A handful of statements, however many rows: a venue has a million. */
async function write(db: Db, tenantId: string, rows: readonly Row[], at: Date): Promise<void> {
  const tenant = await holdTenant(db, tenantId)
  const keys = listKeys(tenant)
  const instant = at.toISOString()
  const byPass = new Map(rows.map((row) => [row.passId, row]))
  await db
    .insertInto('passes')
    .values(
      [...byPass.values()].map((row) => ({
        tenant_id: tenantId,
        id: row.passId,
        pass_type: row.passType,
        pass_kind: row.passKind,
        status: row.status,
        valid_from: row.validFrom || null,
        valid_until: row.validUntil || null,
        entries: row.allowance && JSON.stringify(row.allowance),
        lists: JSON.stringify(row.lists.split(' ').filter((list) => list !== '')),
        identifiers: '{}',
        metadata: '{}',
        created_at: instant,
        modified_at: instant,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['tenant_id', 'id']).doUpdateSet((row) => ({
        pass_type: row.ref('excluded.pass_type'),
        pass_kind: row.ref('excluded.pass_kind'),
        status: row.ref('excluded.status'),
        valid_from: row.ref('excluded.valid_from'),
        valid_until: row.ref('excluded.valid_until'),
        entries: row.ref('excluded.entries'),
        lists: row.ref('excluded.lists'),
        modified_at: row.ref('excluded.modified_at'),
      })),
    )
    .execute()
  const records = await recordsOf(db, tenantId, eventOf(tenant), [...byPass.keys()])

  // Who has each value, by its place: of the rows, and of what was there.
  const placed = rows.map((row) => ({ row, place: placeOf(keys, row.value) }))
  const known = await db
    .selectFrom('pass_values')
    .select(['place', 'pass_id', 'sealed'])
    .where('tenant_id', '=', tenantId)
    .where('place', 'in', [...new Set(placed.map(({ place }) => place))])
    .execute()
  const holders = new Map<string, Set<string>>()
  for (const { place, passId } of [
    ...known.map(({ place, pass_id }) => ({ place, passId: pass_id })),
    ...placed.map(({ place, row }) => ({ place, passId: row.passId })),
  ])
    holders.set(place, (holders.get(place) ?? new Set()).add(passId))

  let { changes, listed } = tenant
  const own = new Map(placed.map((one) => [`${one.place} ${one.row.passId}`, one]))
  const fresh = [...own.values()].map(({ row, place }) => {
    const record = records.get(row.passId)
    // A value of two passes is no pass's: neither may be let in for the other.
    const isShared = (holders.get(place)?.size ?? 0) > 1
    const sealed = isShared || !record ? '' : sealPass(keys, Buffer.from(place, 'hex'), record)
    changes += 1
    listed += isShared ? 0 : 1
    const text = Buffer.from(sealed).toString('base64url')
    const { passId, value, format } = row
    return { tenant_id: tenantId, place, pass_id: passId, value, format, sealed: text, change: changes }
  })
  listed -= known.filter(({ sealed }) => sealed !== '').length
  await db
    .insertInto('pass_values')
    .values(fresh)
    .onConflict((conflict) =>
      conflict.columns(['tenant_id', 'place', 'pass_id']).doUpdateSet((row) => ({
        value: row.ref('excluded.value'),
        format: row.ref('excluded.format'),
        sealed: row.ref('excluded.sealed'),
        change: row.ref('excluded.change'),
      })),
    )
    .execute()
  // Whose value is another's too from now on.
  for (const { place, pass_id, sealed } of known) {
    if (sealed === '' || own.has(`${place} ${pass_id}`) || (holders.get(place)?.size ?? 0) < 2) continue
    changes += 1
    await db
      .updateTable('pass_values')
      .set({ sealed: '', change: changes })
      .where('tenant_id', '=', tenantId)
      .where('place', '=', place)
      .where('pass_id', '=', pass_id)
      .execute()
  }
  await db.updateTable('tenants').set({ changes, listed }).where('id', '=', tenantId).execute()
}

/** Passes with what they include and were used for, by their ids. */
async function recordsOf(
  db: Db,
  tenantId: string,
  event: string,
  passIds: readonly string[],
): Promise<Map<string, PassRecord>> {
  const privileges = await privilegesOf(db, tenantId, passIds)
  const [stored, uses] = [
    await db.selectFrom('passes').selectAll().where('tenant_id', '=', tenantId).where('id', 'in', passIds).execute(),
    await db
      .selectFrom('pass_uses')
      .select(['pass_id', 'used'])
      .where('tenant_id', '=', tenantId)
      .where('event', '=', event)
      .where('pass_id', 'in', passIds)
      .execute(),
  ]
  const used = new Map(uses.map((row) => [row.pass_id, passUseSchema.parse(JSON.parse(row.used))]))
  return new Map(
    stored.map((row) => [
      row.id,
      { pass: gatePassOf(row, privileges.get(row.id) ?? []), use: used.get(row.id) ?? unused },
    ]),
  )
}
