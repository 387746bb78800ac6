import { useCallback, useEffect, useRef, useState } from 'react'
import type { AppError, Result } from '#contract/result.ts'
import type {
  ReviewAnswer,
  ReviewDecision,
  ReviewEntry,
  ReviewFigures,
  ReviewProduct,
  ReviewProposal,
} from '#contract/station/review.ts'
import { call, onMissed, subscribe } from '../../client/station.ts'

/** This window, as the station knows it from others. */
const reviewer = crypto.randomUUID()
/** The queue is asked for so often while it is looked at; the station asks the backend when it is time. */
const renewMs = 10_000

export interface Review {
  readonly loaded: boolean
  readonly entries: readonly ReviewEntry[]
  readonly figures: ReviewFigures | null
  readonly product: ReviewProduct | null
  /** The proposal that the keys act on; null when there is none. */
  readonly selected: ReviewProposal | null
  readonly error: AppError | null
  /** How the last decision was, when it was about a known value. */
  readonly probe: ReviewAnswer['probe']
  readonly open: (captureId: string) => void
  /** Leaves the product to others; the time until it is resumed counts for nothing. */
  readonly pause: () => void
  readonly resume: () => void
  readonly select: (id: string) => void
  /** The next field, or the one before. */
  readonly step: (by: 1 | -1) => void
  /** Another value for the same field. */
  readonly other: () => void
  readonly decide: (decision: ReviewDecision, value?: string) => void
  readonly acceptClear: () => void
  readonly undo: () => void
  readonly apply: () => void
  /** Has the unread photos of the product read again, or leaves them at that. */
  readonly reread: () => void
  readonly leaveUnread: () => void
}

export const isOpen = ({ state }: ReviewProposal): boolean => state === 'open' || state === 'skipped'

/** The fields of a product in their order, each with its proposals. */
export function fieldsOf(product: ReviewProduct): readonly (readonly [field: string, ReviewProposal[]])[] {
  return [...Map.groupBy(product.proposals, ({ field }) => field)]
}

/** The first proposal that waits behind the one just decided, then from the beginning; skipped ones come last. */
function nextAfter(product: ReviewProduct, id: string | null): string | null {
  const all = product.proposals
  const at = all.findIndex((proposal) => proposal.id === id)
  const inOrder = [...all.slice(at + 1), ...all.slice(0, at + 1)]
  return (inOrder.find(({ state }) => state === 'open') ?? inOrder.find(isOpen))?.id ?? null
}

