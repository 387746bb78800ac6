import {
  checkInAnswerSchema,
  enrolmentAnswerSchema,
  enrolmentRequestSchema,
  fleetPaths,
  healthSchema,
  siteAnswerSchema,
  siteQuerySchema,
} from '#contract/backend/fleet.ts'
import type { ProblemCode } from '#contract/backend/problem.ts'
import type { SiteKey } from '#enrolment/index.ts'
import type { Database } from '../db/database.ts'
import { checkIn, useCode, type CodeFault } from '../fleet.ts'
import { created, ok, refuse } from './answer.ts'
import { route, type Route } from './route.ts'

const problems: Readonly<Record<CodeFault, ProblemCode>> = {
  tampered: 'bad_request',
  other_site: 'forbidden',
  unknown: 'not_found',
  used: 'conflict',
  expired: 'unprocessable_entity',
}

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
        return answer === undefined ? refuse('forbidden', "This key is no enrolled station's.") : ok(answer)
      },
    }),
  ]
}
