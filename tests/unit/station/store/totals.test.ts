import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Capture } from '#contract/station/capture.ts'
import type { SessionTotals } from '#contract/station/session.ts'
import { createCapturing } from '#station/capture/capture.ts'
import type { Store } from '#station/store/store.ts'
import { createClock, createIds, createKeptLog, openTestSession, openTestStore } from '../parts.ts'

/** The totals counted anew from the rows; knows nothing of triggers. */
function recount(captures: readonly Capture[], itemOf: (capture: Capture) => string): SessionTotals {
  const counted = captures.filter((capture) => capture.disposition === 'counted')
  const inState = (state: Capture['state']): number => counted.filter((capture) => capture.state === state).length
  return {
    scans: counted.length,
    units: counted.reduce((sum, capture) => sum + capture.quantity, 0),
    uniqueItems: new Set(counted.map(itemOf)).size,
    found: inState('COMPLETED'),
    notFound: inState('NOT_FOUND'),
    failed: inState('FAILED'),
    waiting: captures.filter((capture) => capture.sync === 'waiting' || capture.sync === 'sending').length,
    parked: captures.filter((capture) => capture.sync === 'parked').length,
    duplicates: captures.filter((capture) => capture.disposition === 'ignored' || capture.disposition === 'rejected')
      .length,
    undone: captures.filter((capture) => capture.disposition === 'undone').length,
  }
}

type Step =
  | { readonly do: 'scan'; readonly code: number }
  | {
      readonly do: 'undo' | 'retry' | 'take' | 'refuse' | 'lose' | 'follow'
      readonly which: number
      readonly state: Settled
    }
  | { readonly do: 'quantity'; readonly which: number; readonly quantity: number }
  | { readonly do: 'wait'; readonly ms: number }
type Settled = 'COMPLETED' | 'NOT_FOUND' | 'FAILED' | 'PENDING'

const codes = ['4006381333931', 'TEXT', '00012', '0104006381333931\u001D21A', '0104006381333931\u001D21B']
const which = fc.nat(30)
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('scan' as const), code: fc.nat(codes.length - 1) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('undo' as const, 'retry', 'take', 'refuse', 'lose', 'follow'),
      which,
      state: fc.constantFrom<Settled>('COMPLETED', 'NOT_FOUND', 'FAILED', 'PENDING'),
    }),
  },
  fc.record({ do: fc.constant('quantity' as const), which, quantity: fc.integer({ min: 1, max: 99_999 }) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 5_000 }) }),
)

/** Does what the station and the sync worker do with a capture, when its state allows it. */
async function perform(
  step: Step,
  store: Store,
  clock: ReturnType<typeof createClock>,
  scan: (data: string) => Promise<unknown>,
): Promise<void> {
  if (step.do === 'scan') return void (await scan(codes[step.code] ?? ''))
  if (step.do === 'wait') return clock.advance(step.ms)
  const all = [...store.captures.each(null)]
  const capture = all[step.which % Math.max(all.length, 1)]
  if (!capture) return
  if (step.do === 'quantity') {
    if (capture.disposition === 'counted') store.captures.setQuantity(capture.id, step.quantity)
  } else if (step.do === 'undo') {
    if (capture.disposition === 'counted') store.captures.undo(capture.id)
  } else if (step.do === 'retry') {
    store.captures.retry(capture.id)
  } else if (step.do === 'follow') {
    const remoteId = capture.remoteId
    if (remoteId !== null) store.transaction(() => store.captures.follow(capture.id, answer(remoteId, step.state)))
  } else {
    const item = store.outbox.lease(1)[0]
    if (!item) return
    store.transaction(() => {
      if (item.kind === 'session.create') store.sessions.linkRemote(item.sessionId ?? '', 'S')
      if (step.do === 'lose') return store.outbox.retryAt(item.id, clock.now().getTime(), { code: 'x', message: '' })
      if (step.do === 'refuse' && item.kind !== 'session.create')
        return store.outbox.park(item.id, { code: 'x', message: '' }, true)
      if (item.kind === 'capture.submit')
        store.captures.accept(item.captureId ?? '', answer(`R-${item.captureId}`, step.state))
      store.outbox.done(item.id)
    })
  }
}

const answer = (remoteId: string, state: Settled) =>
  ({ remoteId, state, errorMessage: '', productId: null, productName: null, gtin: null }) as const

describe("a session's totals", () => {
  it.each(['count', 'ignore', 'reject'] as const)(
    'equal a recount of the rows after whatever happens (policy %s)',
    async (duplicatePolicy) => {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { maxLength: 40 }), async (sequence) => {
          const clock = createClock()
          const store = openTestStore({ clock })
          const session = openTestSession(store, { duplicatePolicy })
          const capturing = createCapturing({
            store,
            clock,
            ids: createIds(),
            log: createKeptLog(),
            onSaved: () => undefined,
            onControl: () => undefined,
          })
          for (const step of sequence) {
            await perform(step, store, clock, (data) => capturing.scan({ data, source: 'stdin', deviceName: '' }))
            const captures = [...store.captures.each(session.id)]
            const serial = (capture: Capture): string =>
              capture.gtin === null
                ? capture.raw
                : `${capture.gtin} ${capture.elements.find((element) => element.ai === '21')?.value ?? ''}`
            expect(store.sessions.get(session.id)?.totals).toEqual(recount(captures, serial))
          }
          // Nothing that is owed has lost its item, and nothing is owed that nobody wants.
          for (const capture of store.captures.each(session.id)) {
            if (capture.sync === 'waiting' || capture.sync === 'sending') expect(store.outbox.isPending()).toBe(true)
          }
          store.close()
        }),
        { numRuns: 60 },
      )
    },
    60_000,
  )
})
