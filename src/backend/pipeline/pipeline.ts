import { setImmediate, setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import type { CaptureRow } from '../db/tables.ts'
import type { Log } from '../log.ts'
import { steps as standardSteps, type Decision, type OpenStatus, type Step } from './steps.ts'

/** Works the jobs off, in the order in which the captures came. */
export interface Pipeline {
  /** Says that there may be work. */
  readonly wake: () => void
  /** Stops after the step under way; what is left is resumed at the next start. */
  readonly close: () => Promise<void>
}

const batchSize = 200
/** An idle pipeline starts this soon after a capture came … */
const gatherMs = 20
/** … and a busy one takes up the newly come this seldom, so that one commit moves many of them. */
const spacingMs = 150
const retryMs = 1_000

/** Starts the pipeline; it first takes up what an earlier process left. */
export function startPipeline(parts: {
  readonly database: Database
  readonly log: Log
  readonly now: () => Date
  readonly steps?: Readonly<Record<OpenStatus, Step>>
}): Pipeline {
  const { database, log, now, steps = standardSteps } = parts
  const { db } = database
  const stop = new AbortController()
  // There may be work from before.
  let isAwake = true
  let ring = (): void => undefined

  function wake(): void {
    isAwake = true
    ring()
  }

  let readyAt = 0

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      if (!isAwake) await new Promise<void>((resolve) => (ring = resolve))
      isAwake = false
      try {
        const waitMs = Math.max(gatherMs, readyAt - performance.now())
        await delay(waitMs, undefined, { signal: stop.signal })
        // Those that come meanwhile are left to the next round: they would be moved one by one.
        const last = await lastJob()
        while (!stop.signal.aborted && (await advance(last))) await setImmediate()
        await finishExtractions()
        readyAt = performance.now() + spacingMs
      } catch (error) {
        if (stop.signal.aborted) return
        // Not a capture's fault: the disk is full or the file is locked. Nothing is lost by waiting.
        log.error({ err: error }, 'pipeline cannot work, trying again')
        await delay(retryMs, undefined, { signal: stop.signal }).catch(() => undefined)
        isAwake = true
      }
    }
  }

  async function lastJob(): Promise<string> {
    const job = await db
      .selectFrom('jobs')
      .select('capture_id')
      .orderBy('capture_id', 'desc')
      .limit(1)
      .executeTakeFirst()
    return job?.capture_id ?? ''
  }

  /** Moves the oldest captures, up to a last one, one step; false when there were none. */
  async function advance(last: string): Promise<boolean> {
    const captures = await db
      .selectFrom('captures')
      .innerJoin('jobs', 'jobs.capture_id', 'captures.id')
      .selectAll('captures')
      .where('jobs.capture_id', '<=', last)
      .orderBy('jobs.capture_id')
      .limit(batchSize)
      .execute()
    if (captures.length === 0) return false

    const gtins = [...new Set(captures.map(({ gtin }) => gtin).filter((gtin) => gtin !== ''))]
    const found =
      gtins.length === 0
        ? []
        : await db.selectFrom('products').select(['gtin', 'id']).where('gtin', 'in', gtins).execute()
    const context = { products: new Map(found.map(({ gtin, id }) => [gtin, id])), at: now() }

    // Captures that go the same way are moved by one statement.
    const moves = new Map<string, { from: OpenStatus; decision: Decision; ids: string[] }>()
    for (const capture of captures) {
      const from = capture.status as OpenStatus
      const decision = decide(capture, from, context)
      const way = JSON.stringify([from, decision])
      const move = moves.get(way)
      if (move) move.ids.push(capture.id)
      else moves.set(way, { from, decision, ids: [capture.id] })
    }

    await database.write(async (transaction) => {
      for (const { from, decision, ids } of moves.values()) {
        const isEnd = decision.status === 'COMPLETED' || decision.status === 'NOT_FOUND' || decision.status === 'FAILED'
        await transaction
          .updateTable('captures')
          .set({
            status: decision.status,
            error_message: decision.message,
            product_id: decision.productId,
            processed_at: isEnd ? context.at.toISOString() : null,
          })
          .where('id', 'in', ids)
          // Whoever moved it in the meantime was right; this step is then simply not needed.
          .where('status', '=', from)
          .execute()
        if (!isEnd) continue
        await transaction
          .deleteFrom('jobs')
          .where('capture_id', 'in', ids)
          .where(sql<boolean>`(select status from captures where id = jobs.capture_id) = ${decision.status}`)
          .execute()
      }
    })
    return true
  }

  function decide(capture: CaptureRow, from: OpenStatus, context: Parameters<Step>[1]): Decision {
    try {
      return steps[from](capture, context)
    } catch (error) {
      log.error({ err: error, capture: capture.id, step: from }, 'capture failed in the pipeline')
      const reason = error instanceof Error ? error.message : String(error)
      return { status: 'FAILED', message: `The capture could not be processed: ${reason}`, productId: null }
    }
  }

  /** A submitted session is ready for review when none of its captures is being processed. */
  async function finishExtractions(): Promise<void> {
    await db
      .updateTable('sessions')
      .set({ extraction_status: 'ready' })
      .where('extraction_status', '=', 'processing')
      .where(
        sql<boolean>`not exists (
          select 1 from captures join jobs on jobs.capture_id = captures.id where captures.session_id = sessions.id
        )`,
      )
      .execute()
  }

  const running = run()
  return {
    wake,
    async close() {
      stop.abort()
      wake()
      await running
    },
  }
}
