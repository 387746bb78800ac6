import type { z } from 'zod'
import {
  checkInAnswerSchema,
  enrolmentAnswerSchema,
  type enrolmentRequestSchema,
  fleetPaths,
  siteAnswerSchema,
  type CheckInAnswer,
  type EnrolmentAnswer,
  type Health,
  type SupportUpload,
} from '#contract/backend/fleet.ts'
import { createRequests, type Address, type Fetch, type RemoteResult } from '#station/remote/requests.ts'

/** A site's part for its stations (contract/backend/fleet.ts). Every method answers, none throws. */
export interface SiteClient {
  /** Has the site prove itself; what it answers has not been checked. */
  site(challenge: string): Promise<RemoteResult<z.infer<typeof siteAnswerSchema>>>
  /** Uses a code up. The answer has not been checked. */
  enrol(request: z.input<typeof enrolmentRequestSchema>): Promise<RemoteResult<EnrolmentAnswer>>
  checkIn(health: Health): Promise<RemoteResult<CheckInAnswer>>
  sendSupport(bundle: SupportUpload): Promise<RemoteResult<null>>
  /** Has the site keep what opens this station's data. */
  giveRecoveryKey(recoveryKey: string): Promise<RemoteResult<null>>
}

/** Creates the client; `credential` is asked for each request, and null before the station is enrolled. */
export function createSiteClient(options: {
  readonly fetch: Fetch
  readonly url: Address
  readonly credential: () => Promise<string | null>
  readonly now: () => Date
  readonly signal?: AbortSignal
}): SiteClient {
  const { send } = createRequests(options)
  const ask = async <T>(method: string, path: string, read: z.ZodType<T>, json?: unknown): Promise<RemoteResult<T>> =>
    // With a schema to read it by, an answer is never null.
    (await send(method, path, read, json === undefined ? {} : { json })) as RemoteResult<T>
  return {
    site: (challenge) => ask('GET', `${fleetPaths.site}?challenge=${challenge}`, siteAnswerSchema),
    enrol: (request) => ask('POST', fleetPaths.enrolments, enrolmentAnswerSchema, request),
    checkIn: (health) => ask('POST', fleetPaths.checkIn, checkInAnswerSchema, health),
    sendSupport: (bundle) => send('POST', fleetPaths.support, null, { json: bundle }),
    giveRecoveryKey: (recoveryKey) => send('POST', fleetPaths.recoveryKey, null, { json: { recoveryKey } }),
  }
}
