import { fail, ok, type AppError, type Result } from '#contract/result.ts'
import type { Capture } from '#contract/station/capture.ts'
import type { HandlersOf } from '#contract/station/procedures.ts'
import { isGtin } from '#domain/gtin.ts'
import type { Capturing } from '#station/capture/capture.ts'
import type { Store } from '#station/store/store.ts'

const notRefused: AppError = { code: 'conflict', message: 'the backend has not refused it, or may have taken it' }

/** What a person sees of captures, and does with them afterwards: counts, undoes, and settles what the backend has not taken. */
export function correctingHandlers(ports: {
  readonly store: Store
  readonly capturing: Pick<Capturing, 'correct'>
  readonly wakeSync: () => void
  readonly capturesChanged: (ids: readonly string[]) => void
  readonly sessionChanged: (id: string) => void
}): HandlersOf<`capture.${string}` | 'product.create'> {
  const { store, capturing, wakeSync, capturesChanged, sessionChanged } = ports

  const changeCapture = (id: string, change: (capture: Capture) => AppError | null): Result<Capture> => {
    const capture = store.captures.get(id)
    if (!capture) return fail('not_found', 'no such capture')
    const refusal = change(capture)
    if (refusal) return { ok: false, error: refusal }
    wakeSync()
    capturesChanged([id])
    return ok(store.captures.get(id) ?? capture)
  }
  const undo = (id: string): Result<Capture> =>
    changeCapture(id, (capture) => {
      if (capture.disposition !== 'counted') return { code: 'conflict', message: 'it does not count already' }
      if (store.sessions.get(capture.sessionId)?.state !== 'ACTIVE')
        return { code: 'conflict', message: 'its session has ended' }
      store.captures.undo(id)
      return null
    })

  return {
    'capture.list': (query) =>
      store.sessions.get(query.sessionId) ? ok(store.captures.list(query)) : fail('not_found', 'no such session'),
    'capture.get': ({ id }) => {
      const capture = store.captures.detail(id)
      return capture ? ok(capture) : fail('not_found', 'no such capture')
    },
    'capture.setQuantity': ({ id, quantity }) =>
      changeCapture(id, (capture) => {
        if (capture.disposition !== 'counted') return { code: 'conflict', message: 'it does not count' }
        if (capture.quantity !== quantity) store.captures.setQuantity(id, quantity)
        return null
      }),
    'capture.undo': ({ id }) => undo(id),
    'capture.undoLast': ({ sessionId }) => {
      const newest = store.captures.newestCounted(sessionId)
      return newest ? undo(newest.id) : fail('not_found', 'nothing is left to undo')
    },
    'capture.retry': ({ id }) =>
      changeCapture(id, () =>
        store.captures.retry(id) ? null : { code: 'conflict', message: 'there is nothing to retry' },
      ),
    'capture.discard': ({ id, reason }) =>
      changeCapture(id, () => (store.captures.discard(id, reason, null) ? null : notRefused)),
    'capture.correct': ({ id, raw }) => {
      const refused = store.captures.get(id)
      if (!refused) return fail('not_found', 'no such capture')
      if (refused.type === 'IMAGE') return fail('conflict', 'a photo has no value to correct')
      const corrected = capturing.correct(refused, raw)
      if (corrected.ok) capturesChanged([id, corrected.value.id])
      wakeSync()
      return corrected
    },
    'capture.move': ({ id, sessionId }) => {
      if (!store.sessions.get(sessionId)) return fail('not_found', 'no such session')
      const from = store.captures.get(id)?.sessionId
      const moved = changeCapture(id, () => (store.captures.move(id, sessionId) ? null : notRefused))
      if (from !== undefined) sessionChanged(from)
      return moved
    },
    'capture.candidates': ({ id }) => {
      const found = store.outbox.candidates(id)
      if (!found) return fail('conflict', 'it is not undecided')
      return ok({ sentAt: new Date(found.sentMs).toISOString(), candidates: found.candidates })
    },
    'capture.decide': ({ id, remoteId }) =>
      changeCapture(id, () =>
        store.captures.decide(id, remoteId) ? null : { code: 'conflict', message: 'it is not undecided' },
      ),
    'product.create': (product) =>
      changeCapture(product.captureId, (capture) => {
        const { captureId, ...payload } = product
        const gtin = product.gtin.padStart(14, '0')
        if (!isGtin(product.gtin)) return { code: 'invalid_input', message: 'the check digit of the GTIN is wrong' }
        store.transaction(() => {
          // Known on this station at once; the backend's record replaces it when it is there.
          store.captures.rememberProduct({
            id: captureId,
            gtin,
            name: payload.name,
            brand: payload.brand,
            netContent: payload.netContent,
          })
          store.outbox.add({ kind: 'product.create', sessionId: capture.sessionId, captureId, payload })
        })
        return null
      }),
  }
}
