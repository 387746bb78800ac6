import { z } from 'zod'
import type { Clock, Ids } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import {
  productEditKindSchema,
  productFieldSchema,
  productValuesSchema,
  type ProductBrief,
  type ProductEditKind,
  type ProductEvent,
  type ProductField,
  type ProductRecord,
  type ProductValues,
} from '#contract/station/catalogue.ts'
import type { Receipt } from '#contract/station/ledger.ts'
import { deliverySchema } from '#contract/station/review.ts'
import { canonicalJson } from '#domain/canonical-json.ts'
import type { Database, Row } from '#station/store/database.ts'
import { sha256, type Ledger } from '#station/store/ledger.ts'
import type { Outbox } from '#station/store/outbox.ts'

/** A product as the backend tells it. */
export interface FoundProduct {
  readonly id: string
  readonly gtin: string
  readonly values: ProductValues
  readonly ownerId: string
  readonly dataSource: string
}

const foundChangeSchema = z.object({
  id: z.string(),
  action: z.string(),
  actor: z.string(),
  captureId: z.string().nullable(),
  otherGtin: z.string().nullable(),
  fields: z.array(z.object({ field: z.string(), from: z.string(), to: z.string(), proposal: z.string().nullable() })),
  undoneBy: z.string().nullable(),
  at: z.string(),
})
/** A change of a product as the backend tells it. */
export type FoundChange = z.infer<typeof foundChangeSchema>

const storedRecordSchema = z.object({ values: productValuesSchema, ownerId: z.string(), dataSource: z.string() })
const changedFieldSchema = z.object({ field: productFieldSchema, from: z.string(), to: z.string() })
export type ChangedField = z.infer<typeof changedFieldSchema>
const changedFieldsSchema = z.array(changedFieldSchema)

/** What an item of the outbox has to tell of a product. */
export interface OwedEdit {
  readonly id: string
  readonly kind: ProductEditKind
  readonly gtin: string
  readonly other: string | null
  readonly fields: readonly ChangedField[]
  /** Of an undo: the backend's change; null when nothing was written that could be undone. */
  readonly changeId: string | null
}

/** A record without what other tables know of its photos, captures and proposals. */
export type StoredRecord = Omit<
  ProductRecord,
  'photos' | 'captures' | 'capturesTotal' | 'toReview' | 'history' | 'photosElsewhere'
> & { readonly history: StoredEvent[] }

/** An event of a record's history; what its values were read from is in other tables. */
export type StoredEvent = Omit<ProductEvent, 'fields'> & {
  readonly fields: readonly (Pick<FoundChange['fields'][number], 'field' | 'from' | 'to'> & {
    readonly proposal: string | null
  })[]
}

/**
 * The catalogue as far as this station has seen it, and what people here decided about products. A decision is a row, an
 * entry of the ledger and an item of the outbox in one transaction; what it changes is seen at once, marked as not told.
 */
export interface Catalogue {
  /** Takes records over as the backend has them; `asked` is the GTIN under which a merged one was asked for. */
  keep(found: readonly FoundProduct[], asked?: string): void
  keepHistory(gtin: string, changes: readonly FoundChange[]): void
  /** The backend's ids of the photos of a product, newest first. */
  keepPhotos(gtin: string, photos: readonly string[]): void
  /** What this station has of a product beside its record. */
  around(gtin: string): Pick<ProductRecord, 'photos' | 'photosElsewhere' | 'captures' | 'capturesTotal' | 'toReview'>
  search(text: string, limit: number): { products: ProductBrief[]; total: number }
  /** Every product here that the words fit, in the order of the GTIN. */
  each(text: string): Iterable<StoredRecord>
  get(gtin: string): StoredRecord | null
  decide(edit: {
    readonly kind: 'create' | 'edit' | 'merge'
    readonly gtin: string
    readonly other?: string
    readonly fields: readonly ChangedField[]
  }): Result<string>
  undo(gtin: string, id: string, origin: 'station' | 'backend'): Result<string>
  /** Sends a refused decision again; answers its GTIN. */
  retry(id: string): Result<string>
  giveUp(id: string, reason: string): Result<string>
  refusedCount(): number
  refused(): { readonly gtin: string; readonly name: string; readonly event: StoredEvent }[]
  /** What an item of the outbox has to tell; null when it was taken back. */
  owed(id: string): OwedEdit | null
  delivered(id: string, changeId: string | null, receipt?: Receipt): void
  /** The backend does not take it: it stays visible, with the backend's words. */
  refuse(id: string, error: { readonly code: string; readonly message: string }): void
}

