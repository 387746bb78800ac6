import { isFinal, ofAnother } from '#station/remote/scanner-client.ts'
import type { KeptProposal, RemoteResult } from '#station/remote/scanner-client.ts'
import { sentReviewSchema, type OutboxItem, type SentReview } from '#station/store/outbox.ts'
import type { SendingPorts } from '#station/sync/products.ts'

/**
 * Sends what people decided in the review. Where an earlier attempt may have taken effect, the backend is read back first;
 * what somebody else has decided there meanwhile is kept and told, never overwritten.
 */
export function createReviewSending(
  ports: SendingPorts,
  onReviews: (captureIds: readonly string[]) => void,
): (item: OutboxItem) => Promise<void> {
  const { store, remote, log, write, noteContact, handleFailure } = ports
  const { reviews } = store

  /** The proposals of a capture that has some: an answer that names none of them, or others', is another's. */
  const readBack = async (captureId: string): Promise<RemoteResult<KeptProposal[]>> => {
    const answer = await remote.captureProposals(captureId)
    if (!answer.ok) return answer
    const isOthers = answer.value.length === 0 || answer.value.some((each) => each.captureId !== captureId)
    return isOthers ? ofAnother : answer
  }

  /** It is shown to a person with the backend's words. */
  const refused = (
    item: OutboxItem,
    { review }: SentReview,
    error: { code: string; message: string },
  ): Promise<void> => {
    log.warn({ kind: item.kind, code: error.code }, 'the backend did not take a review')
    return write(() => {
      reviews.refuse(review, error)
      store.outbox.done(item.id)
    })
  }

  const decide = async (item: OutboxItem, payload: SentReview): Promise<void> => {
    const { proposal, review } = payload
    const wanted = reviews.wanted(proposal)
    const done = (status: 'ACCEPTED' | 'REJECTED' | null, receipt?: Parameters<typeof reviews.delivered>[3]) =>
      write(() => {
        reviews.delivered(proposal, review, status, receipt)
        store.outbox.done(item.id)
      })
    if (wanted === null) return done(null)
    const { status, value, known } = wanted
    const isAsWanted = (kept: KeptProposal): boolean =>
      kept.status === status && (value === null || kept.proposed === value)
    if (item.attempts > 1) {
      const kept = await readBack(wanted.capture)
      if (!kept.ok)
        return isFinal(kept.failure) ? refused(item, payload, kept.failure) : handleFailure(item, kept.failure)
      noteContact()
      const there = kept.value.find(({ id }) => id === proposal)
      if (there && isAsWanted(there) && there.withdrawn === '') return done(status)
      if (!there || there.withdrawn !== '' || there.isApplied || there.status !== known) {
        return lost(item, payload, kept.value, 'somebody else has decided about it')
      }
    }
    const answer = await remote.reviewProposal(proposal, { status, value, onlyIf: known })
    if (answer.ok) {
      noteContact()
      if (answer.value.id !== proposal) return handleFailure(item, ofAnother.failure)
      if (isAsWanted(answer.value)) return done(status, answer.receipt)
      // A backend that knows no values of one's own has accepted its own: that must not be written.
      const back = await remote.reviewProposal(proposal, { status: 'REJECTED', value: null, onlyIf: 'unknown' })
      if (!back.ok && !isFinal(back.failure)) return handleFailure(item, back.failure)
      await write(() => reviews.delivered(proposal, review, 'REJECTED'))
      return refused(item, payload, { code: 'edit_not_taken', message: 'the backend takes no values of your own' })
    }
    if (answer.failure.status === 409) {
      const kept = await readBack(wanted.capture)
      if (!kept.ok) return handleFailure(item, { ...kept.failure, taken: 'no' })
      noteContact()
      const there = kept.value.find(({ id }) => id === proposal)
      // An attempt that was believed lost came before this one.
      if (there && isAsWanted(there) && there.withdrawn === '') return done(status)
      return lost(item, payload, kept.value, answer.failure.message)
    }
    if (isFinal(answer.failure)) return refused(item, payload, answer.failure)
    return handleFailure(item, answer.failure)
  }

  /** The proposal is not any more what was decided about. */
  const lost = async (
    item: OutboxItem,
    payload: SentReview,
    kept: readonly KeptProposal[],
    message: string,
  ): Promise<void> => {
    await write(() => reviews.keep(kept))
    return refused(item, payload, { code: 'conflict', message })
  }

  /**
   * The product that an apply writes to: one that the catalogue lacks is created by its code alone, and its capture is looked
   * up again. Its values come with the apply, so that its history says where each was read.
   */
  const provideProduct = async (captureId: string): Promise<RemoteResult<'there' | 'coming' | 'none'>> => {
    const capture = await remote.getCapture(captureId)
    if (!capture.ok) return capture
    const { state, productId, gtin } = capture.value
    if (productId !== null) return { ok: true, value: 'there' }
    if (underWay.has(state)) return { ok: true, value: 'coming' }
    // What has no GTIN can be no product.
    if (gtin === null) return { ok: true, value: 'none' }
    const empty = { gtin, name: '', brand: '', netContent: '', description: '' }
    const created = await remote.createProduct(`product-of-${captureId}`, empty)
    // 409: somebody else has created it meanwhile.
    if (!created.ok && created.failure.status !== 409) return created
    const again = await remote.retryCapture(captureId)
    if (!again.ok && again.failure.status !== 409) return again
    // This station's own of the same code are found now, too.
    for (const id of store.captures.notFoundWith(gtin)) store.captures.retry(id)
    return { ok: true, value: 'coming' }
  }

  const apply = async (item: OutboxItem, payload: SentReview): Promise<void> => {
    const { about, review } = payload
    if (item.attempts > 1) {
      const kept = await readBack(about)
      if (!kept.ok) return handleFailure(item, kept.failure)
      const gtin = reviews.gtinOf(about)
      const change = gtin === '' ? ({ ok: true, value: null } as const) : await remote.findApply(gtin, about)
      if (!change.ok && !isFinal(change.failure)) return handleFailure(item, change.failure)
      noteContact()
      const changeId = change.ok && !reviews.knownChanges(about).has(change.value ?? '') ? change.value : null
      if (!kept.value.some(isAwaited) && (changeId !== null || kept.value.some(({ isApplied }) => isApplied))) {
        return write(() => {
          reviews.keep(kept.value)
          reviews.applied(review, { ...toldBy(kept.value), changeId })
          store.outbox.done(item.id)
        })
      }
    }
    let answer = await remote.applyProposals(about)
    if (!answer.ok && answer.failure.status === 409) {
      const product = await provideProduct(about)
      if (product.ok && product.value === 'there') answer = await remote.applyProposals(about)
      else if (!product.ok) answer = product
      else if (product.value === 'coming' && item.attempts < mostLookups) return handleFailure(item, answer.failure)
    }
    if (!answer.ok) {
      if (isFinal(answer.failure)) return refused(item, payload, answer.failure)
      return handleFailure(item, answer.failure)
    }
    noteContact()
    // What it says is checked by what is there: an answer of another request says nothing of this one.
    const kept = await readBack(about)
    if (!kept.ok) return handleFailure(item, kept.failure)
    if (kept.value.some(isAwaited)) return handleFailure(item, ofAnother.failure)
    await write(() => {
      reviews.keep(kept.value)
      const { applied, skipped, changeId } = answer.value
      reviews.applied(review, { applied: [...applied], skipped: [...skipped], changeId }, answer.receipt)
      store.outbox.done(item.id)
    })
  }

  const revert = async (item: OutboxItem, payload: SentReview): Promise<void> => {
    const { about, review } = payload
    const change = reviews.changeToRevert(review)
    const done = async (): Promise<void> => {
      const kept = await readBack(about)
      if (!kept.ok) return handleFailure(item, kept.failure)
      await write(() => {
        reviews.keep(kept.value)
        reviews.reverted(review)
        store.outbox.done(item.id)
      })
    }
    if (change === null) return done()
    const isUndone = async (): Promise<boolean> => {
      const found = await remote.findApply(change.gtin, about)
      return found.ok && found.value !== change.changeId
    }
    if (item.attempts > 1 && (await isUndone())) return done()
    const answer = await remote.undoChange(change.gtin, change.changeId)
    if (answer.ok || (answer.failure.status === 409 && (await isUndone()))) {
      noteContact()
      return done()
    }
    if (isFinal(answer.failure)) return refused(item, payload, answer.failure)
    return handleFailure(item, answer.failure)
  }

  /** Unread photos are read again, as the capture's state allows, or left at that; both may be told twice. */
  const photos = async (item: OutboxItem, payload: SentReview): Promise<void> => {
    const { about, review } = payload
    const done = (receipt?: Parameters<typeof reviews.delivered>[3]) =>
      write(() => {
        reviews.photosTold(review, receipt)
        store.outbox.done(item.id)
      })
    const failed = (failure: Parameters<typeof isFinal>[0]): Promise<void> =>
      isFinal(failure) ? refused(item, payload, failure) : handleFailure(item, failure)
    if (reviews.kindOf(review) === 'leave') {
      const answer = await remote.settleUnread(about)
      if (!answer.ok) return failed(answer.failure)
      noteContact()
      return done(answer.receipt)
    }
    const capture = await remote.getCapture(about)
    if (!capture.ok) return failed(capture.failure)
    noteContact()
    const { state } = capture.value
    // On its way through the pipeline already: so are its photos.
    if (underWay.has(state)) return done()
    const answer = state === 'COMPLETED' ? await remote.enrichCapture(about) : await remote.retryCapture(about)
    if (!answer.ok) return failed(answer.failure)
    return done(answer.receipt)
  }

  return async (item) => {
    const payload = sentReviewSchema.parse(item.payload)
    if (item.kind === 'review.decide') await decide(item, payload)
    else if (item.kind === 'review.apply') await apply(item, payload)
    else if (item.kind === 'review.photos') await photos(item, payload)
    else await revert(item, payload)
    onReviews([payload.about])
  }
}

/** How often an apply waits for its capture to be looked up again. */
const mostLookups = 12
const underWay: ReadonlySet<string> = new Set(['PENDING', 'LOOKING_UP', 'ENRICHING', 'RESOLVING'])

/** Accepted, and an apply would write it. */
const isAwaited = ({ status, isApplied, withdrawn }: KeptProposal): boolean =>
  status === 'ACCEPTED' && !isApplied && withdrawn === ''

/** What an apply whose answer was lost has done, as far as the proposals tell. */
function toldBy(kept: readonly KeptProposal[]) {
  return {
    applied: kept.filter(({ isApplied }) => isApplied).map(({ field }) => field),
    skipped: kept
      .filter(({ withdrawn }) => withdrawn !== '')
      .map(({ field, withdrawn }) => ({ field, reason: withdrawn })),
  }
}
