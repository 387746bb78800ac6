import type { ProcedureHandlers } from '#contract/dispatch.ts'
import type { Clock } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type {
  reviewProcedures,
  ReviewAnswer,
  ReviewDecision,
  ReviewFigures,
  ReviewProduct,
} from '#contract/station/review.ts'
import type { TopicPayload } from '#contract/station/topics.ts'
import type { Reading, ScannerClient } from '#station/remote/scanner-client.ts'
import { isProbe } from '#station/store/probes.ts'
import type { KeptProduct } from '#station/store/reviews.ts'
import type { Store } from '#station/store/store.ts'
import type { ProposalFetch } from '#station/sync/proposals.ts'

const answeredStates = { accept: 'accepted', edit: 'edited', reject: 'rejected', skip: 'skipped' } as const
/** A window that says nothing for so long has left its product to others. */
const holdMs = 60_000
/** The newest captures of this station, of whose sessions is asked how far they have been read: an empty review can say it. */
const watchedCaptures = 12
/** The backend is told of an open product so often; there a hold lasts a minute too. */
const tellMs = 8_000

/** The review as windows see it: its procedures, who has which product open, and what is told after a change. */
export interface Reviewing {
  readonly handlers: ProcedureHandlers<typeof reviewProcedures>
  /** Proposals or decisions of these captures have changed. */
  changed(captureIds: readonly string[]): void
}

