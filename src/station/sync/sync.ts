import type { Clock, Log } from '#contract/ports.ts'
import type { Capture, MatchedProduct } from '#contract/station/capture.ts'
import type { StationStatus } from '#contract/station/status.ts'
import { backoffMs } from '#domain/backoff.ts'
import { createMeter } from '#domain/service-level.ts'
import {
  isFinal,
  ofAnother,
  type Abilities,
  type KeptCapture,
  type RemoteFailure,
  type RemoteResult,
  type ScannerClient,
} from '#station/remote/scanner-client.ts'
import type { RemoteCapture } from '#station/store/captures.ts'
import { sentCaptureSchema, type Candidate, type OutboxItem, type SentCapture } from '#station/store/outbox.ts'
import type { Store } from '#station/store/store.ts'
import { judge, slackMs } from '#station/sync/match.ts'
import { readBack } from '#station/sync/read-back.ts'
import { createProductSending, type SendingPorts } from '#station/sync/products.ts'
import { createReviewSending } from '#station/sync/reviews.ts'

/** The outbox worker: everything the store owes the backend goes out, whatever happens on the way. */
export interface Sync {
  /** There is new work; cheap, call it often. */
  wake(): void
  /** Tries everything at once: a person asked, or there is a new key. */
  hurry(): void
  /**
   * What another asker with the same key was told: the words by which it was refused, or null where it was taken. Without it a
   * station that has nothing to send would not notice.
   */
  keyAnswered(refusal: string | null): void
  /** The network may be another one now: a wait for it to come back is over. */
  networkChanged(): void
  /** How fast it goes, and what is under way. */
  readonly progress: Pick<StationStatus['queue'], 'ratePerSecond' | 'sending' | 'uploads'>
  /** Until when nothing at all is sent, in epoch milliseconds; 0 when nothing is in the way. */
  readonly pausedUntilMs: number
  /** How the backend looks from here. */
  readonly backend: Omit<StationStatus['backend'], 'url'>
  /**
   * Resolves when nothing is left that could be sent without a person's help and what was sent has been
   * settled by the backend (waiting at most `settleMs` for that). Resolves early with `unauthorised`, and with
   * `closed` when the worker is closed meanwhile. While the backend cannot be reached, it waits.
   */
  drained(settleMs: number): Promise<'empty' | 'unauthorised' | 'closed'>
  /** Stops after what is being sent right now. */
  close(): Promise<void>
}

const limits = {
  /** Requests at a time, and how many of them may be photos: a long one must not keep scans from going. */
  inParallel: 8,
  photosInParallel: 6,
  /**
   * Leased are as many items as go out in that time, within bounds: more, and a new capture would wait behind them; fewer,
   * and each would cost a transaction.
   */
  aheadMs: 100,
  aheadLeast: 16,
  aheadMost: 256,
  /** Answers share a transaction: what has come in the time of five such transactions, within bounds, or so many. */
  writeLeastMs: 20,
  writeMostMs: 100,
  writeAtOnce: 256,
  /** What is doubtful is looked for so often while other things go out. */
  doubtsMs: 5_000,
  /** Back-off while the backend cannot be reached, and of a single item that it could not handle. */
  backoff: { baseMs: 500, capMs: 60_000 },
  /** How often the ledger's last entry is left with the backend while a session goes on. */
  anchorMs: 600_000,
  /** How often a backend is asked whether it is there when nothing else is said to it. */
  probeMs: 10_000,
  /** How soon and how seldom the backend is asked for the progress of what it has. */
  followMinMs: 200,
  followMaxMs: 10_000,
  /** A conflict that does not clear is a refusal after this many attempts. */
  conflictAttempts: 10,
  /** An item that the backend fails on so often, while it answers otherwise, waits for a person. */
  serverErrors: 10,
  /** Progress of so many captures is asked one by one, of more with their whole session. */
  askSingly: 16,
  /** A session of more captures is not asked for as a whole, but page by page: its answer would fill the memory. */
  wholeSession: 1_000,
  /** What was scanned so recently somebody stands in front of: so many are asked for in turn while other things go out. */
  recentMs: 120_000,
  recent: 16,
  glanceMs: 1_000,
  /** Products whose brand is looked up at a time, so that captures never wait long for that. */
  learn: 16,
  /** Retry-After is cut at an hour: a longer wait was begun before the clock was set back. */
  longestWaitMs: 3_600_000,
  /** A backend session that ends under our hands is continued, but not for ever. */
  continuations: 20,
  /** So many failures in a row, while the backend answers otherwise, are single ones; more, and it is gone. */
  singleFailures: 3,
  /** Captures whose answer was lost that are looked for together. */
  doubts: 10_000,
  /**
   * A request without an answer may still be on its way, and take effect after the backend has been read back: only when
   * so much time has passed since, its absence counts.
   */
  quietMs: 20_000,
  /** The age of the backend's last answer is told anew when it was so old. */
  freshMs: 5_000,
  /** The rate is that of so long. */
  rateMs: 30_000,
  /** A backend remembers keys for a day (contracts 1.12); its clock and ours may differ. */
  keyLifeMs: 23 * 3_600_000,
} as const

type Outcome = () => void
type Failed = Extract<RemoteResult<unknown>, { ok: false }>

/** What is left of a capture that somebody has deleted at the backend. */
const gone: Omit<RemoteCapture, 'remoteId'> = {
  state: 'FAILED',
  errorMessage: 'the backend has this capture no more',
  productId: null,
  productName: null,
  gtin: null,
}

/** No code was read off it: the photo is all there is. */
const isPhotoAlone = (capture: Capture): boolean => capture.raw === ''

/** As what a capture is sent: without its photo, a code that was read off that is a code as any other. */
const asType = (sent: SentCapture, capture: Capture): Capture['type'] =>
  sent.road === 'photo' ? 'BARCODE' : capture.type

/** What every key may do that is good for anything here. */
const needsNothing: ReadonlySet<OutboxItem['kind']> = new Set(['session.create', 'capture.submit', 'capture.upload'])

/**
 * Creates the worker and starts it. `onCaptures` is told of captures whose rows changed, `onBackend` of a
 * changed view of the backend.
 */
