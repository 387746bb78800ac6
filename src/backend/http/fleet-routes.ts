import {
  checkInAnswerSchema,
  enrolmentAnswerSchema,
  enrolmentRequestSchema,
  fleetPaths,
  healthSchema,
  recoveryKeyGivenSchema,
  siteAnswerSchema,
  siteQuerySchema,
  supportUploadSchema,
} from '#contract/backend/fleet.ts'
import type { ProblemCode } from '#contract/backend/problem.ts'
import type { SiteKey } from '#enrolment/index.ts'
import type { Database } from '../db/database.ts'
import { checkIn, useCode, type CodeFault } from '../fleet.ts'
import { keepRecoveryKey } from '../recovery-keys.ts'
import { takeSupport } from '../support.ts'
import { created, noContent, ok, refuse } from './answer.ts'
import { route, type Route } from './route.ts'

const problems: Readonly<Record<CodeFault, ProblemCode>> = {
  tampered: 'bad_request',
  other_site: 'forbidden',
  unknown: 'not_found',
  used: 'conflict',
  expired: 'unprocessable_entity',
}

const noStation = "This key is no enrolled station's."

/** How stations come in, tell how they are, and are told their settings. */
export function fleetRoutes({
  write,
  site,
}: {
  readonly write: Database['write']
  readonly site: SiteKey
}): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: fleetPaths.site,
      operationId: 'site',
      summary: 'Who this site is, signed: asked by a station before it shows a code',
      access: 'none',
      query: siteQuerySchema,
      success: { status: 200, schema: siteAnswerSchema },
      handle: ({ query, at }) =>
        ok(site.signed({ publicKey: site.publicKey, challenge: query.challenge, at: at.toISOString() })),
    }),

    route({
      method: 'POST',
      path: fleetPaths.enrolments,
      operationId: 'enrolStation',
      summary: 'Exchange a one-time code for an API key; the answer is signed',
      access: 'none',
      body: enrolmentRequestSchema,
      success: { status: 201, schema: enrolmentAnswerSchema },
      refusals: ['bad_request', 'forbidden', 'not_found', 'conflict', 'unprocessable_entity'],
      async handle({ body, at }) {
        const { challenge } = body
        const used = await write((transaction) => useCode(transaction, site, body, at))
        return 'fault' in used
          ? refuse(problems[used.fault], used.detail)
          : created(site.signed({ ...used, challenge }))
      },
    }),

    route({
      method: 'POST',
      path: fleetPaths.checkIn,
      operationId: 'checkIn',
      summary: 'A station tells how it is, and is answered what is set for it',
      access: 'write',
      body: healthSchema,
      success: { status: 200, schema: checkInAnswerSchema },
      refusals: ['forbidden'],
      async handle({ credential, body, at, db }) {
        const answer = await checkIn(db, credential.subject.replace(/^key:/, ''), body, at)
        return answer === undefined ? refuse('forbidden', noStation) : ok(answer)
      },
    }),

    route({
      method: 'POST',
      path: fleetPaths.support,
      operationId: 'sendSupportBundle',
      summary: 'A station sends the support bundle that the answer to its check-in has asked for',
      access: 'write',
      body: supportUploadSchema,
      success: { status: 204 },
      refusals: ['bad_request', 'forbidden', 'conflict'],
      async handle({ credential, body, at, db }) {
        const taken = await takeSupport(db, credential.subject.replace(/^key:/, ''), body, at)
        switch (taken) {
          case 'taken':
            return noContent()
          case 'no_station':
            return refuse('forbidden', noStation)
          case 'not_asked':
            return refuse('conflict', 'Nobody asks this station for that bundle, or it is here already.')
          case 'no_zip':
            return refuse('bad_request', 'The bundle is no zip, or too large.')
        }
      },
    }),

    route({
      method: 'POST',
      path: fleetPaths.recoveryKey,
      operationId: 'keepRecoveryKey',
      summary: 'A station gives the key that opens its data, to be kept for the day its own key store is lost',
      access: 'write',
      body: recoveryKeyGivenSchema,
      success: { status: 204 },
      refusals: ['bad_request', 'forbidden', 'conflict'],
      async handle({ credential, body, at, db }) {
        const kept = await keepRecoveryKey(db, credential.subject.replace(/^key:/, ''), body.recoveryKey, at)
        switch (kept) {
          case 'kept':
            return noContent()
          case 'no_station':
            return refuse('forbidden', noStation)
          case 'no_key':
            return refuse('bad_request', 'This is no recovery key: its check does not hold.')
          case 'too_many':
            return refuse('conflict', 'This station has given too many keys; none of them makes room for another.')
        }
      },
    }),
  ]
}