/** A record shows so many of each at most. */
const mostPhotos = 60
const mostCaptures = 50

const wordsOf = (name: string, brand: string, gtin: string): string => `${name} ${brand} ${gtin}`.toLowerCase()

/** Keeps the catalogue in `products` and decisions in `product_edits`. */
export function createCatalogue(
  database: Database,
  ports: { readonly clock: Clock; readonly ids: Ids; readonly ledger: Ledger; readonly outbox: Outbox },
): Catalogue {
  const { clock, ids, ledger, outbox } = ports
  const now = (): string => clock.now().toISOString()
  const product = (gtin: string): Row | undefined => database.get('SELECT * FROM products WHERE gtin = ?', gtin)
  const edit = (id: string): Row | undefined => database.get('SELECT * FROM product_edits WHERE id = ?', id)
  const editsOf = (gtin: string): Row[] =>
    database.all('SELECT * FROM product_edits WHERE gtin = ? OR other = ? ORDER BY number', gtin, gtin)
  const fieldsOf = (row: Row): ChangedField[] => changedFieldsSchema.parse(JSON.parse(String(row['fields'])))
  const isUndone = (row: Row): boolean => row['undone_by'] !== null
  const isPending = (row: Row): boolean => row['delivery'] === 'waiting' && !isUndone(row)

  const historyOf = (row: Row | undefined): FoundChange[] =>
    typeof row?.['history'] === 'string' ? z.array(foundChangeSchema).parse(JSON.parse(row['history'])) : []

  /** A decision of this station in the history of a product. */
  const eventOf = (row: Row, gtin: string): StoredEvent => ({
    id: String(row['id']),
    origin: 'station',
    at: String(row['at']),
    action: String(row['kind']),
    actor: '',
    fields: fieldsOf(row).map((field) => ({ ...field, proposal: null })),
    captureId: null,
    otherGtin: String(row['gtin']) === gtin ? (row['other'] as string | null) : String(row['gtin']),
    isUndone: isUndone(row),
    canUndo: canTakeBack(row),
    delivery: deliverySchema.parse(row['delivery']),
    isOpen: row['delivery'] === 'refused' && row['settled'] === null,
    refusal: row['delivery'] === 'refused' ? { code: String(row['code']), message: String(row['message']) } : null,
  })

  const stored = (gtin: string, row: Row | undefined): StoredRecord | null => {
    const edits = editsOf(gtin)
    if (!row && edits.length === 0) return null
    const record = typeof row?.['record'] === 'string' ? storedRecordSchema.parse(JSON.parse(row['record'])) : null
    const values: ProductValues = {
      ...record?.values,
      ...(record === null && row
        ? {
            product_name: String(row['name']),
            brand: String(row['brand']),
            net_content: String(row['net_content']),
          }
        : {}),
    }
    const unsent = new Set<ProductField>()
    // What was decided here shows at once, in the order of the decisions.
    for (const each of edits) {
      if (!isPending(each) || each['gtin'] !== gtin) continue
      for (const { field, to } of fieldsOf(each)) {
        values[field] = to
        unsent.add(field)
      }
    }
    const isOnlyHere = row === undefined || edits.some((each) => each['kind'] === 'create' && each['id'] === row['id'])
    const historyAt = row?.['history_at'] ?? null
    const here = edits.filter(
      (each) => each['delivery'] !== 'sent' || historyAt === null || String(each['sent_at'] ?? '') > String(historyAt),
    )
    const changes = historyOf(row)
    const events = [
      ...here.map((each) => eventOf(each, gtin)),
      ...changes.map((change): StoredEvent => {
        const isTakenBack = edits.some(
          (each) => each['kind'] === 'undo' && each['change_id'] === change.id && isPending(each),
        )
        return {
          id: change.id,
          origin: 'backend',
          at: change.at,
          action: change.action,
          actor: change.actor,
          fields: change.fields,
          captureId: change.captureId,
          otherGtin: change.otherGtin,
          isUndone: change.undoneBy !== null || isTakenBack,
          canUndo:
            change.undoneBy === null &&
            !isTakenBack &&
            (change.fields.length > 0 || (change.action === 'merge' && change.otherGtin !== null)),
          delivery: 'sent',
          refusal: null,
          isOpen: false,
        }
      }),
    ]
    return {
      gtin,
      values,
      unsent: [...unsent],
      ownerId: record?.ownerId ?? '',
      dataSource: record?.dataSource ?? '',
      mergedInto: (row?.['merged_into'] as string | null | undefined) ?? null,
      known: isOnlyHere ? 'none' : record === null ? 'brief' : 'whole',
      fetchedAt: (row?.['fetched_at'] as string | null | undefined) ?? null,
      historyAt: historyAt as string | null,
      history: events.toSorted((one, other) => other.at.localeCompare(one.at)),
    }
  }

  /** A decision of this station that the backend does not know can be taken out; one that it may know has an opposite. */
  function canTakeBack(row: Row): boolean {
    if (isUndone(row) || row['delivery'] !== 'waiting' || row['kind'] === 'undo') return false
    return row['kind'] !== 'create' || wasNotSent(String(row['id']))
  }
  const wasNotSent = (id: string): boolean =>
    database.get(`SELECT 1 FROM outbox WHERE kind = 'product.edit' AND payload ->> 'edit' = ? AND attempts = 0`, id) !==
    undefined

  const add = (row: {
    readonly kind: ProductEditKind
    readonly gtin: string
    readonly other?: string | null
    readonly fields: readonly ChangedField[]
    /** The decision here, or the backend's change, that it takes back. */
    readonly undoes?: string | null
    readonly changeId?: string | null
    readonly delivery: 'none' | 'waiting'
  }): string => {
    const id = ids.next()
    const { kind, gtin, other = null, fields, undoes = null, changeId = null, delivery } = row
    database.run(
      `INSERT INTO product_edits (id, at, kind, gtin, other, fields, undoes, change_id, delivery)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      now(),
      kind,
      gtin,
      other,
      JSON.stringify(fields),
      undoes,
      changeId,
      delivery,
    )
    ledger.append({
      kind: 'product.decided',
      edit: id,
      decision: kind,
      gtin,
      other,
      content: contentOfEdit({ kind, gtin, other, fields, undoes }),
      undoes,
    })
    if (delivery === 'waiting') owe(id, gtin, other)
    return id
  }
  const owe = (id: string, gtin: string, other: string | null): void =>
    outbox.add({ kind: 'product.edit', sessionId: null, captureId: null, payload: { edit: id, gtin, other } })

  const setMerged = (gtin: string | null, into: string | null): void => {
    if (gtin !== null) database.run('UPDATE products SET merged_into = ? WHERE gtin = ?', into, gtin)
  }
  /** What a decision had changed here beyond its row is as it was before. */
  const forget = (row: Row): void => {
    if (row['kind'] === 'merge') setMerged(row['other'] as string | null, null)
    if (row['kind'] === 'create')
      database.run('DELETE FROM products WHERE gtin = ? AND id = ?', String(row['gtin']), String(row['id']))
  }

  return {
    keep(found, asked) {
      database.transaction(() => {
        for (const { id, gtin, values, ownerId, dataSource } of found) {
          const name = values.product_name ?? ''
          const brand = values.brand ?? ''
          database.run(
            `INSERT INTO products (gtin, id, name, brand, net_content, seen_at, words, record, fetched_at, merged_into)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?6, NULL)
             ON CONFLICT DO UPDATE SET id = ?2, name = ?3, brand = ?4, net_content = ?5, seen_at = ?6, words = ?7,
               record = ?8, fetched_at = ?6, merged_into = (
                 SELECT e.gtin FROM product_edits e WHERE e.kind = 'merge' AND e.other = ?1 AND e.delivery = 'waiting'
                   AND e.undone_by IS NULL)`,
            gtin,
            id,
            name,
            brand,
            values.net_content ?? '',
            now(),
            wordsOf(name, brand, gtin),
            JSON.stringify({ values, ownerId, dataSource }),
          )
          if (asked !== undefined && asked !== gtin) setMerged(asked, gtin)
        }
      })
    },
    keepHistory(gtin, changes) {
      database.run(
        'UPDATE products SET history = ?, history_at = ? WHERE gtin = ?',
        JSON.stringify(changes),
        now(),
        gtin,
      )
    },
    keepPhotos(gtin, photos) {
      database.run('UPDATE products SET photos = ? WHERE gtin = ?', JSON.stringify(photos), gtin)
    },
    around(gtin) {
      const known = product(gtin)?.['photos']
      const atBackend = typeof known === 'string' ? z.array(z.string()).parse(JSON.parse(known)) : null
      const photo = (row: Row): ProductRecord['photos'][number] => ({
        hash: String(row['photo']),
        role: String(row['photo_role'] ?? ''),
        takenAt: String(row['captured_at']),
        captureId: String(row['id']),
      })
      const found = new Map(
        database
          .all(
            `SELECT id, photo, photo_role, captured_at FROM captures WHERE gtin = ? AND photo IS NOT NULL
               AND disposition = 'counted' ORDER BY sequence DESC LIMIT ${mostPhotos}`,
            gtin,
          )
          .map((row) => [String(row['photo']), photo(row)]),
      )
      const ids = new Set(atBackend)
      const read = database.all(
        `SELECT DISTINCT remote ->> 'photoId' AS id FROM proposals WHERE gtin = ? AND remote ->> 'photoId' IS NOT NULL
         LIMIT ${mostPhotos}`,
        gtin,
      )
      // What a value was read from shows the product, whatever the backend lists.
      for (const row of read) ids.add(String(row['id']))
      let elsewhere = 0
      for (const id of ids) {
        const row = database.get(
          `SELECT id, photo, photo_role, captured_at FROM captures WHERE remote_photo IS NOT NULL
             AND substr(remote_photo, instr(remote_photo, '/photos/') + 8) = ? AND photo IS NOT NULL LIMIT 1`,
          encodeURIComponent(id),
        )
        if (row) found.set(String(row['photo']), photo(row))
        else if (atBackend?.includes(id) === true) elsewhere += 1
      }
      const captures = database.all(
        `SELECT c.id, c.session_id, s.label, c.captured_at, c.raw, c.quantity, c.disposition, c.state
         FROM captures c JOIN sessions s ON s.id = c.session_id WHERE c.gtin = ? ORDER BY c.sequence DESC LIMIT ${mostCaptures}`,
        gtin,
      )
      const total = database.get('SELECT count(*) AS total FROM captures WHERE gtin = ?', gtin)
      return {
        photos: [...found.values()].toSorted((one, other) => other.takenAt.localeCompare(one.takenAt)),
        photosElsewhere: atBackend === null ? null : elsewhere,
        captures: captures.map((row) => ({
          id: String(row['id']),
          sessionId: String(row['session_id']),
          session: String(row['label']),
          at: String(row['captured_at']),
          raw: String(row['raw']),
          quantity: Number(row['quantity']),
          disposition: String(row['disposition']),
          state: String(row['state']),
        })),
        capturesTotal: Number(total?.['total'] ?? 0),
        toReview: database
          .all(`SELECT DISTINCT capture FROM proposals WHERE gtin = ? AND state IN ('open', 'skipped') LIMIT 50`, gtin)
          .map((row) => String(row['capture'])),
      }
    },
    search(text, limit) {
      const { where, values } = matching(text)
      const total = Number(
        database.get(`SELECT count(*) AS total FROM products p WHERE ${where}`, ...values)?.['total'],
      )
      const rows = database.all(
        `SELECT p.gtin, p.name, p.brand, p.net_content,
           (SELECT count(*) FROM product_edits e WHERE e.gtin = p.gtin AND e.delivery = 'waiting') AS waiting,
           (SELECT count(*) FROM product_edits e WHERE e.gtin = p.gtin AND e.delivery = 'refused'
              AND e.settled IS NULL) AS refused
         FROM products p WHERE ${where} ORDER BY p.name = '', p.name COLLATE NOCASE, p.gtin LIMIT ?`,
        ...values,
        limit,
      )
      return {
        total,
        products: rows.map((row) => ({
          gtin: String(row['gtin']),
          name: String(row['name']),
          brand: String(row['brand']),
          netContent: String(row['net_content']),
          waiting: Number(row['waiting']),
          refused: Number(row['refused']),
        })),
      }
    },
    *each(text) {
      const { where, values } = matching(text)
      let after = ''
      for (;;) {
        const rows = database.all(
          `SELECT * FROM products p WHERE ${where} AND p.gtin > ? ORDER BY p.gtin LIMIT 500`,
          ...values,
          after,
        )
        for (const row of rows) {
          const record = stored(String(row['gtin']), row)
          if (record) yield record
        }
        const last = rows.at(-1)
        if (last === undefined) return
        after = String(last['gtin'])
      }
    },
    get: (gtin) => stored(gtin, product(gtin)),
    decide({ kind, gtin, other, fields }) {
      return database.transaction((): Result<string> => {
        const present = stored(gtin, product(gtin))
        if (kind === 'create' && present !== null && present.known !== 'none')
          return fail('conflict', 'there is a product with this GTIN already')
        if (
          kind === 'create' &&
          present?.history.some(({ action, delivery }) => action === 'create' && delivery === 'waiting')
        )
          return fail('conflict', 'it was created here already')
        if (kind !== 'create' && present === null) return fail('not_found', 'no such product')
        if (present !== null && present.mergedInto !== null)
          return fail('conflict', `it was merged into ${present.mergedInto}`)
        const changed = fields.find(({ field, from }) => (present?.values[field] ?? '') !== from)
        if (kind !== 'create' && changed) return fail('conflict', `${changed.field} has changed since it was shown`)
        if (kind === 'merge') {
          const merged = other === undefined ? null : stored(other, product(other))
          if (other === undefined || merged === null) return fail('not_found', 'no such product to merge')
          if (other === gtin) return fail('invalid_input', 'a product cannot be merged into itself')
          if (merged.mergedInto !== null) return fail('conflict', `it was merged into ${merged.mergedInto} already`)
        }
        const id = add({ kind, gtin, other: other ?? null, fields, delivery: 'waiting' })
        if (kind === 'merge') setMerged(other ?? null, gtin)
        if (kind === 'create') {
          const value = (field: ProductField): string => fields.find((each) => each.field === field)?.to ?? ''
          const [name, brand] = [value('product_name'), value('brand')]
          database.run(
            `INSERT INTO products (gtin, id, name, brand, net_content, seen_at, words) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET id = excluded.id, name = excluded.name, brand = excluded.brand,
               net_content = excluded.net_content, words = excluded.words`,
            gtin,
            id,
            name,
            brand,
            value('net_content'),
            now(),
            wordsOf(name, brand, gtin),
          )
        }
        return ok(id)
      })
    },
    undo(gtin, id, origin) {
      return database.transaction((): Result<string> => {
        if (origin === 'backend') {
          const event = stored(gtin, product(gtin))?.history.find((each) => each.id === id)
          if (!event) return fail('not_found', 'no such change')
          if (!event.canUndo) return fail('conflict', 'it cannot be taken back, or was already')
          const fields = event.fields.flatMap(({ field, from, to }) => {
            const known = productFieldSchema.safeParse(field)
            return known.success ? [{ field: known.data, from: to, to: from }] : []
          })
          return ok(add({ kind: 'undo', gtin, fields, undoes: id, changeId: id, delivery: 'waiting' }))
        }
        const row = edit(id)
        if (!row || (row['gtin'] !== gtin && row['other'] !== gtin)) return fail('not_found', 'no such decision')
        if (!canTakeBack(row)) return fail('conflict', 'it cannot be taken back here: take the change back')
        const isUnsent = wasNotSent(id)
        const fields = fieldsOf(row).map(({ field, from, to }) => ({ field, from: to, to: from }))
        const undo = add({
          kind: 'undo',
          gtin: String(row['gtin']),
          other: row['other'] as string | null,
          fields: isUnsent ? [] : fields,
          undoes: id,
          delivery: isUnsent ? 'none' : 'waiting',
        })
        if (isUnsent) {
          database.run(`DELETE FROM outbox WHERE kind = 'product.edit' AND payload ->> 'edit' = ?`, id)
          database.run(`UPDATE product_edits SET delivery = 'none' WHERE id = ?`, id)
          forget(row)
        }
        database.run('UPDATE product_edits SET undone_by = ? WHERE id = ?', undo, id)
        return ok(undo)
      })
    },
    retry(id) {
      return database.transaction((): Result<string> => {
        const row = edit(id)
        if (!row) return fail('not_found', 'no such decision')
        if (row['delivery'] !== 'refused' || row['settled'] !== null) return fail('conflict', 'it was not refused')
        database.run(`UPDATE product_edits SET delivery = 'waiting', code = NULL, message = NULL WHERE id = ?`, id)
        if (row['kind'] === 'merge') setMerged(row['other'] as string | null, String(row['gtin']))
        ledger.append({ kind: 'product.resent', edit: id })
        owe(id, String(row['gtin']), row['other'] as string | null)
        return ok(String(row['gtin']))
      })
    },
    giveUp(id, reason) {
      return database.transaction((): Result<string> => {
        const row = edit(id)
        if (!row) return fail('not_found', 'no such decision')
        if (row['delivery'] !== 'refused' || row['settled'] !== null) return fail('conflict', 'it was not refused')
        database.run('UPDATE product_edits SET settled = ? WHERE id = ?', reason, id)
        forget(row)
        ledger.append({ kind: 'product.givenUp', edit: id, reason })
        return ok(String(row['gtin']))
      })
    },
    refused: () =>
      database
        .all(
          `SELECT e.*, coalesce(p.name, '') AS product_name FROM product_edits e LEFT JOIN products p ON p.gtin = e.gtin
           WHERE e.delivery = 'refused' AND e.settled IS NULL ORDER BY e.number DESC LIMIT 200`,
        )
        .map((row) => {
          const gtin = String(row['gtin'])
          return { gtin, name: String(row['product_name']), event: eventOf(row, gtin) }
        }),
    refusedCount: () =>
      Number(
        database.get(`SELECT count(*) AS n FROM product_edits WHERE delivery = 'refused' AND settled IS NULL`)?.['n'] ??
          0,
      ),
    owed(id) {
      const row = edit(id)
      if (!row || row['delivery'] !== 'waiting') return null
      const undone = row['kind'] === 'undo' && row['change_id'] === null ? edit(String(row['undoes'])) : undefined
      return {
        id,
        kind: productEditKindSchema.parse(row['kind']),
        gtin: String(row['gtin']),
        other: row['other'] as string | null,
        fields: fieldsOf(row),
        changeId: ((row['change_id'] ?? undone?.['change_id']) as string | null | undefined) ?? null,
      }
    },
    delivered(id, changeId, receipt) {
      const row = database.get(
        `UPDATE product_edits SET delivery = 'sent', sent_at = ?, change_id = coalesce(change_id, ?) WHERE id = ?
         RETURNING kind, undoes, fields, gtin`,
        now(),
        changeId,
        id,
      )
      if (!row) return
      ledger.append({ kind: 'product.delivered', edit: id, receipt: receipt ?? null })
      // Until it is told anew, the record is what was written: nothing that was delivered seems to be lost.
      const gtin = String(row['gtin'])
      const present = product(gtin)
      if (typeof present?.['record'] !== 'string') return
      const record = storedRecordSchema.parse(JSON.parse(present['record']))
      for (const { field, to } of changedFieldsSchema.parse(JSON.parse(String(row['fields']))))
        record.values[field] = to
      database.run('UPDATE products SET record = ? WHERE gtin = ?', JSON.stringify(record), gtin)
    },
    refuse(id, { code, message }) {
      const row = database.get(
        `UPDATE product_edits SET delivery = 'refused', code = ?, message = ? WHERE id = ? RETURNING *`,
        code,
        message,
        id,
      )
      if (!row) return
      if (row['kind'] === 'merge') setMerged(row['other'] as string | null, null)
      ledger.append({ kind: 'product.refused', edit: id, code, message })
    },
  }
}

/** What the ledger keeps of a decision about a product: the digest of all that was decided. */
export function contentOfEdit(decided: {
  readonly kind: string
  readonly gtin: string
  readonly other: string | null
  readonly fields: readonly ChangedField[]
  readonly undoes: string | null
}): string {
  const { kind, gtin, other, undoes } = decided
  const fields = decided.fields.map(({ field, from, to }) => ({ field, from, to }))
  return sha256(canonicalJson({ kind, gtin, other, fields, undoes }))
}

/** As SQL over `products p`: every word stands in the name, the brand or the GTIN. */
function matching(text: string): { readonly where: string; readonly values: readonly string[] } {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  const patterns = words.map((word) => `%${word.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`)
  return {
    where: ['p.merged_into IS NULL', ...words.map(() => String.raw`p.words LIKE ? ESCAPE '\'`)].join(' AND '),
    values: patterns,
  }
}
