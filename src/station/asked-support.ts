import { createHash } from 'node:crypto'
import { mostSupportBytes } from '#contract/backend/fleet.ts'
import type { Clock, Log } from '#contract/ports.ts'
import { sentSupportSchema, type SentSupport } from '#contract/station/enrolment.ts'
import type { SiteClient } from '#station/remote/site-client.ts'
import type { Store } from '#station/store/store.ts'
import type { Support } from '#station/upkeep/support.ts'

/** The support bundles that the site asks for. */
export interface AskedSupport {
  /** What went to the site last; null for nothing. */
  last(): SentSupport | null
  /** The site's answer has asked for a bundle, or for none. One that could not be sent is made anew when it asks again. */
  asked(request: string | null): void
  /** Waits for what is under way. */
  close(): Promise<void>
}

const fact = 'support-sent'

/** Makes the bundle that the site asks for, redacted as the one that staff save, sends it, and has it in the ledger. */
export function createAskedSupport(ports: {
  readonly store: Pick<Store, 'facts' | 'ledger' | 'transaction'>
  readonly client: Pick<SiteClient, 'sendSupport'>
  readonly make: (mostBytes: number) => Promise<Support>
  readonly onSent: () => void
  readonly clock: Clock
  readonly log: Log
}): AskedSupport {
  const { store, client, clock, log } = ports
  let underWay: Promise<void> | null = null
  const send = async (request: string): Promise<void> => {
    const { files, zip } = await ports.make(mostSupportBytes)
    const answer = await client.sendSupport({ request, files: [...files], zip: Buffer.from(zip).toString('base64') })
    // It came, and its answer was lost: the site asks for it no more.
    const isThere = answer.ok || answer.failure.status === 409
    if (!isThere) return log.warn({ reason: answer.failure.message }, 'a support bundle did not reach the site')
    const sent = { request, sentAt: clock.now().toISOString(), bytes: zip.length }
    const digest = createHash('sha256').update(zip).digest('hex')
    store.transaction(() => {
      store.facts.set(fact, JSON.stringify(sent))
      store.ledger.append({ kind: 'support.sent', request, digest, bytes: zip.length })
    })
    log.info({ bytes: zip.length }, 'a support bundle was sent to the site, which had asked for it')
    ports.onSent()
  }
  const last = (): SentSupport | null => store.facts.read(fact, sentSupportSchema)
  return {
    last,
    asked(request) {
      if (request === null || underWay !== null || last()?.request === request) return
      underWay = send(request)
        .catch((error: unknown) => log.error({ err: error }, 'a support bundle could not be made'))
        .finally(() => (underWay = null))
    },
    async close() {
      await underWay
    },
  }
}
