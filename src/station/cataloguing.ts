import type { ProcedureHandlers } from '#contract/dispatch.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import {
  productFields,
  productValueFault,
  type catalogueProcedures,
  type ProductField,
  type ProductRecord,
} from '#contract/station/catalogue.ts'
import { isGtin } from '#domain/gtin.ts'
import type { KeptChange, KeptProduct, RemoteFailure, ScannerClient } from '#station/remote/scanner-client.ts'
import type { StoredEvent } from '#station/store/catalogue.ts'
import type { Store } from '#station/store/store.ts'

/** The catalogue as windows see it: its procedures, and what is told after a change. */
export interface Cataloguing {
  readonly handlers: ProcedureHandlers<typeof catalogueProcedures>
  /** Asks the backend for every product that the words fit; answers whether it told all of them. */
  bringUpToDate(text: string): Promise<boolean>
}

/** A catalogue of more is exported at the backend. */
const mostPages = 2_000
const unconfigured = fail('conflict', 'no server is set')

/** Creates it over the store; without a backend it knows what this station has seen. */
export function createCataloguing(ports: {
  readonly store: Store
  readonly remote: () => ScannerClient | null
  readonly wakeSync: () => void
  readonly onChange: (gtins: readonly string[]) => void
}): Cataloguing {
  const { store } = ports
  const { catalogue } = store

  const withEvidence = (event: StoredEvent): ProductRecord['history'][number] => ({
    ...event,
    fields: event.fields.map(({ proposal, ...field }) => ({
      ...field,
      evidence: proposal === null ? null : (store.reviews.evidenceOf(proposal) ?? unseen),
    })),
  })
  const show = (gtin: string): ProductRecord | null => {
    const record = catalogue.get(gtin)
    if (record === null) return null
    return {
      ...record,
      ...catalogue.around(gtin),
      history: record.history.map(withEvidence),
    }
  }
  const shown = (gtin: string): Result<ProductRecord> => {
    const record = show(gtin)
    return record ? ok(record) : fail('not_found', 'no such product')
  }
  const padded = (gtin: string): string => gtin.padStart(14, '0')

  /** Asks the backend for everything about a product and keeps it. */
  const renew = async (gtin: string): Promise<Result<string>> => {
    const remote = ports.remote()
    if (remote === null) return unconfigured
    const found = await remote.getProduct(gtin)
    if (!found.ok) return failed(found.failure)
    if (found.value === null) return fail('not_found', 'no such product')
    const kept: KeptProduct = found.value
    const [history, photos] = await Promise.all([remote.productHistory(kept.gtin), remote.productPhotos(kept.gtin)])
    store.transaction(() => {
      catalogue.keep([kept], gtin)
      if (history.ok) catalogue.keepHistory(kept.gtin, history.value satisfies KeptChange[])
      if (photos.ok && photos.value !== null) catalogue.keepPhotos(kept.gtin, photos.value)
    })
    return ok(kept.gtin)
  }

  /** After a decision: it is on its way, and everybody who looks is told. */
  const decided = (done: Result<string>, ...gtins: readonly string[]): Result<ProductRecord> => {
    if (!done.ok) return done
    ports.wakeSync()
    ports.onChange(gtins)
    return shown(gtins[0] ?? '')
  }
  const faultOf = (fields: readonly { readonly field: ProductField; readonly to: string }[]): Result<never> | null => {
    const details = fields.flatMap(({ field, to }) => {
      const message = productValueFault(field, to)
      return message === null ? [] : [{ field, message }]
    })
    return details.length === 0 ? null : fail('invalid_input', `${details[0]?.field} ${details[0]?.message}`, details)
  }

  return {
    async bringUpToDate(text) {
      const remote = ports.remote()
      if (remote === null) return false
      for (let page = 1; page <= mostPages; page += 1) {
        const answer = await remote.searchProducts(text, page, 100)
        if (!answer.ok) return false
        store.transaction(() => catalogue.keep(answer.value.products))
        if (!answer.value.hasNext) return true
      }
      return false
    },
    handlers: {
      'product.search': async ({ text, from, limit }) => {
        if (from === 'station') return ok(catalogue.search(text, limit))
        const remote = ports.remote()
        if (remote === null) return unconfigured
        const answer = await remote.searchProducts(text, 1, limit)
        if (!answer.ok) return failed(answer.failure)
        store.transaction(() => catalogue.keep(answer.value.products))
        // What was decided here and is not told yet belongs to the answer, and so does what only this station knows.
        const here = catalogue.search(text, limit)
        return ok({ products: here.products, total: Math.max(here.total, answer.value.total) })
      },
      'product.get': async ({ gtin: typed, from }) => {
        const gtin = padded(typed)
        if (from === 'station') return shown(gtin)
        const renewed = await renew(gtin)
        if (renewed.ok) return shown(renewed.value)
        // The backend may not know it yet because nobody has told it.
        return renewed.error.code === 'not_found' ? shown(gtin) : renewed
      },
      'product.add': ({ gtin: typed, values }) => {
        if (!isGtin(typed)) return fail('invalid_input', 'the check digit of the GTIN is wrong')
        const fields = productFields.flatMap((field) => {
          const to = values[field]?.trim() ?? ''
          return to === '' ? [] : [{ field, from: '', to }]
        })
        const fault = faultOf(fields)
        if (fault !== null) return fault
        const gtin = padded(typed)
        return decided(catalogue.decide({ kind: 'create', gtin, fields }), gtin)
      },
      'product.edit': ({ gtin, fields }) => {
        const changed = fields.filter(({ from, to }) => from !== to)
        if (changed.length === 0) return fail('conflict', 'nothing was changed')
        return faultOf(changed) ?? decided(catalogue.decide({ kind: 'edit', gtin, fields: changed }), gtin)
      },
      'product.merge': ({ gtin, other, fields }) => {
        const changed = fields.filter(({ from, to }) => from !== to)
        return (
          faultOf(changed) ?? decided(catalogue.decide({ kind: 'merge', gtin, other, fields: changed }), gtin, other)
        )
      },
      'product.undo': ({ gtin, id, origin }) => decided(catalogue.undo(gtin, id, origin), gtin),
      'product.retry': ({ id }) => {
        const done = catalogue.retry(id)
        return decided(done, done.ok ? done.value : '')
      },
      'product.giveUp': ({ id, reason }) => {
        const done = catalogue.giveUp(id, reason)
        if (!done.ok) return done
        ports.onChange([done.value])
        return shown(done.value)
      },
      'product.refused': () =>
        ok(catalogue.refused().map(({ event, gtin, name }) => ({ ...withEvidence(event), gtin, name }))),
    },
  }
}

/** Of a proposal that another station reviewed. */
const unseen = { photo: null, source: '', confidence: null } as const

function failed({ kind, message }: RemoteFailure): Result<never> {
  if (kind === 'unreachable' || kind === 'busy') return fail('offline', message)
  return fail(kind === 'unauthorised' ? 'unauthorised' : 'refused', message)
}