/** The review as this window has it: what the station last said, and where the person is in it. */
export function useReview(): Review {
  const [queue, setQueue] = useState<{ entries: readonly ReviewEntry[]; loaded: boolean }>({
    entries: [],
    loaded: false,
  })
  const [figures, setFigures] = useState<ReviewFigures | null>(null)
  const [product, setProduct] = useState<ReviewProduct | null>(null)
  const [selectedId, setSelectedId] = useState<string | null>(null)
  const [error, setError] = useState<AppError | null>(null)
  const [probe, setProbe] = useState<ReviewAnswer['probe']>(null)
  const shownAt = useRef(0)
  const isBusy = useRef(false)
  const isAway = useRef(false)
  const current = useRef<string | null>(null)

  const show = useCallback((next: ReviewProduct | null, selected: string | null): void => {
    current.current = next?.captureId ?? null
    setProduct(next)
    setSelectedId(selected)
    shownAt.current = performance.now()
  }, [])

  const open = useCallback(
    async (captureId: string): Promise<void> => {
      const answer = await call('review.product', { captureId, reviewer })
      setError(answer.ok ? null : answer.error)
      if (answer.ok) show(answer.value, nextAfter(answer.value, null) ?? answer.value.proposals[0]?.id ?? null)
    },
    [show],
  )

  const renew = useCallback(async (): Promise<readonly ReviewEntry[]> => {
    const answer = await call('review.queue', { limit: 100, reviewer })
    if (!answer.ok) {
      setError(answer.error)
      return []
    }
    setQueue({ entries: answer.value.entries, loaded: true })
    setFigures(answer.value.figures)
    const { entries, figures: now } = answer.value
    const first = now.resume ?? entries.find(({ isHeld }) => !isHeld)?.captureId ?? entries[0]?.captureId
    if (current.current === null && first !== undefined) await open(first)
    return entries
  }, [open])

  useEffect(() => {
    const keep = () => {
      if (isAway.current) return
      void renew()
      const captureId = current.current
      // Without it the station would give the product to another window.
      if (captureId !== null) void call('review.product', { captureId, reviewer })
    }
    const stops = [
      onMissed(keep),
      subscribe('review.changed', ({ captureIds, figures: now }) => {
        // What this window has just decided is in the answer to it, which comes next.
        if (isBusy.current) return
        setFigures(now)
        const captureId = current.current
        if (captureId === null) void renew()
        else if (captureIds.includes(captureId)) {
          void call('review.product', { captureId, reviewer }).then((answer) => {
            if (answer.ok && current.current === captureId) setProduct(answer.value)
          })
        }
      }),
    ]
    keep()
    const timer = setInterval(keep, renewMs)
    return () => {
      clearInterval(timer)
      for (const stop of stops) stop()
      if (current.current !== null) void call('review.leave', { captureId: current.current, reviewer })
    }
  }, [renew])

  const selected = product?.proposals.find(({ id }) => id === selectedId) ?? null

  /** One at a time: a key that is pressed before the last one is saved does nothing. */
  const act = async (ask: () => Promise<Result<ReviewAnswer>>, then: (answer: ReviewAnswer) => void): Promise<void> => {
    if (isBusy.current) return
    isBusy.current = true
    const answer = await ask()
    isBusy.current = false
    setError(answer.ok ? null : answer.error)
    if (!answer.ok) {
      // It is not as it was shown: what it is now is shown beside the reason.
      if (answer.error.code === 'conflict' && product !== null) {
        const again = await call('review.product', { captureId: product.captureId, reviewer })
        if (again.ok) setProduct(again.value)
      }
      return
    }
    setFigures(answer.value.figures)
    setProbe(answer.value.probe)
    then(answer.value)
  }

  /** Shows the next product but this one; `otherwise` when there is none. */
  const openNext = async (done: string, otherwise: () => void): Promise<void> => {
    const entries = await renew()
    const next = entries.find((entry) => entry.captureId !== done && !entry.isHeld)
    if (next === undefined) otherwise()
    else await open(next.captureId)
  }
  const moveOn = ({ product: now, probe: known }: ReviewAnswer): void => {
    if (known === null) return show(now, nextAfter(now, selectedId) ?? selectedId)
    // It is no product's: the next product is shown, and beside it how it was answered.
    void openNext(now.captureId, () => show(null, null))
  }
  const decideUnread = (procedure: 'review.reread' | 'review.leaveUnread'): void => {
    void act(
      () => call(procedure, { captureId, reviewer }),
      ({ product: now }) => {
        setProduct(now)
        // One that was here for its photos alone is done with for now.
        if (now.proposals.length === 0) void openNext(captureId, () => show(null, null))
      },
    )
  }
  const took = (): number => Math.min(performance.now() - shownAt.current, 86_400_000)
  const captureId = product?.captureId ?? ''

  return {
    loaded: queue.loaded,
    entries: queue.entries,
    figures,
    product,
    selected,
    error,
    probe,
    open: (id) => void open(id),
    pause() {
      isAway.current = true
      if (current.current !== null) void call('review.leave', { captureId: current.current, reviewer })
    },
    resume() {
      isAway.current = false
      if (current.current !== null) void open(current.current)
      void renew()
    },
    select(id) {
      setSelectedId(id)
      shownAt.current = performance.now()
    },
    step(by) {
      if (product === null || selected === null) return
      const fields = fieldsOf(product)
      const at = fields.findIndex(([field]) => field === selected.field)
      const [, proposals] = fields[(at + by + fields.length) % fields.length] ?? []
      setSelectedId((proposals?.find(isOpen) ?? proposals?.[0])?.id ?? selectedId)
      shownAt.current = performance.now()
    },
    other() {
      const beside = product?.proposals.filter(({ field }) => field === selected?.field) ?? []
      const at = beside.findIndex(({ id }) => id === selectedId)
      setSelectedId(beside[(at + 1) % beside.length]?.id ?? selectedId)
    },
    decide(decision, value) {
      if (selected === null) return
      const { id, version } = selected
      const ask = () =>
        call('review.decide', { id, version, decision, tookMs: took(), ...(value === undefined ? {} : { value }) })
      void act(ask, moveOn)
    },
    acceptClear: () => void act(() => call('review.acceptClear', { captureId, reviewer, tookMs: took() }), moveOn),
    undo() {
      void act(
        () => call('review.undo', {}),
        ({ product: now }) => show(now, nextAfter(now, null) ?? now.proposals[0]?.id ?? null),
      )
    },
    reread: () => decideUnread('review.reread'),
    leaveUnread: () => decideUnread('review.leaveUnread'),
    apply() {
      void act(
        () => call('review.apply', { captureId, reviewer }),
        ({ product: now }) => {
          setProduct(now)
          // With something left here, the person stays; else the next product is shown.
          if (now.proposals.some(isOpen)) return
          void openNext(captureId, () => undefined)
        },
      )
    },
  }
}
