import type { Clock, Ids, Log } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { CaptureType, Disposition, Scan, ScanOutcome } from '#contract/station/capture.ts'
import type { ControlCommand, ControlOutcome, ScanAnswer } from '#contract/station/control.ts'
import type { Session } from '#contract/station/session.ts'
import { readControlCode } from '#domain/control-code.ts'
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
  /** Saves a photo without a readable code as an IMAGE capture; a code found in it is its raw value. */
  image(photo: PhotoReference, code: Scan | null, deviceName: string): Promise<Result<ScanOutcome>>
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
const quantityLimit = 99_999

interface Read {
  readonly type: CaptureType
  readonly scan: Scan | null
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
      return result.value.capture ? [{ id: result.value.capture.id, commitMs }] : []
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

  const add = (session: Session, waiting: Read): (() => Result<ScanOutcome>) => {
    const now = clock.now()
    const id = ids.next()
    const parsed = waiting.scan ? readScan(waiting.scan, { now }) : null
    const itemKey = parsed === null ? `photo:${id}` : itemKeyOf(parsed)
    const history = store.captures.history(session.id, itemKey)
    // Several photos of one product are several views of it, never duplicates.
    const disposition =
      waiting.type === 'IMAGE' ? 'counted' : judge(session, history.lastCounted !== null, history.lastReadAt, now)
    store.captures.add({
      id,
      sessionId: session.id,
      type: waiting.type,
      source: waiting.scan?.source ?? 'photo',
      deviceName: waiting.deviceName,
      raw: parsed?.raw ?? '',
      symbologyIdentifier: parsed?.symbologyIdentifier ?? null,
      symbology: waiting.type === 'MANUAL' ? 'manual' : (parsed?.symbology ?? 'unknown'),
      gtin: parsed?.gtin ?? null,
      elements: parsed ? [...parsed.elements] : [],
      warnings: parsed ? [...parsed.warnings, ...(parsed.error ? [parsed.error] : [])] : [],
      disposition,
      repeatOf: history.scans,
      capturedAt: now.toISOString(),
      photo: waiting.photo?.photo ?? null,
      upload: disposition === 'counted' ? (waiting.photo?.upload ?? null) : null,
      location: session.location ?? (waiting.event?.place || null),
      read: waiting.event,
      itemKey,
    })
    const outcome = disposition === 'counted' ? (history.scans > 0 ? 'repeated' : 'saved') : disposition
    return () => {
      const capture = store.captures.get(id)
      return capture ? ok({ outcome, capture, previous: history.lastCounted }) : fail('internal', 'the row is gone')
    }
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
      if (control.kind === 'command') return enqueue({ type: 'CONTROL', command: control.command, deviceName })
      const type = scan.source === 'manual' ? 'MANUAL' : 'BARCODE'
      return enqueue({ type, scan, deviceName, photo: null, event: event ?? null })
    },
    codeOf: (photo, scan) => capture({ type: 'BARCODE', scan, deviceName: scan.deviceName, photo, event: null }),
    image: (photo, code, deviceName) => capture({ type: 'IMAGE', scan: code, deviceName, photo, event: null }),
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

/** Serialised items are items of their own (GTIN + AI 21); everything else is told apart by GTIN, else by its raw value. */
function itemKeyOf(parsed: ParsedScan): string {
  if (parsed.gtin === null) return `raw:${parsed.raw}`
  const serial = parsed.elements.find((element) => element.ai === '21')?.value
  return serial === undefined ? `gtin:${parsed.gtin}` : `gtin:${parsed.gtin}:21:${serial}`
}

function judge(
  session: Session,
  wasCounted: boolean,
  lastReadAt: string | null,
  now: Date,
): Extract<Disposition, 'counted' | 'ignored' | 'rejected'> {
  if (!wasCounted || session.duplicatePolicy === 'count') return 'counted'
  if (session.duplicatePolicy === 'reject') return 'rejected'
  const sinceMs = lastReadAt === null ? Number.POSITIVE_INFINITY : Math.abs(now.getTime() - Date.parse(lastReadAt))
  return sinceMs <= session.duplicateWindowMs ? 'ignored' : 'counted'
}