export function createSync(ports: {
  store: Store
  remote: ScannerClient
  clock: Clock
  random: () => number
  log: Log
  stationId: string
  /** The key that its certificates are signed with; null when there is none. */
  stationKey?: () => string | null
  onCaptures: (ids: readonly string[]) => void
  onSession: (id: string) => void
  /** Told of captures whose proposals or decisions changed. */
  onReviews?: (captureIds: readonly string[]) => void
  /** Told of products about which something was delivered or refused. */
  onProducts?: (gtins: readonly string[]) => void
  onBackend: () => void
  /** Told while a photo goes out. */
  onProgress?: () => void
  /** How long an answer that was lost may still take effect; 20 s unless given. */
  quietMs?: number
}): Sync {
  const { store, remote, clock, log } = ports
  let closed = false
  let backend: Sync['backend'] = { state: 'offline', lastContactAt: null, message: null }
  const quietMs = ports.quietMs ?? limits.quietMs
  let failuresInRow = 0
  /** The backend cannot be reached: the next attempt is a single one. */
  let isOpen = false
  /** What the backend promises of itself; null until it could be asked. */
  let abilities: Abilities | null = null
  let inFlight = 0
  let photosInFlight = 0
  /** Leased and not begun yet, the most needed first. */
  const queue: OutboxItem[] = []
  /** Begun, or let go of, and not written yet. */
  const sendings = new Set<Promise<void>>()
  /** What went wrong with the worker itself while it sent. */
  let fault: Error | null = null
  let begun = 0
  let tookUpMs = 0
  let commitMs = 0
  let nextDoubtsMs = 0
  const meter = createMeter()
  /** Captures accepted, by second. */
  const accepted: { readonly atMs: number; count: number }[] = []
  const uploads = new Map<string, { sentBytes: number; totalBytes: number }>()
  let blockedUntilMs = 0
  /** The words by which our key was refused to another asker; a probe needs no key and says nothing of it. */
  let refusedWords: string | null = null
  let nextProbeMs = 0
  let nextAnchorMs = clock.now().getTime() + limits.anchorMs
  /** The ledger's entry that says that it was left with the backend: what is behind it is new. */
  let anchoredUpTo = 0
  let nextFollowMs = 0
  /** Sent just after they were scanned, and not settled there yet, by their ids. */
  const recent = new Map<string, { readonly remoteId: string; readonly sinceMs: number }>()
  let nextGlanceMs = 0
  let isGlancing = false
  let followDelayMs: number = limits.followMinMs
  let wakeUp: (() => void) | null = null
  let isWoken = false
  let hasStarted = false
  const settledListeners = new Set<() => void>()
  /** How often the backend has failed on an item in a row, and whether it was well after the last time, by the item's id. */
  const serverErrors = new Map<number, { readonly count: number; readonly isBackendWell: boolean }>()
  /** Captures whose product the catalogue has still to be asked about, by GTIN. */
  const toLearn = new Map<string, string[]>()
  const nowMs = (): number => clock.now().getTime()
  /** A clock that was set back must not make a short wait long. */
  const hasCome = (atMs: number): boolean =>
    nowMs() >= atMs || (atMs - nowMs() > limits.longestWaitMs && atMs !== Number.POSITIVE_INFINITY)
  const isBlocked = (): boolean => !hasCome(blockedUntilMs)

  const wake = (): void => {
    isWoken = true
    wakeUp?.()
  }

  // --- The backend as seen from here -------------------------------------------------------------

  const see = (state: StationStatus['backend']['state'], message: string | null, contact: boolean): void => {
    const before = backend
    backend = { state, message, lastContactAt: contact ? clock.now().toISOString() : before.lastContactAt }
    if (contact) nextProbeMs = nowMs() + limits.probeMs
    const isStale = contact && nowMs() - Date.parse(before.lastContactAt ?? '1970-01-01') >= limits.freshMs
    if (before.state !== state || before.message !== message) {
      log.debug({ state, message }, 'the backend looks different')
      ports.onBackend()
    } else if (isStale) ports.onBackend()
  }

  const noteContact = (): void => {
    failuresInRow = 0
    // The refused key is what a person must know; an answer that was on its way, or needed no key, does not change it.
    if (backend.state === 'unauthorised' && (isBlocked() || refusedWords !== null)) return
    if (isOpen) {
      isOpen = false
      blockedUntilMs = 0
      store.outbox.hurry()
      // What is due now has no due time left to wake up at.
      wake()
    }
    // While others are waited for on purpose, an answer that was on its way says nothing new.
    see('online', isBlocked() && backend.state === 'online' ? backend.message : null, true)
  }

  /** What a failure means for the backend as a whole. */
  const noteFailure = (failure: RemoteFailure): void => {
    if (failure.kind === 'unreachable') {
      const isSingle = backend.state === 'online' && failure.taken !== 'no' && failuresInRow < limits.singleFailures
      if (!isBlocked()) failuresInRow += 1
      if (isSingle) return see('online', failure.message, false)
      if (!isBlocked()) blockedUntilMs = nowMs() + backoffMs(failuresInRow - 1, ports.random(), limits.backoff)
      isOpen = true
      see('offline', failure.message, false)
    } else if (failure.kind === 'unauthorised') {
      blockedUntilMs = nowMs() + limits.backoff.capMs
      see('unauthorised', failure.message, true)
    } else if (failure.retryAfterMs !== null) {
      blockedUntilMs = Math.max(blockedUntilMs, nowMs() + failure.retryAfterMs)
      see('online', failure.message, true)
    } else {
      noteContact()
    }
  }

  // --- Outcomes, written in groups ------------------------------------------------------------------

  let outcomes: Outcome[] = []
  let outcomesWritten: PromiseWithResolvers<void> | null = null
  let writeTimer: NodeJS.Timeout | null = null
  const writeNow = (): void => {
    if (writeTimer !== null) clearTimeout(writeTimer)
    const batch = outcomes
    const written = outcomesWritten
    outcomes = []
    outcomesWritten = writeTimer = null
    const startedMs = clock.monotonicMs()
    try {
      const next = store.transaction(() => {
        for (const record of batch) record()
        return lease()
      })
      queue.push(...next)
      written?.resolve()
    } catch (error) {
      written?.reject(error)
    }
    commitMs = clock.monotonicMs() - startedMs
  }
  /**
   * Answers that arrive together share a transaction, with the lease of what goes next: each costs a flush of the disk, and
   * nothing else goes on meanwhile. A process that dies before it finds the items leased, and takes them for doubtful.
   */
  const write = (outcome: Outcome): Promise<void> => {
    outcomes.push(outcome)
    const written = (outcomesWritten ??= Promise.withResolvers<void>())
    if (outcomes.length >= limits.writeAtOnce || inFlight === 0) {
      queueMicrotask(() => outcomesWritten === written && writeNow())
    } else {
      const waitMs = Math.min(Math.max(5 * commitMs, limits.writeLeastMs), limits.writeMostMs)
      writeTimer ??= setTimeout(writeNow, waitMs)
    }
    return written.promise
  }

  /** Whether nothing more is begun now: what is doubtful is settled while nothing is under way. */
  let isHolding = true
  /** The next items to go, when there are few left; none while the road is closed. */
  const lease = (): OutboxItem[] => {
    if (closed || isHolding || isBlocked() || fault !== null) return []
    const sinceMs = nowMs() - tookUpMs
    const goOut = sinceMs > 0 ? (begun / sinceMs) * limits.aheadMs : limits.aheadMost
    const ahead = isOpen ? 1 : Math.round(Math.min(Math.max(goOut, limits.aheadLeast), limits.aheadMost))
    const wanted = ahead - countReady() - (isOpen ? inFlight : 0)
    if (wanted < ahead / 2) return []
    begun = 0
    tookUpMs = nowMs()
    const mayBePhotos = queue.filter(isUpload).length < limits.photosInParallel
    return store.outbox.lease(wanted, remote.observed.offsetMs, mayBePhotos ? 'all' : 'no photos')
  }
  const isUpload = (item: OutboxItem): boolean => item.kind === 'capture.upload' || item.kind === 'photo.send'
  /** How many of the queue are not waiting for another photo to be there. */
  const countReady = (): number => {
    const photos = queue.filter(isUpload).length
    return queue.length - photos + Math.min(photos, limits.photosInParallel - photosInFlight)
  }

  // --- Sending ----------------------------------------------------------------------------------------

  const postpone = (item: OutboxItem, failure: RemoteFailure): Promise<void> => {
    const circuit = isBlocked() && (failure.kind !== 'busy' || failure.retryAfterMs !== null)
    const ownMs = nowMs() + backoffMs(item.attempts - 1, ports.random(), limits.backoff)
    // Asked when it is written: a new key may have ended the wait of all by then.
    const dueMs = (): number => (!circuit ? ownMs : isBlocked() ? blockedUntilMs : nowMs())
    if (failure.taken === 'no' || !(isSending(item) || item.kind === 'photo.send') || isKnownByKey(sentOf(item))) {
      return write(() => store.outbox.retryAt(item.id, dueMs(), failure))
    }
    return write(() => store.outbox.doubt(item.id, dueMs(), failure, failure.taken === 'yes'))
  }

  const isSending = (item: OutboxItem): boolean => item.kind === 'capture.submit' || item.kind === 'capture.upload'
  const sentOf = (item: OutboxItem): SentCapture => sentCaptureSchema.parse(item.payload)

  /** A repeat is harmless: the backend says that it remembers keys, and has not had the time to forget this one. */
  const isKnownByKey = (sent: SentCapture): boolean => {
    const ageMs = nowMs() - sent.sentMs
    return (abilities?.knowsKeys === true || remote.observed.hasReplayed) && ageMs >= 0 && ageMs < limits.keyLifeMs
  }

  /** A failed send: later, or parked with the backend's words. */
  const handleFailure = async (item: OutboxItem, failure: RemoteFailure): Promise<void> => {
    const isForbidden = failure.status === 403 && !needsNothing.has(item.kind)
    // A key may scan and yet not create or delete: that is the item's matter, not the key's.
    const kind = isForbidden ? 'refused' : failure.kind
    noteFailure({ ...failure, kind })
    const clears = failure.status === 409 && item.attempts < limits.conflictAttempts
    const isHopeless = kind === 'busy' && failure.retryAfterMs === null && (await isItsOwnFault(item))
    if ((kind !== 'refused' && !isHopeless) || clears) return postpone(item, failure)
    log.warn(
      { kind: item.kind, captureId: item.captureId, status: failure.status, code: failure.code },
      'the backend refused an item',
    )
    const isUntaken = kind === 'refused' && failure.status !== 409
    return write(() => {
      const isOnceOnly = isSending(item) || item.kind === 'photo.send'
      if (isOnceOnly && isUntaken && store.captures.get(item.captureId ?? '')?.disposition !== 'counted') {
        store.outbox.done(item.id)
        if (isSending(item)) store.captures.forget(item.captureId ?? '')
      } else {
        store.outbox.park(item.id, failure, isUntaken)
      }
    })
  }

  /** Tells an item that the backend always fails on from a backend that fails on everything. */
  const isItsOwnFault = async (item: OutboxItem): Promise<boolean> => {
    const before = serverErrors.get(item.id)
    const count = (before?.count ?? 0) + 1
    serverErrors.set(item.id, { count, isBackendWell: false })
    if (count < limits.serverErrors) return false
    const remoteId = store.sessions.get(item.sessionId ?? '')?.remoteId
    const other = remoteId ? await remote.sessionState(remoteId) : await remote.probe()
    if (!other.ok) return false
    // Well before its attempt and after it: a backend that is well only afterwards may have just come back.
    const isOwn = before?.isBackendWell === true
    if (isOwn) serverErrors.delete(item.id)
    else serverErrors.set(item.id, { count, isBackendWell: true })
    return isOwn
  }

  /** `answered` is called when the answer is there and its writing has begun, where nothing else follows from it. */
  const send = async (item: OutboxItem, answered: () => void): Promise<void> => {
    switch (item.kind) {
      case 'session.create':
        return sendSession(item)
      case 'session.end':
        return sendSessionEnd(item)
      case 'capture.submit':
      case 'capture.upload':
        return sendCapture(item, answered)
      case 'capture.update':
        return sendUpdate(item)
      case 'capture.remove':
        return sendRemoval(item)
      case 'capture.retry':
        return sendRetry(item)
      case 'product.create':
        return sendProduct(item)
      case 'photo.send':
        return sendPhoto(item)
      case 'product.edit':
        return sendEdit(item)
      case 'review.decide':
      case 'review.apply':
      case 'review.revert':
      case 'review.photos':
        return sendReview(item)
    }
  }

  const sending: SendingPorts = {
    store,
    remote,
    log,
    write: (outcome) => write(outcome),
    noteContact,
    handleFailure: (item, failure) => handleFailure(item, failure),
  }
  const sendReview = createReviewSending(sending, (captureIds) => ports.onReviews?.(captureIds))
  const sendEdit = createProductSending(sending, (gtins) => ports.onProducts?.(gtins))

  const sendSession = async (item: OutboxItem): Promise<void> => {
    const session = store.sessions.get(item.sessionId ?? '')
    if (!session) return write(() => store.outbox.done(item.id))
    const generation = store.sessions.remoteGeneration(session.id)
    const answer = await remote.createSession({
      key: generation === 0 ? session.id : `${session.id}-${generation}`,
      captureMode: session.captureMode,
      metadata: {
        station_id: ports.stationId,
        station_session: session.id,
        ...(session.label === '' ? {} : { label: session.label }),
      },
    })
    if (!answer.ok) return handleFailure(item, answer.failure)
    noteContact()
    await write(() => {
      store.sessions.linkRemote(session.id, answer.value.id, answer.receipt)
      store.outbox.done(item.id)
    })
    ports.onSession(session.id)
  }

  const sendSessionEnd = async (item: OutboxItem): Promise<void> => {
    const session = store.sessions.get(item.sessionId ?? '')
    if (!session?.remoteId) return write(() => store.outbox.done(item.id))
    const { remoteId, captureMode } = session
    const anchored = await anchor(session.id, remoteId)
    if (anchored !== null) return handleFailure(item, anchored)
    // Where products were photographed, what their labels say is wanted; not every backend reads photos.
    const submitted = captureMode === 'barcode_scan' ? null : await remote.submitSession(remoteId)
    const isEnded = submitted !== null && (submitted.ok || submitted.failure.kind !== 'refused')
    const answer = isEnded ? submitted : await remote.endSession(remoteId)
    // An expired or vanished session needs no end.
    if (!answer.ok && answer.failure.status !== 409 && answer.failure.status !== 404)
      return handleFailure(item, answer.failure)
    noteContact()
    await write(() => store.outbox.done(item.id))
  }

  /**
   * Leaves the ledger's last entry with the backend: from then on nobody can cut it off there unseen (docs/ledger.md). Answers
   * why it could not be told; a backend that takes no such thing is not asked for it.
   */
  const anchor = async (sessionId: string, remoteId: string): Promise<RemoteFailure | null> => {
    nextAnchorMs = nowMs() + limits.anchorMs
    const { sequence, hash } = store.ledger.head()
    if (sequence === anchoredUpTo) return null
    const key = ports.stationKey?.() ?? null
    const answer = await remote.describeSession(remoteId, {
      ledger: `capstan:${store.stationId}:${sequence}:${hash}`,
      ...(key === null ? {} : { station_key: key }),
    })
    if (!answer.ok) {
      return isFinal(answer.failure) || answer.failure.code === ofAnother.failure.code ? null : answer.failure
    }
    noteContact()
    await write(() => {
      const receipt = answer.receipt ?? null
      store.ledger.append({ kind: 'ledger.anchored', session: sessionId, upTo: sequence, digest: hash, receipt })
      anchoredUpTo = store.ledger.head().sequence
    })
    return null
  }

  /** In between, of a session that goes on for hours. */
  const anchorNow = async (): Promise<void> => {
    nextAnchorMs = nowMs() + limits.anchorMs
    const session = store.sessions.current()
    const failure = session?.remoteId ? await anchor(session.id, session.remoteId) : null
    if (failure) noteFailure(failure)
  }

  const sendCapture = async (item: OutboxItem, answered: () => void): Promise<void> => {
    const capture = store.captures.get(item.captureId ?? '')
    // Only a damaged store has a sending without its capture.
    if (!capture) return write(() => store.outbox.done(item.id))
    const sent = sentOf(item)
    const key = sent.round === 0 ? capture.id : `${capture.id}-${sent.round}`
    // The codes that joined since are told when the backend has it.
    const asSent = { ...capture, quantity: sent.quantity, marks: capture.marks.slice(0, sent.marks + 1) }
    const startedMs = nowMs()
    const answer = await submit(item, key, sent, asSent)
    if (answer.ok) {
      noteContact()
      meter.add(nowMs() - startedMs)
      const last = accepted.at(-1)
      if (last && nowMs() - last.atMs < 1_000) last.count += 1
      else accepted.push({ atMs: nowMs(), count: 1 })
      const written = write(() => {
        store.captures.accept(capture.id, answer.value, answer.receipt)
        if (answer.value.place !== undefined) store.captures.placePhoto(capture.id, answer.value.place)
        store.outbox.done(item.id)
      })
      answered()
      await written
      if (isUnsettled(answer.value.state)) lookAt(capture, answer.value.remoteId)
      expectProgress(sent.session)
      if (answer.value.state === 'COMPLETED') expectProducts([capture.id])
      return ports.onCaptures([capture.id])
    }
    if (
      (answer.failure.status === 409 || answer.failure.status === 404) &&
      (await continueSession(item, capture.sessionId, sent.session))
    )
      return
    await handleFailure(item, answer.failure)
    ports.onCaptures([capture.id])
  }

  /** Sends a capture by the road that it has, or is given now. `place` is that of a photo that is a thing of its own there. */
  const submit = async (
    item: OutboxItem,
    key: string,
    sent: SentCapture,
    capture: Capture,
  ): Promise<RemoteResult<RemoteCapture & { readonly place?: string }>> => {
    const hash = item.kind === 'capture.upload' ? store.captures.uploadOf(capture.id) : null
    if (hash === null) return remote.submitCapture(key, sent.session, capture)
    const road = sent.road === null ? await chooseRoad(item, capture) : sent.road
    if (typeof road !== 'string') return road
    if (road === 'form') {
      return withImage(capture, hash, (image, onProgress) =>
        remote.uploadImage(key, sent.session, capture, image, onProgress),
      )
    }
    // What is read off it is the capture; the photo follows. Without a code the photo is all there is.
    if (!isPhotoAlone(capture)) return remote.submitCapture(key, sent.session, { ...capture, type: 'BARCODE' })
    const owner = await ownerIn(sent.session, capture)
    if (typeof owner === 'object' && owner !== null) return owner
    const answer = await placePhoto(item, key, sent, capture, hash, owner)
    // A key may send captures and no photos: that is this photo's matter.
    if (!answer.ok && answer.failure.status === 403)
      return { ...answer, failure: { ...answer.failure, kind: 'refused' } }
    if (!answer.ok) return answer
    const { place } = answer.value
    const remoteId = decodeURIComponent(place.slice(place.lastIndexOf('/') + 1))
    const accepted = { remoteId, state: 'COMPLETED', errorMessage: '', productId: null, productName: null, gtin: null }
    return { ...answer, value: { ...(accepted as RemoteCapture), place } }
  }

  /**
   * The backend's id of the capture that says whose photo this is; null where none does, or the backend has refused it. A
   * continuation has not the capture that was sent to the session before it: there the code is submitted once more.
   */
  const ownerIn = async (remoteSession: string, photo: Capture): Promise<string | null | Failed> => {
    const owner = store.captures.ownerOf(photo.id)
    if (owner === null || owner.remoteId === null) return null
    const generation = store.sessions.remoteGeneration(photo.sessionId)
    if (generation === 0) return owner.remoteId
    const kept = await remote.sessionCaptures(remoteSession)
    if (!kept.ok) return unsent(kept)
    if (kept.value.has(owner.remoteId)) return owner.remoteId
    const same = [...kept.value.values()].find(
      ({ raw, stationCapture }) => stationCapture === owner.id || raw === owner.raw,
    )
    if (same !== undefined) return same.remoteId
    const again = await remote.submitCapture(`${owner.id}-again-${generation}`, remoteSession, owner)
    return again.ok ? again.value.remoteId : unsent(again)
  }

  /**
   * Where products are photographed, photos go as product photos, by addresses of their own, if the backend offers that; in a
   * session of barcodes a photo stands for a code that nobody could read, and is a capture for the backend to look at. The
   * choice is kept: a repeat must be the same request.
   */
  const chooseRoad = async (item: OutboxItem, capture: Capture): Promise<'form' | 'photo' | Failed> => {
    const known = await ask()
    if (!known.ok) return known
    const isOfProducts = store.sessions.get(capture.sessionId)?.captureMode !== 'barcode_scan'
    const road = isOfProducts && known.value.takesPhotos ? 'photo' : 'form'
    await write(() => store.outbox.note(item.id, { road }))
    return road
  }

  const ask = async (): Promise<RemoteResult<Abilities>> => {
    if (abilities !== null) return { ok: true, value: abilities }
    const answer = await remote.abilities()
    if (answer.ok) abilities = answer.value
    // Nothing was sent with it.
    return answer.ok ? answer : { ok: false, failure: { ...answer.failure, taken: 'no' } }
  }

  /** The photo of a capture that the backend has. */
  const sendPhoto = async (item: OutboxItem): Promise<void> => {
    const capture = store.captures.get(item.captureId ?? '')
    const hash = capture && store.captures.uploadOf(capture.id)
    const sent = sentOf(item)
    // Taken back meanwhile: unless it may be there already, it need not go.
    if (!capture || hash === null || (capture.disposition !== 'counted' && sent.uploaded === null)) {
      return write(() => store.outbox.done(item.id))
    }
    const key = sent.round === 0 ? `${capture.id}-photo` : `${capture.id}-photo-${sent.round}`
    // A continuation has not the capture that was sent to the session before it.
    const captureId = sent.of === sent.session ? capture.remoteId : null
    const answer = await placePhoto(item, key, sent, capture, hash, captureId)
    if (answer.ok) {
      noteContact()
      await write(() => {
        store.captures.placePhoto(capture.id, answer.value.place)
        store.outbox.done(item.id)
      })
    } else if (
      (answer.failure.status !== 409 && answer.failure.status !== 404) ||
      !(await continueSession(item, capture.sessionId, sent.session))
    ) {
      await handleFailure(item, answer.failure)
    }
    ports.onCaptures([capture.id])
  }

  /**
   * Uploads a photo and registers it. The bytes may go as often as need be, and are not sent again once they have arrived;
   * the registration must not: where the backend does not know it by its key, its photos are read back first, of which each
   * has the key of its bytes.
   */
  const placePhoto = async (
    item: OutboxItem,
    key: string,
    sent: SentCapture,
    capture: Capture,
    hash: string,
    captureId: string | null,
  ): Promise<RemoteResult<{ readonly place: string }>> => {
    if (sent.uploaded !== null && !isKnownByKey(sent)) {
      const kept = await remote.sessionPhotos(sent.session)
      if (!kept.ok) return unsent(kept)
      const found = kept.value.find((each) => each.key === sent.uploaded)
      if (found) return { ok: true, value: found }
    }
    return withImage(capture, hash, async (image, onProgress) => {
      let uploaded = sent.uploaded
      if (uploaded === null) {
        const address = await remote.uploadAddress(sent.session, capture, image)
        if (!address.ok) return unsent(address)
        const arrived = await remote.sendBytes(address.value, capture, image, onProgress)
        if (!arrived.ok) return arrived
        uploaded = address.value.key
        // Before it is registered: whoever starts after this process has died looks for it.
        await write(() => store.outbox.note(item.id, { uploaded }))
      }
      return remote.registerPhoto(key, sent.session, capture, image, { key: uploaded, captureId })
    })
  }

  /** A failure before anything was done that could be done twice. */
  const unsent = ({ failure }: Failed): Failed => ({ ok: false, failure: { ...failure, taken: 'no' } })

  /** Opens a photo for sending and tells how far it is meanwhile. */
  const withImage = async <T>(
    capture: Capture,
    hash: string,
    sendImage: (image: Blob, onProgress: (sentBytes: number) => void) => Promise<RemoteResult<T>>,
  ): Promise<RemoteResult<T>> => {
    const image = await store.media.blob(hash)
    if (image === null) {
      const message = `the photo ${hash} is gone from the data folder, or cannot be opened with the station's key`
      return {
        ok: false,
        failure: { kind: 'refused', status: null, code: 'photo_missing', message, retryAfterMs: null, taken: 'no' },
      }
    }
    const progress = (sentBytes: number): void => {
      uploads.set(capture.id, { sentBytes, totalBytes: image.size })
      ports.onProgress?.()
    }
    progress(0)
    try {
      return await sendImage(image, progress)
    } finally {
      uploads.delete(capture.id)
    }
  }

  /**
   * The backend takes no more captures for a session that it has ended or forgotten (its time-out is half an
   * hour): the station's session goes on in a continuation there. Answers whether it does.
   */
  const continueSession = async (item: OutboxItem, sessionId: string, remoteId: string): Promise<boolean> => {
    const status = await remote.sessionState(remoteId)
    const isOver = status.ok ? status.value !== 'ACTIVE' && status.value !== 'unknown' : status.failure.status === 404
    if (!isOver || store.sessions.remoteGeneration(sessionId) >= limits.continuations) return false
    await write(() => {
      // Several captures in flight find out at once; only the first one asks for the continuation.
      if (store.sessions.get(sessionId)?.remoteId === remoteId) {
        store.sessions.continueRemote(sessionId)
        log.warn({ sessionId }, 'the backend ended the session; it goes on in a continuation')
      }
      store.outbox.restart(item.id, { code: 'session_over', message: 'the backend had ended the session' })
    })
    ports.onSession(sessionId)
    return true
  }

  // --- Captures whose answer was lost -----------------------------------------------------------------

  /** When the backend is asked again after it could not answer. */
  const soonMs = (): number => Math.max(blockedUntilMs, nowMs() + backoffMs(3, ports.random(), limits.backoff))

  const asDoubt = (item: OutboxItem) => ({
    item,
    sent: sentOf(item),
    capture: store.captures.get(item.captureId ?? ''),
  })

  /** Its effect is a photo at the backend, not a capture. */
  const isPhoto = ({ item, sent, capture }: ReturnType<typeof asDoubt>): boolean =>
    item.kind === 'photo.send' || (sent.road === 'photo' && capture !== null && isPhotoAlone(capture))

  /**
   * Settles what may have arrived. To a backend that remembers keys it is sent again under its key; of any other it is
   * first read back what it has.
   */
  const settleDoubts = async (items: readonly OutboxItem[]): Promise<void> => {
    if (abilities === null) {
      const answer = await ask()
      if (!answer.ok) {
        noteFailure(answer.failure)
        return write(() => items.forEach((item) => store.outbox.doubtAgain(item.id, soonMs())))
      }
      noteContact()
    }
    const doubts = items.map(asDoubt)
    const [photos, captures] = [doubts.filter(isPhoto), doubts.filter((doubt) => !isPhoto(doubt))]
    await write(() => {
      for (const { item, sent } of captures) if (isKnownByKey(sent)) store.outbox.resend(item.id)
      for (const { item, sent } of photos) {
        // Who sends it reads back by the key of its bytes; until then the registration may be still on its way.
        const quietAtMs = sent.lostMs + quietMs
        const isOnItsWay = sent.uploaded !== null && nowMs() < quietAtMs && nowMs() >= sent.lostMs
        if (isOnItsWay && !isKnownByKey(sent)) store.outbox.doubtAgain(item.id, quietAtMs)
        else store.outbox.resend(item.id)
      }
    })
    const unknown = captures.filter(({ sent }) => !isKnownByKey(sent))
    for (const group of Map.groupBy(unknown, ({ sent }) => sent.session)) {
      if (closed || isBlocked()) return
      await settleSession(...group)
    }
  }

  const settleSession = async (remoteSessionId: string, doubts: ReturnType<typeof asDoubt>[]): Promise<void> => {
    const totals = store.sessions.get(doubts[0]?.item.sessionId ?? '')?.totals
    const times = doubts.map(({ sent }) => sent.backendMs)
    const askedMs = nowMs()
    const answer = await readBack(remote, remoteSessionId, totals?.scans ?? 0, {
      captureIds: new Set(doubts.map(({ item }) => item.captureId ?? '')),
      notBeforeMs: times.includes(null) ? null : Math.min(...times.map(Number)) - slackMs,
    })
    if (!answer.ok) {
      const isGone = answer.failure.status === 404 && (await isSessionGone(remoteSessionId))
      // A backend that shows nothing leaves nothing to decide by; one that cannot now is asked again.
      const isMute = isFinal(answer.failure)
      noteFailure(isMute ? { ...answer.failure, kind: 'refused' } : answer.failure)
      const againMs = soonMs()
      return write(() => {
        for (const { item } of doubts) {
          if (isGone) store.outbox.resend(item.id)
          else if (isMute) store.outbox.undecide(item.id, [])
          else store.outbox.doubtAgain(item.id, againMs)
        }
      })
    }
    noteContact()
    const verdicts = judge(
      doubts.flatMap(({ sent, capture }) =>
        capture
          ? [{ captureId: capture.id, raw: capture.raw, type: asType(sent, capture), backendMs: sent.backendMs }]
          : [],
      ),
      answer.value,
      store.captures.isClaimed,
    )
    const changed: string[] = []
    await write(() => {
      for (const { item, sent, capture } of doubts) {
        const verdict = verdicts.get(item.captureId ?? '')
        if (!capture || !verdict) {
          store.outbox.done(item.id)
          continue
        }
        const quietAtMs = sent.lostMs + quietMs
        if (verdict.kind === 'there') {
          if (verdict.doubles.length > 0) {
            log.error({ captureId: capture.id, doubles: verdict.doubles.length }, 'the backend has a capture twice')
          }
          store.captures.accept(capture.id, verdict.kept)
          store.outbox.done(item.id)
        } else if (askedMs < quietAtMs && askedMs >= sent.lostMs) {
          // It may be still on its way.
          store.outbox.doubtAgain(item.id, quietAtMs)
          continue
        } else if (verdict.kind === 'undecided' || sent.isTaken === 1) {
          log.warn({ captureId: capture.id }, 'whether the backend has a capture cannot be decided')
          store.outbox.undecide(item.id, verdict.kind === 'undecided' ? verdict.candidates.map(toCandidate) : [])
        } else if (capture.disposition !== 'counted') {
          store.outbox.done(item.id)
          store.captures.forget(capture.id)
        } else {
          store.outbox.resend(item.id)
        }
        changed.push(capture.id)
      }
    })
    expectProgress(null)
    expectProducts(changed)
    if (changed.length > 0) ports.onCaptures(changed)
  }

  const isSessionGone = async (remoteSessionId: string): Promise<boolean> => {
    const state = await remote.sessionState(remoteSessionId)
    return !state.ok && state.failure.status === 404
  }

  const toCandidate = (kept: KeptCapture): Candidate => ({
    remoteId: kept.remoteId,
    createdAt: kept.createdMs === null ? null : new Date(kept.createdMs).toISOString(),
    raw: kept.raw,
    type: kept.type,
  })

  const sendUpdate = async (item: OutboxItem): Promise<void> => {
    const capture = store.captures.get(item.captureId ?? '')
    if (!capture?.remoteId) return write(() => store.outbox.done(item.id))
    const place = isPhotoAlone(capture) ? store.captures.photoPlace(capture.id) : null
    const answer = place
      ? await remote.updatePhoto(place, capture)
      : await remote.updateCapture(capture.remoteId, capture)
    await settle(item, answer)
  }

  const sendRemoval = async (item: OutboxItem): Promise<void> => {
    const capture = store.captures.get(item.captureId ?? '')
    if (!capture?.remoteId) return write(() => store.outbox.done(item.id))
    const place = store.captures.photoPlace(capture.id)
    const isGone = (answer: RemoteResult<null>): boolean => answer.ok || answer.failure.status === 404
    const nothing: RemoteResult<null> = { ok: true, value: null }
    const removed = place !== null && isPhotoAlone(capture) ? nothing : await remote.removeCapture(capture.remoteId)
    if (!isGone(removed)) return settle(item, removed)
    const photo = place === null ? nothing : await remote.removePhoto(place)
    await settle(item, isGone(photo) ? nothing : photo)
  }

  const sendRetry = async (item: OutboxItem): Promise<void> => {
    const capture = store.captures.get(item.captureId ?? '')
    if (!capture?.remoteId) return write(() => store.outbox.done(item.id))
    const answer = await remote.retryCapture(capture.remoteId)
    // 409: it is being processed already, or done: what it says now is as good an answer.
    const known = !answer.ok && answer.failure.status === 409 ? await remote.getCapture(capture.remoteId) : answer
    if (!known.ok) {
      await handleFailure(item, known.failure)
      return ports.onCaptures([capture.id])
    }
    noteContact()
    await write(() => {
      store.captures.follow(capture.id, known.value)
      store.outbox.done(item.id)
    })
    expectProgress(store.sessions.get(capture.sessionId)?.remoteId ?? null)
    ports.onCaptures([capture.id])
  }

  const sendProduct = async (item: OutboxItem): Promise<void> => {
    const product = item.payload as {
      gtin: string
      name: string
      brand: string
      netContent: string
      description: string
    }
    const answer = await remote.createProduct(`product-${item.captureId ?? item.id}-${item.id}`, product)
    // 409: somebody else created it meanwhile; the lookup will find that one.
    if (!answer.ok && answer.failure.status !== 409) {
      await handleFailure(item, answer.failure)
      if (item.captureId !== null) ports.onCaptures([item.captureId])
      return
    }
    noteContact()
    const waiting: string[] = []
    await write(() => {
      if (answer.ok) store.captures.rememberProduct(answer.value)
      store.outbox.done(item.id)
      waiting.push(...store.captures.notFoundWith(answer.ok ? answer.value.gtin : product.gtin.padStart(14, '0')))
    })
    for (const id of waiting) store.captures.retry(id)
    ports.onCaptures(
      item.captureId === null || waiting.includes(item.captureId) ? waiting : [item.captureId, ...waiting],
    )
  }

  const settle = async (item: OutboxItem, answer: RemoteResult<unknown>): Promise<void> => {
    if (!answer.ok) return handleFailure(item, answer.failure)
    noteContact()
    await write(() => store.outbox.done(item.id))
  }

  // --- Following what the backend has ---------------------------------------------------------------

  const expectProgress = (remoteSessionId: string | null): void => {
    followDelayMs = limits.followMinMs
    nextFollowMs = Math.min(nextFollowMs, nowMs() + followDelayMs)
    if (remoteSessionId !== null) listenTo(remoteSessionId)
  }

  /** The session whose changes the backend tells us of, or is asked to. */
  let listening: { readonly remoteSessionId: string; readonly stop: AbortController } | null = null
  let tellsEvents = true

  /** Has the backend tell what becomes of a session's captures, beside asking it: a lookup is then there at once. */
  const listenTo = (remoteSessionId: string): void => {
    if (closed || !tellsEvents || listening?.remoteSessionId === remoteSessionId) return
    listening?.stop.abort()
    const own = { remoteSessionId, stop: new AbortController() }
    listening = own
    const told = (): void => {
      nextFollowMs = 0
      followDelayMs = limits.followMinMs
      wake()
    }
    void remote.listen(remoteSessionId, told, own.stop.signal).then((outcome) => {
      if (outcome === 'unsupported') tellsEvents = false
      // The next capture that goes out tries again.
      if (listening === own) listening = null
    })
  }

  const isUnsettled = (state: RemoteCapture['state']): boolean => !['COMPLETED', 'NOT_FOUND', 'FAILED'].includes(state)

  const lookAt = (capture: Capture, remoteId: string): void => {
    const sinceMs = nowMs() - Date.parse(capture.capturedAt)
    if (sinceMs > limits.recentMs) return
    recent.set(capture.id, { remoteId, sinceMs: nowMs() })
    const [oldest] = recent.keys()
    if (recent.size > limits.recent && oldest !== undefined) recent.delete(oldest)
  }

  /**
   * A long drain leaves no moment in which everything is followed: of what was scanned just now the progress is asked for in
   * between, one request at a time, and what becomes of it is told as ever.
   */
  const glance = async (): Promise<void> => {
    const changed: string[] = []
    for (const [id, { remoteId, sinceMs }] of recent) {
      if (closed || isBlocked()) break
      const answer = await remote.getCapture(remoteId)
      if (answer.ok) {
        noteContact()
        await write(() => {
          if (store.captures.follow(id, answer.value)) changed.push(id)
        })
      } else noteFailure(answer.failure)
      const isOver = answer.ok ? !isUnsettled(answer.value.state) : answer.failure.kind === 'refused'
      if (isOver || nowMs() - sinceMs > limits.recentMs) recent.delete(id)
    }
    expectProducts(changed)
    if (changed.length > 0) ports.onCaptures(changed)
    if (toLearn.size > 0 && !closed && !isBlocked()) await learnProducts()
  }

  const beginGlance = (): void => {
    isGlancing = true
    nextGlanceMs = nowMs() + limits.glanceMs
    keepTrack(glance().finally(() => (isGlancing = false)))
  }

  const follow = async (): Promise<void> => {
    const groups = store.captures.unsettled()
    if (groups.length === 0) {
      nextFollowMs = Number.POSITIVE_INFINITY
      return
    }
    const startedMs = nowMs()
    const changed: string[] = []
    const note = (group: (typeof groups)[number], answers: ReadonlyMap<string, RemoteCapture>): Promise<void> =>
      write(() => {
        for (const capture of group.captures) {
          const answer = answers.get(capture.remoteId)
          if (answer && store.captures.follow(capture.id, answer)) changed.push(capture.id)
        }
      })
    for (const group of groups) {
      const isLarge = (store.sessions.get(group.sessionId)?.totals.scans ?? 0) > limits.wholeSession
      const answers =
        isLarge && group.captures.length > limits.askSingly ? await askPages(group, note) : await askProgress(group)
      if (!answers.ok) {
        noteFailure(answers.failure)
        break
      }
      noteContact()
      await note(group, answers.value)
    }
    expectProducts(changed)
    if (changed.length > 0) ports.onCaptures(changed)
    const tookMs = nowMs() - startedMs
    followDelayMs = changed.length > 0 ? limits.followMinMs : Math.min(followDelayMs * 2, limits.followMaxMs)
    nextFollowMs = nowMs() + Math.max(followDelayMs, Math.min(tookMs * 4, limits.followMaxMs))
  }

  /** The page at which a large session was left when there was something to send; begun anew in another one. */
  let leftAt = { remoteSessionId: '', page: 1 }

  /**
   * Goes through a large session's list, newest first, as far as there is something to find in it and nothing to send; `note`
   * is given each page. Where there is no list, the few newest are asked one by one.
   */
  const askPages = async (
    group: ReturnType<typeof store.captures.unsettled>[number],
    note: (
      group: ReturnType<typeof store.captures.unsettled>[number],
      page: Map<string, RemoteCapture>,
    ) => Promise<void>,
  ): Promise<RemoteResult<Map<string, RemoteCapture>>> => {
    const byRemoteId = new Map(group.captures.map((capture) => [capture.remoteId, capture]))
    const { remoteSessionId } = group
    if (leftAt.remoteSessionId !== remoteSessionId) leftAt = { remoteSessionId, page: 1 }
    while (byRemoteId.size > 0) {
      const answer = await remote.listCaptures(remoteSessionId, leftAt.page)
      if (!answer.ok && answer.failure.kind !== 'refused') return answer
      if (!answer.ok || answer.value.captures.length === 0) break
      noteContact()
      const here = answer.value.captures.flatMap((kept) => byRemoteId.get(kept.remoteId) ?? [])
      await note({ ...group, captures: here }, new Map(answer.value.captures.map((kept) => [kept.remoteId, kept])))
      for (const { remoteId } of here) byRemoteId.delete(remoteId)
      leftAt.page += 1
      if (!answer.value.hasNext) break
      if (closed || isWoken) return { ok: true, value: new Map() }
    }
    leftAt.page = 1
    return askProgress({ ...group, captures: [...byRemoteId.values()].slice(-limits.askSingly) })
  }

  const askProgress = async (group: {
    remoteSessionId: string
    captures: { remoteId: string }[]
  }): Promise<RemoteResult<Map<string, RemoteCapture>>> => {
    const found = new Map<string, RemoteCapture>()
    if (group.captures.length > limits.askSingly) {
      const answer = await remote.sessionCaptures(group.remoteSessionId)
      if (answer.ok) for (const [id, capture] of answer.value) found.set(id, capture)
      else if (answer.failure.status !== 404) return answer
    }
    // Few, or sent to a session before the continuation.
    const singly = group.captures.filter((capture) => !found.has(capture.remoteId)).slice(0, limits.askSingly)
    const answers = await Promise.all(
      singly.map(async ({ remoteId }) => ({ remoteId, answer: await remote.getCapture(remoteId) })),
    )
    for (const { remoteId, answer } of answers) {
      if (answer.ok) found.set(remoteId, answer.value)
      else if (answer.failure.status === 404) found.set(remoteId, { ...gone, remoteId })
      else return answer
    }
    return { ok: true, value: found }
  }

  /** The capture's answer names the product; brand and content come from the catalogue, once a GTIN. */
  const expectProducts = (ids: readonly string[]): void => {
    for (const capture of store.captures.getMany(ids)) {
      if (capture.state !== 'COMPLETED' || capture.gtin === null) continue
      if (store.captures.knownProduct(capture.gtin) !== null) continue
      toLearn.set(capture.gtin, [...(toLearn.get(capture.gtin) ?? []), capture.id])
    }
  }

  const learnProducts = async (): Promise<void> => {
    const gtins = [...toLearn].slice(0, limits.learn)
    const learnt: MatchedProduct[] = []
    await Promise.all(
      gtins.map(async ([gtin]) => {
        const answer = await remote.findProduct(gtin)
        // What fails is not asked again: the name is there, and the next capture of it asks anew.
        if (answer.ok && answer.value) learnt.push(answer.value)
        toLearn.delete(gtin)
      }),
    )
    if (learnt.length === 0) return
    await write(() => learnt.forEach((product) => store.captures.rememberProduct(product)))
    const known = new Set(learnt.map((product) => product.gtin))
    ports.onCaptures(gtins.filter(([gtin]) => known.has(gtin)).flatMap(([, ids]) => ids))
  }

  // --- The loop ----------------------------------------------------------------------------------------

  const begin = (item: OutboxItem): void => {
    const answer = Promise.withResolvers<void>()
    const errors = serverErrors.get(item.id)
    const sending = send(item, answer.resolve).then(
      () => void (serverErrors.get(item.id) === errors && serverErrors.delete(item.id)),
    )
    begun += 1
    inFlight += 1
    if (isUpload(item)) photosInFlight += 1
    keepTrack(sending)
    // The next one need not wait until the answer to this one is written.
    void Promise.race([answer.promise, sending.catch(() => undefined)]).then(() => {
      inFlight -= 1
      if (isUpload(item)) photosInFlight -= 1
      keepWithinAllowance()
      wake()
    })
  }

  const keepTrack = (sending: Promise<void>): void => {
    const ended = sending
      .catch((error: unknown) => {
        fault ??= error instanceof Error ? error : new Error(String(error))
      })
      .finally(() => {
        sendings.delete(ended)
        if (sendings.size === 0) wake()
      })
    sendings.add(ended)
  }

  /**
   * Sends what is due, the most needed first, until nothing is any more, or until it is time to settle what is doubtful, or
   * the road is closed. All that was begun has ended and is written when it resolves: whoever goes on with half of it under
   * way would send it twice. Answers whether there was anything.
   */
  const sendDue = async (): Promise<boolean> => {
    let wasAny = false
    isHolding = false
    for (;;) {
      if (hasCome(nextDoubtsMs) && wasAny) {
        nextDoubtsMs = nowMs() + limits.doubtsMs
        isHolding ||= store.outbox.doubtful(1).length > 0
      }
      if (closed || isBlocked() || fault !== null) {
        // The backend went away or asked for a pause: the rest waits with the others.
        for (const { id } of queue.splice(0)) keepTrack(write(() => store.outbox.release(id)))
      } else {
        if (countReady() < limits.inParallel) queue.push(...store.transaction(lease))
        while (inFlight < limits.inParallel) {
          const next = queue.findIndex((item) => !isUpload(item) || photosInFlight < limits.photosInParallel)
          const [item] = next < 0 ? [] : queue.splice(next, 1)
          if (!item) break
          begin(item)
        }
      }
      wasAny ||= sendings.size > 0
      // Only beside what goes out: with nothing left, everything is followed.
      const isBusy = queue.length > 0 && !isHolding && !closed && !isBlocked()
      if (isBusy && !isGlancing && recent.size > 0 && hasCome(nextGlanceMs)) beginGlance()
      if (inFlight === 0 && outcomes.length > 0) writeNow()
      if (sendings.size === 0 && queue.length === 0) break
      await pause(countReady() > 0 || isHolding ? limits.backoff.capMs : untilDueMs())
    }
    isHolding = true
    if (fault !== null) {
      const error = fault
      fault = null
      throw error
    }
    return wasAny
  }

  const untilDueMs = (): number =>
    Math.max(limits.writeLeastMs, (store.outbox.nextDueMs() ?? Number.POSITIVE_INFINITY) - nowMs())

  /** Pauses before the backend has to say 429; the daily limit's wait is looked at again every hour. */
  const keepWithinAllowance = (): void => {
    const { allowance } = remote.observed
    if (allowance === null || allowance.remaining > inFlight || allowance.resetsAtMs <= nowMs() || isBlocked()) return
    blockedUntilMs = Math.min(allowance.resetsAtMs, nowMs() + limits.longestWaitMs)
    see('online', 'the backend takes so many requests in a time; the next ones wait for the next time', false)
  }

  const probe = async (): Promise<void> => {
    const answer = await remote.probe()
    nextProbeMs = nowMs() + limits.probeMs
    if (answer.ok) noteContact()
    else noteFailure(answer.failure)
  }

  const sleepMs = (): number => {
    const now = nowMs()
    if (isBlocked()) return blockedUntilMs - now
    if (toLearn.size > 0) return 0
    const due = store.outbox.nextDueMs() ?? Number.POSITIVE_INFINITY
    return Math.max(0, Math.min(due, nextFollowMs, nextProbeMs, nextAnchorMs) - now)
  }

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer)
        wakeUp = null
        isWoken = false
        resolve()
      }
      const timer = setTimeout(finish, Math.min(ms, 60_000))
      wakeUp = finish
      if (isWoken) finish()
    })

  const run = async (): Promise<void> => {
    store.transaction(() => {
      store.outbox.releaseLeases()
      // Whoever starts a station expects it to try, with a new key perhaps: waits of an earlier run are over.
      if (!hasStarted) store.outbox.hurry()
    })
    hasStarted = true
    let wasBlocked = true
    while (!closed) {
      if (isBlocked()) wasBlocked = true
      else {
        // What was scanned meanwhile is a backlog now: who scans next does not wait for it.
        if (wasBlocked) store.outbox.fallBehind()
        wasBlocked = false
        const doubts = store.outbox.doubtful(limits.doubts)
        if (doubts.length > 0) await settleDoubts(doubts)
        if (isBlocked()) continue
        if (await sendDue()) {
          for (const listener of settledListeners) listener()
          continue
        }
        if (hasCome(nextFollowMs)) await follow()
        else if (toLearn.size > 0) {
          await learnProducts()
          continue
        } else if (hasCome(nextAnchorMs)) await anchorNow()
        else if (hasCome(nextProbeMs)) await probe()
      }
      for (const listener of settledListeners) listener()
      if (!closed) await pause(sleepMs())
    }
  }

  /** The loop must outlive its own bugs: a fault is logged and the loop goes on a little later. */
  const running = (async () => {
    while (!closed) {
      try {
        await run()
      } catch (error) {
        log.error({ error: (error as Error).stack }, 'the sync loop failed')
        await pause(1_000)
      }
    }
  })()

  const hurry = (): void => {
    blockedUntilMs = 0
    refusedWords = null
    nextProbeMs = 0
    store.transaction(() => store.outbox.hurry())
    wake()
  }

  return {
    wake,
    hurry,
    keyAnswered(refusal) {
      if (refusal === null) {
        if (refusedWords !== null) hurry()
        return
      }
      refusedWords = refusal
      blockedUntilMs = nowMs() + limits.backoff.capMs
      see('unauthorised', refusal, true)
    },
    networkChanged() {
      if (backend.state === 'offline') {
        blockedUntilMs = 0
        store.transaction(() => store.outbox.hurry())
      }
      nextProbeMs = 0
      wake()
    },
    get pausedUntilMs() {
      return isBlocked() ? blockedUntilMs : 0
    },
    get progress() {
      const sinceMs = nowMs() - limits.rateMs
      while (accepted[0] !== undefined && accepted[0].atMs < sinceMs) accepted.shift()
      const count = accepted.reduce((sum, each) => sum + each.count, 0)
      const overMs = Math.max(1_000, nowMs() - (accepted[0]?.atMs ?? 0))
      return {
        ratePerSecond: count === 0 ? 0 : (count / overMs) * 1_000,
        sending: meter.level(),
        uploads: [...uploads].map(([captureId, upload]) => ({ captureId, ...upload })),
      }
    },
    get backend() {
      return backend
    },
    drained(settleMs) {
      return new Promise((resolve) => {
        let emptySinceMs: number | null = null
        const look = (): void => {
          if (closed) return finish('closed')
          if (backend.state === 'unauthorised') return finish('unauthorised')
          if (store.outbox.isPending()) {
            emptySinceMs = null
            return
          }
          emptySinceMs ??= nowMs()
          const isSettled = toLearn.size === 0 && !store.captures.isUnsettled()
          if (isSettled || nowMs() - emptySinceMs >= settleMs) finish('empty')
        }
        const timer = setInterval(look, 100)
        const finish = (how: 'empty' | 'unauthorised' | 'closed'): void => {
          clearInterval(timer)
          settledListeners.delete(look)
          resolve(how)
        }
        settledListeners.add(look)
        look()
      })
    },
    async close() {
      closed = true
      listening?.stop.abort()
      for (const listener of settledListeners) listener()
      wake()
      await running
    },
  }
}
