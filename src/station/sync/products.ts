import type { Log } from '#contract/ports.ts'
import type { ProductValues } from '#contract/station/catalogue.ts'
import { isFinal } from '#station/remote/scanner-client.ts'
import type { KeptChange, RemoteFailure, RemoteResult, ScannerClient } from '#station/remote/scanner-client.ts'
import type { OwedEdit } from '#station/store/catalogue.ts'
import { sentEditSchema, type OutboxItem } from '#station/store/outbox.ts'
import type { Store } from '#station/store/store.ts'

/** What the sending of people's decisions uses of the worker that it is part of. */
export interface SendingPorts {
  readonly store: Store
  readonly remote: ScannerClient
  readonly log: Log
  /** Writes an outcome in one transaction. */
  readonly write: (outcome: () => void) => Promise<void>
  readonly noteContact: () => void
  readonly handleFailure: (item: OutboxItem, failure: RemoteFailure) => Promise<void>
}

type Receipt = Parameters<Store['catalogue']['delivered']>[2]

/**
 * Sends what people decided about products. Where an earlier attempt may have taken effect, and where the backend says that
 * the record is not as it was seen, the record is read back first: what somebody else has written is never overwritten.
 */
export function createProductSending(
  ports: SendingPorts,
  onProducts: (gtins: readonly string[]) => void,
): (item: OutboxItem) => Promise<void> {
  const { store, remote, log, write, noteContact, handleFailure } = ports
  const { catalogue } = store

  /** It is shown to a person with the backend's words. */
  const refused = async (item: OutboxItem, edit: OwedEdit, error: { code: string; message: string }): Promise<void> => {
    log.warn({ decision: edit.kind, code: error.code }, 'the backend did not take a decision about a product')
    await write(() => {
      catalogue.refuse(edit.id, error)
      store.outbox.done(item.id)
    })
  }

  /** Whether the backend has it as it was decided, whoever wrote it. */
  const isThere = async (edit: OwedEdit): Promise<RemoteResult<boolean>> => {
    if (edit.kind === 'undo') {
      const history = await remote.productHistory(edit.gtin)
      if (!history.ok) return history
      return { ok: true, value: history.value.some(({ id, undoneBy }) => id === edit.changeId && undoneBy !== null) }
    }
    const found = await remote.getProduct(edit.kind === 'merge' ? (edit.other ?? '') : edit.gtin)
    if (!found.ok) return found
    const there = found.value
    // Of a merged product the one is answered that it was merged into.
    const isRight = there?.gtin === edit.gtin
    return { ok: true, value: isRight && edit.fields.every(({ field, to }) => (there.values[field] ?? '') === to) }
  }

  const request = (edit: OwedEdit): Promise<RemoteResult<null>> => {
    const to: ProductValues = Object.fromEntries(edit.fields.map((each) => [each.field, each.to]))
    const seen: ProductValues = Object.fromEntries(edit.fields.map((each) => [each.field, each.from]))
    switch (edit.kind) {
      case 'create':
        return remote.addProduct(edit.id, edit.gtin, to)
      case 'edit':
        return remote.changeProduct(edit.gtin, to, seen)
      case 'merge':
        return remote.mergeProducts(edit.gtin, edit.other ?? '', to, seen)
      case 'undo':
        return remote.undoChange(edit.gtin, edit.changeId ?? '')
    }
  }

  /** It is delivered: the record and its history are told anew, so that nobody looks at what was before. */
  const done = async (item: OutboxItem, edit: OwedEdit, receipt: Receipt): Promise<void> => {
    const [found, history] = await Promise.all([remote.getProduct(edit.gtin), remote.productHistory(edit.gtin)])
    const change = history.ok ? history.value.find((each) => isOf(edit, each)) : undefined
    await write(() => {
      catalogue.delivered(edit.id, change?.id ?? null, receipt)
      if (found.ok && found.value !== null) catalogue.keep([found.value])
      if (history.ok) catalogue.keepHistory(edit.gtin, history.value)
      store.outbox.done(item.id)
    })
  }

  const send = async (item: OutboxItem, edit: OwedEdit): Promise<void> => {
    // Nothing was written that an undo could take back.
    if (edit.kind === 'undo' && edit.changeId === null) {
      return write(() => {
        catalogue.delivered(edit.id, null)
        store.outbox.done(item.id)
      })
    }
    if (item.attempts > 1) {
      const there = await isThere(edit)
      if (!there.ok) {
        return isFinal(there.failure) ? refused(item, edit, there.failure) : handleFailure(item, there.failure)
      }
      noteContact()
      if (there.value) return done(item, edit, undefined)
    }
    const answer = await request(edit)
    if (answer.ok) {
      noteContact()
      return done(item, edit, answer.receipt)
    }
    if (answer.failure.status === 409) {
      const there = await isThere(edit)
      if (!there.ok) return handleFailure(item, { ...there.failure, taken: 'no' })
      noteContact()
      // An attempt that was believed lost came before this one.
      if (there.value) return done(item, edit, undefined)
      const found = await remote.getProduct(edit.gtin)
      if (found.ok && found.value !== null) {
        const kept = found.value
        await write(() => catalogue.keep([kept]))
      }
    }
    if (isFinal(answer.failure)) return refused(item, edit, answer.failure)
    return handleFailure(item, answer.failure)
  }

  return async (item) => {
    const { edit: id, gtin, other } = sentEditSchema.parse(item.payload)
    const edit = catalogue.owed(id)
    if (edit === null) await write(() => store.outbox.done(item.id))
    else await send(item, edit)
    onProducts(other === null ? [gtin] : [gtin, other])
  }
}

/** Whether a change of the backend is what was decided: the newest that says the same. */
function isOf(edit: OwedEdit, change: KeptChange): boolean {
  const actions = { create: 'create', edit: 'update', merge: 'merge', undo: 'undo' } as const
  if (change.action !== actions[edit.kind]) return false
  if (edit.kind === 'create') return true
  return edit.fields.every(({ field, to }) => change.fields.some((each) => each.field === field && each.to === to))
}
