import type { Clock, Ids, Log } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { Capture, CaptureType, Disposition, Mark, Scan, ScanOutcome } from '#contract/station/capture.ts'
import type { ControlCommand, ControlOutcome, ScanAnswer } from '#contract/station/control.ts'
import type { PhotoRole } from '#contract/station/camera-settings.ts'
import type { Session } from '#contract/station/session.ts'
import { readControlCode } from '#domain/control-code.ts'
import { isMarkOf, richestOf, serialOf } from '#domain/marks.ts'
import { readScan, type ParsedScan } from '#domain/scan.ts'
import type { ScanEvent } from '#station/device/driver.ts'
import { isStorageError } from '#station/store/database.ts'
import type { Store } from '#station/store/store.ts'

/** A photo that a scan was read from or came with. */
export interface PhotoReference {
  /** Content hash of the original. */
  readonly photo: string
  /** Content hash of the derivative to upload; null when the photo is kept as evidence only. */
  readonly upload: string | null
  /** What it shows; null when nobody has said. */
  readonly role: PhotoRole | null
  /** Of a photo of an item: the capture of the item's code. */
  readonly ofCapture?: string | null
}

/** The way of a scan from a device to a durable row. */
export interface Capturing {
  /**
   * Saves a scan in the active session. Resolves only after the commit; scans are committed in the order
   * of the calls, those that wait together in one transaction.
   *
   * A control barcode is obeyed in its place among them and is no capture; a damaged one is refused with
   * `invalid_input`. Fails with `conflict` when no session is active and `storage_full` when the disk does not take it:
   * then nothing was saved and the person must be told. `event` is what is known of the reading.
   */
  scan(scan: Scan, event?: ScanEvent): Promise<Result<ScanAnswer>>
  /** Saves a code that was read in a photo. */
  codeOf(photo: PhotoReference, scan: Scan): Promise<Result<ScanOutcome>>
  /**
   * Saves a photo as an IMAGE capture. The first code in it that has a GTIN, else the first, is its raw value; the other codes
   * of that item are its marks.
   */
  image(photo: PhotoReference, codes: readonly Scan[], deviceName: string): Promise<Result<ScanOutcome>>
  /**
   * Puts a capture with a corrected value in the place of one that the backend refused, in its session; the refused one
   * stays as a row that counts no more. Fails with `conflict` when it was not refused.
   */
  correct(refused: Capture, raw: string): Result<Capture>
  /** Resolves when everything handed in so far is answered. */
  idle(): Promise<void>
  /** Waits for that too, and keeps the times of the last commit. */
  close(): Promise<void>
}

/** The most scans in one transaction: enough to make a burst cheap, few enough to answer the first one soon. */
const batchSize = 256

/** How long a scanner that announced a location is waited for. */
const locationWaitMs = 60_000
const locationLimit = 100

/**
 * How long a capture is kept back from the backend for the other codes of its trigger, at most: scanners and cameras report
 * them within some tenths of a second. The person's answer does not wait, and only the catalogue's is later by this.
 */
const holdMs = 300

/** How much later than they were read the codes of one trigger may be saved. */
const longestStallMs = 60_000

const quantityLimit = 99_999

interface Read {
  readonly type: CaptureType
  readonly scan: Scan | null
  /** Further codes, when a photo is captured as a whole. */
  readonly others: readonly Scan[]
  readonly deviceName: string
  readonly photo: PhotoReference | null
  readonly event: ScanEvent | null
}

interface Control {
  readonly type: 'CONTROL'
  readonly command: ControlCommand
  readonly deviceName: string
}

interface Waiting {
  readonly item: Read | Control
  readonly resolve: (result: Result<ScanAnswer>) => void
}

