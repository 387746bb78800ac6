import type { Clock, Ids, Log } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { CaptureType, Disposition, Scan, ScanOutcome } from '#contract/station/capture.ts'
import type { Session } from '#contract/station/session.ts'
import { readScan, type ParsedScan } from '#domain/scan.ts'
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
   * Fails with `conflict` when no session is active and `storage_full` when the disk does not take it: then
   * nothing was saved and the person must be told.
   */
  scan(scan: Scan, photo?: PhotoReference): Promise<Result<ScanOutcome>>
  /** Saves a photo without a readable code as an IMAGE capture; a code found in it is its raw value. */
  image(photo: PhotoReference, code: Scan | null, deviceName: string): Promise<Result<ScanOutcome>>
  /** Resolves when everything handed in so far is answered. */
  idle(): Promise<void>
}

/** The most scans in one transaction: enough to make a burst cheap, few enough to answer the first one soon. */
const batchSize = 256

interface Waiting {
  readonly type: CaptureType
  readonly scan: Scan | null
  readonly deviceName: string
  readonly photo: PhotoReference | null
  readonly resolve: (result: Result<ScanOutcome>) => void
}

/** Creates the one queue between all devices and the store. `onSaved` is called after each commit, in order. */
export function createCapturing(ports: {
  store: Store
  clock: Clock
  ids: Ids
  log: Log
  onSaved: (outcome: ScanOutcome) => void
}): Capturing {
  const { store, clock, ids, log } = ports
  const queue: Waiting[] = []
  let scheduled: Promise<void> | null = null

  const flush = (): void => {
    while (queue.length > 0) {
      const batch = queue.splice(0, batchSize)
      settle(batch, commit(batch))
    }
  }

  const settle = (batch: readonly Waiting[], results: readonly Result<ScanOutcome>[]): void => {
    for (const [index, waiting] of batch.entries()) {
      const result = results[index] ?? fail('internal', 'no result')
      waiting.resolve(result)
      if (!result.ok) continue
      try {
        ports.onSaved(result.value)
      } catch (error) {
        // Whoever listens, the others in the queue are still to be answered.
        log.error({ error: (error as Error).stack }, 'a listener failed')
      }
    }
  }

  const commit = (batch: readonly Waiting[]): Result<ScanOutcome>[] => {
    let saved: (ReturnType<typeof add> | null)[]
    try {
      saved = store.transaction(() => {
        const session = store.sessions.current()
        return batch.map((waiting) => (session ? add(session, waiting) : null))
      })
    } catch (error) {
      if (isStorageError(error)) {
        log.error({ error: (error as Error).message, scans: batch.length }, 'scans could not be saved')
        return batch.map(() => fail('storage_full', `the scan was not saved: ${(error as Error).message}`))
      }
      // One scan that cannot be stored must not take its neighbours with it.
      if (batch.length > 1) return batch.flatMap((waiting) => commit([waiting]))
      log.error({ error: (error as Error).stack }, 'a scan could not be saved')
      return [fail('internal', 'the scan was not saved')]
    }
    return saved.map((row) => {
      if (!row) return fail('conflict', 'no session is active: nothing was saved')
      const capture = store.captures.get(row.id)
      return capture
        ? ok({ outcome: row.outcome, capture, previous: row.previous })
        : fail('internal', 'the row is gone')
    })
  }

  const add = (
    session: Session,
    waiting: Waiting,
  ): { id: string; outcome: ScanOutcome['outcome']; previous: ScanOutcome['previous'] } => {
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
      itemKey,
    })
    return {
      id,
      outcome: disposition === 'counted' ? (history.scans > 0 ? 'repeated' : 'saved') : disposition,
      previous: history.lastCounted,
    }
  }

  const enqueue = (waiting: Omit<Waiting, 'resolve'>): Promise<Result<ScanOutcome>> =>
    new Promise((resolve) => {
      queue.push({ ...waiting, resolve })
      // The next turn of the event loop: everything that a device delivered in this one shares a commit.
      scheduled ??= new Promise<void>((done) => {
        setImmediate(() => {
          scheduled = null
          flush()
          done()
        })
      })
    })

  return {
    scan: (scan, photo) =>
      enqueue({
        type: scan.source === 'manual' ? 'MANUAL' : 'BARCODE',
        scan,
        deviceName: scan.deviceName,
        photo: photo ?? null,
      }),
    image: (photo, code, deviceName) => enqueue({ type: 'IMAGE', scan: code, deviceName, photo }),
    idle: () => scheduled ?? Promise.resolve(),
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
