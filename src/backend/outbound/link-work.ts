import type { QrAnalysis } from '#contract/backend/links.ts'
import type { Database } from '../db/database.ts'
import type { SingleWork } from '../jobs/jobs.ts'
import type { Notices } from '../notices.ts'
import { analyseLink, isWebAddress, type LinkAnalysisParts } from './link-analysis.ts'

/** The work of the queue `link`: follows the address of a capture and writes down where it led. */
export function linkWork(
  parts: Omit<LinkAnalysisParts, 'signal'> & {
    readonly database: Database
    readonly notices: Pick<Notices, 'publish'>
  },
): SingleWork {
  const { database, notices } = parts

  function write(id: string, analysis: QrAnalysis): Awaited<ReturnType<SingleWork['handle']>> {
    return async (db) => {
      const capture = await db
        .updateTable('captures')
        .set({ qr_analysis: JSON.stringify(analysis) })
        .where('id', '=', id)
        .returning(['session_id', 'status'])
        .executeTakeFirst()
      if (!capture) return () => undefined
      const session = await db
        .selectFrom('sessions')
        .select('organization_id')
        .where('id', '=', capture.session_id)
        .executeTakeFirstOrThrow()
      return () =>
        notices.publish([
          {
            organizationId: session.organization_id,
            sessionId: capture.session_id,
            subject: 'capture',
            id,
            status: capture.status,
          },
        ])
    }
  }

  return {
    concurrency: 4,
    // An address cannot end the process: those attempts in which it died had other reasons.
    attempts: 12,
    backOffMs: (attempt) => Math.min(600_000, 5_000 * 4 ** (attempt - 1)),
    async handle(id, signal) {
      const capture = await database.db
        .selectFrom('captures')
        .select('raw_value')
        .where('id', '=', id)
        .where('qr_analysis', 'is', null)
        .executeTakeFirst()
      if (!capture || !isWebAddress(capture.raw_value)) return () => Promise.resolve(() => undefined)
      return write(id, await analyseLink(capture.raw_value, { ...parts, signal }))
    },
    async giveUp(db, id, reason) {
      const capture = await db.selectFrom('captures').select('raw_value').where('id', '=', id).executeTakeFirst()
      if (!capture) return () => undefined
      const address = capture.raw_value
      const analysis: QrAnalysis = {
        initial_url: address,
        final_url: address,
        hops: [],
        hop_count: 0,
        resolver_domain: new URL(address).hostname,
        resolver_type: 'UNKNOWN',
        is_closient_resolver: false,
        extracted_gtin: '',
        error_message: `The address was not followed: ${reason}.`,
      }
      return write(id, analysis)(db)
    },
  }
}