/** Creates the one queue between all devices and the store. `onSaved` and `onControl` are called after each commit, in order. */
export function createCapturing(ports: {
  store: Store
  clock: Clock
  ids: Ids
  log: Log
  onSaved: (outcome: ScanOutcome) => void
  onControl: (outcome: ControlOutcome) => void
}): Capturing {
  const { store, clock, ids, log } = ports
  const startedMs = clock.monotonicMs()
  const queue: Waiting[] = []
  let scheduled: Promise<void> | null = null
  /** Scanners whose next scan names the location, and until when. */
  let announced: ReadonlyMap<string, number> = new Map()
  /** When what was read became durable: known after its commit, so that it is written with the next one. */
  let timed: readonly { readonly id: string; readonly commitMs: number }[] = []

  const flush = (): void => {
    while (queue.length > 0) {
      const batch = queue.splice(0, batchSize)
      settle(batch, commit(batch))
    }
  }

  const settle = (batch: readonly Waiting[], results: readonly Result<ScanAnswer>[]): void => {
    for (const [index, waiting] of batch.entries()) {
      const result = results[index] ?? fail('internal', 'no result')
      waiting.resolve(result)
      if (!result.ok) continue
      try {
        if (result.value.outcome === 'control') ports.onControl(result.value)
        else if (result.value.outcome !== 'checked') ports.onSaved(result.value)
      } catch (error) {
        // Whoever listens, the others in the queue are still to be answered.
        log.error({ error: (error as Error).stack }, 'a listener failed')
      }
    }
  }

  const commit = (batch: readonly Waiting[]): Result<ScanAnswer>[] => {
    const announcedBefore = announced
    let answers: (() => Result<ScanAnswer>)[]
    try {
      answers = store.transaction(() => {
        store.captures.setCommitTimes(timed)
        let session = store.sessions.current()
        return batch.map(({ item }) => {
          if (!session) return () => fail('conflict', 'no session is active: nothing was saved')
          const control = item.type === 'CONTROL' ? item : announcedLocation(item)
          if (!control) return add(session, item as Read)
          const answer = obey(session, control)
          session = store.sessions.current()
          return answer
        })
      })
    } catch (error) {
      announced = announcedBefore
      if (isStorageError(error)) {
        log.error({ error: (error as Error).message, scans: batch.length }, 'scans could not be saved')
        return batch.map(() => fail('storage_full', `the scan was not saved: ${(error as Error).message}`))
      }
      // One scan that cannot be stored must not take its neighbours with it.
      if (batch.length > 1) return batch.flatMap((waiting) => commit([waiting]))
      log.error({ error: (error as Error).stack }, 'a scan could not be saved')
      return [fail('internal', 'the scan was not saved')]
    }
    const durableMs = performance.now()
    // The rows are read back only now: what is told is what is durable.
    const results = answers.map((answer) => answer())
    timed = results.flatMap((result, index) => {
      const item = batch[index]?.item
      if (!result.ok || !('capture' in result.value) || !item || item.type === 'CONTROL' || !item.event) return []
      const commitMs = Math.round((durableMs - item.event.receivedMs) * 1_000) / 1_000
      // A code that joined an item leaves the item's own time as it is.
      const { outcome, capture } = result.value
      return capture && outcome !== 'joined' ? [{ id: capture.id, commitMs }] : []
    })
    return results
  }

  /** The location that a scan names, when its scanner announced one; a product's code is a scan all the same. */
  const announcedLocation = ({ scan, deviceName, photo }: Read): Control | null => {
    const untilMs = announced.get(deviceName)
    if (untilMs === undefined || photo !== null || scan === null) return null
    announced = new Map([...announced].filter(([name]) => name !== deviceName))
    const now = clock.now()
    const { raw, gtin } = readScan(scan, { now })
    if (now.getTime() > untilMs || gtin !== null || raw === '' || raw.length > locationLimit) return null
    return { type: 'CONTROL', command: { kind: 'location', location: raw }, deviceName }
  }

  /** Does what a control barcode asks, as far as it is the station's to do; inside the transaction of its neighbours. */
  const obey = (session: Session, { command, deviceName }: Control): (() => Result<ControlOutcome>) => {
    const done = (captureId?: string) => () =>
      ok({
        outcome: 'control' as const,
        command,
        sessionId: session.id,
        deviceName,
        capture: captureId === undefined ? null : store.captures.get(captureId),
      })
    switch (command.kind) {
      case 'undo': {
        const last = store.captures.newestOf(session.id, deviceName, 'counted')
        if (!last) return () => fail('not_found', 'nothing is left to undo')
        store.captures.undo(last.id)
        return done(last.id)
      }
      case 'quantity':
      case 'tenfold': {
        const last = store.captures.newestOf(session.id, deviceName, 'any')
        if (!last) return () => fail('not_found', 'this device has captured nothing in this session')
        if (last.disposition !== 'counted') return () => fail('conflict', 'the last scan does not count')
        const quantity = command.kind === 'quantity' ? command.quantity : last.quantity * 10
        if (quantity > quantityLimit) return () => fail('invalid_input', `a quantity is ${quantityLimit} at most`)
        if (quantity !== last.quantity) store.captures.setQuantity(last.id, quantity)
        return done(last.id)
      }
      case 'mode':
        store.sessions.change(session.id, { captureMode: command.mode })
        return done()
      case 'location':
        store.sessions.change(session.id, { location: command.location })
        return done()
      case 'location_next':
        announced = new Map([...announced, [deviceName, clock.now().getTime() + locationWaitMs]])
        return done()
      case 'end':
        store.sessions.end(session.id)
        return done()
      default:
        // Shoot, accept, reject and skip are for the window that listens.
        return done()
    }
  }

  const add = (session: Session, waiting: Read, id = ids.next()): (() => Result<ScanOutcome>) => {
    const now = clock.now()
    const codes = [waiting.scan, ...waiting.others].flatMap((scan) =>
      scan ? [readCode(scan, waiting.event, now)] : [],
    )
    const code = codes.find(({ gtin }) => gtin !== null) ?? codes[0]
    const joined = code && join(session, waiting, code)
    if (joined) return joined
    const itemKey = code ? itemKeyOf(code.gtin, [code.mark]) : `photo:${id}`
    const history = store.captures.history(session.id, itemKey)
    // Several photos of one product are several views of it, never duplicates.
    const disposition =
      waiting.type === 'IMAGE' ? 'counted' : judge(session, history.lastCounted !== null, history.sinceReadMs)
    store.captures.add({
      id,
      sessionId: session.id,
      type: waiting.type,
      source: waiting.scan?.source ?? 'photo',
      deviceName: waiting.deviceName,
      raw: code?.mark.raw ?? '',
      symbologyIdentifier: code?.mark.symbologyIdentifier ?? null,
      symbology: code?.mark.symbology ?? 'unknown',
      gtin: code?.gtin ?? null,
      addOn: code?.mark.addOn ?? null,
      elements: code?.mark.elements ?? [],
      warnings: code?.mark.warnings ?? [],
      disposition,
      repeatOf: history.scans,
      capturedAt: now.toISOString(),
      monotonicMs: clock.monotonicMs(),
      photo: waiting.photo?.photo ?? null,
      photoRole: waiting.photo?.role ?? null,
      upload: disposition === 'counted' ? (waiting.photo?.upload ?? null) : null,
      ofCapture: waiting.photo?.ofCapture ?? null,
      location: session.location ?? (waiting.event?.place || null),
      read: waiting.event,
      itemKey,
      holdMs:
        code && isJoinable(session, waiting, code) && waiting.photo === null
          ? Math.min(holdMs, session.marksWindowMs)
          : 0,
    })
    if (session.marksWindowMs > 0) for (const other of codes) attach(id, other)
    const outcome = disposition === 'counted' ? (history.scans > 0 ? 'repeated' : 'saved') : disposition
    return () => {
      const capture = store.captures.get(id)
      return capture ? ok({ outcome, capture, previous: history.lastCounted }) : fail('internal', 'the row is gone')
    }
  }

  /** Adds a code to the photo's own capture, when it is one more code of the item. */
  const attach = (id: string, code: Code): void => {
    const capture = store.captures.get(id)
    if (!capture || !isMarkOf(code.mark, marksOf(capture))) return
    const marks = [...marksOf(capture), code.mark]
    store.captures.join(id, code.mark, {
      itemKey: itemKeyOf(code.gtin, marks),
      repeatOf: capture.repeatOf,
      best: marks.indexOf(richestOf(code.mark, ...marks)),
    })
  }

  /**
   * Adds a code to the capture of its item, when the same trigger or photo has read another code of it; null when it is a
   * capture of its own.
   *
   * A serial number may tell an item, counted by a code without one, to be a repeat: its capture counts no more. One that
   * tells a repeat to be a new item makes a capture of its own, so that nothing is lost.
   */
  const join = (session: Session, read: Read, code: Code): (() => Result<ScanOutcome>) | null => {
    if (!isJoinable(session, read, code)) return null
    const { gtin, mark } = code
    const nowMs = clock.monotonicMs()
    const beside = store.captures
      .itemsBeside({
        sessionId: session.id,
        gtin,
        raw: mark.raw,
        deviceId: read.event?.deviceId ?? null,
        deviceName: read.deviceName,
        photo: read.photo?.photo ?? null,
        // The times of the readings decide, however long a commit takes; those of another process mean nothing.
        sinceMs: read.event ? Math.max(nowMs - longestStallMs, startedMs) : nowMs - session.marksWindowMs,
        receivedMs: read.event?.receivedMs ?? null,
        windowMs: session.marksWindowMs,
      })
      .filter((capture) => isMarkOf(mark, marksOf(capture)))
    const serial = serialOf([mark])
    const rank = (capture: Capture): number =>
      (serial !== null && serialOf(marksOf(capture)) === serial ? 2 : 0) + (capture.disposition === 'counted' ? 1 : 0)
    for (const capture of beside.toSorted((a, b) => rank(b) - rank(a))) {
      const marks = [...marksOf(capture), mark]
      const itemKey = itemKeyOf(gtin, marks)
      const isCounted = capture.disposition === 'counted'
      // A serial number says more exactly what the item is: only now can it be judged.
      const history = itemKey === itemKeyOf(gtin, marksOf(capture)) ? null : store.captures.history(session.id, itemKey)
      const judged = history && judge(session, history.lastCounted !== null, history.sinceReadMs)
      if (judged === 'counted' && !isCounted) continue
      store.captures.join(capture.id, mark, {
        itemKey,
        repeatOf: history?.scans ?? capture.repeatOf,
        best: marks.indexOf(richestOf(mark, ...marks)),
      })
      const repeat = isCounted && judged !== 'counted' ? judged : null
      if (repeat !== null) store.captures.undo(capture.id, repeat)
      return () => {
        const present = store.captures.get(capture.id)
        if (!present) return fail('internal', 'the row is gone')
        const previous = repeat === null ? null : (history?.lastCounted ?? null)
        return ok({ outcome: repeat ?? 'joined', capture: present, previous })
      }
    }
    return null
  }

  const enqueue = (item: Read | Control): Promise<Result<ScanAnswer>> =>
    new Promise((resolve) => {
      queue.push({ item, resolve })
      // The next turn of the event loop: everything that a device delivered in this one shares a commit.
      scheduled ??= new Promise<void>((done) => {
        setImmediate(() => {
          scheduled = null
          flush()
          done()
        })
      })
    })

  /** A photo and its codes are never control barcodes, nor do they name locations. */
  const capture = async (read: Read): Promise<Result<ScanOutcome>> => {
    const result = await enqueue(read)
    if (!result.ok || result.value.outcome !== 'control') return result as Result<ScanOutcome>
    return fail('internal', 'a photo was taken for a control barcode')
  }

  return {
    scan(scan, event) {
      const { deviceName } = scan
      const control = readControlCode(scan.data)
      if (control.kind === 'damaged') {
        return Promise.resolve(fail('invalid_input', 'a control barcode that came damaged: scan it again'))
      }
      // The station has taken it before; whoever comes by another road must not put a badge into the store.
      if (control.kind === 'badge') return Promise.resolve(fail('invalid_input', 'a badge of the staff is no item'))
      if (control.kind === 'command') return enqueue({ type: 'CONTROL', command: control.command, deviceName })
      const type = scan.source === 'manual' ? 'MANUAL' : 'BARCODE'
      return enqueue({ type, scan, others: [], deviceName, photo: null, event: event ?? null })
    },
    codeOf: (photo, scan) =>
      capture({ type: 'BARCODE', scan, others: [], deviceName: scan.deviceName, photo, event: null }),
    image: (photo, [scan = null, ...others], deviceName) =>
      capture({ type: 'IMAGE', scan, others, deviceName, photo, event: null }),
    correct(refused, raw) {
      const session = store.sessions.get(refused.sessionId)
      if (!session) return fail('not_found', 'no such session')
      const scan: Scan = { data: raw, source: 'manual', deviceName: refused.deviceName }
      const event = null
      return store.transaction(() => {
        // First out of the count, so that it is no duplicate of itself.
        const id = ids.next()
        if (!store.captures.discard(refused.id, 'corrected', id)) return fail('conflict', 'it was not refused')
        const read: Read = { type: 'MANUAL', scan, others: [], deviceName: scan.deviceName, photo: null, event }
        const answer = add({ ...session, location: refused.location }, read, id)()
        if (!answer.ok) throw new Error(answer.error.message)
        if (refused.quantity !== 1) store.captures.setQuantity(id, refused.quantity)
        return ok(store.captures.get(id) ?? answer.value.capture)
      })
    },
    idle: () => scheduled ?? Promise.resolve(),
    async close() {
      await scheduled
      try {
        store.transaction(() => store.captures.setCommitTimes(timed))
      } catch (error) {
        log.warn({ error: (error as Error).message }, 'the times of the last commit were not kept')
      }
    },
  }
}

