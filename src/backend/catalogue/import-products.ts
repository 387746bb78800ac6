import { createReadStream } from 'node:fs'
import { parse } from 'csv-parse'
import type { Insertable, Kysely } from 'kysely'
import { productMeasures, productTexts } from '#contract/backend/products.ts'
import type { Tables } from '../db/tables.ts'
import { newId } from '../ids.ts'
import type { Log } from '../log.ts'
import { gtin14FromInput, gtinFault } from '../reading.ts'

type ProductInsert = Insertable<Tables['products']>

const required = ['gtin', 'product_name', 'brand'] as const
const measures: ReadonlySet<string> = new Set(productMeasures)
const columns: ReadonlySet<string> = new Set(['gtin', 'country_of_origin', ...Object.keys(productTexts), ...measures])
const batchSize = 500

/**
 * Reads a CSV of products into the catalogue: new GTINs are added, known ones get the columns that the file has.
 *
 * The header names columns of the product record, at least gtin, product_name and brand. A bad row is logged with
 * its line number and left out. Throws when the file cannot be read or its header lacks a column.
 */
export async function importProducts(
  db: Kysely<Tables>,
  path: string,
  log: Log,
  at: Date,
): Promise<{ readonly imported: number; readonly skipped: number }> {
  let imported = 0
  let skipped = 0
  let known: readonly string[] = []
  const skip = (line: number, reason: string): void => {
    skipped += 1
    log.warn({ line, reason }, 'product row skipped')
  }

  const file = createReadStream(path)
  const rows = parse({
    bom: true,
    trim: true,
    info: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    columns(header: string[]) {
      const names = header.map((name) => name.trim().toLowerCase())
      const lacking = required.filter((name) => !names.includes(name))
      if (lacking.length > 0) throw new Error(`The header of the product file lacks ${lacking.join(', ')}`)
      const unknown = names.filter((name) => !columns.has(name))
      if (unknown.length > 0) log.warn({ columns: unknown }, 'product columns not known, left out')
      known = names.filter((name) => columns.has(name) && name !== 'gtin')
      return names
    },
    on_skip(error) {
      skip(Number(error?.['lines'] ?? 0), error?.message ?? '')
      return undefined
    },
  })
  file.on('error', (error) => rows.destroy(error))
  file.pipe(rows)

  let batch: ProductInsert[] = []
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    await db
      .insertInto('products')
      .values(batch)
      .onConflict((conflict) =>
        conflict
          .column('gtin')
          .doUpdateSet((set) =>
            Object.fromEntries(
              [...known, 'modified_at'].map((name) => [name, set.ref(`excluded.${name as 'modified_at'}`)]),
            ),
          ),
      )
      .execute()
    imported += batch.length
    batch = []
  }

  for await (const row of rows as AsyncIterable<{ record: Record<string, string>; info: { lines: number } }>) {
    const product = readRow(row.record, known, at)
    if (typeof product === 'string') skip(row.info.lines, product)
    else batch.push(product)
    if (batch.length >= batchSize) await flush()
  }
  await flush()
  log.info({ imported, skipped }, 'products imported')
  return { imported, skipped }
}

/** A row as product, or the reason why it is none. */
function readRow(record: Readonly<Record<string, string>>, known: readonly string[], at: Date): ProductInsert | string {
  const gtin = gtin14FromInput(record['gtin'] ?? '')
  if (gtin === undefined) return `gtin: ${gtinFault(record['gtin'] ?? '')}`
  const values: Record<string, string | number | null> = {}
  for (const name of known) {
    const text = record[name] ?? ''
    if (measures.has(name)) {
      const value = text === '' ? null : Number(text)
      if (value !== null && !(Number.isFinite(value) && value >= 0)) return `${name}: is no measure`
      values[name] = value
    } else if (name === 'country_of_origin') {
      if (!/^(?:[A-Za-z]{2})?$/.test(text)) return `${name}: must be two letters, ISO 3166`
      values[name] = text.toUpperCase()
    } else {
      const limit = productTexts[name as keyof typeof productTexts]
      if (text.length > limit) return `${name}: must have at most ${limit} characters`
      values[name] = text
    }
  }
  return {
    ...values,
    id: newId(),
    gtin,
    owner_id: null,
    data_source: 'imported',
    created_at: at.toISOString(),
    modified_at: at.toISOString(),
  }
}