/** Creates it over the store; `fetch` is null without a backend. */
export function createReviewing(ports: {
  readonly store: Store
  readonly clock: Clock
  readonly fetch: () => ProposalFetch | null
  readonly remote: () => ScannerClient | null
  readonly stationName: () => string
  readonly probeShare: () => number
  readonly random: () => number
  readonly wakeSync: () => void
  readonly publish: (payload: TopicPayload<'review.changed'>) => void
}): Reviewing {
  const { store, clock } = ports
  const { reviews } = store
  const holds = new Map<string, { readonly reviewer: string; readonly since: string; untilMs: number }>()

  /** What other stations have open, as the backend said when it was last asked. */
  const elsewhere = new Map<string, { readonly since: string; readonly by: string; readonly untilMs: number }>()
  const toldMs = new Map<string, number>()
  /** How far photos have been read, by the product's capture; null until the backend has said so. */
  const readings = new Map<string, { readonly reading: Reading | null; readonly askedMs: number }>()

  /** Who has a product open, if that is another window, of this station or of another one. */
  const heldBy = (captureId: string, reviewer: string): { readonly since: string; readonly by: string } | null => {
    const hold = holds.get(captureId)
    if (hold && hold.reviewer !== reviewer && hold.untilMs >= clock.monotonicMs()) return { since: hold.since, by: '' }
    const other = elsewhere.get(captureId)
    return other && other.untilMs >= clock.monotonicMs() ? other : null
  }
  /** Tells the backend that a window of this station reviews a product; the answer may be that somebody else does. */
  const ask = async (captureId: string, reviewer: string, isLeft: boolean): Promise<void> => {
    const remote = ports.remote()
    const nowMs = clock.monotonicMs()
    if (remote === null || (!isLeft && nowMs - (toldMs.get(captureId) ?? -tellMs) < tellMs)) return
    if (isLeft) toldMs.delete(captureId)
    else toldMs.set(captureId, nowMs)
    const name = ports.stationName()
    const answer = await remote.holdReview(captureId, {
      reviewer: `${store.stationId} ${reviewer}`.slice(0, 100),
      name,
      isLeft,
    })
    if (!answer.ok) return
    const was = elsewhere.has(captureId)
    elsewhere.delete(captureId)
    if (answer.value !== null && !isLeft) {
      const { since, name: by } = answer.value
      elsewhere.set(captureId, { since: new Date(since).toISOString(), by, untilMs: clock.monotonicMs() + holdMs })
    }
    if (was !== elsewhere.has(captureId)) changed([captureId])
  }
  /** What the backend lists, and of its own the station asks the backend for: what is not listed is no use to read again. */
  const photosOf = (captureId: string): Pick<ReviewProduct, 'isReading' | 'unread' | 'canReread'> => {
    const listed = reviews.unreadOf(captureId)
    const waiting = listed.filter(({ decided }) => decided === null).map(({ photo, reason }) => ({ photo, reason }))
    const { isReading = false, unread = [] } = readings.get(captureId)?.reading ?? {}
    const told = unread
      .filter((one) => one.captureId === captureId)
      .map(({ photoId, reason }) => ({ photo: reviews.photoOf({ photoId, imageOf: captureId }), reason }))
    return {
      isReading: isReading || listed.some(({ decided }) => decided === 'reread'),
      // After a person's word only what is listed anew counts.
      unread: listed.length > 0 || reviews.hasDecidedUnread(captureId) ? waiting : told,
      canReread: waiting.length > 0,
    }
  }
  /** One of each session's captures: those of a product's photos say no more than that of its code. */
  const bySession = (captureIds: readonly string[]): Map<string | null, string> =>
    new Map(captureIds.map((id) => [reviews.sessionOf(id), id]))
  /** Asks how far the photos of a product of this station have been read, until all have. */
  const askReading = async (captureId: string): Promise<void> => {
    const remote = ports.remote()
    const known = readings.get(captureId)
    const nowMs = clock.monotonicMs()
    if (remote === null || known?.reading?.isReading === false || (known && nowMs - known.askedMs < tellMs)) return
    const session = reviews.sessionOf(captureId)
    if (session === null) return
    readings.set(captureId, { reading: known?.reading ?? null, askedMs: nowMs })
    const answer = await remote.reading(session)
    if (!answer.ok) return
    const was = photosOf(captureId)
    // Of a session that is on its way still it is asked again.
    readings.set(captureId, { reading: answer.value.isPending ? null : answer.value, askedMs: nowMs })
    const is = photosOf(captureId)
    if (was.isReading !== is.isReading || was.unread.length !== is.unread.length) changed([captureId])
  }
  const tell = (captureId: string, reviewer: string, isLeft: boolean): void => {
    // The answer may come when the station has been closed, and nobody is to be told any more.
    ask(captureId, reviewer, isLeft).catch(() => undefined)
  }
  const hold = (captureId: string, reviewer: string): void => {
    for (const [id, each] of holds) if (each.reviewer === reviewer && id !== captureId) holds.delete(id)
    const since = holds.get(captureId)?.reviewer === reviewer ? holds.get(captureId)?.since : undefined
    const untilMs = clock.monotonicMs() + holdMs
    holds.set(captureId, { reviewer, since: since ?? clock.now().toISOString(), untilMs })
  }

  const figures = (): ReviewFigures => {
    const midnight = new Date(clock.now())
    midnight.setHours(0, 0, 0, 0)
    const reviewed = reviews.figures(midnight.toISOString())
    const place = store.facts.get('review.place')
    const isOpen = place !== null && (reviews.product(place)?.proposals ?? []).some(({ state }) => state === 'open')
    // A known value is counted as what it is shown as: the numbers must not give it away.
    const known = ports.probeShare() > 0 && store.probes.open() !== null ? 1 : 0
    return {
      ...reviewed,
      open: reviewed.open + known,
      products: reviewed.products + known,
      // What was decided before a known value is taken back again once something else was decided.
      canUndo: reviewed.canUndo && !store.probes.isLast(),
      probes: ports.probeShare() > 0 ? store.probes.figures() : null,
      reading: bySession([...readings].flatMap(([id, { reading }]) => (reading?.isReading === true ? id : []))).size,
      resume: isOpen ? place : null,
      fetchedAt: ports.fetch()?.fetchedAt ?? null,
      fetchError: ports.fetch()?.error ?? null,
    }
  }
  // A decision has no window's name: who decides has the product open, or takes it.
  const answerWith = (found: KeptProduct | null, probe: ReviewAnswer['probe']): Result<ReviewAnswer> =>
    found
      ? ok({
          product: {
            ...found,
            ...photosOf(found.captureId),
            heldSince: null,
            heldBy: '',
          },
          figures: figures(),
          probe,
        })
      : fail('not_found', 'no such product')
  /** A known value is shown as a product with one field, as any other. */
  const probed = (id: string): KeptProduct | null => {
    const probe = store.probes.get(id)
    const shown = probe && reviews.asProbe(probe.proposal, probe.proposed)
    if (!probe || !shown) return null
    const { gtin, name, proposal } = shown
    const state = probe.answer === null ? 'open' : answeredStates[probe.answer]
    return { captureId: id, gtin, name, proposals: [{ ...proposal, id, state }], application: null }
  }
  const answerProbe = (id: string, decision: ReviewDecision, value: string | null): Result<ReviewAnswer> => {
    const answered = store.probes.answer(id, decision, value)
    if (!answered.ok) return answered
    changed([])
    return answerWith(probed(id), { isRight: answered.value })
  }
  const product = (captureId: string, reviewer: string): ReviewProduct | null => {
    const found = isProbe(captureId) ? probed(captureId) : reviews.product(captureId)
    const held = heldBy(captureId, reviewer)
    return (
      found && {
        ...found,
        ...photosOf(captureId),
        heldSince: held?.since ?? null,
        heldBy: held?.by ?? '',
      }
    )
  }
  const changed = (captureIds: readonly string[]): void =>
    ports.publish({ captureIds: captureIds.slice(0, 1_000), figures: figures() })

  const answer = (done: Result<string>): Result<ReviewAnswer> => {
    if (!done.ok) return done
    ports.wakeSync()
    changed([done.value])
    return answerWith(reviews.product(done.value), null)
  }
  const settled = (done: Result<string>): Result<Record<string, never>> => {
    if (!done.ok) return done
    ports.wakeSync()
    changed([done.value])
    return ok({})
  }
  /** How they were read before says nothing any more. */
  const decideUnread = (
    input: { captureId: string; reviewer: string },
    decision: 'reread' | 'leave',
  ): Result<ReviewAnswer> => {
    const done = notHeld(input) ?? reviews.decideUnread(input.captureId, decision)
    if (done.ok) readings.delete(input.captureId)
    return answer(done)
  }
  const notHeld = ({ captureId, reviewer }: { captureId: string; reviewer: string }): Result<string> | null =>
    heldBy(captureId, reviewer) === null ? null : fail('conflict', 'another window reviews this product')

  return {
    changed,
    handlers: {
      'review.queue': ({ limit, reviewer }) => {
        ports.fetch()?.want()
        for (const captureId of bySession(reviews.ownCaptures(watchedCaptures)).values())
          askReading(captureId).catch(() => undefined)
        store.probes.plantWhenDue(ports.probeShare(), ports.random)
        const probe = ports.probeShare() > 0 ? store.probes.open() : null
        const known = probe && probed(probe.id)
        const entries = reviews.queue(limit)
        if (known)
          entries.unshift({ captureId: known.captureId, gtin: known.gtin, name: known.name, open: 1, unread: 0 })
        return ok({
          entries: entries.map((entry) => ({ ...entry, isHeld: heldBy(entry.captureId, reviewer) !== null })),
          figures: figures(),
        })
      },
      'review.product': ({ captureId, reviewer }) => {
        const found = product(captureId, reviewer)
        if (!found) return fail('not_found', 'no such product')
        // Where another station has it, it is asked again until that has left.
        const isOurs = holds.get(captureId)?.reviewer === reviewer || found.heldBy !== '' || found.heldSince === null
        if (isOurs && !isProbe(captureId)) tell(captureId, reviewer, false)
        askReading(captureId).catch(() => undefined)
        if (found.heldSince === null) {
          hold(captureId, reviewer)
          if (!isProbe(captureId) && store.facts.get('review.place') !== captureId)
            store.facts.set('review.place', captureId)
        }
        return ok(found)
      },
      'review.leave': ({ captureId, reviewer }) => {
        if (holds.get(captureId)?.reviewer === reviewer) {
          holds.delete(captureId)
          if (!isProbe(captureId)) tell(captureId, reviewer, true)
        }
        return ok({})
      },
      'review.decide': ({ value = null, ...decision }) =>
        isProbe(decision.id)
          ? answerProbe(decision.id, decision.decision, value)
          : answer(reviews.decide({ ...decision, value })),
      'review.acceptClear': (input) =>
        isProbe(input.captureId)
          ? answerProbe(input.captureId, 'accept', null)
          : answer(notHeld(input) ?? reviews.acceptClear(input.captureId, input.tookMs)),
      'review.refused': () => ok(reviews.refused()),
      'review.retry': ({ id }) => settled(reviews.retry(id)),
      'review.giveUp': ({ id, reason }) => settled(reviews.giveUp(id, reason)),
      'review.undo': () =>
        store.probes.isLast()
          ? fail('conflict', 'the last answer was to a known value, of which nothing was written')
          : answer(reviews.undo()),
      'review.apply': (input) => answer(notHeld(input) ?? reviews.apply(input.captureId)),
      'review.reread': (input) => decideUnread(input, 'reread'),
      'review.leaveUnread': (input) => decideUnread(input, 'leave'),
    },
  }
}