/** A code as it was read, and the GTIN-14 in it. */
interface Code {
  readonly mark: Mark
  readonly gtin: string | null
}

function readCode(scan: Scan, event: ScanEvent | null, now: Date): Code {
  const parsed: ParsedScan = readScan(scan, { now })
  const { raw, symbologyIdentifier, elements, gtin, addOn } = parsed
  return {
    gtin,
    mark: {
      raw,
      symbologyIdentifier,
      symbology: scan.source === 'manual' ? 'manual' : parsed.symbology,
      addOn,
      elements: [...elements],
      warnings: [...parsed.warnings, ...(parsed.error ? [parsed.error] : [])],
      source: scan.source,
      deviceName: scan.deviceName,
      deviceId: event?.deviceId ?? null,
      bytes: event?.bytes ? Buffer.from(event.bytes).toString('hex') : null,
      readAt: now.toISOString(),
    },
  }
}

/** All codes of a capture's item, as far as they tell it. */
type ItemMark = Pick<Mark, 'raw' | 'elements' | 'addOn'>
const marksOf = (capture: Capture): readonly ItemMark[] => (capture.marks.length > 0 ? capture.marks : [capture])

/** Whether the code may have company: what a person types is one item, and a photo's own capture gets its codes at once. */
const isJoinable = (session: Session, read: Read, code: Code): code is Code & { readonly gtin: string } =>
  session.marksWindowMs > 0 && read.type === 'BARCODE' && code.gtin !== null

/**
 * Serialised items are items of their own (GTIN + AI 21), and so are the issues of a periodical (977, the number of its
 * series, with the add-on); everything else is told apart by GTIN, else by its raw value.
 */
function itemKeyOf(gtin: string | null, marks: readonly ItemMark[]): string {
  if (gtin === null) return `raw:${marks[0]?.raw ?? ''}`
  const serial = serialOf(marks)
  if (serial !== null) return `gtin:${gtin}:21:${serial}`
  const issue = gtin.startsWith('0977') ? marks.find(({ addOn }) => addOn !== null)?.addOn : undefined
  return issue === undefined ? `gtin:${gtin}` : `gtin:${gtin}:issue:${issue}`
}

function judge(
  session: Session,
  wasCounted: boolean,
  sinceReadMs: number | null,
): Extract<Disposition, 'counted' | 'ignored' | 'rejected'> {
  if (!wasCounted || session.duplicatePolicy === 'count') return 'counted'
  if (session.duplicatePolicy === 'reject') return 'rejected'
  return (sinceReadMs ?? Number.POSITIVE_INFINITY) <= session.duplicateWindowMs ? 'ignored' : 'counted'
}
