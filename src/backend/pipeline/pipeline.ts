import type { Database, Db } from '../db/database.ts'
import type { CaptureRow } from '../db/tables.ts'
import type { Jobs } from '../jobs/jobs.ts'
import type { QueueName } from '../jobs/queue.ts'
import type { Log } from '../log.ts'
import type { Notice, Notices } from '../notices.ts'
import { adoptProposals } from '../proposals/adopt.ts'
import { sessionHappening, type Announce, type Happening } from '../webhooks/announce.ts'
import { steps as standardSteps, type OpenStatus, type Step, type StepContext } from './steps.ts'

/** What a step has to know from outside before it can decide, such as what a photo shows. */
export interface SlowStep {
  readonly queue: QueueName
  /** Processes find out so many at a time. */
  readonly concurrency: number
  /** Whether this capture needs it, asked when it comes to the step. */
  readonly isFor: (capture: CaptureRow) => boolean
  /**
   * Finds it out and answers how it is written, in the transaction that then takes the step: to other tables, and to the
   * capture by the columns that it answers. It is run again after a crash or a throw; the last throw fails the capture.
   */
  readonly run: (
    capture: CaptureRow,
    signal: AbortSignal,
  ) => Promise<(db: Db) => Promise<Partial<Omit<CaptureRow, 'id' | 'session_id' | 'status'>>>>
}

type Located = CaptureRow & { readonly organization_id: string }

/** The states in which a capture is being processed. */
export const openStatuses: readonly OpenStatus[] = ['PENDING', 'LOOKING_UP', 'ENRICHING', 'RESOLVING']

const batchSize = 200
const slowAttempts = 4

/**
 * Puts the pipeline to work on the queue `captures`.
 *
 * Captures that need nothing from outside go their whole way in one transaction, many at a time. One that does waits in
 * its state for a job of its own. Every job may be done again: it is the capture's row, read under a lock, that says
 * where it stands, and one that is elsewhere is left alone.
 */
export function startPipeline(parts: {
  readonly database: Database
  readonly jobs: Jobs
  readonly notices: Notices
  /** Told how captures have ended. */
  readonly count: (status: string, captures: number) => void
  readonly log: Log
  readonly now: () => Date
  readonly steps?: Readonly<Record<OpenStatus, Step>>
  readonly slowSteps?: Readonly<Partial<Record<OpenStatus, SlowStep>>>
  readonly announce?: Announce
}): void {
  const { database, jobs, notices, count, log, now, steps = standardSteps, slowSteps = {} } = parts
  const { announce = () => Promise.resolve() } = parts

  jobs.workBatches('captures', {
    batchSize,
    handle: async (db, ids) => move(db, await lockCaptures(db, ids)),
    giveUp: fail,
    async idle() {
      for (const slow of Object.values(slowSteps)) jobs.wake(slow.queue)
      await finishExtractions()
    },
  })
  for (const status of openStatuses) {
    const slow = slowSteps[status]
    if (slow) jobs.workSingly(slow.queue, singleWork(status, slow))
  }

  function singleWork(status: OpenStatus, slow: SlowStep): Parameters<Jobs['workSingly']>[1] {
    return {
      concurrency: slow.concurrency,
      attempts: slowAttempts,
      backOffMs: (attempt) => 1_000 * 4 ** (attempt - 1),
      async handle(id, signal) {
        const capture = await database.db
          .selectFrom('captures')
          .selectAll()
          .where('id', '=', id)
          .where('status', '=', status)
          .executeTakeFirst()
        if (!capture) return () => Promise.resolve(() => undefined)
        const found = await slow.run(capture, signal)
        return async (db) => {
          const [present] = await lockCaptures(db, [id])
          if (present?.status !== status) return () => undefined
          const columns = await found(db)
          if (Object.keys(columns).length > 0) {
            await db.updateTable('captures').set(columns).where('id', '=', id).execute()
          }
          return move(db, [{ ...present, ...columns }], status)
        }
      },
      giveUp: fail,
    }
  }

  function lockCaptures(db: Db, ids: readonly string[]): Promise<Located[]> {
    // In one order everywhere: two processes never wait for each other.
    return db
      .selectFrom('captures')
      .innerJoin('sessions', 'sessions.id', 'captures.session_id')
      .selectAll('captures')
      .select('sessions.organization_id')
      .where('captures.id', 'in', ids)
      .where('captures.status', 'in', openStatuses)
      .orderBy('captures.id')
      .forNoKeyUpdate('captures')
      .execute()
  }

  /** Moves captures as far as they go; `known` is the state whose slow step has been done. */
  async function move(db: Db, captures: readonly Located[], known?: OpenStatus): Promise<() => void> {
    const gtins = [...new Set(captures.map(({ gtin }) => gtin).filter((gtin) => gtin !== ''))]
    const found =
      gtins.length === 0
        ? []
        : await db.selectFrom('products').select(['gtin', 'id', 'merged_into']).where('gtin', 'in', gtins).execute()
    const context: StepContext = {
      products: new Map(found.map(({ gtin, id, merged_into }) => [gtin, merged_into ?? id])),
      at: now(),
    }

    // Captures that end the same way are written by one statement.
    const moves = new Map<string, { readonly change: Change; readonly ids: string[] }>()
    const told: Notice[] = []
    const ended: Happening[] = []
    for (const capture of captures) {
      const change = follow(capture, context, known)
      ended.push(...happeningsOf({ ...capture, ...change }))
      const way = JSON.stringify(change)
      const same = moves.get(way)
      if (same) same.ids.push(capture.id)
      else moves.set(way, { change, ids: [capture.id] })
      told.push(noticeOf(capture, change.status))
    }
    for (const { change, ids } of moves.values()) {
      await db.updateTable('captures').set(change).where('id', 'in', ids).execute()
      if (change.product_id !== null) await adoptProposals(db, ids, context.at)
      const slow = slowSteps[change.status as OpenStatus]
      if (slow) await jobs.add(db, slow.queue, ids)
    }
    await announce(db, ended)
    return () => {
      notices.publish(told)
      for (const { change, ids } of moves.values()) if (!isOpen(change.status)) count(change.status, ids.length)
    }
  }

  type Change = Pick<CaptureRow, 'status' | 'error_message' | 'product_id' | 'processed_at'>

  function follow(capture: CaptureRow, context: StepContext, known: OpenStatus | undefined): Change {
    let status: CaptureRow['status'] = capture.status
    let change: Change = { status, error_message: '', product_id: null, processed_at: null }
    while (isOpen(status) && (status === known || slowSteps[status]?.isFor(capture) !== true)) {
      const { message, productId, ...decision } = decide({ ...capture, status }, status, context)
      status = decision.status
      change = {
        status,
        error_message: message,
        product_id: productId,
        processed_at: isOpen(status) ? null : context.at.toISOString(),
      }
    }
    return change
  }

  function decide(capture: CaptureRow, from: OpenStatus, context: StepContext): ReturnType<Step> {
    try {
      return steps[from](capture, context)
    } catch (error) {
      log.error({ err: error, capture: capture.id, step: from }, 'capture failed in the pipeline')
      return failed(error instanceof Error ? error.message : String(error))
    }
  }

  async function fail(db: Db, id: string, reason: string): Promise<() => void> {
    const [capture] = await lockCaptures(db, [id])
    if (!capture) return () => undefined
    await db
      .updateTable('captures')
      .set({ status: 'FAILED', error_message: failed(reason).message, processed_at: now().toISOString() })
      .where('id', '=', id)
      .execute()
    await announce(db, happeningsOf({ ...capture, status: 'FAILED' }))
    return () => {
      notices.publish([noticeOf(capture, 'FAILED')])
      count('FAILED', 1)
    }
  }

  /** A submitted session is ready for review when none of its captures is being processed, and none of its photos read. */
  async function finishExtractions(): Promise<void> {
    const extracting = await database.db
      .selectFrom('sessions')
      .select('id')
      .where('extraction_status', '=', 'processing')
      .limit(1)
      .executeTakeFirst()
    if (!extracting) return
    const ready = await database.write(async (db) => {
      const sessions = await db
        .updateTable('sessions')
        .set({ extraction_status: 'ready' })
        .where('extraction_status', '=', 'processing')
        .where(({ and, not, exists, selectFrom }) =>
          and([
            not(
              exists(
                selectFrom('captures')
                  .select('id')
                  .whereRef('captures.session_id', '=', 'sessions.id')
                  .where('captures.status', 'in', openStatuses),
              ),
            ),
            not(
              exists(
                selectFrom('extractions')
                  .select('id')
                  .whereRef('extractions.session_id', '=', 'sessions.id')
                  .where('extractions.is_open', '=', 1),
              ),
            ),
          ]),
        )
        .returning(['id', 'organization_id'])
        .execute()
      await announce(
        db,
        sessions.map((session) => sessionHappening(session, 'scanner.proposals.ready')),
      )
      return sessions
    })
    notices.publish(
      ready.map(({ id, organization_id: organizationId }): Notice => {
        return { organizationId, sessionId: id, subject: 'session', id, status: 'ready' }
      }),
    )
  }
}

function noticeOf(capture: Located, status: CaptureRow['status']): Notice {
  const { id, organization_id: organizationId, session_id: sessionId } = capture
  return { organizationId, sessionId, subject: 'capture', id, status }
}

/** What webhooks are told of a capture: its end, and nothing before. */
function happeningsOf(capture: Located): readonly Happening[] {
  const { id, organization_id: organizationId, session_id, status, gtin, product_id } = capture
  if (status !== 'COMPLETED' && status !== 'NOT_FOUND' && status !== 'FAILED') return []
  const type = `scanner.capture.${status.toLowerCase() as Lowercase<typeof status>}` as const
  return [{ organizationId, type, data: { session_id, capture_id: id, status, gtin, product_short_id: product_id } }]
}

function isOpen(status: CaptureRow['status']): status is OpenStatus {
  return (openStatuses as readonly string[]).includes(status)
}

function failed(reason: string): ReturnType<Step> {
  return { status: 'FAILED', message: `The capture could not be processed: ${reason}`, productId: null }
}
